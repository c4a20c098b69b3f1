"""How fast a lane moves: exact numbers from exact calls."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.estimate import SLOT_SECONDS, SLOTS_KEPT, CallLog, Throughput, wait_seconds

START_MS = 1_800_000_000_000.0
SLOT_MS = SLOT_SECONDS * 1000

patient = settings(deadline=None)


def log_of(calls: list[int]) -> CallLog:
    """A log in which each slot saw so many calls of the lane `main`."""
    log = CallLog(lanes={})
    for index, count in enumerate(calls):
        log = log.noted(START_MS + index * SLOT_MS, {"main": count})
    return log


def test_calls_of_one_slot_add_up() -> None:
    log = CallLog(lanes={})
    for moment in (0, 250, 9_999):
        log = log.noted(START_MS + moment, {"main": 2})
    assert log.lanes == {"main": (6,)}


def test_a_slot_nobody_wrote_in_counts_as_nothing() -> None:
    log = CallLog(lanes={}).noted(START_MS, {"main": 3}).noted(START_MS + 3 * SLOT_MS, {"main": 4})
    assert log.lanes == {"main": (3, 0, 0, 4)}


def test_lanes_are_counted_apart() -> None:
    log = CallLog(lanes={}).noted(START_MS, {"main": 3}).noted(START_MS, {"urgent": 1})
    assert log.lanes == {"main": (3,), "urgent": (1,)}


def test_a_clock_that_jumps_back_loses_no_count() -> None:
    log = log_of([5, 5]).noted(START_MS - 100 * SLOT_MS, {"main": 1})
    assert log.lanes == {"main": (5, 6)}
    assert log.noted(START_MS + SLOT_MS, {"main": 1}).lanes == {"main": (5, 7)}


@patient
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 500)), max_size=40))
def test_memory_is_bounded_however_long_it_runs(turns: list[tuple[int, int]]) -> None:
    log, now = CallLog(lanes={}), START_MS
    for pause_seconds, calls in turns:
        now += pause_seconds * 1000
        log = log.noted(now, {"main": calls})
    assert all(len(slots) <= SLOTS_KEPT for slots in log.lanes.values())


def test_before_there_is_anything_to_see_the_expected_rate_speaks_with_a_wide_range() -> None:
    assert CallLog(lanes={}).throughput("main", 120) == Throughput(p50=120, slow=48)
    assert log_of([1, 1]).throughput("main", 120).p50 == 120


def test_a_steady_lane_is_told_exactly() -> None:
    told = log_of([20] * 20).throughput("main", 600)
    assert told.p50 == 120
    assert told.slow == pytest.approx(120 / 1.15)


def test_the_slot_still_being_filled_does_not_slow_the_estimate() -> None:
    assert log_of([20] * 19 + [0]).throughput("main", 600).p50 == 120


def test_one_burst_does_not_move_the_median() -> None:
    assert log_of([20] * 10 + [500] + [20] * 20).throughput("main", 600).p50 == 120


def test_a_lane_that_nearly_stopped_is_called_slow_but_not_endless() -> None:
    told = log_of([20] * 30 + [0] * 10 + [20] * 15).throughput("main", 600)
    assert told.p50 == 120
    assert told.slow == pytest.approx(120 / 2.5)


def test_a_lane_that_made_no_calls_for_long_falls_back_on_the_expected_rate() -> None:
    assert log_of([20] + [0] * 30).throughput("main", 60).p50 == 60


@patient
@given(st.lists(st.integers(0, 500), max_size=80), st.floats(0.1, 100_000))
def test_slow_is_never_faster_than_the_median_and_both_are_positive(calls: list[int], expected: float) -> None:
    told = log_of(calls).throughput("main", expected)
    assert 0 < told.slow < told.p50


@patient
@given(st.integers(0, 10**6), st.lists(st.integers(0, 500), max_size=80))
def test_waits_are_ordered_and_grow_with_those_ahead(ahead: int, calls: list[int]) -> None:
    told = log_of(calls).throughput("main", 60)
    p50, p90 = wait_seconds(ahead, told)
    assert 0 < p50 < p90
    assert wait_seconds(ahead + 1, told) > (p50, p90)


def test_a_wait_is_the_people_up_to_oneself_over_the_rate() -> None:
    assert wait_seconds(119, Throughput(p50=60, slow=40)) == (120, 180)


def test_a_lane_that_does_not_move_is_a_long_wait_and_no_error() -> None:
    p50, p90 = wait_seconds(0, Throughput(p50=0, slow=0))
    assert p50 == p90 == pytest.approx(6e7)
