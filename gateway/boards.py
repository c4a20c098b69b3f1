"""The board over HTTP: the same bytes for everybody, made once per change, and the same as server-sent events."""

import asyncio
import gzip

from ecluse.domain.errors import TooManyStreams
from ecluse.services.boards import BoardView
from ecluse.telemetry import RequestOutcome
from gateway.asgi import Headers, Receive, Scope, Send
from gateway.directory import RoomEdge, Table, read_only
from gateway.prepared import Prepared
from gateway.problems import send_problem

STREAMS_MAX = 10_000
"""Streams per process; beyond, polling is the better service (PERF.md)."""
_KEEP_ALIVE = b": still here\n\n"
_COMMON: Headers = [
    (b"cache-control", b"public, max-age=1"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag"),
    (b"vary", b"Accept-Encoding"),
]


class _Made:
    """One version of a board, ready to send plain and packed."""

    def __init__(self, board: BoardView) -> None:
        self.version = board.version
        self.stem = b'"' + board.version.encode()
        raw, packed = board.raw, gzip.compress(board.raw, compresslevel=6, mtime=0)
        kind = (b"content-type", b"application/json")
        plain_tag, packed_tag = (b"etag", self.stem + b'"'), (b"etag", self.stem + b'-gz"')
        encoding = (b"content-encoding", b"gzip")
        self.plain = (Prepared([*_COMMON, kind, plain_tag], len(raw)), raw)
        self.packed = (Prepared([*_COMMON, kind, packed_tag, encoding], len(packed)), packed)
        self.unchanged = {False: [*_COMMON, plain_tag], True: [*_COMMON, packed_tag]}
        self.event = b"event: board\ndata: " + raw + b"\n\n"


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
        packed = seen = False
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                seen = made.stem in value or value == b"*"
            elif name == b"accept-encoding":
                packed = b"gzip" in value
        if seen:
            await send({"type": "http.response.start", "status": 304, "headers": made.unchanged[packed]})
            await send({"type": "http.response.body", "body": b""})
            return
        headers, body = made.packed if packed else made.plain
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

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
