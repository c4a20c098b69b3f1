"""The languages of the pages: what a browser asks for, and whose clocks are read."""

import re
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

OWN_NAMES = {"fr-x-facile": "Français facile"}
"""Varieties that CLDR has no name for."""
_LANGUAGE_RANGE = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:;q=([01](?:\.[0-9]{0,3})?))?")


def locale_of(code: str) -> Locale:
    """The formats of a language; a private variety (`fr-x-facile`) has those of its base."""
    return Locale.parse(code.partition("-x-")[0], sep="-")


def name_of(code: str) -> str:
    """What a language calls itself."""
    name = OWN_NAMES.get(code) or locale_of(code).get_display_name() or code
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
