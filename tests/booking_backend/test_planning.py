"""Slots from weekly openings: exact, also where clocks change and doors stay shut."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from booking_backend.holidays import easter, french_holidays
from booking_backend.office import Counter, Office, ServiceRules, Site, Special, Weekly
from booking_backend.planning import dated_slots, days_from, instant
from booking_backend.prefecture import SERVICES, SITES, Filling, prefecture
from tests.booking_backend.conftest import PARIS

MONDAY = date(2027, 3, 22)
SITE = Site(id=1, names={"fr": "Ici"}, address="", postcode="", city="", latitude=0, longitude=0)
RENEWAL = ServiceRules(id=1, names={"fr": "Renouvellement"}, minutes=30, lead_minutes=60, horizon_days=14)


def office(*weekly: Weekly, specials: tuple[Special, ...] = ()) -> Office:
    counters = [Counter(id=1, site_id=1, name="A"), Counter(id=2, site_id=1, name="B")]
    return Office(services=[RENEWAL], sites=[SITE], counters=counters, weekly=weekly, specials=specials)


def open_on(weekday: int, opens: int, closes: int, counter: int = 1, places: int = 1) -> Weekly:
    return Weekly(
        counter_id=counter, service_id=1, weekday=weekday, from_minute=opens, until_minute=closes, places=places
    )


def starts(made: Office, *days: date, zone: ZoneInfo = PARIS) -> list[str]:
    slots = dated_slots(made, days, zone)
    return [f"{datetime.fromtimestamp(slot.starts_at, zone):%d %H:%M}" for slot in slots]


def test_a_week_gives_each_day_its_times_and_the_last_appointment_ends_before_closing() -> None:
    made = office(open_on(0, 540, 640), open_on(2, 540, 600))
    assert starts(made, *days_from(MONDAY, 7)) == ["22 09:00", "22 09:30", "22 10:00", "24 09:00", "24 09:30"]


def test_counters_that_are_open_together_share_a_slot() -> None:
    made = office(open_on(0, 540, 600), open_on(0, 570, 600, counter=2, places=2))
    first, second = dated_slots(made, [MONDAY], PARIS)
    assert (first.capacity, dict(first.counters)) == (1, {1: 1})
    assert (second.capacity, dict(second.counters)) == (3, {1: 1, 2: 2})


def test_a_slot_opens_at_midnight_before_its_horizon_and_closes_a_lead_before_it_starts() -> None:
    [slot, *_] = dated_slots(office(open_on(0, 540, 600)), [date(2027, 4, 5)], PARIS)
    assert datetime.fromtimestamp(slot.opens_at, PARIS).isoformat() == "2027-03-22T00:00:00+01:00"
    assert datetime.fromtimestamp(slot.starts_at, PARIS).isoformat() == "2027-04-05T09:00:00+02:00"
    assert slot.closes_at == slot.starts_at - 3600


def test_the_hour_that_spring_skips_has_no_slots_and_the_day_stays_on_the_wall_clock() -> None:
    sunday = date(2027, 3, 28)
    made = office(open_on(6, 90, 210))
    assert starts(made, sunday) == ["28 01:30", "28 03:00"]
    nine = instant(sunday, 540, PARIS)
    assert nine is not None
    assert datetime.fromtimestamp(nine, UTC).hour == 7
    assert instant(sunday, 150, PARIS) is None


def test_the_hour_that_autumn_repeats_has_its_slots_once() -> None:
    sunday = date(2027, 10, 31)
    slots = dated_slots(office(open_on(6, 90, 240)), [sunday], PARIS)
    assert [f"{datetime.fromtimestamp(slot.starts_at, UTC):%d %H:%M}" for slot in slots] == [
        "30 23:30", "31 00:00", "31 00:30", "31 02:00", "31 02:30",
    ]  # fmt: skip


def test_a_closure_takes_every_slot_that_it_touches_and_no_other() -> None:
    morning = open_on(0, 540, 660)
    lunch = Special(site_id=1, day=MONDAY, from_minute=585, until_minute=615)
    assert starts(office(morning, specials=(lunch,)), MONDAY) == ["22 09:00", "22 10:30"]
    assert starts(office(morning, specials=(Special(site_id=1, day=MONDAY),)), MONDAY) == []
    away = Special(site_id=1, day=MONDAY, counter_id=2)
    assert len(starts(office(morning, specials=(away,)), MONDAY)) == 4
    elsewhere = Special(site_id=2, day=MONDAY)
    assert len(starts(office(morning, specials=(elsewhere,)), MONDAY)) == 4


def test_an_extra_opening_gives_slots_on_a_day_that_has_none() -> None:
    saturday = date(2027, 3, 27)
    extra = Special(site_id=1, day=saturday, counter_id=1, service_id=1, from_minute=540, until_minute=600, places=4)
    [first, _] = dated_slots(office(specials=(extra,)), [saturday], PARIS)
    assert first.capacity == 4
    both = (extra, Special(site_id=1, day=saturday, from_minute=570))
    assert starts(office(specials=both), saturday) == ["27 09:00"]


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25)), (2285, (3, 22))],
)
def test_easter_is_where_the_almanac_has_it(year: int, sunday: tuple[int, int]) -> None:
    assert easter(year) == date(year, *sunday)


def test_the_holidays_of_a_year() -> None:
    assert sorted(f"{day:%m-%d}" for day in french_holidays(2027)) == [
        "01-01", "03-29", "05-01", "05-06", "05-08", "05-17", "07-14", "08-15", "11-01", "11-11", "12-25",
    ]  # fmt: skip


def test_the_same_seed_and_day_give_the_same_prefecture() -> None:
    def made(seed: int, first: date = MONDAY) -> object:
        return dated_slots(prefecture(Filling(seed=seed), first=first), days_from(first, 42), PARIS)

    assert made(1) == made(1)
    assert made(1) != made(2)


@pytest.mark.parametrize("seed", range(5))
def test_a_prefecture_has_six_weeks_of_every_service_at_every_site_and_none_on_holidays(seed: int) -> None:
    first = date(2027, 4, 26)
    slots = dated_slots(prefecture(Filling(seed=seed), first=first), days_from(first, 42), PARIS)
    assert {(slot.service_id, slot.site_id) for slot in slots} == {
        (service.id, site.id) for service in SERVICES for site in SITES
    }
    days = {datetime.fromtimestamp(slot.starts_at, PARIS).date() for slot in slots}
    assert not days & set(french_holidays(2027))
    weekdays = [day for day in days_from(first, 42) if day.weekday() < 5 and day not in french_holidays(2027)]
    assert set(weekdays) <= days
    assert len([day for day in days if day.weekday() == 5]) == 1
    assert not any(day.weekday() == 6 for day in days)
    assert 2000 < len(slots) < 5000


def test_more_counters_multiply_every_place() -> None:
    def places(counters: int) -> int:
        filling = Filling(counters=counters)
        return sum(
            slot.capacity for slot in dated_slots(prefecture(filling, first=MONDAY), days_from(MONDAY, 42), PARIS)
        )

    assert places(10) == 10 * places(1)
