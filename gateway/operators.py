"""The operator interface: look at rooms and change them, with a key. Starlette routes under /_ecluse/api/v1/."""

import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route, Router

from ecluse.clock import Clock
from ecluse.domain.errors import BadInput, BodyTooLarge, RoleTooLow, UnknownRoom
from ecluse.services.series import MINUTES_KEPT
from ecluse.settings import OperatorSettings, Role
from gateway.asgi import Scope
from gateway.console import Console
from gateway.directory import Directory, RoomEdge
from gateway.openapi import document
from gateway.requests import BODY_MAX_BYTES

_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}
_JOURNAL_MOST = 1000
_ENTRY = re.compile(r"(?!0+-0+$)[0-9]{1,15}-[0-9]{1,10}", re.ASCII)
"""Redis has no entry 0-0, and takes nothing before it."""


class Operators:
    """Who may do what, and the routes by which they do it."""

    def __init__(self, directory: Directory, console: Console, public_url: str, clock: Clock) -> None:
        self._directory = directory
        self._console = console
        self._clock = clock
        self._document = document(public_url)

    @property
    def routes(self) -> list[BaseRoute]:
        """Every route of the interface."""
        base = "/_ecluse/api/v1"
        return [
            Route(f"{base}/openapi.json", self.openapi),
            Route(f"{base}/me", self.me),
            Route(f"{base}/rooms", self.rooms),
            Route(f"{base}/rooms/{{room}}", self.room),
            Route(f"{base}/rooms/{{room}}", self.change, methods=["PATCH"]),
            Route(f"{base}/rooms/{{room}}/journal", self.journal),
            Route(f"{base}/rooms/{{room}}/series", self.series),
            Route(f"{base}/rooms/{{room}}/slots-left", self.slots_left, methods=["PUT"]),
            Route(f"{base}/rooms/{{room}}/beacon", self.beacon, methods=["PUT"]),
            Route(f"{base}/rooms/{{room}}/sessions/{{session}}", self.session),
            Route(f"{base}/rooms/{{room}}/sessions/{{session}}", self.revoke, methods=["DELETE"]),
        ]

    def operator(self, request: Request, least: Role) -> OperatorSettings:
        """Who asks. Raises KeyNeeded, CrossSite, RoleTooLow."""
        found = self._console.operator(request.scope)
        if _RANK[found.role] < _RANK[least]:
            raise RoleTooLow
        return found

    def room_of(self, request: Request) -> RoomEdge:
        """The room asked about. Raises UnknownRoom."""
        room = self._directory.by_id.get(request.path_params["room"])
        if room is None:
            raise UnknownRoom
        return room

    async def openapi(self, _request: Request) -> Response:
        """The description of this interface."""
        return JSONResponse(self._document)

    async def me(self, request: Request) -> Response:
        """Who asks, and what they may."""
        who = self.operator(request, Role.VIEWER)
        return private({"name": who.name, "role": who.role.value})

    async def rooms(self, request: Request) -> Response:
        """Every room."""
        self.operator(request, Role.VIEWER)
        found = [await room.operations.describe() for room in self._directory.by_id.values()]
        return private({"rooms": found})

    async def room(self, request: Request) -> Response:
        """One room; its version is the ETag."""
        self.operator(request, Role.VIEWER)
        found = await self.room_of(request).operations.describe()
        return private(found, etag=found["version"])

    async def change(self, request: Request) -> Response:
        """Change live settings; If-Match with the version makes it conditional."""
        who = self.operator(request, Role.OPERATOR)
        room = self.room_of(request)
        fields = await json_object(request)
        live = await room.operations.change(fields, who=who.name, version=_version(request))
        found = await room.operations.describe()
        return private(found, etag=live.version)

    async def journal(self, request: Request) -> Response:
        """The latest entries of the journal, or those before an entry, newest first."""
        self.operator(request, Role.VIEWER)
        most = _number(request, "limit", 100, _JOURNAL_MOST)
        before = request.query_params.get("before")
        if before is not None and _ENTRY.fullmatch(before) is None:
            raise BadInput("before: the id of an entry.")
        return private({"entries": await self.room_of(request).operations.journal(most, before=before)})

    async def series(self, request: Request) -> Response:
        """What the room did in each of the latest minutes."""
        self.operator(request, Role.VIEWER)
        minutes = _number(request, "minutes", 60, MINUTES_KEPT)
        return private({"minutes": await self.room_of(request).operations.series(minutes)})

    async def slots_left(self, request: Request) -> Response:
        """The origin's operator says how many slots are left."""
        who = self.operator(request, Role.OPERATOR)
        room = self.room_of(request)
        slots = (await json_object(request)).get("slots_left")
        if isinstance(slots, bool) or not isinstance(slots, int) or not 0 <= slots <= 10**9:
            raise BadInput("slots_left: a whole number from 0.")
        await room.operations.set_slots_left(slots, who=who.name)
        return Response(status_code=204)

    async def beacon(self, request: Request) -> Response:
        """The value that decides the draw of a room, once its list is fixed; final."""
        who = self.operator(request, Role.OPERATOR)
        room = self.room_of(request)
        await room.operations.give_beacon(await json_object(request), who=who.name)
        return Response(status_code=204)

    async def session(self, request: Request) -> Response:
        """A live visit."""
        self.operator(request, Role.VIEWER)
        return private(await self.room_of(request).operations.session(request.path_params["session"]))

    async def revoke(self, request: Request) -> Response:
        """End a visit: its pass opens nothing more."""
        who = self.operator(request, Role.OPERATOR)
        await self.room_of(request).operations.revoke(
            request.path_params["session"],
            who=who.name,
            reason=request.query_params.get("reason", "")[:500],
            now_ms=self._clock() * 1000,
        )
        return Response(status_code=204)


def private(found: object, *, etag: int | None = None, status: int = 200) -> Response:
    """JSON that no cache keeps."""
    headers = {"cache-control": "no-store"}
    if etag is not None:
        headers["etag"] = f'"{etag}"'
    return JSONResponse(found, status, headers)


def _number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number of the query, from 1 to `most`. Raises BadInput."""
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise BadInput(f"{name}: a number from 1 to {most}.")
    return int(text)


def _version(request: Request) -> int | None:
    sent = request.headers.get("if-match")
    if sent is None or sent.strip() == "*":
        return None
    text = sent.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadInput("If-Match: the version of the room, in quotes.")
    return int(text)


async def json_object(request: Request) -> dict[str, object]:
    """The body, a JSON object. Raises BadInput, BodyTooLarge."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise BodyTooLarge
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        raise BadInput("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise BadInput("The body is not a JSON object.")
    return found


def methods_at(router: Router, scope: Scope) -> list[str]:
    """Every method that is served at this path: each has a route of its own, and Starlette names those of one."""
    routes = [route for route in router.routes if isinstance(route, Route) and route.matches(scope)[0] != Match.NONE]
    return sorted({method for route in routes for method in route.methods or ()})
