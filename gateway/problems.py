"""Errors as RFC 9457 problems: the one place where an error meets a status code."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from ecluse.domain import errors
from gateway.asgi import Headers, Send, respond

PREFIX = "/_ecluse/problems/"


@dataclass(frozen=True, slots=True)
class Row:
    """How a class of error is told over HTTP."""

    status: int
    slug: str
    title: str


ROWS: Mapping[type[errors.EcluseError], Row] = {
    errors.EcluseError: Row(500, "internal", "Internal error"),
    errors.UnknownRoom: Row(404, "unknown-room", "Unknown room"),
    errors.UnknownLane: Row(422, "unknown-lane", "Unknown lane"),
    errors.LaneClosed: Row(403, "lane-closed", "Lane by invitation"),
    errors.InvitationRefused: Row(403, "invitation-refused", "Invitation not valid"),
    errors.InvitationUsed: Row(409, "invitation-used", "Invitation used"),
    errors.InvitationQuota: Row(409, "invitation-quota", "Too many invitations"),
    errors.UnknownInvitation: Row(404, "unknown-invitation", "Unknown invitations"),
    errors.PersonNeeded: Row(422, "person-needed", "Person number needed"),
    errors.PersonInvalid: Row(422, "person-invalid", "Not a person number"),
    errors.PersonKnown: Row(409, "person-known", "This person has a place"),
    errors.PersonKeyChanged: Row(503, "person-key-changed", "No new places for a moment"),
    errors.BadInput: Row(400, "bad-input", "Bad input"),
    errors.BodyTooLarge: Row(413, "body-too-large", "Body too large"),
    errors.AmbiguousRequest: Row(400, "ambiguous-request", "Ambiguous request"),
    errors.TokenError: Row(401, "bad-token", "Unreadable proof"),
    errors.Forged: Row(401, "forged", "Not a genuine ticket or pass"),
    errors.WrongRoom: Row(403, "wrong-room", "Ticket or pass of another room"),
    errors.Expired: Row(401, "expired", "Expired ticket or pass"),
    errors.NoTicket: Row(404, "no-ticket", "No ticket"),
    errors.NotCalled: Row(425, "not-called", "Not called yet"),
    errors.LimitsFull: Row(425, "limits-full", "Limits full for a moment"),
    errors.Missed: Row(410, "missed", "Turn missed"),
    errors.Gone: Row(410, "gone", "Ticket finished"),
    errors.Moved: Row(410, "moved", "Place moved to another device"),
    errors.Inside: Row(409, "inside", "Place already used"),
    errors.MistypedCode: Row(422, "mistyped-code", "Mistyped code"),
    errors.UnknownCode: Row(404, "unknown-code", "Unknown code"),
    errors.TooManyTries: Row(429, "too-many-tries", "Too many tries"),
    errors.AddressesFull: Row(503, "addresses-full", "Too many addresses"),
    errors.ChangedTooOften: Row(429, "changed-too-often", "Changed too often"),
    errors.RoomFull: Row(503, "full", "Line full"),
    errors.RoomClosed: Row(503, "closed", "Room closed"),
    errors.Waiting: Row(429, "waiting", "Waiting"),
    errors.PassNeeded: Row(429, "pass-needed", "Pass needed"),
    errors.FormNotSent: Row(429, "form-not-sent", "Form not sent"),
    errors.CrossSite: Row(403, "cross-site", "Cross-site request"),
    errors.TooManyStreams: Row(503, "too-many-streams", "Too many streams"),
    errors.StoreAway: Row(503, "store-away", "Line out of reach"),
    errors.OriginAway: Row(502, "origin-away", "Service out of reach"),
    errors.OriginSlow: Row(504, "origin-slow", "Service too slow"),
    errors.OriginBusy: Row(503, "origin-busy", "Service busy"),
    errors.VisitTooFast: Row(429, "visit-too-fast", "Visit asks too fast"),
    errors.KeyNeeded: Row(401, "key-needed", "Operator key needed"),
    errors.SignInRefused: Row(401, "sign-in-refused", "Not signed in"),
    errors.RoleTooLow: Row(403, "role-too-low", "Role too low"),
    errors.VersionConflict: Row(412, "version-conflict", "Changed meanwhile"),
    errors.WrongMoment: Row(409, "wrong-moment", "Not at this moment"),
    errors.UnknownSession: Row(404, "unknown-session", "Unknown session"),
    errors.AideKeyNeeded: Row(401, "helper-key-needed", "Helper key needed"),
    errors.RoomNotYours: Row(403, "not-your-room", "Not one of your rooms"),
    errors.QuotaFull: Row(409, "quota-full", "Quota used up"),
    errors.UnknownPlace: Row(404, "unknown-place", "Unknown place"),
    errors.NotFound: Row(404, "not-found", "Not found"),
    errors.MethodNotAllowed: Row(405, "method-not-allowed", "Method not allowed"),
}
BY_SLUG = {row.slug: (kind, row) for kind, row in ROWS.items()}


def headers_of(error: errors.EcluseError) -> Headers:
    """What the status of an error wants said: when to come back, how to prove oneself."""
    out: Headers = []
    if error.retry_after_seconds is not None:
        out.append((b"retry-after", str(error.retry_after_seconds).encode()))
    if ROWS[type(error)].status == HTTPStatus.UNAUTHORIZED:
        # RFC 9110 §15.5.2: every 401 says how. Browsers ask nobody anything for this one.
        out.append((b"www-authenticate", b"Bearer"))
    return out


async def send_problem(
    send: Send,
    error: errors.EcluseError,
    *,
    status: int | None = None,
    headers: Iterable[tuple[bytes, bytes]] = (),
    members: Mapping[str, object] | None = None,
) -> None:
    """Answer with the problem of `error`; `members` are its extension members, `status` overrides its row's."""
    row = ROWS[type(error)]
    code = status or row.status
    body: dict[str, object] = {
        "type": PREFIX + row.slug, "title": row.title, "status": code, "detail": error.public,
    }  # fmt: skip
    body.update(members or {})
    given: Headers = [*headers]
    out: Headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *given]
    named = {name for name, _ in given}
    out += [(name, value) for name, value in headers_of(error) if name not in named]
    await respond(send, code, out, json.dumps(body, ensure_ascii=False).encode())
