"""How a visitor is answered: a page for a person, a problem for a program; never a redirect that loses a form."""

import math
import time
from collections.abc import Iterable, Mapping
from datetime import datetime

from ecluse.domain.board import poll_seconds
from ecluse.domain.errors import EcluseError, RoomClosed, VisitTooFast
from ecluse.domain.opening import DrawKind
from ecluse.services.visits import Place
from ecluse.store.line import Called, Gone, Missed, Moved, Waiting
from gateway.asgi import Headers, Receive, Scope, Send, header
from gateway.cookies import LANGUAGE, cookie, set_language
from gateway.directory import RoomEdge
from gateway.page_look import PLAIN_LOOK
from gateway.page_mould import pack
from gateway.page_views import HoursView, PageState
from gateway.pages import SECURITY_HEADERS, Pages, ProblemView, WaitingView
from gateway.prepared import Prepared, SharedHead
from gateway.problems import ROWS, headers_of, send_problem
from gateway.requests import UNSAFE, query, wants_page

HTML = (b"content-type", b"text/html; charset=utf-8")
HOLD_REFRESH_SECONDS = 10
_REFRESHED_SLUGS = frozenset({"store-away", "full", "origin-away", "origin-slow", "origin-busy", "visit-too-fast"})
_PAGE = SharedHead([HTML, *SECURITY_HEADERS])
_PACKED_PAGE = SharedHead([*_PAGE.headers, (b"content-encoding", b"gzip")])


class Answers:
    """Answers in the visitor's language."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def language(self, scope: Scope) -> str:
        """The language to answer in."""
        accept = header(scope, b"accept-language")
        return self.pages.negotiate(
            None if accept is None else accept.decode("latin-1"),
            cookie(scope, LANGUAGE),
            query(scope).get("lang") if scope["query_string"] else None,
        )

    async def waiting(  # noqa: PLR0913 - what the page shows, by name
        self,
        scope: Scope,
        send: Send,
        room: RoomEdge,
        place: Place | None,
        *,
        return_to: str,
        state: PageState | None = None,
        form_not_sent: bool = False,
        status: int = 200,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        """The waiting page, with the cookie of a fresh ticket."""
        view = self._view(scope, room, place, return_to, state, form_not_sent=form_not_sent)
        out: Headers = [*headers]
        if place is not None and place.fresh:
            out.append(room.cookies.set_ticket(place.token))
        if scope["query_string"] and "lang" in query(scope):
            out.append(set_language(view.lang))
        if status != 200:
            out.append((b"retry-after", str(view.refresh_seconds or HOLD_REFRESH_SECONDS).encode()))
        packed = _takes_packed(scope)
        await _send(send, status, out, self.pages.waiting(view, packed=packed), packed=packed)

    async def sheet(  # noqa: PLR0913 - what the page shows, by name
        self,
        scope: Scope,
        send: Send,
        room: RoomEdge,
        template: str,
        place: Place | None = None,
        *,
        status: int = 200,
        headers: Iterable[tuple[bytes, bytes]] = (),
        **more: object,
    ) -> None:
        """A page of its own about a place, or about none yet; `more` is what only this template takes."""
        view = self._view(scope, room, place, room.home, None, form_not_sent=False)
        out: Headers = [*headers]
        if scope["query_string"] and "lang" in query(scope):
            out.append(set_language(view.lang))
        await send_page(scope, send, status, out, self.pages.sheet(template, view, more))

    def _view(
        self,
        scope: Scope,
        room: RoomEdge,
        place: Place | None,
        return_to: str,
        state: PageState | None,
        *,
        form_not_sent: bool,
    ) -> WaitingView:
        board = room.board
        standing = None if place is None else place.standing
        hours = _hours(room, place)
        undrawn = hours is not None and hours.undrawn
        ahead = standing.ahead if isinstance(standing, Waiting) and not undrawn else None
        outlook = None if place is None or ahead is None else room.visits.outlook(place.ticket.lane, ahead)
        stopped = scope["query_string"] and query(scope).get("refresh") == "off"
        refresh = 0 if stopped else _refresh_seconds(room, place)
        return WaitingView(
            room=room.id,
            title=room.settings.title,
            lang=self.language(scope),
            phase=board.phase,
            state=state or _page_state(room, place),
            hours=hours,
            ahead=ahead,
            wait_low_seconds=None if outlook is None else outlook.early_seconds,
            wait_high_seconds=None if outlook is None else outlook.p90_seconds,
            slower=None if outlook is None or place is None else board.slower.get(place.ticket.lane),
            pace_per_minute=board.document["pace_per_minute"],
            notice=board.document["notice"],
            claim_until_ms=standing.deadline_ms if isinstance(standing, Called) else None,
            now_ms=int(time.time() * 1000),
            return_to=return_to,
            lane=None if place is None else place.ticket.lane,
            place=None if place is None else room.visits.place_of(place.ticket),
            id=None if place is None else place.ticket.id,
            epoch=None if place is None else place.ticket.epoch,
            stale=board.stale and board.document["at_ms"] > 0,
            refresh_seconds=refresh,
            form_not_sent=form_not_sent,
            look=room.look,
            slots_left=board.document["slots_left"],
            early_seconds=_early_seconds(scope) if isinstance(standing, Called) else 0,
            healing=board.is_healing,
            tells=room.settings.notify.ways if room.settings.notify else (),
        )

    async def accessibility(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """What was tested of these pages, and what was not."""
        lang = self.language(scope)
        headers: Headers = []
        if scope["query_string"] and "lang" in query(scope):
            headers.append(set_language(lang))
        await send_page(scope, send, 200, headers, self.pages.accessibility(lang))

    async def error(
        self,
        scope: Scope,
        send: Send,
        error: EcluseError,
        *,
        room: RoomEdge | None = None,
        retry_to: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        """An error as a page for a person, as a problem for a program."""
        if not wants_page(scope):
            closed = room is not None and isinstance(error, RoomClosed)
            await send_problem(send, error, headers=headers, members=closed_members(room) if closed and room else None)
            return
        row = ROWS[type(error)]
        # A request refused for its haste did not go on; of other errors nobody knows.
        form_not_sent = isinstance(error, VisitTooFast) and scope["method"] in UNSAFE
        refreshed = retry_to and row.slug in _REFRESHED_SLUGS and not form_not_sent
        view = ProblemView(
            slug=row.slug,
            lang=self.language(scope),
            status=row.status,
            detail=error.public,
            title={} if room is None else dict(room.settings.title),
            retry_to=retry_to,
            refresh_seconds=HOLD_REFRESH_SECONDS if refreshed else 0,
            form_not_sent=form_not_sent,
            look=PLAIN_LOOK if room is None else room.look,
        )
        await send_page(scope, send, row.status, [*headers, *headers_of(error)], self.pages.problem(view))


def _takes_packed(scope: Scope) -> bool:
    return b"gzip" in (header(scope, b"accept-encoding") or b"")


async def send_page(scope: Scope, send: Send, status: int, headers: Headers, page: bytes) -> None:
    """Send a page with the headers of every page and `headers`, packed where the browser takes that.

    What others could make a page say (a return address) stands beside no secret: tickets and passes are in cookies.
    """
    packed = _takes_packed(scope)
    await _send(send, status, headers, pack(page) if packed else page, packed=packed)


async def _send(send: Send, status: int, headers: Headers, page: bytes, *, packed: bool) -> None:
    head = Prepared(headers, len(page), shared=_PACKED_PAGE if packed else _PAGE)
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": page})


def next_poll_seconds(room: RoomEdge, place: Place) -> int:
    """When a visitor standing there should ask again."""
    if isinstance(place.standing, Moved):
        return 60
    if not isinstance(place.standing, Waiting):
        return 3
    return poll_seconds(place.standing.ahead, room.visits.board.throughput(place.ticket.lane).p50)


def _early_seconds(scope: Scope) -> int:
    """What the answer to an early claim put into the address."""
    wait = query(scope).get("wait", "") if scope["query_string"] else ""
    return int(wait) if wait.isdecimal() and wait.isascii() and 0 < len(wait) <= 3 else 0


def _refresh_seconds(room: RoomEdge, place: Place | None) -> int:
    """How often a page without script reloads: half as often as a script asks."""
    if place is None:
        return 30
    if isinstance(place.standing, Moved):
        return 0
    return max(5, 2 * next_poll_seconds(room, place))


_COVERING: Mapping[str, PageState] = {
    "paused": "paused", "closed": "closed", "prequeue": "prequeue", "drawing": "drawing",
}  # fmt: skip
"""Phases in which nobody is let in: they are told instead of where a ticket stands."""


def _page_state(room: RoomEdge, place: Place | None) -> PageState:
    phase = room.board.phase
    if place is None:
        return "closed" if phase == "closed" else "none"
    match place.standing:
        case Called():
            return _COVERING.get(phase, "called")
        case Missed():
            return "missed"
        case Moved():
            return "moved"
        case Gone() if room.board.is_ended(place.ticket.id):
            return "ended"
        case Gone() if place.ticket.number <= room.board.first_number:
            return "closed" if phase == "closed" else "over"
        case Gone():
            return "gone"
        case _:
            return _COVERING.get(phase, "waiting")


def _hours(room: RoomEdge, place: Place | None) -> HoursView | None:
    opening, board = room.settings.opening, room.board
    if opening is None:
        return None
    return HoursView(
        zone=opening.time_zone,
        opens_at_ms=unix_ms(board.document["opens_at"]),
        closes_at_ms=unix_ms(board.document["closes_at"]),
        draws=opening.draw is not DrawKind.NONE,
        keeps=opening.keep_places,
        undrawn=place is not None and room.visits.is_undrawn(place.ticket),
        first_number=board.first_number,
        campaign_at_ms=board.campaign_at_ms,
    )


def unix_ms(text: str | None) -> int | None:
    """An RFC 3339 time of the board in Unix ms."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def closed_members(room: RoomEdge) -> dict[str, object]:
    """What a program is told of a closed room."""
    return {"room": room.id, "opens_at": room.board.document["opens_at"]}


def retry_after(wait_ms: float) -> tuple[bytes, bytes]:
    """Retry-After in whole seconds, rounded up, at least 1."""
    return b"retry-after", str(max(1, math.ceil(wait_ms / 1000))).encode()
