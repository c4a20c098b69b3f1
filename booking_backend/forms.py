"""Reading what browsers and programs send, strictly: a body is one of two kinds, each field comes once."""

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request

from booking_backend.slots import Draft, Visit
from ecluse.origin import STATE_KEY
from ecluse.tokens import Pass

BODY_MAX_BYTES = 16 * 1024
_DRAFT_MAX_CHARS = 300
_ID = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class Unreadable(Exception):
    """The request cannot be read; `reason` is a `refusal.` key of texts, `status` its HTTP status."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def pass_of(request: Request) -> Pass:
    """The pass this request came with, as the gate verified it."""
    granted = request.scope["state"][STATE_KEY]
    assert isinstance(granted, Pass)
    return granted


def visit_of(request: Request) -> Visit:
    """The visit this request belongs to."""
    granted = pass_of(request)
    return Visit(granted.session, granted.person)


def person_of(request: Request) -> str | None:
    """The person of the visit's pass; None where there is none, or no visit at all behind an open address."""
    granted = request.scope.get("state", {}).get(STATE_KEY)
    return granted.person if isinstance(granted, Pass) else None


def row_id(text: str) -> int | None:
    """A positive id of at most nine digits, or None."""
    return int(text) if _ID.fullmatch(text) else None


def _refuse_cross_site(request: Request) -> None:
    # The gateway's SameSite cookie stops other sites; this stops other hosts of the same site (Fetch Metadata, W3C).
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Unreadable("cross_site", 403)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a URL-encoded form. Raises Unreadable."""
    _refuse_cross_site(request)
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise Unreadable("bad_form", 415)
    try:
        text = (await request.body()).decode("ascii")
        fields = parse_qs(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=20)
    except ValueError:
        raise Unreadable("bad_form", 400) from None
    if any(len(values) > 1 for values in fields.values()):
        raise Unreadable("bad_form", 400)
    return {name: _storable(values[0]) for name, values in fields.items()}


def path_text(request: Request, name: str) -> str:
    """A piece of the address, as a database takes it."""
    text: str = request.path_params[name]
    return _storable(text)


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL. What had one is no name, number or reference, and stays none."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def read_json(request: Request) -> Mapping[str, object]:
    """The members of a JSON object. Raises Unreadable."""
    _refuse_cross_site(request)
    if _media_type(request) != "application/json":
        raise Unreadable("bad_form", 415)
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Unreadable("bad_form", 400) from None
    if not isinstance(found, dict):
        raise Unreadable("bad_form", 400)
    return found


def draft_of(fields: Mapping[str, str]) -> Draft:
    """What was typed, cut where no true answer reaches."""
    typed = {name: fields.get(name, "")[:_DRAFT_MAX_CHARS] for name in ("name", "file_number", "email")}
    return Draft(**typed)
