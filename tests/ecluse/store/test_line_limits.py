"""The limits of a room, exact: pace in any window, capacity at any moment, whoever hammers and whatever changes."""

import asyncio
from random import Random

import pytest

from ecluse.domain.room import Lane
from ecluse.store.line import Admitted, Entry
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, Bench, OpenBench


async def _hammer(bench: Bench, tickets: list[str]) -> list[str]:
    """Everybody claims at once, over every store; who got in."""
    lines = [bench.line, *bench.more]
    found = await asyncio.gather(*(lines[n % len(lines)].claim(ticket) for n, ticket in enumerate(tickets)))
    return [ticket for ticket, outcome in zip(tickets, found, strict=True) if isinstance(outcome, Admitted)]


def _bound_holds(admissions: list[float], paces: list[tuple[float, float]], burst: int) -> bool:
    """At most ∫ pace dt + burst admissions in any window. `paces`: (from ms, per minute), in order."""

    def allowed(until: float) -> float:
        total, ends = 0.0, [start for start, _ in paces[1:]] + [float("inf")]
        for (start, pace), end in zip(paces, ends, strict=True):
            total += max(0.0, min(end, until) - start) * pace / 60_000
        return total

    tokens = [allowed(at) for at in admissions]
    return all(
        last - first + 1 <= tokens[last] - tokens[first] + burst + 1e-6
        for first in range(len(tokens))
        for last in range(first, len(tokens))
    )


@pytest.mark.parametrize("seed", range(3))
async def test_in_any_window_at_most_pace_and_burst_go_in_however_the_pace_changes(
    open_bench: OpenBench, seed: int
) -> None:
    random = Random(seed)
    burst = random.choice([1, 2, 5])
    bench = open_bench(lines=2, burst=burst, pace_per_minute=60, claim_ms=600_000)
    left = await bench.called(300)
    admissions: list[float] = []
    paces = [(bench.now, 60.0)]
    for step in range(150):
        inside = await _hammer(bench, left[:25])
        admissions += [bench.now] * len(inside)
        left = [ticket for ticket in left if ticket not in inside]
        bench.advance(random.choice([0.05, 0.3, 1.0, 2.5]))
        if step % 20 == 19:
            pace = random.choice([6.0, 30.0, 120.0, 300.0])
            paces.append((bench.now, pace))
            await bench.set(pace_per_minute=pace)
            await bench.line.tick(0, EPOCH)
    assert len(admissions) > 40
    assert _bound_holds(admissions, paces, burst)


async def test_pressing_hard_gets_all_of_the_pace(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, pace_per_minute=120, claim_ms=600_000)
    left = await bench.called(150)
    total = 0
    for _ in range(600):
        inside = await _hammer(bench, left[:3])
        total += len(inside)
        left = [ticket for ticket in left if ticket not in inside]
        bench.advance(0.1)
    assert total == 2 + 119, "a minute at 120 a minute, and the burst"


async def test_the_first_minute_obeys_the_pace_too(open_bench: OpenBench) -> None:
    """A room that lay idle for an hour has saved nothing but its burst."""
    bench = open_bench(burst=3, pace_per_minute=30)
    bench.advance(3600)
    inside = 0
    for _ in range(60):
        entries = [await bench.line.enter(new_id(), "main", EPOCH, at_once=True) for _ in range(2)]
        inside += sum(isinstance(entry, Entry) and isinstance(entry.standing, Admitted) for entry in entries)
        if await bench.members("main"):
            await bench.call(5)
        inside += len(await _hammer(bench, await bench.members("called")))
        bench.advance(1)
    assert inside == 3 + 29


async def test_a_change_of_pace_gives_no_burst_of_its_own(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5, pace_per_minute=60, claim_ms=600_000)
    left = await bench.called(40)
    assert len(await _hammer(bench, left)) == 5
    for pace in (600, 6, 6000, 60):
        await bench.set(pace_per_minute=pace)
        assert await _hammer(bench, await bench.members("called")) == []


async def test_a_missed_call_gives_nothing_back(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, pace_per_minute=6, claim_ms=5_000)
    absent = await bench.called(20)
    present = await bench.called(2)
    assert len(await _hammer(bench, present)) == 2
    bench.advance(5)
    assert (await bench.line.expire())[1] == len(absent)
    more = await bench.called(5)
    assert await _hammer(bench, more) == [], "twenty missed turns bought an admission"
    bench.advance(5.01)
    assert len(await _hammer(bench, more)) == 1


async def test_capacity_is_never_exceeded_by_claims_or_newcomers(open_bench: OpenBench) -> None:
    random = Random(5)
    bench = open_bench(lines=2, capacity=7, burst=100, pace_per_minute=60_000, session_ms=4_000, session_max_ms=4_000)
    most = 0
    for _ in range(40):
        await bench.called(random.randrange(6))
        newcomers = [bench.line.enter(new_id(), "main", EPOCH, at_once=True) for _ in range(3)]
        await asyncio.gather(_hammer(bench, await bench.members("called")), *newcomers)
        active = int(await bench.store.command("ZCOUNT", bench.line.keys.step[3], f"({bench.now}", "+inf"))
        most = max(most, active)
        assert active <= 7
        for session in (await bench.members("admitted"))[: random.randrange(3)]:
            await bench.line.finish(session)
        bench.advance(random.choice([0.2, 1.0]))
    assert most == 7


async def test_a_clock_that_jumps_back_an_hour_blocks_nobody_for_long_and_lets_no_crowd_in(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(burst=2, pace_per_minute=60, claim_ms=600_000)
    tickets = await bench.called(40)
    assert len(await _hammer(bench, tickets)) == 2
    bench.advance(-3600)
    assert len(await _hammer(bench, await bench.members("called"))) == 0
    inside = []
    for _ in range(10):
        bench.advance(1)
        inside += await _hammer(bench, await bench.members("called"))
    assert 8 <= len(inside) <= 11
    bench.advance(3600)
    assert len(await _hammer(bench, await bench.members("called"))) <= 2


async def test_ticks_go_on_when_the_clock_jumps_back(open_bench: OpenBench) -> None:
    bench = open_bench()
    assert await bench.line.tick(200, EPOCH) is not None
    assert await bench.line.tick(200, EPOCH) is None
    bench.advance(-3600)
    assert await bench.line.tick(200, EPOCH) is not None


LANES = (Lane(id="first", weight=3), Lane(id="renewal", weight=1), Lane(id="urgent", weight=0.5))


async def test_lanes_share_calls_by_weight(open_bench: OpenBench) -> None:
    random = Random(3)
    bench = open_bench(lanes=LANES)
    for lane in LANES:
        await bench.enter(1000, lane=lane.id)
    taken = dict.fromkeys([lane.id for lane in LANES], 0)
    while sum(taken.values()) < 1000:
        for name, moved in (await bench.call(min(random.randrange(1, 9), 1000 - sum(taken.values())))).items():
            taken[name] += moved
    for lane in LANES:
        assert taken[lane.id] == pytest.approx(1000 * lane.weight / 4.5, abs=20)


async def test_an_idle_lanes_share_goes_to_the_others_and_it_saves_no_credit(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=LANES)
    await bench.enter(400, lane="first")
    await bench.enter(400, lane="renewal")
    first = await bench.call(400)
    assert first["urgent"] == 0
    assert first["first"] == pytest.approx(300, abs=2)
    await bench.enter(100, lane="urgent")
    later = await bench.call(90)
    assert later["urgent"] == pytest.approx(10, abs=1), "the lane came back with the credit of its absence"


async def test_each_lane_is_called_in_its_own_order(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=LANES)
    orders = {lane.id: await bench.enter(30, lane=lane.id) for lane in LANES}
    called: set[str] = set()
    for _ in range(12):
        await bench.call(5)
        now = set(await bench.members("called"))
        assert called <= now
        called = now
        for order in orders.values():
            inside = [ticket in called for ticket in order]
            assert inside == sorted(inside, reverse=True)


async def test_calls_are_bounded_by_who_waits_and_by_the_size_of_a_step(open_bench: OpenBench) -> None:
    bench = open_bench()
    await bench.enter(700)
    assert await bench.call(100_000) == {"main": 500}
    assert await bench.call(100_000) == {"main": 200}
    assert await bench.call(10) == {}


def test_the_bound_of_these_tests_would_notice_one_admission_too_many() -> None:
    assert _bound_holds([0, 0, 1000, 2000], [(0, 60.0)], 2)
    assert not _bound_holds([0, 0, 0, 2000], [(0, 60.0)], 2)
    assert not _bound_holds([0, 0, 900], [(0, 60.0)], 2)
