"""Exactness under pressure: two workers, two thousand visitors hammering claims, half of the called never there.

The figures are read from Redis, where every admission has its time on Redis's own clock.
"""

import asyncio
import json
import time
from dataclasses import dataclass

from benchmarks.http_rows import post
from benchmarks.stage import Stage
from benchmarks.table import Row
from ecluse.domain.room import Room
from ecluse.ports import free_ports
from ecluse.store.client import Store
from ecluse.store.line import Line

PACE_PER_MINUTE, BURST = 600, 2
VISITORS = 2_000
ROOM = "exact"


@dataclass(slots=True)
class _Counts:
    joined: int = 0
    admitted: int = 0
    waits: list[float] | None = None


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return int(head[9:12]), await reader.readexactly(length)


async def _visitor(port: int, *, absent: bool, stop_at: float, start_after: float, counts: _Counts) -> None:
    """Join, then press Enter about once a second until let in; the absent only join."""
    await asyncio.sleep(start_after)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        status, body = await _exchange(reader, writer, post(f"/_ecluse/rooms/{ROOM}/tickets"))
        if status not in (200, 201):
            raise RuntimeError(f"join answered {status}: {body[:200]!r}")
        counts.joined += 1
        ticket = json.loads(body)["ticket"]
        claim = post(f"/_ecluse/rooms/{ROOM}/claim", f"authorization: Bearer {ticket}")
        while not absent and time.monotonic() < stop_at:
            status, _ = await _exchange(reader, writer, claim)
            if status == 200:
                counts.admitted += 1
                return
            await asyncio.sleep(1.0)
    finally:
        writer.close()


def worst_window(times_ms: list[float], interval_ms: float, burst: int) -> float:
    """The largest share of `pace × w + burst` that any window of admissions used; at most 1 if the limit is exact.

    Only windows that begin and end with an admission need a look: no other holds more in less time.
    """
    times = sorted(times_ms)
    worst = 0.0
    for first in range(len(times)):
        for last in range(first, len(times)):
            allowed = (times[last] - times[first]) / interval_ms + burst
            # Redis keeps the time of an admission in whole milliseconds: a window may look 1 ms shorter than it was.
            allowed += 1 / interval_ms
            worst = max(worst, (last - first + 1) / allowed)
    return worst


async def exactness_rows(seconds: float, *, absent_share: float) -> list[Row]:
    """Admissions in every window, and the share of the pace that was used."""
    port = free_ports(1)[0]
    with Stage() as stage:
        await stage.redis()
        config = stage.config(ROOM, 1, port, pace_per_minute=PACE_PER_MINUTE, burst=BURST, claim_seconds=180)
        for _ in range(2):
            stage.python("queue_worker", "--config", str(config))
        await stage.gateway(config, port)
        await asyncio.sleep(3)
        counts = _Counts()
        stop_at = time.monotonic() + seconds
        absent_every = int(1 / absent_share) if absent_share else 0
        visitors = [
            _visitor(
                port, absent=bool(absent_every) and n % absent_every == 0, stop_at=stop_at,
                start_after=n / VISITORS, counts=counts,
            )
            for n in range(VISITORS)
        ]  # fmt: skip
        await asyncio.gather(*visitors)
        store = Store.at(f"redis://127.0.0.1:{stage.redis_port}/0")
        line = Line(store, Room(id=ROOM, notice={}))
        found = await store.command("HVALS", line.keys.step[8])
        await store.close()
    times = sorted(float(value) for value in found)
    interval_ms = 60_000 / PACE_PER_MINUTE
    spent_ms = times[-1] - times[0]
    used = (len(times) - 1) / (spent_ms / interval_ms)
    over = f"{counts.joined:,} joined, {len(times)} admitted in {spent_ms / 1000:.0f} s, {absent_share:.0%} absent"
    return [
        Row(
            name=f"fullest window, {absent_share:.0%} absent", value=worst_window(times, interval_ms, BURST),
            unit="× (pace × w + burst)", note=over,
        ),
        Row(name=f"pace used, {absent_share:.0%} absent", value=used, unit="× pace"),
    ]  # fmt: skip
