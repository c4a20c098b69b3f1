"""The board: one small public document per room, from which any ticket works out its own position."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from ecluse.domain.estimate import Throughput

EXACT = 32
"""How many at the front have a mark each."""
STEP = 1.035
"""Ratio between marks behind them. Where people left evenly a position is told within 2 %; where all between two
marks left in one piece, it can be off by this and `STRAIGHT`: 4.5 %."""
STRAIGHT = 0.01
"""A mark goes where the line between its neighbours passes it by, up to this part of what it says."""
NEAR_SECONDS = 3
FAR_SECONDS = 20

Mark = tuple[float, int]
"""A place, and how many tickets stand before it."""


class Phase(StrEnum):
    """What a room is doing."""

    IDLE = "idle"
    PREQUEUE = "prequeue"
    DRAWING = "drawing"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


def mark_ranks(waiting: int) -> list[int]:
    """The ranks (0 is the front) whose places are marked in a line of `waiting`: every one of the first, the last,
    and geometrically spaced ones between."""
    ranks = list(range(min(EXACT, waiting)))
    reach = float(EXACT)
    while reach < waiting - 1:
        rank = int(reach)
        if rank > ranks[-1]:
            ranks.append(rank)
        reach = max(reach * STEP, reach + 1)
    if waiting > EXACT and ranks[-1] != waiting - 1:
        ranks.append(waiting - 1)
    return ranks


def without_straights(marks: Sequence[Mark]) -> list[Mark]:
    """As few of the `marks` as tell almost the same: the first 32, the last, and between them those that going by
    proportion from one neighbour to the other would miss by more than `STRAIGHT`."""
    kept, at, last = list(marks[:EXACT]), min(EXACT, len(marks)) - 1, len(marks) - 1
    while at < last:
        at = _straight_until(marks, at)
        kept.append(marks[at])
    return kept


def _straight_until(marks: Sequence[Mark], begin: int) -> int:
    """The index of the furthest mark to which a straight line from `begin` passes all marks between by."""
    (from_place, from_ahead), until = marks[begin], begin + 1
    least, most = -inf, inf
    for at in range(begin + 1, len(marks)):
        place, ahead = marks[at]
        run, rise, room = place - from_place, ahead - from_ahead, ahead * STRAIGHT
        if run <= 0:  # the line moved while its marks were read in pieces
            continue
        if least <= rise / run <= most:
            until = at
        least, most = max(least, (rise - room) / run), min(most, (rise + room) / run)
        if least > most:
            break
    return until


class Marks:
    """The marks of one lane, ready to be asked often."""

    __slots__ = ("_aheads", "_places", "_waiting")

    def __init__(self, marks: Sequence[Mark], waiting: int) -> None:
        self._places = [place for place, _ in marks]
        self._aheads = [ahead for _, ahead in marks]
        self._waiting = waiting

    def ahead_of(self, place: float) -> int:
        """How many stand before a ticket at `place`: exact at the marks, between two of them by proportion, but behind
        the one and before the other. To the digit what `line.js` says, or a page would seem to move when it awakes.

        A place behind the last mark joined after the board was made: everybody on it is ahead.
        """
        places, aheads = self._places, self._aheads
        after = bisect_right(places, place)
        if after == 0:
            return 0
        left_place, left_ahead = places[after - 1], aheads[after - 1]
        if left_place == place:
            return left_ahead
        if after == len(places):
            return max(self._waiting, left_ahead + 1)
        share, right_ahead = (place - left_place) / (places[after] - left_place), aheads[after]
        between = left_ahead + int(share * (right_ahead - left_ahead) + 0.5)
        return max(left_ahead + 1, min(between, right_ahead - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneBoard:
    """One lane on the board."""

    waiting: int
    serving: float
    """The highest place called so far; 0 before the first."""
    calls_per_minute: Throughput
    marks: Sequence[Mark]
    quota_left: int | None = None
    """How many more calls this campaign or day has for it; None where there is no quota."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The public state of a room at `at_ms` (Redis time)."""

    room: str
    epoch: str
    at_ms: int
    phase: Phase
    notice: Mapping[str, str]
    pace_per_minute: float
    waiting: int
    called: int
    admitted: int
    lanes: Mapping[str, LaneBoard]
    opens_at: str | None = None
    """Of the opening that is or comes next, RFC 3339; None in a room without hours."""
    closes_at: str | None = None
    campaign: Mapping[str, object] | None = None
    """`{started_at_ms, first_number}`: older passes, and tickets of this number or less, open nothing any more."""
    draw: Mapping[str, object] | None = None
    """`{state, commitment, n, done, seed, last_number, next_commitment}` where openings are drawn."""
    slots_left: int | None = None
    automatic: bool = False
    """Whether the pace tunes itself; gateways then limit what is on its way to the origin."""
    slower: Mapping[str, str] = field(default_factory=dict)
    """The lanes that move much more slowly than minutes ago, each with the reason (`ecluse.domain.prospect`)."""
    healing: Mapping[str, object] | None = None
    """`{since_ms, calls_from_ms, until_ms, spread_seconds}` while a line that Redis lost comes back."""

    def document(self) -> dict[str, object]:
        """The board as docs/http.md names its fields; `campaign`, `draw` and `pace` only where a room has them,
        `slower` and `healing` only while they say something."""
        optional = (
            ("campaign", self.campaign),
            ("draw", self.draw),
            ("pace", "auto" if self.automatic else None),
            ("slower", dict(self.slower) or None),
            ("healing", self.healing),
        )
        return {name: told for name, told in optional if told is not None} | {
            "room": self.room,
            "epoch": self.epoch,
            "at_ms": self.at_ms,
            "phase": self.phase.value,
            "notice": dict(self.notice),
            "pace_per_minute": self.pace_per_minute,
            "waiting": self.waiting,
            "called": self.called,
            "admitted": self.admitted,
            "opens_at": self.opens_at,
            "closes_at": self.closes_at,
            "stale": False,
            "slots_left": self.slots_left,
            "lanes": {name: _lane_document(lane) for name, lane in self.lanes.items()},
            "poll_seconds": {"near": NEAR_SECONDS, "far": FAR_SECONDS},
        }


def _plain(place: float) -> float | int:
    """A number's place without a decimal point, a draw value as it is."""
    return int(place) if place == int(place) else place


def _lane_document(lane: LaneBoard) -> dict[str, object]:
    return {
        "waiting": lane.waiting,
        "serving": _plain(lane.serving),
        "calls_per_minute": {
            "p50": round(lane.calls_per_minute.p50, 2),
            "slow": round(lane.calls_per_minute.slow, 2),
        },
        "marks": [[_plain(place), ahead] for place, ahead in without_straights(lane.marks)],
        **({} if lane.quota_left is None else {"quota_left": lane.quota_left}),
    }


def poll_seconds(ahead: int, calls_per_minute: float) -> int:
    """When a visitor this far back should ask again: a tenth of the wait, between near and far."""
    wait = ahead / max(calls_per_minute, 0.01) * 60
    return int(min(max(wait / 10, NEAR_SECONDS), FAR_SECONDS))


def phase_of(mode: str, waiting: int, called: int) -> Phase:
    """The phase that follows from the mode in force (an operator's, else the hours') and the line."""
    if mode == "paused":
        return Phase.PAUSED
    if mode in ("closed", "prequeue", "drawing"):
        return Phase(mode)
    return Phase.OPEN if waiting or called or mode == "queueing" else Phase.IDLE
