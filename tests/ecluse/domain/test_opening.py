"""Opening hours: what holds when, around midnight, exceptions, and both changes of the clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain.opening import Hours, Moment, Schedule, Timetable

PARIS = ZoneInfo("Europe/Paris")
MORNING = (Hours(9 * 60, 12 * 60),)


def ms(text: str) -> int:
    """Unix ms of a UTC time such as 2026-03-29T01:00."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def told(moment: Moment) -> tuple[str, str | None, str | None, str | None]:
    """The moment with its times in UTC, for reading."""

    def utc(at_ms: int | None) -> str | None:
        return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()[:16]

    return moment.schedule.value, utc(moment.prequeue_at_ms), utc(moment.opens_at_ms), utc(moment.closes_at_ms)


def every_day(*hours: Hours, prequeue_minutes: int = 0, **more: object) -> Timetable:
    return Timetable(
        zone=PARIS, weekly=dict.fromkeys(range(7), hours), prequeue_minutes=prequeue_minutes,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_day_goes_through_its_phases_at_exactly_its_times() -> None:
    table = every_day(*MORNING, prequeue_minutes=30)
    day = ("2026-01-12T07:30", "2026-01-12T08:00", "2026-01-12T11:00")
    assert told(table.at(ms("2026-01-12T07:30") - 1)) == ("closed", *day)
    assert told(table.at(ms("2026-01-12T07:30"))) == ("prequeue", *day)
    assert told(table.at(ms("2026-01-12T08:00") - 1)) == ("prequeue", *day)
    assert told(table.at(ms("2026-01-12T08:00"))) == ("open", *day)
    assert told(table.at(ms("2026-01-12T11:00") - 1)) == ("open", *day)
    tomorrow = ("2026-01-13T07:30", "2026-01-13T08:00", "2026-01-13T11:00")
    assert told(table.at(ms("2026-01-12T11:00"))) == ("closed", *tomorrow)


def test_a_moment_says_how_long_it_holds() -> None:
    table = every_day(*MORNING, prequeue_minutes=30)
    assert table.at(ms("2026-01-12T05:00")).until_ms == ms("2026-01-12T07:30")
    assert table.at(ms("2026-01-12T07:40")).until_ms == ms("2026-01-12T08:00")
    assert table.at(ms("2026-01-12T08:40")).until_ms == ms("2026-01-12T11:00")


@pytest.mark.parametrize(
    ("day", "opens"),
    [("2026-03-28", "08:00"), ("2026-03-29", "07:00"), ("2026-10-24", "07:00"), ("2026-10-25", "08:00")],
)
def test_nine_on_the_wall_is_nine_on_the_wall_before_and_after_a_change_of_the_clock(day: str, opens: str) -> None:
    found = every_day(*MORNING).at(ms(f"{day}T00:30"))
    assert found.opens_at_ms == ms(f"{day}T{opens}")
    assert found.closes_at_ms == ms(f"{day}T{opens}") + 3 * 3_600_000


def test_an_opening_at_a_time_the_clock_skips_is_at_the_change() -> None:
    table = every_day(Hours(150, 240))  # 02:30 to 04:00; on 29 March 2026 the clock goes from 02:00 to 03:00
    assert told(table.at(ms("2026-03-29T00:30")))[2:] == ("2026-03-29T01:00", "2026-03-29T02:00")


def test_a_closing_at_a_time_the_clock_skips_is_at_the_change() -> None:
    table = every_day(Hours(60, 150))  # 01:00 to 02:30
    assert told(table.at(ms("2026-03-29T00:10")))[2:] == ("2026-03-29T00:00", "2026-03-29T01:00")


def test_an_opening_that_the_clock_skips_altogether_does_not_take_place() -> None:
    table = every_day(Hours(130, 170))
    assert table.at(ms("2026-03-29T00:50")).opens_at_ms == ms("2026-03-30T00:10")


def test_hours_that_come_twice_in_autumn_are_open_from_the_first_to_the_second() -> None:
    table = every_day(Hours(150, 165))  # 02:30 to 02:45, twice on 25 October 2026
    assert told(table.at(ms("2026-10-25T00:40")))[2:] == ("2026-10-25T00:30", "2026-10-25T01:45")


def test_hours_past_midnight_belong_to_the_day_on_which_they_start() -> None:
    table = Timetable(zone=PARIS, weekly={4: (Hours(22 * 60, 2 * 60),)})  # Friday 22:00 to Saturday 02:00
    assert told(table.at(ms("2026-01-17T00:30"))) == ("open", *["2026-01-16T21:00"] * 2, "2026-01-17T01:00")
    assert table.at(ms("2026-01-17T01:00")).schedule is Schedule.CLOSED


def test_hours_that_touch_at_midnight_are_one_opening() -> None:
    table = Timetable(zone=PARIS, weekly={0: (Hours(20 * 60, 24 * 60),), 1: (Hours(0, 6 * 60),)})
    assert told(table.at(ms("2026-01-12T23:30")))[2:] == ("2026-01-12T19:00", "2026-01-13T05:00")


def test_a_date_wins_over_its_weekday_whether_it_opens_or_closes() -> None:
    exceptions = {date(2026, 12, 25): (), date(2026, 12, 27): (Hours(600, 660),)}
    table = Timetable(zone=PARIS, weekly=dict.fromkeys(range(5), MORNING), exceptions=exceptions)
    assert table.at(ms("2026-12-24T12:00")).opens_at_ms == ms("2026-12-27T09:00")
    assert table.at(ms("2026-12-25T08:30")).schedule is Schedule.CLOSED
    assert told(table.at(ms("2026-12-27T09:30")))[0] == "open"


def test_a_closed_date_does_not_cut_the_night_before() -> None:
    table = every_day(Hours(22 * 60, 2 * 60), exceptions={date(2026, 1, 13): ()})
    assert table.at(ms("2026-01-13T00:30")).schedule is Schedule.OPEN


def test_a_prequeue_waits_for_the_opening_before_it_to_end() -> None:
    table = every_day(Hours(540, 600), Hours(610, 700), prequeue_minutes=30)
    found = told(table.at(ms("2026-01-12T09:05")))
    assert found == ("prequeue", "2026-01-12T09:00", "2026-01-12T09:10", "2026-01-12T10:40")


def test_a_prequeue_may_begin_the_day_before() -> None:
    table = every_day(Hours(10, 60), prequeue_minutes=60)
    assert told(table.at(ms("2026-01-11T22:30")))[0] == "prequeue"


def test_open_day_and_night_has_no_end() -> None:
    found = every_day(Hours(0, 24 * 60)).at(ms("2026-06-01T12:00"))
    assert (found.schedule, found.closes_at_ms, found.until_ms) == (Schedule.OPEN, None, None)


def test_without_any_opening_to_come_the_room_is_closed_and_says_no_time() -> None:
    table = Timetable(zone=PARIS, exceptions={date(2020, 1, 1): MORNING})
    found = table.at(ms("2026-01-12T09:00"))
    assert (found.schedule, found.opens_at_ms) == (Schedule.CLOSED, None)
    assert found.until_ms is not None


@given(
    st.integers(ms("2026-01-01T00:00"), ms("2027-12-31T00:00")),
    st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), max_size=3),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]),
    st.integers(0, 600),
)
def test_at_any_time_the_moment_is_in_order_and_the_next_one_is_another(
    now: int, hours: list[tuple[int, int]], zone: str, prequeue: int
) -> None:
    spans = tuple(Hours(start, until) for start, until in hours)
    table = Timetable(zone=ZoneInfo(zone), weekly=dict.fromkeys(range(7), spans), prequeue_minutes=prequeue)
    found = table.at(now)
    if found.opens_at_ms is None:
        assert found.schedule is Schedule.CLOSED
        return
    assert found.prequeue_at_ms is not None
    assert found.prequeue_at_ms <= found.opens_at_ms
    if found.closes_at_ms is not None:
        assert found.opens_at_ms < found.closes_at_ms
    if found.until_ms is not None:
        assert table.at(found.until_ms - 1) == found
        assert table.at(found.until_ms).schedule != found.schedule
