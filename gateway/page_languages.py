"""The languages of the pages: what a browser asks for, and whose clocks are read."""

import re
from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, localedata

OWN_NAMES = {
    "fr-x-facile": "Français facile", "ar": "العربية", "bn": "বাংলা", "en": "English", "es": "Español",
    "fr": "Français", "pt": "Português", "ta": "தமிழ்", "tr": "Türkçe", "uk": "Українська", "zh": "中文",
}  # fmt: skip
"""What languages call themselves, so that telling which there are loads none of them; others are looked up in CLDR."""
_NEVER_SAID = (
    "currency_names", "currency_names_plural", "unit_display_names", "date_fields", "compact_decimal_formats",
    "compact_currency_formats", "interval_formats",
)  # fmt: skip
"""What CLDR knows of a language and no page says."""
_LANGUAGE_RANGE = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:;q=([01](?:\.[0-9]{0,3})?))?")


@lru_cache
def _known(code: str) -> tuple[Locale, str]:
    """The formats and the name of a language; of the rest of CLDR, which is most of it, nothing stays in memory."""
    locale = Locale.parse(code.partition("-x-")[0], sep="-")
    name = locale.get_display_name() or code
    known = localedata.load(str(locale))
    known["languages"] = {locale.language: known["languages"].get(locale.language, code)}
    known["unit_patterns"] = {unit: said for unit, said in known["unit_patterns"].items() if unit[:8] == "duration"}
    known.update((part, {}) for part in _NEVER_SAID)
    return locale, name


def locale_of(code: str) -> Locale:
    """The formats of a language; a private variety (`fr-x-facile`) has those of its base."""
    return _known(code)[0]


def name_of(code: str) -> str:
    """What a language calls itself."""
    name = OWN_NAMES.get(code) or _known(code)[1]
    return name[:1].upper() + name[1:]


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, best first (RFC 9110 §12.5.4); what cannot be read is left out."""
    wanted: list[tuple[float, str]] = []
    for part in header.replace(" ", "").split(","):
        found = _LANGUAGE_RANGE.fullmatch(part)
        if found and found[1] != "*" and (weight := float(found[2] or 1)) > 0:
            wanted.append((-weight, found[1]))
    return [name for _, name in sorted(wanted, key=lambda pair: pair[0])]


def zone_called(name: str) -> tzinfo:
    """The time zone shown before a script can know the visitor's; UTC, and said so, where the system lacks it."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC
