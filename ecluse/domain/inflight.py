"""How many requests may be on their way to an origin at once: found from their latency, every two seconds.

Additive increase, multiplicative decrease; the innermost of the three loops of the automatic pace.
"""

from dataclasses import dataclass

STEP_SECONDS = 2.0
FIRST_LIMIT = 64
MOST = 1000
LEAST = 2
PATIENCE_SECONDS = 0.5
"""How long a request may wait for its turn before it is told that the service is busy."""
_DOWN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one process saw of its requests in a step."""

    answered: int
    timed_out: int
    p90_ms: float | None
    in_flight: int
    """The most at once since the last step."""


def limited(limit: int, flow: Flow, target_ms: float) -> int:
    """The limit after a step in which `flow` was seen."""
    silent = flow.answered == 0 and flow.in_flight >= 0.9 * limit
    if flow.timed_out or silent or (flow.p90_ms or 0.0) > 1.3 * target_ms:
        return max(LEAST, int(_DOWN * limit))
    if flow.p90_ms is not None and flow.p90_ms < target_ms and flow.in_flight > limit / 2:
        return min(MOST, limit + 1)
    return limit
