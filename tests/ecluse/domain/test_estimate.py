"""How fast a lane moves: exact numbers from exact calls."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.estimate import SLOT_SECONDS, SLOTS_KEPT, CallLog, Throughput, wait_seconds

START_MS = 1_800_000_000_000.0
SLOT_MS = SLOT_SECONDS * 1000

patient = settings(deadline=None)


def log_of(calls: list[int], expected: float = 20) -> CallLog:
    """A log in which each slot saw so many calls of the lane `main`, where so many were expected."""
    log = CallLog()
    for index, count in enumerate(calls):
        log = log.noted(START_MS + index * SLOT_MS, {"main": count}, {"main": expected})
    return log


def test_calls_of_one_slot_add_up() -> None:
    log = CallLog()
    for moment in (0, 250, 9_999):
        log = log.noted(START_MS + moment, {"main": 2}, {"main": 1.5})
    assert (log.made, log.expected) == ({"main": (6,)}, {"main": (4.5,)})


def test_time_in_which_a_lane_did_not_wait_counts_for_nothing() -> None:
    log = CallLog().noted(START_MS, {"main": 3}, {"main": 3})
    log = log.noted(START_MS + 30 * SLOT_MS, {"main": 4}, {"main": 4}).noted(START_MS + 31 * SLOT_MS, {}, {})
    assert log.made == {"main": (3, 4)}
    assert log.met("main") == 1


def test_lanes_are_counted_apart() -> None:
    log = CallLog().noted(START_MS, {"main": 3, "urgent": 1}, {"main": 3, "urgent": 2})
    assert log.made == {"main": (3,), "urgent": (1,)}


@patient
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 500)), max_size=80))
def test_memory_is_bounded_however_long_it_runs(turns: list[tuple[int, int]]) -> None:
    log, now = CallLog(), START_MS
    for pause_seconds, calls in turns:
        now += pause_seconds * 1000
        log = log.noted(now, {"main": calls}, {"main": 5})
    assert all(len(slots) <= SLOTS_KEPT for slots in (*log.made.values(), *log.expected.values()))


def test_before_there_is_anything_to_see_the_expectation_is_taken_as_met() -> None:
    assert CallLog().met("main") == 1
    assert log_of([0]).met("main") == 1, "the slot that is being filled says nothing yet"


@pytest.mark.parametrize(("calls", "met"), [(20, 1.0), (10, 0.5), (30, 1.5)])
def test_a_steady_lane_meets_a_steady_part(calls: int, met: float) -> None:
    assert log_of([calls] * 30).met("main") == pytest.approx(met, abs=0.01)


def test_a_change_shows_within_three_minutes() -> None:
    assert log_of([20] * 40 + [8] * 19).met("main") == pytest.approx(0.4, abs=0.02)


def test_a_slow_lane_is_judged_by_twenty_calls_however_long_they_take() -> None:
    assert log_of([0] * 30 + [1] * 20, expected=1).met("main") == pytest.approx(1, abs=0.1)


def test_a_lane_that_stopped_is_told_as_nearly_stopped() -> None:
    assert log_of([20] * 30 + [0] * 20).met("main") < 0.02


@patient
@given(st.lists(st.integers(0, 500), max_size=80), st.floats(0.001, 1000))
def test_what_is_met_is_never_nothing(calls: list[int], expected: float) -> None:
    assert log_of(calls, expected).met("main") > 0


@patient
@given(st.integers(0, 10**6), st.floats(0.01, 1000), st.floats(0.01, 1))
def test_waits_are_ordered_and_grow_with_those_ahead(ahead: int, p50: float, part: float) -> None:
    told = Throughput(p50=p50, slow=p50 * part)
    assert 0 < wait_seconds(ahead, told)[0] <= wait_seconds(ahead, told)[1]
    assert wait_seconds(ahead + 1, told) > wait_seconds(ahead, told)


def test_a_wait_is_the_people_up_to_oneself_over_the_rate() -> None:
    assert wait_seconds(119, Throughput(p50=60, slow=40)) == (120, 180)


def test_a_lane_that_does_not_move_is_a_long_wait_and_no_error() -> None:
    p50, p90 = wait_seconds(0, Throughput(p50=0, slow=0))
    assert p50 == p90 == pytest.approx(6e7)
