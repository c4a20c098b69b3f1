"""Proofs that nobody issued, and what must become of them: no pass of these opens the door, no ticket of these claims.

Source of the kinds: RFC 8725 (JSON Web Token best current practices) §2, and CONTRACT.md "Pass".
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from random import Random

from loadtests.answers import WrongAnswer
from loadtests.moves import Answer, Moves, Step, pause
from loadtests.visitor import JSON, Visitor


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _jws(header: dict[str, str], claims: dict[str, object], key: bytes) -> str:
    body = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{body}.{_b64(hmac.digest(key, body.encode(), hashlib.sha256)) if key else ''}"


def forged_passes(room: str, ticket: str, random: Random) -> Sequence[str]:
    """Passes that were never issued: unsigned, signed with guessed keys, garbage, and a ticket in their place."""
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "ecluse", "aud": room, "sub": _b64(random.randbytes(8)), "iat": now, "exp": now + 600, "lane": "main",
    }  # fmt: skip
    plain = {"alg": "HS256", "typ": "JWT"}
    return (
        _jws({"alg": "none", "typ": "JWT"}, claims, b""),
        _jws(plain, claims, b"secret"),
        _jws({**plain, "kid": f"{random.getrandbits(32):08x}"}, claims, random.randbytes(32)),
        _jws({**plain, "kid": "../../dev/null"}, claims, b"\0"),
        _jws(plain, claims, b"secret")[:-4] + "AAAA",
        _b64(random.randbytes(90)),
        ticket,
    )


def forged_tickets(ticket: str, random: Random) -> Sequence[str]:
    """Tickets that were never issued: a better place, another id, another signature, garbage. `ticket` is genuine."""
    body, _, signature = ticket.rpartition(".")
    parts = body.split("~")
    other_id = [*parts[:3], _b64(random.randbytes(8)), *parts[4:]]
    better = [part if index != 5 else "1" for index, part in enumerate(parts)]
    return (
        f"{'~'.join(better)}.{signature}",
        f"{'~'.join(other_id)}.{signature}",
        f"{body}.{_b64(random.randbytes(32))}",
        f"{body}.",
        _b64(random.randbytes(90)),
    )


def _try(visitor: Visitor, method: str, path: str, expected: set[int], headers: dict[str, str]) -> Moves[Answer | None]:
    cookie = headers.get("Cookie", "")
    try:
        return (yield from visitor.send(Step.FORGE, method, path, expected, headers=headers, cookie=cookie))
    except WrongAnswer as wrong:
        visitor.tally.note_wrong(wrong)
        return None


def _try_pass(visitor: Visitor, forged: str, genuine: str) -> Moves[None]:
    """The forged pass beside one's own ticket, so that the attempt takes no second place in the line."""
    room = visitor.site.room
    cookie = f"ecluse_pass_{room}={forged}; ecluse_ticket_{room}={genuine}"
    prefixed = f"__Host-ecluse_pass_{room}={forged}; __Host-ecluse_ticket_{room}={genuine}"
    headers = {**JSON, "Cookie": f"{cookie}; {prefixed}"}
    answer = yield from _try(visitor, "GET", "/api/services", {200, 429}, headers)
    visitor.trace.forged_sent += 1
    issued = answer is not None and any(f"ecluse_pass_{room}=" in each for each in answer.set_cookies)
    if answer is not None and answer.status == 200 and not issued:
        visitor.trace.forged_admitted += 1


def _try_ticket(visitor: Visitor, forged: str) -> Moves[None]:
    headers = {**JSON, "Authorization": f"Bearer {forged}"}
    path = f"/_ecluse/rooms/{visitor.site.room}/claim"
    # 200 is listed so that it is counted as a forged admission and not as a mere error.
    answer = yield from _try(visitor, "POST", path, {200, 401, 403}, headers)
    visitor.trace.forged_sent += 1
    if answer is not None and answer.status == 200:
        visitor.trace.forged_admitted += 1


def forge_on(visitor: Visitor, rounds: int) -> Moves[None]:
    """Try one forged proof after another, `rounds` times through."""
    genuine = visitor.ticket_token or ""
    for _ in range(rounds):
        for forged in forged_passes(visitor.site.room, genuine, visitor.random):
            yield from _try_pass(visitor, forged, genuine)
            yield from pause(visitor.random.uniform(0.2, 1.5))
        for forged in forged_tickets(genuine, visitor.random):
            yield from _try_ticket(visitor, forged)
            yield from pause(visitor.random.uniform(0.2, 1.5))
