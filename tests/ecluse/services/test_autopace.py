"""The automatic pace in a room: what gateways report becomes a window that the line keeps, whichever worker looks."""

import json
from typing import Any

import pytest

from ecluse.domain.room import AutoRules, PaceMode
from ecluse.domain.window import BUCKETS, Bounds, bucket_of
from ecluse.services.ticks import RoomTicks
from ecluse.store.line import Admitted, Early, Waiting
from ecluse.store.rooms import RoomStore
from tests.ecluse.store.conftest import Bench, OpenBench

AUTO = AutoRules(bounds=Bounds(target_ms=100, least=2, most=200))
EASY: dict[str, Any] = {"pace": PaceMode.AUTO, "auto": AUTO, "pace_per_minute": 60_000.0, "burst": 500,
                        "session_ms": 3_600_000, "session_max_ms": 3_600_000}  # fmt: skip


class Gateway:
    """The reports of one gateway process."""

    def __init__(self, bench: Bench, name: str = "gateway-a") -> None:
        self.rooms, self.name = RoomStore(bench.store, bench.line.room), name
        self.attempts = self.failures = 0
        self.latencies = [0] * BUCKETS

    async def saw(self, answers: int, latency_ms: float, failures: int = 0) -> None:
        self.attempts += answers + failures
        self.failures += failures
        self.latencies[bucket_of(latency_ms)] += answers
        await self.rooms.note_origin(self.name, json.dumps([self.attempts, self.failures, 0, 64, self.latencies]))


async def window(bench: Bench) -> dict[str, Any] | None:
    counts = await RoomStore(bench.store, bench.line.room).counts()
    found = counts["window"]
    assert found is None or isinstance(found, dict)
    return found


@pytest.fixture
async def bench(open_bench: OpenBench) -> Bench:
    return open_bench(**EASY)


async def inside(bench: Bench, how_many: int) -> list[str]:
    """Let so many in, or as many as go."""
    tickets = await bench.enter(how_many, at_once=True)
    return [ticket for ticket in tickets if isinstance(await bench.line.look(ticket), Admitted)]


async def test_it_begins_at_once_and_nobody_enters_beyond_it(bench: Bench) -> None:
    ticks = RoomTicks(bench.line)
    await ticks.turn()
    found = await window(bench)
    assert found is not None
    assert (found["size"], found["decision"]) == (20, "hold")
    assert len(await inside(bench, 30)) == 20
    called = await bench.members("called")
    assert called == []
    bench.advance(1)
    await ticks.turn()
    assert await bench.members("called") == [], "the window is full"


async def test_a_departure_lets_the_next_one_in(bench: Bench) -> None:
    ticks = RoomTicks(bench.line)
    await ticks.turn()
    admitted = await inside(bench, 30)
    await bench.line.finish(admitted[0])
    bench.advance(1)
    await ticks.turn()
    (called, *more) = await bench.members("called")
    assert isinstance(await bench.line.claim(called), Admitted)
    for ticket in more:
        assert isinstance(await bench.line.claim(ticket), Early), "and only one"


async def test_it_shrinks_when_the_origin_fails_and_grows_when_it_is_well(bench: Bench) -> None:
    ticks, gateway = RoomTicks(bench.line), Gateway(bench)
    await ticks.turn()
    await inside(bench, 30)
    for _ in range(5):
        await gateway.saw(50, 20.0)
        bench.advance(10.1)
        await ticks.turn()
    calm = await window(bench)
    assert calm is not None
    assert (calm["p90_ms"] < 100, calm["error_share"]) == (True, 0)
    assert calm["size"] > 20, "it is well, and the window is what holds people back"
    await gateway.saw(50, 20.0, failures=30)
    bench.advance(10.1)
    await ticks.turn()
    hurt = await window(bench)
    assert hurt is not None
    assert (hurt["decision"], hurt["error_share"]) == ("cut", 0.375)
    assert hurt["size"] < calm["size"]


async def test_two_workers_step_no_more_often_than_one(open_bench: OpenBench) -> None:
    sizes = []
    for workers in (1, 2):
        bench = open_bench(id=f"by-{workers}", **EASY)
        gateway = Gateway(bench)
        all_ticks = [RoomTicks(bench.line) for _ in range(workers)]
        for turn in range(4 * 60):
            if turn % 8 == 0:
                await gateway.saw(20, 20.0)
            await all_ticks[turn % workers].turn()
            if turn == 1:
                await inside(bench, 30)
            bench.advance(0.25)
        found = await window(bench)
        assert found is not None
        sizes.append(found["size"])
    assert sizes[0] == pytest.approx(sizes[1], rel=0.11), "one step of a tenth apart at most"
    assert sizes[0] > 20


async def test_without_reports_it_is_frozen(bench: Bench) -> None:
    ticks = RoomTicks(bench.line)
    for _ in range(3):
        await ticks.turn()
        await inside(bench, 30)
        bench.advance(10.1)
    found = await window(bench)
    assert found is not None
    assert (found["size"], found["decision"]) == (20, "frozen")


async def test_a_process_that_ended_is_forgotten(bench: Bench) -> None:
    ticks = RoomTicks(bench.line)
    await Gateway(bench, "gone").saw(10, 20.0)
    for _ in range(62):
        await ticks.turn()
        bench.advance(10.1)
    assert await bench.line.origin_reports() == {}


async def test_a_dry_run_reports_and_limits_nothing(open_bench: OpenBench) -> None:
    bench = open_bench(**EASY | {"auto": AutoRules(bounds=AUTO.bounds, dry_run=True)})
    await RoomTicks(bench.line).turn()
    found = await window(bench)
    assert found is not None
    assert found["size"] == 20
    assert len(await inside(bench, 30)) == 30


async def test_switched_by_an_operator_it_is_in_force_and_out_of_force_within_a_turn(open_bench: OpenBench) -> None:
    bench = open_bench(**EASY | {"pace": PaceMode.MANUAL})
    rooms, ticks = RoomStore(bench.store, bench.line.room), RoomTicks(bench.line)
    await ticks.turn()
    assert await window(bench) is None
    assert len(await inside(bench, 25)) == 25
    await rooms.settle({"pace": PaceMode.AUTO}, who="astreinte", reason="", version=None)
    bench.advance(0.25)
    await ticks.turn()
    found = await window(bench)
    assert found is not None
    assert found["size"] == 25, "it starts from those inside"
    assert isinstance(await bench.line.look((await bench.enter(1, at_once=True))[0]), Waiting)
    await rooms.settle({"pace": PaceMode.MANUAL}, who="astreinte", reason="", version=None)
    bench.advance(0.25)
    await ticks.turn()
    assert await window(bench) is None
    (entry, _) = await rooms.journal(2)
    assert entry.document["changes"] == [{"field": "pace", "from": "auto", "to": "manual"}]


async def test_a_capacity_stays_the_ceiling(open_bench: OpenBench) -> None:
    bench = open_bench(**EASY | {"capacity": 5})
    await RoomTicks(bench.line).turn()
    assert len(await inside(bench, 30)) == 5
