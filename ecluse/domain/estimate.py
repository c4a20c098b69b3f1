"""How fast a lane moves: measured calls set against those that were to be expected, never the configured hope alone.

A pace that an operator changes is known at once, so the expectation follows it at once; what is measured is how much
of the expectation is really met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SLOT_SECONDS = 10
SLOTS_KEPT = 60
_SLOTS_ENOUGH = 18
_CALLS_ENOUGH = 20.0
_PRIOR_CALLS = 4.0
"""So many calls, made as expected, speak until there is something to see."""
EARLY = 0.75
"""A page tells the wait from this part of the median to the slow estimate; most waits end in that range."""
FIRST_SLOWNESS = 2.5
"""Before any wait was seen to its end, the slow estimate is this many times the median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """People of one lane whose turn comes, per minute: what the median and the slow estimate divide by."""

    p50: float
    slow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLog:
    """Calls made and calls expected, per lane, in the latest slots of ten seconds in which the lane waited."""

    slot: int = 0
    """Number of the newest slot: seconds since 1970 divided by ten."""
    made: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Newest last."""
    expected: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def noted(self, now_ms: float, made: Mapping[str, float], expected: Mapping[str, float]) -> "CallLog":
        """The log with this turn's calls added to the slot of `now_ms`.

        Time in which a lane did not wait, or nobody could be called, is not in the log at all.
        """
        slot = int(now_ms / 1000 / SLOT_SECONDS)
        begins = slot != self.slot
        return CallLog(
            slot=slot,
            made={**self.made, **{lane: _added(self.made.get(lane, ()), n, begins) for lane, n in made.items()}},
            expected={
                **self.expected,
                **{lane: _added(self.expected.get(lane, ()), n, begins) for lane, n in expected.items()},
            },
        )

    def met(self, lane: str) -> float:
        """The share of the expected calls that were made, in the latest three minutes or a little more."""
        made, expected = self.made.get(lane, ())[:-1], self.expected.get(lane, ())[:-1]
        calls = hoped = 0.0
        for back in range(1, min(len(made), len(expected)) + 1):
            if back > _SLOTS_ENOUGH and hoped >= _CALLS_ENOUGH:
                break
            calls += made[-back]
            hoped += expected[-back]
        return (calls + _PRIOR_CALLS) / (hoped + _PRIOR_CALLS)


def _added(slots: Sequence[float], count: float, begins: bool) -> tuple[float, ...]:
    if begins or not slots:
        return (*slots, round(count, 3))[-SLOTS_KEPT:]
    return (*slots[:-1], round(slots[-1] + count, 3))


def wait_seconds(ahead: float, pace: Throughput) -> tuple[float, float]:
    """How long until the turn comes: (p50, p90), in seconds."""
    people = ahead + 1
    return people / max(pace.p50, 1e-6) * 60, people / max(pace.slow, 1e-6) * 60
