"""What an operator asks of a simulation, and the day that follows from it."""

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ecluse.domain.draw import place
from ecluse.simulation.arrivals import times_ms
from ecluse.simulation.day import Day
from ecluse.simulation.line import Rules
from ecluse.simulation.people import Manners, visitors

_LONGEST_MS = 14 * 24 * 3_600_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One day: who comes, and what the room allows."""

    per_minute: Sequence[float]
    rules: Rules
    manners: Manners = field(default_factory=Manners)
    lanes: Sequence[tuple[str, float]] = (("main", 1.0),)
    """Each lane with the share of people that choose it."""
    opens_after_minutes: float = 0.0
    """Nobody is let in before; people may come."""
    draws: bool = False
    """Whether those who came before the opening are drawn."""
    seed: int = 1

    def run(self) -> Day:
        """Let the day happen."""
        rng = random.Random(self.seed)  # noqa: S311 - a simulation must be repeatable
        people = list(visitors(times_ms(self.per_minute, rng), self.manners, self.lanes, rng))
        opens_ms = self.opens_after_minutes * 60_000
        places = drawn_places([each.arrives_ms for each in people], opens_ms, self.seed) if self.draws else ()
        still = replace(self.rules, still=True)
        day = Day(
            rules=still if opens_ms else self.rules,
            visitors=people,
            places=places,
            changes=((opens_ms, self.rules),) if opens_ms else (),
        )
        return day.run(_LONGEST_MS)


def drawn_places(arrivals_ms: Sequence[float], opens_ms: float, seed: int) -> list[float]:
    """The draw's own places for those who came before the opening, numbers from 1 on for the others."""
    secret = hashlib.sha256(f"simulation {seed}".encode()).digest()
    late = 0
    places = []
    for ticket, at in enumerate(arrivals_ms):
        late += at >= opens_ms
        places.append(float(late) if at >= opens_ms else place(secret, f"{ticket:011d}"))
    return places


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of `values` does not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1 if share else 0)] if ordered else math.nan
