"""A failover that loses the last second of a draw, in the same life of the data: what was public still holds."""

import json

import pytest

from ecluse.domain import draw
from ecluse.domain.opening import DrawKind
from ecluse.store.rooms import RoomStore
from tests.ecluse.services.hours import OPEN_MS, Day
from tests.ecluse.services.test_draws import assert_drawn, hasty, until_open
from tests.ecluse.services.test_draws_lost import gathered
from tests.ecluse.store.conftest import OpenBench


async def kept(day: Day) -> dict[str, bytes]:
    """The room's state and line as Redis has them now, for a failover that loses what comes after."""
    keys = day.line.keys
    return {key: await day.bench.store.command("DUMP", key) for key in (keys.step[0], keys.lines["main"])}


async def fail_over(day: Day, saved: dict[str, bytes]) -> None:
    for key, value in saved.items():
        await day.bench.store.command("RESTORE", key, 0, value, "REPLACE")


@pytest.mark.usefixtures("small_pieces")
async def test_no_second_list_is_closed_where_a_failover_lost_the_closing(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.BEACON)
    joined = await gathered(day)
    worker = day.ticks = hasty(day)
    await day.at(OPEN_MS)
    saved = await kept(day)
    assert ((await day.record())["state"], await day.state("schedule")) == ("announced", "drawing")
    while (await day.record())["state"] != "closed":
        await day.turn(worker)
    public = await day.record()
    await day.bench.store.command("DEL", day.line.keys.drawn)
    await fail_over(day, saved)
    await day.line.leave(joined[0][0])
    for _ in range(20):
        await day.turn(worker)
    assert await day.record() == public, "another list would have another root"
    rooms = RoomStore(day.bench.store, day.line.room)
    assert await rooms.give_beacon(json.dumps({"value": "12 17 23", "source": "Loto du soir"})) == "taken"
    await day.bench.set(mode="paused")
    await until_open(day, worker)
    record = await day.record()
    seed = bytes.fromhex(record["seed"])
    expected = sorted((ticket for ticket, _ in joined[1:]), key=lambda each: draw.place(seed, each))
    assert (record["root"], await day.bench.members("main")) == (public["root"], expected)


@pytest.mark.parametrize("looks_on", [True, False])
@pytest.mark.parametrize("seen", ["drawn", "placed"])
@pytest.mark.usefixtures("small_pieces")
async def test_no_second_value_decides_where_a_failover_lost_the_first(
    open_bench: OpenBench, seen: str, *, looks_on: bool
) -> None:
    day = Day(open_bench, DrawKind.BEACON)
    joined = await gathered(day)
    await day.bench.set(mode="paused")
    worker = day.ticks = hasty(day)
    await day.at(OPEN_MS)
    while (await day.record())["state"] != "closed":
        await day.turn(worker)
    saved, rooms = await kept(day), RoomStore(day.bench.store, day.line.room)
    assert await rooms.give_beacon(json.dumps({"value": "12 17 23", "source": "Loto du soir"})) == "taken"
    while await day.state("draw_state") != seen:
        await day.turn(worker)
    public = await day.record()
    await fail_over(day, saved)
    assert await rooms.give_beacon(json.dumps({"value": "1 2 3", "source": "of another order"})) == "taken"
    if looks_on:
        await day.bench.store.command("HSET", day.line.keys.step[0], "tick_at", day.bench.now)
        assert await worker.turn() is None, "this turn is another worker's"
        assert await day.record() == public
    await until_open(day, worker)
    assert await day.record() == public
    await assert_drawn(day, [ticket for ticket, _ in joined])
