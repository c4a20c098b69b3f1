"""Proofs that nobody issued, and what must become of them: no pass of these opens the door, no ticket of these claims.

Source of the kinds: RFC 8725 (JSON Web Token best current practices) §2, and docs/pass.md.
"""

import time
from collections.abc import Sequence
from random import Random

from loadtests.answers import WrongAnswer
from loadtests.moves import Answer, Moves, Step, pause
from loadtests.signing import base64url, signed_claims
from loadtests.site import JSON
from loadtests.visitor import Visitor


def forged_passes(room: str, ticket: str, random: Random) -> Sequence[str]:
    """Passes that were never issued: unsigned, signed with guessed keys, garbage, and a ticket in their place."""
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "ecluse", "aud": room, "sub": base64url(random.randbytes(8)),
        "iat": now, "exp": now + 600, "lane": "main",
    }  # fmt: skip
    plain = {"alg": "HS256", "typ": "JWT"}
    return (
        signed_claims({"alg": "none", "typ": "JWT"}, claims, b""),
        signed_claims(plain, claims, b"secret"),
        signed_claims({**plain, "kid": f"{random.getrandbits(32):08x}"}, claims, random.randbytes(32)),
        signed_claims({**plain, "kid": "../../dev/null"}, claims, b"\0"),
        signed_claims(plain, claims, b"secret")[:-4] + "AAAA",
        base64url(random.randbytes(90)),
        ticket,
    )


def forged_tickets(ticket: str, random: Random) -> Sequence[str]:
    """Tickets that were never issued: a better place, another id, another signature, garbage. `ticket` is genuine."""
    body, _, signature = ticket.rpartition(".")
    parts = body.split("~")
    other_id = [*parts[:3], base64url(random.randbytes(8)), *parts[4:]]
    better = [part if index != 5 else "1" for index, part in enumerate(parts)]
    return (
        f"{'~'.join(better)}.{signature}",
        f"{'~'.join(other_id)}.{signature}",
        f"{body}.{base64url(random.randbytes(32))}",
        f"{body}.",
        base64url(random.randbytes(90)),
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


def replay(visitor: Visitor, granted: str, ticket: str, *, times: int) -> Moves[None]:
    """Show the proofs of a visit that is over, `times` over, as those do whom they were handed to.

    By HEAD, which takes no place: what is tried is the old proofs, not fifty new places.
    """
    room = visitor.site.room
    cookie = f"ecluse_pass_{room}={granted}; ecluse_ticket_{room}={ticket}"
    prefixed = f"__Host-ecluse_pass_{room}={granted}; __Host-ecluse_ticket_{room}={ticket}"
    for _ in range(times):
        headers = {**JSON, "Cookie": f"{cookie}; {prefixed}"}
        answer = yield from _try(visitor, "HEAD", "/api/services", {200, 401, 403, 410, 429}, headers)
        visitor.trace.forged_sent += 1
        issued = answer is not None and any(f"ecluse_pass_{room}=" in each for each in answer.set_cookies)
        if answer is not None and answer.status == 200 and not issued:
            visitor.trace.forged_admitted += 1
        yield from pause(visitor.random.uniform(0.02, 0.2))
