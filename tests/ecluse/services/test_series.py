"""The curve of a room: an entry a minute, whoever the worker is, and no more than a day of them."""

from ecluse.services.ticks import RoomTicks
from ecluse.store.rooms import RoomStore
from tests.ecluse.store.conftest import OpenBench


async def test_each_minute_is_told_once_with_what_happened_in_it(open_bench: OpenBench) -> None:
    bench = open_bench(pace_per_minute=600, burst=10)
    workers = [RoomTicks(bench.line), RoomTicks(bench.line)]
    for turn in range(4 * 60 * 3):
        if turn % 240 == 10:
            await bench.enter(3 + turn // 240)
        await workers[turn % 2].turn()
        bench.advance(0.25)
    series = await RoomStore(bench.store, bench.line.room).series(60)
    starts = [entry["at_ms"] for entry in series]
    assert starts == sorted(set(starts))  # type: ignore[type-var]
    assert len(series) in (2, 3)
    assert [entry["joins"] for entry in series] == [3, 4, 5][: len(series)]
    assert all(entry["admissions"] == 0 and entry["pace_per_minute"] == 600 for entry in series)
    latest = await RoomStore(bench.store, bench.line.room).series(1)
    assert latest == series[-1:]


async def test_after_redis_lost_its_counters_no_minute_is_negative(open_bench: OpenBench) -> None:
    bench = open_bench(pace_per_minute=600)
    ticks = RoomTicks(bench.line)
    await bench.enter(7)
    await ticks.turn()
    await bench.store.command("FLUSHALL")
    bench.advance(60)
    await ticks.turn()
    bench.advance(60)
    await ticks.turn()
    (entry,) = await RoomStore(bench.store, bench.line.room).series(60)
    assert entry["joins"] == 0
