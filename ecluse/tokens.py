"""Tickets and passes: the signed proofs a visitor carries.

A pass is a standard JWT (RFC 7519, compact JWS of RFC 7515, HS256 or EdDSA) under the configured key itself, so that
any proxy or language verifies it. A ticket is a short text under a key *derived* from that one, so a ticket can never
be read as a pass nor a pass as a ticket. Signatures are compared as text with the one expected spelling:
a re-encoded signature is a forged one.
"""

import base64
import hmac
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import Expired, Forged, WrongRoom
from ecluse.domain.person import person_digest
from ecluse.signing import SigningKey, b64, signer

__all__ = [
    "Expired",
    "Forged",
    "Pass",
    "PassSigner",
    "SigningKey",
    "Ticket",
    "TicketSigner",
    "WrongRoom",
    "inspect",
    "new_id",
    "person_digest",
]

LEEWAY_SECONDS = 30
"""How far the clocks of two gateways may differ before a fresh token looks like one from the future."""

_ROOM = r"[a-z0-9-]{1,40}"
_PERSON = r"(?:0|[1-9][0-9]{0,14})-[A-Za-z0-9_-]{22}"
_TICKET = re.compile(
    rf"([12])~({_ROOM})~({_ROOM})~([A-Za-z0-9_-]{{11}})~([nd])~(0|[1-9][0-9]{{0,15}})~([A-Za-z0-9_-]{{8}})"
    rf"~([1-9][0-9]{{0,11}})(?:~({_PERSON}))?",
    re.ASCII,
)
"""Version 1 belongs to nobody by name; version 2 ends with its person."""
_MAX_TOKEN_CHARS = 1024
_IDS_AT_ONCE = 256
_ids: Iterator[str]


def new_id() -> str:
    """A new public ticket id: 64 random bits as 11 URL-safe characters."""
    return next(_ids)


def _made_ids() -> Iterator[str]:
    """Ids without end; the system is asked for random bytes once for many, as each time costs a system call."""
    while True:
        drawn = os.urandom(8 * _IDS_AT_ONCE)
        for at in range(0, len(drawn), 8):
            yield b64(drawn[at : at + 8]).decode()


def _begin_ids() -> None:
    global _ids  # noqa: PLW0603 - a process that was forked must not give the ids of its parent
    _ids = _made_ids()


_begin_ids()
os.register_at_fork(after_in_child=_begin_ids)


class Ticket(NamedTuple):
    """A visitor's signed place: enough to rebuild it if Redis loses it.

    A tuple, as every arrival makes one: a frozen dataclass takes twice the time.
    """

    room: str
    lane: str
    id: str
    number: int
    """Order of arrival, ≥ 1; the place itself unless the ticket is drawn."""
    epoch: str
    """The life of the room's data in which the number was given: 8 characters."""
    issued_at: int
    """Unix seconds."""
    drawn: bool = False
    person: str | None = None
    """Keyed digest of the person number, in nominative rooms (`ecluse.domain.person`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The right to reach a room's origin until it expires."""

    room: str
    session: str
    lane: str
    issued_at: int
    """Unix seconds of the admission; renewals keep it."""
    expires_at: int
    """Unix seconds."""
    person: str | None = None
    """Keyed digest of the person number, in nominative rooms."""


class TicketSigner:
    """Signs tickets with the first key and reads those of every key in the list.

    What is signed for another `purpose`, such as to follow a place, is under another key: neither is read as the other.
    """

    def __init__(
        self,
        keys: Sequence[SigningKey],
        *,
        max_age_seconds: int = 86_400,
        clock: Clock = system_clock,
        purpose: str = "ticket",
    ) -> None:
        if not all(key.secret for key in keys):
            raise ValueError("a public key verifies passes only: tickets need keys with their secret part")
        derived = [hmac.digest(key.secret, f"ecluse.{purpose}.v1".encode(), "sha256") for key in keys]
        self._signers = [signer(secret) for secret in derived]
        self._max_age_seconds = max_age_seconds
        self._clock = clock

    def sign(self, ticket: Ticket) -> str:
        """The ticket as cookie-safe text of about 130 characters, 170 with a person."""
        kind = "d" if ticket.drawn else "n"
        body = f"{ticket.room}~{ticket.lane}~{ticket.id}~{kind}~{ticket.number}~{ticket.epoch}~{ticket.issued_at}"
        body = f"1~{body}" if ticket.person is None else f"2~{body}~{ticket.person}"
        return f"{body}.{self._signers[0].get_signature(body.encode()).decode()}"

    def read(self, token: str, room: str) -> Ticket:
        """The ticket in `token`, which must belong to `room`.

        Raises Forged, WrongRoom or Expired; nothing is parsed before the signature holds.
        """
        body, signature = _parts(token)
        if not any(hmac.compare_digest(each.get_signature(body), signature) for each in self._signers):
            raise Forged
        match = _TICKET.fullmatch(body.decode("ascii", "replace"))
        if match is None:
            raise Forged
        version, found_room, lane, ticket_id, kind, number, epoch, issued_at, person = match.groups()
        if (version == "2") != (person is not None):
            raise Forged
        if found_room != room:
            raise WrongRoom
        age_seconds = self._clock() - int(issued_at)
        if age_seconds > self._max_age_seconds:
            raise Expired
        if age_seconds < -LEEWAY_SECONDS * 4:
            raise Forged
        return Ticket(
            room=room, lane=lane, id=ticket_id, drawn=kind == "d", number=int(number), epoch=epoch,
            issued_at=int(issued_at), person=person,
        )  # fmt: skip


class SignInSigner:
    """Signs who signed in with which key, until when: neither a ticket nor a pass.

    For another `purpose`, such as the console, it signs under another key: neither is read as the other.
    """

    def __init__(
        self, keys: Sequence[SigningKey], *, clock: Clock = system_clock, purpose: str = "signin"
    ) -> None:  # fmt: skip
        derived = [hmac.digest(key.secret, f"ecluse.{purpose}.v1".encode(), "sha256") for key in keys]
        self._signers = [signer(secret) for secret in derived]
        self._clock = clock

    def sign(self, who: str, expires_at: int) -> str:
        """A cookie-safe text that says who signed in. `who` names a person and a key, without either's text."""
        body = f"1~{who}~{expires_at}"
        return f"{body}.{self._signers[0].get_signature(body.encode()).decode()}"

    def read(self, token: str) -> str:
        """Who signed in. Raises Forged, Expired."""
        body, signature = _parts(token)
        if not any(hmac.compare_digest(each.get_signature(body), signature) for each in self._signers):
            raise Forged
        _, who, expires_at = body.decode("ascii").split("~")
        if int(expires_at) <= self._clock():
            raise Expired
        return who


def _parts(token: str) -> tuple[bytes, bytes]:
    """The signed part of `token`, and the signature that still has to be checked. Raises Forged."""
    if not token.isascii() or len(token) > _MAX_TOKEN_CHARS:
        raise Forged
    body, dot, signature = token.encode().rpartition(b".")
    if not dot:
        raise Forged
    return body, signature


class PassSigner:
    """Signs passes with the first key and reads those of every key in the list, by `kid`."""

    def __init__(self, keys: Sequence[SigningKey], *, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._first = keys[0]
        self._header = keys[0].header
        self._by_header = {key.header.decode(): key for key in keys}

    def sign(self, granted: Pass) -> str:
        """The pass as a compact JWS."""
        person = "" if granted.person is None else f',"person":{json.dumps(granted.person)}'
        # Written by hand: rooms, lanes and ids are made of characters that need no escaping, here and in `Ticket`.
        claims = (
            f'{{"iss":"ecluse","aud":"{granted.room}","sub":"{granted.session}","iat":{granted.issued_at},'
            f'"exp":{granted.expires_at},"lane":"{granted.lane}"{person}}}'
        )
        body = self._header + b"." + b64(claims.encode())
        return (body + b"." + self._first.signature(body)).decode()

    def read(self, token: str, room: str) -> Pass:
        """The pass in `token`, which must open `room` now. Raises Forged, WrongRoom or Expired."""
        key = self._by_header.get(token.partition(".")[0])
        if key is None:
            raise Forged
        body, signature = _parts(token)
        if not key.vouches(body, signature):
            raise Forged
        return self._checked(_claims(body), room)

    def _checked(self, claims: dict[str, object], room: str) -> Pass:
        audience, session, lane = claims.get("aud"), claims.get("sub"), claims.get("lane")
        issued_at, expires_at, person = claims.get("iat"), claims.get("exp"), claims.get("person")
        if claims.get("iss") != "ecluse" or not isinstance(session, str) or not isinstance(lane, str):
            raise Forged
        if not isinstance(issued_at, int) or not isinstance(expires_at, int):
            raise Forged
        if person is not None and not isinstance(person, str):
            raise Forged
        if audience != room:
            raise WrongRoom
        now = self._clock()
        if expires_at <= now:
            raise Expired
        if issued_at > now + LEEWAY_SECONDS * 4:
            raise Forged
        return Pass(
            room=room, session=session, lane=lane, issued_at=issued_at, expires_at=expires_at, person=person,
        )  # fmt: skip


def _claims(body: bytes) -> dict[str, object]:
    encoded = body.partition(b".")[2]
    try:
        claims = json.loads(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        raise Forged from None
    if not isinstance(claims, dict):
        raise Forged
    return claims


def inspect(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a pass, *unverified*: for people who debug, never for a decision. Raises Forged."""
    if token.count(".") != 2:
        raise Forged
    head, claims, _ = token.encode("ascii", "replace").split(b".")
    return _claims(b"." + head), _claims(b"." + claims)
