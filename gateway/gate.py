"""The gate: every request for a protected path is let through, given a place, or refused. Pure ASGI.

It decides on the raw path and forwards the same bytes. A pass is verified without any store; Redis is asked only for
somebody who has none, and to renew a visit now and then.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

import structlog

from ecluse.clock import Clock
from ecluse.domain.errors import (
    EcluseError,
    FormNotSent,
    NotFound,
    OriginAway,
    OriginBusy,
    OriginSlow,
    PassNeeded,
    RoomClosed,
    RoomFull,
    StoreAway,
    VisitTooFast,
)
from ecluse.domain.errors import Moved as MovedAway
from ecluse.domain.errors import Waiting as MustWait
from ecluse.services.visits import Admission, Ask, Place
from ecluse.store.line import Closed, Full, Moved, Waiting
from ecluse.telemetry import OriginError, RequestOutcome
from ecluse.tokens import Pass, Ticket
from gateway.answers import Answers, closed_members
from gateway.asgi import Headers, Receive, Scope, Send, header
from gateway.asking import ask_at_gate, refuse_unasked
from gateway.cookies import cookie
from gateway.directory import Directory, RoomEdge, token_of
from gateway.forwarding import forwarding_headers
from gateway.hygiene import denying
from gateway.open_visit import OpenVisit
from gateway.problems import send_problem
from gateway.proxy import Proxy
from gateway.proxy_ws import forward_websocket
from gateway.requests import UNSAFE, own_address, takes_place, wants_page
from gateway.visitor_answers import moved_members, waiting_members
from gateway.waiting_views import next_poll_seconds

log = structlog.get_logger()
END_SESSION = b"end-session"


class Gate:
    """Lets through who holds a pass, and everybody else in turn."""

    def __init__(
        self,
        directory: Directory,
        proxy: Proxy,
        answers: Answers,
        *,
        trusted: Sequence[IPv4Network | IPv6Network],
        public_scheme: str,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._proxy = proxy
        self._answers = answers
        self._trusted = trusted
        self._public_scheme = public_scheme
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one http or websocket scope that hygiene has let in."""
        room = self._directory.find(header(scope, b"host") or b"", scope["raw_path"])
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, room)
            return
        if room is None:
            await self._answers.error(scope, send, NotFound())
            return
        if room.is_open(scope["raw_path"]):
            await self._forward(scope, receive, send, room, None)
            return
        token = cookie(scope, room.cookies.granted)
        granted = None if token is None else room.desk.open(token)
        if granted is None:
            await self._without_pass(scope, receive, send, room)
            return
        set_cookies: Headers = []
        if room.visits.renewal_due(granted):
            renewed = await self._renew(room, granted)
            if renewed is None:
                await self._without_pass(scope, receive, send, room)
                return
            granted, set_cookies = renewed
        await self._forward(scope, receive, send, room, granted, set_cookies)

    async def _renew(self, room: RoomEdge, granted: Pass) -> tuple[Pass, Headers] | None:
        """The visit goes on; None if it was ended. While Redis is away the pass speaks for itself until it expires."""
        try:
            renewed = await room.visits.renew(granted)
        except StoreAway:
            return granted, []
        if renewed is None:
            return None
        return renewed.granted, [room.pass_cookie(renewed)]

    async def _without_pass(self, scope: Scope, receive: Receive, send: Send, room: RoomEdge) -> None:
        if not takes_place(scope):
            room.metrics.requests[RequestOutcome.REFUSED].inc()
            await send_problem(send, PassNeeded(), headers=[(b"retry-after", b"5")])
            return
        ticket = room.visits.read_ticket(token_of(room, scope))
        try:
            found = await self._arrive(room, ticket, scope)
        except StoreAway as error:
            await self._store_away(scope, receive, send, room, ticket, error)
            return
        except RoomFull:
            found = Full()
        match found:
            case Admission():
                room.metrics.admissions.inc()
                room.metrics.requests[RequestOutcome.ADMITTED].inc()
                await self._forward(scope, receive, send, room, found.granted, [room.pass_cookie(found)])
            case Place():
                room.metrics.requests[RequestOutcome.WAITING].inc()
                if found.fresh:
                    room.metrics.joins.inc()
                await self._wait(scope, send, room, found)
            case Full():
                await self._not_now(scope, send, room, RoomFull())
            case Closed():
                await self._closed(scope, send, room)
            case Ask():
                await self._ask(scope, send, room)

    async def _ask(self, scope: Scope, send: Send, room: RoomEdge) -> None:
        """The room asks before it gives a place; while it is closed it gives none."""
        if room.board.phase == "closed":
            await self._closed(scope, send, room)
            return
        room.metrics.requests[RequestOutcome.WAITING].inc()
        if wants_page(scope):
            await ask_at_gate(self._answers, scope, send, room, self._back(scope, room))
        else:
            await refuse_unasked(send, room)

    async def _arrive(
        self, room: RoomEdge, ticket: Ticket | None, scope: Scope
    ) -> "Place | Admission | Full | Closed | Ask":
        if ticket is not None:
            waiting = room.visits.from_memory(ticket)
            if waiting is not None:
                return Place(ticket=ticket, token="", standing=waiting)
        lane = room.lane_at(bytes(scope["raw_path"]).decode("latin-1"))
        return await room.visits.arrive(ticket, lane=lane, asks=wants_page(scope))

    @staticmethod
    def _back(scope: Scope, room: RoomEdge) -> str:
        """Where to try again: this address, unless that would send a form again."""
        return room.home if scope["method"] in UNSAFE else own_address(scope)

    async def _wait(self, scope: Scope, send: Send, room: RoomEdge, place: Place) -> None:
        unsafe = scope["method"] in UNSAFE
        if wants_page(scope):
            await self._answers.waiting(
                scope, send, room, place, return_to=self._back(scope, room), form_not_sent=unsafe,
                status=429 if unsafe else 200,
            )  # fmt: skip
            return
        if isinstance(place.standing, Moved):
            await send_problem(send, MovedAway(), members=moved_members(room, place.standing.moment))
            return
        headers: Headers = [(b"retry-after", str(next_poll_seconds(room, place)).encode())]
        if place.fresh:
            headers.append(room.cookies.set_ticket(place.token))
        members = waiting_members(room, place, place.token or token_of(room, scope))
        await send_problem(send, FormNotSent() if unsafe else MustWait(), headers=headers, members=members)

    async def _closed(self, scope: Scope, send: Send, room: RoomEdge) -> None:
        room.metrics.requests[RequestOutcome.REFUSED].inc()
        if wants_page(scope):
            await self._answers.waiting(
                scope, send, room, None, return_to=self._back(scope, room), state="closed", status=503,
                form_not_sent=scope["method"] in UNSAFE,
            )  # fmt: skip
            return
        await send_problem(send, RoomClosed(), members=closed_members(room))

    async def _store_away(
        self, scope: Scope, receive: Receive, send: Send, room: RoomEdge, ticket: Ticket | None, error: StoreAway
    ) -> None:
        """Redis cannot be reached: as the room says, hold (places are kept), or let in for a minute, or refuse."""
        policy = room.settings.on_store_failure
        room.metrics.store_errors.inc()
        log.warning("store_away", room=room.id, policy=policy, why=str(error))
        if policy == "open":
            grace = room.visits.grace()
            await self._forward(scope, receive, send, room, grace.granted, [room.pass_cookie(grace)])
            return
        if policy == "hold" and ticket is not None and wants_page(scope) and scope["method"] not in UNSAFE:
            ahead = room.board.last_ahead(ticket.lane, room.visits.place_of(ticket))
            place = Place(ticket=ticket, token="", standing=Waiting(ahead))
            await self._answers.waiting(scope, send, room, place, return_to=self._back(scope, room))
            return
        room.metrics.requests[RequestOutcome.ERROR].inc()
        await self._not_now(scope, send, room, error)

    async def _not_now(
        self, scope: Scope, send: Send, room: RoomEdge, error: EcluseError, headers: Headers | None = None
    ) -> None:
        """An error that passes: it says where to try again."""
        await self._answers.error(
            scope, send, error, room=room, retry_to=self._back(scope, room), headers=headers or ()
        )

    def _ours(self, scope: Scope, room: RoomEdge, granted: Pass | None) -> Headers:
        add = forwarding_headers(scope, self._trusted, self._public_scheme)
        add.append((b"ecluse-room", room.id.encode()))
        if granted is not None:
            add.append((b"ecluse-pass", room.desk.for_origin(granted)))
        return add

    async def _forward(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        room: RoomEdge,
        granted: Pass | None,
        set_cookies: Headers | None = None,
    ) -> None:
        metrics = room.metrics
        try:
            room.count_proxied(granted)
            trip = await room.flow.enter()
        except (VisitTooFast, OriginBusy) as error:
            if isinstance(error, OriginBusy):
                metrics.origin_errors[OriginError.BUSY].inc()
            await self._not_now(scope, send, room, error, set_cookies)
            return

        async def on_response(status: int, headers: list[tuple[bytes, bytes]]) -> Headers:
            metrics.origin_seconds.observe(trip.answered(status))
            if status >= 500:
                metrics.origin_errors[OriginError.SERVER_ERROR].inc()
            return await self._origin_says(room, granted, headers)

        try:
            await self._proxy.forward(
                scope, receive, send, room.upstream, add=self._ours(scope, room, granted),
                set_cookies=set_cookies or [], on_response=on_response,
            )  # fmt: skip
        except (OriginAway, OriginSlow) as error:
            kind = OriginError.SLOW if isinstance(error, OriginSlow) else OriginError.AWAY
            trip.failed(slow=kind is OriginError.SLOW)
            metrics.origin_errors[kind].inc()
            log.warning("origin_failed", room=room.id, kind=kind.value, why=str(error)[:200])
            await self._not_now(scope, send, room, error, set_cookies)
        except EcluseError as error:
            await self._answers.error(scope, send, error, room=room, headers=set_cookies or ())
        finally:
            trip.over()

    async def _origin_says(self, room: RoomEdge, granted: Pass | None, headers: Headers) -> Headers:
        """What the origin tells the gate in its answer: slots left, and that the visit is over."""
        extra: Headers = []
        for name, value in headers:
            if name == b"ecluse-slots-left" and value.isdigit() and len(value) < 10:
                await room.operations.note_slots_left(int(value), self._clock())
            elif name == b"ecluse-command" and value.strip().lower() == END_SESSION and granted is not None:
                try:
                    await room.visits.finish(granted.session)
                except StoreAway as error:
                    log.warning("finish_not_noted", room=room.id, why=str(error))
                extra += [room.cookies.forget_pass(), room.cookies.forget_ticket()]
        return extra

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, room: RoomEdge | None) -> None:
        if room is None:
            await send_problem(denying(scope, send), NotFound())
            return
        token = cookie(scope, room.cookies.granted)
        granted = None if token is None else room.desk.open(token)
        is_open = room.is_open(scope["raw_path"])
        if granted is None and not is_open:
            room.metrics.requests[RequestOutcome.REFUSED].inc()
            await send_problem(denying(scope, send), PassNeeded(), headers=[(b"retry-after", b"5")])
            return
        try:
            room.count_proxied(None if is_open else granted)
        except VisitTooFast as error:
            await send_problem(denying(scope, send), error)
            return
        async with OpenVisit(room, granted) as visit:
            await forward_websocket(
                self._proxy.session, scope, receive, send, room.upstream,
                add=self._ours(scope, room, granted), still_allowed=visit.goes_on,
            )  # fmt: skip
