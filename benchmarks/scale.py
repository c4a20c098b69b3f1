"""Nothing grows with the line: the same requests, a tick and the memory at 1,000 and at 1,000,000 waiting."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

from benchmarks.http_rows import get, per_cpu_second, post
from benchmarks.stage import Stage, a_ticket, cpu_seconds
from benchmarks.table import Row
from ecluse.domain.room import Room
from ecluse.ports import free_ports
from ecluse.services.ticks import RoomTicks
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.tokens import new_id

SMALL, BIG = 1_000, 1_000_000
EPOCH = "bench000"


async def put_in_line(store: Store, room: Room, how_many: int) -> int:
    """Put that many in line as `enter` would leave them, quickly; the last number given."""
    line = Line(store, room)
    entry = await line.enter(new_id(), "main", EPOCH, at_once=False)
    number: int = entry.number  # type: ignore[union-attr]
    key = line.keys.step[-1]
    for at in range(1, how_many, 2000):
        words: list[str | int] = []
        for n in range(at, min(at + 2000, how_many)):
            words += [number + n, new_id()]
        await store.command("ZADD", key, *words)
    last = number + how_many - 1
    await store.command("HSET", line.keys.step[0], "number", last)
    return last


async def memory_row(store: Store) -> Row:
    """Redis memory per waiting ticket, at a million."""
    before = (await store.read_server())["used_memory"]
    await put_in_line(store, room_called("memory"), BIG)
    after = (await store.read_server())["used_memory"]
    await store.command("DEL", Line(store, room_called("memory")).keys.step[-1])
    return Row(name="memory per waiting ticket", value=(after - before) / BIG, unit="bytes in Redis")


def room_called(name: str) -> Room:
    """A room whose pace is never what is measured."""
    return Room(id=name, notice={}, pace_per_minute=100_000, burst=10_000, claim_ms=3_600_000, line_max=50_000_000)


async def tick_rows(store: Store, rounds: int) -> list[Row]:
    """Redis time of a whole turn, 500 called in each, at three lengths of the line in turn; and its longest piece."""
    sizes = {1_000: "small", 100_000: "middle", 1_000_000: "big"}
    await put_in_line(store, room_called("middle"), 100_000)
    ticks = {size: RoomTicks(Line(store, room_called(name))) for size, name in sizes.items()}
    await store.command("CONFIG", "SET", "slowlog-log-slower-than", 0)
    await store.command("CONFIG", "SET", "slowlog-max-len", 10_000)
    totals: dict[int, list[float]] = {size: [] for size in sizes}
    pieces: list[float] = []
    for _ in range(max(rounds, 3) * 3):
        for size, ticked in ticks.items():
            await asyncio.sleep(0.3)
            await store.command("SLOWLOG", "RESET")
            await ticked.turn()
            found: Any = await store.command("SLOWLOG", "GET", -1)
            spent = [entry[2] for entry in found if entry[3][0] == b"EVALSHA"]
            totals[size].append(sum(spent) / 1000)
            if size == BIG:
                pieces.append(max(spent) / 1000)
            await put_in_line(store, room_called(sizes[size]), 500)
    await store.command("CONFIG", "SET", "slowlog-log-slower-than", -1)
    small = totals[SMALL]
    rows = [Row(name="tick at 1,000 waiting", value=median(small), spread=_spread(small), unit="ms of Redis")]
    for size in (100_000, BIG):
        ratios = [big / each for big, each in zip(totals[size], small, strict=True)]
        rows.append(
            Row(
                name=f"tick at {size:,} waiting", value=median(ratios), spread=_spread(ratios), unit="× that at 1,000",
                note=f"{median(totals[size]):.2f} ms of Redis, 500 called in it",
            )
        )  # fmt: skip
    longest = Row(
        name="its longest piece at 1,000,000", value=median(pieces), spread=_spread(pieces), unit="ms of Redis"
    )  # fmt: skip
    return [*rows, longest]


def _spread(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


class _Pair:
    """One gateway with two rooms: the same requests against a short line and a long one."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        self._stage = stage
        self._seconds = seconds
        self._port = free_ports(1)[0]
        self._gateway = 0
        self._redis = 0
        self._tickets: dict[str, list[bytes]] = {}

    async def open(self) -> Store:
        """Start the server and put both lines in place."""
        self._redis = await self._stage.redis()
        return Store.at(f"redis://127.0.0.1:{self._stage.redis_port}/0", timeout_seconds=30)

    async def serve(self, store: Store) -> None:
        """Fill the lines, start the gateway."""
        config = self._stage.config("small", 1, self._port, line_max=50_000_000)
        text = config.read_text(encoding="utf-8")
        room = text[text.index("[[room]]") : text.index("[[operator]]")]
        big = room.replace('id = "small"', 'id = "big"\npaths = ["/big/"]')
        config.write_text(text.replace("[[operator]]", big + "[[operator]]"), encoding="utf-8")
        for name, size in (("small", SMALL), ("big", BIG)):
            last = await put_in_line(store, room_called(name), size)
            numbers = range(last - size + 1, last, max(1, size // 500))
            self._tickets[name] = [
                get(
                    f"/_ecluse/rooms/{name}/ticket", f"cookie: ecluse_ticket_{name}={a_ticket(name, n, EPOCH)[0]}"
                )
                for n in numbers
            ]  # fmt: skip
        self._gateway = await self._stage.gateway(config, self._port)

    async def boards_up(self, store: Store) -> None:
        """Put up both boards without calling anybody."""
        for name in ("small", "big"):
            ticks = RoomTicks(Line(store, room_called(name)))
            ticks._call = _nobody  # type: ignore[method-assign]
            await ticks.turn()
        await asyncio.sleep(0.5)

    async def board(self, room: str) -> float:
        """Boards per CPU-second."""
        request = get(f"/_ecluse/rooms/{room}/board.json", "accept-encoding: gzip")
        return await per_cpu_second(self._gateway, self._port, lambda: request, self._seconds, b"HTTP/1.1 200")

    async def ticket(self, room: str) -> float:
        """Ticket states per CPU-second."""
        requests = itertools.cycle(self._tickets[room])
        return await per_cpu_second(self._gateway, self._port, lambda: next(requests), self._seconds, b"HTTP/1.1 200")

    async def join(self, room: str) -> float:
        """Joins per CPU-second of gateway and Redis together."""
        request = post(f"/_ecluse/rooms/{room}/tickets")
        spent, redis = cpu_seconds(self._gateway), cpu_seconds(self._redis)
        rate = await per_cpu_second(self._gateway, self._port, lambda: request, self._seconds, b"HTTP/1.1 201")
        mine, theirs = cpu_seconds(self._gateway) - spent, cpu_seconds(self._redis) - redis
        return rate * mine / max(mine + theirs, 1e-3)


async def _nobody(*_: object, **__: object) -> dict[str, int]:
    return {}


async def scale_rows(rounds: int, seconds: float) -> list[Row]:
    """Every row about the length of the line."""
    with Stage() as stage:
        pair = _Pair(stage, seconds)
        store = await pair.open()
        rows = [await memory_row(store)]
        await pair.serve(store)
        kinds: dict[str, Callable[[str], Awaitable[float]]] = {
            "board": pair.board, "ticket state": pair.ticket, "join": pair.join,
        }  # fmt: skip
        for name, measure in kinds.items():
            ratios = []
            for _ in range(max(rounds, 3)):
                await pair.boards_up(store)
                small = await measure("small")
                await pair.boards_up(store)
                ratios.append(small / await measure("big"))
            ratios.sort()
            rows.append(
                Row(
                    name=f"{name} at 1,000,000 waiting",
                    value=median(ratios),
                    spread=(ratios[0], ratios[-1]),
                    unit="× the cost at 1,000",
                )
            )
        rows += await tick_rows(store, rounds)
        await store.close()
    return rows
