"""Joining: a place for who asks for one, the one there is, or what the room has to be told first."""

import json
from urllib.parse import quote

from ecluse.domain.errors import PersonInvalid, PersonKnown, PersonNeeded, RoomClosed, RoomFull
from ecluse.services.visits import Place
from ecluse.store.line import Closed, Full, Known
from ecluse.telemetry import RequestOutcome
from ecluse.tokens import Ticket
from gateway.answers import Answers
from gateway.asgi import Receive, Scope, Send, respond
from gateway.asking import Numbers, Question, ask, refuse_unasked
from gateway.cookies import cookie
from gateway.directory import RoomEdge, Table
from gateway.forms import JoinForm, read_form
from gateway.problems import send_problem
from gateway.requests import bearer, is_json, same_site_path, wants_page
from gateway.visitor_answers import JSON, NO_STORE, join_document, see_other, urls


class Joining:
    """POST …/tickets of all rooms."""

    def __init__(self, answers: Answers, numbers: Numbers) -> None:
        self._answers = answers
        self._numbers = numbers

    @property
    def table(self) -> Table:
        """What is served here."""
        return {
            b"/tickets": {"POST": self.join},
        }

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
            await _already_inside(room, send, granted.session, to, page=page)
            return
        try:
            invitation = room.invitations.read(form.invitation) if form.invitation else None
            lane = form.lane or (None if form.to is None else room.lane_at(to))
            if (
                page
                and ticket is None
                and not (lane or invitation or form.confirmed)
                and len(room.visits.room.open_lanes) > 1
            ):
                await self._choose(room, scope, send, form, to)
                return
            number = await self._numbers.read(room, scope, form)
            found = await room.visits.join(ticket, lane, number=number, confirm=form.confirmed, invitation=invitation)
        except PersonNeeded as error:
            if page:
                await ask(self._answers, scope, send, room, Question(to=to))
            else:
                await refuse_unasked(send, room, error)
            return
        except PersonInvalid as error:
            if page:
                await ask(self._answers, scope, send, room, Question(to=to, form=form, mistake=error, status=422))
            else:
                await refuse_unasked(send, room, error)
            return
        match found:
            case Full():
                await self._answers.error(scope, send, RoomFull(), room=room, retry_to=to)
            case Closed():
                await self._answers.error(scope, send, RoomClosed(), room=room, retry_to=to)
            case Known():
                await self._known(room, scope, send, Question(to=to, form=form, known=True, status=409))
            case Place():
                await _placed(room, send, found, ticket, to if page else None)

    async def _choose(self, room: RoomEdge, scope: Scope, send: Send, form: JoinForm, to: str) -> None:
        """A page's form without a lane: somebody who chose none, or who pressed a button that knows of none."""
        missing = form.person is not None or form.asked is not None
        question = Question(to=to, form=form, lane_missing=missing, status=422 if missing else 200)
        await ask(self._answers, scope, send, room, question)

    async def _known(self, room: RoomEdge, scope: Scope, send: Send, question: Question) -> None:
        """This person has a place: whoever asks confirms before it is given to this device."""
        if wants_page(scope) and not is_json(scope):
            await ask(self._answers, scope, send, room, question)
            return
        members: dict[str, object] = {
            "room": room.id, "join_url": f"/_ecluse/rooms/{room.id}/tickets", "confirm": True,
        }  # fmt: skip
        await send_problem(send, PersonKnown(), members=members)


async def _placed(room: RoomEdge, send: Send, found: Place, ticket: Ticket | None, page_to: str | None) -> None:
    room.metrics.requests[RequestOutcome.JOIN].inc()
    new = found.fresh and not found.taken_over and (ticket is None or ticket.id != found.ticket.id)
    if new:
        room.metrics.joins.inc()
    cookies = [room.cookies.set_ticket(found.token)]
    if page_to is not None:
        await see_other(send, f"/_ecluse/rooms/{room.id}?to={quote(page_to, safe='/')}", cookies)
        return
    body = join_document(room, found)
    await respond(send, 201 if new else 200, [JSON, NO_STORE, *cookies], body)


async def _already_inside(room: RoomEdge, send: Send, session: str, to: str, *, page: bool) -> None:
    """Somebody admitted joins again without a ticket: the admission stays, no second place is given."""
    if page:
        await see_other(send, to, [])
        return
    document = {
        "room": room.id, "id": session, "ticket": None, "lane": None, "number": None, "place": None, "ahead": 0,
        "state": "admitted", **urls(room),
    }  # fmt: skip
    await respond(send, 200, [JSON, NO_STORE], json.dumps(document).encode())
