"""The turnstile: claims a moment too early wait in the order of pressing, and are let in as the pace allows."""

import asyncio

import pytest

from ecluse.domain.errors import StoreAway
from ecluse.services.turnstile import Turnstile
from ecluse.store.line import Admitted, Early, Gone
from tests.ecluse.store.conftest import Bench, OpenBench


async def _ready(open_bench: OpenBench, people: int, **rules: object) -> tuple[Bench, list[str]]:
    """People called, under the clock of Redis; the burst is spent."""
    bench = open_bench(**({"burst": 1, "pace_per_minute": 1200} | rules))
    bench.line.now_ms = 0
    tickets = await bench.called(people + 1)
    assert isinstance(await bench.line.claim(tickets[0]), Admitted)
    return bench, tickets[1:]


async def test_those_who_press_too_early_get_in_one_after_the_other_in_their_order(open_bench: OpenBench) -> None:
    bench, tickets = await _ready(open_bench, 8)
    turnstile, inside = Turnstile(bench.line), list[str]()

    async def press(ticket: str) -> None:
        assert isinstance(await turnstile.claim(ticket), Admitted)
        inside.append(ticket)

    await asyncio.gather(*(press(ticket) for ticket in tickets))
    assert inside == tickets
    assert await bench.number("admissions") == 9


async def test_who_would_wait_longer_than_the_hold_is_told_when_to_come_back(open_bench: OpenBench) -> None:
    bench, (ticket, other) = await _ready(open_bench, 2, pace_per_minute=6)
    turnstile = Turnstile(bench.line, hold_seconds=0.3)
    found = await turnstile.claim(ticket)
    assert isinstance(found, Early)
    assert 9_000 < found.wait_ms <= 10_000
    await bench.set(capacity=1)
    held = await turnstile.claim(other)
    assert isinstance(held, Early)
    assert held.why == "capacity"


async def test_a_place_that_becomes_free_while_somebody_holds_is_taken(open_bench: OpenBench) -> None:
    bench, (ticket,) = await _ready(open_bench, 1, capacity=1, pace_per_minute=60_000)
    pressing = asyncio.create_task(Turnstile(bench.line).claim(ticket))
    while not await bench.members("pressing"):
        await asyncio.sleep(0)
    (inside,) = await bench.members("admitted")
    await bench.line.finish(inside)
    assert isinstance(await pressing, Admitted)


async def test_a_visitor_who_hangs_up_holds_up_nobody(open_bench: OpenBench) -> None:
    bench, (first, second) = await _ready(open_bench, 2)
    turnstile = Turnstile(bench.line)
    pressing = [asyncio.create_task(turnstile.claim(ticket)) for ticket in (first, second)]
    while len(await bench.members("pressing")) < 2:
        await asyncio.sleep(0)
    pressing[0].cancel()
    assert isinstance(await pressing[1], Admitted)


async def test_a_pause_is_told_at_once(open_bench: OpenBench) -> None:
    bench, (ticket,) = await _ready(open_bench, 1)
    await bench.set(mode="paused")
    assert await Turnstile(bench.line).claim(ticket) == Early(5000.0, "paused")
    assert await Turnstile(bench.line).claim("nobody") == Gone()


async def test_a_store_that_fails_while_somebody_holds_is_told_and_the_next_is_served(open_bench: OpenBench) -> None:
    bench, (first, second) = await _ready(open_bench, 2, pace_per_minute=240)
    turnstile = Turnstile(bench.line)
    pressing = asyncio.create_task(turnstile.claim(first))
    while not await bench.members("pressing"):
        await asyncio.sleep(0)
    state = bench.line.keys.step[0]
    await bench.store.command("RENAME", state, f"{state}:aside")
    await bench.store.command("SET", state, "not a hash")
    with pytest.raises(StoreAway):
        await pressing
    await bench.store.command("RENAME", f"{state}:aside", state)
    assert isinstance(await turnstile.claim(second), Admitted)
