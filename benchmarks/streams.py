"""Server-sent events: ten thousand open streams of the board on one gateway, what they hold and what an event costs."""

import asyncio
import time
from typing import cast

from benchmarks.http_rows import HttpStage, get, one_turn
from benchmarks.stage import Stage, cpu_seconds, resident_mb
from benchmarks.table import Row

STREAMS = 10_000
_OPENED_AT_ONCE = 200
EVENTS = 8
_DRAIN_SECONDS = 1.5


class _Stream(asyncio.Protocol):
    """One listener: counts events and keeps nothing."""

    def __init__(self) -> None:
        self.events = 0
        self.transport: asyncio.Transport | None = None
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(get("/_ecluse/rooms/bench/board/events"))

    def data_received(self, data: bytes) -> None:
        self.events += data.count(b"event: board")
        if self.events and not self.first.done():
            self.first.set_result(None)


async def _opened(port: int, how_many: int) -> list[_Stream]:
    loop = asyncio.get_running_loop()
    streams: list[_Stream] = []
    for _ in range(0, how_many, _OPENED_AT_ONCE):
        made = await asyncio.gather(
            *(loop.create_connection(_Stream, "127.0.0.1", port) for _ in range(_OPENED_AT_ONCE))
        )  # fmt: skip
        streams += [protocol for _, protocol in made]
        await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        await asyncio.gather(*(each.first for each in streams))
    return streams


async def stream_rows(seconds: float, how_many: int = STREAMS) -> list[Row]:
    """What a stream holds and what an event costs, beside an answer to a poll of the same board."""
    with Stage() as stage:
        http = HttpStage(stage, seconds)
        await http.open()
        polls = await http.board()
        pid, port = http.gateway
        before = resident_mb(pid)
        streams = await _opened(port, how_many)
        held = resident_mb(pid) - before
        costs, sent_before = [], sum(each.events for each in streams)
        for _ in range(EVENTS):
            spent, begun = cpu_seconds(pid), time.monotonic()
            await http.one_more()
            await one_turn(http.line)
            await asyncio.sleep(max(0.0, _DRAIN_SECONDS - (time.monotonic() - begun)))
            costs.append(cpu_seconds(pid) - spent)
        got = sum(each.events for each in streams) - sent_before
        for each in streams:
            if each.transport is not None:
                each.transport.close()
        await http.close()
    costs.sort()
    per_event = [cost / how_many * polls for cost in costs]
    return [
        Row(
            name=f"one event to {how_many:,} streams", value=per_event[len(per_event) // 2],
            spread=(per_event[0], per_event[-1]), unit="× a poll of the board, each",
            note=f"{costs[len(costs) // 2]:.2f} CPU-seconds for all",
        ),
        Row(name="memory per stream", value=held * 1e3 / how_many, unit="kB in the gateway"),
        Row(name="streams that got every event", value=got / (how_many * EVENTS), unit="of all"),
    ]  # fmt: skip
