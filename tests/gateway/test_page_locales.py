"""Catalogues: complete in every language, and a new language needs nothing but its own."""

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateError

from ecluse.catalogues import catalogue_of, codes_in
from ecluse.domain.journal import Action
from gateway.page_languages import locale_of
from gateway.page_preview import NAMES, check_pages, scene_page
from gateway.page_views import by_language
from gateway.pages import TEMPLATES, Pages
from tests.gateway.test_pages import PLAIN

PRIVATE = "-x-"
KEYWORDS: dict[str, Any] = {"_": None, "text": None, "raw": None, "plural": (1, 2), "forms": (1, 2)}


def messages() -> Iterator[str | tuple[str, ...]]:
    with (TEMPLATES / "locales" / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    for folder in (TEMPLATES, TEMPLATES.parent / "gateway", TEMPLATES.parent / "queue_worker"):
        for _, _, message, _, _ in extract_from_dir(
            folder, methods, options, KEYWORDS, directory_filter=lambda _: True
        ):
            yield message


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s", text))


@pytest.mark.parametrize("lang", codes_in([TEMPLATES]))
def test_every_message_is_translated_and_nothing_else_is(lang: str) -> None:
    with (TEMPLATES / "locales" / lang / "LC_MESSAGES" / "ecluse.po").open("rb") as file:
        catalogue = read_po(file, locale=locale_of(lang))
    known: dict[Any, Message] = {entry.id: entry for entry in catalogue if entry.id}
    used = set(messages())
    # A private variety needs only what it says in another way than its base.
    assert set(known) < used if PRIVATE in lang else set(known) == used
    assert known
    assert not catalogue.obsolete
    for entry in known.values():
        said: tuple[Any, ...] = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        assert not entry.fuzzy
        assert all(said)
        if isinstance(entry.id, tuple):
            assert len(said) == catalogue.num_plurals
        wanted = placeholders("".join(entry.id))
        for text in said:
            assert placeholders(text) == wanted
            # A translation stands in attributes too, and is trusted: it may hold neither quotes nor markup.
            assert not set('"<>') & set(text)


def test_the_easy_french_says_what_differs_and_in_short_sentences() -> None:
    easy, usual = (catalogue_of([TEMPLATES], code) for code in ("fr-x-facile", "fr"))
    with (TEMPLATES / "locales/fr-x-facile/LC_MESSAGES/ecluse.po").open("rb") as file:
        entries = [entry for entry in read_po(file, locale="fr") if entry.id]
    for entry in entries:
        texts = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        if isinstance(entry.id, str):
            assert easy.gettext(entry.id) != usual.gettext(entry.id), entry.id
        for sentence in re.split(r"[.?!:](?:\s|$)", " ".join(str(text) for text in texts)):
            assert len(sentence.split()) <= 20, sentence


def test_a_new_language_needs_only_its_catalogue_and_may_run_right_to_left(tmp_path: Path) -> None:
    root = tmp_path / "templates"
    shutil.copytree(TEMPLATES, root)
    arabic = Catalog(locale="ar", fuzzy=False)
    for message in set(messages()):
        forms = tuple(f"{message[1]} {n}" for n in range(6)) if isinstance(message, tuple) else message
        arabic.add(message, forms)
    (root / "locales/ar/LC_MESSAGES").mkdir(parents=True, exist_ok=True)
    with (root / "locales/ar/LC_MESSAGES/ecluse.po").open("wb") as file:
        write_po(file, arabic)
    pages = Pages(root)
    page = pages.waiting(dataclasses.replace(PLAIN, lang="ar", ahead=2)).decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert "people are ahead of you. 2" in page
    # Every CLDR category has its own form for the script.
    words = pages.static("js/words-ar.js")
    assert words is not None
    assert all(
        f'"{category}":'.encode() in words.content for category in ("zero", "one", "two", "few", "many", "other")
    )
    assert pages.negotiate("ar-MA", None, None) == "ar"


def test_a_plain_variety_says_its_own_sentences_and_the_rest_like_its_base(tmp_path: Path) -> None:
    plain = Catalog(locale="fr", fuzzy=False)
    plain.add("You are in line", "Vous attendez votre tour")
    folder = tmp_path / "locales/fr-x-facile/LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "ecluse.po").open("wb") as file:
        write_po(file, plain)
    pages = Pages(tmp_path)
    page = pages.waiting(dataclasses.replace(PLAIN, lang="fr-x-facile", ahead=1234)).decode()
    assert '<html lang="fr-x-facile" dir="ltr">' in page
    assert "Vous attendez votre tour" in page
    assert "1\u202f234 personnes passent avant vous." in page
    assert "Message du service" in page
    assert ">Français facile</a>" in page
    assert pages.negotiate("fr-FR,fr", None, None) == "fr", "a browser that asks for French gets the usual one"
    assert pages.negotiate("fr-x-facile, en;q=0.5", None, None) == "fr"
    assert pages.negotiate("fr", "fr-x-facile", None) == "fr-x-facile"
    assert pages.negotiate("fr", None, "fr-x-facile") == "fr-x-facile"
    assert by_language({"en": "Hello", "fr": "Bonjour"}, "fr-x-facile") == ("Bonjour", "fr")


def test_every_page_of_the_preview_is_made_in_every_language() -> None:
    pages = Pages()
    check_pages(pages)
    for name in NAMES:
        page = scene_page(pages, name, "fr-x-facile").decode()
        assert page.count("<h1") == 1, name
        assert "\x02" not in page, name


def test_a_page_has_its_languages_behind_one_button_that_says_the_one_it_is_in() -> None:
    pages = Pages()
    for lang, name in (("en", "English"), ("fr-x-facile", "Français facile")):
        page = pages.waiting(dataclasses.replace(PLAIN, lang=lang)).decode()
        nav = page[page.index('<nav class="languages"') : page.index("</nav>")]
        assert f"<summary>{name}</summary>" in nav
        assert nav.index("</summary>") < nav.index("<ul>") < nav.index("</details>")
        assert [code for code in pages.languages if f'lang={code}" lang="{code}"' in nav] == pages.languages
        assert nav.count('aria-current="true"') == 1


@pytest.mark.parametrize("lang", codes_in([TEMPLATES]))
def test_the_console_has_words_for_everything_that_can_stand_in_the_journal(lang: str) -> None:
    page = Pages().console(lang).decode()
    found = re.search(r'data-words="([^"]*)"', page)
    assert found is not None
    words = json.loads(unescape(found[1]))
    assert [action for action in Action if words.get(action, action) == action] == []


def test_the_console_shows_the_message_in_two_languages_and_the_others_on_demand() -> None:
    pages = Pages()
    page = pages.console("fr").decode()
    first, behind = page[page.index("<form>") :].split("<details>")[:2]
    assert re.findall(r'name="notice\.([^"]+)"', first) == ["en", "fr"]
    others = re.findall(r'name="notice\.([^"]+)"', behind[: behind.index("</details>")])
    assert sorted(["en", "fr", *others]) == pages.languages
    assert "Français facile" in behind[: behind.index("</summary>")]


def test_what_is_in_the_folder_of_ones_own_goes_before_ours_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "waiting").mkdir()
    (tmp_path / "waiting/after.html").write_text("<p>{{ _('Leave the line') }} – ours</p>")
    (tmp_path / "static").mkdir()
    (tmp_path / "static/logo.svg").write_text("<svg/>")
    pages, usual = Pages(tmp_path), Pages()
    page = pages.waiting(PLAIN).decode()
    assert "<p>Leave the line – ours</p>" in page
    assert "You are in line" in page
    assert pages.static("logo.svg") != usual.static("logo.svg")
    assert pages.static("css/ecluse.css") == usual.static("css/ecluse.css")
    assert pages.version != usual.version, "or browsers would keep the files of before"


def test_a_template_of_ones_own_that_is_wrong_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "waiting").mkdir()
    (tmp_path / "waiting/after.html").write_text("{% if %}")
    with pytest.raises(TemplateError):
        Pages(tmp_path)
    (tmp_path / "waiting/after.html").write_text("{{ no_such_name }}")
    with pytest.raises(TemplateError, match="no_such_name"):
        check_pages(Pages(tmp_path))
