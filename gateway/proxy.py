"""The reverse proxy: one request to an origin and its answer back, streamed, byte for byte. The only home of aiohttp.

Nothing is buffered whole, nothing is decompressed, no redirect is followed, no cookie is kept. A visitor who leaves
takes the origin's request with them. What fails before the answer has begun is raised, so that the caller can render
it; what fails after ends the visitor's connection, so that a cut answer never looks complete.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ecluse.domain.errors import AmbiguousRequest, BodyTooLarge, EcluseError, OriginAway
from gateway.asgi import Headers, Message, Receive, Scope, Send
from gateway.forwarding import request_headers, response_headers
from gateway.proxy_watch import Watch

CONNECT_SECONDS = 5.0
STREAM_IDLE_SECONDS = 300.0
"""How long an origin may be silent in the middle of its answer: event streams send a comment every 15 to 60 s."""
IDLE_CONNECTION_SECONDS = 4.0
"""How long a connection to an origin is kept for the next request: less than the 5 s after which many servers close."""
WHOLE_BODY_BYTES = 256 * 1024
"""A body that came in one piece up to this size is sent in one."""
ORIGIN_FIELD_BYTES_MAX = 32 * 1024
ORIGIN_HEADER_COUNT_MAX = 256

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_OURS_TO_WRITE: CIMultiDict[None] = CIMultiDict([("Content-Type", None)])

OnResponse = Callable[[int, Headers], Awaitable[Headers]]
"""Given the status and what the origin says to the gate in its headers, returns headers to add to the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a room's requests go, and within which limits."""

    origin: str
    """Scheme, host and port, without a path."""
    timeout_seconds: float
    """From the request's last byte to the answer's header."""
    body_max_bytes: int


class _Request(aiohttp.ClientRequest):
    """A request that adds no headers of its own, and remembers whether its connection was opened for it."""

    fresh = False

    def update_auto_headers(self, skip_auto_headers: object) -> None:
        """Add nothing; the same through the session's option costs 6 µs a request."""
        self._skip_auto_headers = _NOT_OURS_TO_WRITE


class _Pool(aiohttp.TCPConnector):
    async def _create_connection(self, req: aiohttp.ClientRequest, traces: Any, timeout: Any) -> Any:
        if isinstance(req, _Request):
            req.fresh = True
        return await super()._create_connection(req, traces, timeout)


async def _once_more(req: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send; repeat once if the origin had closed the kept connection, where repeating cannot do harm.

    A failure leaves as OriginAway, which aiohttp takes for final: its own retry would also repeat PUT and DELETE.
    """
    try:
        response = await handler(req)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        kept = isinstance(req, _Request) and not req.fresh
        if isinstance(error, aiohttp.ClientConnectorError) or not kept or req.method not in _SAFE or req.body:
            raise OriginAway(repr(error)) from error
        try:
            response = await handler(req)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as again:
            raise OriginAway(repr(again)) from again
    if response.status in _REDIRECTS and "Sec-WebSocket-Key" in req.headers:
        response.close()  # ws_connect would follow it, to wherever the origin says
        raise OriginAway("a redirect in answer to a WebSocket handshake")
    return response


async def _pieces(first: Message, receive: Receive, limit_bytes: int, watch: Watch) -> AsyncIterator[bytes]:
    """The body, piece by piece as it comes. Ends the exchange if it is too large or cut short."""
    message, size = first, 0
    while message["type"] == "http.request":
        body = message.get("body", b"")
        size += len(body)
        if size > limit_bytes:
            watch.end(BodyTooLarge(f"more than {limit_bytes} bytes"))
            raise ConnectionAbortedError
        if body:
            yield body
        if not message.get("more_body", False):
            watch.uploaded()
            return
        watch.hold()
        message = await receive()
        watch.touch()
    watch.end(None)
    raise ConnectionAbortedError


def target(scope: Scope, origin: str) -> URL:
    """The address at the origin: the path and query of the request, byte for byte. Raises AmbiguousRequest."""
    path, query = scope["raw_path"], scope["query_string"]
    if path[:1] != b"/":
        raise AmbiguousRequest("path")
    text = (path + b"?" + query if query else path).decode("ascii", "strict")
    return URL(origin + text, encoded=True)


class Proxy:
    """The connections of this process to all origins. Call `open` in the running loop, `close` at the end.

    Unsafe requests travel on connections of their own: one that met an idle close could neither be repeated nor
    known to be lost, and no body is ever followed by another request.
    """

    def __init__(self, *, connections_max: int = 1000) -> None:
        self._connections_max = connections_max
        self._kept: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session for requests that may share connections, and for WebSockets. Raises RuntimeError before open."""
        if self._kept is None:
            raise RuntimeError("the proxy is not open")
        return self._kept

    async def open(self) -> None:
        """Create the sessions; opens no connection yet."""
        limit = self._connections_max
        self._kept = _session(_Pool(limit=limit, keepalive_timeout=IDLE_CONNECTION_SECONDS))
        self._single = _session(_Pool(limit=limit, force_close=True))

    async def close(self) -> None:
        """Close every connection to the origins."""
        for session in (self._kept, self._single):
            if session is not None:
                await session.close()
        self._kept = self._single = None

    async def forward(  # noqa: PLR0913 - what the gate decided, by name
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        upstream: Upstream,
        *,
        add: Headers,
        set_cookies: Headers,
        on_response: OnResponse | None = None,
    ) -> None:
        """Send one request to `upstream` and its answer to the visitor.

        `add` are request headers of ours, `set_cookies` answer headers of ours. Raises OriginAway, OriginSlow,
        BodyTooLarge or AmbiguousRequest while nothing has been answered; returns early if the visitor left.
        """
        url = target(scope, upstream.origin)
        headers = request_headers(scope["headers"], add)
        length = _body_length(scope, upstream)
        watch = Watch(receive, upstream.timeout_seconds, uploading=length != 0)
        answer = _Answer(send, set_cookies, on_response, watch)
        try:
            async with watch:
                body = None if length == 0 else await _body(receive, upstream, watch)
                if body is not None and length is not None:
                    headers.append(("Content-Length", str(length)))
                session = self.session if body is None and scope["method"] in _SAFE else self._single
                assert session is not None
                async with session.request(
                    scope["method"], url, headers=headers, data=body, allow_redirects=False
                ) as response:
                    await answer.relay(response)
        except EcluseError:
            if not answer.started:
                raise
            # The server sees an unfinished answer and closes the visitor's connection.
        except (aiohttp.ClientError, OSError) as error:
            if not answer.started:
                raise OriginAway(repr(error)) from error


def _body_length(scope: Scope, upstream: Upstream) -> int | None:
    """The length of the request's body; None if only its end will tell. Raises BodyTooLarge."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            length = None
        elif name == b"content-length":
            length = int(value)
            if length > upstream.body_max_bytes:
                raise BodyTooLarge(f"{length} bytes")
    return length


async def _body(receive: Receive, upstream: Upstream, watch: Watch) -> bytes | AsyncIterator[bytes]:
    """The body whole if it came in one small piece, else its pieces. The origin is not bothered before the first."""
    watch.hold()
    first = await receive()
    watch.touch()
    body: bytes = first.get("body", b"")
    if first["type"] == "http.request" and not first.get("more_body", False) and len(body) <= WHOLE_BODY_BYTES:
        if len(body) > upstream.body_max_bytes:
            raise BodyTooLarge(f"{len(body)} bytes")
        watch.uploaded()
        return body
    return _pieces(first, receive, upstream.body_max_bytes, watch)


class _Answer:
    """The origin's answer on its way to the visitor."""

    def __init__(self, send: Send, ours: Headers, on_response: OnResponse | None, watch: Watch) -> None:
        self._send = send
        self._ours = ours
        self._on_response = on_response
        self._watch = watch
        self.started = False

    async def relay(self, response: aiohttp.ClientResponse) -> None:
        """Send the header, then each piece of the body as it comes, no faster than the visitor takes it."""
        status, raw, watch = response.status, response.raw_headers, self._watch
        if status == 101:
            raise OriginAway("the origin switched protocols unasked")
        headers = response_headers(raw, status)
        watch.hold()
        headers += self._ours
        if self._on_response is not None:
            told = [(name.lower(), value) for name, value in raw if name[:7].lower() == b"ecluse-"]
            headers += await self._on_response(status, told)
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        watch.limit_seconds = max(watch.limit_seconds, STREAM_IDLE_SECONDS)
        watch.touch()
        content = response.content
        piece = await content.readany()
        while not content.at_eof():
            watch.hold()
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            watch.touch()
            piece = await content.readany()
        watch.hold()
        await self._send({"type": "http.response.body", "body": piece})


def _session(connector: _Pool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        max_line_size=ORIGIN_FIELD_BYTES_MAX,
        max_field_size=ORIGIN_FIELD_BYTES_MAX,
        max_headers=ORIGIN_HEADER_COUNT_MAX,
        request_class=_Request,
        middlewares=(_once_more,),
    )
