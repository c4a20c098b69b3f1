"""The session window: how many visits an origin bears at once, found from its latency, errors and refusals.

Additive increase, multiplicative decrease on *active visits*, not on a rate: a departure admits the next, so the
minutes between an admission and its load on the origin do not make the loop swing. All arithmetic, no clock.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

STEP_MS = 10_000
"""How often the window is looked at."""
REFRACTORY_MS = 60_000
"""After a cut, until its effect can be seen: those inside go on for a while."""
FIRST_SIZE = 20
_CUT = 0.3
_TRIM = 0.1
_SLOW_START, _CAREFUL = 0.10, 0.02
_NEAR_LAST = 0.85
_ERROR_SHARE = 0.05
_OLDEST_MS = 5_000
_ENOUGH = 10
"""Fewer attempts than this say nothing about errors."""
_LIMITED_MEMORY = 0.3

FIRST_EDGE_MS = 2.0
EDGE_RATIO = 1.25
BUCKETS = 48
"""Latencies are counted in buckets up to 2 ms, 2.5 ms, 3.1 ms … 57 s, and one beyond."""
EDGES_MS = tuple(FIRST_EDGE_MS * EDGE_RATIO**i for i in range(BUCKETS - 1))


class Decision(StrEnum):
    """What was done to the window at a step."""

    CUT = "cut"
    TRIM = "trim"
    GROW = "grow"
    HOLD = "hold"
    FROZEN = "frozen"
    """Nothing was measured: no news is not good news."""
    STUCK = "stuck"
    """The target leaves no room above the latency of a calm origin: the window can never grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the gateways saw of an origin since the step before."""

    attempts: int
    failures: int
    """Time-outs, connections lost, answers 5xx, and requests refused by the limiter."""
    latencies: Sequence[int]
    """Answers per bucket of time to the header."""
    oldest_ms: float = 0.0
    """Age of the oldest request still without an answer."""

    @property
    def p90_ms(self) -> float | None:
        """The latency that nine answers in ten stayed under; None without answers."""
        return quantile_ms(self.latencies, 0.9)

    @property
    def error_share(self) -> float:
        """Share of attempts that failed; 0 where there were too few to tell."""
        return self.failures / self.attempts if self.attempts >= _ENOUGH else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an operator allows the window to do."""

    target_ms: float
    """The latency to keep nine answers in ten under."""
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The window, and what it learnt."""

    size: float
    before: float | None = None
    """The size at which the origin last suffered; None until it did: slow start."""
    cut_at_ms: float = float("-inf")
    limited: float = 0.0
    """How often lately the window was what held visits back, 0 to 1."""
    decision: Decision = Decision.HOLD


def first_window(active: int, bounds: Bounds) -> Window:
    """Where to begin: at what is inside now, so that switching on neither empties nor floods the origin."""
    return Window(size=_bounded(max(active, FIRST_SIZE), bounds))


def stepped(window: Window, seen: Seen | None, active: int, now_ms: float, bounds: Bounds) -> Window:
    """The window after another step. `active`: visits inside now."""
    window = replace(window, size=_bounded(window.size, bounds))
    if seen is None or seen.attempts == 0:
        return replace(window, decision=Decision.FROZEN)
    near_full = active >= window.size - max(4.0, 0.15 * window.size)
    window = replace(window, limited=window.limited + _LIMITED_MEMORY * (near_full - window.limited))
    p90, target = seen.p90_ms, bounds.target_ms
    rested = now_ms - window.cut_at_ms >= REFRACTORY_MS
    ill = seen.oldest_ms > _OLDEST_MS or (p90 or 0.0) > 3 * target
    if ill or seen.error_share > _ERROR_SHARE:
        if not rested:
            return replace(window, decision=Decision.HOLD)
        # A few errors or refusals are a window a little too wide, not an origin that falls.
        share = _CUT if ill else min(_CUT, 2 * seen.error_share)
        size = (1 - share) * min(window.size, max(active, bounds.least))
        return replace(window, size=_bounded(size, bounds), before=window.size, cut_at_ms=now_ms, decision=Decision.CUT)
    if p90 is None:
        return replace(window, decision=Decision.HOLD)
    if p90 > target:
        size = window.size * (1 - _TRIM * min(1.0, p90 / target - 1))
        return replace(window, size=_bounded(size, bounds), before=window.size, decision=Decision.TRIM)
    if p90 < 0.7 * target and window.limited > 0.5 and rested:
        return replace(window, size=_bounded(window.size + _growth(window), bounds), decision=Decision.GROW)
    stuck = p90 >= 0.7 * target and window.size <= 1.5 * bounds.least
    return replace(window, decision=Decision.STUCK if stuck else Decision.HOLD)


def _growth(window: Window) -> float:
    early = window.before is None or window.size < _NEAR_LAST * window.before
    return max(1.0, (_SLOW_START if early else _CAREFUL) * window.size)


def _bounded(size: float, bounds: Bounds) -> float:
    return min(max(size, float(bounds.least)), float(bounds.most))


def bucket_of(latency_ms: float) -> int:
    """The bucket a latency is counted in."""
    return bisect_left(EDGES_MS, latency_ms)


def quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """The latency below which `share` of the answers lie, straight lines within a bucket; None without answers."""
    total = sum(counts)
    if total == 0:
        return None
    wanted, below = share * total, 0.0
    for index, count in enumerate(counts):
        if count and below + count >= wanted:
            low = EDGES_MS[index - 1] if index else 0.0
            high = EDGES_MS[index] if index < len(EDGES_MS) else low * EDGE_RATIO
            return low + (high - low) * (wanted - below) / count
        below += count
    return EDGES_MS[-1] * EDGE_RATIO
