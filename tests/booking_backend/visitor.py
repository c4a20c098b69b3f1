"""A visitor who speaks ASGI directly to the application, with a real signed pass."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from ecluse.clock import Clock
from ecluse.tokens import Pass, PassSigner, SigningKey

ROOM = "prefecture"
KEY = SigningKey.from_secret("the origin key of these tests only")
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    status: int
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.raw_headers}

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def found(self, pattern: str) -> list[str]:
        return re.findall(pattern, self.text)


def pass_for(
    session: str, clock: Clock, *, room: str = ROOM, key: SigningKey = KEY, seconds: int = 60, person: str | None = None
) -> str:
    now = int(clock())
    granted = Pass(room=room, session=session, lane="main", issued_at=now, expires_at=now + seconds, person=person)
    return PassSigner([key], clock=clock).sign(granted)


async def ask(
    app: ASGIApp, method: str, target: str, *, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b""
) -> Answer:
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"rdv.example.fr"), *(headers or [])],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], list(sent[0]["headers"]), content)


@dataclass
class Visitor:
    app: ASGIApp
    clock: Clock
    session: str = "session-1"
    person: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"accept-language": "en"})

    async def _ask(self, method: str, target: str, body: bytes, extra: Mapping[str, str]) -> Answer:
        sent = {**self.headers, "ecluse-pass": pass_for(self.session, self.clock, person=self.person)}
        sent.update({name.replace("_", "-"): value for name, value in extra.items()})
        headers = [(name.encode(), value.encode()) for name, value in sent.items()]
        return await ask(self.app, method, target, headers=headers, body=body)

    async def get(self, target: str, **headers: str) -> Answer:
        return await self._ask("GET", target, b"", headers)

    async def post(self, target: str, fields: Mapping[str, object] | None = None, **headers: str) -> Answer:
        return await self._ask("POST", target, urlencode(fields or {}).encode(), {"content_type": FORM, **headers})

    async def post_json(self, target: str, value: object) -> Answer:
        return await self._ask("POST", target, json.dumps(value).encode(), {"content_type": "application/json"})

    async def post_raw(self, target: str, body: bytes, content_type: str) -> Answer:
        return await self._ask("POST", target, body, {"content_type": content_type})

    async def free_slots(self, service: int = 1) -> list[Any]:
        slots = (await self.get(f"/api/services/{service}/slots")).json["slots"]
        assert isinstance(slots, list)
        return slots

    async def hold(self, slot: object) -> str:
        """The address of the details form for this slot."""
        answer = await self.post("/holds", {"slot": slot})
        assert answer.status == 303, answer.text
        return answer.headers["location"]


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[ASGIApp]:
    """The application between its lifespan's start-up and shutdown."""
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()

    async def live() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, inbox.get, outbox.put)

    life = asyncio.create_task(live())
    await inbox.put({"type": "lifespan.startup"})
    started = await outbox.get()
    assert started["type"] == "lifespan.startup.complete", started
    try:
        yield app
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await life
