"""What visitors ask of the gateway itself: the board, their ticket, to join, to claim. Pure ASGI, before any router.

The board and a waiting ticket are answered from memory; a join and a claim are one step in Redis each.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

from pydantic import BaseModel, ConfigDict, ValidationError

from ecluse.clock import Clock
from ecluse.domain.errors import (
    BadInput,
    CrossSite,
    Gone,
    LimitsFull,
    Missed,
    NotCalled,
    NoTicket,
    RoomClosed,
    RoomFull,
)
from ecluse.domain.estimate import wait_seconds
from ecluse.services.visits import STATES, Admission, Place
from ecluse.store.line import Admitted as AdmittedStanding
from ecluse.store.line import Called, Closed, Early, Full, Standing, Waiting
from ecluse.store.line import Gone as GoneStanding
from ecluse.store.line import Missed as MissedStanding
from ecluse.telemetry import ClaimOutcome, RequestOutcome
from ecluse.tokens import Ticket
from gateway.answers import Answers, next_poll_seconds, retry_after
from gateway.asgi import Headers, Receive, Scope, Send, header, respond
from gateway.cookies import cookie
from gateway.directory import RoomEdge
from gateway.problems import send_problem
from gateway.requests import bearer, is_cross_site, is_json, query, read_body, same_site_path, wants_page

NO_STORE = (b"cache-control", b"no-store")
JSON = (b"content-type", b"application/json")
Handler = Callable[[RoomEdge, Scope, Receive, Send], Awaitable[None]]


class JoinForm(BaseModel):
    """What a visitor may say when joining; `to` is where they want to go."""

    model_config = ConfigDict(extra="ignore", strict=True)

    lane: str | None = None
    person: str | None = None
    invitation: str | None = None
    challenge: str | None = None
    to: str | None = None


_NOTHING = JoinForm()


def rfc3339(at_ms: int) -> str:
    """A Unix time in ms as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def read_form(scope: Scope, receive: Receive) -> JoinForm:
    """The fields of a JSON or form body, or none. Raises BadInput, BodyTooLarge."""
    body = await read_body(receive)
    if not body.strip():
        return _NOTHING
    try:
        if is_json(scope):
            return JoinForm.model_validate_json(body)
        kind = header(scope, b"content-type") or b""
        if kind.startswith(b"application/x-www-form-urlencoded"):
            fields = parse_qs(body.decode(), max_num_fields=20, strict_parsing=False)
            return JoinForm.model_validate({name: values[-1] for name, values in fields.items()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInput(f"{where}: {first['msg']}.") from None
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadInput("The body is not what its Content-Type says.") from None
    raise BadInput("Send application/json or a form.")


class Visitors:
    """The visitor interface of all rooms."""

    def __init__(self, answers: Answers, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock

    def _ticket(self, room: RoomEdge, scope: Scope) -> Ticket:
        """The caller's ticket. Raises NoTicket, Forged, WrongRoom, Expired."""
        token = cookie(scope, room.cookies.ticket) or bearer(scope)
        if token is None:
            raise NoTicket
        return room.visits.check_ticket(token)

    async def ticket(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """Where the caller's ticket stands; from memory while it surely waits."""
        ticket = self._ticket(room, scope)
        visits = room.visits
        room.metrics.requests[RequestOutcome.TICKET].inc()
        waiting = visits.from_memory(ticket)
        if waiting is not None:
            speed = visits.board.throughput(ticket.lane)
            p50, p90 = wait_seconds(waiting.ahead, speed)
            place = Place(ticket=ticket, token="", standing=waiting)
            # Written by hand: this is the answer that a crowd without script asks for.
            body = (
                f'{{"id":"{ticket.id}","lane":"{ticket.lane}","number":{ticket.number},"place":{ticket.number},'
                f'"state":"waiting","ahead":{waiting.ahead},"wait_seconds":{{"p50":{p50:.0f},"p90":{p90:.0f}}},'
                f'"next_poll_seconds":{next_poll_seconds(room, place)},"claim_until":null}}'
            )
            await respond(send, 200, [JSON, NO_STORE], body.encode())
            return
        found = Place(ticket=ticket, token="", standing=await visits.stand(ticket))
        await respond(send, 200, [JSON, NO_STORE], json.dumps(_state_document(room, found)).encode())

    async def join(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a place, keep the one there is, or take a missed one back."""
        form = await read_form(scope, receive)
        token = cookie(scope, room.cookies.ticket)
        ticket = room.visits.read_ticket(token)
        if ticket is None and token is None:
            sent = bearer(scope)
            ticket = None if sent is None else room.visits.check_ticket(sent)
        held = cookie(scope, room.cookies.granted)
        granted = None if held is None else room.desk.open(held)
        page = wants_page(scope) and not is_json(scope)
        to = same_site_path(form.to, room.home)
        if granted is not None and ticket is None:
            await self._already_inside(room, send, granted.session, to, page=page)
            return
        found = await room.visits.join(ticket, form.lane)
        match found:
            case Full():
                await self._answers.error(scope, send, RoomFull(), room=room, retry_to=to)
            case Closed():
                await self._answers.error(scope, send, RoomClosed(), room=room, retry_to=to)
            case Place():
                room.metrics.requests[RequestOutcome.JOIN].inc()
                new = ticket is None or ticket.id != found.ticket.id
                if new:
                    room.metrics.joins.inc()
                cookies = [room.cookies.set_ticket(found.token)]
                if page:
                    await _see_other(send, f"/_ecluse/rooms/{room.id}?to={quote(to, safe='/')}", cookies)
                    return
                body = json.dumps(_join_document(room, found)).encode()
                await respond(send, 201 if new else 200, [JSON, NO_STORE, *cookies], body)

    async def _already_inside(self, room: RoomEdge, send: Send, session: str, to: str, *, page: bool) -> None:
        """Somebody admitted joins again without a ticket: the admission stays, no second place is given."""
        if page:
            await _see_other(send, to, [])
            return
        document = {
            "room": room.id, "id": session, "ticket": None, "lane": None, "number": None, "place": None, "ahead": 0,
            "state": "admitted", **_urls(room),
        }  # fmt: skip
        await respond(send, 200, [JSON, NO_STORE], json.dumps(document).encode())

    async def leave(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Give up the place: DELETE …/ticket, or the form of a page without script."""
        _refuse_cross_site(scope)
        form = await read_form(scope, receive) if scope["method"] == "POST" else JoinForm()
        token = cookie(scope, room.cookies.ticket) or bearer(scope)
        ticket = room.visits.read_ticket(token)
        if ticket is not None:
            await room.visits.leave(ticket)
        room.metrics.requests[RequestOutcome.LEAVE].inc()
        forget = [room.cookies.forget_ticket()]
        if scope["method"] == "POST" and wants_page(scope):
            to = quote(same_site_path(form.to, room.home), safe="/")
            await _see_other(send, f"/_ecluse/rooms/{room.id}?left=1&to={to}", forget)
            return
        await respond_bare(send, 204, [NO_STORE, *forget])

    async def claim(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Go in: the pass as a cookie and in the answer; or when to come back, or what to do instead."""
        _refuse_cross_site(scope)
        form = await read_form(scope, receive)
        to = same_site_path(form.to, room.home)
        ticket = self._ticket(room, scope)
        outcome = await room.visits.claim(ticket)
        if isinstance(outcome, Admission):
            await self._admitted(room, scope, send, outcome, to)
            return
        room.metrics.requests[RequestOutcome.CLAIM_EARLY].inc()
        if wants_page(scope) and not is_json(scope):
            wait = f"&wait={int(outcome.wait_ms // 1000) + 1}" if isinstance(outcome, Early) else ""
            await _see_other(send, f"/_ecluse/rooms/{room.id}?to={quote(to, safe='/')}{wait}", [])
            return
        await self._not_yet(room, send, outcome)

    async def _admitted(self, room: RoomEdge, scope: Scope, send: Send, admission: Admission, to: str) -> None:
        room.metrics.admissions.inc()
        room.metrics.claims[ClaimOutcome.ADMITTED].inc()
        room.metrics.requests[RequestOutcome.CLAIM_ADMITTED].inc()
        granted = admission.granted
        cookies = [room.cookies.set_pass(admission.token, granted.expires_at - int(self._clock()))]
        if wants_page(scope) and not is_json(scope):
            await _see_other(send, to, cookies)
            return
        document = {"pass": admission.token, "expires_at": rfc3339(granted.expires_at * 1000), "location": to}
        await respond(send, 200, [JSON, NO_STORE, *cookies], json.dumps(document).encode())

    async def _not_yet(self, room: RoomEdge, send: Send, outcome: "Standing | Early | Closed") -> None:
        members: dict[str, object] = {"room": room.id, **_urls(room)}
        match outcome:
            case Early(wait_ms, why):
                room.metrics.claims[ClaimOutcome.LIMITS_FULL].inc()
                await send_problem(send, LimitsFull(why), headers=[retry_after(wait_ms)], members=members)
            case MissedStanding():
                room.metrics.claims[ClaimOutcome.MISSED].inc()
                await send_problem(send, Missed(), members={**members, "join_url": f"/_ecluse/rooms/{room.id}/tickets"})
            case GoneStanding():
                room.metrics.claims[ClaimOutcome.GONE].inc()
                await send_problem(send, Gone(), members={**members, "join_url": f"/_ecluse/rooms/{room.id}/tickets"})
            case Closed():
                await send_problem(send, RoomClosed(), members=members)
            case _:
                room.metrics.claims[ClaimOutcome.NOT_CALLED].inc()
                ahead = outcome.ahead if isinstance(outcome, Waiting) else 0
                wait_ms = 1000.0 * min(max(ahead / 10, 2), 30)
                await send_problem(send, NotCalled(), headers=[retry_after(wait_ms)], members=members)

    async def extend(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """More time for a called visitor."""
        _refuse_cross_site(scope)
        form = await read_form(scope, receive)
        found = await room.visits.extend(self._ticket(room, scope))
        room.metrics.requests[RequestOutcome.CLAIM_EXTENDED].inc()
        if wants_page(scope) and not is_json(scope):
            to = quote(same_site_path(form.to, room.home), safe="/")
            await _see_other(send, f"/_ecluse/rooms/{room.id}?to={to}", [])
        elif isinstance(found, Called):
            body = json.dumps({"claim_until": rfc3339(found.deadline_ms)}).encode()
            await respond(send, 200, [JSON, NO_STORE], body)
        else:
            await self._not_yet(room, send, found)

    async def page(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The waiting page. Opening it takes a place, unless the visitor has just left or only looks (HEAD).

        With `enter=1` (where forward-auth sends people) an empty line lets them in at once, as the gate would.
        """
        fields = query(scope)
        to = same_site_path(fields.get("to"), room.home)
        held = cookie(scope, room.cookies.granted)
        if held is not None and room.desk.open(held) is not None:
            await _see_other(send, to, [])
            return
        ticket = room.visits.read_ticket(cookie(scope, room.cookies.ticket))
        found = await self._found(room, scope, ticket, fields)
        if isinstance(found, Place) and isinstance(found.standing, AdmittedStanding):
            found = room.visits.admission(found.ticket, found.standing)
        if isinstance(found, Admission):
            await self._admitted(room, scope, send, found, to)
        elif isinstance(found, Full):
            await self._answers.error(scope, send, RoomFull(), room=room, retry_to=to)
        else:
            place = found if isinstance(found, Place) else None
            await self._answers.waiting(scope, send, room, place, return_to=to)

    async def _found(
        self, room: RoomEdge, scope: Scope, ticket: Ticket | None, fields: dict[str, str]
    ) -> Place | Admission | Full | Closed | None:
        """What the visitor of the waiting page has, or now gets; None for somebody who only looks."""
        visits = room.visits
        if ticket is not None:
            if ticket.epoch == room.board.epoch or room.board.stale:
                return Place(ticket=ticket, token="", standing=await visits.stand(ticket))
            return await visits.arrive(ticket, at_once=False)
        if scope["method"] == "HEAD" or not wants_page(scope) or "left" in fields:
            return None
        return await visits.arrive(None, at_once="enter" in fields)


def _urls(room: RoomEdge) -> dict[str, object]:
    base = f"/_ecluse/rooms/{room.id}"
    return {"board_url": f"{base}/board.json", "ticket_url": f"{base}/ticket", "claim_url": f"{base}/claim"}


def _join_document(room: RoomEdge, place: Place) -> dict[str, object]:
    ticket, standing = place.ticket, place.standing
    return {
        "room": room.id, "id": ticket.id, "ticket": place.token, "lane": ticket.lane, "number": ticket.number,
        "place": ticket.number, "ahead": standing.ahead if isinstance(standing, Waiting) else 0,
        "state": STATES[type(standing)].value, **_urls(room),
    }  # fmt: skip


def _state_document(room: RoomEdge, place: Place) -> dict[str, object]:
    ticket, standing = place.ticket, place.standing
    ahead = standing.ahead if isinstance(standing, Waiting) else 0
    outlook = room.visits.outlook(ticket.lane, ahead) if isinstance(standing, Waiting) else None
    return {
        "id": ticket.id, "lane": ticket.lane, "number": ticket.number, "place": ticket.number,
        "state": STATES[type(standing)].value, "ahead": ahead,
        "wait_seconds": {
            "p50": round(outlook.p50_seconds) if outlook else 0, "p90": round(outlook.p90_seconds) if outlook else 0,
        },
        "next_poll_seconds": next_poll_seconds(room, place),
        "claim_until": rfc3339(standing.deadline_ms) if isinstance(standing, Called) else None,
    }  # fmt: skip


def _refuse_cross_site(scope: Scope) -> None:
    if is_cross_site(scope):
        raise CrossSite


async def _see_other(send: Send, location: str, headers: Headers) -> None:
    await respond(send, 303, [(b"location", location.encode()), NO_STORE, *headers])


async def respond_bare(send: Send, status: int, headers: Headers) -> None:
    """An answer that has no body by its nature (204, 304)."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
