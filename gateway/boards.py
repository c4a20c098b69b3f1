"""The board over HTTP: the same bytes for everybody, made once per change, and the same as server-sent events."""

import asyncio
import gzip
from dataclasses import dataclass

from ecluse.domain.errors import TooManyStreams
from ecluse.services.boards import BoardView
from ecluse.telemetry import RequestOutcome
from gateway.asgi import Headers, Receive, Scope, Send
from gateway.directory import RoomEdge, Table, read_only
from gateway.page_files import pack_brotli, takes_brotli, takes_gzip
from gateway.prepared import Prepared
from gateway.problems import send_problem

STREAMS_MAX = 10_000
"""Streams per process; beyond, polling is the better service."""
_KEEP_ALIVE = b": still here\n\n"
_COMMON: Headers = [
    (b"cache-control", b"public, max-age=1"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag"),
    (b"vary", b"Accept-Encoding"),
]
_BROTLI_QUALITY = 10
"""A third smaller than gzip, for a millisecond or two a version."""
_FORMS_MOST = 64
"""Browsers send a handful of different Accept-Encodings; what others make up is looked at each time."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One version of a board in one encoding, ready to send."""

    head: Prepared
    body: bytes
    unchanged: Headers


class _Made:
    """One version of a board, packed in each encoding when it is first asked for."""

    def __init__(self, board: BoardView) -> None:
        self.version = board.version
        self.stem = b'"' + board.version.encode()
        self.event = b"event: board\ndata: " + board.raw + b"\n\n"
        self._raw = board.raw
        self.forms: dict[bytes, _Form] = {}
        """By encoding, and by the Accept-Encoding that asked for it."""

    def form(self, accepted: bytes) -> _Form:
        """The board in the best encoding of an Accept-Encoding; each has a strong ETag of its own (RFC 9110 §8.8.3)."""
        name = b"br" if takes_brotli(accepted) else b"gzip" if takes_gzip(accepted) else b""
        found = self.forms.get(name)
        if found is None:
            found = self.forms[name] = self._pack(name.decode())
        if len(self.forms) < _FORMS_MOST:
            self.forms[accepted] = found
        return found

    def _pack(self, encoding: str) -> _Form:
        headers: Headers = [*_COMMON, (b"etag", self.stem + (f'-{encoding}"' if encoding else '"').encode())]
        typed: Headers = [*headers, (b"content-type", b"application/json")]
        match encoding:
            case "br":
                body = pack_brotli(self._raw, _BROTLI_QUALITY)
                typed.append((b"content-encoding", b"br"))
            case "gzip":
                body = gzip.compress(self._raw, compresslevel=6, mtime=0)
                typed.append((b"content-encoding", b"gzip"))
            case _:
                body = self._raw
        return _Form(Prepared(typed, len(body)), body, headers)


class Boards:
    """The boards of all rooms, over HTTP."""

    def __init__(self) -> None:
        self._made: dict[str, _Made] = {}
        self._streams = 0

    @property
    def table(self) -> Table:
        """What is served here."""
        return {
            b"/board.json": read_only(self.board),
            b"/board/events": {"GET": self.events},
        }

    def _latest(self, room: RoomEdge) -> _Made:
        made = self._made.get(room.id)
        if made is None or made.version != room.board.version:
            made = self._made[room.id] = _Made(room.board)
        return made

    async def board(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The board; 304 where the visitor has this version already (RFC 9110 §13.1.2)."""
        made = self._latest(room)
        room.metrics.requests[RequestOutcome.BOARD].inc()
        accepted, seen = b"", False
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                seen = made.stem in value or value == b"*"
            elif name == b"accept-encoding":
                accepted = value
        form = made.forms.get(accepted) or made.form(accepted)
        if seen:
            await send({"type": "http.response.start", "status": 304, "headers": form.unchanged})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": form.head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else form.body})

    async def events(self, room: RoomEdge, _scope: Scope, receive: Receive, send: Send) -> None:
        """The board as server-sent events: one now, one at every change. All streams wait on one shared future."""
        if self._streams >= STREAMS_MAX:
            await send_problem(send, TooManyStreams())
            return
        self._streams += 1
        gone = asyncio.ensure_future(receive())
        try:
            headers: Headers = [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
                (b"access-control-allow-origin", b"*"),
                (b"x-accel-buffering", b"no"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            shown = ""
            while True:
                made = self._latest(room)
                piece = _KEEP_ALIVE if made.version == shown else made.event
                shown = made.version
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.shield(room.board.next_change())
                # Nothing but a disconnect comes after the body of a GET.
                while gone.done():
                    if gone.result()["type"] == "http.disconnect":
                        return
                    gone = asyncio.ensure_future(receive())
                    await asyncio.sleep(0)
        finally:
            self._streams -= 1
            gone.cancel()
