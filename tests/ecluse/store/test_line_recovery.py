"""The line when Redis forgets: scripts, connections, or everything."""

import asyncio
from random import Random

from ecluse.domain.room import Lane
from ecluse.store.line import Admitted, Closed, Entry, Full, Gone, Waiting
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, OpenBench

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
    bench.advance(1.1)
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
