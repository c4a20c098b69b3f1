"""The public side of a draw: its record and the list of those drawn, the same bytes for everybody, kept in memory.

Both change only when the draw goes a state further, which the board tells; after the draw they stay as they are until
the next campaign. Pure ASGI.
"""

import gzip
import hashlib

from ecluse.domain.errors import NotFound
from gateway.asgi import Headers, Receive, Scope, Send, header
from gateway.directory import RoomEdge

LIST_PIECE_BYTES = 96 * 1024
_SEND_BYTES = 256 * 1024
_MOVING = (b"cache-control", b"public, max-age=1")
_SETTLED = (b"cache-control", b"public, max-age=60")
_OPEN: Headers = [(b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"nosniff")]


class _Kept:
    """One document as it is served, plain and packed."""

    def __init__(self, stage: str, body: bytes) -> None:
        self.stage = stage
        self.body = body
        self.packed = gzip.compress(body, compresslevel=1, mtime=0)
        self.stem = b'"' + hashlib.blake2b(body, digest_size=9).hexdigest().encode()


class Draws:
    """The draws of all rooms, over HTTP."""

    def __init__(self) -> None:
        self._records: dict[str, _Kept] = {}
        self._lists: dict[str, _Kept] = {}

    @staticmethod
    def _stage(room: RoomEdge) -> str:
        """How far the draw of which campaign is, as the board says. Raises NotFound in a room that draws nothing."""
        if not room.board.draw:
            raise NotFound
        return f"{room.board.campaign_at_ms} {room.board.draw['state']} {room.board.epoch}"

    async def record(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """draw.json: commitment, root, deciding value and seed, as far as they are public. Raises StoreAway."""
        stage = self._stage(room)
        kept = self._records.get(room.id)
        if kept is None or kept.stage != stage:
            found = await room.store.draw_record()
            if found is None:
                raise NotFound
            kept = self._records[room.id] = _Kept(stage, found)
        await _serve(scope, send, kept, b"application/json", settled=room.board.draw["seed"] is not None)

    async def tickets(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """draw/tickets.txt: the ids drawn, sorted, a line each; 404 until the list is fixed. Raises StoreAway."""
        self._stage(room)
        if room.board.draw["root"] is None:
            raise NotFound
        stage = f"{room.board.campaign_at_ms} {room.board.draw['root']}"
        kept = self._lists.get(room.id)
        if kept is None or kept.stage != stage:
            body = bytearray()
            while piece := await room.store.drawn_ids(len(body), LIST_PIECE_BYTES):
                body += piece
            if len(body) != 12 * room.board.draw["n"]:
                # Redis lost the list, or this gateway does not see the new one yet.
                raise NotFound
            kept = self._lists[room.id] = _Kept(stage, bytes(body))
        await _serve(scope, send, kept, b"text/plain; charset=utf-8", settled=True)


async def _serve(scope: Scope, send: Send, kept: _Kept, kind: bytes, *, settled: bool) -> None:
    packed = b"gzip" in (header(scope, b"accept-encoding") or b"")
    body = kept.packed if packed else kept.body
    headers: Headers = [
        *_OPEN, (b"content-type", kind), _SETTLED if settled else _MOVING, (b"vary", b"Accept-Encoding"),
        (b"etag", kept.stem + (b'-gz"' if packed else b'"')),
    ]  # fmt: skip
    if kept.stem in (header(scope, b"if-none-match") or b""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    if packed:
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for at in range(0, len(body) if scope["method"] == "GET" else 0, _SEND_BYTES):
        await send({"type": "http.response.body", "body": body[at : at + _SEND_BYTES], "more_body": True})
    await send({"type": "http.response.body", "body": b""})
