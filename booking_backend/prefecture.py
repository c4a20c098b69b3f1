"""A realistic préfecture to fill a database with: three sites, twelve counters, three services. Invented places.

The same seed, first day and number of weeks always give the same office.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from booking_backend.holidays import french_holidays
from booking_backend.office import Counter, Office, ServiceRules, Site, Special, Weekly

WEEKS = 6
_HALF_DAYS = ((9 * 60, 12 * 60), (13 * 60 + 30, 16 * 60 + 30))
_WEDNESDAY, _SATURDAY = 2, 5
SERVICES = (
    ServiceRules(
        id=1, names={"fr": "Renouvellement de titre de séjour", "en": "Residence permit renewal"}, minutes=20,
        lead_minutes=60, horizon_days=60,
    ),
    ServiceRules(
        id=2, names={"fr": "Première demande de titre de séjour", "en": "First residence permit application"},
        minutes=30, lead_minutes=24 * 60, horizon_days=60,
    ),
    ServiceRules(
        id=3, names={"fr": "Remise de titre", "en": "Collection of a permit"}, minutes=10, lead_minutes=60,
        horizon_days=21,
    ),
)  # fmt: skip
SITES = (
    Site(
        id=1, names={"fr": "Préfecture de Pontlieu", "en": "Pontlieu prefecture"}, address="2 place de l’Écluse",
        postcode="99000", city="Pontlieu", latitude=49.0386, longitude=2.0761,
    ),
    Site(
        id=2, names={"fr": "Sous-préfecture de Vaugrand", "en": "Vaugrand sub-prefecture"},
        address="14 rue des Mariniers", postcode="99200", city="Vaugrand", latitude=48.9972, longitude=2.3782,
    ),
    Site(
        id=3, names={"fr": "Sous-préfecture de Sainte-Aure", "en": "Sainte-Aure sub-prefecture"},
        address="1 quai du Halage", postcode="99100", city="Sainte-Aure", latitude=48.9472, longitude=2.2467,
    ),
)  # fmt: skip
_COUNTERS = {1: 6, 2: 4, 3: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Which préfecture an empty database gets: `counters` multiplies the places of each slot."""

    seed: int = 1
    counters: int = 1
    weeks: int = WEEKS


def prefecture(filling: Filling, *, first: date) -> Office:
    """The office, its exceptions from the day `first` on."""
    dice = random.Random(filling.seed)  # noqa: S311 - a sample, not a secret
    counters = [
        Counter(id=site_id * 10 + number, site_id=site_id, name=f"Guichet {number}")
        for site_id, many in _COUNTERS.items()
        for number in range(1, many + 1)
    ]
    weekly = [opening for counter in counters for opening in _week(counter, dice, filling.counters)]
    specials = [*_holidays(first, filling.weeks), *_exceptions(first, filling, dice)]
    return Office(services=SERVICES, sites=SITES, counters=counters, weekly=weekly, specials=specials)


def _week(counter: Counter, dice: random.Random, times: int) -> Iterator[Weekly]:
    """Counter 2 of a site hands out permits in the afternoon, counter 1 takes first applications; all renew."""
    number = counter.id % 10
    for weekday in range(5):
        for afternoon, (opens, closes) in enumerate(_HALF_DAYS):
            if afternoon and weekday == _WEDNESDAY and dice.random() < 0.8:
                continue  # most counters are closed on Wednesday afternoon
            service_id = 1
            if number == 1 and (afternoon or weekday % 2 == 0):
                service_id = 2
            elif number == 2 and afternoon:
                service_id = 3
            places = 2 if number == 3 and dice.random() < 0.5 else 1
            yield Weekly(
                counter_id=counter.id, service_id=service_id, weekday=weekday, from_minute=opens,
                until_minute=closes, places=places * times,
            )  # fmt: skip


def _holidays(first: date, weeks: int) -> Iterator[Special]:
    # Some weeks more than are filled, so that days added next month know them too.
    last = first + timedelta(weeks=weeks + 53)
    for year in range(first.year, last.year + 1):
        for day, name in french_holidays(year).items():
            if first <= day <= last:
                yield from (Special(site_id=site.id, day=day, reason=name) for site in SITES)


def _exceptions(first: date, filling: Filling, dice: random.Random) -> Iterator[Special]:
    """A training afternoon at each site, an agent away, and one Saturday morning more at the first site."""
    monday = first + timedelta(days=-first.weekday() % 7 or 7)
    for site in SITES:
        day = monday + timedelta(weeks=dice.randrange(filling.weeks), days=dice.choice((1, 3)))
        yield Special(site_id=site.id, day=day, from_minute=12 * 60, reason="Formation des agents")
        away = monday + timedelta(weeks=dice.randrange(filling.weeks), days=dice.randrange(5))
        yield Special(site_id=site.id, day=away, counter_id=site.id * 10 + 1, reason="Guichet fermé")
    saturdays = [monday + timedelta(weeks=week, days=_SATURDAY) for week in range(filling.weeks - 1)] or [monday]
    saturday = dice.choice([day for day in saturdays if day not in french_holidays(day.year)] or saturdays)
    for counter_id in (13, 14):
        yield Special(
            site_id=1, day=saturday, counter_id=counter_id, service_id=1, from_minute=9 * 60, until_minute=12 * 60,
            places=filling.counters, reason="Ouverture exceptionnelle",
        )  # fmt: skip
