"""The few words of ASGI that every module of the edge uses."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


_FIRST = "ecluse.first"


def first_headers(scope: Scope) -> dict[bytes, bytes]:
    """The first header of each name (lower case): one look at all of them serves a whole request."""
    headers: Headers = scope["headers"]
    kept: tuple[Headers, dict[bytes, bytes]] | None = scope.get(_FIRST)
    if kept is None or kept[0] is not headers:
        kept = scope[_FIRST] = headers, dict(reversed(headers))
    return kept[1]


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header called `name` (lower case), or None."""
    return first_headers(scope).get(name)


async def respond(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """Send a whole answer at once, with its length."""
    out = list(headers)
    out.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": out})
    await send({"type": "http.response.body", "body": body})
