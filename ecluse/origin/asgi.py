"""The door as ASGI middleware: FastAPI, Starlette, Django and everything else that speaks ASGI 3."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Unpack

from ecluse.origin.door import PASS_KEY, STATE_KEY, Door, Options
from ecluse.origin.refusals import STATUS, Refusal, answer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADER = b"ecluse-pass"
_OURS = (b"ecluse-", b"ecluse_")
"""What only a gateway may say; with an underscore too, for a CGI-style name hides the difference."""


class PassGate:
    """Lets a request through only with a pass of one of `rooms`, verified without any store.

    Inside, `pass_of(scope)` is the pass; every `Ecluse-…` header is gone, for one on an open path could be anybody's.
    A refusal is 403: a page for people, `application/problem+json` for programs, and for a WebSocket a denial
    response where the server knows it. `options` are those of Options.
    Raises ValueError if it could not refuse what it must.
    """

    def __init__(self, app: App, **options: Unpack[Options]) -> None:
        self._app = app
        self._door = Door(**options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify, then pass the request on or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        passes, rest = [], []
        for name, value in scope["headers"]:
            lowered = name.lower()
            if lowered == _HEADER:
                passes.append(value.decode("latin-1"))
            elif not lowered.startswith(_OURS):
                rest.append((name, value))
        state = {name: value for name, value in (scope.get("state") or {}).items() if name != STATE_KEY}
        inside = {**scope, "headers": rest, "state": state, PASS_KEY: None}
        if not self._door.is_open(scope["path"]):
            verdict = self._door.judge(passes)
            if isinstance(verdict, Refusal):
                await self._refuse(verdict, scope, receive, send)
                return
            state[STATE_KEY] = inside[PASS_KEY] = verdict
        await self._app(inside, receive, send)

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        kind = "http.response"
        if scope["type"] == "websocket":
            await receive()  # the handshake itself; a server expects it taken before the answer
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.title})
                return
            kind = "websocket.http.response"
        headers, body = answer(
            refusal, public_url=self._door.public_url, texts=self._door.texts, accept=_said(scope, b"accept"),
            accept_language=_said(scope, b"accept-language"),
        )  # fmt: skip
        raw = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": f"{kind}.start", "status": STATUS, "headers": raw})
        await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else body})


def _said(scope: Scope, name: bytes) -> str:
    return b",".join(value for key, value in scope["headers"] if key.lower() == name).decode("latin-1")
