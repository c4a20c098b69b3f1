"""How fast a lane moves, from the calls really made: a median and a slow estimate, never the configured hope alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

SLOT_SECONDS = 10
SLOTS_KEPT = 60
_SLOTS_PER_WINDOW = 6
_CALLS_TO_TRUST = 10
_FIRST_ESTIMATE_SLOWNESS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Calls per minute of one lane."""

    p50: float
    slow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLog:
    """Calls per lane in the latest slots of ten seconds, while the lane was waiting."""

    slot: int = 0
    """Number of the newest slot: seconds since 1970 divided by ten."""
    lanes: Mapping[str, tuple[int, ...]]
    """Newest last."""

    def noted(self, now_ms: float, calls: Mapping[str, int]) -> "CallLog":
        """The log with `calls` added to the slot of `now_ms`; slots nobody wrote in count as 0."""
        slot = int(now_ms / 1000 / SLOT_SECONDS)
        passed = min(max(0, slot - self.slot), SLOTS_KEPT) if self.slot else 1
        lanes = {}
        for lane in {*self.lanes, *calls}:
            kept = self.lanes.get(lane, ()) + (0,) * passed
            kept = kept or (0,)
            lanes[lane] = (*kept[:-1], kept[-1] + calls.get(lane, 0))[-SLOTS_KEPT:]
        return CallLog(slot=max(slot, self.slot), lanes=lanes)

    def throughput(self, lane: str, expected_per_minute: float) -> Throughput:
        """Median and slow (10th percentile) calls per minute over sliding minutes.

        Before there are enough calls to trust, the expected rate and a wide range speak.
        """
        slots = self.lanes.get(lane, ())
        rates = _minute_rates(slots[:-1])
        if len(rates) < _SLOTS_PER_WINDOW or sum(slots) < _CALLS_TO_TRUST:
            return Throughput(p50=expected_per_minute, slow=expected_per_minute / _FIRST_ESTIMATE_SLOWNESS)
        typical = median(rates)
        if typical <= 0:
            return Throughput(p50=expected_per_minute, slow=expected_per_minute / _FIRST_ESTIMATE_SLOWNESS)
        slow = sorted(rates)[len(rates) // 10]
        return Throughput(p50=typical, slow=min(max(slow, typical / _FIRST_ESTIMATE_SLOWNESS), typical / 1.15))


def _minute_rates(slots: Sequence[int]) -> list[float]:
    return [
        sum(slots[i : i + _SLOTS_PER_WINDOW]) * 60 / (_SLOTS_PER_WINDOW * SLOT_SECONDS)
        for i in range(len(slots) - _SLOTS_PER_WINDOW + 1)
    ]


def wait_seconds(ahead: float, pace: Throughput) -> tuple[float, float]:
    """How long until the turn comes: (p50, p90), in seconds."""
    people = ahead + 1
    return people / max(pace.p50, 1e-6) * 60, people / max(pace.slow, 1e-6) * 60
