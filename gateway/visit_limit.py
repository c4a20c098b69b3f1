"""How often one visit may ask, for rooms that say so: a bucket for each visit, in the memory of this process.

It is the generic cell rate algorithm (ITU-T I.371, annex A.1): of each visit only the moment is kept at which its
bucket is full again. Several gateway processes each count for themselves.
"""

import math
import time
from collections.abc import Callable

from ecluse.domain.errors import VisitTooFast

AT_ONCE_LEAST = 10
"""A page comes with its parts: so many requests are free at once, however low the limit."""
SWEEP_SECONDS = 60.0
_INEXACT_SECONDS = 0.001
"""How far the sum of many short times may be off."""


class VisitLimit:
    """The requests of the visits of one room."""

    def __init__(self, requests_per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._each_seconds = 60 / requests_per_minute
        self.at_once = max(AT_ONCE_LEAST, requests_per_minute // 4)
        """How many requests a full bucket holds."""
        self._full_at: dict[str, float] = {}
        self._sweep_at = 0.0

    def spend(self, session: str) -> None:
        """Count one request of this visit. Raises VisitTooFast, and does not count it, if the bucket is empty."""
        now = self.now()
        if now >= self._sweep_at:
            self._sweep(now)
        full_at = max(self._full_at.get(session, now), now) + self._each_seconds
        wait = full_at - now - self.at_once * self._each_seconds
        if wait > _INEXACT_SECONDS:
            raise VisitTooFast(retry_after_seconds=math.ceil(wait - _INEXACT_SECONDS))
        self._full_at[session] = full_at

    def _sweep(self, now: float) -> None:
        """Forget visits whose bucket is full: they are as if they had never asked."""
        self._full_at = {session: full_at for session, full_at in self._full_at.items() if full_at > now}
        self._sweep_at = now + SWEEP_SECONDS

    def __len__(self) -> int:
        """How many visits are remembered."""
        return len(self._full_at)


def visit_limit_of(requests_per_minute: int) -> VisitLimit | None:
    """The limit of a room; None if it has none, so that its requests cost nothing more."""
    return VisitLimit(requests_per_minute) if requests_per_minute else None
