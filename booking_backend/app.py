"""The booking application put together: gate outside, pages and JSON inside, one store beneath."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
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

from booking_backend.agents import Agents
from booking_backend.agents_door import Door
from booking_backend.answers import sorry
from booking_backend.choosing import Choosing
from booking_backend.confirmations import Confirmations
from booking_backend.forms import BODY_MAX_BYTES, Unreadable
from booking_backend.horizon import Horizon
from booking_backend.interface import Interface
from booking_backend.journey import Journey
from booking_backend.mailing import MailServer, Postbox
from booking_backend.migrating import WrongSchema
from booking_backend.mine import Mine
from booking_backend.office import Office
from booking_backend.pages import Pages
from booking_backend.partners import Partners
from booking_backend.persons import Persons
from booking_backend.prefecture import WEEKS, Filling
from booking_backend.slots import Busy
from booking_backend.store import SYSTEM_DICE, SlotStore
from booking_backend.texts import door_texts
from ecluse.clock import Clock, system_clock
from ecluse.origin import STATE_KEY, PassGate
from ecluse.tokens import SigningKey

_log = structlog.get_logger("booking")
OPEN_PATHS = ("/static/", "/healthz", "/my/", "/partners/", "/agents/")
"""What needs no pass here. Which of it the gateway lets past the line is the room's `open_paths`."""
_HTTP_REASONS = {404: "not_found", 405: "method", 413: "too_large"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What an application may have besides its database, room and keys."""

    wanted: Filling | Office | None = Filling()  # noqa: RUF009 - frozen
    """What an empty database is filled with; None leaves it empty."""
    weeks: int = WEEKS
    """How far ahead there are slots."""
    mail: MailServer | None = None
    person_key: str = ""
    """The secret of the room's `person.key`: then only the person of the pass can book."""
    partner_tokens: Sequence[str] = ()
    """Whoever sends one of these may ask what a booking hub asks; without any, nobody may."""
    public_url: str = ""
    """What addresses told to partners begin with."""
    agents: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    """Salt and password hash of each agent, by name."""
    dice: random.Random = SYSTEM_DICE


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

    def __init__(self, pages: Pages, interface: Interface) -> None:
        self._pages = pages
        self._interface = interface

    def _answer(self, request: Request, reason: str, status: int) -> Response:
        if request.url.path.startswith(("/api/", "/partners/")):
            return self._interface.problem(request, reason, status)
        return sorry(self._pages, request, reason, status)

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
    database: Path | str,
    room: str,
    keys: Sequence[SigningKey],
    zone: tzinfo,
    clock: Clock = system_clock,
    extras: Extras = Extras(),
) -> ASGIApp:
    """The application over the file `database`, for the visits of `room` only.

    The file is opened, and filled with the sample if it has no service, when the server starts up (ASGI lifespan).
    """
    store, postbox = SlotStore(database, clock=clock, dice=extras.dice), Postbox(extras.mail)
    pages = Pages(zone)
    persons = Persons(extras.person_key)
    interface = Interface(store, pages, persons)
    choosing, confirmations = Choosing(store, pages), Confirmations(store, pages, postbox)
    journey = Journey(store, pages, persons, choosing, confirmations)
    parts = (
        interface, choosing, journey, Mine(store, pages, persons, confirmations),
        Partners(store, pages, tokens=extras.partner_tokens, public_url=extras.public_url),
        Agents(store, pages, Door(extras.agents)),
    )  # fmt: skip
    refusals = Refusals(pages, interface)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        horizon = Horizon(store, zone, extras.weeks)
        try:
            await store.prepare(zone=zone, wanted=extras.wanted, weeks=extras.weeks)
        except (WrongSchema, SQLAlchemyError, Busy) as error:
            _log.error("database_unusable", database=str(database), reason=str(error))
            await store.close()
            raise
        running = [asyncio.create_task(each.run()) for each in (postbox, horizon)]
        try:
            yield
        finally:
            await postbox.close()
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await store.close()

    inner = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/static/{name}", pages.file),
            *(route for part in parts for route in part.routes),
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
    return PassGate(
        inner,
        keys=keys,
        rooms=room,
        open_paths=OPEN_PATHS,
        public_url=extras.public_url,
        texts=door_texts(),
        clock=clock,
    )
