import re
import string
from datetime import UTC, date
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from booking_backend.pages import TEMPLATES
from booking_backend.slots import Mistake, Refusal
from booking_backend.texts import LOCALES, Words, catalogues, negotiate
from ecluse.origin.refusals import TEXTS
from tests.booking_backend.conftest import PARIS

PROGRAM = Path(TEMPLATES).parent / "booking_backend"


def spoken(entry: Message) -> list[str]:
    """The text, or each of its plural forms."""
    string: Any = entry.string
    return [string] if isinstance(string, str) else list(string)


def entries(lang: str) -> dict[str, Message]:
    with (LOCALES / lang / "LC_MESSAGES" / "booking.po").open("rb") as file:
        catalogue = read_po(file, locale=catalogues()[lang].locale)
    assert not catalogue.obsolete
    found = {}
    for entry in catalogue:
        if entry.id:
            forms = spoken(entry)
            assert not entry.fuzzy
            assert all(text.strip() for text in forms), entry.id
            # A text stands in attributes too: it may hold neither quotes nor markup.
            assert not set('"<>') & set("".join(forms))
            if isinstance(entry.id, tuple):
                assert len(forms) == catalogue.num_plurals
            found[entry.id if isinstance(entry.id, str) else entry.id[0]] = entry
    return found


def names(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def used() -> set[str]:
    """Every key that a page or the program names, and the families of keys put together at run time."""
    source = "".join(path.read_text(encoding="utf-8") for path in (TEMPLATES / "booking").iterdir())
    source += "".join(path.read_text(encoding="utf-8") for path in PROGRAM.glob("*.py"))
    keys = set(re.findall(r'\b(?:w|words)\.(?:say|count)\(\s*"([a-z_.]+)"[,)]', source))
    keys |= set(re.findall(r'else w\.say\("([a-z_.]+)"', source))
    fields = set(re.findall(r'field\(w, "([a-z_]+)"', source))
    keys |= {f"field.{name}" for name in fields} | {f"field.{name}.hint" for name in fields}
    keys |= {f"refusal.{each}" for each in Refusal} | {f"mistake.{each}" for each in Mistake}
    reasons = r'"(busy|cross_site|bad_form|too_large|not_found|method|internal|no_booking|no_hold)"'
    keys |= {f"refusal.{each}" for each in re.findall(reasons, source)}
    keys |= {f"agents.{each}" for each in re.findall(r'_signing_in\(request, "([a-z_]+)"', source)}
    keys |= {f"agents.state.{each}" for each in ("expected", "arrived", "absent")}
    keys |= {f"door.{each}" for each in TEXTS["en"]}
    return keys | {"times.morning", "times.afternoon", "mail.made", "mail.moved", "mail.cancelled"}


@pytest.mark.parametrize("lang", list(catalogues()))
def test_every_language_says_every_text_and_nothing_else(lang: str) -> None:
    # A private variety needs only what it says in another way than its base.
    assert set(entries(lang)) < used() if "-x-" in lang else set(entries(lang)) == used()
    assert catalogues()[lang].keys == used()


@pytest.mark.parametrize("lang", list(catalogues()))
def test_every_language_fills_in_the_same_values(lang: str) -> None:
    french = entries("fr")
    for key, entry in entries(lang).items():
        assert names("".join(spoken(entry))) == names("".join(spoken(french[key]))), key


def test_the_easy_french_says_its_own_texts_and_the_rest_like_french() -> None:
    easy, french = Words("fr-x-facile", UTC), Words("fr", UTC)
    assert easy.say("mine.title") == "Voir mon rendez-vous" != french.say("mine.title")
    assert easy.say("office") == french.say("office")
    assert [easy.count("places", n) for n in (1, 2)] == [french.count("places", n) for n in (1, 2)]
    assert (easy.name, easy.dir) == ("Français facile", "ltr")
    assert (easy.named({"en": "Collection", "fr": "Remise"}), easy.name_lang({"fr": "Remise"})) == ("Remise", "fr")
    assert ("fr-x-facile", "Français facile") in french.languages
    assert easy.day(date(2027, 1, 15)) == "vendredi 15 janvier 2027"


def test_a_language_needs_no_more_than_its_catalogue(tmp_path: Path) -> None:
    source = (LOCALES / "fr" / "LC_MESSAGES" / "booking.po").read_text(encoding="utf-8")
    for lang in ("fr", "ar"):
        (tmp_path / lang / "LC_MESSAGES").mkdir(parents=True)
        (tmp_path / lang / "LC_MESSAGES" / "booking.po").write_text(source, encoding="utf-8")
    found = catalogues(tmp_path)
    assert list(found) == ["fr", "ar"]
    assert found["ar"].locale.text_direction == "rtl"


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9", "en"),
        ("tlh,en;q=0.5,fr;q=0.4", "en"),
        ("en;q=0.2,fr;q=0.7", "fr"),
        ("en;q=0", "fr"),
        ("en;q=x,*;q=1,,;;", "fr"),
        ("EN", "en"),
        ("fr-x-facile,en;q=0.5", "fr"),
    ],
)
def test_the_language_is_the_one_the_browser_prefers(header: str, lang: str) -> None:
    assert negotiate(header) == lang


def test_counts_follow_the_language() -> None:
    french, english = Words("fr", UTC), Words("en", UTC)
    assert [french.count("places", n) for n in (0, 1, 2)] == ["0 place libre", "1 place libre", "2 places libres"]
    assert [english.count("places", n) for n in (0, 1, 2)] == ["0 places free", "1 place free", "2 places free"]


def test_a_key_that_no_catalogue_has_is_an_error() -> None:
    for said in (Words("fr", UTC).say, lambda key: Words("fr", UTC).count(key, 1)):
        with pytest.raises(KeyError):
            said("nowhere")


def test_times_are_those_of_the_office() -> None:
    noon_utc = 1_800_014_400
    words = Words("fr", PARIS)
    assert words.time(noon_utc) == "13:00"
    assert words.day(words.day_of(noon_utc)) == "vendredi 15 janvier 2027"
    assert words.stamp(noon_utc) == "2027-01-15T13:00:00+01:00"
    assert words.midnight(date(2027, 1, 15)) == noon_utc - 13 * 3600
    english = Words("en", PARIS)
    assert english.day(words.day_of(noon_utc)) == "Friday, 15 January 2027"
    assert english.month(date(2027, 1, 15)) == "January 2027"
    assert english.weekdays()[0] == ("Mon", "Monday")


@pytest.mark.parametrize(
    ("lang", "day", "month"),
    [
        ("ar", "الخميس، 24 ديسمبر 2026", "ديسمبر 2026"),
        ("bn", "বৃহস্পতিবার, 24 ডিসেম্বর, 2026", "ডিসেম্বর 2026"),
        ("en", "Thursday, 24 December 2026", "December 2026"),
        ("es", "jueves, 24 de diciembre de 2026", "diciembre de 2026"),
        ("fr", "jeudi 24 décembre 2026", "décembre 2026"),
        ("fr-x-facile", "jeudi 24 décembre 2026", "décembre 2026"),
        ("pt", "quinta-feira, 24 de dezembro de 2026", "dezembro de 2026"),
        ("ta", "வியாழன், 24 டிசம்பர், 2026", "டிசம்பர் 2026"),
        ("tr", "24 Aralık 2026 Perşembe", "Aralık 2026"),
        ("uk", "четвер, 24 грудня 2026\N{NARROW NO-BREAK SPACE}р.", "грудень 2026\N{NARROW NO-BREAK SPACE}р."),
        ("zh", "2026年12月24日星期四", "2026年12月"),
    ],
)
def test_dates_are_written_as_the_language_writes_them(lang: str, day: str, month: str) -> None:
    words, christmas_eve = Words(lang, UTC), date(2026, 12, 24)
    assert (words.day(christmas_eve), words.month(christmas_eve)) == (day, month)


@pytest.mark.parametrize("lang", list(catalogues()))
def test_the_days_above_a_month_fit_a_phone_in_every_language(lang: str) -> None:
    days = Words(lang, UTC).weekdays()
    assert len({full for _, full in days}) == 7
    assert max(len(short) for short, _ in days) <= 5


def test_a_service_named_in_other_languages_only_still_has_a_name_and_says_in_which() -> None:
    words = Words("en", UTC)
    assert (words.named({"fr": "Remise"}), words.name_lang({"fr": "Remise"})) == ("Remise", "fr")
    assert words.name_lang({"fr": "Remise", "en": "Collection"}) == "en"
