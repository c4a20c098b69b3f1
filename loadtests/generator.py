"""The generator's own limit: whether the machine that sends the crowd kept up with it. Pure arithmetic.

A generator that is late or out of breath measures itself. Its figures stand in every report, and a run in which it was
the bottleneck does not pass, whatever else it showed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

LATE_SECONDS = 1.0
"""Arrivals later than this, at the 99th percentile, are no open model any more."""
LAG_SECONDS = 0.5
"""A timer that is later than this, at the 95th percentile, says that the process has no time for its visitors."""
BUSY_SHARE = 0.9
"""Of one core: a locust process is one thread."""
CEILING_SHARE = 0.8
"""Of what this generator can ask of a server that answers at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSeen:
    """What one generator process noted of itself."""

    cpu_shares: list[float] = field(default_factory=list)
    """Share of a core that it used, second by second."""
    lags_seconds: list[float] = field(default_factory=list)
    """How late a timer of one second was, second by second."""
    late_seconds: list[float] = field(default_factory=list)
    """How late each arrival was."""
    ceiling_per_second: float = 0.0
    """Requests a second that it reached against a server that answers at once; 0 if this was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breath:
    """The worst of all generator processes, and the words for it."""

    late_p99_seconds: float
    lag_p95_seconds: float
    cpu_p95_share: float
    peak_per_second: float
    ceiling_per_second: float

    @property
    def reasons(self) -> list[str]:
        """Why the generator was the bottleneck; empty if it was not."""
        found = []
        if self.late_p99_seconds > LATE_SECONDS:
            found.append(f"arrivals were up to {self.late_p99_seconds:.1f} s late")
        if self.lag_p95_seconds > LAG_SECONDS:
            found.append(f"its timers were up to {self.lag_p95_seconds:.1f} s late")
        if self.cpu_p95_share > BUSY_SHARE:
            found.append(f"it used {self.cpu_p95_share:.0%} of a core")
        if self.ceiling_per_second and self.peak_per_second > CEILING_SHARE * self.ceiling_per_second:
            found.append(
                f"it asked {self.peak_per_second:.0f} times a second, of the {self.ceiling_per_second:.0f} that it can"
            )
        return found

    @property
    def shown(self) -> str:
        """The figures in one line."""
        ceiling = f" of {self.ceiling_per_second:,.0f} it can" if self.ceiling_per_second else ""
        return (
            f"arrivals late by {self.late_p99_seconds * 1000:.0f} ms at most (99 %), "
            f"{self.cpu_p95_share:.0%} of a core, "
            f"{self.peak_per_second:,.0f} requests/s at the peak{ceiling}"
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, by the nearest rank; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def breath_of(generators: Sequence[GeneratorSeen], peak_per_second: float) -> Breath:
    """How the generators did. The peak is of all together, and so is the ceiling."""
    return Breath(
        late_p99_seconds=percentile([late for each in generators for late in each.late_seconds], 0.99),
        lag_p95_seconds=max((percentile(each.lags_seconds, 0.95) for each in generators), default=0.0),
        cpu_p95_share=max((percentile(each.cpu_shares, 0.95) for each in generators), default=0.0),
        peak_per_second=peak_per_second,
        ceiling_per_second=sum(each.ceiling_per_second for each in generators),
    )
