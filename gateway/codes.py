"""The code of a place over HTTP: show it, print it, follow a place by it, move the place to this device.

A code never stands in a path or query of ours. The QR carries it behind the # of an address, which browsers send to
nobody; pages take it from there, or from what a person types, and post it.
"""

import io
import json
from functools import lru_cache
from urllib.parse import quote

from ecluse.domain.errors import (
    EcluseError,
    Gone,
    Inside,
    MistypedCode,
    Moved,
    NoTicket,
    TokenError,
    TooManyTries,
    UnknownCode,
)
from ecluse.services.moves import ShownCode
from ecluse.services.visits import Place
from ecluse.store.line import Admitted
from ecluse.telemetry import RequestOutcome
from ecluse.tokens import Ticket
from gateway.answers import Answers, retry_after
from gateway.asgi import Receive, Scope, Send, respond
from gateway.attempts import Attempts
from gateway.cookies import cookie
from gateway.directory import RoomEdge, Table, read_only
from gateway.forms import JoinForm, read_form
from gateway.problems import ROWS
from gateway.requests import bearer, is_json, wants_page
from gateway.visitor_answers import (
    JSON,
    NO_STORE,
    join_document,
    refuse_cross_site,
    rfc3339,
    see_other,
    state_document,
)

_SVG = [
    (b"content-type", b"image/svg+xml"),
    (b"content-security-policy", b"default-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    NO_STORE,
]


class Codes:
    """What holders and followers of places ask, in all rooms."""

    def __init__(self, answers: Answers, attempts: Attempts, public_url: str) -> None:
        self._answers = answers
        self._attempts = attempts
        self._public_url = public_url

    @property
    def table(self) -> Table:
        """What is served under a room's address, by method."""
        return {
            b"/ticket/code": {"POST": self.show},
            b"/ticket/qr.svg": read_only(self.qr),
            b"/ticket/print": read_only(self.sheet),
            b"/code": {**read_only(self.ask), "POST": self.enter},
            b"/code/move": {"POST": self.move},
            b"/follow": read_only(self.follow),
            b"/follow/forget": {"POST": self.forget},
        }

    def link(self, room: RoomEdge, code: str) -> str:
        """The address that a QR of this code leads to."""
        return f"{self._public_url}/_ecluse/rooms/{room.id}/code#{code}"

    def _ticket(self, room: RoomEdge, scope: Scope) -> Ticket:
        token = cookie(scope, room.cookies.ticket) or bearer(scope)
        if token is None:
            raise NoTicket
        return room.visits.check_ticket(token)

    async def _shown(self, room: RoomEdge, scope: Scope) -> tuple[Ticket, ShownCode]:
        ticket = self._ticket(room, scope)
        room.metrics.requests[RequestOutcome.CODE].inc()
        return ticket, await room.moves.show(ticket)

    async def show(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The code of the caller's place."""
        refuse_cross_site(scope)
        _, shown = await self._shown(room, scope)
        body = {
            "code": shown.code,
            "expires_at": rfc3339(shown.expires_at * 1000),
            "url": self.link(room, shown.code),
            "qr_url": f"/_ecluse/rooms/{room.id}/ticket/qr.svg",
        }
        await respond(send, 200, [JSON, NO_STORE], json.dumps(body).encode())

    async def qr(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The code of the caller's place as a picture."""
        _, shown = await self._shown(room, scope)
        await self.picture(room, send, shown.code)

    async def picture(self, room: RoomEdge, send: Send, code: str) -> None:
        """The QR of a code that the caller may see."""
        await respond(send, 200, _SVG, qr_svg(self.link(room, code)))

    async def sheet(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The ticket to print or to keep: its code, how to use it, and where it stands."""
        try:
            ticket, shown = await self._shown(room, scope)
        except (TokenError, NoTicket, Moved, Inside, Gone):
            # The waiting page says what became of the place; looking takes no new one.
            await see_other(send, f"/_ecluse/rooms/{room.id}?left=1", [])
            return
        place = Place(ticket=ticket, token="", standing=await room.visits.stand(ticket))
        await self._answers.sheet(
            scope, send, room, "place/ticket.html", place,
            code=shown.code, qr=f"/_ecluse/rooms/{room.id}/ticket/qr.svg", code_page=self.link(room, "")[:-1],
            until=shown.expires_at, back=f"/_ecluse/rooms/{room.id}", named=False,
        )  # fmt: skip

    async def ask(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The page on which a code is typed."""
        await self._answers.sheet(scope, send, room, "place/code.html", slug="")

    async def enter(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """A code is shown: its place can be followed from here."""
        refuse_cross_site(scope)
        form = await read_form(scope, receive)
        page = wants_page(scope) and not is_json(scope)
        try:
            ticket = await self._found(room, scope, form)
        except (MistypedCode, UnknownCode, TooManyTries) as error:
            if not page:
                raise
            await self._refuse(room, scope, send, error)
            return
        if not page:
            place = Place(ticket=ticket, token="", standing=await room.moves.stand(ticket))
            await respond(send, 200, [JSON, NO_STORE], json.dumps(state_document(room, place)).encode())
        elif self._holds(room, scope, ticket):
            await see_other(send, f"/_ecluse/rooms/{room.id}", [])
        else:
            follow = room.cookies.set_follow(room.moves.following(ticket))
            await see_other(send, f"/_ecluse/rooms/{room.id}/follow", [follow])

    async def _refuse(self, room: RoomEdge, scope: Scope, send: Send, error: EcluseError) -> None:
        row, wait = ROWS[type(error)], error.retry_after_seconds
        headers = [] if wait is None else [retry_after(wait * 1000)]
        await self._answers.sheet(
            scope, send, room, "place/code.html", status=row.status, headers=headers, slug=row.slug
        )

    async def _found(self, room: RoomEdge, scope: Scope, form: JoinForm) -> Ticket:
        self._attempts.check(scope)
        room.metrics.requests[RequestOutcome.CODE].inc()
        try:
            return await room.moves.find(form.code or "")
        except UnknownCode:
            self._attempts.count(scope)
            raise

    @staticmethod
    def _holds(room: RoomEdge, scope: Scope, ticket: Ticket) -> bool:
        """Whether this browser itself holds the place."""
        own = room.visits.read_ticket(cookie(scope, room.cookies.ticket))
        return own is not None and own.id == ticket.id and room.visits.moved(own) is None

    async def follow(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """Where a place stands, for somebody who cannot use it from here unless it is moved here."""
        ticket = room.moves.followed(cookie(scope, room.cookies.follow))
        if ticket is None:
            await see_other(send, f"/_ecluse/rooms/{room.id}/code", [])
            return
        room.metrics.requests[RequestOutcome.TICKET].inc()
        own = room.visits.read_ticket(cookie(scope, room.cookies.ticket))
        place = Place(ticket=ticket, token="", standing=await room.moves.stand(ticket))
        other = own is not None and own.id != ticket.id and room.visits.moved(own) is None
        await self._answers.sheet(
            scope, send, room, "place/follow.html", place, other=other, inside=isinstance(place.standing, Admitted)
        )  # fmt: skip

    async def forget(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """No longer follow a place from here."""
        refuse_cross_site(scope)
        await see_other(send, f"/_ecluse/rooms/{room.id}/code", [room.cookies.forget_follow()])

    async def move(self, room: RoomEdge, scope: Scope, receive: Receive, send: Send) -> None:
        """The place goes to this device, by its code or the leave to follow it; one this device had is given up."""
        refuse_cross_site(scope)
        form = await read_form(scope, receive)
        followed = room.moves.followed(cookie(scope, room.cookies.follow))
        if followed is None or form.code is not None:
            followed = await self._found(room, scope, form)
        own = room.visits.read_ticket(cookie(scope, room.cookies.ticket))
        page = wants_page(scope) and not is_json(scope)
        try:
            place = await room.moves.move(followed)
        except (Inside, Gone):
            if not page:
                raise
            await see_other(send, f"/_ecluse/rooms/{room.id}/follow", [])
            return
        if own is not None and own.id != place.ticket.id:
            await room.visits.leave(own)
        room.metrics.requests[RequestOutcome.MOVED].inc()
        cookies = [room.cookies.set_ticket(place.token), room.cookies.forget_follow()]
        if page:
            await see_other(send, f"/_ecluse/rooms/{room.id}?to={quote(room.home, safe='/')}", cookies)
            return
        await respond(send, 200, [JSON, NO_STORE, *cookies], join_document(room, place))


@lru_cache(maxsize=256)
def qr_svg(text: str) -> bytes:
    """A QR symbol of `text` (ISO/IEC 18004, level M) as SVG, dark on white whatever the theme."""
    import segno  # noqa: PLC0415 - loaded by the first who shows a code

    out = io.BytesIO()
    symbol = segno.make(text, error="m", micro=False)
    symbol.save(out, kind="svg", xmldecl=False, svgclass=None, lineclass=None, scale=5, dark="#000", light="#fff")
    return out.getvalue()
