"""Both gates, asked in the same words: a request goes in as ASGI or WSGI, the answer comes out in one form."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ecluse.clock import ManualClock
from ecluse.origin import PassGate, WsgiPassGate, pass_of
from ecluse.tokens import Pass, PassSigner, SigningKey

ROOM = "sarcelles"
KEY = "the origin key of these tests only"
Sent = tuple[tuple[str, str], ...]


def pass_for(session: str, clock: ManualClock, *, room: str = ROOM, key: str = KEY, person: str | None = None) -> str:
    now = int(clock())
    granted = Pass(room=room, session=session, lane="main", issued_at=now, expires_at=now + 60, person=person)
    return PassSigner([SigningKey.from_secret(key)], clock=clock).sign(granted)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Inside:
    """What the application behind the gate saw."""

    passes: list[Pass | None] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)


Ask = Callable[..., Any]
"""`await ask(method, path, *headers, **options of the gate)` is the Answer; what got in is in `inside`."""


def asgi(inside: Inside, **options: Any) -> Ask:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        inside.passes.append(pass_of(scope))
        inside.headers.extend(name.decode() for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    async def ask(method: str, path: str, *headers: tuple[str, str]) -> Answer:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        scope = {"type": "http", "method": method, "path": path, "headers": raw, "state": {"other": 1}}
        await PassGate(app, **options)(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], told, sent[1]["body"])

    return ask


def wsgi(inside: Inside, **options: Any) -> Ask:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        inside.passes.append(pass_of(environ))
        inside.headers.extend(
            name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_")
        )  # fmt: skip
        start_response("200 OK", [])
        return [b"inside"]

    async def ask(method: str, path: str, *headers: tuple[str, str]) -> Answer:
        started: list[Any] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "wsgi.input": io.BytesIO(),
        }  # fmt: skip
        for name, value in headers:
            variable = f"HTTP_{name.upper().replace('-', '_')}"
            environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
        body = b"".join(WsgiPassGate(app, **options)(environ, lambda *said: started.append(said)))  # type: ignore[arg-type]
        status, told = started[0][:2]
        return Answer(int(status[:3]), {name.lower(): value for name, value in told}, body)

    return ask


GATES: dict[str, Callable[..., Ask]] = {"asgi": asgi, "wsgi": wsgi}
