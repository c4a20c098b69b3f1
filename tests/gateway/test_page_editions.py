"""Editions: what languages share, what waits until somebody reads it, and what is still told at the start."""

import dataclasses
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from babel.units import format_unit

from ecluse.catalogues import codes_in
from gateway.page_edition import CAST_FOR, CASTINGS
from gateway.page_languages import OWN_NAMES, locale_of, name_of
from gateway.page_preview import check_pages
from gateway.pages import TEMPLATES, Pages
from tests.gateway.test_pages import PLAIN

CODES = codes_in([TEMPLATES])


@pytest.fixture(scope="module")
def every() -> Pages:
    return Pages()


def test_a_language_is_built_when_somebody_first_reads_it() -> None:
    pages = Pages(default_lang="fr")
    assert set(pages._editions) == {"fr"}
    assert pages.negotiate("uk", None, None) == "uk"
    assert set(pages._editions) == {"fr"}
    page = pages.waiting(dataclasses.replace(PLAIN, lang="uk")).decode()
    assert '<html lang="uk" dir="ltr">' in page
    assert set(pages._editions) == {"fr", "uk"}
    words = pages.static(f"{pages.version}/js/words-ar.js")
    assert words is not None
    assert words.content.startswith(b"export default ")
    assert pages.static("js/words-ar.js") is words
    for unknown in ("js/words-xx.js", "js/words-.js", "words-ar.js"):
        assert pages.static(unknown) is None
    assert set(pages._editions) == {"ar", "fr", "uk"}


def test_all_languages_share_the_code_of_their_templates(every: Pages) -> None:
    seen = {
        id(every._edition(code)._env.get_template("waiting/page.html").root_render_func.__code__) for code in CODES[:4]
    }
    assert len(seen) == 1, "compiled code is most of what a language would weigh"


@pytest.mark.parametrize("code", CODES)
def test_numbers_stand_as_cldr_writes_them(every: Pages, code: str) -> None:
    say, locale = every._edition(code).phrases, locale_of(code)
    for value in (0, 7, 999, 12_345, 123_456, 9_999_999, 123_456_789):
        assert say.number(value) == format_decimal(value, locale=locale)
    # Babel does not know that Spanish groups from five digits on.
    assert say.number(1000) == ("1000" if locale.language == "es" else format_decimal(1000, locale=locale))


@pytest.mark.parametrize("code", sorted(set(CODES) & set(OWN_NAMES)))
def test_names_kept_ready_are_those_of_cldr(code: str) -> None:
    if "-x-" not in code:
        known = locale_of(code).get_display_name() or ""
        assert name_of(code) == known[:1].upper() + known[1:]


def test_what_is_left_of_cldr_suffices_for_what_pages_say() -> None:
    spanish = locale_of("es")
    assert format_unit(3, "duration-minute", "long", locale=spanish) == "3 minutos"
    assert format_date(date(2026, 11, 30), "full", locale=spanish) == "lunes, 30 de noviembre de 2026"
    assert locale_of("ar").text_direction == "rtl"
    assert name_of("es-MX") == "Español (México)", "also after its parent language was made lighter"


def test_a_catalogue_of_ones_own_that_is_wrong_is_told_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "locales/nl/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "ecluse.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Your ticket: %(id)s. This number helps the staff to find your place; it does not let anybody take it."\n'
        'msgstr "Ticket %(nummer)s"\n'
    )
    pages = Pages(tmp_path)
    with pytest.raises(KeyError, match="nummer"):
        check_pages(pages)


def test_long_addresses_of_ones_own_fill_no_memory(every: Pages) -> None:
    every.waiting(PLAIN, packed=True)
    for long in (False, True):
        tracemalloc.start()
        for number in range(CASTINGS):
            view = dataclasses.replace(PLAIN, return_to=f"/{number}/{long}?" + "?" * 8_000 * long)
            for _ in range(CAST_FOR):
                every.waiting(view, packed=True, alike=(number, long))
        kept_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert kept_bytes < CASTINGS * 60_000
