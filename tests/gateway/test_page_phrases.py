"""How a page says times: as people read them, on the clocks of the room."""

from zoneinfo import ZoneInfo

import pytest

from ecluse.catalogues import catalogue_of
from gateway.page_languages import locale_of
from gateway.page_phrases import Phrases
from gateway.page_views import HoursView
from gateway.pages import TEMPLATES, Pages
from tests.gateway.test_pages import NOW_MS, show

WINTER = 1_800_010_800  # 2027-01-15T11:00:00Z
SUMMER = 1_815_645_600  # 2027-07-15T10:00:00Z
HOURS = HoursView(
    zone="Indian/Reunion", opens_at_ms=None, closes_at_ms=None, draws=False, keeps=False, undrawn=False,
    first_number=0, campaign_at_ms=0,
)  # fmt: skip


def phrases(lang: str) -> Phrases:
    return Phrases(locale_of(lang), catalogue_of([TEMPLATES], lang), ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("lang", "seconds", "said"),
    [
        ("fr", WINTER, "12:00"), ("fr", SUMMER, "12:00"), ("fr-x-facile", WINTER, "12:00"),
        ("en", WINTER, "12:00\u202fPM"), ("fr", WINTER - 3 * 3600 + 65, "09:01"),
    ],
)  # fmt: skip
def test_a_time_is_hours_and_minutes_without_a_zone(lang: str, seconds: int, said: str) -> None:
    assert phrases(lang).clock_time(seconds)[0] == said


def test_a_time_is_on_the_clocks_of_its_room_and_the_same_instant_for_machines() -> None:
    assert phrases("fr").clock_time(WINTER, "Indian/Reunion") == ("15:00", "2027-01-15T11:00:00Z")
    assert phrases("fr").clock_time(WINTER, "UTC")[0] == "11:00", "a room that lives by UTC needs no name for it"


def test_a_zone_is_named_where_others_clocks_stand_in_for_those_of_the_room() -> None:
    assert phrases("fr").clock_time(WINTER, "Mars/Olympus")[0] == "11:00 UTC"
    day, instant = phrases("fr").on_the_day(WINTER * 1000, "Mars/Olympus")
    assert (day, instant) == ("vendredi 15 janvier 2027 à 11:00 UTC", "2027-01-15T11:00:00Z")
    assert phrases("fr").on_the_day(WINTER * 1000, "Europe/Paris")[0] == "vendredi 15 janvier 2027 à 12:00"


def test_the_page_of_a_room_says_its_times_on_the_clocks_of_the_room() -> None:
    pages = Pages()
    assert ">09:00</time>" in show(pages, lang="fr", now_ms=NOW_MS)
    assert ">12:00</time>" in show(pages, lang="fr", now_ms=NOW_MS, hours=HOURS)
    called = {"state": "called", "claim_until_ms": NOW_MS + 120_000, "ahead": None}
    assert "Jusqu’à 09:02." in show(pages, lang="fr", **called)
    assert "Jusqu’à 12:02." in show(pages, lang="fr", hours=HOURS, **called)


@pytest.mark.parametrize(
    ("lang", "said"), [("fr", "4\u202f322"), ("en", "4,322"), ("es", "4322"), ("pt", "4.322"), ("bn", "4,322")]
)
def test_a_number_is_written_as_the_script_will_write_it(lang: str, said: str) -> None:
    assert phrases(lang).number(4322) == said
    assert phrases("es").number(14322) == "14.322"
