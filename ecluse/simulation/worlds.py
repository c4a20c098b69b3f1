"""Days as they come: an opening, then arrivals; paces that change, incidents, pauses, people who miss their turn."""

import random
from collections.abc import Sequence
from dataclasses import replace

from ecluse.simulation.day import Day
from ecluse.simulation.forecast import Forecast
from ecluse.simulation.line import Rules
from ecluse.simulation.people import Manners, visitors

_MINUTE_MS = 60_000.0


def hard_day(seed: int, *, hours: float, paces: Sequence[float] = (30.0, 60.0, 120.0, 240.0)) -> tuple[Day, Forecast]:
    """One such day, and what its board told. Something happens every 45 minutes in the mean."""
    rng = random.Random(seed)  # noqa: S311 - a simulation must be repeatable
    pace, ends_ms = rng.choice(paces), hours * 60 * _MINUTE_MS
    rules = Rules(pace_per_minute=pace)
    arrivals = [rng.uniform(0, 10) * _MINUTE_MS for _ in range(int(pace * 60 * rng.uniform(0.5, 2.0)))]
    busy, at = rng.uniform(0.5, 1.0), 0.0
    while at < ends_ms:
        at += rng.expovariate(pace * busy / _MINUTE_MS)
        arrivals.append(at)
    manners = Manners(
        show=rng.uniform(0.5, 0.95),
        delay_seconds=rng.uniform(4, 15),
        patience_seconds=rng.choice([float("inf"), 7_200.0, 20_000.0]),
        back=0.4,
    )
    people = list(visitors(sorted(arrivals), manners, [("main", 1.0)], rng))
    forecast = Forecast()
    day = Day(rules=rules, visitors=people, changes=_events(rules, ends_ms, rng), watch=forecast.look)
    return day.run(ends_ms + 3_600_000), forecast


def _events(rules: Rules, ends_ms: float, rng: random.Random) -> list[tuple[float, Rules]]:
    changes: list[tuple[float, Rules]] = []
    at, now = 0.0, rules
    while True:
        at += rng.expovariate(1 / 45) * _MINUTE_MS
        if at > ends_ms:
            return changes
        match rng.choice(["pace", "pace", "incident", "pause"]):
            case "pace":
                now = replace(rules, pace_per_minute=rules.pace_per_minute * rng.uniform(0.6, 1.3))
                changes.append((at, now))
            case "incident":
                changes.append((at, replace(now, pace_per_minute=now.pace_per_minute * 0.4)))
                at += rng.uniform(5, 20) * _MINUTE_MS
                changes.append((at, now))
            case _:
                changes.append((at, replace(now, still=True)))
                at += rng.uniform(3, 10) * _MINUTE_MS
                changes.append((at, now))
