"""What is not a request: the start of a gateway, a join inside Redis, a draw of a million."""

import asyncio
import hmac
import time
from hashlib import sha256
from statistics import median

from benchmarks.scale import room_called
from benchmarks.stage import Stage, answers, cpu_seconds
from benchmarks.table import Row
from ecluse.domain import draw, merkle
from ecluse.ports import free_ports
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.tokens import new_id

_RAW = "redis.call('INCR', KEYS[1]) redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2]) return redis.call('ZCARD', KEYS[2])"
_JOINS = 20_000
DRAWN = 1_000_000


async def start_row(rounds: int) -> Row:
    """How long until a gateway answers, beside the same server with one constant answer."""
    ratios, took = [], []
    with Stage() as stage:
        await stage.redis()
        for round_ in range(rounds):
            hello, port = free_ports(2)
            config = stage.config(f"start-{round_}", 1, port)
            begun = time.monotonic()
            stage.python("benchmarks.peers", "hello", str(hello))
            await answers(hello)
            bare = time.monotonic() - begun
            begun = time.monotonic()
            await stage.gateway(config, port)
            took.append(time.monotonic() - begun)
            ratios.append(took[-1] / bare)
    ratios.sort()
    return Row(
        name="start-up", value=median(ratios), spread=(ratios[0], ratios[-1]), unit="× hello",
        note=f"{median(took):.2f} s until it answers",
    )  # fmt: skip


async def _joins(line: Line) -> None:
    for _ in range(0, _JOINS, 500):
        await asyncio.gather(*(line.enter(new_id(), "main", "bench000", at_once=False) for _ in range(500)))


async def _raw(store: Store) -> None:
    for at in range(0, _JOINS, 500):
        await asyncio.gather(
            *(store.command("EVAL", _RAW, 2, "{raw}:n", "{raw}:line", at + n, new_id()) for n in range(500))
        )  # fmt: skip


async def redis_row(rounds: int) -> Row:
    """CPU of Redis for a join, beside the least script that could be one: INCR, ZADD, ZCARD."""
    ratios, spent = [], []
    with Stage() as stage:
        pid = await stage.redis()
        store = Store.at(f"redis://127.0.0.1:{stage.redis_port}/0", timeout_seconds=30)
        line = Line(store, room_called("steps"))
        await _joins(line)
        for _ in range(rounds):
            before = cpu_seconds(pid)
            await _raw(store)
            raw = cpu_seconds(pid) - before
            before = cpu_seconds(pid)
            await _joins(line)
            spent.append((cpu_seconds(pid) - before) / _JOINS * 1e6)
            ratios.append(spent[-1] * _JOINS / 1e6 / max(raw, 1e-2))
        await store.close()
    ratios.sort()
    return Row(
        name="join step in Redis", value=median(ratios), spread=(ratios[0], ratios[-1]), unit="× a raw script",
        note=f"{median(spent):.0f} µs of Redis",
    )  # fmt: skip


def draw_row(count: int = DRAWN) -> Row:
    """Root and places of a draw, beside one bare HMAC for each ticket."""
    ids = sorted({new_id() for _ in range(count)})
    begun = time.process_time()
    for each in ids:
        hmac.digest(b"k" * 32, each.encode(), sha256)
    bare = time.process_time() - begun
    begun = time.process_time()
    root = merkle.root(ids)
    draw.order(draw.seed("bench", len(ids), root, bytes(32)), ids)
    spent = time.process_time() - begun
    return Row(
        name=f"draw of {count:,}", value=spent / bare, unit="× a bare HMAC each", note=f"{spent:.1f} CPU-seconds"
    )


async def step_rows(rounds: int) -> list[Row]:
    """All of them."""
    return [await start_row(max(rounds, 3)), await redis_row(max(rounds, 3)), draw_row()]
