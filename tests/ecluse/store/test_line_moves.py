"""A place that goes to another device: one copy of the ticket holds it, whoever asks at the same time."""

import asyncio

from ecluse.store.line import Admitted, Called, Early, Gone, Missed, Moved, Waiting
from tests.ecluse.store.conftest import START_MS, OpenBench

ISSUED = int(START_MS // 1000)


async def test_a_moved_place_keeps_its_place_and_refuses_every_older_copy(open_bench: OpenBench) -> None:
    bench = open_bench()
    first, ticket, last = await bench.enter(3)
    moved = await bench.line.move(ticket, ISSUED)
    assert isinstance(moved, Moved)
    assert moved.moment == ISSUED + 1  # a copy of the same second can be told from the one that holds the place
    assert await bench.members("main") == [first, ticket, last]
    assert await bench.line.look(ticket, ISSUED) == moved
    assert await bench.line.leave(ticket, ISSUED) == moved
    assert await bench.line.look(ticket, moved.moment) == Waiting(1)
    await bench.call(3)
    for refused in (bench.line.claim(ticket, ISSUED), bench.line.extend(ticket, ISSUED)):
        assert await refused == moved
    assert await bench.number("admissions") == 0
    assert isinstance(await bench.line.extend(ticket, moved.moment), Called)
    assert isinstance(await bench.line.claim(ticket, moved.moment), Admitted)
    assert await bench.line.claim(ticket, ISSUED) == moved


async def test_a_call_moves_with_its_place_and_keeps_its_deadline(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.called()
    before = await bench.line.look(ticket)
    moved = await bench.line.move(ticket, ISSUED)
    assert isinstance(moved, Moved)
    assert await bench.line.look(ticket, moved.moment) == before


async def test_a_missed_turn_is_taken_back_by_the_device_that_holds_the_place(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.called()
    number = int(await bench.store.command("HGET", bench.line.keys.step[0], "number"))
    bench.advance(21)
    await bench.line.expire()
    moved = await bench.line.move(ticket, ISSUED)
    assert isinstance(moved, Moved)

    async def back(issued_at: int) -> object:
        found = await bench.line.restore(
            ticket, "main", number, number, epochs=("epoch-01", "epoch-02"), back=True, issued_at=issued_at
        )
        return found.standing

    assert await back(ISSUED) == moved
    assert await bench.line.look(ticket) == Missed()
    assert await back(moved.moment) == Waiting(0)


async def test_only_a_place_that_is_still_to_come_can_move(open_bench: OpenBench) -> None:
    bench = open_bench(burst=1)
    inside, gone = await bench.called(2)
    admitted = await bench.line.claim(inside)
    assert await bench.line.move(inside, ISSUED) == admitted
    await bench.line.leave(gone)
    assert await bench.line.move(gone, ISSUED) == Gone()
    assert await bench.line.move("never-heard", ISSUED) == Gone()
    assert await bench.members("moved") == []
    assert await bench.line.claim(inside, ISSUED) == admitted


async def test_a_place_moved_back_leaves_the_other_device_behind_whatever_the_clocks_say(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter()
    moments = []
    for known in (ISSUED + 2, ISSUED, ISSUED):  # the first gateway's clock is ahead of Redis
        moved = await bench.line.move(ticket, known)
        assert isinstance(moved, Moved)
        moments.append(moved.moment)
    assert moments[0] == ISSUED + 3
    assert moments == sorted(set(moments))
    assert [type(await bench.line.look(ticket, moment)) for moment in moments] == [Moved, Moved, Waiting]


async def test_a_place_that_moves_too_often_is_told_to_wait_and_moves_again(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter()
    outcomes = [await bench.line.move(ticket, ISSUED) for _ in range(7)]
    assert [type(outcome) for outcome in outcomes] == [*[Moved] * 5, Early, Early]
    bench.advance(2)
    assert isinstance(await bench.line.move(ticket, ISSUED), Moved)


async def test_of_two_hundred_moves_and_claims_at_once_there_is_one_holder_and_one_admission(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(lines=8)
    (ticket,) = await bench.called()
    lines = [bench.line, *bench.more]

    async def one(index: int) -> tuple[int, object]:
        line = lines[index % 8]
        if index % 2:
            return ISSUED, await line.claim(ticket, ISSUED)
        moved = await line.move(ticket, ISSUED)
        if not isinstance(moved, Moved):
            return 0, moved
        return moved.moment, await line.claim(ticket, moved.moment)

    outcomes = await asyncio.gather(*(one(index) for index in range(200)))
    holders = {copy for copy, outcome in outcomes if copy and isinstance(outcome, Admitted)}
    assert len(holders) == 1
    assert await bench.number("admissions") == 1
    assert await bench.members("admitted") == [ticket]
    (holder,) = holders
    looks = {copy: await bench.line.look(ticket, copy) for copy, _ in outcomes if copy}
    assert [copy for copy, found in looks.items() if isinstance(found, Admitted)] == [holder] == [max(looks)]


async def test_a_move_is_forgotten_once_every_older_copy_has_expired(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter()
    await bench.line.move(ticket, ISSUED)
    bench.advance(86_000)
    await bench.line.expire()
    assert await bench.members("moved") == [ticket]
    bench.advance(500)
    await bench.line.expire()
    assert await bench.members("moved") == []
