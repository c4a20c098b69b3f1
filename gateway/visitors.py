"""What visitors ask of the gateway itself: the board, their ticket, to join, to claim. Pure ASGI, before any router.

The board and a waiting ticket are answered from memory; a join and a claim are one step in Redis each.
"""

import json
from urllib.parse import quote

from ecluse.domain.errors import (
    FormNotSent,
    Gone,
    LimitsFull,
    Missed,
    Moved,
    NotCalled,
    NoTicket,
    RoomClosed,
    RoomFull,
    StoreAway,
)
from ecluse.services.visits import Admission, Ask, Place
from ecluse.store.line import Admitted as AdmittedStanding
from ecluse.store.line import Called, Closed, Early, Full, Standing, Waiting
from ecluse.store.line import Gone as GoneStanding
from ecluse.store.line import Missed as MissedStanding
from ecluse.store.line import Moved as MovedStanding
from ecluse.telemetry import ClaimOutcome, RequestOutcome
from ecluse.tokens import Pass, Ticket
from gateway.answers import Answers, retry_after
from gateway.asgi import Headers, Receive, Scope, Send, respond
from gateway.asking import Question, ask
from gateway.cookies import cookie
from gateway.directory import RoomEdge, Table, read_only
from gateway.forms import JoinForm, read_form
from gateway.problems import send_problem
from gateway.requests import bearer, is_json, own_address, query, same_site_path, wants_page
from gateway.visitor_answers import (
    JSON,
    NO_STORE,
    moved_members,
    refuse_cross_site,
    respond_bare,
    rfc3339,
    see_other,
    state_document,
    urls,
    waiting_document,
)


class Visitors:
    """The visitor interface of all rooms."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    @property
    def table(self) -> Table:
        """What is served under a room's address, by method."""
        return {
            b"": {"GET": self.page, "HEAD": self.page},
            b"/ticket": {**read_only(self.ticket), "DELETE": self.leave},
            b"/claim": {"POST": self.claim},
            b"/claim/extend": {"POST": self.extend},
            b"/leave": {"POST": self.leave},
        }

    def ticket_of(self, room: RoomEdge, scope: Scope) -> Ticket:
        """The caller's ticket. Raises NoTicket, Forged, WrongRoom, Expired."""
        token = cookie(scope, room.cookies.ticket) or bearer(scope)
        if token is None:
            raise NoTicket
        return room.visits.check_ticket(token)

    async def ticket(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """Where the caller's ticket stands; from memory while it surely waits."""
        ticket = self.ticket_of(room, scope)
        room.metrics.requests[RequestOutcome.TICKET].inc()
        waiting = room.visits.from_memory(ticket)
        if waiting is not None:
            body = waiting_document(room, ticket, waiting.ahead)
        else:
            found = Place(ticket=ticket, token="", standing=await room.visits.stand(ticket))
            body = json.dumps(state_document(room, found)).encode()
        await respond(send, 200, [JSON, NO_STORE], body)

    async def leave(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Give up the place: DELETE …/ticket, or the form of a page without script."""
        refuse_cross_site(scope)
        form = await read_form(scope, receive) if scope["method"] == "POST" else JoinForm()
        token = cookie(scope, room.cookies.ticket) or bearer(scope)
        ticket = room.visits.read_ticket(token)
        if ticket is not None:
            await room.visits.leave(ticket)
        room.metrics.requests[RequestOutcome.LEAVE].inc()
        forget = [room.cookies.forget_ticket()]
        if scope["method"] == "POST" and wants_page(scope):
            to = quote(same_site_path(form.to, room.home), safe="/")
            await see_other(send, f"/_ecluse/rooms/{room.id}?left=1&to={to}", forget)
            return
        await respond_bare(send, 204, [NO_STORE, *forget])

    async def claim(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Go in: the pass as a cookie and in the answer; or when to come back, or what to do instead."""
        refuse_cross_site(scope)
        form = await read_form(scope, receive)
        to = same_site_path(form.to, room.home)
        ticket = self.ticket_of(room, scope)
        outcome = await room.visits.claim(ticket)
        if isinstance(outcome, Admission):
            await self._admitted(room, scope, send, outcome, to)
            return
        room.metrics.requests[RequestOutcome.CLAIM_EARLY].inc()
        if wants_page(scope) and not is_json(scope):
            wait = f"&wait={int(outcome.wait_ms // 1000) + 1}" if isinstance(outcome, Early) else ""
            await see_other(send, f"/_ecluse/rooms/{room.id}?to={quote(to, safe='/')}{wait}", [])
            return
        await self.not_yet(room, send, outcome)

    async def _admitted(self, room: RoomEdge, scope: Scope, send: Send, admission: Admission, to: str) -> None:
        room.metrics.admissions.inc()
        room.metrics.claims[ClaimOutcome.ADMITTED].inc()
        room.metrics.requests[RequestOutcome.CLAIM_ADMITTED].inc()
        granted = admission.granted
        cookies = [room.pass_cookie(admission)]
        if "unsent" in query(scope):
            await self._answers.error(scope, send, FormNotSent(), room=room, retry_to=to, headers=cookies)
            return
        if wants_page(scope) and not is_json(scope):
            await see_other(send, to, cookies)
            return
        expires_at = rfc3339(granted.expires_at * 1000)
        body = f'{{"pass":"{admission.token}","expires_at":"{expires_at}","location":{json.dumps(to)}}}'
        await respond(send, 200, [JSON, NO_STORE, *cookies], body.encode())

    async def not_yet(self, room: RoomEdge, send: Send, outcome: "Standing | Early | Closed") -> None:
        """Why there is no admission, and what to do."""
        members: dict[str, object] = {"room": room.id, **urls(room)}
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
            case MovedStanding(moment):
                room.metrics.claims[ClaimOutcome.MOVED].inc()
                await send_problem(send, Moved(), members={**members, **moved_members(room, moment)})
            case Closed():
                await send_problem(send, RoomClosed(), members=members)
            case _:
                room.metrics.claims[ClaimOutcome.NOT_CALLED].inc()
                ahead = outcome.ahead if isinstance(outcome, Waiting) else 0
                wait_ms = 1000.0 * min(max(ahead / 10, 2), 30)
                await send_problem(send, NotCalled(), headers=[retry_after(wait_ms)], members=members)

    async def extend(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """More time for a called visitor."""
        refuse_cross_site(scope)
        form = await read_form(scope, receive)
        found = await room.visits.extend(self.ticket_of(room, scope))
        room.metrics.requests[RequestOutcome.CLAIM_EXTENDED].inc()
        if wants_page(scope) and not is_json(scope):
            to = quote(same_site_path(form.to, room.home), safe="/")
            await see_other(send, f"/_ecluse/rooms/{room.id}?to={to}", [])
        elif isinstance(found, Called):
            body = json.dumps({"claim_until": rfc3339(found.deadline_ms)}).encode()
            await respond(send, 200, [JSON, NO_STORE], body)
        else:
            await self.not_yet(room, send, found)

    async def page(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The waiting page. Opening it takes a place, unless the visitor has just left or only looks (HEAD).

        With `enter=1` (where forward-auth sends people) an empty line lets them in at once, as the gate would, and a
        room that opens without its store does. With `unsent=1` it says first that their form was not sent.
        """
        fields = query(scope)
        to = same_site_path(fields.get("to"), room.home)
        held = cookie(scope, room.cookies.granted)
        granted = None if held is None else room.desk.open(held)
        renewed = None if granted is None else await self._goes_on(room, granted)
        if renewed is not None:
            await see_other(send, to, renewed)
            return
        ticket = room.visits.read_ticket(cookie(scope, room.cookies.ticket))
        if ticket is None and "invitation" in fields and scope["method"] == "GET" and wants_page(scope):
            # The link leads to a form: opening it, as scanners of mail do, uses nothing up.
            form = JoinForm(invitation=fields["invitation"])
            await ask(self._answers, scope, send, room, Question(to=to, form=form))
            return
        try:
            found = await self._found(room, scope, ticket, fields, room.lane_at(to))
        except StoreAway as error:
            room.metrics.store_errors.inc()
            if "enter" not in fields or room.settings.on_store_failure != "open":
                await self._answers.error(scope, send, error, room=room, retry_to=own_address(scope))
                return
            found = room.visits.grace()
        if isinstance(found, Place) and isinstance(found.standing, AdmittedStanding):
            found = room.visits.admission(found.ticket, found.standing)
        if isinstance(found, Admission):
            await self._admitted(room, scope, send, found, to)
        elif isinstance(found, Full):
            await self._answers.error(scope, send, RoomFull(), room=room, retry_to=to)
        elif isinstance(found, Ask) and room.board.phase != "closed":
            await ask(self._answers, scope, send, room, Question(to=to, form_not_sent="unsent" in fields))
        else:
            place = found if isinstance(found, Place) else None
            await self._answers.waiting(
                scope, send, room, place, return_to=to, form_not_sent="unsent" in fields
            )  # fmt: skip

    async def _found(
        self, room: RoomEdge, scope: Scope, ticket: Ticket | None, fields: dict[str, str], lane: str | None
    ) -> Place | Admission | Full | Closed | Ask | None:
        """What the visitor of the waiting page has, or now gets; None for somebody who only looks."""
        visits = room.visits
        only_looks = scope["method"] == "HEAD" or not wants_page(scope) or "left" in fields
        if "enter" in fields and not only_looks:
            waiting = None if ticket is None else visits.from_memory(ticket)
            if ticket is not None and waiting is not None:
                return Place(ticket=ticket, token="", standing=waiting)
            return await visits.arrive(ticket, lane=lane, asks=True)
        if ticket is not None:
            if ticket.epoch == room.board.epoch or room.board.stale:
                return Place(ticket=ticket, token="", standing=await visits.stand(ticket))
            return await visits.arrive(ticket, at_once=False, lane=lane, asks=True)
        return None if only_looks else await visits.arrive(None, at_once=False, lane=lane, asks=True)

    async def _goes_on(self, room: RoomEdge, granted: Pass) -> Headers | None:
        """A visit that is on, with the cookie of its pass if that was renewed; None if it was ended.

        The visitor's proxy may have dropped the cookie that verify sent it, or know less than Redis of an end.
        """
        if not room.visits.renewal_due(granted):
            return []
        try:
            renewed = await room.visits.renew(granted)
        except StoreAway:
            return []
        return None if renewed is None else [room.pass_cookie(renewed)]
