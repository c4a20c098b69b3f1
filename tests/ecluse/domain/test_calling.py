"""How many to call: never too many for the line, enough for the pace, whoever shows up and however slowly."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.calling import (
    EDGES_MS,
    FIRST_EDGE_MS,
    MAX_CALLS_PER_TICK,
    STRETCHES,
    Demand,
    ShowModel,
    awaited_seconds,
    calls_wanted,
)
from tests.ecluse.domain.crowd import Crowd, People

WINDOW_MS = 180_000.0
NOBODY = (0,) * STRETCHES

patient = settings(deadline=None)
amounts = st.floats(0, 1e6, allow_nan=False)
per_stretch = st.lists(amounts, min_size=STRETCHES, max_size=STRETCHES).map(tuple)
models = st.builds(ShowModel, claims=per_stretch, awaited_seconds=per_stretch)
demands = st.builds(
    Demand,
    waiting=st.integers(0, 10**6),
    tokens=st.floats(-100, 10_000),
    interval_ms=st.floats(0.6, 600_000),
    places_free=st.one_of(st.just(math.inf), st.floats(-100, 1000)),
    pressing=st.integers(0, 1000),
    silent=st.lists(st.integers(0, 1000), min_size=STRETCHES, max_size=STRETCHES),
    window_ms=st.floats(5_000, 3_600_000),
)


def demand(
    *, waiting: int = 1000, tokens: float = 2, interval_ms: float = 500, places_free: float = math.inf,
    pressing: int = 0, silent: tuple[int, ...] = NOBODY,
) -> Demand:  # fmt: skip
    return Demand(
        waiting=waiting, tokens=tokens, interval_ms=interval_ms, places_free=places_free, pressing=pressing,
        silent=silent, window_ms=WINDOW_MS,
    )  # fmt: skip


def seen(share: float, stretch: int = 3, people: int = 300) -> ShowModel:
    """A model that saw `people` called: this share of them claimed, all in one stretch, at a steady rate in it."""
    edges = [*EDGES_MS, math.inf]
    widths = [max(0.0, min(end, WINDOW_MS) - start) / 1000 for start, end in pairwise(edges)]
    claims = [people * share if index == stretch else 0.0 for index in range(STRETCHES)]
    awaited = [(people if index < stretch else people * (1 - share)) * width for index, width in enumerate(widths)]
    awaited[stretch] = people * share / -math.log(1 - share) * widths[stretch]
    return ShowModel().learnt(claims, awaited)


@patient
@given(demand=demands, model=models)
def test_never_more_are_called_than_wait_or_than_a_tick_may_call(demand: Demand, model: ShowModel) -> None:
    calls = calls_wanted(demand, model)
    assert isinstance(calls, int)
    assert 0 <= calls <= min(demand.waiting, MAX_CALLS_PER_TICK)


@patient
@given(demand=demands, model=models)
def test_nobody_is_called_when_enough_are_expected(demand: Demand, model: ShowModel) -> None:
    # Whoever has been silent for part of a stretch is expected at least as much as one who was silent for all of it.
    at_least = [*model.show_after(demand.window_ms)[1:], 0.0]
    expected = demand.pressing + sum(n * chance for n, chance in zip(demand.silent, at_least, strict=True))
    if demand.places_free <= expected:
        assert calls_wanted(demand, model) == 0


@patient
@given(demand=demands, model=models)
def test_those_called_for_free_places_are_about_as_many_as_will_show(demand: Demand, model: ShowModel) -> None:
    show = max(model.show_after(demand.window_ms)[0], 0.05)
    calls = calls_wanted(demand, model)
    assert calls * show <= max(0.0, demand.places_free) + 0.5 * show + 0.5


@patient
@given(model=models, window_ms=st.floats(5_000, 3_600_000))
def test_chances_are_chances_and_never_rise_with_silence(model: ShowModel, window_ms: float) -> None:
    chances = model.show_after(window_ms)
    assert len(chances) == STRETCHES
    assert all(0 <= chance <= 1 for chance in chances)
    assert chances == sorted(chances, reverse=True)
    assert 0 <= model.delay_seconds(window_ms) <= window_ms / 1000


@pytest.mark.parametrize("places", [1, 3, 50])
def test_with_places_free_and_as_many_waiting_all_are_called_at_once(places: int) -> None:
    assert calls_wanted(demand(waiting=places, tokens=places, places_free=places), ShowModel()) == places


def test_nobody_is_called_for_no_place_or_for_a_bucket_deep_in_debt() -> None:
    assert calls_wanted(demand(places_free=0), ShowModel()) == 0
    assert calls_wanted(demand(places_free=-5), ShowModel()) == 0
    assert calls_wanted(demand(tokens=-1000), ShowModel()) == 0
    assert calls_wanted(demand(waiting=0), ShowModel()) == 0


def test_those_who_press_enter_are_not_called_for_again() -> None:
    free = calls_wanted(demand(), ShowModel())
    assert free > 10
    assert calls_wanted(demand(pressing=5), ShowModel()) < free
    assert calls_wanted(demand(pressing=1000), ShowModel()) == 0


def test_who_was_just_called_counts_nearly_whole_and_who_is_silent_for_long_for_little() -> None:
    chances = seen(0.8).show_after(WINDOW_MS)
    assert chances[0] == pytest.approx(0.8, abs=0.05)
    assert chances[-3] < 0.1
    silent_now, silent_long = [0] * STRETCHES, [0] * STRETCHES
    silent_now[0] = silent_long[-3] = 20
    waiting = demand(tokens=2, interval_ms=500)
    assert calls_wanted(demand(silent=tuple(silent_now)), seen(0.8)) < calls_wanted(waiting, seen(0.8)) / 2
    assert calls_wanted(demand(silent=tuple(silent_long)), seen(0.8)) > calls_wanted(waiting, seen(0.8)) / 2


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.99])
def test_the_share_that_shows_up_is_learnt(share: float) -> None:
    assert seen(share).show_after(WINDOW_MS)[0] == pytest.approx(share, abs=0.07)


def test_what_was_seen_fades_with_what_comes() -> None:
    model = seen(0.99)
    for _ in range(10):
        gone = seen(0.3)
        model = model.learnt(gone.claims, gone.awaited_seconds)
    assert model.show_after(WINDOW_MS)[0] == pytest.approx(0.3, abs=0.1)


def test_before_anything_was_seen_most_are_expected_within_seconds() -> None:
    model = ShowModel()
    assert model.show_after(WINDOW_MS)[0] == pytest.approx(0.8, abs=0.02)
    assert 2 < model.delay_seconds(WINDOW_MS) < 30


@pytest.mark.parametrize("pace", [0.1, 1.0, 3.0])
def test_a_slow_pace_calls_one_at_a_time(pace: float) -> None:
    crowd = Crowd(pace=pace, burst=1, people=People(show=1.0, delay_seconds=3))
    crowd.run(minutes=20 / pace)
    assert crowd.calls_at_once == 1
    assert len(crowd.admitted_ms) >= 15


def test_a_slow_pace_calls_nobody_before_the_admission_is_nearly_there() -> None:
    assert calls_wanted(demand(tokens=-0.9, interval_ms=60_000), ShowModel()) == 0
    assert calls_wanted(demand(tokens=0.0, interval_ms=60_000), ShowModel()) == 0
    assert calls_wanted(demand(tokens=0.95, interval_ms=60_000), ShowModel()) == 1


def test_the_edges_are_those_the_claim_script_counts_into() -> None:
    assert all(edge == FIRST_EDGE_MS * 2.0**index for index, edge in enumerate(EDGES_MS[1:]))
    assert (EDGES_MS[0], len(EDGES_MS)) == (0, STRETCHES)
    assert EDGES_MS[-1] == 256_000


RUNS = [
    *((60.0, show, 5.0) for show in (0.3, 0.5, 0.8, 1.0)),
    *((120.0, show, 15.0) for show in (0.3, 0.5, 0.8, 1.0)),
    (600.0, 0.5, 5.0),
]
"""Pace per minute, share that shows up, mean seconds until they press Enter."""


@pytest.mark.parametrize(("pace", "show", "delay_seconds"), RUNS)
def test_the_pace_is_used_and_nobody_waits_long_after_enter(pace: float, show: float, delay_seconds: float) -> None:
    crowd = Crowd(pace=pace, burst=2, people=People(show=show, delay_seconds=delay_seconds))
    crowd.run(minutes=8)
    assert crowd.used(since_minutes=3) >= 0.95
    assert crowd.median_wait_ms <= max(2_000, 8 * 60_000 / pace)


@pytest.mark.parametrize("show", [0.3, 1.0])
def test_a_cap_on_visits_is_filled_and_those_called_for_it_do_not_pile_up(show: float) -> None:
    crowd = Crowd(pace=600, burst=5, people=People(show=show, delay_seconds=3), capacity=30, visit_seconds=60)
    crowd.run(minutes=8)
    per_minute = len([at for at in crowd.admitted_ms if at >= 180_000]) / 5
    assert per_minute >= 0.85 * 30
    assert crowd.pressing <= 10
    assert crowd.median_wait_ms <= 2_000


def test_a_run_never_goes_over_the_pace() -> None:
    crowd = Crowd(pace=120, burst=2, people=People(show=1.0, delay_seconds=1))
    crowd.run(minutes=3)
    times = crowd.admitted_ms
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= (times[last] - start) * 120 / 60_000 + 2 + 1e-6


@pytest.mark.parametrize(
    ("turn_ms", "ages_ms", "seconds"),
    [
        (250, (250,), (0.25, 0, 0)), (250, (500,), (0.25, 0, 0)), (250, (750,), (0, 0.25, 0)),
        (500, (500,), (0.5, 0, 0)), (500, (1000,), (0, 0.5, 0)), (600, (600,), (0.5, 0.1, 0)),
        (600, (1200,), (0, 0.4, 0.2)), (2000, (2000,), (0.5, 0.5, 1.0)), (600, (600, 1200), (0.5, 0.5, 0.2)),
        (0, (10,), (0, 0, 0)),
    ],
)  # fmt: skip
def test_a_turn_of_any_length_counts_each_second_where_it_was_spent(
    turn_ms: float, ages_ms: tuple[float, ...], seconds: tuple[float, ...]
) -> None:
    past, long_past = ([sum(age > edge + more for age in ages_ms) for edge in EDGES_MS] for more in (0, turn_ms))
    found = awaited_seconds(past, long_past, turn_ms)
    assert found == pytest.approx([*seconds, *(0.0,) * (STRETCHES - 3)])
