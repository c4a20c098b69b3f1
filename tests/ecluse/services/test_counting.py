"""What is counted for the public: by hour and lane, once, whoever counts, and nothing for it in anybody's way."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from ecluse.domain.room import Lane
from ecluse.services.counting import Counting
from ecluse.store.rooms import RoomStore
from ecluse.tokens import new_id
from tests.ecluse.services.hours import TABLE
from tests.ecluse.store.conftest import EPOCH, START_MS, Bench, OpenBench

LANES = (Lane(id="main"), Lane(id="urgent"))


async def _days(bench: Bench) -> dict[str, Any]:
    found = await RoomStore(bench.store, bench.line.room).days()
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


async def test_arrivals_admissions_misses_and_waits_are_counted_once_by_any_number_of_workers(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(lanes=LANES, lines=2, burst=20, pace_per_minute=6000, claim_ms=60_000, timetable=None)
    await bench.set(mode="queueing")
    tickets = await bench.enter(4) + await bench.enter(2, lane="urgent")
    await bench.call(6)
    bench.advance(40)
    given_at = START_MS
    for ticket, lane in zip(tickets[:5], ["main"] * 4 + ["urgent"], strict=True):
        await bench.line.claim(ticket, int(given_at // 1000), lane=lane)
        await bench.line.claim(ticket, int(given_at // 1000), lane=lane)
    bench.advance(40)
    await bench.line.expire()
    await bench.line.leave((await bench.enter(1))[0])
    counters = [Counting(line) for line in (bench.line, *bench.more) for _ in range(2)]
    await asyncio.gather(*(each.keep(bench.now) for each in counters))
    await counters[0].keep(bench.now + 11_000)
    # 2027-01-15T08:00 UTC is nine o'clock in Paris; 40 s of waiting are in the stretch from 37 s.
    assert await _days(bench) == {
        "2027-01-15": {"09": {"joined:main": 5, "joined:urgent": 2, "in:main": 4, "in:urgent": 1, "missed": 1, "left": 1,
                              "wait:7": 5}},
    }  # fmt: skip


async def test_who_goes_straight_in_is_an_arrival_and_an_admission_without_a_wait(open_bench: OpenBench) -> None:
    bench = open_bench(timetable=TABLE)
    await RoomStore(bench.store, bench.line.room).live()
    await bench.store.command("HSET", bench.line.keys.step[0], "schedule", "open", "opens_at", "1")
    await bench.line.enter(new_id(), "main", EPOCH, at_once=True)
    await Counting(bench.line).keep(bench.now)
    assert await _days(bench) == {"2027-01-15": {"08": {"joined:main": 1, "in:main": 1, "wait:0": 1}}}


async def test_what_happened_before_the_hour_counts_for_it_and_old_days_are_let_go(open_bench: OpenBench) -> None:
    bench = open_bench(statistics_days=2)
    counting = Counting(bench.line)
    bench.advance(3595)
    await counting.keep(bench.now)
    await bench.enter(3)
    bench.advance(6)
    await counting.keep(bench.now)
    assert list((await _days(bench))["2027-01-15"]) == ["09"]
    for _ in range(3):
        bench.advance(86_400)
        await bench.enter(1)
        await counting.keep(bench.now)
    assert sorted(await _days(bench)) == ["2027-01-16", "2027-01-17", "2027-01-18"]
    assert datetime.fromtimestamp(bench.now / 1000, UTC).date().isoformat() == "2027-01-18"


async def test_between_two_countings_a_turn_asks_redis_nothing_for_it(open_bench: OpenBench) -> None:
    bench = open_bench()
    counting = Counting(bench.line)
    await counting.keep(bench.now)
    await bench.enter(1)
    for _ in range(30):
        bench.advance(0.25)
        await counting.keep(bench.now)
    assert await _days(bench) == {}
    bench.advance(4)
    await counting.keep(bench.now)
    assert await _days(bench) != {}
