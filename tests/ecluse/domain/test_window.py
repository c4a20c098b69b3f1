"""The session window: exact numbers for each decision, and an origin in virtual time that it has to keep well."""

from dataclasses import replace
from statistics import mean, pstdev

import pytest

from ecluse.domain.inflight import LEAST, MOST, Flow, limited
from ecluse.domain.window import (
    BUCKETS,
    Bounds,
    Decision,
    Seen,
    Window,
    bucket_of,
    first_window,
    quantile_ms,
    stepped,
)
from tests.ecluse.domain.origin_model import SERVERS, SERVICE_SECONDS, World

BOUNDS = Bounds(target_ms=1000, least=2, most=500)
FULL = SERVERS / SERVICE_SECONDS


def counts(**latencies: int) -> list[int]:
    """Answers by latency: `counts(ms200=9)`."""
    found = [0] * BUCKETS
    for name, count in latencies.items():
        found[bucket_of(float(name.removeprefix("ms")))] += count
    return found


def seen(attempts: int = 100, failures: int = 0, oldest_ms: float = 0, **latencies: int) -> Seen:
    return Seen(attempts=attempts, failures=failures, oldest_ms=oldest_ms, latencies=counts(**latencies))


def test_without_news_the_window_is_frozen() -> None:
    window = Window(size=80, limited=1)
    for nothing in (None, seen(attempts=0)):
        after = stepped(window, nothing, 80, 0, BOUNDS)
        assert (after.size, after.decision) == (80, Decision.FROZEN)


def test_it_begins_with_those_inside_and_within_its_bounds() -> None:
    assert first_window(0, BOUNDS).size == 20
    assert first_window(130, BOUNDS).size == 130
    assert first_window(9_000, BOUNDS).size == 500


def test_it_grows_by_a_tenth_while_it_never_hurt_and_is_what_holds_visits_back() -> None:
    window = Window(size=100, limited=1)
    after = stepped(window, seen(ms200=100), 99, 0, BOUNDS)
    assert (round(after.size, 9), after.decision) == (110, Decision.GROW)
    idle = stepped(Window(size=100), seen(ms200=100), 10, 0, BOUNDS)
    assert (idle.size, idle.decision) == (100, Decision.HOLD)


@pytest.mark.parametrize(("size", "grown"), [(100, 102), (80, 88), (3, 4)])
def test_near_the_size_that_hurt_it_grows_by_a_fiftieth(size: float, grown: float) -> None:
    window = Window(size=size, before=100, limited=1)
    assert round(stepped(window, seen(ms200=100), int(size), 0, BOUNDS).size, 9) == grown


def test_above_the_target_it_is_trimmed_in_proportion() -> None:
    half_above = Seen(attempts=100, failures=0, latencies=[0] * 28 + [100] + [0] * (BUCKETS - 29))
    p90 = half_above.p90_ms
    assert p90 is not None
    bounds = replace(BOUNDS, target_ms=p90 / 1.5)
    after = stepped(Window(size=100, limited=1), half_above, 100, 0, bounds)
    assert (round(after.size, 6), after.before, after.decision) == (95, 100, Decision.TRIM)


@pytest.mark.parametrize(
    "bad",
    [seen(failures=15, ms200=85), seen(oldest_ms=5_001, ms200=100), seen(ms4000=100)],
    ids=["errors and refusals", "a request without an answer", "three times the target"],
)
def test_trouble_cuts_by_three_tenths_at_most_once_a_minute(bad: Seen) -> None:
    after = stepped(Window(size=100, limited=1), bad, 90, 5_000, BOUNDS)
    assert (round(after.size, 9), after.before, after.decision) == (63, 100, Decision.CUT)
    again = stepped(after, bad, 63, 64_999, BOUNDS)
    assert (again.size, again.decision) == (after.size, Decision.HOLD)
    assert stepped(again, bad, 63, 65_000, BOUNDS).decision is Decision.CUT
    rested = stepped(after, seen(ms200=100), 63, 64_999, BOUNDS)
    assert rested.decision is Decision.HOLD


def test_a_few_refusals_cut_by_twice_their_share() -> None:
    after = stepped(Window(size=100, limited=1), seen(failures=6, ms200=94), 100, 0, BOUNDS)
    assert (round(after.size, 9), after.decision) == (88, Decision.CUT)


def test_a_few_failures_among_few_attempts_say_nothing() -> None:
    after = stepped(Window(size=100), seen(attempts=9, failures=5, ms200=4), 100, 0, BOUNDS)
    assert after.decision is Decision.HOLD


def test_it_never_leaves_its_bounds() -> None:
    assert stepped(Window(size=2, limited=1), seen(failures=50, ms200=50), 2, 0, BOUNDS).size == 2
    assert stepped(Window(size=499, limited=1), seen(ms200=100), 499, 0, BOUNDS).size == 500
    assert stepped(Window(size=900), None, 0, 0, BOUNDS).size == 500


def test_a_target_too_near_to_calm_latency_is_said_to_be_stuck() -> None:
    after = stepped(Window(size=2, limited=1), seen(ms800=100), 2, 0, BOUNDS)
    assert after.decision is Decision.STUCK


def test_quantiles_lie_within_the_bucket_of_the_answer() -> None:
    assert quantile_ms([0] * BUCKETS, 0.9) is None
    for latency in (1.0, 7.0, 250.0, 3_000.0, 90_000.0):
        found = quantile_ms(counts(**{f"ms{latency}": 10}), 0.9)
        assert found is not None
        assert found / 1.25 <= max(latency, 2.0) or latency > 57_000
    assert quantile_ms(counts(ms10=90, ms1000=10), 0.5) == pytest.approx(10, rel=0.25)
    assert quantile_ms(counts(ms10=90, ms1000=10), 0.95) == pytest.approx(1000, rel=0.25)


@pytest.mark.parametrize(
    ("flow", "limit"),
    [
        (Flow(answered=50, timed_out=1, p90_ms=100, in_flight=50), 80),
        (Flow(answered=50, timed_out=0, p90_ms=1301, in_flight=50), 80),
        (Flow(answered=0, timed_out=0, p90_ms=None, in_flight=90), 80),
        (Flow(answered=50, timed_out=0, p90_ms=999, in_flight=51), 101),
        (Flow(answered=50, timed_out=0, p90_ms=999, in_flight=50), 100),
        (Flow(answered=50, timed_out=0, p90_ms=1100, in_flight=90), 100),
        (Flow(answered=0, timed_out=0, p90_ms=None, in_flight=0), 100),
    ],
)
def test_the_limit_on_requests_under_way(flow: Flow, limit: int) -> None:
    assert limited(100, flow, 1000) == limit


def test_the_limit_has_a_floor_and_a_ceiling() -> None:
    assert limited(LEAST, Flow(answered=0, timed_out=9, p90_ms=None, in_flight=2), 1000) == LEAST
    assert limited(MOST, Flow(answered=9, timed_out=0, p90_ms=1, in_flight=MOST), 1000) == MOST


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_calm_origin_is_found_and_used_without_swinging(seed: int) -> None:
    minutes = World(capacity=lambda _second: 1.0, seed=seed).run(3_000)
    assert max(minute.good for minute in minutes[:11]) / 60 >= 0.9 * FULL
    steady = minutes[20:49]
    assert mean(minute.good for minute in steady) / 60 >= 0.88 * FULL
    assert sum(minute.slow for minute in steady) == 0
    assert sum(minute.refused for minute in steady) <= 0.02 * sum(minute.good for minute in steady)
    windows = [minute.window for minute in steady]
    assert pstdev(windows) / mean(windows) <= 0.1
    assert max(minute.active for minute in minutes) <= 1.2 * mean(windows)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_origin_that_loses_most_of_its_capacity_stays_useful_and_recovers(seed: int) -> None:
    world = World(capacity=lambda second: 0.4 if 1_500 <= second < 2_400 else 1.0, seed=seed)
    minutes = world.run(3_600)
    hurt = minutes[27:40]
    answered = sum(minute.good + minute.slow for minute in hurt)
    assert sum(minute.slow for minute in hurt) <= 0.02 * answered
    assert mean(minute.good for minute in hurt) / 60 >= 0.8 * 0.4 * FULL
    assert any(minute.good / 60 >= 0.9 * FULL for minute in minutes[40:52])


def test_an_origin_that_hangs_for_a_minute_comes_back() -> None:
    minutes = World(capacity=lambda second: 0.0 if 1_500 <= second < 1_560 else 1.0).run(2_700)
    assert sum(minute.admitted for minute in minutes[25:26]) <= 0.5 * mean(m.admitted for m in minutes[18:25])
    assert any(minute.good / 60 >= 0.85 * FULL for minute in minutes[27:37])


def test_absent_and_idle_visitors_do_not_leave_the_origin_idle() -> None:
    absent = World(capacity=lambda _second: 1.0, show=lambda second: 0.9 if second < 1_500 else 0.5).run(3_600)
    assert mean(minute.good for minute in absent[40:]) / 60 >= 0.85 * FULL
    zombies = World(capacity=lambda _second: 1.0, zombies=0.3).run(3_600)
    assert mean(minute.good for minute in zombies[40:]) / 60 >= 0.85 * FULL
