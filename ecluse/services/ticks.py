"""What time triggers in one room: calls missed, visits over, the front of the line called, the board put up.

No leader: whoever takes the turn (`tick.lua`) has a picture nobody else has, and calls only while that picture holds.
All it learns is kept in Redis, so that any worker may take the next turn.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecluse.domain.board import Board, LaneBoard, Mark, mark_ranks, phase_of
from ecluse.domain.calling import STRETCHES, Demand, ShowModel, awaited_seconds, calls_wanted
from ecluse.domain.estimate import FIRST_SLOWNESS, Throughput
from ecluse.domain.healing import told as healing_told
from ecluse.domain.prospect import Prospects
from ecluse.domain.room import Room
from ecluse.services.autopace import AutoPace
from ecluse.services.counting import Counting
from ecluse.services.empty import may_call, mode_shown, notice_shown
from ecluse.services.lives import Lives
from ecluse.services.opening_board import OpeningNow
from ecluse.services.openings import Openings
from ecluse.services.prospects import room_turn
from ecluse.services.series import Series
from ecluse.store.draws import DrawStore
from ecluse.store.line import Line

TURN_MS = 250
"""Four turns a second, however many workers there are."""
MARKS_MS = 1000
CALLS_IN_A_PIECE, MARKS_IN_A_PIECE = 150, 120
"""Redis serves nobody else during a piece: each must be short, however long the line."""
_EXPIRE_PIECES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a turn saw and did, for metrics and logs."""

    waiting: Mapping[str, int]
    called: int
    admitted: int
    pace_per_minute: float
    show_rate: float
    claim_delay_seconds: float
    newly_called: int
    missed: int
    published: bool
    window: int | None
    """The session window in force, where the pace is automatic."""


@dataclass(slots=True, kw_only=True)
class _Memory:
    """What travels from turn to turn, as JSON in the room's state."""

    model: ShowModel
    heard: list[float]
    prospects: Prospects
    posted: list[Any]
    """Phase and settings version of the board that is up."""
    auto: dict[str, Any]
    """The session window; empty where the pace is set by hand."""
    series: dict[str, Any]
    """The counters at the start of this minute."""
    empty_ms: float | None  # see ecluse.services.empty

    @classmethod
    def read(cls, text: str) -> "_Memory":
        """What was remembered; a fresh start where there is nothing, or nothing that this version can read."""
        try:
            return cls._of(json.loads(text) if text else {})
        except (ValueError, TypeError, AttributeError):
            return cls._of({})

    @classmethod
    def _of(cls, found: Mapping[str, Any]) -> "_Memory":
        nothing = [0.0] * STRETCHES
        claims, awaited, heard = (found.get(name, nothing) for name in ("claims", "awaited", "heard"))
        if not len(claims) == len(awaited) == len(heard) == STRETCHES:
            raise ValueError("remembered by a version with other stretches")
        return cls(
            model=ShowModel(claims=tuple(map(float, claims)), awaited_seconds=tuple(map(float, awaited))),
            heard=list(map(float, heard)),
            prospects=Prospects.of(found.get("prospects", {})),
            posted=list(found.get("posted", [])),
            auto=dict(found.get("auto", {})),
            series=dict(found.get("series", {})),
            empty_ms=found.get("empty"),
        )

    def text(self, summary: Mapping[str, object]) -> str:
        return json.dumps(
            {
                "claims": [round(n, 4) for n in self.model.claims],
                "awaited": [round(n, 4) for n in self.model.awaited_seconds],
                "heard": self.heard,
                "prospects": self.prospects.plain(),
                "posted": self.posted,
                "auto": self.auto,
                "series": self.series,
                "empty": self.empty_ms,
                **summary,
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What goes on the board of a turn; `empty`: no slot is left, and the room stops for it."""

    picture: Any
    opening: OpeningNow
    called: Mapping[str, int]
    empty: bool


class RoomTicks:
    """The turns one worker takes in one room."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._auto = AutoPace(line)
        self._series = Series(line)
        self._openings = Openings(DrawStore(line), line.room)
        self._marks: dict[str, list[Mark]] = {}
        self._marked_ms = -math.inf
        self._calls_known = -1
        """All calls ever made, as of our own latest turn: another number means that another worker called since."""
        self._lives = Lives(line)
        self._counting = Counting(line)

    @property
    def room(self) -> Room:
        """The room these turns are for."""
        return self._line.room

    async def turn(self) -> Report | None:
        """Take a turn; None if another worker has it, or is to have it. Raises StoreAway."""
        picture = await self._line.tick(TURN_MS * 0.8, self._lives.next_epoch)
        if picture is None:
            await self._openings.look()
            return None
        if (opening := await self._openings.keep(picture)) is None:
            return None
        await self._lives.follow(picture, opening.campaign)
        await self._counting.keep(float(picture["now_ms"]))
        missed = await self._expire()
        memory = _Memory.read(picture["memory"])
        self._learn(memory, picture)
        picture["pace"] = picture["pace"] or self.room.pace
        memory.auto = await self._auto.step(picture, memory.auto)
        memory.series = await self._series.note(picture, memory.series)
        most, memory.empty_ms = may_call(self.room, picture, memory.empty_ms)
        called = await self._call(picture, memory.model, most=most)
        for name, moved in called.items():
            picture["lanes"][name]["waiting"] -= moved
        memory.prospects = memory.prospects.after(room_turn(self.room, picture, called, memory.model, self._marks))
        picture["called"] += sum(called.values()) - missed
        board = Shown(picture=picture, opening=opening, called=called, empty=most is not None)
        published = await self._publish(memory, board, marks_hold=picture["calls"] == self._calls_known)
        self._calls_known = picture["calls"] + sum(called.values())
        return Report(
            waiting={name: lane["waiting"] for name, lane in picture["lanes"].items()},
            called=picture["called"],
            admitted=picture["active"],
            pace_per_minute=picture["pace_per_minute"],
            show_rate=memory.model.show_after(self.room.claim_ms)[0],
            claim_delay_seconds=memory.model.delay_seconds(self.room.claim_ms),
            newly_called=sum(called.values()),
            missed=missed,
            published=published,
            window=self._auto.in_force(memory.auto),
        )

    async def _expire(self) -> int:
        total = 0
        for _ in range(_EXPIRE_PIECES):
            more, missed, _over = await self._line.expire()
            total += missed
            if not more:
                break
        return total

    def _learn(self, memory: _Memory, picture: Any) -> None:
        awaited = awaited_seconds(picture["past"], picture["long_past"], float(picture["watched_ms"]))
        fresh = [max(0.0, new - old) for new, old in zip(picture["heard"], memory.heard, strict=True)]
        memory.model = memory.model.learnt(fresh, awaited)
        memory.heard = picture["heard"]

    async def _call(self, picture: Any, model: ShowModel, *, most: int | None = None) -> Mapping[str, int]:
        """Call as many as it takes, at `most` so many; how many of each lane. The picture's serving places move on."""
        waiting = sum(lane["waiting"] for lane in picture["lanes"].values())
        if waiting == 0 or picture["mode"] not in ("open", "queueing"):
            return {}
        interval_ms = 60_000 / picture["pace_per_minute"]
        demand = Demand(
            waiting=waiting,
            tokens=picture["burst"] - picture["owed_ms"] / interval_ms,
            interval_ms=interval_ms,
            places_free=picture["capacity"] - picture["active"] if picture["capacity"] else math.inf,
            pressing=picture["pressing"],
            silent=picture["silent"],
            window_ms=self.room.claim_ms,
        )
        wanted = min(calls_wanted(demand, model), waiting if most is None else most)
        moved: dict[str, int] = {}
        seen: int = picture["calls"]
        while wanted > 0:
            piece = min(wanted, CALLS_IN_A_PIECE)
            called = await self._line.call(piece, seen)
            if not called:
                break
            for name, (count, serving) in called.items():
                moved[name] = moved.get(name, 0) + count
                picture["lanes"][name]["serving"] = serving
                seen += count
            wanted -= piece
        return moved

    async def _publish(self, memory: _Memory, board: Shown, *, marks_hold: bool) -> bool:
        picture, called = board.picture, board.called
        now_ms = float(picture["now_ms"])
        waiting = sum(lane["waiting"] for lane in picture["lanes"].values())
        phase = phase_of(mode_shown(picture["mode"], empty=board.empty), waiting, picture["called"])
        posted = [phase.value, picture["version"], board.opening.digest]
        due = not marks_hold or not 0 <= now_ms - self._marked_ms < MARKS_MS
        if due:
            await self._mark(picture, to_draw=board.opening.to_draw)
            self._marked_ms = now_ms
        else:
            self._shift(called)
        text = b""
        if due or sum(called.values()) > 0 or posted != memory.posted:
            memory.posted = posted
            document = self._board(memory, board).document()
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        window_ms = self.room.claim_ms
        summary = {
            "show_rate": round(memory.model.show_after(window_ms)[0], 3),
            "claim_delay_seconds": round(memory.model.delay_seconds(window_ms), 2),
        }
        await self._line.publish(text, memory.text(summary), self._auto.in_force(memory.auto))
        return bool(text)

    async def _mark(self, picture: Any, *, to_draw: bool) -> None:
        for name, lane in picture["lanes"].items():
            # Before a draw is done, the order in which people stand means nothing.
            ranks = [] if to_draw else mark_ranks(lane["waiting"])
            places: list[float] = []
            for at in range(0, len(ranks), MARKS_IN_A_PIECE):
                places += await self._line.places(name, ranks[at : at + MARKS_IN_A_PIECE])
            self._marks[name] = list(zip(places, ranks, strict=False))

    def _shift(self, called: Mapping[str, int]) -> None:
        """Marks of this second, after calls: everybody behind moved up by that many."""
        for name, moved in called.items():
            if moved:
                marks = self._marks.get(name, [])
                self._marks[name] = [(place, ahead - moved) for place, ahead in marks if ahead >= moved]

    def _board(self, memory: _Memory, shown: Shown) -> Board:
        picture, opening = shown.picture, shown.opening
        pace = picture["pace_per_minute"]
        at_first = Throughput(p50=pace, slow=pace / FIRST_SLOWNESS)
        quotas = {lane.id: lane.quota for lane in self._line.room.lanes}
        lanes = {
            name: LaneBoard(
                waiting=lane["waiting"],
                serving=lane["serving"],
                calls_per_minute=memory.prospects.rates.get(name, at_first),
                marks=self._marks.get(name, []),
                quota_left=max(0, quotas[name] - int(lane.get("quota_used", 0))) if quotas[name] else None,
            )
            for name, lane in picture["lanes"].items()
        }
        waiting = sum(lane.waiting for lane in lanes.values())
        return Board(
            room=self.room.id,
            epoch=picture["epoch"],
            at_ms=int(float(picture["now_ms"])),
            phase=phase_of(mode_shown(picture["mode"], empty=shown.empty), waiting, picture["called"]),
            notice=notice_shown(self.room, picture, empty=shown.empty),
            pace_per_minute=picture["pace_per_minute"],
            waiting=waiting,
            called=picture["called"],
            admitted=picture["active"],
            lanes=lanes,
            slower=memory.prospects.slower(),
            opens_at=opening.opens_at,
            closes_at=opening.closes_at,
            campaign=opening.campaign,
            draw=opening.draw,
            slots_left=picture.get("slots_left"),
            automatic=self._auto.in_force(memory.auto) is not None,
            healing=healing_told(picture.get("healing"), float(picture["now_ms"]), self.room.return_seconds),
        )
