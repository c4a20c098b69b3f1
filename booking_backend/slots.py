"""What an appointment is: services, dated slots, holds, bookings and the rules on what an applicant types. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

HOLD_SECONDS = 300
EXTENSIONS_MAX = 10
"""How often an applicant may ask for the hold's time again (WCAG 2.2, 2.2.1: at least ten times)."""
DRAFT_SECONDS = 3600
"""How long what was typed outlives its hold: as long as the longest visit, then it is deleted."""
NAME_MAX_CHARS = 100
_FILE_NUMBER = re.compile(r"[0-9A-Z]{10}", re.ASCII)
_SEPARATORS = re.compile(r"[\s.\-_/]+")


class Refusal(StrEnum):
    """Why a step was not done; each has its own words in `texts`."""

    TAKEN = "taken"
    PAST = "past"
    NO_SLOT = "no_slot"
    NO_HOLD = "no_hold"
    LAPSED = "lapsed"
    """The hold ran out and meanwhile somebody else took the place."""
    NO_MORE_TIME = "no_more_time"
    ALREADY_BOOKED = "already_booked"
    """This visit already has an appointment for the service."""
    NUMBER_USED = "number_used"
    """Another visit booked the service with the same file number."""


class Mistake(StrEnum):
    """What is wrong with a field an applicant filled in."""

    NAME_MISSING = "name_missing"
    NAME_LONG = "name_long"
    NAME_ODD = "name_odd"
    NUMBER_MISSING = "number_missing"
    NUMBER_LENGTH = "number_length"
    NUMBER_ODD = "number_odd"


class Busy(Exception):
    """The database stayed locked for too long; nothing was changed and the same step may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one can come for."""

    id: int
    names: Mapping[str, str]
    """By language code."""
    free: int
    """Places left in all slots to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A dated time with some places."""

    id: int
    service_id: int
    starts_at: int
    """Unix seconds."""
    capacity: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an applicant typed so far, right or wrong."""

    name: str = ""
    file_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A place kept for one visit while its form is filled in. A visit has at most one."""

    id: str
    session: str
    slot: Slot
    expires_at: int
    """Unix seconds."""
    live: bool
    """Whether the place is still kept; a lapsed hold keeps its draft only."""
    extensions: int
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who comes: a checked name and a file number of 10 capital letters or digits."""

    name: str
    file_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An appointment that is made."""

    reference: str
    session: str
    slot: Slot
    applicant: Applicant
    fresh: bool = False
    """True in the answer that made it, False whenever it is read or repeated."""


def parse_applicant(draft: Draft) -> Applicant | dict[str, Mistake]:
    """The applicant behind `draft`, or the mistake of each wrong field (`name`, `file_number`).

    Spaces, dots and dashes in the number do not matter, nor do its case and the script of its digits.
    """
    name = " ".join(unicodedata.normalize("NFC", draft.name).split())
    number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", draft.file_number))
    number = "".join(str(unicodedata.decimal(char, char)) for char in number).upper()
    found = {"name": _name_mistake(name), "file_number": _number_mistake(number)}
    mistakes = {field: mistake for field, mistake in found.items() if mistake}
    return mistakes or Applicant(name=name, file_number=number)


def _name_mistake(name: str) -> Mistake | None:
    if not name:
        return Mistake.NAME_MISSING
    if len(name) > NAME_MAX_CHARS:
        return Mistake.NAME_LONG
    if not any(char.isalpha() for char in name) or not name.isprintable():
        return Mistake.NAME_ODD
    return None


def _number_mistake(number: str) -> Mistake | None:
    if not number:
        return Mistake.NUMBER_MISSING
    if len(number) != 10:
        return Mistake.NUMBER_LENGTH
    return None if _FILE_NUMBER.fullmatch(number) else Mistake.NUMBER_ODD
