"""The words of the booking pages: one catalogue `booking.po` per language under templates/locales, found by itself.

A message is named by a key such as `hold.title`. `{names}` in braces are filled in by `Words.say`; a text that depends
on a count has plural forms, as the language counts. A private variety such as `fr-x-facile` needs only the texts that
differ: the rest is said like in its base.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ecluse.origin.refusals import TEXTS, Texts

LOCALES = Path(__file__).resolve().parent.parent / "templates" / "locales"
DEFAULT = "fr"
_OWN_NAMES = {"fr-x-facile": "Français facile"}
"""Varieties that CLDR has no name for."""
_HEAD_CHARS = 5
"""What fits above a column of the month on a phone."""
_REGIONS = {"en": "en_GB"}
"""Where a language alone would give the dates of another country."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language."""

    code: str
    name: str
    """What the language calls itself."""
    locale: Locale
    texts: GNUTranslations
    keys: frozenset[str]


@cache
def catalogues(root: Path = LOCALES) -> Mapping[str, Catalogue]:
    """Every language there is, by code; the default first."""
    codes = sorted(path.parent.parent.name for path in root.glob("*/LC_MESSAGES/booking.po"))
    return {code: _read(root, code) for code in sorted(codes, key=lambda code: (code != DEFAULT, code))}


def _read(root: Path, code: str) -> Catalogue:
    base = code.partition("-x-")[0]
    locale = Locale.parse(_REGIONS.get(base, base.replace("-", "_")))
    texts, keys = _compiled(root / code / "LC_MESSAGES" / "booking.po", locale)
    if base != code:
        more, more_keys = _compiled(root / base / "LC_MESSAGES" / "booking.po", locale)
        texts.add_fallback(more)
        keys |= more_keys
    name = _OWN_NAMES.get(code) or locale.language_name or code
    return Catalogue(code, name[:1].upper() + name[1:], locale, texts, keys)


def _compiled(path: Path, locale: Locale) -> tuple[GNUTranslations, frozenset[str]]:
    """The translations of a .po file, without a compile step, and their keys."""
    with path.open("rb") as file:
        found = read_po(file, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    keys = frozenset(entry.id if isinstance(entry.id, str) else entry.id[0] for entry in found if entry.id)
    return GNUTranslations(compiled), keys


class Words:
    """One language, on the clock of one office."""

    def __init__(self, lang: str, zone: tzinfo) -> None:
        self.lang = lang
        self._catalogue = catalogues()[lang]
        self._zone = zone

    @property
    def dir(self) -> str:
        """The direction of the script: ltr or rtl."""
        return self._catalogue.locale.text_direction

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return self._catalogue.name

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Every language's code and its own name."""
        return [(code, each.name) for code, each in catalogues().items()]

    def say(self, key: str, **values: object) -> str:
        """The text of `key` with its braces filled in. Raises KeyError for a key that the catalogue lacks."""
        if key not in self._catalogue.keys:
            raise KeyError(key)
        return self._catalogue.texts.gettext(key).format(**values)

    def count(self, key: str, number: int) -> str:
        """The form of `key` for `number`, as this language counts."""
        if key not in self._catalogue.keys:
            raise KeyError(key)
        return self._catalogue.texts.ngettext(key, key, number).format(count=number)

    def named(self, names: Mapping[str, str]) -> str:
        """The name in this language, or in any other rather than none."""
        return names.get(self.name_lang(names), "")

    def name_lang(self, names: Mapping[str, str]) -> str:
        """The language that `named` answers in, so that it is read aloud rightly."""
        wanted = (self.lang, self.lang.partition("-x-")[0], *names)
        return next((lang for lang in wanted if names.get(lang)), self.lang)

    def day_of(self, unix_seconds: int) -> date:
        """The date on the office's clock."""
        return datetime.fromtimestamp(unix_seconds, self._zone).date()

    def midnight(self, day: date) -> int:
        """When `day` begins on the office's clock, in Unix seconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp())

    def day(self, day: date) -> str:
        """A date in full as the language writes it, such as "lundi 24 novembre 2025" or "2025年11月24日星期一"."""
        return format_date(day, "full", locale=self._catalogue.locale)

    def month(self, day: date) -> str:
        """A month, such as "novembre 2025"."""
        return format_skeleton("yMMMM", day, locale=self._catalogue.locale)

    def weekdays(self) -> list[tuple[str, str]]:
        """Short and full names of the days, Monday first; of languages that shorten no day, the letters."""
        names = self._catalogue.locale.days["format"]
        short = names["abbreviated"]
        if max(map(len, short.values())) > _HEAD_CHARS:
            short = self._catalogue.locale.days["stand-alone"]["narrow"]
        return [(short[number], names["wide"][number]) for number in range(7)]

    def time(self, unix_seconds: int) -> str:
        """The office's clock, such as "14:30"."""
        moment = datetime.fromtimestamp(unix_seconds, self._zone)
        return format_time(moment, "HH:mm", locale=self._catalogue.locale)

    def stamp(self, unix_seconds: int) -> str:
        """The same instant for programs, RFC 3339 with the office's offset."""
        return datetime.fromtimestamp(unix_seconds, self._zone).isoformat()


def door_texts() -> Texts:
    """What those who come without a pass are told, in every language that a browser asks for."""
    codes = [code for code in catalogues() if "-x-" not in code]
    return {code: {name: Words(code, UTC).say(f"door.{name}") for name in TEXTS[DEFAULT]} for code in codes}


def negotiate(accept_language: str) -> str:
    """The language that an Accept-Language header (RFC 9110, 12.5.4) prefers; the default if it names none of ours."""
    # A private variety is for whoever chose it: no browser asks for it by itself.
    known = {code.lower(): code for code in catalogues() if "-x-" not in code}
    best, best_weight = DEFAULT, 0.0
    for entry in accept_language[:500].split(","):
        tag, _, parameter = entry.strip().partition(";")
        wanted = tag.strip().lower()
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        found = known.get(wanted) or known.get(wanted.partition("-")[0])
        if found and weight > best_weight:
            best, best_weight = found, weight
    return best
