"""A room's board in the memory of a process: refreshed at most four times a second, however many ask for it."""

import asyncio
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import structlog

from ecluse.domain.board import Board, LaneBoard, Marks, Phase
from ecluse.domain.draw import place
from ecluse.domain.errors import StoreAway
from ecluse.domain.estimate import FIRST_SLOWNESS, Throughput
from ecluse.domain.room import Room
from ecluse.store.rooms import RoomStore

log = structlog.get_logger()
REFRESH_SECONDS = 0.25
STALE_MS = 10_000
"""A board older than this says so: no worker has put up another."""
_ENDED_OVERLAP_MS = 5_000.0
_MOVED_OVERLAP_SECONDS = 10.0
"""More than a moment of move.lua may be ahead of the clock: none is missed."""
_SILENT_REFRESHES = 8


class BoardView:
    """The latest board of one room, whose visit is over, and whose place moved to another device."""

    def __init__(self, room: Room, store: RoomStore, *, keep_ms: float = 86_400_000) -> None:
        self.room = room
        self._store = store
        self._changed: asyncio.Future[None] | None = None
        self._published = b""
        self._missed_refreshes = 0
        self._ended: dict[str, float] = {}
        self._ended_until_ms = 0.0
        self._moved: dict[str, int] = {}
        self._moved_until = 0.0
        self._keep_seconds = keep_ms / 1000
        self._show(_first_board(room), stale=True)

    def _show(self, document: dict[str, Any], *, stale: bool) -> None:
        document["stale"] = stale
        raw = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self._set(document, raw)

    def _set(self, document: dict[str, Any], raw: bytes) -> None:
        self.document = document
        self.raw = raw
        self.version = hashlib.blake2b(raw, digest_size=9).hexdigest()
        self.epoch: str = document["epoch"]
        self.stale: bool = document["stale"]
        self.phase: str = document["phase"]
        self.lets_in = self.phase in (Phase.OPEN, Phase.IDLE)
        """Whether people are let in, so that a wait can be told."""
        self.automatic: bool = document.get("pace") == "auto"
        campaign = document.get("campaign") or {}
        self.campaign_at_ms: int = campaign.get("started_at_ms", 0)
        self.first_number: int = campaign.get("first_number", 0)
        self.draw: Mapping[str, Any] = document.get("draw") or {}
        healing = document.get("healing")
        self.is_healing = healing is not None
        """Whether a line that Redis lost is coming back."""
        self.healing_since_ms: float = healing["since_ms"] if healing else -math.inf
        seed, last = self.draw.get("seed"), self.draw.get("last_number")
        self._seed = bytes.fromhex(seed) if seed else None
        self._last_drawn: float = math.inf if last is None else last
        self.lanes: Mapping[str, Any] = document["lanes"]
        self._serving: dict[str, float] = {name: lane["serving"] for name, lane in self.lanes.items()}
        self._marks = {name: Marks(lane["marks"], lane["waiting"]) for name, lane in self.lanes.items()}
        self._last: dict[str, float] = {
            name: lane["marks"][-1][0] for name, lane in self.lanes.items() if lane["marks"]
        }
        self.slower: Mapping[str, str] = document.get("slower") or {}
        self._speed = {name: _throughput(lane) for name, lane in self.lanes.items()}
        self.pulse()

    def next_change(self) -> "asyncio.Future[None]":
        """One future shared by everybody who waits for the next board."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed

    def pulse(self) -> None:
        """Wake those who wait although nothing changed: streams need a sign of life, and notice who left."""
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        self._changed = None

    async def refresh(self, now_ms: float) -> None:
        """Fetch the board, and what ended and moved, in one round trip.

        Says stale when that fails for two seconds or the board is old.
        """
        try:
            published, ended, moved = await asyncio.gather(
                self._store.board(),
                self._store.ended_since(self._ended_until_ms - _ENDED_OVERLAP_MS),
                self._store.moved_since(self._moved_until - _MOVED_OVERLAP_SECONDS),
            )
        except StoreAway as error:
            self._missed_refreshes += 1
            if self._missed_refreshes == _SILENT_REFRESHES and not self.stale:
                log.warning("board_stale", room=self.room.id, why=str(error))
                self._show(self.document, stale=True)
                self._published = b""
            return
        self._missed_refreshes = 0
        self._note_ended(ended, now_ms)
        self._note_moved(moved, now_ms)
        if not published:
            return
        old = now_ms - self.document["at_ms"] > STALE_MS
        if published != self._published or old != self.stale:
            self._published = published
            document = json.loads(published)
            if now_ms - document["at_ms"] > STALE_MS:
                self._show(document, stale=True)
            else:
                self._set(document, published)

    def _note_ended(self, ended: list[tuple[str, float]], now_ms: float) -> None:
        for name, when_ms in ended:
            self._ended[name] = when_ms
            self._ended_until_ms = max(self._ended_until_ms, when_ms)
        horizon = now_ms - self.room.session_max_ms - 60_000
        if self._ended and next(iter(self._ended.values())) < horizon:
            self._ended = {name: when for name, when in self._ended.items() if when >= horizon}

    def _note_moved(self, moved: list[tuple[str, float]], now_ms: float) -> None:
        for name, moment in moved:
            self.note_moved(name, int(moment))
            self._moved_until = max(self._moved_until, moment)
        horizon = now_ms / 1000 - self._keep_seconds
        if self._moved and next(iter(self._moved.values())) < horizon:
            self._moved = {name: moment for name, moment in self._moved.items() if moment >= horizon}

    def note_moved(self, ticket_id: str, moment: int) -> None:
        """This place moved to another device at `moment`: copies of its ticket issued before it hold nothing."""
        self._moved[ticket_id] = max(moment, self._moved.get(ticket_id, 0))

    def moved_at(self, ticket_id: str, issued_at: int) -> int | None:
        """When the place moved away from the copy issued at that second; None if it is the one that holds it."""
        moment = self._moved.get(ticket_id)
        return moment if moment is not None and issued_at < moment else None

    def note_ended(self, session: str, now_ms: float) -> None:
        """This process itself just ended a visit: no need to wait for the next refresh."""
        self._ended[session] = now_ms

    def is_ended(self, session: str) -> bool:
        """Whether this visit (or ticket) is known to be over."""
        return session in self._ended

    def is_over(self, session: str, admitted_at_seconds: int) -> bool:
        """Whether a visit is over: ended, or admitted in an earlier campaign."""
        return session in self._ended or admitted_at_seconds * 1000 < self.campaign_at_ms

    @property
    def is_undrawn(self) -> bool:
        """Whether those who came before the opening are still to be drawn."""
        return bool(self.draw) and self.phase in (Phase.PREQUEUE, Phase.DRAWING, Phase.PAUSED) and self._seed is None

    def drawn_place(self, ticket_id: str, number: int) -> float | None:
        """The place of a ticket that was to be drawn; None before the draw, or if it came after the list was fixed."""
        if self._seed is None or not self.first_number < number <= self._last_drawn:
            return None
        return place(self._seed, ticket_id)

    def ahead(self, lane: str, place: float) -> int | None:
        """How many stand before a waiting ticket at `place`; None if the board cannot tell.

        It may have been called; or it joined after the board was made, as did others that the board does not count.
        """
        if not self._serving.get(lane, math.inf) < place <= self._last.get(lane, -math.inf):
            return None
        return self._marks[lane].ahead_of(place)

    def last_ahead(self, lane: str, place: float) -> int:
        """The same from the last board there is, however old: for when nothing better can be had."""
        marks = self._marks.get(lane)
        return 0 if marks is None else marks.ahead_of(place)

    def throughput(self, lane: str) -> Throughput:
        """Calls per minute of a lane, as the board says."""
        return self._speed[lane]


def _throughput(lane: Mapping[str, Any]) -> Throughput:
    return Throughput(p50=lane["calls_per_minute"]["p50"], slow=lane["calls_per_minute"]["slow"])


def _first_board(room: Room) -> dict[str, Any]:
    """What to show before any worker put up a board."""
    speed = Throughput(p50=room.pace_per_minute, slow=room.pace_per_minute / FIRST_SLOWNESS)
    lanes = {lane.id: LaneBoard(waiting=0, serving=0, calls_per_minute=speed, marks=()) for lane in room.lanes}
    board = Board(
        room=room.id, epoch="", at_ms=0, phase=Phase.IDLE, notice=room.notice,
        pace_per_minute=room.pace_per_minute, waiting=0, called=0, admitted=0, lanes=lanes,
    )  # fmt: skip
    return board.document()
