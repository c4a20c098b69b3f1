"""What each figure must reach: the only place with limits. Wide enough for a shared machine, tight enough to notice.

Ratios compare two things measured in one interleaved run, so that they travel; a figure without a limit is only told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.table import Row

SHORT_MARGIN = 2.0
"""A short run is noisier: a ratio may be this much worse before it fails. What is exact has no margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At least, or at most. `exact`: a promise and no measurement."""

    floor: float | None = None
    ceiling: float | None = None
    exact: bool = False


LIMITS: Mapping[str, Limit] = {
    "board": Limit(floor=0.7),
    "ticket state": Limit(floor=0.45),
    "join, JSON": Limit(floor=0.25),
    "join, page": Limit(floor=0.17),
    "waiting page": Limit(floor=0.22),
    "claim": Limit(floor=0.18),
    "gate + proxy, GET": Limit(floor=0.75),
    "gate + proxy, POST": Limit(floor=0.7),
    "gateway memory": Limit(ceiling=80, exact=True),
    "gateway memory, all languages": Limit(ceiling=90),
    "gateway memory after it all": Limit(ceiling=100),
    "start-up": Limit(ceiling=6),
    "one event to 10,000 streams": Limit(ceiling=3),
    "memory per stream": Limit(ceiling=16),
    "streams that got every event": Limit(floor=0.999),
    "join step in Redis": Limit(ceiling=6),
    "memory per waiting ticket": Limit(ceiling=100),
    "board at 1,000,000 waiting": Limit(ceiling=1.2),
    "ticket state at 1,000,000 waiting": Limit(ceiling=1.2),
    "join at 1,000,000 waiting": Limit(ceiling=1.3),
    "tick at 1,000 waiting": Limit(),
    "tick at 100,000 waiting": Limit(ceiling=3),
    "tick at 1,000,000 waiting": Limit(ceiling=4),
    "its longest piece at 1,000,000": Limit(ceiling=5),
    "draw of 1,000,000": Limit(ceiling=8),
    "fullest window, 0% absent": Limit(ceiling=1.0, exact=True),
    "fullest window, 50% absent": Limit(ceiling=1.0, exact=True),
    "pace used, 0% absent": Limit(floor=0.95),
    "pace used, 50% absent": Limit(floor=0.95),
}


def judged(rows: Sequence[Row], *, short: bool = False) -> list[Row]:
    """The rows with their limits; those of a short run are wider."""
    found = []
    for row in rows:
        limit = LIMITS.get(row.name, Limit())
        wider = SHORT_MARGIN if short and not limit.exact else 1.0
        found.append(
            replace(
                row,
                floor=None if limit.floor is None else limit.floor / wider,
                ceiling=None if limit.ceiling is None else limit.ceiling * wider,
            )
        )
    return found
