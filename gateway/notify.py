"""Visitors who go away say where they can be told of their turn: give an address, see which one is kept, delete it."""

import json
from dataclasses import replace
from urllib.parse import quote

from ecluse.domain.errors import BadInput, NotFound
from ecluse.domain.notify import Address, Way, read_email, read_phone
from ecluse.settings import NotifySettings
from ecluse.store.notify import Addresses
from ecluse.telemetry import RequestOutcome
from ecluse.tokens import Ticket
from gateway.answers import HTML, Answers
from gateway.asgi import Receive, Scope, Send, respond
from gateway.directory import RoomEdge, Table, read_only
from gateway.forms import NotifyForm, read_fields
from gateway.pages import SECURITY_HEADERS, NotifyView
from gateway.requests import is_json, query, same_site_path, wants_page
from gateway.visitor_answers import JSON, NO_STORE, refuse_cross_site, respond_bare, rfc3339, see_other
from gateway.visitors import Visitors

_TYPED_MOST_CHARS = 254
_ZONE = "Europe/Paris"
"""Whose clocks a page is read on in a room without opening hours."""
_WHAT_TO_WRITE = {
    Way.EMAIL: "email: write an address such as name@example.org.",
    Way.PHONE: "phone: write a number such as +33612345678.",
}


class Notify:
    """The addresses of all rooms that tell their visitors; elsewhere there is nothing here."""

    def __init__(self, visitors: Visitors, answers: Answers) -> None:
        self._visitors = visitors
        self._answers = answers

    @property
    def table(self) -> Table:
        """What is served under a room's address, by method."""
        return {
            b"/ticket/notify": {**read_only(self.show), "POST": self.keep, "DELETE": self.forget},
            b"/ticket/notify/forget": {"POST": self.forget},
        }

    async def show(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """Which address is kept, as much of it as its owner needs to recognise it."""
        _, addresses = _told(room)
        ticket = self._visitors.ticket_of(room, scope)
        found = await addresses.of(ticket.id)
        if wants_page(scope):
            view = self._view(room, scope, ticket, query(scope).get("to"))
            await self._page(send, replace(view, masked=None if found is None else found.masked))
        else:
            await respond(send, 200, [JSON, NO_STORE], self._document(room, ticket, found))

    async def keep(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell this visitor at the address given, and nowhere else. A slip is shown, to be put right."""
        refuse_cross_site(scope)
        settings, addresses = _told(room)
        form = await read_fields(scope, receive, NotifyForm)
        ticket = self._visitors.ticket_of(room, scope)
        page = wants_page(scope) and not is_json(scope)
        given = {way: text for way in settings.ways if (text := getattr(form, way.value) or "").strip()}
        if len(given) != 1:
            raise BadInput(f"Give one of: {', '.join(settings.ways)}.")
        ((way, text),) = given.items()
        to = read_email(text) if way is Way.EMAIL else read_phone(text, settings.phone_prefix)
        room.metrics.requests[RequestOutcome.NOTIFY].inc()
        if to is None:
            if not page:
                raise BadInput(_WHAT_TO_WRITE[way])
            view = self._view(room, scope, ticket, form.to)
            await self._page(send, replace(view, typed={way: text[:_TYPED_MOST_CHARS]}))
            return
        address = Address(way=way, to=to, lang=self._answers.language(scope))
        await addresses.keep(ticket.id, address, most=settings.addresses_max)
        if page:
            await _back(room, send, form.to)
        else:
            await respond(send, 200, [JSON, NO_STORE], self._document(room, ticket, address))

    async def forget(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """Delete the address: DELETE, or the form of a page."""
        refuse_cross_site(scope)
        _, addresses = _told(room)
        form = await read_fields(scope, receive, NotifyForm) if scope["method"] == "POST" else NotifyForm()
        ticket = self._visitors.ticket_of(room, scope)
        await addresses.forget(ticket.id)
        room.metrics.requests[RequestOutcome.NOTIFY].inc()
        if scope["method"] == "POST" and wants_page(scope):
            await _back(room, send, form.to)
        else:
            await respond_bare(send, 204, [NO_STORE])

    def _document(self, room: RoomEdge, ticket: Ticket, found: Address | None) -> bytes:
        settings, _ = _told(room)
        document: dict[str, object] = {way.value: None for way in settings.ways}
        if found is not None:
            document[found.way.value] = found.masked
        document |= {"near_minutes": settings.near_minutes, "delete_by": rfc3339(_delete_by_ms(room, ticket))}
        return json.dumps(document, ensure_ascii=False).encode()

    def _view(self, room: RoomEdge, scope: Scope, ticket: Ticket, to: str | None) -> NotifyView:
        """The page of somebody for whom no address is kept."""
        settings, _ = _told(room)
        return NotifyView(
            room=room.id,
            title=dict(room.settings.title),
            lang=self._answers.language(scope),
            tells=settings.ways,
            masked=None,
            near_minutes=settings.near_minutes,
            delete_by_ms=_delete_by_ms(room, ticket),
            zone=room.settings.opening.time_zone if room.settings.opening else _ZONE,
            return_to=same_site_path(to, room.home),
            typed={},
            look=room.look,
        )

    async def _page(self, send: Send, view: NotifyView) -> None:
        page = self._answers.pages.notify(view)
        await respond(send, 400 if view.typed else 200, [HTML, *SECURITY_HEADERS], page)


def _delete_by_ms(room: RoomEdge, ticket: Ticket) -> int:
    return (ticket.issued_at + room.cookies.ticket_seconds) * 1000


def _told(room: RoomEdge) -> tuple[NotifySettings, Addresses]:
    """What a room that tells its visitors does it with. Raises NotFound where it does not."""
    if room.settings.notify is None or room.addresses is None:
        raise NotFound
    return room.settings.notify, room.addresses


async def _back(room: RoomEdge, send: Send, to: str | None) -> None:
    target = quote(same_site_path(to, room.home), safe="/")
    await see_other(send, f"/_ecluse/rooms/{room.id}/ticket/notify?to={target}", [])
