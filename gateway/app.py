"""The composition root of the edge: builds every part once, and sends each request to the one that serves it."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import EcluseError, MethodNotAllowed, NotFound, RoomFull, StoreAway, UnknownRoom
from ecluse.services.boards import REFRESH_SECONDS
from ecluse.settings import Secrets, Settings
from ecluse.store.client import Store
from ecluse.telemetry import Metrics
from ecluse.tokens import new_id
from gateway.aide_pages import Desk
from gateway.answers import Answers
from gateway.asgi import App, Receive, Scope, Send
from gateway.asking import Numbers
from gateway.attempts import Attempts
from gateway.boards import Boards
from gateway.calendar import Calendar
from gateway.codes import Codes
from gateway.console import Console
from gateway.directory import Handler, RoomEdge, Table, build_directory
from gateway.draws import Draws
from gateway.gate import Gate
from gateway.hygiene import Hygiene, denying, refusal, refuse
from gateway.inviting import Inviting
from gateway.joining import Joining
from gateway.jwks import public_keys
from gateway.memory import settle_memory, trim
from gateway.notify import Notify
from gateway.open_data import OpenData
from gateway.operators import Operators, methods_at
from gateway.pages import SECURITY_HEADERS, STATIC_PREFIX, Pages
from gateway.probes import PROBES, Probes
from gateway.problems import BY_SLUG, send_problem
from gateway.proxy import Proxy
from gateway.static import send_file
from gateway.verify import PREFIX as VERIFY
from gateway.verify import Verify
from gateway.visitors import Visitors

log = structlog.get_logger()
OWN, _STATIC, _ROOMS = b"/_ecluse/", STATIC_PREFIX.encode(), b"/_ecluse/rooms/"
_UNDER_ANY_NAME = (VERIFY, *PROBES)
_REPORT_TURNS = 8
_PULSE_TURNS = 60
_TRIM_TURNS = 240
"""Of a quarter of a second each: what was seen of origins, signs of life for streams, pages back to the system."""
Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]


class Edge:
    """The whole gateway as one pure ASGI application."""

    def __init__(self, settings: Settings, secrets: Secrets, *, metrics: Metrics, clock: Clock = system_clock) -> None:
        self.store = Store.at(settings.redis_url)
        self.directory = build_directory(settings, secrets, self.store, metrics, clock)
        self._clock = clock
        self._name = new_id()
        self._metrics = metrics
        self._proxy = Proxy()
        self._pages = Pages(settings.templates, rooms=settings.room)
        self.answers, self.boards = Answers(self._pages, secure=settings.secure), Boards()
        self._visitors = Visitors(self.answers)
        self._codes = Codes(self.answers, Attempts(settings.networks, clock), settings.public_url)
        self._desk = Desk(
            settings, secrets, self.directory, self.answers, visitors=self._visitors, codes=self._codes, clock=clock
        )
        self._calendar = Calendar(self.answers, settings.public_url)
        self._joining = Joining(self.answers, Numbers(settings.networks))
        self._gate = Gate(
            self.directory, self._proxy, self.answers,
            trusted=settings.networks, public_scheme=urlsplit(settings.public_url).scheme, clock=clock,
        )  # fmt: skip
        self.hosts = self.directory.hosts(urlsplit(settings.public_url).netloc.lower())
        self._verify = Verify(self.directory, hosts=self.hosts, trusted=settings.networks)
        self._console = Console(settings, secrets, clock)
        operators = Operators(self.directory, self._console, settings.public_url, clock)
        probes = Probes(self.store, self.directory, clock)
        self._plain: dict[bytes, Endpoint] = {
            b"/_ecluse/healthz": probes.healthz,
            b"/_ecluse/readyz": probes.readyz,
            b"/_ecluse/jwks.json": public_keys(secrets),
            b"/_ecluse/accessibility": self.answers.accessibility,
        }
        self._visitor_routes = self._routes_of_visitors()
        self._router = Router(
            [
                *operators.routes,
                *Inviting(operators, settings.public_url).routes,
                *self._console.routes,
                Route("/_ecluse/console/", self._console_page),
                Route("/_ecluse/problems/{slug}", self._problem_doc),
            ],
            default=_nothing_here,
            redirect_slashes=False,
        )
        self._refreshing: asyncio.Task[None] | None = None

    def _routes_of_visitors(self) -> dict[bytes, tuple[RoomEdge, dict[str, Handler]]]:
        draws, notify = Draws(), Notify(self._visitors, self.answers)
        data = OpenData(self.answers, draws, self._clock)
        parts = (self.boards, draws, data, self._calendar, self._visitors, self._joining, self._codes, notify)
        table: Table = {tail: found for part in parts for tail, found in part.table.items()}
        rooms = self.directory.by_id.values()
        return {_ROOMS + room.id.encode() + tail: (room, methods) for room in rooms for tail, methods in table.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope that hygiene has let in."""
        path: bytes = scope["raw_path"]
        if not path.startswith(OWN):
            await self._gate(scope, receive, send)
            return
        try:
            found = self._visitor_routes.get(path)
            serve = None if found is None else found[1].get(scope.get("method", ""))
            if found is not None and serve is not None and scope["type"] == "http":
                await serve(found[0], scope, receive, send)
            else:
                await self._own(scope, receive, send, path)
        except EcluseError as error:
            room = self._room_of(path)
            if isinstance(error, StoreAway):
                self._metrics.store_errors.inc()
            retry = None if room is None else f"/_ecluse/rooms/{room.id}"
            await self.answers.error(scope, denying(scope, send), error, room=room, retry_to=retry)

    def _room_of(self, path: bytes) -> RoomEdge | None:
        if not path.startswith(_ROOMS):
            return None
        return self.directory.by_id.get(path[len(_ROOMS) :].partition(b"/")[0].decode("latin-1"))

    async def _own(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        if scope["type"] == "websocket":
            raise NotFound
        if path in self._visitor_routes:
            await _not_allowed(send, self._visitor_routes[path][1])
        elif path in self._plain:
            if scope["method"] not in ("GET", "HEAD"):
                await _not_allowed(send, {"GET": None, "HEAD": None})
                return
            await self._plain[path](scope, receive, send)
        elif path.startswith(VERIFY):
            await self._verify(scope, receive, send)
        elif path.startswith(_STATIC):
            await send_file(scope, send, self._pages.static(path[len(_STATIC) :].decode("latin-1")))
        elif await self._desk.serve(scope, receive, send):
            return
        elif path.startswith(_ROOMS):
            raise NotFound if self._room_of(path) else UnknownRoom
        else:
            # With an application in the scope, a wrong method is an exception rather than a text of Starlette's.
            try:
                await self._router({**scope, "app": self}, receive, send)
            except HTTPException:
                await _not_allowed(send, dict.fromkeys(methods_at(self._router, scope)))

    async def _console_page(self, request: Request) -> Response:
        return _html(self._pages.console(self.answers.language(request.scope), self._console.entrance(request.scope)))

    async def _problem_doc(self, request: Request) -> Response:
        found = BY_SLUG.get(request.path_params["slug"])
        if found is None:
            raise NotFound
        kind, row = found
        return _html(self._pages.problem_doc(row.slug, row.title, kind().public, row.status))

    async def open(self) -> None:
        """Make the connections and keep the boards fresh."""
        await self._proxy.open()
        await self._refresh()
        self._refreshing = asyncio.create_task(self._keep_fresh())
        settle_memory()

    async def close(self) -> None:
        """Stop refreshing and close every connection."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
        for room in self.directory.by_id.values():
            room.board.pulse()
        await self._proxy.close()
        await self.store.close()

    async def _tell_flows(self) -> None:
        """Tell the workers what this process saw of the origins."""
        for room in self.directory.by_id.values():
            if (report := room.flow.report()) is not None:
                with contextlib.suppress(StoreAway, RoomFull):
                    await room.store.note_origin(self._name, report)

    async def _refresh(self) -> None:
        now_ms, rooms = self._clock() * 1000, self.directory.by_id.values()
        outcomes = await asyncio.gather(*(room.board.refresh(now_ms) for room in rooms), return_exceptions=True)
        for room, outcome in zip(rooms, outcomes, strict=True):
            if isinstance(outcome, Exception):
                log.error("board_refresh_failed", room=room.id, exc_info=outcome)

    async def _turn(self, turn: int) -> None:
        await self._refresh()
        if turn % _TRIM_TURNS == 0:
            trim()
        if turn % _REPORT_TURNS == 0:
            await self._tell_flows()
        if turn % _PULSE_TURNS == 0:
            for room in self.directory.by_id.values():
                room.board.pulse()

    async def _keep_fresh(self) -> None:
        for turn in itertools.count(1):
            started = time.monotonic()
            try:
                await self._turn(turn)
            except Exception:
                log.exception("refresh_failed")
            await asyncio.sleep(max(0.05, REFRESH_SECONDS - (time.monotonic() - started)))


def _html(page: bytes) -> Response:
    response = Response(page, media_type="text/html")
    for name, value in SECURITY_HEADERS:
        response.headers[name.decode()] = value.decode()
    return response


async def _not_allowed(send: Send, methods: "dict[str, Handler] | dict[str, None]") -> None:
    await send_problem(send, MethodNotAllowed(), headers=[(b"allow", ", ".join(methods).encode())])


async def _nothing_here(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NotFound


def create_app(settings: Settings, secrets: Secrets, *, metrics: Metrics, clock: Clock = system_clock) -> App:
    """The gateway of a configuration. Opens nothing before lifespan."""
    return served(Edge(settings, secrets, metrics=metrics, clock=clock))


def served(edge: Edge) -> App:
    """The application around `edge`: hygiene first, then what the request asks for."""
    clean = Hygiene(edge, hosts=edge.hosts)
    boards = {_ROOMS + room.id.encode() + b"/board.json": (room, edge.boards) for room in edge.directory.by_id.values()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            # The board is public and the same for all: an exact path needs no further look.
            found = boards.get(scope["raw_path"])
            try:
                if found is not None and scope["method"] == "GET":
                    await found[1].board(found[0], scope, receive, send)
                else:
                    # As `Hygiene` does, without a layer of its own: every request comes by here.
                    # A proxy asks under a name of its own (`Verify` judges the host it asks about), a probe by address.
                    refused = refusal(scope, None if scope["raw_path"].startswith(_UNDER_ANY_NAME) else edge.hosts)
                    if refused is None:
                        await edge(scope, receive, send)
                    else:
                        await refuse(scope, send, refused)
            except Exception as error:  # noqa: BLE001 - the last resort
                await _last_resort(error, edge, scope, send)
        elif kind == "websocket":
            await clean(scope, receive, send)
        else:
            await _lifespan(edge, receive, send)

    return app


async def _last_resort(error: Exception, edge: Edge, scope: Scope, send: Send) -> None:
    """Whatever goes wrong unforeseen is logged, and told without a trace of it."""
    log.error("request_failed", method=scope["method"], kind=type(error).__name__, exc_info=error)
    try:
        await edge.answers.error(scope, send, EcluseError())
    except RuntimeError:
        # An answer had begun: the server must close the connection, so that it does not look complete.
        raise error from None


async def _lifespan(edge: Edge, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await edge.open()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await edge.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
