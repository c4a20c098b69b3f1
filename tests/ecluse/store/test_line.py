"""The line in Redis, step by step: every reply, and that repeating a step changes nothing."""

import asyncio

from ecluse.domain.room import Lane
from ecluse.store.line import Admitted, Called, Closed, Early, Entry, Full, Gone, Missed, Waiting
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, OpenBench


async def test_a_newcomer_is_admitted_at_once_only_if_wanted_and_the_limits_allow(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2)
    place = await bench.line.enter(new_id(), "main", EPOCH, at_once=False)
    assert isinstance(place, Entry)
    assert (place.epoch, place.standing) == (EPOCH, Waiting(0))
    other = open_bench(id="autre", burst=2)
    found = [await other.line.enter(new_id(), "main", EPOCH, at_once=True) for _ in range(3)]
    standings = [entry.standing for entry in found if isinstance(entry, Entry)]
    start = int(other.now)
    assert standings == [Admitted(start + 30_000, start), Admitted(start + 30_000, start), Waiting(0)]


async def test_entering_twice_changes_nothing(open_bench: OpenBench) -> None:
    bench = open_bench(burst=1)
    for at_once in (True, False, True):
        ticket = new_id()
        first = await bench.line.enter(ticket, "main", EPOCH, at_once=at_once)
        counted = await bench.number("number"), await bench.number("admissions")
        again = await asyncio.gather(*(bench.line.enter(ticket, "main", EPOCH, at_once=True) for _ in range(20)))
        assert isinstance(first, Entry)
        assert {entry.standing for entry in again if isinstance(entry, Entry)} == {first.standing}
        assert counted == (await bench.number("number"), await bench.number("admissions"))
    assert len(await bench.members("main")) == 2


async def test_numbers_follow_the_order_of_arrival(open_bench: OpenBench) -> None:
    bench = open_bench()
    entries = [await bench.line.enter(new_id(), "main", EPOCH, at_once=False) for _ in range(50)]
    numbers = [entry.number for entry in entries if isinstance(entry, Entry)]
    assert numbers == list(range(numbers[0], numbers[0] + 50))
    assert [entry.standing for entry in entries if isinstance(entry, Entry)] == [Waiting(n) for n in range(50)]


async def test_a_closed_room_and_a_full_line_take_nobody(open_bench: OpenBench) -> None:
    bench = open_bench(line_max=3)
    kept = await bench.enter(3)
    assert await bench.line.enter(new_id(), "main", EPOCH, at_once=True) == Full()
    assert await bench.line.enter(kept[1], "main", EPOCH, at_once=True) != Full()
    await bench.set(mode="closed")
    assert await bench.line.enter(new_id(), "main", EPOCH, at_once=True) == Closed()
    assert await bench.members("main") == kept


async def test_a_newcomer_never_passes_somebody_waiting_or_called(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, capacity=10)
    (first,) = await bench.enter(1)
    second = new_id()
    newcomer = await bench.line.enter(second, "main", EPOCH, at_once=True)
    assert isinstance(newcomer, Entry)
    assert newcomer.standing == Waiting(1), "two places are free, and somebody waits"
    await bench.call(2)
    assert sorted(await bench.members("called")) == sorted([first, second])
    third = await bench.line.enter(new_id(), "main", EPOCH, at_once=True)
    assert isinstance(third, Entry)
    assert third.standing == Waiting(0), "both admissions that are free belong to those called"
    bench.advance(1.0)
    assert isinstance(await bench.line.claim(first), Admitted)


async def test_nobody_is_admitted_at_once_while_operators_hold_a_line(open_bench: OpenBench) -> None:
    for mode in ("queueing", "paused"):
        bench = open_bench(id=mode)
        await bench.set(mode=mode)
        entry = await bench.line.enter(new_id(), "main", EPOCH, at_once=True)
        assert isinstance(entry, Entry)
        assert entry.standing == Waiting(0)


async def test_looking_tells_every_state_and_changes_none(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    assert await bench.line.look(new_id()) == Gone()
    tickets = await bench.enter(4)
    await bench.call(3)
    deadline = int(bench.now) + 20_000
    assert [await bench.line.look(ticket) for ticket in tickets] == [*[Called(deadline)] * 3, Waiting(0)]
    admitted = await bench.line.claim(tickets[0])
    assert await bench.line.look(tickets[0]) == admitted == Admitted(int(bench.now) + 30_000, int(bench.now))
    await bench.line.finish(tickets[0])
    await bench.line.leave(tickets[1])
    bench.advance(20)
    await bench.line.expire()
    expected = [Gone(), Gone(), Missed(), Waiting(0)]
    before = await bench.store.command("HGETALL", bench.line.keys.step[0])
    for _ in range(20):
        assert [await bench.line.look(ticket) for ticket in tickets] == expected
    assert await bench.store.command("HGETALL", bench.line.keys.step[0]) == before


async def test_two_hundred_claims_of_one_ticket_are_one_admission(open_bench: OpenBench) -> None:
    bench = open_bench(lines=2, pace_per_minute=60_000, burst=500)
    tickets = await bench.called(20)
    lines = (bench.line, *bench.more)
    for ticket in tickets:
        found = await asyncio.gather(*(lines[n % 2].claim(ticket) for n in range(200)))
        assert len(set(found)) == 1
        assert isinstance(found[0], Admitted)
    assert await bench.number("admissions") == 20
    assert sorted(await bench.members("admitted")) == sorted(tickets)
    assert not await bench.members("called")


async def test_claims_say_why_not_yet(open_bench: OpenBench) -> None:
    bench = open_bench(burst=1, capacity=2)
    first, second, third, fourth = await bench.called(4)
    (behind,) = await bench.enter(1)
    assert await bench.line.claim(behind) == Waiting(0)
    assert await bench.line.claim(new_id()) == Gone()
    assert await bench.line.claim(first, take=False) == Early(1000.0, "turn")
    assert isinstance(await bench.line.claim(first), Admitted)
    assert await bench.line.claim(second) == Early(1000.0, "pace")
    bench.advance(1)
    assert isinstance(await bench.line.claim(second), Admitted)
    bench.advance(5)
    assert await bench.line.claim(third) == Early(1000.0, "capacity")
    await bench.line.finish(first)
    await bench.set(mode="paused")
    assert await bench.line.claim(third) == Early(5000.0, "paused")
    await bench.set(mode="closed")
    assert await bench.line.claim(third) == Closed()
    await bench.set(mode="open")
    assert isinstance(await bench.line.claim(third), Admitted)
    bench.advance(60)
    await bench.line.expire()
    assert await bench.line.claim(fourth) == Missed()


async def test_a_claim_that_comes_early_keeps_its_call_for_long_enough(open_bench: OpenBench) -> None:
    bench = open_bench(burst=1, pace_per_minute=2, claim_ms=20_000)
    first, second = await bench.called(2)
    await bench.line.claim(first)
    early = await bench.line.claim(second)
    assert early == Early(30_000.0, "pace"), "longer than the whole claim window"
    bench.advance(29.9)
    await bench.line.expire()
    assert isinstance(await bench.line.look(second), Called)
    bench.advance(0.2)
    assert isinstance(await bench.line.claim(second), Admitted)


async def test_more_time_is_given_twenty_times_and_only_to_those_called(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.called()
    for _ in range(20):
        bench.advance(10)
        assert await bench.line.extend(ticket) == Called(int(bench.now) + 20_000)
        await bench.line.claim(ticket, take=False)
    last = await bench.line.look(ticket)
    bench.advance(5)
    assert await bench.line.extend(ticket) == last, "the twenty-first gives no more"
    (waiting,) = await bench.enter(1)
    assert await bench.line.extend(waiting) == Waiting(0)
    assert await bench.line.extend(new_id()) == Gone()


async def test_a_missed_turn_comes_back_once_at_its_own_place(open_bench: OpenBench) -> None:
    bench = open_bench()
    tickets = await bench.enter(3)
    number = int(await bench.store.command("ZSCORE", bench.line.keys.step[-1], tickets[0]))
    await bench.call(1)
    bench.advance(20)
    assert await bench.line.expire() == (False, 1, 0)
    asked = await bench.line.restore(tickets[0], "main", number, number, epochs=(EPOCH, "other-01"), back=False)
    assert asked.standing == Missed()
    back = await bench.line.restore(tickets[0], "main", number, number, epochs=(EPOCH, "other-01"), back=True)
    assert (back.standing, back.put_back, back.epoch) == (Waiting(0), True, EPOCH)
    assert await bench.members("main") == tickets
    await bench.call(1)
    bench.advance(20)
    await bench.line.expire()
    assert await bench.line.look(tickets[0]) == Gone()
    again = await bench.line.restore(tickets[0], "main", number, number, epochs=(EPOCH, "other-01"), back=True)
    assert (again.standing, again.put_back) == (Gone(), False)


async def test_leaving_and_finishing_twice_do_no_harm(open_bench: OpenBench) -> None:
    bench = open_bench(burst=4)
    waiting, called, inside = (await bench.called(3))[0], (await bench.called())[0], (await bench.called())[0]
    await bench.line.claim(inside)
    for ticket, left in ((waiting, True), (called, True), (inside, False), (new_id(), False)):
        assert [await bench.line.leave(ticket) for _ in range(2)] == [left, False]
    assert [await bench.line.finish(inside) for _ in range(3)] == [True, False, False]
    assert await bench.number("left") == 2
    assert await bench.number("finished") == 1
    assert not await bench.members("admitted")
    assert await bench.line.claim(inside) == Gone()


async def test_a_visit_goes_on_up_to_its_longest_time_and_not_after_its_end(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1, at_once=True)
    start = int(bench.now)
    for passed, expected in ((10, 40_000), (39, 69_000), (68, 90_000), (89, 90_000)):
        bench.line.now_ms = start + passed * 1000
        # What the caller says of the beginning counts only if Redis forgot it.
        assert await bench.line.renew(ticket, start + 10**9) == Admitted(start + expected, start)
    bench.line.now_ms = start + 90_000
    assert await bench.line.renew(ticket, start) == Gone()
    assert await bench.line.claim(ticket) == Gone()
    (other,) = await bench.enter(1, at_once=True)
    await bench.line.finish(other)
    assert await bench.line.renew(other, int(bench.now)) == Gone()


async def test_a_visit_that_redis_forgot_goes_on_by_its_pass_with_its_own_beginning(open_bench: OpenBench) -> None:
    bench = open_bench()
    start = int(bench.now) - 80_000
    assert await bench.line.renew("forgotten-1", start) == Admitted(start + 90_000, start)
    assert await bench.members("admitted") == ["forgotten-1"]
    assert await bench.line.renew("forgotten-2", int(bench.now) - 100_000) == Gone()


async def test_time_ends_calls_and_visits_in_pieces_of_bounded_size(open_bench: OpenBench) -> None:
    bench = open_bench(pace_per_minute=60_000, burst=1000)
    tickets = await bench.called(30)
    await asyncio.gather(*(bench.line.claim(ticket) for ticket in tickets[:12]))
    bench.advance(31)
    assert await bench.line.expire(10) == (True, 10, 10)
    assert await bench.line.expire(10) == (False, 8, 2)
    assert await bench.line.expire(10) == (False, 0, 0)
    assert (await bench.number("missed"), await bench.number("expired")) == (18, 12)


async def test_calls_wait_while_the_room_is_stopped(open_bench: OpenBench) -> None:
    for mode in ("paused", "closed"):
        bench = open_bench(id=mode)
        called, waiting = (await bench.called())[0], (await bench.enter(1))[0]
        await bench.set(mode=mode)
        bench.advance(100)
        assert await bench.line.expire() == (False, 0, 0)
        assert isinstance(await bench.line.look(called), Called)
        assert await bench.line.call(1, await bench.calls()) is None
        assert await bench.line.look(waiting) == Waiting(0)


async def test_a_call_made_on_an_old_picture_does_nothing(open_bench: OpenBench) -> None:
    bench = open_bench()
    await bench.enter(5)
    seen = await bench.calls()
    found = await asyncio.gather(*(bench.line.call(1, seen) for _ in range(10)))
    assert len([each for each in found if each is not None]) == 1
    assert len(await bench.members("called")) == 1


async def test_what_happened_long_ago_is_forgotten(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=(Lane(id="main"),))
    gone, missed, left = await bench.called(3)
    await bench.line.leave(left)
    bench.advance(20)
    await bench.line.expire()
    await bench.line.restore(gone, "main", 1, 1, epochs=(EPOCH, EPOCH), back=True)
    await bench.call(1)
    bench.advance(20)
    await bench.line.expire()
    assert sorted(await bench.members("missed")) == sorted([gone, missed])
    bench.advance(86_500)
    await bench.line.expire()
    assert not await bench.members("missed")
    assert not await bench.members("ended")
