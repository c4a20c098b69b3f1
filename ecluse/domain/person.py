"""The number a nominative room asks for: how it is read, what a pattern may cost, and the digest that is kept. Pure."""

import base64
import hmac
import importlib
import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

NUMBER_MAX_CHARS = 40
"""The longest number that is read at all, as typed."""
PATTERN_MAX_CHARS = 200
_COST_MOST = 100_000
_DIGEST_BYTES = 16
_SEPARATORS: Final = frozenset(" .-_/'\u2019\u200b\u200e\u200f\u202f\u00a0")
# Python's own reading of a pattern; there is no public name for it since 3.11.
_parser: Any = importlib.import_module("re._parser")


class PersonKind(StrEnum):
    """Which number a room asks for."""

    RESIDENCE_PERMIT = "residence_permit"
    """Ten digits, as on French residence permits (numéro étranger)."""
    PASSPORT = "passport"
    """Six to twelve letters and digits, at least one digit (ICAO Doc 9303 allows nine; some states print more)."""
    PATTERN = "pattern"
    """Whatever the room's own pattern takes."""


_PATTERNS = {PersonKind.RESIDENCE_PERMIT: r"[0-9]{10}", PersonKind.PASSPORT: r"(?=.*[0-9])[A-Z0-9]{6,12}"}


class Fault(StrEnum):
    """What is wrong with a number."""

    EMPTY = "empty"
    LONG = "long"
    SIGNS = "signs"
    DIGITS = "digits"
    FORM = "form"


_TOLD = {
    Fault.EMPTY: "Nothing is written in it.",
    Fault.LONG: f"It is longer than {NUMBER_MAX_CHARS} characters.",
    Fault.SIGNS: "It has signs that are neither digits nor letters from A to Z.",
    Fault.DIGITS: "It must have ten digits, and nothing else.",
    Fault.FORM: "It does not have the form of the number that is asked for.",
}


class Unreadable(ValueError):
    """A number that cannot be one of those asked for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(_TOLD[fault])
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Somebody by the digest of their number, as the line takes it."""

    person: str
    """`<start of the campaign, ms>-<22 characters>`."""
    key: str
    """The name of the key that the digest was made with."""
    campaign_ms: int | None
    """The campaign the digest is for; None where it is for all of them."""


def normalised(typed: str, kind: PersonKind, pattern: str = "") -> str:
    """The one spelling of a number: capitals, without spaces, dashes, dots or slashes, digits of any script as 0 to 9.

    Raises Unreadable.
    """
    if len(typed) > NUMBER_MAX_CHARS:
        raise Unreadable(Fault.LONG)
    plain = "".join(_plain(char) for char in unicodedata.normalize("NFKC", typed)).upper()
    if not plain:
        raise Unreadable(Fault.EMPTY)
    if not plain.isascii() or not plain.isprintable():
        raise Unreadable(Fault.SIGNS)
    if not re.fullmatch(pattern if kind is PersonKind.PATTERN else _PATTERNS[kind], plain):
        raise Unreadable(Fault.DIGITS if kind is PersonKind.RESIDENCE_PERMIT else Fault.FORM)
    return plain


def _plain(char: str) -> str:
    if char.isspace() or char in _SEPARATORS or unicodedata.category(char) == "Pd":
        return ""
    return str(unicodedata.decimal(char)) if char.isdecimal() else char


def person_digest(secret: bytes, room: str, campaign_ms: int, number: str) -> str:
    """The person of a normalised number in one campaign of a room: HMAC-SHA256, cut to 128 bits.

    The same number gives another digest in another room, in another campaign and under another secret.
    """
    derived = hmac.digest(secret, b"ecluse.person.v1", "sha256")
    message = f"{room}\n{campaign_ms}\n{number}".encode()
    cut = hmac.digest(derived, message, "sha256")[:_DIGEST_BYTES]
    return f"{campaign_ms}-{base64.urlsafe_b64encode(cut).rstrip(b'=').decode()}"


def pattern_mistake(pattern: str) -> str | None:
    """Why a room may not use this pattern, or None.

    What is typed has at most 40 characters, and still a pattern can take years on them. So what it may cost is
    counted: one character repeated without end costs 41 tries, parts in a row multiply, alternatives add up.
    """
    if not pattern or len(pattern) > PATTERN_MAX_CHARS:
        return f"a regular expression of 1 to {PATTERN_MAX_CHARS} characters"
    try:
        re.compile(pattern)
        cost = _cost(_parser.parse(pattern))
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression: {error}"
    except _TooFree as error:
        return str(error)
    if cost > _COST_MOST:
        return "this pattern can take too long: use fewer open repetitions (three at most) and alternatives"
    return None


class _TooFree(Exception):
    """A part of a pattern whose cost cannot be bounded."""


def _cost(parsed: Any) -> float:
    return math.prod(_part_cost(str(name), value) for name, value in parsed)


def _part_cost(name: str, value: Any) -> float:
    match name:
        case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY" | "AT":
            return 1
        case "SUBPATTERN":
            return _cost(value[-1])
        case "BRANCH":
            return sum(_cost(part) for part in value[1])
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, body = value
            single = len(body) == 1 and str(body[0][0]) in ("LITERAL", "NOT_LITERAL", "IN", "ANY")
            if single:
                return float(min(int(high), NUMBER_MAX_CHARS) - min(int(low), NUMBER_MAX_CHARS) + 1)
            if int(high) > NUMBER_MAX_CHARS:
                raise _TooFree("a group may not be repeated without end")
            return float(sum(_cost(body) ** times for times in range(int(low), int(high) + 1)))
        case _:
            raise _TooFree("no look-ahead, look-behind, back-reference or atomic group")
