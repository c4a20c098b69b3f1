"""What the steps of a line say, as values: where a ticket is, and what became of a wish."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Waiting:
    """In line, with `ahead` tickets before it in its lane."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Called:
    """To be claimed before the deadline (Unix ms, Redis clock)."""

    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """A live visit, from when to when (Unix ms, Redis clock)."""

    expires_at_ms: int
    started_at_ms: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Called and not claimed in time; may ask its place back once."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Finished for good: missed twice, left, or its visit is over."""


@dataclass(frozen=True, slots=True)
class Moved:
    """This copy of the ticket holds nothing any more: its place went to another device, at `moment` (Unix seconds)."""

    moment: int


@dataclass(frozen=True, slots=True)
class Full:
    """The line is as long as it may be."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The room gives no places now."""


@dataclass(frozen=True, slots=True)
class Early:
    """Called, and the limit is reached: come back after `wait_ms`. `why`: pace, capacity, paused or turn."""

    wait_ms: float
    why: str


Standing = Waiting | Called | Admitted | Missed | Gone | Moved
"""Where a ticket is."""


class Entry(NamedTuple):
    """A new ticket's place: its number, the epoch that number belongs to, and where it stands."""

    number: int
    epoch: str
    standing: Waiting | Called | Admitted
    to_draw: bool = False
    """Whether the ticket is one to be drawn at the opening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """This person has a live place already: what its ticket says."""

    ticket_id: str
    lane: str
    number: int
    epoch: str
    drawn: bool


@dataclass(frozen=True, slots=True)
class OtherCampaign:
    """The digest is for a campaign that is over, or not begun: this one started at `started_at_ms`."""

    started_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A presented ticket: where it stands, and the epoch in force."""

    epoch: str
    standing: Standing | Full | Closed
    put_back: bool
    undrawn: bool = False
    """Put back, and as one who was not among those drawn: its number is its place from now on."""
