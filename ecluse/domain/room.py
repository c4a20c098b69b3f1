"""What a room is to the line: its fixed rules, and the ones an operator changes live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ecluse.domain.errors import LaneClosed
from ecluse.domain.opening import DrandSource, DrawKind, Timetable
from ecluse.domain.window import Bounds


class Mode(StrEnum):
    """What an operator lets the room do."""

    OPEN = "open"
    QUEUEING = "queueing"
    """Nobody is admitted at once: everybody takes a place, and is called at the pace."""
    PAUSED = "paused"
    """Places are kept and taken; nobody is called or let in."""
    CLOSED = "closed"
    """No places are given; those inside finish."""


class PaceMode(StrEnum):
    """Who sets how many may be inside: an operator alone, or the session window within an operator's bounds."""

    MANUAL = "manual"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRules:
    """The bounds of an automatic pace; with `dry_run` it only reports what it would do."""

    bounds: Bounds = field(default_factory=lambda: Bounds(target_ms=1000, least=2, most=10_000))
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A parallel line of a room, with its share of the pace."""

    id: str
    weight: float = 1.0
    quota: int = 0
    """Most calls in a campaign, or in a day (UTC) where there are none; 0: as many as come."""
    max_wait_ms: int = 0
    """Whoever waited longer is called next, up to every second call; 0: never."""
    open: bool = True
    """Whether anybody may choose it; else it takes an invitation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The fixed rules of a room and the starting values of its live settings."""

    id: str
    lanes: tuple[Lane, ...] = (Lane(id="main"),)
    pace_per_minute: float = 60.0
    burst: int = 2
    capacity: int = 0
    mode: Mode = Mode.OPEN
    pace: PaceMode = PaceMode.MANUAL
    auto: AutoRules = AutoRules()
    notice: Mapping[str, str]
    empty_notice: Mapping[str, str] | None = None
    """What everybody in line is told while the origin has no slot left and nobody is called; None: calls go on."""
    session_ms: int = 600_000
    session_max_ms: int = 3_600_000
    claim_ms: int = 180_000
    line_max: int = 1_000_000
    timetable: Timetable | None = None
    """When the room opens; None: always."""
    keep_places: bool = False
    """Whether those still in line at the closing stand there again at the next opening."""
    draw: DrawKind = DrawKind.NONE
    drand: DrandSource | None = None
    statistics_days: int = 90
    """How long the public statistics of a day are kept."""
    return_seconds: int = 60
    """Over how long tickets come back after Redis lost the line, those at the front first."""
    nominative: bool = False
    """Whether a place belongs to a person, who has one at most."""
    open_lanes: Sequence[str] = field(init=False, repr=False, compare=False)
    """Those that anybody may choose; the first is for who chooses none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "open_lanes", tuple(lane.id for lane in self.lanes if lane.open))

    def lane_for(self, wanted: str | None, before: str | None) -> str:
        """The lane asked for, else the one of a ticket `before` if it is open, else the first open one.

        Raises LaneClosed if the one asked for takes an invitation.
        """
        choices = self.open_lanes
        if wanted is not None and wanted not in choices:
            raise LaneClosed(wanted)
        return wanted or (before if before is not None and before in choices else choices[0])

    @property
    def campaigns(self) -> bool:
        """Whether a person of one campaign is somebody else in the next: nothing of theirs outlives it."""
        return self.timetable is not None and not self.keep_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The settings in force, and their version (0: nobody changed anything yet)."""

    version: int
    pace_per_minute: float
    burst: int
    capacity: int
    mode: Mode
    pace: PaceMode
    notice: Mapping[str, str]
