"""Helpers over HTTP: who they are, and their interface for programs under …/rooms/{room}/places. Pure ASGI."""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ecluse.domain.errors import (
    AideKeyNeeded,
    EcluseError,
    MethodNotAllowed,
    NotFound,
    RoomClosed,
    RoomFull,
    UnknownRoom,
)
from ecluse.services.aides import AidedPlace
from ecluse.services.visits import Admission, Place
from ecluse.settings import AideSettings
from ecluse.store.line import Called, Closed, Full
from ecluse.tokens import Expired, Forged, SignInSigner
from gateway.asgi import Receive, Scope, Send, respond
from gateway.asking import Numbers
from gateway.attempts import Attempts
from gateway.codes import Codes
from gateway.cookies import cookie
from gateway.directory import Directory, RoomEdge
from gateway.forms import JoinForm, read_form
from gateway.problems import send_problem
from gateway.requests import bearer
from gateway.visitor_answers import JSON, NO_STORE, respond_bare, rfc3339, state_document
from gateway.visitors import Visitors

SIGNED_IN_SECONDS = 4 * 3600
_PLACES = re.compile(
    rb"/_ecluse/api/v1/rooms/([a-z0-9-]{1,40})/places(?:/([A-Za-z0-9_-]{11})(/claim|/extend|/rejoin|/qr\.svg)?)?"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a known helper about one room, and one place if it names one."""

    who: AideSettings
    room: RoomEdge
    place: str
    scope: Scope
    receive: Receive
    send: Send


class AideKeys:
    """Who helps: told by a key, or by the cookie of a browser that signed in with one."""

    def __init__(
        self, keys: Sequence[tuple[AideSettings, str]], signer: SignInSigner, attempts: Attempts, *, secure: bool
    ) -> None:
        self._keys = [(who, key.encode(), _mark(who, key)) for who, key in keys]
        self._signer = signer
        self._attempts = attempts
        self._secure = secure
        self._cookie = b"__Host-ecluse_help" if secure else b"ecluse_help"

    def by_key(self, scope: Scope, sent: bytes) -> AideSettings:
        """The helper with this key. Raises AideKeyNeeded, TooManyTries."""
        self._attempts.check(scope)
        found = None
        for who, known, _ in self._keys:
            # Every key is compared, so that the time taken tells nothing.
            if hmac.compare_digest(known, sent):
                found = who
        if found is None:
            self._attempts.count(scope)
            raise AideKeyNeeded
        return found

    def signed_in(self, scope: Scope) -> AideSettings | None:
        """The helper who signed in with this browser; nobody once the key was changed or taken away."""
        token = cookie(scope, self._cookie)
        try:
            mark = None if token is None else self._signer.read(token)
        except (Forged, Expired):
            return None
        return next((who for who, _, known in self._keys if known == mark), None)

    def sign_in(self, who: AideSettings, now: float) -> tuple[bytes, bytes]:
        """The cookie that says so, for four hours."""
        mark = next(mark for known, _, mark in self._keys if known is who)
        return self._set(self._signer.sign(mark, int(now) + SIGNED_IN_SECONDS), SIGNED_IN_SECONDS)

    def sign_out(self) -> tuple[bytes, bytes]:
        """Take that cookie back."""
        return self._set("", 0)

    def _set(self, token: str, seconds: int) -> tuple[bytes, bytes]:
        tail = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self._secure else "")
        return b"set-cookie", self._cookie + f"={token}; Max-Age={seconds}{tail}".encode()


def _mark(who: AideSettings, key: str) -> str:
    return hashlib.sha256(f"{who.name}\n{key}".encode()).hexdigest()[:24]


class AidedPlaces:
    """The places of helpers, for programs."""

    def __init__(
        self, directory: Directory, keys: AideKeys, visitors: Visitors, codes: Codes, numbers: Numbers
    ) -> None:  # fmt: skip
        self._directory = directory
        self._keys = keys
        self._visitors = visitors
        self._codes = codes
        self._numbers = numbers
        self._actions: dict[tuple[str, bool, bytes], Callable[[Asked], Awaitable[None]]] = {
            ("GET", False, b""): self._list,
            ("POST", False, b""): self._take,
            ("GET", True, b""): self._look,
            ("DELETE", True, b""): self._leave,
            ("GET", True, b"/qr.svg"): self.qr,
            ("POST", True, b"/claim"): self._claim,
            ("POST", True, b"/extend"): self._extend,
            ("POST", True, b"/rejoin"): self._rejoin,
        }

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve this request if it is for the places of helpers; whether it was. Errors are told as problems."""
        match = _PLACES.fullmatch(scope["raw_path"])
        if match is None:
            return False
        room, place, tail = match[1].decode(), (match[2] or b"").decode(), match[3] or b""
        try:
            who = self._keys.by_key(scope, (bearer(scope) or "").encode("latin-1"))
            edge = self._directory.by_id.get(room)
            if edge is None:
                raise UnknownRoom
            action = self._actions.get((scope["method"], bool(place), tail))
            if action is None:
                allow = ", ".join(m for m, named, end in self._actions if (named, end) == (bool(place), tail))
                await send_problem(send, MethodNotAllowed(), headers=[(b"allow", allow.encode())])
                return True
            await action(Asked(who, edge, place, scope, receive, send))
        except EcluseError as error:
            await send_problem(send, error)
        return True

    async def _list(self, asked: Asked) -> None:
        places = await asked.room.aides.places(asked.who)
        found = {"quota": asked.who.quota, "places": [self._document(asked.room, place) for place in places]}
        await _json(asked.send, 200, found)

    async def _take(self, asked: Asked) -> None:
        place = await self.take(asked, await read_form(asked.scope, asked.receive))
        taken = await asked.room.aides.place(asked.who, place.ticket.id)
        status = 200 if place.taken_over else 201
        await _json(asked.send, status, {**self._document(asked.room, taken), "ticket": place.token})

    async def take(self, asked: Asked, form: JoinForm) -> Place:
        """A place for somebody, as `Aides.take`; a number that is typed counts as a try. Raises PersonInvalid too."""
        number = await self._numbers.read(asked.room, asked.scope, form)
        place = await asked.room.aides.take(asked.who, form.lane or None, number=number, confirm=form.confirmed)
        if not place.taken_over:
            asked.room.metrics.joins.inc()
        return place

    async def _look(self, asked: Asked) -> None:
        await _json(asked.send, 200, self._document(asked.room, await asked.room.aides.place(asked.who, asked.place)))

    async def _leave(self, asked: Asked) -> None:
        await asked.room.aides.leave(asked.who, asked.place)
        await respond_bare(asked.send, 204, [NO_STORE])

    async def _claim(self, asked: Asked) -> None:
        outcome = await asked.room.aides.enter(asked.who, asked.place)
        if not isinstance(outcome, Admission):
            await self._visitors.not_yet(asked.room, asked.send, outcome)
            return
        asked.room.metrics.admissions.inc()
        expires_at = rfc3339(outcome.granted.expires_at * 1000)
        body = {"pass": outcome.token, "expires_at": expires_at, "location": asked.room.home}
        await _json(asked.send, 200, body)

    async def _extend(self, asked: Asked) -> None:
        found = await asked.room.aides.extend(asked.who, asked.place)
        if isinstance(found, Called):
            await _json(asked.send, 200, {"claim_until": rfc3339(found.deadline_ms)})
        else:
            await self._visitors.not_yet(asked.room, asked.send, found)

    async def _rejoin(self, asked: Asked) -> None:
        found = await asked.room.aides.rejoin(asked.who, asked.place)
        if isinstance(found, Full | Closed):
            raise RoomFull if isinstance(found, Full) else RoomClosed
        await self._look(asked)

    async def qr(self, asked: Asked) -> None:
        """The picture of a place's code."""
        place = await asked.room.aides.place(asked.who, asked.place)
        if place.moved:
            raise NotFound
        await self._codes.picture(asked.room, asked.send, place.code)

    def _document(self, room: RoomEdge, place: AidedPlace) -> dict[str, object]:
        found = state_document(room, Place(ticket=place.ticket, token="", standing=place.standing))
        qr = f"/_ecluse/api/v1/rooms/{room.id}/places/{place.ticket.id}/qr.svg"
        shown = {"code": place.code, "url": self._codes.link(room, place.code), "qr_url": qr}
        return {"room": room.id, **found, "moved": place.moved, **({} if place.moved else shown)}


async def _json(send: Send, status: int, document: object) -> None:
    await respond(send, status, [JSON, NO_STORE], json.dumps(document).encode())
