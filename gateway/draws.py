"""The public side of a draw: its record and the list of those drawn, the same bytes for everybody, kept in memory.

Both change only when the draw goes a state further, which the board tells; after the draw they stay as they are until
the next campaign. Pure ASGI.
"""

import asyncio
import bisect
import gzip
import hashlib
import json
import re
from dataclasses import dataclass

from ecluse.domain import draw, merkle
from ecluse.domain.errors import BadInput, NotFound
from gateway.asgi import Headers, Receive, Scope, Send, header, respond
from gateway.directory import RoomEdge, Table, read_only
from gateway.page_files import takes_gzip
from gateway.requests import query

LIST_PIECE_BYTES = 96 * 1024
_SEND_BYTES = 256 * 1024
_LINE_BYTES = 12
_BLOCKS_IN_A_PIECE = 16
_TICKET = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)
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


class _List(_Kept):
    """The list of those drawn, and what proofs out of it are made from: under half a second of work, once."""

    def __init__(self, stage: str, body: bytes) -> None:
        super().__init__(stage, body)
        self.n = len(body) // _LINE_BYTES
        self._roots: list[bytes] = []
        self._preparing = asyncio.Lock()

    def ids(self, start: int, most: int) -> list[str]:
        """The ids from the one at `start` on."""
        return self.body[start * _LINE_BYTES : (start + most) * _LINE_BYTES].decode().split()

    def index_of(self, ticket_id: str) -> int | None:
        """At which line an id stands, from 0; None if it is not there."""
        at = bisect.bisect_left(range(self.n), ticket_id, key=lambda line: self.ids(line, 1)[0])
        return at if at < self.n and self.ids(at, 1)[0] == ticket_id else None

    async def proof(self, index: int) -> list[bytes]:
        """The hashes that lead from a line to the root; others are served while it is prepared."""
        async with self._preparing:
            while len(self._roots) * merkle.BLOCK < self.n:
                self._roots.append(merkle.block_root(self.ids(len(self._roots) * merkle.BLOCK, merkle.BLOCK)))
                if len(self._roots) % _BLOCKS_IN_A_PIECE == 0:
                    await asyncio.sleep(0)
        return merkle.proof_in_blocks(self.ids(index - index % merkle.BLOCK, merkle.BLOCK), index, self._roots)


class Draws:
    """The draws of all rooms, over HTTP."""

    def __init__(self) -> None:
        self._records: dict[str, _Kept] = {}
        self._lists: dict[str, _List] = {}

    @property
    def table(self) -> Table:
        """What is served here."""
        return {
            b"/draw.json": read_only(self.record),
            b"/draw/tickets.txt": read_only(self.tickets),
            b"/draw/proof": read_only(self.proof),
        }

    @staticmethod
    def _stage(room: RoomEdge) -> str:
        """How far the draw of which campaign is, as the board says. Raises NotFound in a room that draws nothing."""
        if not room.board.draw:
            raise NotFound
        return f"{room.board.campaign_at_ms} {room.board.draw['state']} {room.board.epoch}"

    async def record(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """draw.json: commitment, root, deciding value and seed, as far as they are public. Raises StoreAway."""
        kept = await self.published(room)
        await _serve(scope, send, kept, b"application/json", settled=room.board.draw["seed"] is not None)

    async def published(self, room: RoomEdge) -> _Kept:
        """The record as it is public now. Raises NotFound, StoreAway."""
        stage = self._stage(room)
        kept = self._records.get(room.id)
        if kept is None or kept.stage != stage:
            found = await room.store.draw_record()
            if found is None:
                raise NotFound
            kept = self._records[room.id] = _Kept(stage, found)
        return kept

    async def tickets(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """draw/tickets.txt: the ids drawn, sorted, a line each; 404 until the list is fixed. Raises StoreAway."""
        await _serve(scope, send, await self.listed(room), b"text/plain; charset=utf-8", settled=True)

    async def listed(self, room: RoomEdge) -> _List:
        """The list as it is fixed. Raises NotFound, StoreAway."""
        self._stage(room)
        if room.board.draw["root"] is None:
            raise NotFound
        stage = f"{room.board.campaign_at_ms} {room.board.draw['root']}"
        kept = self._lists.get(room.id)
        if kept is None or kept.stage != stage:
            body = bytearray()
            while piece := await room.store.drawn_ids(len(body), LIST_PIECE_BYTES):
                body += piece
            if len(body) != _LINE_BYTES * room.board.draw["n"]:
                # Redis lost the list, or this gateway does not see the new one yet.
                raise NotFound
            kept = self._lists[room.id] = _List(stage, bytes(body))
        return kept

    async def proof(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """draw/proof?id=…: that this id is on the list, in some hashes. Raises BadInput, NotFound, StoreAway."""
        ticket_id = query(scope).get("id", "")
        if not _TICKET.fullmatch(ticket_id):
            raise BadInput("id: that of a ticket, 11 characters.")
        listed = await self.listed(room)
        index = listed.index_of(ticket_id)
        if index is None:
            raise NotFound
        document: dict[str, object] = {
            "room": room.id, "n": listed.n, "root": room.board.draw["root"], "id": ticket_id, "index": index,
            "proof": [each.hex() for each in await listed.proof(index)],
        }  # fmt: skip
        kind = (b"content-type", b"application/json")
        await respond(send, 200, [*_OPEN, kind, _SETTLED], json.dumps(document, separators=(",", ":")).encode())

    async def found(self, room: RoomEdge, ticket_id: str | None) -> "Found | None":
        """What the list says of a ticket; None if none is meant, or the list is not fixed yet. Raises StoreAway."""
        if ticket_id is None or not _TICKET.fullmatch(ticket_id):
            return None
        try:
            listed = await self.listed(room)
        except NotFound:
            return None
        index, seed = listed.index_of(ticket_id), room.board.draw["seed"]
        place = None if index is None or seed is None else draw.place(bytes.fromhex(seed), ticket_id)
        return Found(id=ticket_id, index=index, place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One ticket in the list: its line from 0 (None: it is not there), and its draw value once it is drawn."""

    id: str
    index: int | None
    place: float | None


async def _serve(scope: Scope, send: Send, kept: _Kept, kind: bytes, *, settled: bool) -> None:
    packed = takes_gzip(header(scope, b"accept-encoding") or b"")
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
