"""What a room is to the line: its fixed rules, and the ones an operator changes live."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ecluse.domain.opening import DrawKind, Timetable


class Mode(StrEnum):
    """What an operator lets the room do."""

    OPEN = "open"
    QUEUEING = "queueing"
    """Nobody is admitted at once: everybody takes a place, and is called at the pace."""
    PAUSED = "paused"
    """Places are kept and taken; nobody is called or let in."""
    CLOSED = "closed"
    """No places are given; those inside finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A parallel line of a room, with its share of the pace."""

    id: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The fixed rules of a room and the starting values of its live settings."""

    id: str
    lanes: tuple[Lane, ...] = (Lane(id="main"),)
    pace_per_minute: float = 60.0
    burst: int = 2
    capacity: int = 0
    mode: Mode = Mode.OPEN
    notice: Mapping[str, str]
    session_ms: int = 600_000
    session_max_ms: int = 3_600_000
    claim_ms: int = 180_000
    line_max: int = 1_000_000
    timetable: Timetable | None = None
    """When the room opens; None: always."""
    keep_places: bool = False
    """Whether those still in line at the closing stand there again at the next opening."""
    draw: DrawKind = DrawKind.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The settings in force, and their version (0: nobody changed anything yet)."""

    version: int
    pace_per_minute: float
    burst: int
    capacity: int
    mode: Mode
    notice: Mapping[str, str]
