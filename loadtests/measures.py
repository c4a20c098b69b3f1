"""The arithmetic of a verdict: limits, order, pace, success, from the visitors' own traces. Pure.

Nothing here trusts the gateway's word on itself. A visitor knows only *between* which two moments something
happened, so every check counts just what must have happened: it may miss a little, it never accuses wrongly.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from loadtests.generator import percentile
from loadtests.personas import PERSONAS
from loadtests.record import Record
from loadtests.tally import Trace, seconds_of

SETTLED_SECONDS = 60.0
"""Who was called later than this before the end may still be choosing a slot."""
_STAYED = {"there", "booked", "refused", "nothing left", "gave up", "missed", "put out"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How well calls followed places, over the pairs whose order could be seen."""

    agreeing: int
    against: int
    unseen: int

    @property
    def tau(self) -> float:
        """Kendall's tau over the pairs seen; 0 if there are none."""
        seen = self.agreeing + self.against
        return (self.agreeing - self.against) / seen if seen else 0.0


def most_over(spans: Sequence[tuple[float, float]], pace_per_minute: float, burst: int) -> float:
    """The largest excess of admissions over `pace × w + burst` in any window of w; 0 or less: the limit held.

    Each admission happened between the two times of its span; it counts for a window only if its span is inside.
    """
    if not spans:
        return -float(burst)
    by_end = np.array(sorted(spans, key=lambda span: span[1]))
    sent, received = by_end[:, 0], by_end[:, 1]
    worst = -float(burst)
    for start in np.unique(sent):
        inside = sent >= start
        excess = np.cumsum(inside) - pace_per_minute / 60 * (received - start) - burst
        worst = max(worst, float(excess[inside].max()))
    return worst


def order_of(traces: Sequence[Trace]) -> Order:
    """Compare every pair of one lane: who was surely called before whom, against who has the smaller place."""
    seen = sorted(
        (trace.place, trace.not_called_at, trace.called_at)
        for trace in traces
        if trace.place is not None and trace.not_called_at is not None and trace.called_at is not None
    )
    not_before = np.array([each[1] for each in seen])
    by = np.array([each[2] for each in seen])
    agreeing = against = 0
    for index in range(len(seen)):
        agreeing += int((by[index] <= not_before[index + 1 :]).sum())
        against += int((by[index + 1 :] <= not_before[index]).sum())
    pairs = len(seen) * (len(seen) - 1) // 2
    return Order(agreeing=agreeing, against=against, unseen=pairs - agreeing - against)


def pace_used(record: Record) -> float | None:
    """Admissions while somebody waited, as a share of what the pace allowed in that time; None if nobody waited."""
    busy = [board for board in record.boards if board.waiting > 0 and board.phase == "open"]
    if len(busy) < 2:
        return None
    first, last = busy[0].received_at, busy[-1].received_at
    admitted = sum(trace.admitted_at is not None and first <= trace.admitted_at <= last for trace in record.traces)
    allowed = sum(
        before.pace_per_minute / 60 * (after.received_at - before.received_at) for before, after in pairwise(busy)
    )
    return admitted / allowed if allowed > 0 else None


def ended_at(record: Record) -> float:
    """When the last thing was seen."""
    seconds = [int(each) + 1.0 for each in record.per_second]
    times = [trace.admitted_at for trace in record.traces if trace.admitted_at is not None]
    return max([*seconds, *times, record.started_at])


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """Of the visitors of one persona whose turn came early enough: how many, and how many had what they came for."""

    came: int
    booked: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.booked / self.came if self.came else 1.0


def successes(record: Record) -> Mapping[str, Success]:
    """By persona, of those who come to book. Nobody can book what is gone: "nothing left" is no failure of the line."""
    settled_by = ended_at(record) - SETTLED_SECONDS
    found: dict[str, Success] = {}
    for persona, kind in PERSONAS.items():
        if kind.books:
            turns = [
                trace
                for trace in record.traces
                if trace.persona == persona
                and trace.outcome in _STAYED
                and trace.outcome != "nothing left"
                and (at := trace.called_at if trace.called_at is not None else trace.admitted_at) is not None
                and at <= settled_by
            ]
            booked = sum(trace.booked_at is not None for trace in turns)
            found[persona] = Success(came=len(turns), booked=booked)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsShare:
    """What robots hold of the places, and what of the bookings."""

    places: int
    robot_places: int
    bookings: int
    robot_bookings: int

    def most_fair(self, sigma: float) -> float:
        """The most bookings that robots get by chance with their share of the places."""
        share = self.robot_places / self.places if self.places else 0.0
        expected = share * self.bookings
        return expected + sigma * math.sqrt(max(expected * (1 - share), 1.0))


def robots_share(record: Record) -> RobotsShare:
    """Over everybody who got a place or was let in."""
    inside = [each for each in record.traces if each.place is not None or each.admitted_at is not None]
    booked = [each for each in inside if each.booked_at is not None]
    return RobotsShare(
        places=len(inside),
        robot_places=sum(each.robot for each in inside),
        bookings=len(booked),
        robot_bookings=sum(each.robot for each in booked),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What was told of the wait, beside what it was."""

    told: int
    later: int
    """Who waited longer than the slow estimate, called or not."""

    @property
    def later_share(self) -> float:
        """From 0 to 1."""
        return self.later / self.told if self.told else 0.0


def promises(record: Record, *, slack_seconds: float = 10.0) -> Promises:
    """Whether the wait first told held. Who still waits counts as soon as they wait longer than they were told."""
    end, told, later = ended_at(record), 0, 0
    for trace in record.traces:
        at, slow = trace.told_at, trace.told_p90_seconds
        if at is None or slow is None or trace.outcome in ("left", "gave up", "forged", "missed"):
            continue
        told += 1
        until = trace.called_at if trace.called_at is not None else trace.admitted_at
        # Nobody sees their call at the moment it is made: a poll and the age of a board lie between.
        later += (end if until is None else until) - at > slow * 1.1 + slack_seconds
    return Promises(told=told, later=later)


def latency_seconds(record: Record, step: str, share: float) -> float | None:
    """A percentile of the answers of one step, within a twentieth; None if there were none."""
    buckets = sorted(
        (int(bucket), count)
        for name, count in record.latencies.items()
        for found, _, bucket in (name.rpartition(" "),)
        if found == step
    )
    wanted, reached = share * sum(count for _, count in buckets), 0
    for bucket, count in buckets:
        reached += count
        if reached >= wanted:
            return seconds_of(bucket)
    return None


def origin_p95_seconds(record: Record) -> float | None:
    """Of all answers of the origin; None if nobody reached it."""
    seen = [each.seconds for each in record.origin if each.status]
    return percentile(seen, 0.95) if seen else None


def peak_per_second(record: Record) -> float:
    """Requests in the busiest second."""
    return float(max(record.per_second.values(), default=0))
