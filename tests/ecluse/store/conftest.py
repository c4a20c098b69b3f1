"""A line over the private server, with a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ecluse.domain.room import Room
from ecluse.store.client import Store
from ecluse.store.line import Entry, Line
from ecluse.tokens import new_id

START_MS = 1_800_000_000_000.0
EPOCH = "epoch-01"


class Bench:
    """Lines of one room over stores of their own, and shortcuts to move people through them."""

    def __init__(self, line: Line, store: Store) -> None:
        self.line, self.store = line, store
        self.more: list[Line] = []

    @property
    def now(self) -> float:
        return self.line.now_ms

    def advance(self, seconds: float) -> None:
        for line in (self.line, *self.more):
            line.now_ms += seconds * 1000

    async def enter(self, how_many: int = 1, *, lane: str = "main", at_once: bool = False) -> list[str]:
        """New tickets with places (or admissions, if `at_once`), in order."""
        tickets = [new_id() for _ in range(how_many)]
        entries = await asyncio.gather(*(self.line.enter(t, lane, EPOCH, at_once=at_once) for t in tickets))
        assert all(isinstance(entry, Entry) for entry in entries)
        return tickets

    async def calls(self) -> int:
        return int(await self.store.command("HGET", self.line.keys.step[0], "calls") or 0)

    async def call(self, how_many: int) -> dict[str, int]:
        found = await self.line.call(how_many, await self.calls())
        assert found is not None
        return {lane: moved for lane, (moved, _) in found.items()}

    async def called(self, how_many: int = 1) -> list[str]:
        tickets = await self.enter(how_many)
        await self.call(how_many)
        return tickets

    async def set(self, **values: object) -> None:
        pairs = [str(word) for pair in values.items() for word in pair]
        await self.store.command("HSET", self.line.keys.settings, *pairs)

    async def members(self, name: str) -> list[str]:
        """The ids in one of the room's sets, in order: called, admitted, missed, ended, or a lane's line."""
        stem = f"ecluse:{{{self.line.room.id}}}:"
        known = ("called", "admitted", "missed", "ended", "moved", "shown", "pressing")
        key = stem + (name if name in known else f"line:{name}")
        return [member.decode() for member in await self.store.command("ZRANGE", key, 0, -1)]

    async def number(self, field: str) -> float:
        return float(await self.store.command("HGET", self.line.keys.step[0], field) or 0)


OpenBench = Callable[..., Bench]


@pytest.fixture
async def open_bench(redis_url: str) -> AsyncIterator[OpenBench]:
    async with AsyncExitStack() as stack:

        def build(*, lines: int = 1, **rules: Any) -> Bench:
            defaults: dict[str, Any] = {
                "id": "salle", "notice": {}, "pace_per_minute": 60, "burst": 2, "claim_ms": 20_000, "session_ms": 30_000,
                "session_max_ms": 90_000,
            }  # fmt: skip
            room = Room(**(defaults | rules))
            found = []
            for _ in range(lines):
                store = Store.at(redis_url)
                stack.push_async_callback(store.close)
                line = Line(store, room)
                line.now_ms = START_MS
                found.append((line, store))
            bench = Bench(*found[0])
            bench.more = [line for line, _ in found[1:]]
            return bench

        yield build
