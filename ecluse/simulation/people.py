"""People: when they come, whether and how soon they answer their call, how long they stay. Sampled from a seed."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """One ticket and whoever holds it. Times in ms."""

    arrives_ms: float
    lane: str = "main"
    delay_ms: float | None = 5_000.0
    """From a call to Enter; None: the call is not answered."""
    visit_ms: float = 0.0
    patience_ms: float = math.inf
    """Leaves the line after waiting this long."""
    back_after_ms: float | None = None
    """Sleeps, and asks the missed place back so long after missing it; answers the second call."""
    tabs: int = 1
    """Windows on the same ticket: each joins, and each presses Enter."""
    early: bool = False
    """A robot: claims from the start, and its admission again and again."""
    person: int = -1
    """Whoever holds several tickets has one number in all of them; below 0: nobody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the people of a room behave on the whole."""

    show: float = 0.85
    """The share of those called who press Enter."""
    delay_seconds: float = 8.0
    """In the mean, from the call to Enter."""
    visit_seconds: float = 300.0
    """In the mean."""
    patience_seconds: float = math.inf
    """In the mean: who waits that long leaves."""
    back: float = 0.0
    """The share of those who missed their turn that ask their place back, some minutes later."""


def visitors(
    arrivals_ms: Sequence[float], manners: Manners, lanes: Sequence[tuple[str, float]], rng: random.Random
) -> Iterator[Visitor]:
    """One person per arrival. `lanes`: names, and the shares of people that choose them."""
    names, shares = [name for name, _ in lanes], [share for _, share in lanes]
    for at in arrivals_ms:
        shows = rng.random() < manners.show
        delay_ms = rng.expovariate(1 / manners.delay_seconds) * 1000 if manners.delay_seconds else 0.0
        lasts = rng.expovariate(1 / manners.visit_seconds) * 1000 if manners.visit_seconds else 0.0
        waits = (
            rng.expovariate(1 / manners.patience_seconds) * 1000 if manners.patience_seconds < math.inf else math.inf
        )
        comes_back = not shows and rng.random() < manners.back
        yield Visitor(
            arrives_ms=at,
            lane=rng.choices(names, shares)[0] if len(names) > 1 else names[0],
            delay_ms=delay_ms if shows else None,
            visit_ms=lasts,
            patience_ms=waits,
            back_after_ms=rng.uniform(30, 600) * 1000 if comes_back else None,
        )
