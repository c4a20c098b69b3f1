"""What a visitor has in a room: a place, an admission, or a question to answer first."""

from dataclasses import dataclass
from typing import NamedTuple

from ecluse.domain.ticket import State
from ecluse.store.line import (
    Admitted,
    Called,
    Closed,
    Full,
    Gone,
    Known,
    Missed,
    Moved,
    OtherCampaign,
    Standing,
    Waiting,
)
from ecluse.tokens import Pass, Ticket


class Place(NamedTuple):
    """A ticket and where it stands."""

    ticket: Ticket
    token: str
    standing: Standing
    fresh: bool = False
    """Whether the visitor must be given the token."""
    taken_over: bool = False
    """Whether this is the place a person already had, now on another device."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The room gives no place before it is told something: whose it is, or which lane it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The right to go in, as claims and as the signed text."""

    granted: Pass
    token: str


STATES: dict[type[Standing], State] = {
    Waiting: State.WAITING,
    Called: State.CALLED,
    Admitted: State.ADMITTED,
    Missed: State.MISSED,
    Gone: State.GONE,
    Moved: State.MOVED,
}


class Outlook(NamedTuple):
    """What a waiting visitor may expect: seconds of wait, a median and a slow estimate."""

    ahead: int
    p50_seconds: float | None
    p90_seconds: float | None
    """None while nobody is let in: nobody knows for how long."""
    early_seconds: float | None
    """Nine in ten waits last from this to p90."""


def without_person(entered: Place | Full | Closed | Known | OtherCampaign) -> Place | Full | Closed:
    """What entering without an applicant can come to."""
    assert not isinstance(entered, (Known, OtherCampaign)), "only an applicant is known"
    return entered
