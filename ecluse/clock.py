"""The process clock, as a value that is passed in.

The line itself keeps Redis time (see `ecluse.store`); this clock serves tokens and pages.
"""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since the Unix epoch, as a float."""

system_clock: Clock = time.time


class ManualClock:
    """A clock that moves only when told; tests own it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time it was set to, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.now += seconds
