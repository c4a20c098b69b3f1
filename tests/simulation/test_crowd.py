"""A hundred thousand people with every habit, through the real domain code: what must hold after every step."""

from collections.abc import Callable
from dataclasses import replace
from statistics import mean

import pytest

from ecluse.domain.ticket import State
from ecluse.services import ticks
from ecluse.simulation.day import TURN_MS, Day
from ecluse.simulation.line import Rules
from ecluse.simulation.people import Visitor
from ecluse.simulation.plan import drawn_places
from tests.simulation.crowd import Watch, kendall_tau, mixed, worst_window

PEOPLE = 100_000
PACE = 9000.0
RULES = Rules(pace_per_minute=PACE, burst=20, capacity=20_000, claim_ms=60_000)
OPENS_MS = 240_000.0


@pytest.fixture(scope="module")
def crowd() -> tuple[Day, Watch]:
    """Most come before the opening and are drawn, the others follow in order; a pause and another pace on the way."""
    people = mixed(PEOPLE, minutes=6, seed=11)
    watch = Watch()
    places = drawn_places([each.arrives_ms for each in people], OPENS_MS, seed=3)
    changes = (
        (OPENS_MS, RULES),
        (OPENS_MS + 180_000, replace(RULES, still=True)),
        (OPENS_MS + 210_000, RULES),
    )
    day = Day(rules=replace(RULES, still=True), visitors=people, places=places, changes=changes, watch=watch.look)
    return day.run(), watch


def test_order_counts_states_and_positions_held_after_every_turn(crowd: tuple[Day, Watch]) -> None:
    day, watch = crowd
    assert watch.turns > 2000
    assert len(watch.first_calls) > 0.9 * PEOPLE
    assert watch.risen > 0, "nobody came back before anybody: the rule for it was not tried"
    assert len(day.rejoined) > 0.05 * PEOPLE


def test_the_limit_is_exact_in_every_window(crowd: tuple[Day, Watch]) -> None:
    day, _ = crowd
    times = [day.fates[ticket].admitted_ms for ticket in day.admitted]
    assert worst_window(times, 60_000 / PACE, RULES.burst) <= 1e-6
    assert worst_window(times, 60_000 / PACE, RULES.burst) > -1, "the limit was never reached, so nothing was tried"
    assert not [at for at in times if at < OPENS_MS or OPENS_MS + 180_000 < at < OPENS_MS + 210_000]


def test_one_ticket_is_admitted_once_whatever_its_tabs_and_robots_do(crowd: tuple[Day, Watch]) -> None:
    day, _ = crowd
    assert len(set(day.admitted)) == len(day.admitted)
    assert len([each for each in day.visitors if each.tabs > 1]) > 0.1 * PEOPLE


def test_turns_come_in_the_order_of_places(crowd: tuple[Day, Watch]) -> None:
    day, watch = crowd
    assert kendall_tau(watch.first_calls) == 1
    first_time = [day.places[ticket] for ticket in day.admitted if day.visitors[ticket].back_after_ms is None]
    assert len(day.admitted) > len(first_time)
    assert kendall_tau(first_time) > 0.98, "apart from the seconds it takes to press Enter"


def test_everybody_has_an_end(crowd: tuple[Day, Watch]) -> None:
    day, _ = crowd
    ends = {State.ENDED, State.LEFT, State.GONE, State.MISSED}
    assert {day.line.state[ticket] for ticket in range(PEOPLE)} <= ends
    answering = [ticket for ticket, each in enumerate(day.visitors) if each.delay_ms is not None]
    stayed = [ticket for ticket in answering if day.visitors[ticket].patience_ms == float("inf")]
    assert all(day.line.state[ticket] is State.ENDED for ticket in stayed), "who stays and answers gets in"


def test_those_who_slept_get_in_at_their_second_call(crowd: tuple[Day, Watch]) -> None:
    day, _ = crowd
    slept = [ticket for ticket, each in enumerate(day.visitors) if each.back_after_ms is not None]
    assert len(slept) > 0.05 * PEOPLE
    assert sum(day.line.state[ticket] is State.ENDED for ticket in slept) == len(slept)


def test_arriving_early_many_tabs_and_pressing_early_win_nothing_in_a_draw(crowd: tuple[Day, Watch]) -> None:
    day, _ = crowd
    drawn = [ticket for ticket, each in enumerate(day.visitors) if each.arrives_ms < OPENS_MS]

    def mean_place(chosen: Callable[[Visitor], bool]) -> float:
        return mean(day.places[ticket] for ticket in drawn if chosen(day.visitors[ticket]))

    # The standard error of the mean of 4,000 uniform values is 0.0046: these bounds are four of it or more.
    assert mean_place(lambda each: each.early) == pytest.approx(0.5, abs=0.02)
    assert mean_place(lambda each: each.tabs > 1) == pytest.approx(0.5, abs=0.02)
    assert mean_place(lambda each: each.arrives_ms < OPENS_MS / 10) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("pace", [60.0, 600.0, 3000.0])
def test_nearly_all_of_the_pace_is_used_although_half_of_the_called_never_come(pace: float) -> None:
    people = [
        Visitor(arrives_ms=float(n), delay_ms=None if n % 2 else 1000.0 + n * 7919 % 9000, visit_ms=0.0)
        for n in range(int(pace * 14))
    ]
    day = Day(rules=Rules(pace_per_minute=pace), visitors=people).run(6 * 60_000)
    used = sum(day.fates[ticket].admitted_ms >= 60_000 for ticket in day.admitted) / (pace * 5)
    assert 0.95 <= used <= 1 + 2 / (pace * 5)


def test_the_turn_is_that_of_the_worker() -> None:
    assert TURN_MS == ticks.TURN_MS


def test_the_same_seed_gives_the_same_day() -> None:
    def once() -> list[int]:
        return Day(rules=replace(RULES, pace_per_minute=600), visitors=mixed(2000, minutes=2, seed=4)).run().admitted

    assert once() == once()
