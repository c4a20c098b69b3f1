"""Lanes: shares within 2 % over a thousand admissions, an idle share to the others, and nobody starves."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.room import Lane
from ecluse.domain.stride import Credit, shared
from ecluse.simulation.day import Day
from ecluse.simulation.line import Rules
from ecluse.simulation.people import Manners, Visitor, visitors
from tests.ecluse.store.conftest import Bench, OpenBench

WEIGHTS = {"renewal": 5.0, "first": 3.0, "urgent": 2.0}


def _people(lanes: dict[str, int]) -> list[Visitor]:
    rng = random.Random(8)
    found: list[Visitor] = []
    for lane, count in lanes.items():
        found += visitors([rng.uniform(0, 1000) for _ in range(count)], Manners(visit_seconds=1), [(lane, 1.0)], rng)
    return found


def _admissions(day: Day, lane: str, among: list[int]) -> int:
    return sum(day.visitors[ticket].lane == lane for ticket in among)


def test_shares_are_within_two_per_cent_over_a_thousand_admissions() -> None:
    day = Day(rules=Rules(pace_per_minute=600, weights=WEIGHTS), visitors=_people(dict.fromkeys(WEIGHTS, 3000)))
    day.run(150_000)
    among = day.admitted[100:1100]
    assert len(among) == 1000
    for lane, weight in WEIGHTS.items():
        assert _admissions(day, lane, among) / 1000 == pytest.approx(weight / 10, abs=0.02)


def test_the_share_of_an_idle_lane_goes_to_the_others_by_their_weights() -> None:
    day = Day(rules=Rules(pace_per_minute=600, weights=WEIGHTS), visitors=_people({"renewal": 3000, "first": 3000}))
    day.run(150_000)
    among = day.admitted[100:1100]
    assert len(among) == 1000, "the whole pace is used"
    assert _admissions(day, "renewal", among) / 1000 == pytest.approx(5 / 8, abs=0.02)


def test_a_lane_with_little_weight_does_not_starve_and_a_lane_that_was_empty_saved_no_credit() -> None:
    waiting, weights = {"big": 10_000, "small": 10_000}, {"big": 99.0, "small": 1.0}
    take, credit = shared(1000, waiting, weights, Credit())
    assert take["small"] == 10
    only_big, credit = shared(5000, {"big": 10_000, "small": 0}, weights, credit)
    assert only_big == {"big": 5000, "small": 0}
    back, _ = shared(100, waiting, weights, credit)
    assert 1 <= back["small"] <= 2, "no arrears are paid out"


steps = st.lists(st.tuples(st.integers(1, 40), st.lists(st.integers(0, 30), min_size=3, max_size=3)), max_size=25)


@settings(deadline=None)
@given(steps, st.lists(st.floats(0.1, 50), min_size=3, max_size=3))
def test_over_any_stretch_in_which_all_wait_shares_differ_by_one_call_of_each(
    calls: list[tuple[int, list[int]]], given_weights: list[float]
) -> None:
    weights = dict(zip("abc", given_weights, strict=True))
    credit, total = Credit(), dict.fromkeys("abc", 0)
    for most, _ in calls:
        take, credit = shared(most, dict.fromkeys("abc", 10**6), weights, credit)
        assert sum(take.values()) == most
        total = {lane: total[lane] + take[lane] for lane in total}
    for one in "abc":
        for other in "abc":
            gap = abs(total[one] / weights[one] - total[other] / weights[other])
            assert gap <= 1 / weights[one] + 1 / weights[other] + 1e-6


async def test_the_script_shares_as_the_simulation_does(open_bench: OpenBench) -> None:
    rng = random.Random(21)
    bench: Bench = open_bench(lanes=tuple(Lane(id=lane, weight=weight) for lane, weight in WEIGHTS.items()))
    credit, waiting = Credit(), dict.fromkeys(WEIGHTS, 0)
    for _ in range(60):
        lane = rng.choice(list(WEIGHTS))
        came = rng.randrange(25)
        await bench.enter(came, lane=lane)
        waiting[lane] += came
        most = rng.randrange(1, 20)
        take, credit = shared(most, waiting, WEIGHTS, credit)
        assert (await bench.call(most) or dict.fromkeys(WEIGHTS, 0)) == take, "nobody waits: nothing more is said"
        waiting = {lane: count - take[lane] for lane, count in waiting.items()}
