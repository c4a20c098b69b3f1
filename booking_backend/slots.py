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
EMAIL_MAX_CHARS = 254
LIVE_MAX = 2
"""How many appointments to come one person may have, over all services."""
MOVES_MAX = 3
"""How often one appointment may be moved."""
CANCELLATIONS_MAX = 3
"""How many appointments one person may cancel per service within CANCELLATIONS_SECONDS before booking by desk only."""
CANCELLATIONS_SECONDS = 30 * 24 * 3600
RETURN_SECONDS = (5 * 60, 60 * 60)
"""A place given up is free again after a random time between these, so that nobody can hand it to a buyer."""
_FILE_NUMBER = re.compile(r"[0-9A-Z]{10}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\",;:]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)
_SEPARATORS = re.compile(r"[\s.\-_/]+")


class Refusal(StrEnum):
    """Why a step was not done; each has its own words in `texts`."""

    TAKEN = "taken"
    PAST = "past"
    """Too close to its start, or over."""
    NOT_OPEN = "not_open"
    """Beyond the horizon of its service."""
    NO_SLOT = "no_slot"
    NO_HOLD = "no_hold"
    LAPSED = "lapsed"
    """The hold ran out and meanwhile somebody else took the place."""
    NO_MORE_TIME = "no_more_time"
    ALREADY_BOOKED = "already_booked"
    """This visit already has an appointment for the service."""
    NUMBER_USED = "number_used"
    """Another visit booked the service with the same file number."""
    TOO_MANY = "too_many"
    """The person has LIVE_MAX appointments to come."""
    CANCELLED_OFTEN = "cancelled_often"
    MOVED_OFTEN = "moved_often"
    NOT_FOUND = "no_match"
    """No live booking has this reference and number."""
    OTHER_PERSON = "other_person"
    """The booking is for somebody else than the person of this visit's pass."""
    OTHER_SERVICE = "other_service"
    """An appointment is moved within its service."""


class Mistake(StrEnum):
    """What is wrong with a field an applicant filled in."""

    NAME_MISSING = "name_missing"
    NAME_LONG = "name_long"
    NAME_ODD = "name_odd"
    NUMBER_MISSING = "number_missing"
    NUMBER_LENGTH = "number_length"
    NUMBER_ODD = "number_odd"
    NUMBER_OTHER = "number_other"
    """It is not the number that the place in line was taken with."""
    EMAIL_ODD = "email_odd"


class Busy(Exception):
    """The database stayed locked for too long; nothing was changed and the same step may be tried again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, as the pass says."""

    session: str
    person: str | None = None
    """Keyed digest of the person, in nominative rooms: then everything done is for that person alone."""


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
    site_id: int
    starts_at: int
    """Unix seconds."""
    opens_at: int
    closes_at: int
    """It can be booked from `opens_at` on, until `closes_at`."""
    capacity: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an applicant typed so far, right or wrong."""

    name: str = ""
    file_number: str = ""
    email: str = ""


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
    moves: str = ""
    """The reference of the booking that the place is meant to move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who comes: a checked name, a file number of 10 capital letters or digits, and where to write to, if anywhere."""

    name: str
    file_number: str
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An appointment that is made."""

    reference: str
    session: str
    slot: Slot
    applicant: Applicant
    person: str | None = None
    counter: str = ""
    """The name of the counter that expects the person."""
    moves: int = 0
    fresh: bool = False
    """True in the answer that made it, False whenever it is read or repeated."""
    moved: bool = False
    """True in the answer that moved it."""


def parse_applicant(draft: Draft) -> Applicant | dict[str, Mistake]:
    """The applicant behind `draft`, or the mistake of each wrong field (`name`, `file_number`, `email`).

    Spaces, dots and dashes in the number do not matter, nor do its case and the script of its digits.
    """
    name = " ".join(unicodedata.normalize("NFC", draft.name).split())
    number, email = tidy_number(draft.file_number), draft.email.strip()
    found = {"name": _name_mistake(name), "file_number": _number_mistake(number), "email": _email_mistake(email)}
    mistakes = {field: mistake for field, mistake in found.items() if mistake}
    return mistakes or Applicant(name=name, file_number=number, email=email)


def tidy_number(typed: str) -> str:
    """A file number or reference as it is kept: capitals and plain digits, nothing between them."""
    number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed))
    return "".join(str(unicodedata.decimal(char, char)) for char in number).upper()


def tidy_reference(typed: str) -> str:
    """A reference as it is kept, RDV-7K3M2-9QXTB, however it was typed."""
    plain = tidy_number(typed).removeprefix("RDV")
    return f"RDV-{plain[:5]}-{plain[5:]}"


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


def _email_mistake(email: str) -> Mistake | None:
    """Empty is fine: nobody must have an address. One that may reach somebody is enough; the mail server knows more."""
    if not email or (len(email) <= EMAIL_MAX_CHARS and _EMAIL.fullmatch(email)):
        return None
    return Mistake.EMAIL_ODD
