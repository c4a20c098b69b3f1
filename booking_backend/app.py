"""The booking application put together: gate outside, pages and JSON inside, one store beneath."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import tzinfo
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_backend.forms import BODY_MAX_BYTES, Unreadable
from booking_backend.interface import Interface
from booking_backend.journey import Journey
from booking_backend.pages import Pages
from booking_backend.samples import Sample
from booking_backend.schema import WrongSchema
from booking_backend.slots import Busy
from booking_backend.store import SlotStore
from ecluse.clock import Clock, system_clock
from ecluse.origin import STATE_KEY, PassGate
from ecluse.tokens import SigningKey

_log = structlog.get_logger("booking")
_HTTP_REASONS = {404: "not_found", 405: "method", 413: "too_large"}


class SlotsLeft:
    """ASGI middleware that tells the gateway, with every answer to a visit, how many places are left."""

    def __init__(self, app: ASGIApp, *, store: SlotStore) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add `Ecluse-Slots-Left` when its answer starts."""
        if scope["type"] != "http" or STATE_KEY not in scope.get("state", {}):
            await self._app(scope, receive, send)
            return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                with suppress(Busy):  # a count is good to have; the answer itself matters more
                    MutableHeaders(scope=message)["ecluse-slots-left"] = str(await self._store.slots_left())
            await send(message)

        await self._app(scope, receive, send_counted)


class Refusals:
    """Turns what went wrong into a page or, under /api/, a problem."""

    def __init__(self, journey: Journey, interface: Interface) -> None:
        self._journey = journey
        self._interface = interface

    def _answer(self, request: Request, reason: str, status: int) -> Response:
        if request.url.path.startswith("/api/"):
            return self._interface.problem(request, reason, status)
        return self._journey.sorry(request, reason, status)

    async def unreadable(self, request: Request, error: Exception) -> Response:
        """A request that forms.py could not read."""
        assert isinstance(error, Unreadable)
        return self._answer(request, error.reason, error.status)

    async def busy(self, request: Request, error: Exception) -> Response:
        """The database stayed locked; nothing was changed."""
        answer = self._answer(request, "busy", 503)
        answer.headers["retry-after"] = "5"
        return answer

    async def http(self, request: Request, error: Exception) -> Response:
        """No such address, wrong method, body too long."""
        assert isinstance(error, HTTPException)
        answer = self._answer(request, _HTTP_REASONS.get(error.status_code, "bad_form"), error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    async def internal(self, request: Request, error: Exception) -> Response:
        """Our own fault: said plainly, told in full to the log only."""
        return self._answer(request, "internal", 500)


async def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


def create_app(
    *,
    database: Path,
    room: str,
    keys: Sequence[SigningKey],
    zone: tzinfo,
    clock: Clock = system_clock,
    sample: Sample = Sample(),  # noqa: B008 - frozen
) -> ASGIApp:
    """The application over the file `database`, for the visits of `room` only.

    The file is opened, and filled with the sample if it has no service, when the server starts up (ASGI lifespan).
    """
    store = SlotStore(database, clock=clock)
    pages = Pages(zone)
    journey, interface = Journey(store, pages), Interface(store, pages)
    refusals = Refusals(journey, interface)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            await store.prepare(zone=zone, sample=sample)
        except (WrongSchema, SQLAlchemyError, Busy) as error:
            _log.error("database_unusable", database=str(database), reason=str(error))
            await store.close()
            raise
        try:
            yield
        finally:
            await store.close()

    inner = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/static/booking.css", pages.stylesheet),
            *interface.routes,
            *journey.routes,
        ],
        middleware=[Middleware(SlotsLeft, store=store)],
        exception_handlers={
            Unreadable: refusals.unreadable,
            Busy: refusals.busy,
            HTTPException: refusals.http,
            Exception: refusals.internal,
        },
        lifespan=lifespan,
        max_body_size=BODY_MAX_BYTES,
    )
    return PassGate(inner, keys=keys, rooms=room, open_paths=("/static/", "/healthz"), clock=clock)
