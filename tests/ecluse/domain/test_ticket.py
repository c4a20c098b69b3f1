"""The life cycle of a ticket: the whole table, every state against every step."""

from itertools import product

import pytest

from ecluse.domain.ticket import TRANSITIONS, State, Step, after

MOVES = {
    State.WAITING: {Step.CALL: State.CALLED, Step.LEAVE: State.LEFT, Step.MOVE: State.MOVED},
    State.CALLED: {
        Step.CLAIM: State.ADMITTED,
        Step.MISS: State.MISSED,
        Step.MISS_AGAIN: State.GONE,
        Step.LEAVE: State.LEFT,
        Step.MOVE: State.MOVED,
    },
    State.MISSED: {Step.REJOIN: State.WAITING, Step.LEAVE: State.LEFT, Step.MOVE: State.MOVED},
    State.ADMITTED: {Step.FINISH: State.ENDED, Step.EXPIRE: State.ENDED},
    State.ENDED: {},
    State.LEFT: {},
    State.GONE: {},
    State.MOVED: {},
}
"""What the states of a ticket allow, written a second time: whatever is not here leaves the ticket where it is."""
FINAL = (State.ENDED, State.LEFT, State.GONE, State.MOVED)


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_state_answers_every_step_as_the_design_draws_it(state: State, step: Step) -> None:
    assert after(state, step) is MOVES[state].get(step, state)


@pytest.mark.parametrize("state", FINAL)
def test_nothing_leads_out_of_a_finished_ticket(state: State) -> None:
    assert {after(state, step) for step in Step} == {state}


def test_every_state_can_be_reached_from_waiting() -> None:
    reached = {State.WAITING}
    while more := {after(state, step) for state, step in product(reached, Step)} - reached:
        reached |= more
    assert reached == set(State)


def test_every_step_moves_some_ticket() -> None:
    assert {step for (state, step), to in TRANSITIONS.items() if to is not state} == set(Step)


@pytest.mark.parametrize(("state", "step"), [pair for pair in product(State, Step) if pair not in TRANSITIONS])
def test_a_step_that_does_not_apply_changes_nothing(state: State, step: Step) -> None:
    assert after(state, step) is state


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_a_step_sent_twice_goes_no_further_than_once(state: State, step: Step) -> None:
    once = after(state, step)
    assert after(once, step) is once


def test_a_missed_turn_comes_back_once_and_then_is_gone() -> None:
    state = State.WAITING
    for step in (Step.CALL, Step.MISS, Step.REJOIN, Step.CALL, Step.MISS_AGAIN):
        state = after(state, step)
    assert state is State.GONE
    assert after(state, Step.REJOIN) is State.GONE


def test_only_a_called_ticket_is_admitted() -> None:
    assert {state for state in State if after(state, Step.CLAIM) is State.ADMITTED} == {State.CALLED, State.ADMITTED}


def test_the_words_of_states_are_those_of_the_visitor_interface() -> None:
    assert [state.value for state in State] == [
        "waiting", "called", "admitted", "missed", "ended", "left", "gone", "moved",
    ]  # fmt: skip
