"""Public statistics: exact where they may be, silent where they would speak of a few, also by subtraction."""

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain.statistics import LEAST, chart_heights, day, hidden, interventions, quantile, so_far, stretch_from

COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=24)


@given(COUNTS)
def test_what_is_hidden_cannot_be_found_by_subtraction(counts: list[int]) -> None:
    away = hidden(counts)
    assert all(at in away for at, count in enumerate(counts) if 0 < count < LEAST)
    together = sum(counts[at] for at in away)
    # The total is told only from ten on: what is hidden in it is none, or ten at least.
    if sum(counts) >= LEAST and away:
        assert together >= LEAST


@given(COUNTS)
def test_no_more_is_hidden_than_needed(counts: list[int]) -> None:
    small = {at for at, count in enumerate(counts) if 0 < count < LEAST}
    away = hidden(counts)
    for at in away - small:
        assert sum(counts[each] for each in away if each != at) < LEAST or counts[at] <= max(
            counts[each] for each in away - small
        )
    if not small:
        assert away == set()


def test_a_single_small_hour_takes_the_next_smallest_with_it() -> None:
    assert hidden([50, 3, 12, 0]) == {1, 2}
    assert hidden([50, 5, 6, 0]) == {1, 2}
    assert hidden([50, 0, 0]) == set()
    assert hidden([4]) == {0}


def test_a_day_tells_each_measure_by_hour_and_lane_and_in_total() -> None:
    hours = {
        "09": {"joined:main": 120, "in:main": 60, "in:urgent": 30, "joined:urgent": 40, "missed": 3, "wait:8": 90},
        "10": {"in:main": 60, "in:urgent": 20, "left": 12, "missed": 11, "wait:12": 80},
        "11": {"in:main": 4, "missed": 40, "wait:12": 4},
    }
    found = day("2026-11-25", hours, ["main", "urgent"])
    assert (found["arrivals"], found["admissions"], found["missed"], found["left"]) == (160, 174, 54, 12)
    assert [row["arrivals"] for row in found["hours"]] == [160, 0, 0]
    assert [row["admissions"] for row in found["hours"]] == [90, None, None]
    assert [row["missed"] for row in found["hours"]] == [None, None, 40]
    assert [row["hour"] for row in found["hours"]] == ["09:00", "10:00", "11:00"]
    assert found["lanes"]["main"] == {"arrivals": 120, "admissions": 124, "share": 0.713}
    assert found["hours"][1]["wait_seconds"] == {"p50": None, "p90": None}
    assert stretch_from(8) <= found["hours"][0]["wait_seconds"]["p50"] <= stretch_from(9)


def test_a_day_of_a_few_tells_nothing_but_that() -> None:
    found = day("2026-11-25", {"09": {"joined:main": 7, "in:main": 7, "wait:0": 7}}, ["main"])
    assert (found["arrivals"], found["admissions"], found["missed"]) == (None, None, 0)
    assert found["wait_seconds"] == {"p50": None, "p90": None}
    assert found["lanes"]["main"] == {"arrivals": None, "admissions": None, "share": None}
    assert found["hours"][0]["arrivals"] is None


@given(st.lists(st.integers(0, 3600), min_size=LEAST, max_size=300))
def test_quantiles_are_within_a_fifth_of_the_true_ones(waits: list[int]) -> None:
    stretches: dict[int, int] = {}
    for wait in waits:
        stretch = next(at for at in range(60) if stretch_from(at + 1) > wait)
        stretches[stretch] = stretches.get(stretch, 0) + 1
    for share in (0.5, 0.9):
        true = sorted(waits)[max(0, -int(-share * len(waits) // 1) - 1)]
        found = quantile(stretches, share)
        assert found is not None
        assert abs(found - true) <= 0.2 * true + 4


def test_too_few_waits_have_no_quantile() -> None:
    assert quantile({3: LEAST - 1}, 0.5) is None


def test_the_day_that_runs_is_told_in_tens_and_whole_hours() -> None:
    hours = {"09": {"joined:main": 123, "in:main": 9}, "10": {"joined:main": 500}}
    assert so_far("2026-11-26", hours, "10") == {
        "date": "2026-11-26", "until": "10:00", "arrivals": 120, "admissions": 0, "missed": 0, "left": 0,
    }  # fmt: skip


def test_interventions_name_nobody() -> None:
    entries: list[dict[str, Any]] = [
        {"at": "2026-11-26T10:00:00Z", "who": "Jeanne", "action": "settle", "reason": "Mme Dupont called",
         "changes": [{"field": "pace_per_minute", "from": 60, "to": 30}, {"field": "notice", "from": {}, "to": {"fr": "M. X"}}]},
        {"at": "2026-11-26T09:00:00Z", "who": "ecluse", "action": "draw", "reason": "", "changes": [],
         "draw": {"state": "closed"}},
        {"at": "2026-11-25T09:00:00Z", "who": "Jeanne", "action": "revoke", "reason": "", "changes": [], "session": "abc"},
    ]  # fmt: skip
    found = interventions(entries, UTC)
    assert list(found) == ["2026-11-26", "2026-11-25"]
    assert found["2026-11-26"] == [
        {"at": "2026-11-26T09:00:00Z", "action": "draw", "changes": [], "by_hand": False, "draw": "closed"},
        {"at": "2026-11-26T10:00:00Z", "action": "settle", "by_hand": True,
         "changes": [{"field": "pace_per_minute", "from": 60, "to": 30}, {"field": "notice"}]},
    ]  # fmt: skip
    for word in ("Jeanne", "Dupont", "M. X", "abc"):
        assert word not in str(found)


@pytest.mark.parametrize(("counts", "heights"), [([100, 50, None, 0], [100, 50, 10, 0]), ([None], [100]), ([], [])])
def test_bars_are_to_scale_and_a_hidden_one_is_the_least_told(counts: list[int | None], heights: list[int]) -> None:
    assert chart_heights(counts, 100) == heights
