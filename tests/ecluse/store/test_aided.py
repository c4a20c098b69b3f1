"""The places of helpers in the store: the quota is exact, and what came to nothing does not count for long."""

import asyncio

from ecluse.store.aided import AidedStore
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, OpenBench


async def test_a_quota_holds_whoever_asks_at_the_same_time(open_bench: OpenBench) -> None:
    bench = open_bench(lines=4)
    stores = [AidedStore(line) for line in (bench.line, *bench.more)]
    kept = await asyncio.gather(*(stores[n % 4].keep("mairie", new_id(), 7) for n in range(200)))
    assert sum(kept) == 7
    assert await stores[0].keep("asso", new_id(), 7)


async def test_a_place_kept_free_that_came_to_nothing_counts_for_a_minute(open_bench: OpenBench) -> None:
    bench = open_bench()
    store = AidedStore(bench.line)
    ticket = new_id()
    assert await store.keep("mairie", ticket, 1)
    assert await store.keep("mairie", ticket, 1)  # sent twice
    assert await store.record("mairie", ticket) is None
    assert not await store.keep("mairie", new_id(), 1)
    bench.advance(61)
    assert await store.keep("mairie", new_id(), 1)


async def test_places_count_while_they_wait_are_called_or_missed_and_then_no_more(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    store = AidedStore(bench.line)
    tickets = [new_id() for _ in range(4)]
    for ticket in tickets:
        assert await store.keep("mairie", ticket, 4)
        await bench.line.enter(ticket, "main", EPOCH, at_once=False)
        await store.note("mairie", ticket, "record")
    assert set(await store.records("mairie")) == set(tickets)
    await bench.call(2)
    assert not await store.keep("mairie", new_id(), 4)
    await bench.line.claim(tickets[0])
    more = new_id()
    assert await store.keep("mairie", more, 4)  # who entered does not count any more, and is still listed
    assert tickets[0] in await store.records("mairie")
    await store.release("mairie", more)
    bench.advance(21)
    await bench.line.expire()
    assert await store.keep("mairie", more, 4)
    assert not await store.keep("mairie", new_id(), 4)
    await bench.line.leave(tickets[2])
    assert await store.keep("mairie", new_id(), 4)
    assert set(await store.records("mairie")) == {tickets[0], tickets[1], tickets[3]}
