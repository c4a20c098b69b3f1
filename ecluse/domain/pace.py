"""The pace bucket: the generic cell rate algorithm (ITU-T I.371) in exact arithmetic.

`scripts/_room.lua` does the same sums inside Redis; the property tests hold the two together. In any window of
w seconds it lets through at most `pace × w + burst`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """How much of the pace is already spoken for."""

    owed_ms: float = 0.0
    """Time until the bucket is full again, at `at_ms`."""
    interval_ms: float
    """60,000 divided by the pace per minute."""
    at_ms: float = 0.0

    def at(self, now_ms: float, interval_ms: float, burst: int) -> "Bucket":
        """The same bucket later, perhaps under another pace: the part that is full stays the part that is full."""
        owed_ms = max(0.0, self.owed_ms - (now_ms - self.at_ms)) * interval_ms / self.interval_ms
        return Bucket(owed_ms=min(owed_ms, burst * interval_ms), interval_ms=interval_ms, at_ms=now_ms)

    def wait_ms(self, burst: int, reserved: int = 0) -> float:
        """Time until one admission fits behind `reserved` others; 0 or less: now."""
        return self.owed_ms + (reserved + 1 - burst) * self.interval_ms

    def debited(self) -> "Bucket":
        """The bucket after one admission."""
        return Bucket(owed_ms=self.owed_ms + self.interval_ms, interval_ms=self.interval_ms, at_ms=self.at_ms)

    def admissions_within(self, horizon_ms: float, burst: int) -> float:
        """How many admissions fit from now until `horizon_ms` later, if each is taken as soon as it fits."""
        return burst - self.owed_ms / self.interval_ms + horizon_ms / self.interval_ms
