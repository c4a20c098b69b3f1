"""A room with hours over the bench of the store: its day, and somebody who takes turns in it."""

import json
from typing import Any
from zoneinfo import ZoneInfo

from ecluse.domain.opening import DrawKind, Hours, Timetable
from ecluse.services.ticks import RoomTicks
from ecluse.store.line import Entry
from ecluse.store.rooms import RoomStore
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, START_MS, Bench, OpenBench

MINUTE = 60_000
GATHER_MS = START_MS + 30 * MINUTE
OPEN_MS = START_MS + 60 * MINUTE
CLOSE_MS = START_MS + 180 * MINUTE
DAY_MS = 1440 * MINUTE
# START_MS is 08:00 UTC on a Friday.
TABLE = Timetable(zone=ZoneInfo("UTC"), weekly=dict.fromkeys(range(7), (Hours(540, 660),)), prequeue_minutes=30)


class Day:
    """One room with hours, gathering from 08:30, open from 09:00 to 11:00 every day."""

    def __init__(self, open_bench: OpenBench, draw: DrawKind = DrawKind.NONE, **rules: Any) -> None:
        self.bench: Bench = open_bench(**{"timetable": TABLE, "draw": draw, "lines": 3} | rules)
        self.line = self.bench.line
        self.ticks = RoomTicks(self.line)

    async def at(self, at_ms: float) -> None:
        """The clock stands at `at_ms`, and a worker has taken a turn there; in a room that draws, one before as well.

        Otherwise the worker of a room that nobody knew before would leave its first seconds to one that remembers.
        """
        if self.line.room.draw is not DrawKind.NONE and self.bench.now == START_MS < at_ms:
            await self.turn()
        self.bench.advance((at_ms - self.bench.now) / 1000)
        await self.turn()

    async def turn(self, ticks: RoomTicks | None = None) -> None:
        self.bench.advance(0.25)
        await (ticks or self.ticks).turn()

    async def turns(self, how_many: int) -> None:
        for _ in range(how_many):
            await self.turn()

    async def join(self, how_many: int, **options: Any) -> list[tuple[str, Entry]]:
        found = []
        for _ in range(how_many):
            ticket = new_id()
            entry = await self.line.enter(ticket, options.get("lane", "main"), EPOCH, at_once=False)
            assert isinstance(entry, Entry), entry
            found.append((ticket, entry))
        return found

    async def board(self) -> dict[str, Any]:
        raw = await RoomStore(self.bench.store, self.line.room).board()
        assert raw is not None
        found: dict[str, Any] = json.loads(raw)
        return found

    async def state(self, field: str) -> str:
        return (await self.bench.store.command("HGET", self.line.keys.step[0], field) or b"").decode()

    async def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.state("draw"))
        return found

    async def listed(self) -> list[str]:
        return (await self.bench.store.command("GET", self.line.keys.drawn) or b"").decode().split()
