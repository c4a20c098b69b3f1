"""What those in line may expect: per lane the median and the slow rate on the board, and why it became slower."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ecluse.domain.estimate import SLOT_SECONDS, CallLog, Throughput
from ecluse.domain.promises import Promises

_MUCH_SLOWER = 0.7
"""The slow rate fell below this part of what it was: the wait of somebody who does not move rose by half."""
_MINUTES_LOOKED_BACK = 12
_PART_THAT_COUNTS = 0.9


class Slower(StrEnum):
    """Why a lane moves more slowly than minutes ago."""

    PACE = "pace"
    """The service lets in fewer people per minute."""
    FULL = "full"
    """As many visits as may be are going on, and the next enters when one ends."""
    LANES = "lanes"
    """Other lanes have people again, and get their share."""
    SHOWS = "shows"
    """More of those called come than before, so that fewer are called."""
    UNKNOWN = "unknown"
    """None of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTurn:
    """One lane in one turn of the worker."""

    waiting: int
    serving: float
    calls: int
    """Made in this turn."""
    share: float
    """Of the pace, while those wait who wait now."""
    marks: Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTurn:
    """What a turn of the worker says about all lanes."""

    now_ms: float
    turn_ms: float
    """Since the turn before."""
    pace_per_minute: float
    show_rate: float
    full: bool
    """Whether the capacity is used up."""
    mode: str
    lanes: Mapping[str, LaneTurn]


@dataclass(frozen=True, slots=True)
class _Minute:
    """A lane as it was at a minute."""

    minute: int
    slow: float
    pace: float
    share: float
    show: float
    full: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospects:
    """All of it, for one room; travels from turn to turn."""

    log: CallLog = field(default_factory=CallLog)
    promises: Mapping[str, Promises] = field(default_factory=dict)
    corrections: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """What the expected calls per minute are multiplied with, for the median and the slow rate; new in every slot."""
    rates: Mapping[str, Throughput] = field(default_factory=dict)
    minutes: Mapping[str, tuple[_Minute, ...]] = field(default_factory=dict)

    def after(self, turn: RoomTurn) -> "Prospects":
        """After another turn of the worker."""
        if turn.mode not in ("open", "queueing"):
            # Those who wait through a pause wait longer than they were told, and that teaches. A closing is the end.
            kept = (
                self.promises if turn.mode == "paused" else {n: each.forgotten() for n, each in self.promises.items()}
            )
            return replace(self, promises=kept)
        begins = int(turn.now_ms / 1000 / SLOT_SECONDS) != self.log.slot
        busy = {name: lane for name, lane in turn.lanes.items() if lane.waiting > 0 or lane.calls > 0}
        minutes = turn.turn_ms / 60_000
        log = self.log.noted(
            turn.now_ms,
            {name: lane.calls for name, lane in busy.items()},
            {name: _expected(turn, lane) * minutes for name, lane in busy.items()},
        )
        promises, rates, past, corrections = dict(self.promises), {}, dict(self.minutes), dict(self.corrections)
        now = turn.now_ms / 1000
        for name, lane in turn.lanes.items():
            known = promises.get(name, Promises()).settled(lane.serving, now)
            expected = _expected(turn, lane)
            if begins or name not in corrections:
                met = min(log.met(name), 2.0)
                typical, slow = known.factors((lane.waiting + 1) / max(expected * met, 1e-3) * 60, now)
                corrections[name] = (met / typical, met / slow)
                if lane.marks:
                    known = known.promised(lane.marks, expected * met, expected * met / slow, now)
            rates[name] = _rate(expected, corrections[name])
            promises[name] = known
            past[name] = _with_minute(past.get(name, ()), turn, lane, rates[name])
        return Prospects(log=log, promises=promises, corrections=corrections, rates=rates, minutes=past)

    def slower(self) -> dict[str, Slower]:
        """The lanes that became much slower in the latest minutes, and why."""
        return {name: why for name, minutes in self.minutes.items() if (why := _why(minutes)) is not None}

    def plain(self) -> dict[str, object]:
        """As JSON keeps it."""
        return {
            "slot": self.log.slot,
            "made": self.log.made,
            "expected": self.log.expected,
            "promises": {name: each.plain() for name, each in self.promises.items()},
            "corrections": {name: list(each) for name, each in self.corrections.items()},
            "rates": {name: [each.p50, each.slow] for name, each in self.rates.items()},
            "minutes": {
                name: [[m.minute, m.slow, m.pace, m.share, m.show, m.full] for m in minutes]
                for name, minutes in self.minutes.items()
            },
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Prospects":
        """From what `plain` gave. Raises ValueError, TypeError or AttributeError for what it never gave."""
        return cls(
            log=CallLog(
                slot=int(plain.get("slot", 0)),
                made={name: tuple(slots) for name, slots in plain.get("made", {}).items()},
                expected={name: tuple(slots) for name, slots in plain.get("expected", {}).items()},
            ),
            promises={name: Promises.of(each) for name, each in plain.get("promises", {}).items()},
            corrections={name: (typical, slow) for name, (typical, slow) in plain.get("corrections", {}).items()},
            rates={name: Throughput(p50=p50, slow=slow) for name, (p50, slow) in plain.get("rates", {}).items()},
            minutes={
                name: tuple(_Minute(*each) for each in minutes) for name, minutes in plain.get("minutes", {}).items()
            },
        )


def _rate(expected: float, correction: tuple[float, float]) -> Throughput:
    return Throughput(p50=expected * correction[0], slow=expected * correction[1])


def _expected(turn: RoomTurn, lane: LaneTurn) -> float:
    """Calls per minute that use up this lane's share of the pace, people being as they are."""
    return turn.pace_per_minute * lane.share / max(turn.show_rate, 0.2)


def _with_minute(minutes: tuple[_Minute, ...], turn: RoomTurn, lane: LaneTurn, rate: Throughput) -> tuple[_Minute, ...]:
    """The latest minutes, the one that runs as it is now. A lane that nobody waits in has none."""
    if lane.waiting == 0:
        return ()
    now = _Minute(
        int(turn.now_ms / 60_000), round(rate.slow, 3), turn.pace_per_minute, round(lane.share, 3),
        round(turn.show_rate, 3), float(turn.full),
    )  # fmt: skip
    kept = tuple(each for each in minutes if now.minute - _MINUTES_LOOKED_BACK < each.minute < now.minute)
    return (*kept, now)


def _why(minutes: Sequence[_Minute]) -> Slower | None:
    now, past = minutes[-1] if minutes else None, minutes[:-1]
    if now is None or not past:
        return None
    best = max(past, key=lambda each: each.slow)
    if now.slow < _MUCH_SLOWER * best.slow and now.pace < _PART_THAT_COUNTS * best.pace:
        return Slower.PACE
    # In its first minute nothing was measured yet: a lane that is slower than was hoped then did not become slower.
    best = max(past[1:], key=lambda each: each.slow, default=now)
    if now.slow >= _MUCH_SLOWER * best.slow:
        return None
    if now.full > best.full:
        return Slower.FULL
    if now.share < _PART_THAT_COUNTS * best.share:
        return Slower.LANES
    if best.show < _PART_THAT_COUNTS * now.show:
        return Slower.SHOWS
    return Slower.UNKNOWN
