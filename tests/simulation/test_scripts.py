"""Some thousands of the same crowd through the real scripts on a real server; the same must hold."""

import json

import pytest

from ecluse.simulation.day import Day
from ecluse.simulation.line import Rules
from ecluse.store.rooms import RoomStore
from tests.ecluse.store.conftest import OpenBench
from tests.simulation.crowd import kendall_tau, mixed, worst_window
from tests.simulation.scripts_crowd import ScriptsDay

PACE, BURST, CAPACITY, CLAIM_MS = 1500.0, 4, 700, 20_000
PEOPLE = 2500


@pytest.fixture
async def finished(open_bench: OpenBench) -> ScriptsDay:
    bench = open_bench(
        pace_per_minute=PACE, burst=BURST, capacity=CAPACITY, claim_ms=CLAIM_MS, session_ms=600_000,
        session_max_ms=900_000,
    )  # fmt: skip
    day = ScriptsDay(bench, mixed(PEOPLE, minutes=0.7, seed=9, visit_ms=20_000))
    await day.run(minutes=5)
    return day


async def test_the_crowd_goes_through_the_scripts_as_it_must(finished: ScriptsDay) -> None:
    day, bench = finished, finished.bench
    times = list(day.admitted_ms.values())
    over = worst_window(times, 60_000 / PACE, BURST)
    # Redis tells how long to wait in ms with decimals: what is left is rounding.
    assert -1 < over <= 1e-3
    assert max(inside for _, inside in day.inside_turns) <= CAPACITY
    assert kendall_tau([day.number[ticket] for ticket in day.calls]) == 1
    assert day.early_refused > 50
    assert day.rejoined > 50

    assert not await bench.members("main"), "everybody's turn came"
    assert not await bench.members("called")
    stayed = [
        ticket
        for ticket, each in enumerate(day.visitors)
        if each.delay_ms is not None and each.patience_ms == float("inf")
    ]
    assert set(stayed) <= set(day.admitted_ms), "who stays and answers gets in"
    raw = await RoomStore(bench.store, bench.line.room).board()
    assert raw is not None
    board = json.loads(raw)
    assert (board["waiting"], board["called"], board["admitted"]) == (0, 0, len(await bench.members("admitted")))
    agrees_with_the_simulation(day)


def agrees_with_the_simulation(scripts: ScriptsDay) -> None:
    """The line in memory lets in the same people at nearly the same time."""
    rules = Rules(pace_per_minute=PACE, burst=BURST, capacity=CAPACITY, claim_ms=CLAIM_MS)
    memory = Day(rules=rules, visitors=scripts.visitors).run(5 * 60_000)
    alike = set(memory.admitted) & set(scripts.admitted_ms)
    assert len(alike) >= 0.98 * max(len(memory.admitted), len(scripts.admitted_ms))
    gaps = sorted(abs(memory.fates[ticket].admitted_ms - scripts.admitted_ms[ticket]) for ticket in alike)
    assert gaps[len(gaps) // 2] < 2_000
