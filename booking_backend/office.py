"""What a préfecture is before anybody books: services, sites, counters, and when each counter is open. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRules:
    """What one can come for, and how it is booked."""

    id: int
    names: Mapping[str, str]
    """By language code."""
    minutes: int
    """How long one appointment takes at the counter; slots follow each other at this distance."""
    lead_minutes: int = 0
    """A slot can be booked until this long before it starts."""
    horizon_days: int = 42
    """A slot can be booked from midnight this many days before its day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A building people come to."""

    id: int
    names: Mapping[str, str]
    address: str
    postcode: str
    city: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A desk of a site, with one or more agents behind it."""

    id: int
    site_id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A counter's opening for a service, the same every week; minutes are those of the wall clock since midnight."""

    counter_id: int
    service_id: int
    weekday: int
    """0 is Monday."""
    from_minute: int
    until_minute: int
    places: int = 1
    """How many people come at each slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """An exception on one day: closed (`places` 0), or open although no week says so."""

    site_id: int
    day: date
    from_minute: int = 0
    until_minute: int = DAY_MINUTES
    counter_id: int | None = None
    """None, for a closure only: every counter of the site."""
    service_id: int | None = None
    """The service of an extra opening."""
    places: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All of it together."""

    services: Sequence[ServiceRules]
    sites: Sequence[Site]
    counters: Sequence[Counter]
    weekly: Sequence[Weekly]
    specials: Sequence[Special] = ()
