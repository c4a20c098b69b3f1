"""How a visitor is answered: a page for a person, a problem for a program; never a redirect that loses a form."""

import math
from collections.abc import Iterable

from ecluse.domain.errors import EcluseError, RoomClosed, VisitTooFast
from ecluse.services.visits import Place
from gateway.asgi import Headers, Receive, Scope, Send, first_headers, header
from gateway.cookies import LanguageCookie, cookie
from gateway.directory import RoomEdge
from gateway.page_files import takes_gzip
from gateway.page_look import PLAIN_LOOK
from gateway.page_mould import pack
from gateway.page_views import PageState
from gateway.pages import SECURITY_HEADERS, Pages, ProblemView
from gateway.prepared import Prepared, SharedHead
from gateway.problems import ROWS, headers_of, send_problem
from gateway.requests import UNSAFE, query, wants_page
from gateway.waiting_views import likeness, own_numbers, sight, waiting_view

HTML = (b"content-type", b"text/html; charset=utf-8")
HOLD_REFRESH_SECONDS = 10
_REFRESHED_SLUGS = frozenset({"store-away", "full", "origin-away", "origin-slow", "origin-busy", "visit-too-fast"})
_PAGE = SharedHead([HTML, *SECURITY_HEADERS])
_PACKED_PAGE = SharedHead([*_PAGE.headers, (b"content-encoding", b"gzip")])


class Answers:
    """Answers in the visitor's language."""

    def __init__(self, pages: Pages, *, secure: bool) -> None:
        self.pages = pages
        self.chosen = LanguageCookie(secure=secure)

    def language(self, scope: Scope) -> str:
        """The language to answer in."""
        accept = header(scope, b"accept-language")
        return self.pages.negotiate(
            None if accept is None else accept.decode("latin-1"),
            cookie(scope, self.chosen.name),
            query(scope).get("lang") if scope["query_string"] else None,
        )

    def remembered(self, scope: Scope, lang: str) -> Headers:
        """The cookie of `lang`, if the address of this request chose a language."""
        return [self.chosen.set(lang)] if scope["query_string"] and "lang" in query(scope) else []

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
        lang, seen, packed = self.language(scope), sight(scope, room, place), _takes_packed(scope)
        out: Headers = [*headers]
        if place is not None and place.fresh:
            out.append(room.cookies.set_ticket(place.token))
        out += self.remembered(scope, lang)
        if status != 200:
            out.append((b"retry-after", str(seen.refresh_seconds or HOLD_REFRESH_SECONDS).encode()))
        page = alike = None
        if place is not None and packed and state is None and not form_not_sent:
            alike = likeness(room, place, seen, return_to)
            page = alike and self.pages.waiting_alike(lang, alike, own_numbers(room, place, seen))
        if page is None:
            view = waiting_view(
                scope, room, place, seen, lang=lang, return_to=return_to, state=state, form_not_sent=form_not_sent
            )
            page = self.pages.waiting(view, packed=packed, alike=alike)
        await _send(send, status, out, page, packed=packed)

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
        view = waiting_view(
            scope, room, place, sight(scope, room, place), lang=self.language(scope), return_to=room.home
        )
        out: Headers = [*headers, *self.remembered(scope, view.lang)]
        await send_page(scope, send, status, out, self.pages.sheet(template, view, more))

    async def accessibility(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """What was tested of these pages, and what was not."""
        lang = self.language(scope)
        await send_page(scope, send, 200, self.remembered(scope, lang), self.pages.accessibility(lang))

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
    return takes_gzip(first_headers(scope).get(b"accept-encoding", b""))


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


def closed_members(room: RoomEdge) -> dict[str, object]:
    """What a program is told of a closed room."""
    return {"room": room.id, "opens_at": room.board.document["opens_at"]}


def retry_after(wait_ms: float) -> tuple[bytes, bytes]:
    """Retry-After in whole seconds, rounded up, at least 1."""
    return b"retry-after", str(max(1, math.ceil(wait_ms / 1000))).encode()
