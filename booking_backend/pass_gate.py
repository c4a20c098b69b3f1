"""The door of an origin: nobody comes in without a pass, whichever way they found the address.

Pure ASGI and free of this service's own notions, so any Python origin can stand behind it.
Source: CONTRACT, "Pass" and "Origin".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from ecluse.clock import Clock, system_clock
from ecluse.tokens import Expired, Forged, Pass, PassSigner, SigningKey, WrongRoom

HEADER = b"ecluse-pass"
STATE_KEY = "ecluse_pass"
"""Where the verified Pass is found: `scope["state"][STATE_KEY]`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request stays outside: a problem of RFC 9457. The slug resolves at the gateway."""

    slug: str
    title: str
    detail: str


MISSING = Refused(
    "pass-needed", "Pass needed", "This service is reached through its waiting room only. Open its public address."
)
TWICE = Refused(
    "ambiguous-request", "Ambiguous request", "This request carries more than one Ecluse-Pass. Send exactly one."
)
FORGED = Refused(
    "forged",
    "Not a genuine pass",
    "This pass was not issued for this service, or was altered. Open the public address.",
)
EXPIRED = Refused("expired", "Expired pass", "This pass is too old. Open the public address to get a new one.")
OTHER_ROOM = Refused("wrong-room", "Pass of another room", "This pass opens another room. Join the line of this one.")


class PassGate:
    """ASGI middleware that lets a request through only with a pass of `room`, verified without any store.

    A refusal is 403 `application/problem+json`, for WebSockets too (as a denial response where the server knows it).
    An entry of `open_paths` that ends in "/" opens everything below it, another opens exactly itself.
    Raises ValueError without a key: a gate that verifies nothing must not start.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Sequence[SigningKey],
        room: str,
        open_paths: Sequence[str] = ("/static/", "/healthz"),
        clock: Clock = system_clock,
    ) -> None:
        if not keys:
            raise ValueError("a PassGate needs at least one key to verify passes with")
        self._app = app
        self._room = room
        self._signer = PassSigner(keys, clock=clock)
        self._prefixes = tuple(path for path in open_paths if path.endswith("/"))
        self._exact = frozenset(path for path in open_paths if not path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify, then pass the request on or refuse it."""
        if scope["type"] == "lifespan" or self._is_open(scope):
            await self._app(scope, receive, send)
            return
        verdict = self._verify(scope)
        if isinstance(verdict, Refused):
            await _refuse(verdict, scope, receive, send)
            return
        state = {**scope.get("state", {}), STATE_KEY: verdict}
        await self._app({**scope, "state": state}, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path in self._exact:
            return True
        # A path that another layer might fold into a protected one is not an open path, whatever it begins with.
        plain = "/." not in path and "//" not in path and "\\" not in path and "%" not in path
        return plain and path.startswith(self._prefixes)

    def _verify(self, scope: Scope) -> Pass | Refused:
        values = [value for name, value in scope["headers"] if name.lower() == HEADER]
        if not values:
            return MISSING
        if len(values) > 1:
            return TWICE
        try:
            return self._signer.read(values[0].decode("latin-1"), self._room)
        except Expired:
            return EXPIRED
        except WrongRoom:
            return OTHER_ROOM
        except Forged:
            return FORGED


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    problem = {
        "type": f"/_ecluse/problems/{refused.slug}", "title": refused.title, "status": 403, "detail": refused.detail,
    }  # fmt: skip
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()  # the handshake itself; a server expects it taken before the answer
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": refused.title})
            return
        kind = "websocket.http.response"
    await send({"type": f"{kind}.start", "status": 403, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
