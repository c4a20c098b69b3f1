"""The languages of the pages: catalogues, what a browser asks for, and whose clocks are read."""

import re
from datetime import UTC, tzinfo
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_LANGUAGE_RANGE = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:;q=([01](?:\.[0-9]{0,3})?))?")


def catalogue(path: Path, code: str) -> GNUTranslations:
    """The translations of a .po file, without a compile step. Fuzzy entries do not count."""
    with path.open("rb") as file:
        found = read_po(file, locale=code.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return GNUTranslations(compiled)


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
