import re
import string
from datetime import UTC

import pytest

from booking_backend.pages import TEMPLATES
from booking_backend.slots import Mistake, Refusal
from booking_backend.texts import CATALOGS, ENGLISH, FRENCH, LANGUAGES, Words, negotiate
from tests.booking_backend.conftest import PARIS


def test_both_languages_have_the_same_texts() -> None:
    assert set(CATALOGS) == set(LANGUAGES)
    assert list(FRENCH) == list(ENGLISH)


@pytest.mark.parametrize("key", sorted(FRENCH))
def test_both_languages_fill_in_the_same_values(key: str) -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}

    assert names(FRENCH[key]) == names(ENGLISH[key])
    assert FRENCH[key].strip()
    assert ENGLISH[key].strip()


def test_every_refusal_and_mistake_has_words() -> None:
    wanted = {f"refusal.{each}" for each in Refusal} | {f"mistake.{each}" for each in Mistake}
    assert wanted <= set(FRENCH)


def test_every_text_the_templates_name_exists() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (TEMPLATES / "booking").iterdir())
    said = set(re.findall(r'w\.say\("([a-z_.]+)"[,)]', source))
    counted = set(re.findall(r'w\.count\("([a-z_.]+)"', source))
    assert len(said) > 20
    assert said <= set(FRENCH)
    assert {f"{key}.{form}" for key in counted for form in ("one", "other")} <= set(FRENCH)


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9", "en"),
        ("ar,en;q=0.5,fr;q=0.4", "en"),
        ("en;q=0.2,fr;q=0.7", "fr"),
        ("en;q=0", "fr"),
        ("en;q=x,*;q=1,,;;", "fr"),
        ("EN", "en"),
    ],
)
def test_the_language_is_the_one_the_browser_prefers(header: str, lang: str) -> None:
    assert negotiate(header) == lang


def test_counts_follow_the_language() -> None:
    french, english = Words("fr", UTC), Words("en", UTC)
    assert [french.count("places", n) for n in (0, 1, 2)] == ["0 place libre", "1 place libre", "2 places libres"]
    assert [english.count("places", n) for n in (0, 1, 2)] == ["0 places free", "1 place free", "2 places free"]


def test_times_are_those_of_the_office() -> None:
    noon_utc = 1_800_014_400
    words = Words("fr", PARIS)
    assert words.time(noon_utc) == "13:00"
    assert words.day(words.day_of(noon_utc)) == "vendredi 15 janvier 2027"
    assert words.stamp(noon_utc) == "2027-01-15T13:00:00+01:00"
    assert Words("en", PARIS).day(words.day_of(noon_utc)) == "Friday 15 January 2027"


def test_a_service_named_in_other_languages_only_still_has_a_name() -> None:
    assert Words("en", UTC).named({"fr": "Remise"}) == "Remise"
