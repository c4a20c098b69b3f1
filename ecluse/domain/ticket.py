"""The life cycle of a ticket: one transition table that code, scripts and tests follow."""

from enum import StrEnum


class State(StrEnum):
    """Where a ticket is."""

    WAITING = "waiting"
    CALLED = "called"
    ADMITTED = "admitted"
    MISSED = "missed"
    ENDED = "ended"
    LEFT = "left"
    GONE = "gone"
    MOVED = "moved"
    """Of one copy of a ticket: its place went on with a newer copy, on another device."""


class Step(StrEnum):
    """What moves a ticket: each is one script of `ecluse.store`."""

    CALL = "call"
    CLAIM = "claim"
    MISS = "miss"
    REJOIN = "rejoin"
    MISS_AGAIN = "miss again"
    FINISH = "finish"
    LEAVE = "leave"
    EXPIRE = "expire"
    MOVE = "move"
    """To another device: what becomes of the copy left behind."""


TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.WAITING, Step.CALL): State.CALLED,
    (State.WAITING, Step.LEAVE): State.LEFT,
    (State.CALLED, Step.CLAIM): State.ADMITTED,
    (State.CALLED, Step.MISS): State.MISSED,
    (State.CALLED, Step.MISS_AGAIN): State.GONE,
    (State.CALLED, Step.LEAVE): State.LEFT,
    (State.MISSED, Step.REJOIN): State.WAITING,
    (State.MISSED, Step.LEAVE): State.LEFT,
    (State.WAITING, Step.MOVE): State.MOVED,
    (State.CALLED, Step.MOVE): State.MOVED,
    (State.MISSED, Step.MOVE): State.MOVED,
    (State.ADMITTED, Step.FINISH): State.ENDED,
    (State.ADMITTED, Step.EXPIRE): State.ENDED,
    # Repeating a step that already happened changes nothing: every script may be sent twice.
    (State.ADMITTED, Step.CLAIM): State.ADMITTED,
    (State.ENDED, Step.FINISH): State.ENDED,
    (State.LEFT, Step.LEAVE): State.LEFT,
}


def after(state: State, step: Step) -> State:
    """The state that follows, or the same one where the step does not apply."""
    return TRANSITIONS.get((state, step), state)
