"""The line when Redis forgets: scripts, connections, or everything."""

import asyncio
from random import Random
from typing import Any

from ecluse.domain.room import Lane
from ecluse.store.line import Admitted, Closed, Entry, Full, Gone, Waiting
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, Bench, OpenBench

NEW = "epoch-02"


async def test_a_forgotten_script_is_loaded_again(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    tickets = await bench.called(3)
    await bench.store.command("SCRIPT", "FLUSH")
    found = await asyncio.gather(*(bench.line.claim(ticket) for ticket in tickets), bench.line.expire())
    assert all(isinstance(each, Admitted) for each in found[:3])
    assert await bench.number("admissions") == 3


async def test_a_killed_connection_is_made_again_and_no_step_runs_twice(open_bench: OpenBench) -> None:
    bench = open_bench(lines=2, burst=100, pace_per_minute=60_000)
    tickets = await bench.called(40)
    other = bench.more[0]
    for ticket in tickets:
        await asyncio.gather(other.look(ticket), bench.line.claim(ticket))
        own = await bench.store.command("CLIENT", "ID")
        await other.store.command("CLIENT", "KILL", "ID", own)
    assert await bench.number("admissions") == 40
    assert len(await bench.members("admitted")) == 40


async def test_tickets_of_a_lost_life_come_back_at_their_own_places_before_all_newcomers(open_bench: OpenBench) -> None:
    bench = open_bench()
    entries = [(ticket, await bench.line.enter(ticket, "main", EPOCH, at_once=False)) for ticket in
               (new_id() for _ in range(40))]  # fmt: skip
    places = {ticket: entry.number for ticket, entry in entries if isinstance(entry, Entry)}
    await bench.store.command("FLUSHALL")
    bench.advance(2)
    newcomers = []
    shuffled = list(places)
    Random(4).shuffle(shuffled)
    for ticket in shuffled:
        number = places[ticket]
        found = await bench.line.restore(ticket, "main", number, number, epochs=(EPOCH, NEW), back=False)
        assert (found.epoch, found.put_back) == (NEW, True)
        newcomer = new_id()
        entry = await bench.line.enter(newcomer, "main", "epoch-03", at_once=True)
        assert isinstance(entry, Entry)
        assert entry.epoch == NEW
        newcomers.append(newcomer)
    assert await bench.members("main") == [*places, *newcomers]
    again = await bench.line.restore(shuffled[0], "main", 1, places[shuffled[0]], epochs=(EPOCH, NEW), back=False)
    assert (again.put_back, again.standing) == (False, Waiting(list(places).index(shuffled[0])))


async def test_while_lost_tickets_come_back_nobody_is_called_and_nobody_passes(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    late, early = "ticket-of-9", "ticket-of-3"
    await bench.line.restore(late, "main", 9, 9, epochs=("epoch-00", NEW), back=False)
    await bench.line.leave(late)
    newcomer = await bench.line.enter("a-newcomer-", "main", NEW, at_once=True)
    assert isinstance(newcomer, Entry)
    assert newcomer.standing == Waiting(0), "the line only looks empty"
    bench.advance(14)
    assert await bench.line.call(2, 0) is None
    await bench.line.restore(early, "main", 3, 3, epochs=("epoch-00", NEW), back=False)
    bench.advance(2.9)
    assert await bench.line.call(1, 0) is None, "the front is still coming back"
    bench.advance(0.2)
    assert await bench.line.call(1, 0) == {"main": (1, 3.0)}, "a later ticket began the wait anew"
    assert await bench.members("main") == ["a-newcomer-"]


async def test_a_ticket_of_this_life_that_is_not_there_is_finished(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1)
    number = int(await bench.number("number"))
    await bench.line.leave(ticket)
    for _ in range(2):
        found = await bench.line.restore(ticket, "main", number, number, epochs=(EPOCH, NEW), back=True)
        assert (found.standing, found.put_back, found.epoch) == (Gone(), False, EPOCH)
        await bench.store.command("DEL", bench.line.keys.ended)


async def test_a_number_that_this_life_never_gave_was_lost_in_a_failover(open_bench: OpenBench) -> None:
    """The last second of a primary that died: its tickets are genuine, and its replica never heard of them."""
    bench = open_bench()
    await bench.enter(2)
    last = int(await bench.number("number"))
    found = await bench.line.restore("lost-ticket", "main", last + 3, last + 3, epochs=(EPOCH, NEW), back=False)
    assert (found.standing, found.put_back) == (Waiting(2), True)
    entry = await bench.line.enter(new_id(), "main", EPOCH, at_once=False)
    assert isinstance(entry, Entry)
    assert entry.number > last + 3, "the next number is given twice"


async def test_restoring_obeys_the_rooms_cap_and_mode(open_bench: OpenBench) -> None:
    bench = open_bench(line_max=2)
    await bench.enter(2)
    found = await bench.line.restore("lost-ticket", "main", 5, 5, epochs=("epoch-00", NEW), back=False)
    assert found.standing == Full()
    await bench.set(mode="closed")
    found = await bench.line.restore("lost-ticket", "main", 5, 5, epochs=("epoch-00", NEW), back=False)
    assert found.standing == Closed()
    assert len(await bench.members("main")) == 2


async def test_places_come_back_in_their_own_lanes(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=(Lane(id="main"), Lane(id="urgent")))
    for ticket, lane in (("a", "main"), ("b", "urgent"), ("c", "main")):
        await bench.line.restore(ticket, lane, 7, 7, epochs=("epoch-00", NEW), back=False)
    assert await bench.members("main") == ["a", "c"]
    assert await bench.members("urgent") == ["b"]


async def test_a_life_named_after_another_one_holds_its_calls_from_the_start(open_bench: OpenBench) -> None:
    """Whoever knew the life before says so: no newcomer slips in before the first lost ticket is back."""
    bench = open_bench(burst=5)
    entry = await bench.line.enter("a-newcomer-", "main", f"{NEW} {EPOCH}", at_once=True)
    assert isinstance(entry, Entry)
    assert (entry.epoch, entry.standing) == (NEW, Waiting(0))
    assert await bench.line.call(1, 0) is None
    picture: Any = await bench.line.tick(200, "epoch-03")
    assert picture["healing"]["calls_from_ms"] - picture["healing"]["since_ms"] == 15_000
    bench.advance(15.1)
    assert await bench.line.call(1, 0) is not None
    other = open_bench(id="first", burst=5)
    entry = await other.line.enter("a-newcomer-", "main", EPOCH, at_once=True)
    assert isinstance(entry, Entry)
    assert isinstance(entry.standing, Admitted), "the first life of a room has nobody to wait for"


async def _late(bench: Bench, how_many: int, first: int = 1) -> list[str]:
    """Tickets of a lost life that come back when the line has long gone past them."""
    tickets = [f"late-{first + i:06d}" for i in range(how_many)]
    for at, ticket in enumerate(tickets):
        await bench.line.restore(ticket, "main", first + at, first + at, epochs=("epoch-00", NEW), back=False)
    bench.advance(15.1)
    return tickets


async def test_who_comes_back_late_is_first_but_takes_no_more_than_one_call_in_five(open_bench: OpenBench) -> None:
    bench = open_bench(claim_ms=3_600_000)
    await bench.enter(400)
    await bench.call(1)
    late = await _late(bench, 100)
    assert (await bench.members("main"))[:100] == late, "they stand at their own places, before all others"
    for _ in range(40):
        await bench.call(5)
    called = set(await bench.members("called"))
    come_back = [ticket for ticket in late if ticket in called]
    assert come_back == late[: len(come_back)], "in their order"
    assert 40 <= len(come_back) <= 10 + 40, "ten at once, and one in five after"
    for _ in range(16):
        await bench.call(20)
    assert await bench.members("main") == [], "none of them waits for ever"


async def test_a_few_who_come_back_late_are_called_at_once_and_all_of_them_where_nobody_else_waits(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(claim_ms=3_600_000)
    await bench.enter(20)
    await bench.call(1)
    late = await _late(bench, 6)
    await bench.call(6)
    assert set(late) <= set(await bench.members("called"))
    await bench.call(19)
    more = await _late(bench, 30, first=100)
    assert await bench.call(30) == {"main": 30}
    assert set(more) <= set(await bench.members("called"))


async def test_a_missed_turn_asked_back_is_not_held_by_the_budget_of_those_who_come_back_late(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(claim_ms=5_000)
    missed = await bench.called(40)
    await bench.enter(100)
    bench.advance(6)
    await bench.line.expire()
    number = int(await bench.number("number"))
    for ticket in missed:
        place = number - 140 + missed.index(ticket) + 1
        await bench.line.restore(ticket, "main", place, place, epochs=(EPOCH, NEW), back=True)
    await bench.call(40)
    assert set(await bench.members("called")) == set(missed)


async def test_a_new_life_is_told_how_far_the_line_had_been_called_and_never_less(open_bench: OpenBench) -> None:
    bench = open_bench()
    await bench.enter(3)
    await bench.line.recall(EPOCH, {"main": 7.5})
    await bench.line.recall(EPOCH, {"main": 3.0})
    await bench.line.recall("epoch-09", {"main": 99.0})
    assert await bench.number("serving:main") == 7.5


async def test_who_learns_of_a_new_life_long_after_it_began_starts_no_return(open_bench: OpenBench) -> None:
    """A worker that stood by for hours tells how far it had been called; the line that was lost has long been back."""
    bench = open_bench()
    await bench.enter(1)
    bench.advance(59)
    other = open_bench(id="late")
    await other.enter(1)
    other.advance(61)
    for each, healing in ((bench, True), (other, False)):
        await each.line.recall(EPOCH, {"main": 7.5})
        assert await each.number("serving:main") == 7.5
        picture: Any = await each.line.tick(200, NEW)
        assert ("healing" in picture) is healing


async def test_the_hold_ends_after_thirty_seconds_whoever_still_comes_back(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    for second in range(30):
        place = 1000 - second
        await bench.line.restore(f"front-{second:05d}", "main", place, place, epochs=("epoch-00", NEW), back=False)
        assert await bench.line.call(1, 0) is None
        bench.advance(1)
    assert await bench.line.call(1, 0) is not None


async def test_a_turn_sees_the_last_place_called_to_its_last_digit(open_bench: OpenBench) -> None:
    """A board that rounded it down would say of whoever was called last that they still wait."""
    bench = open_bench(burst=5)
    drawn = [0.23713248205213207, 0.3200449968537882, 0.6192240052820562]
    await bench.enter(3)
    for ticket, place in zip(await bench.members("main"), drawn, strict=True):
        await bench.store.command("ZADD", bench.line.keys.step[-1], repr(place), ticket)
    for count, place in enumerate(drawn):
        assert await bench.line.call(1, count) == {"main": (1, place)}
        bench.advance(0.25)
        picture = await bench.line.tick(200, EPOCH)
        assert picture is not None
        assert picture["lanes"]["main"]["serving"] == place
