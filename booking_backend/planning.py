"""From weekly openings and exceptions to dated slots: the same office and days always give the same slots. Pure.

Openings are wall-clock times of the office. A time that the night of a clock change skips gives no slot; one that it
repeats gives the first of the two (PEP 495, fold=0).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from booking_backend.office import Office, ServiceRules, Special, Weekly


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedSlot:
    """One time at one site for one service. Times are Unix seconds."""

    service_id: int
    site_id: int
    starts_at: int
    opens_at: int
    """From when on it can be booked."""
    closes_at: int
    """Until when."""
    counters: Mapping[int, int]
    """Places by counter."""

    @property
    def capacity(self) -> int:
        """Places at all counters together."""
        return sum(self.counters.values())


def dated_slots(office: Office, days: Iterable[date], zone: tzinfo) -> list[DatedSlot]:
    """The slots of `days`, in the order of their start, then site, then service."""
    services = {each.id: each for each in office.services}
    sites = {each.id: each.site_id for each in office.counters}
    places: dict[tuple[int, int, int], dict[int, int]] = {}
    found: dict[tuple[int, int, int], tuple[date, ServiceRules]] = {}
    for day in days:
        for opening in _openings(office, day):
            service, site_id = services[opening.service_id], sites[opening.counter_id]
            for minute in _starts(office, opening, service.minutes, site_id, day):
                starts_at = instant(day, minute, zone)
                if starts_at is None:
                    continue
                key = (starts_at, site_id, service.id)
                counters = places.setdefault(key, {})
                counters[opening.counter_id] = counters.get(opening.counter_id, 0) + opening.places
                found[key] = (day, service)
    return [_slot(key, *found[key], places[key], zone) for key in sorted(places)]


def _slot(
    key: tuple[int, int, int], day: date, service: ServiceRules, counters: Mapping[int, int], zone: tzinfo
) -> DatedSlot:
    starts_at, site_id, service_id = key
    return DatedSlot(
        service_id=service_id, site_id=site_id, starts_at=starts_at, counters=counters,
        opens_at=_midnight(day - timedelta(days=service.horizon_days), zone),
        closes_at=starts_at - service.lead_minutes * 60,
    )  # fmt: skip


def _openings(office: Office, day: date) -> Iterator[Weekly]:
    yield from (each for each in office.weekly if each.weekday == day.weekday())
    for extra in office.specials:
        if extra.day == day and extra.places > 0 and extra.counter_id is not None and extra.service_id is not None:
            yield Weekly(
                counter_id=extra.counter_id, service_id=extra.service_id, weekday=day.weekday(),
                from_minute=extra.from_minute, until_minute=extra.until_minute, places=extra.places,
            )  # fmt: skip


def _starts(office: Office, opening: Weekly, minutes: int, site_id: int, day: date) -> Iterator[int]:
    """The minutes at which an appointment can start that ends before closing and touches no closure."""
    closed = [
        each
        for each in office.specials
        if each.day == day and each.places == 0 and _concerns(each, opening.counter_id, site_id)
    ]
    for minute in range(opening.from_minute, opening.until_minute - minutes + 1, minutes):
        if not any(minute < each.until_minute and minute + minutes > each.from_minute for each in closed):
            yield minute


def _concerns(closure: Special, counter_id: int, site_id: int) -> bool:
    return closure.counter_id == counter_id or (closure.counter_id is None and closure.site_id == site_id)


def instant(day: date, minute: int, zone: tzinfo) -> int | None:
    """The Unix time of a wall-clock minute of `day`; None if clocks skip it that night."""
    wall = datetime.combine(day, time(0)) + timedelta(minutes=minute)
    here = wall.replace(tzinfo=zone)
    if here.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        return None
    return int(here.timestamp())


def _midnight(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(0), zone).timestamp())


def days_from(first: date, count: int) -> list[date]:
    """`count` days in a row, `first` included."""
    return [first + timedelta(days=number) for number in range(count)]


def days_ahead(now: int, zone: tzinfo, weeks: int) -> list[date]:
    """The days of so many weeks on the office's clock, from tomorrow on."""
    return days_from(datetime.fromtimestamp(now, zone).date() + timedelta(days=1), weeks * 7)
