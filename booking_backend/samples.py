"""Sample services and slots for an empty database: the same seed and first day give the same places, always."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

SERVICES = (
    {"fr": "Renouvellement de titre de séjour", "en": "Residence permit renewal"},
    {"fr": "Première demande de titre de séjour", "en": "First residence permit application"},
    {"fr": "Remise de titre", "en": "Collection of a permit"},
)
OPEN_DAYS = 10
_FIRST, _LAST, _EVERY_MINUTES = time(9, 0), time(16, 30), 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSlot:
    """A slot to be: `service` counts from 0 in SERVICES, `starts_at` is Unix seconds."""

    service: int
    starts_at: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Which sample an empty database gets: `counters` multiplies the places of each slot."""

    seed: int = 1
    counters: int = 1


def sample_slots(*, after: date, zone: tzinfo, seed: int, counters: int = 1) -> Iterator[SampleSlot]:
    """Two weeks of weekdays after `after`, 9:00 to 16:30 on the office's clock in `zone`.

    2 or 3 places each, times `counters`.
    """
    dice = random.Random(seed)  # noqa: S311 - a sample, not a secret
    for day in _weekdays(after, OPEN_DAYS):
        opening, closing = datetime.combine(day, _FIRST, zone), datetime.combine(day, _LAST, zone)
        minutes = range(0, int((closing - opening).total_seconds()) // 60 + 1, _EVERY_MINUTES)
        for start in (opening + timedelta(minutes=minute) for minute in minutes):
            for service in range(len(SERVICES)):
                yield SampleSlot(
                    service=service, starts_at=int(start.timestamp()), capacity=dice.choice((2, 3)) * counters
                )


def _weekdays(after: date, count: int) -> Iterator[date]:
    day = after
    while count:
        day += timedelta(days=1)
        if day.weekday() < 5:
            count -= 1
            yield day
