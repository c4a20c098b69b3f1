"""A room that stops when the origin has no slot left: nobody is called into an empty shop, and everybody is told."""

import json
from typing import Any

from ecluse.services.empty import RECHECK_MS
from ecluse.services.ticks import RoomTicks
from ecluse.store.rooms import RoomStore
from tests.ecluse.store.conftest import Bench, OpenBench

EMPTY = {"fr": "Complet.", "en": "Full."}


async def board(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await RoomStore(bench.store, bench.line.room).board() or b"{}")
    return found


async def turn(bench: Bench, ticks: RoomTicks) -> int:
    bench.advance(1.5)
    report = await ticks.turn()
    assert report is not None
    return report.newly_called


async def test_nobody_is_called_once_the_last_slot_is_gone_and_the_board_says_so(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, pace_per_minute=60, capacity=2, empty_notice=EMPTY, notice={"en": "Bring papers."})
    store, ticks = RoomStore(bench.store, bench.line.room), RoomTicks(bench.line)
    await bench.enter(9)
    await store.note_slots_left(5)
    assert await turn(bench, ticks) > 0
    assert (await board(bench))["phase"] == "open"
    await store.note_slots_left(0)
    bench.advance(120)
    assert [await turn(bench, ticks) for _ in range(5)] == [0] * 5
    shown = await board(bench)
    assert (shown["phase"], shown["slots_left"]) == ("paused", 0)
    assert shown["notice"] == {"fr": "Complet.", "en": "Full. Bring papers."}


async def test_as_soon_as_there_are_slots_again_calls_go_on(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, pace_per_minute=60, empty_notice=EMPTY)
    store, ticks = RoomStore(bench.store, bench.line.room), RoomTicks(bench.line)
    await bench.enter(9)
    await store.note_slots_left(0)
    assert await turn(bench, ticks) == 0
    await store.note_slots_left(1)
    assert await turn(bench, ticks) > 0
    shown = await board(bench)
    assert (shown["phase"], shown["notice"]) == ("open", {})


async def test_now_and_then_one_is_called_to_look_because_only_a_visit_can_tell(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5, pace_per_minute=60, empty_notice=EMPTY)
    store = RoomStore(bench.store, bench.line.room)
    await bench.enter(9)
    await store.note_slots_left(0)
    called = []
    for _ in range(5):
        called.append(await turn(bench, RoomTicks(bench.line)))  # another worker each time
        bench.advance(RECHECK_MS / 2000)
    assert called == [0, 0, 1, 0, 1]


async def test_an_operator_who_closes_the_room_is_not_contradicted(open_bench: OpenBench) -> None:
    bench = open_bench(empty_notice=EMPTY)
    await bench.enter(3)
    await RoomStore(bench.store, bench.line.room).note_slots_left(0)
    await bench.set(mode="closed")
    assert await turn(bench, RoomTicks(bench.line)) == 0
    assert (await board(bench))["phase"] == "closed"


async def test_a_room_that_does_not_stop_goes_on_calling(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, pace_per_minute=60)
    await bench.enter(9)
    await RoomStore(bench.store, bench.line.room).note_slots_left(0)
    assert await turn(bench, RoomTicks(bench.line)) > 0
    assert (await board(bench))["phase"] == "open"
