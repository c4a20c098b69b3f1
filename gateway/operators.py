"""The operator interface: look at rooms and change them, with a key. Starlette routes under /_ecluse/api/v1/."""

import hmac
import json
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ecluse.clock import Clock
from ecluse.domain.errors import BadInput, BodyTooLarge, KeyNeeded, RoleTooLow, UnknownRoom
from ecluse.services.series import MINUTES_KEPT
from ecluse.settings import OperatorSettings, Role
from gateway.directory import Directory, RoomEdge
from gateway.openapi import document
from gateway.requests import BODY_MAX_BYTES, bearer

_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}
_JOURNAL_MOST = 1000
_ENTRY = re.compile(r"[0-9]{1,15}-[0-9]{1,10}", re.ASCII)


class Operators:
    """Who may do what, and the routes by which they do it."""

    def __init__(
        self, directory: Directory, keys: Sequence[tuple[OperatorSettings, str]], public_url: str, clock: Clock
    ) -> None:
        self._directory = directory
        self._keys = [(who, key.encode()) for who, key in keys]
        self._clock = clock
        self._document = document(public_url)

    @property
    def routes(self) -> list[BaseRoute]:
        """Every route of the interface."""
        base = "/_ecluse/api/v1"
        return [
            Route(f"{base}/openapi.json", self.openapi),
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

    def _operator(self, request: Request, least: Role) -> OperatorSettings:
        """Who asks. Raises KeyNeeded, RoleTooLow."""
        sent = (bearer(request.scope) or "").encode("latin-1")
        found = None
        for who, key in self._keys:
            # Every key is compared, so that the time taken tells nothing.
            if hmac.compare_digest(key, sent):
                found = who
        if found is None:
            raise KeyNeeded
        if _RANK[found.role] < _RANK[least]:
            raise RoleTooLow
        return found

    def _room(self, request: Request) -> RoomEdge:
        room = self._directory.by_id.get(request.path_params["room"])
        if room is None:
            raise UnknownRoom
        return room

    async def openapi(self, _request: Request) -> Response:
        """The description of this interface."""
        return JSONResponse(self._document)

    async def rooms(self, request: Request) -> Response:
        """Every room."""
        self._operator(request, Role.VIEWER)
        found = [await room.operations.describe() for room in self._directory.by_id.values()]
        return _private({"rooms": found})

    async def room(self, request: Request) -> Response:
        """One room; its version is the ETag."""
        self._operator(request, Role.VIEWER)
        found = await self._room(request).operations.describe()
        return _private(found, etag=found["version"])

    async def change(self, request: Request) -> Response:
        """Change live settings; If-Match with the version makes it conditional."""
        who = self._operator(request, Role.OPERATOR)
        room = self._room(request)
        fields = await _json_object(request)
        live = await room.operations.change(fields, who=who.name, version=_version(request))
        found = await room.operations.describe()
        return _private(found, etag=live.version)

    async def journal(self, request: Request) -> Response:
        """The latest entries of the journal, or those before an entry, newest first."""
        self._operator(request, Role.VIEWER)
        most = _number(request, "limit", 100, _JOURNAL_MOST)
        before = request.query_params.get("before")
        if before is not None and _ENTRY.fullmatch(before) is None:
            raise BadInput("before: the id of an entry.")
        return _private({"entries": await self._room(request).operations.journal(most, before=before)})

    async def series(self, request: Request) -> Response:
        """What the room did in each of the latest minutes."""
        self._operator(request, Role.VIEWER)
        minutes = _number(request, "minutes", 60, MINUTES_KEPT)
        return _private({"minutes": await self._room(request).operations.series(minutes)})

    async def slots_left(self, request: Request) -> Response:
        """The origin's operator says how many slots are left."""
        who = self._operator(request, Role.OPERATOR)
        room = self._room(request)
        slots = (await _json_object(request)).get("slots_left")
        if isinstance(slots, bool) or not isinstance(slots, int) or not 0 <= slots <= 10**9:
            raise BadInput("slots_left: a whole number from 0.")
        await room.operations.set_slots_left(slots, who=who.name)
        return Response(status_code=204)

    async def beacon(self, request: Request) -> Response:
        """The value that decides the draw of a room, once its list is fixed; final."""
        who = self._operator(request, Role.OPERATOR)
        room = self._room(request)
        await room.operations.give_beacon(await _json_object(request), who=who.name)
        return Response(status_code=204)

    async def session(self, request: Request) -> Response:
        """A live visit."""
        self._operator(request, Role.VIEWER)
        return _private(await self._room(request).operations.session(request.path_params["session"]))

    async def revoke(self, request: Request) -> Response:
        """End a visit: its pass opens nothing more."""
        who = self._operator(request, Role.OPERATOR)
        await self._room(request).operations.revoke(
            request.path_params["session"],
            who=who.name,
            reason=request.query_params.get("reason", "")[:500],
            now_ms=self._clock() * 1000,
        )
        return Response(status_code=204)


def _private(found: object, *, etag: int | None = None) -> Response:
    headers = {"cache-control": "no-store"}
    if etag is not None:
        headers["etag"] = f'"{etag}"'
    return JSONResponse(found, headers=headers)


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


async def _json_object(request: Request) -> dict[str, object]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise BodyTooLarge
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise BadInput("The body is not a JSON object.")
    return found
