"""How well the estimates of a lane have held, and by how much to widen them: adaptive conformal prediction.

Nothing is stored per visitor. Now and then a *promise* is kept for a place in line: when it was made, and what was
told. When the serving place passes it, the wait is known, and its ratio to what was expected goes into the memory of
its horizon. The slow estimate is the quantile of those ratios whose level follows the misses (Gibbs and Candès 2021,
adaptive conformal inference), so that nine in ten waits end before it although the pace drifts.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any

from ecluse.domain.estimate import FIRST_SLOWNESS

HORIZON_SECONDS = (300.0, 1200.0, 3600.0)
"""Waits expected to be below five minutes, twenty, an hour, and longer ones are judged apart."""
SHORTEST_SECONDS = 30.0
"""Below this a wait is told as less than a minute, whatever its ratio."""
MISSES_WANTED = 0.1
RATIOS_KEPT = 60
PENDING_KEPT = 16
_STEP = 0.02
_LEVELS = (0.01, 0.25)
_LEAST_WIDTH = 1.2
_RATIOS_ENOUGH = 8
_BORROWED_WIDTH = 1.5
_LONGEST_RATIO = 6.0
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Promise:
    """What was told of a place: when (s), the wait expected by the measured rate, and the slow estimate, in seconds."""

    place: float
    made_at: float
    expected: float
    slow: float


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is known of waits of about this length."""

    pending: tuple[Promise, ...] = ()
    ratios: tuple[float, ...] = ()
    """Of the true wait to the expected one, newest last."""
    level: float = MISSES_WANTED

    def settled(self, serving: float, now: float) -> "Horizon":
        """The promises whose place was reached are judged."""
        if not any(promise.place <= serving for promise in self.pending):
            return self
        ratios, level = list(self.ratios), self.level
        for promise in self.pending:
            if promise.place <= serving:
                took = now - promise.made_at
                ratios.append(round(min(took / promise.expected, _LONGEST_RATIO), 3))
                level += _STEP * (MISSES_WANTED - (took > promise.slow))
        return Horizon(
            pending=tuple(promise for promise in self.pending if promise.place > serving),
            ratios=tuple(ratios[-RATIOS_KEPT:]),
            level=round(min(max(level, _LEVELS[0]), _LEVELS[1]), 4),
        )

    @property
    def knows(self) -> bool:
        """Whether enough waits of this length were seen to their end."""
        return len(self.ratios) >= _RATIOS_ENOUGH

    def slowness(self, now: float) -> float:
        """The ratio that all but `level` of the waits stay under; those that run count once they are late."""
        late = [(now - each.made_at) / each.expected for each in self.pending]
        typical = median(self.ratios)
        ratios = sorted([*self.ratios, *(ratio for ratio in late if ratio > typical)])
        rank = math.ceil((len(ratios) + 1) * (1 - self.level))
        return min(ratios[min(rank, len(ratios)) - 1], _LONGEST_RATIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """The horizons of one lane."""

    horizons: tuple[Horizon, ...] = field(default=(Horizon(),) * (len(HORIZON_SECONDS) + 1))

    def settled(self, serving: float, now: float) -> "Promises":
        """After the serving place moved to `serving`, at `now` (s)."""
        found = tuple(horizon.settled(serving, now) for horizon in self.horizons)
        return (
            self if all(new is old for new, old in zip(found, self.horizons, strict=True)) else Promises(horizons=found)
        )

    def forgotten(self) -> "Promises":
        """Without those that run: nobody is let in for long, or the places mean something else from now on."""
        return Promises(horizons=tuple(replace(horizon, pending=()) for horizon in self.horizons))

    def factors(self, longest_seconds: float, now: float) -> tuple[float, float]:
        """What to multiply an expected wait with for its median and its slow estimate, up to the longest there is."""
        reach = horizon_of(longest_seconds) + 1
        known = [horizon for horizon in self.horizons[:reach] if horizon.knows]
        if not known:
            return 1.0, FIRST_SLOWNESS
        # There is one median for the whole line: each horizon counts for as much as there are people in it.
        edges = [0.0, *HORIZON_SECONDS[: reach - 1], max(longest_seconds, 1.0)]
        weighted = sorted(
            (ratio, (edges[index + 1] - edges[index]) / len(horizon.ratios))
            for index, horizon in enumerate(self.horizons[:reach])
            if horizon.knows
            for ratio in horizon.ratios
        )
        typical = min(max(_weighted_median(weighted), 0.3), 3.0)
        slow = max(typical * _LEAST_WIDTH, *(horizon.slowness(now) for horizon in known))
        if not self.horizons[reach - 1].knows:
            slow = max(slow, typical * _BORROWED_WIDTH)
        return typical, slow

    def promised(
        self, marks: Sequence[tuple[float, int]], per_minute: float, slow_per_minute: float, now: float
    ) -> "Promises":
        """With one more promise in each horizon that the line reaches and that has had none for a while."""
        found = list(self.horizons)
        edges = [SHORTEST_SECONDS, *HORIZON_SECONDS, math.inf]
        ends = [bisect_left(marks, edge * per_minute / 60 - 1, key=_ahead) for edge in edges]
        for index, (first, end) in enumerate(pairwise(ends)):
            pending = found[index].pending
            if first == end or len(pending) >= PENDING_KEPT:
                continue
            place, ahead = marks[first + int(now / 10 * _GOLDEN % 1 * (end - first))]
            expected = (ahead + 1) / per_minute * 60
            if not pending or now - pending[-1].made_at >= max(10.0, expected / PENDING_KEPT):
                slow = (ahead + 1) / slow_per_minute * 60
                promise = Promise(place, round(now, 1), round(expected, 1), round(slow, 1))
                found[index] = replace(found[index], pending=(*pending, promise))
        return Promises(horizons=tuple(found))

    def plain(self) -> list[object]:
        """As JSON keeps it."""
        return [
            [[[each.place, each.made_at, each.expected, each.slow] for each in horizon.pending], horizon.ratios,
             horizon.level]
            for horizon in self.horizons
        ]  # fmt: skip

    @classmethod
    def of(cls, plain: Sequence[Any]) -> "Promises":
        """From what `plain` gave. Raises ValueError or TypeError for anything else."""
        if len(plain) != len(HORIZON_SECONDS) + 1:
            raise ValueError("kept by a version with other horizons")
        return cls(
            horizons=tuple(
                Horizon(
                    pending=tuple(Promise(*map(float, each)) for each in pending),
                    ratios=tuple(map(float, ratios)),
                    level=float(level),
                )
                for pending, ratios, level in plain
            )
        )


def _ahead(mark: tuple[float, int]) -> int:
    return mark[1]


def _weighted_median(weighted: Sequence[tuple[float, float]]) -> float:
    """The value in the middle of the weight; the values rise."""
    half = sum(weight for _, weight in weighted) / 2
    for value, weight in weighted:
        half -= weight
        if half <= 0:
            return value
    return weighted[-1][0]


def horizon_of(seconds: float) -> int:
    """The horizon in which an expected wait falls."""
    return sum(seconds >= edge for edge in HORIZON_SECONDS)
