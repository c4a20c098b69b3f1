"""Telling a visitor who is away: what may be said and when, and which addresses can be written to. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How somebody can be told."""

    EMAIL = "email"
    PHONE = "phone"


class Event(StrEnum):
    """What somebody can be told of."""

    NEAR = "near"
    """The wait is about `near_minutes` or shorter."""
    CALLED = "called"
    """The turn has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where one ticket's visitor is told, and in which language."""

    way: Way
    to: str
    lang: str

    @property
    def masked(self) -> str:
        """Enough for its owner to recognise it, on a screen that others may see."""
        if self.way is Way.PHONE:
            return f"{self.to[:3]} ••• {self.to[-2:]}"
        name, _, domain = self.to.rpartition("@")
        return f"{name[:1]}•••@{domain}"


_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_EMAIL_MOST_CHARS = 254
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")


def read_email(text: str) -> str | None:
    """An e-mail address as it can be written to (RFC 5321 in its plain form), or None."""
    found = text.strip()
    if len(found) > _EMAIL_MOST_CHARS or not _EMAIL.fullmatch(found) or ".." in found:
        return None
    return None if found[0] == "." or ".@" in found else found


def read_phone(text: str, prefix: str) -> str | None:
    """A telephone number in its international form (E.164), or None; `prefix` takes the place of a leading 0."""
    found = re.sub(r"[\s().–-]", "", text)
    if found.startswith("00"):
        found = f"+{found[2:]}"
    elif found.startswith("0") and prefix:
        found = prefix + found[1:]
    return found if _PHONE.fullmatch(found) else None


def near_ahead(calls_per_minute: float, minutes: int) -> int:
    """How many may be ahead of somebody whose median wait is `minutes` or less; -1 if that is nobody."""
    return int(calls_per_minute * minutes) - 1
