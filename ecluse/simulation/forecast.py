"""How well estimates hold: in a day of a room, what the board would have told, against the waits that followed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ecluse.domain.board import mark_ranks
from ecluse.domain.estimate import SLOT_SECONDS, wait_seconds
from ecluse.domain.promises import HORIZON_SECONDS, horizon_of
from ecluse.domain.prospect import LaneTurn, Prospects, RoomTurn, Slower
from ecluse.simulation.day import Day

_ASKED_EVERY_MS = 30_000
_ASKED_AT_ONCE = 6
HORIZONS = ("under 5 min", "5 to 20 min", "20 to 60 min", "over 60 min")


@dataclass(frozen=True, slots=True)
class Told:
    """What the board said to one ticket at a time (ms): median and slow estimate, in seconds."""

    ticket: int
    at_ms: float
    p50: float
    p90: float


@dataclass(slots=True)
class Calibration:
    """Of the waits of one kind: how many, the share that ended by the p90 that was told, and by the p50."""

    waits: int = 0
    by_p90: float = 0.0
    by_p50: float = 0.0
    in_range: float = 0.0
    """The share between `LOWER` × p50 and p90, which is the range that the page shows."""


@dataclass
class Forecast:
    """Looks on at a day as the worker and those in line do: `Day(…, watch=forecast.look)`."""

    prospects: Prospects = field(default_factory=Prospects)
    told: list[Told] = field(default_factory=list)
    reasons: list[tuple[float, str, Slower]] = field(default_factory=list)
    """When (ms), which lane, and why it became slower."""
    _asked_ms: float = -math.inf
    _marked_ms: float = -math.inf
    _since_ms: float = 0.0
    _calls: dict[str, int] = field(default_factory=dict)

    def look(self, day: Day) -> None:
        """After a turn: learn from it once a second, and ask for some of those who wait twice a minute."""
        for ticket in day.called_now:
            lane = day.visitors[ticket].lane
            self._calls[lane] = self._calls.get(lane, 0) + 1
        if day.now_ms - self._marked_ms < 1000:
            return
        self._marked_ms = day.now_ms
        # Marks matter only when a slot begins: reading them every second would be most of the work.
        marked = int(day.now_ms / 1000 / SLOT_SECONDS) != self.prospects.log.slot
        self.prospects = self.prospects.after(self._turn(day, marked=marked))
        self._calls = {}
        self._since_ms = day.now_ms
        for lane, why in self.prospects.slower().items():
            self.reasons.append((day.now_ms, lane, why))
        if day.now_ms - self._asked_ms >= _ASKED_EVERY_MS and not day.line.rules.still:
            self._asked_ms = day.now_ms
            self._ask(day)

    def _turn(self, day: Day, *, marked: bool) -> RoomTurn:
        line, rules = day.line, day.line.rules
        waiting = line.waiting
        busy = sum(rules.weights[lane] for lane, count in waiting.items() if count) or 1.0
        return RoomTurn(
            now_ms=day.now_ms,
            turn_ms=min(day.now_ms - self._since_ms, 2000.0),
            pace_per_minute=rules.pace_per_minute,
            show_rate=day.model.show_after(rules.claim_ms)[0],
            full=bool(rules.capacity) and line.active >= rules.capacity,
            mode="paused" if rules.still else "open",
            lanes={
                lane: LaneTurn(
                    waiting=count,
                    serving=line.serving[lane],
                    calls=self._calls.get(lane, 0),
                    share=rules.weights[lane] / busy if count else 1.0,
                    marks=[(line.places[lane][rank], rank) for rank in (mark_ranks(count) if marked else ())],
                )
                for lane, count in waiting.items()
            },
        )

    def _ask(self, day: Day) -> None:
        for lane, places in day.line.places.items():
            rate = self.prospects.rates.get(lane)
            if rate is None or not places:
                continue
            step = max(1, len(places) // _ASKED_AT_ONCE)
            for rank in range(step - 1, len(places), step):
                p50, p90 = wait_seconds(rank, rate)
                self.told.append(Told(day.line.holder(lane, places[rank]), day.now_ms, p50, p90))

    def calibration(self, day: Day, lower: float, told: Sequence[Told] | None = None) -> dict[str, Calibration]:
        """By horizon, and under "all". Waits that ended without a call (the person left) say nothing."""
        found: dict[str, list[tuple[float, Told]]] = {}
        for each in self.told if told is None else told:
            took = (day.fates[each.ticket].called_ms - each.at_ms) / 1000
            if took >= 0:
                for name in (HORIZONS[horizon_of(each.p50)], "all"):
                    found.setdefault(name, []).append((took, each))
        return {name: _judged(pairs, lower) for name, pairs in found.items()}


def _judged(pairs: Sequence[tuple[float, Told]], lower: float) -> Calibration:
    count = len(pairs)
    return Calibration(
        waits=count,
        by_p90=sum(took <= each.p90 for took, each in pairs) / count,
        by_p50=sum(took <= each.p50 for took, each in pairs) / count,
        in_range=sum(lower * each.p50 <= took <= each.p90 for took, each in pairs) / count,
    )


assert len(HORIZONS) == len(HORIZON_SECONDS) + 1
