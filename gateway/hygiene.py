"""The first layer of the edge: refuses what two programs could read in two ways, before anything is decided on it.

What passes here is authorised and forwarded as the same bytes (RFC 9112 §11.2, RFC 9110 §7.4). It looks only at the
scope, costs a few microseconds, and works behind any server; `gateway.protocol` refuses what a scope cannot show.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from ecluse.domain.errors import AmbiguousRequest, EcluseError, MethodNotAllowed
from gateway.asgi import App, Headers, Message, Receive, Scope, Send
from gateway.problems import send_problem

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADER_COUNT_MAX = 64
HEADER_BYTES_MAX = 16 * 1024
"""Names and values together, and a byte to part each name from the next."""
TARGET_BYTES_MAX = 8 * 1024
"""Path and query."""

_BAD_PATH = re.compile(
    rb"%(?:[01][0-9A-Fa-f]|7[fF]|2[eEfF]|5[cC]|(?![0-9A-Fa-f]{2}))"  # controls, dot, slash, backslash; not an escape
    rb"|%25(?:00|2[eEfF]|5[cC])"  # the same for an origin that decodes twice
    rb"|%(?:2[dD]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])"  # what never needs escaping; ~ once did
    rb"|//|/\.\.?(?:/|\Z)|[\\;]|[^\x21-\x7e]"
)
_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)*+/?")
"""Nothing to find in these; most paths are plain, and this is three times faster."""
_BAD_QUERY = re.compile(rb"[^\x21-\x7e]")
_HOST = re.compile(rb"((?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9.])?)|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_WATCHED = frozenset({b"host", b"content-length", b"transfer-encoding", b"upgrade", b"expect"})
_ALIASED = frozenset({*_WATCHED, b"cookie", b"authorization", b"connection", b"forwarded", b"x-real-ip", b"te"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in; `status` overrides the one of the error's problem."""

    error: EcluseError
    status: int | None = None


def _ambiguous(reason: str, status: int | None = None) -> Refusal:
    return Refusal(AmbiguousRequest(reason), status)


def refusal(scope: Scope, hosts: frozenset[str] | None) -> Refusal | None:
    """Why this http or websocket scope must not be let in, or None.

    `hosts` are the lower-case names we answer to, with or without port; None: any that is well formed.
    """
    if scope["http_version"] not in ("1.1", "1.0"):
        return _ambiguous("HTTP version", 505)
    websocket = scope["type"] == "websocket"
    if not websocket and scope["method"] not in METHODS:
        return Refusal(MethodNotAllowed(scope["method"][:20]))
    path, query = scope["raw_path"], scope["query_string"]
    if len(path) + len(query) >= TARGET_BYTES_MAX:
        return _ambiguous("target too long", 414)
    if path[:1] != b"/" or (_PLAIN_PATH.fullmatch(path) is None and _BAD_PATH.search(path) is not None):
        return _ambiguous("path")
    if query and _BAD_QUERY.search(query) is not None:
        return _ambiguous("query")
    return _refused_headers(scope, hosts, websocket)


def _refused_headers(scope: Scope, hosts: frozenset[str] | None, websocket: bool) -> Refusal | None:
    headers: Headers = scope["headers"]
    if len(headers) > HEADER_COUNT_MAX:
        return _ambiguous("too many headers", 431)
    size, seen = 0, {}
    for name, value in headers:
        size += len(name) + len(value)
        if name in _WATCHED:
            if name in seen:
                return _ambiguous("a header that may come once came twice")
            seen[name] = value
        elif b"_" in name and _is_alias(name):
            return _ambiguous("a header with an underscore that looks like one of ours")
    if size > HEADER_BYTES_MAX:
        return _ambiguous("header too large", 431)
    host = seen.pop(b"host", None)
    if host is None:
        return _ambiguous("no Host")
    return _refused_host(host, hosts) or (_refused_framing(seen, scope, websocket) if seen else None)


def _is_alias(name: bytes) -> bool:
    """Whether a CGI-minded origin would read `name` as a header that decides something."""
    plain = name.replace(b"_", b"-")
    return plain in _ALIASED or plain.startswith((b"ecluse-", b"x-forwarded-"))


@lru_cache(maxsize=1024)
def _refused_host(host: bytes, hosts: frozenset[str] | None) -> Refusal | None:
    host = host.lower()
    match = _HOST.fullmatch(host)
    if match is None:
        return _ambiguous("Host")
    name, port = match.groups()
    if port is not None and not 0 < int(port) < 65_536:
        return _ambiguous("Host")
    if hosts is None or host.decode() in hosts or name.decode() in hosts:
        return None
    return _ambiguous("not our host", 421)


def _refused_framing(seen: dict[bytes, bytes], scope: Scope, websocket: bool) -> Refusal | None:
    length, coding = seen.get(b"content-length"), seen.get(b"transfer-encoding")
    if length is not None and _LENGTH.fullmatch(length) is None:
        return _ambiguous("Content-Length")
    if coding is not None and (coding.lower() != b"chunked" or length is not None or scope["http_version"] == "1.0"):
        return _ambiguous("Transfer-Encoding")
    if websocket and (coding is not None or (length is not None and length.strip(b"0"))):
        return _ambiguous("a WebSocket handshake with a body")
    if not websocket and b"upgrade" in seen:
        return _ambiguous("Upgrade")
    if seen.get(b"expect", b"100-continue").lower() != b"100-continue":
        return _ambiguous("Expect", 417)
    return None


def denying(scope: Scope, send: Send) -> Send:
    """A `send` on which a plain HTTP answer refuses this scope, also when it is a WebSocket handshake."""
    if scope["type"] != "websocket":
        return send
    if "websocket.http.response" in scope.get("extensions", {}):

        async def as_response(message: Message) -> None:
            await send({**message, "type": f"websocket.{message['type']}"})

        return as_response

    async def as_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send({"type": "websocket.close", "code": 1008})

    return as_close


async def refuse(scope: Scope, send: Send, refused: Refusal) -> None:
    """Answer a scope that must not be let in, and close: its body is of no use, and neither is its connection."""
    headers: Headers = [(b"connection", b"close")]
    if isinstance(refused.error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(sorted(METHODS)).encode()))
    await send_problem(denying(scope, send), refused.error, status=refused.status, headers=headers)


class Hygiene:
    """Pure ASGI layer: lets plain requests through, refuses the rest with a problem.

    400; 405 for methods, 414 and 431 for sizes, 417 for Expect, 421 for a host that is not ours, 505 for versions.
    """

    def __init__(self, app: App, *, hosts: frozenset[str] | None = None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope; lifespan passes."""
        if scope["type"] in ("http", "websocket"):
            refused = refusal(scope, self._hosts)
            if refused is not None:
                await refuse(scope, send, refused)
                return
        await self._app(scope, receive, send)
