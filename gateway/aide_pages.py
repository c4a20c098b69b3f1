"""The pages of helpers: sign in, take places, print their tickets, use them at the counter. They work without script.

The name of a person never comes here: a helper writes it on the paper, or its own browser remembers it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping

from ecluse.clock import Clock
from ecluse.domain.errors import (
    AideKeyNeeded,
    EcluseError,
    Inside,
    NotFound,
    PersonInvalid,
    PersonKeyChanged,
    PersonKnown,
    PersonNeeded,
    QuotaFull,
    RoomClosed,
    RoomFull,
    TooManyTries,
    UnknownRoom,
)
from ecluse.services.aides import AidedPlace
from ecluse.services.visits import Admission, Place
from ecluse.settings import AideSettings, Secrets, Settings
from ecluse.store.line import Admitted, Called, Waiting
from ecluse.tokens import SigningKey, SignInSigner
from gateway.aides import AidedPlaces, AideKeys, Asked
from gateway.answers import HTML, Answers
from gateway.asgi import Receive, Scope, Send, respond
from gateway.asking import Numbers
from gateway.attempts import Attempts
from gateway.codes import Codes
from gateway.directory import Directory, RoomEdge
from gateway.forms import read_form
from gateway.pages import SECURITY_HEADERS
from gateway.problems import ROWS
from gateway.requests import query
from gateway.visitor_answers import refuse_cross_site, see_other, state_document
from gateway.visitors import Visitors

HOME = "/_ecluse/help/"
_PLACE = re.compile(
    rb"/_ecluse/help/([a-z0-9-]{1,40})/places(?:/([A-Za-z0-9_-]{11})(/enter|/extend|/rejoin|/leave|/qr\.svg)?)?"
)
_REFRESH_SECONDS = 30
_NOTHING_TRIED: Mapping[str, str] = {"room": "", "person": "", "lane": ""}


class AidePages:
    """Everything a helper does with a browser."""

    def __init__(
        self, directory: Directory, keys: AideKeys, places: AidedPlaces, answers: Answers, *, codes: Codes, clock: Clock
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._places = places
        self._answers = answers
        self._codes = codes
        self._clock = clock
        self._actions: dict[tuple[str, bool, bytes], Callable[[Asked], Awaitable[None]]] = {
            ("POST", False, b""): self._take,
            ("GET", True, b""): self._ticket,
            ("GET", True, b"/qr.svg"): places.qr,
            ("POST", True, b"/enter"): self._enter,
            ("POST", True, b"/extend"): self._extend,
            ("POST", True, b"/rejoin"): self._rejoin,
            ("POST", True, b"/leave"): self._leave,
        }

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve this request if it is for a page of helpers; whether it was."""
        path, method = bytes(scope["raw_path"]), scope["method"]
        if path == HOME[:-1].encode():
            await see_other(send, HOME, [])
            return True
        if not path.startswith(HOME.encode()):
            return False
        if method == "POST":
            refuse_cross_site(scope)
        who, match = self._keys.signed_in(scope), _PLACE.fullmatch(path)
        if (method, path) == ("POST", HOME.encode() + b"sign-in"):
            await self._sign_in(scope, receive, send)
        elif (method, path) == ("POST", HOME.encode() + b"sign-out"):
            await see_other(send, HOME, [self._keys.sign_out()])
        elif method in ("GET", "HEAD") and path == HOME.encode():
            await self._home(scope, send, who)
        elif match is None:
            raise NotFound
        elif who is None:
            await self._home(scope, send, None, AideKeyNeeded())
        else:
            await self._about(who, match, scope, receive, send)
        return True

    async def _about(
        self, who: AideSettings, match: re.Match[bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        room = self._directory.by_id.get(match[1].decode())
        if room is None:
            raise UnknownRoom
        place, tail = (match[2] or b"").decode(), match[3] or b""
        action = self._actions.get((scope["method"], bool(place), tail))
        if action is None:
            raise NotFound
        try:
            await action(Asked(who, room, place, scope, receive, send))
        except (QuotaFull, RoomFull, RoomClosed) as error:
            await self._home(scope, send, who, error)

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        form = await read_form(scope, receive)
        try:
            who = self._keys.by_key(scope, (form.key or "").strip().encode())
        except (AideKeyNeeded, TooManyTries) as error:
            await self._home(scope, send, None, error)
            return
        await see_other(send, HOME, [self._keys.sign_in(who, self._clock())])

    async def _home(
        self,
        scope: Scope,
        send: Send,
        who: AideSettings | None,
        error: EcluseError | None = None,
        tried: Mapping[str, str] = _NOTHING_TRIED,
    ) -> None:
        """The places of a helper in all its rooms, or the form to sign in. `tried`: what was not enough for a place."""
        fields = query(scope)
        row = None if error is None else ROWS[type(error)]
        slug = "" if row is None else row.slug
        lang = self._answers.language(scope)
        headers = [HTML, *SECURITY_HEADERS, *self._answers.remembered(scope, lang)]
        if who is None:
            page = self._answers.pages.desk(lang, "place/signin.html", slug=slug)
        else:
            rooms = [await self._room(self._directory.by_id[name], who) for name in who.rooms]
            refresh = _REFRESH_SECONDS if fields.get("refresh") == "on" else 0
            page = self._answers.pages.desk(
                lang, "place/desk.html", slug=slug, who=who.name, rooms=rooms, quota=who.quota, refresh=refresh,
                tried=tried, fault=error.fault if isinstance(error, PersonInvalid) else "",
            )  # fmt: skip
        await respond(send, 200 if row is None else row.status, headers, page)

    async def _room(self, room: RoomEdge, who: AideSettings) -> dict[str, object]:
        places = await room.aides.places(who)
        lanes = {lane.id: lane.title for lane in room.settings.lane}
        return {
            "id": room.id,
            "title": dict(room.settings.title),
            "phase": room.board.phase,
            "person": room.settings.person is not None,
            "person_label": dict(room.settings.person.label) if room.settings.person else {},
            "lanes": [(name, lanes[name]) for name in room.aides.lanes(who)],
            "places": [self._row(room, place) for place in places],
            "live": sum(not isinstance(place.standing, Admitted) for place in places),
        }

    @staticmethod
    def _row(room: RoomEdge, place: AidedPlace) -> dict[str, object]:
        standing = place.standing
        told = state_document(room, Place(ticket=place.ticket, token="", standing=standing))
        wait = room.visits.outlook(place.ticket.lane, standing.ahead) if isinstance(standing, Waiting) else None
        return {
            "id": place.ticket.id, "code": place.code, "moved": place.moved, "state": told["state"],
            "ahead": told["ahead"], "until": standing.deadline_ms // 1000 if isinstance(standing, Called) else None,
            "wait": None if wait is None else (wait.p50_seconds, wait.p90_seconds),
            "undrawn": room.visits.is_undrawn(place.ticket),
        }  # fmt: skip

    async def _take(self, asked: Asked) -> None:
        form = await read_form(asked.scope, asked.receive)
        try:
            place = await self._places.take(asked, form)
        except (PersonNeeded, PersonInvalid, PersonKnown, PersonKeyChanged, TooManyTries, Inside) as error:
            tried = {"room": asked.room.id, "person": form.person or "", "lane": form.lane or ""}
            await self._home(asked.scope, asked.send, asked.who, error, tried)
            return
        await see_other(asked.send, f"{HOME}?new={place.ticket.id}", [])

    async def _ticket(self, asked: Asked) -> None:
        """The ticket to print and hand over."""
        room, found = asked.room, await asked.room.aides.place(asked.who, asked.place)
        if found.moved:
            await see_other(asked.send, HOME, [])
            return
        shown = await room.moves.show(found.ticket)
        place = Place(ticket=found.ticket, token="", standing=found.standing)
        await self._answers.sheet(
            asked.scope, asked.send, room, "place/ticket.html", place,
            code=shown.code, qr=f"{HOME}{room.id}/places/{found.ticket.id}/qr.svg",
            code_page=self._codes.link(room, "")[:-1], until=shown.expires_at, back=HOME, named=True,
        )  # fmt: skip

    async def _enter(self, asked: Asked) -> None:
        outcome = await asked.room.aides.enter(asked.who, asked.place)
        if not isinstance(outcome, Admission):
            await see_other(asked.send, HOME, [])
            return
        asked.room.metrics.admissions.inc()
        await see_other(asked.send, asked.room.home, [asked.room.pass_cookie(outcome)])

    async def _extend(self, asked: Asked) -> None:
        await asked.room.aides.extend(asked.who, asked.place)
        await see_other(asked.send, HOME, [])

    async def _rejoin(self, asked: Asked) -> None:
        await asked.room.aides.rejoin(asked.who, asked.place)
        await see_other(asked.send, HOME, [])

    async def _leave(self, asked: Asked) -> None:
        await asked.room.aides.leave(asked.who, asked.place)
        await see_other(asked.send, HOME, [])


class Desk:
    """All that helpers ask of the edge, wired once: their pages and their interface for programs."""

    def __init__(  # noqa: PLR0913 - the parts it joins, by name
        self,
        settings: Settings,
        secrets: Secrets,
        directory: Directory,
        answers: Answers,
        *,
        visitors: Visitors,
        codes: Codes,
        clock: Clock,
    ) -> None:
        signer = SignInSigner([SigningKey.from_secret(secret) for secret in secrets.signing_keys], clock=clock)
        attempts = Attempts(settings.networks, clock)
        keys = AideKeys(secrets.aide_keys, signer, attempts, secure=settings.secure)
        self._places = AidedPlaces(directory, keys, visitors, codes, Numbers(settings.networks))
        self._pages = AidePages(directory, keys, self._places, answers, codes=codes, clock=clock)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve this request if it is one of a helper; whether it was."""
        return await self._places.serve(scope, receive, send) or await self._pages.serve(scope, receive, send)
