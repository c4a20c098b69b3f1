"""The pace bucket: in any window of w seconds at most pace × w + burst, whatever comes and however the pace moves."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.pace import Bucket

MINUTE_MS = 60_000.0
TINY = 1e-6
"""Admissions that rounding of floats may be off by, over a whole run."""

patient = settings(deadline=None)

paces = st.floats(min_value=0.1, max_value=100_000, allow_nan=False)
pauses_ms = st.one_of(
    st.floats(min_value=0, max_value=50),
    st.floats(min_value=0, max_value=5_000),
    st.floats(min_value=0, max_value=3_600_000),
)


@dataclass(frozen=True)
class Press:
    """Somebody asks `pause_ms` after the one before; `pace` is set at that moment, if any."""

    pause_ms: float
    pace: float | None


presses = st.lists(st.builds(Press, pauses_ms, st.none() | paces), min_size=1, max_size=60)


def full_bucket(pace: float) -> Bucket:
    return Bucket(interval_ms=MINUTE_MS / pace)


def admitted_at(asked: list[Press], pace: float, burst: int) -> tuple[list[float], list[tuple[float, float]]]:
    """The times (ms) of admissions, and the changes of pace as (time, pace), the first at 0.

    Whoever asks is admitted as soon as `wait_ms` allows, and as often as it allows at that moment.
    """
    now, bucket = 0.0, full_bucket(pace)
    times: list[float] = []
    changes = [(0.0, pace)]
    for press in asked:
        now += press.pause_ms
        # A change is applied when it is made: what ran off until then ran off at the pace before.
        bucket = bucket.at(now, bucket.interval_ms, burst)
        if press.pace is not None:
            bucket = bucket.at(now, MINUTE_MS / press.pace, burst)
            changes.append((now, press.pace))
        for _ in range(burst + 2):
            if bucket.wait_ms(burst) > 0:
                break
            times.append(now)
            bucket = bucket.debited()
    return times, changes


def brought_by(at_ms: float, changes: list[tuple[float, float]]) -> float:
    """Pace × time, added up over the paces in force since 0."""
    total = 0.0
    ends = [at for at, _ in changes[1:]] + [float("inf")]
    for (since, pace), until in zip(changes, ends, strict=True):
        total += max(0.0, min(at_ms, until) - since) * pace / MINUTE_MS
    return total


@patient
@given(asked=presses, pace=paces, burst=st.integers(1, 50))
def test_no_window_ever_lets_through_more_than_pace_times_its_length_and_the_burst(
    asked: list[Press], pace: float, burst: int
) -> None:
    times, changes = admitted_at(asked, pace, burst)
    # For a window from admission i to admission j: j + 1 - i <= brought(j) - brought(i) + burst. Only the i for which
    # i - brought(i) is least can break it, so one pass over j looks at every window.
    least = float("inf")
    for count, at in enumerate(times):
        brought = brought_by(at, changes)
        least = min(least, count - brought)
        assert count + 1 - brought - least <= burst + TINY * max(1.0, brought)


@patient
@given(asked=presses, pace=paces, burst=st.integers(1, 50))
def test_the_first_minute_obeys_the_pace_too(asked: list[Press], pace: float, burst: int) -> None:
    steady = [Press(press.pause_ms, None) for press in asked]
    times, _ = admitted_at(steady, pace, burst)
    assert len([at for at in times if at <= MINUTE_MS]) <= (pace + burst) * (1 + TINY)


@patient
@given(asked=presses, pace=paces, burst=st.integers(1, 50))
def test_the_bucket_never_holds_more_than_the_burst_nor_owes_more_than_it(
    asked: list[Press], pace: float, burst: int
) -> None:
    now, bucket = 0.0, full_bucket(pace)
    for press in asked:
        now += press.pause_ms
        bucket = bucket.at(now, MINUTE_MS / (press.pace or pace), burst)
        held = bucket.admissions_within(0, burst)
        assert -TINY <= held <= burst + TINY
        if bucket.wait_ms(burst) <= 0:
            bucket = bucket.debited()


@patient
@given(pace=paces, burst=st.integers(1, 50), idle_ms=st.floats(0, 1e9))
def test_after_any_rest_exactly_the_burst_fits_at_once(pace: float, burst: int, idle_ms: float) -> None:
    bucket = full_bucket(pace).at(idle_ms, MINUTE_MS / pace, burst)
    count = 0
    while bucket.wait_ms(burst) <= TINY * bucket.interval_ms:
        bucket, count = bucket.debited(), count + 1
    assert count == burst


@patient
@given(pace=paces, after=paces, burst=st.integers(1, 50), taken=st.integers(0, 50))
def test_a_change_of_pace_keeps_what_is_left(pace: float, after: float, burst: int, taken: int) -> None:
    bucket = full_bucket(pace)
    for _ in range(min(taken, burst)):
        bucket = bucket.debited()
    before = bucket.admissions_within(0, burst)
    assert bucket.at(0, MINUTE_MS / after, burst).admissions_within(0, burst) == pytest.approx(before)


@patient
@given(pace=paces, burst=st.integers(1, 50), before=st.integers(0, 49))
def test_the_wait_told_is_exact(pace: float, burst: int, before: int) -> None:
    interval, reserved = MINUTE_MS / pace, before % burst
    bucket = full_bucket(pace)
    for _ in range(burst):
        bucket = bucket.debited()
    wait = bucket.wait_ms(burst, reserved)
    assert wait == pytest.approx((reserved + 1) * interval)
    assert bucket.at(wait * 0.999, interval, burst).wait_ms(burst, reserved) > 0
    assert bucket.at(wait * 1.000001, interval, burst).wait_ms(burst, reserved) <= 0


@pytest.mark.parametrize("pace", [0.1, 1.0, 60.0, 100_000.0])
def test_who_always_asks_again_in_time_gets_the_whole_pace(pace: float) -> None:
    interval, burst = MINUTE_MS / pace, 2
    bucket, now, count = full_bucket(pace), 0.0, 0
    while now <= 1000 * interval:
        bucket = bucket.at(now, interval, burst)
        wait = bucket.wait_ms(burst)
        if wait > 1e-9 * interval:
            now += wait
            continue
        bucket, count = bucket.debited(), count + 1
    assert 1000 + burst - 1 <= count <= 1000 + burst


def test_places_reserved_for_the_called_are_not_taken_by_a_newcomer() -> None:
    bucket = Bucket(interval_ms=1000)
    assert bucket.wait_ms(2, reserved=1) <= 0
    assert bucket.wait_ms(2, reserved=2) == 1000


def test_a_smaller_burst_forgives_no_more_than_an_empty_bucket() -> None:
    bucket = Bucket(interval_ms=1000)
    for _ in range(5):
        bucket = bucket.debited()
    smaller = bucket.at(0, 1000, 2)
    assert smaller.admissions_within(0, 2) == 0
    assert smaller.wait_ms(2) == 1000


def test_a_clock_that_jumps_back_holds_nobody_longer_than_an_empty_bucket() -> None:
    bucket = Bucket(interval_ms=1000, at_ms=1e12).debited()
    assert bucket.at(0, 1000, 2).wait_ms(2) == 1000


def test_what_fits_within_a_horizon_is_what_is_held_and_what_the_pace_brings() -> None:
    bucket = Bucket(interval_ms=500).debited()
    assert bucket.admissions_within(0, 2) == 1
    assert bucket.admissions_within(1500, 2) == 4
