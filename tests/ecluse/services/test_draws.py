"""The draw at an opening over real Redis: by whichever workers there are, and whichever of them die."""

import asyncio
import json
from random import Random
from typing import Any

import pytest

from ecluse.domain import draw, merkle
from ecluse.domain.opening import DrawKind
from ecluse.domain.room import Lane
from ecluse.services.openings import Openings
from ecluse.services.ticks import RoomTicks
from ecluse.store.draws import DrawStore
from ecluse.store.line import Gone, Waiting
from ecluse.store.rooms import RoomStore
from ecluse.tokens import new_id
from tests.ecluse.services.hours import CLOSE_MS, DAY_MS, GATHER_MS, OPEN_MS, Day
from tests.ecluse.store.conftest import EPOCH, START_MS, OpenBench

NEW = "epoch-02"


def hasty(day: Day, which: int = 0) -> RoomTicks:
    """A worker of its own who does one piece of a draw in a turn."""
    line = [day.line, *day.bench.more][which]
    ticks = RoomTicks(line)
    ticks._openings = Openings(DrawStore(line), line.room, budget_seconds=0)
    return ticks


async def assert_drawn(day: Day, tickets: list[str], lane: str = "main") -> None:
    """The line stands as anybody can recompute it from what is public."""
    record = draw.Record.from_document(await day.record())
    listed = await day.listed()
    assert listed == sorted(listed)
    assert record.state == "drawn"
    assert (record.n, record.root) == (len(listed), merkle.root(listed).hex())
    assert record.seed is not None
    assert set(tickets) <= set(listed)
    seed = bytes.fromhex(record.seed)
    expected = [each for each in sorted(listed, key=lambda each: draw.place(seed, each)) if each in set(tickets)]
    assert await day.bench.members(lane) == expected


async def until_open(day: Day, *workers: RoomTicks, most: int = 400) -> int:
    for turns in range(most):
        if (await day.state("schedule")) == "open":
            return turns
        for worker in workers:
            await day.turn(worker)
    raise AssertionError("the draw never ended")


async def test_those_who_came_before_the_opening_are_drawn_and_later_ones_follow_in_order(
    open_bench: OpenBench,
) -> None:
    day = Day(open_bench, DrawKind.SEED, pace_per_minute=0.1, burst=1)
    await day.at(GATHER_MS)
    joined = await day.join(40)
    assert all(entry.to_draw for _, entry in joined)
    left = joined.pop()[0]
    await day.line.leave(left)
    promised = (await day.record())["commitment"]
    board = await day.board()
    assert board["draw"] == {
        "state": "announced", "done": 0, "n": None, "commitment": promised, "root": None, "seed": None,
        "last_number": None, "next_commitment": None,
    }  # fmt: skip
    assert board["lanes"]["main"]["marks"] == [], "an order that will not hold is not shown"
    day.bench.advance((OPEN_MS - day.bench.now) / 1000)
    await day.bench.set(mode="queueing", pace_per_minute=0.1)
    later = [ticket for ticket, _ in await day.join(3)]
    await day.bench.set(mode="paused")  # keeps the front from being called, so that the whole order can be seen
    await day.turn()
    last = await day.join(2)
    assert not any(entry.to_draw for _, entry in last)
    members = await day.bench.members("main")
    drawn = members[:-2]
    assert members[-2:] == [ticket for ticket, _ in last]
    assert set(drawn) == {ticket for ticket, _ in joined} | set(later)
    record = draw.Record.from_document(await day.record())
    assert record.seed is not None
    assert drawn == sorted(drawn, key=lambda each: draw.place(bytes.fromhex(record.seed or ""), each))
    assert record.commitment == promised == draw.commitment(bytes.fromhex(record.beacon.value or ""))
    assert left not in await day.listed()
    board = await day.board()
    assert (board["draw"]["state"], board["draw"]["done"], board["draw"]["n"]) == ("placed", 42, 42)
    assert board["lanes"]["main"]["marks"][0] == [draw.place(bytes.fromhex(record.seed), drawn[0]), 0]


async def test_the_commitment_of_the_next_draw_is_public_while_the_room_is_closed(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(START_MS)
    promised = (await day.board())["draw"]["next_commitment"]
    await day.turns(3)
    await day.at(GATHER_MS)
    assert (await day.record())["commitment"] == promised is not None
    await day.at(CLOSE_MS)
    assert (await day.board())["draw"]["next_commitment"] not in (None, promised)


async def test_the_list_is_public_before_the_seed_can_be_known(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.BEACON)
    rooms = RoomStore(day.bench.store, day.line.room)
    await day.at(GATHER_MS)
    tickets = [ticket for ticket, _ in await day.join(9)]
    value = json.dumps({"value": "12 17 23 31 44 - 7", "source": "Loto du soir"})
    assert await rooms.give_beacon(value) == "early"
    await day.at(OPEN_MS)
    await day.turns(4)
    record = await day.record()
    assert (record["state"], record["n"], record["seed"]) == ("closed", 9, None)
    assert record["root"] == merkle.root(sorted(tickets)).hex()
    assert (await day.board())["phase"] == "drawing"
    assert await rooms.give_beacon(value) == "taken"
    assert await rooms.give_beacon(value) == "taken", "sent twice"
    assert await rooms.give_beacon(json.dumps({"value": "1", "source": "x"})) == "late"
    await day.bench.set(mode="paused")
    await day.turns(2)
    await assert_drawn(day, tickets)
    assert (await day.record())["beacon"]["source"] == "Loto du soir"
    assert await rooms.give_beacon(json.dumps({"value": "2", "source": "x"})) == "late"


async def test_nobody_gives_a_beacon_where_nothing_is_drawn(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.at(OPEN_MS)
    assert await RoomStore(day.bench.store, day.line.room).give_beacon("{}") == "none"


@pytest.mark.usefixtures("small_pieces")
async def test_a_draw_survives_workers_killed_in_the_middle_at_every_piece(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED, lanes=(Lane(id="main"), Lane(id="urgent")))
    await day.at(GATHER_MS)
    main = [ticket for ticket, _ in await day.join(60)]
    urgent = [ticket for ticket, _ in await day.join(20, lane="urgent")]
    await day.bench.set(mode="paused")
    day.bench.advance((OPEN_MS - day.bench.now) / 1000)
    random, seen = Random(3), set[str]()
    worker, roots = hasty(day), set[str]()
    for _ in range(600):
        await day.turn(worker)
        found = await day.record()
        seen.add(f"{found['state']} {await day.state('draw_done')}")
        roots |= {found["root"]} - {None}
        if await day.state("schedule") == "open":
            break
        if random.random() < 0.1:
            worker = hasty(day, random.randrange(3))
            await day.bench.store.command("DEL", day.line.keys.drawing)  # its lease runs out
    assert len([each for each in seen if each.startswith("drawn ")]) > 5, "the places went in one piece"
    assert len(roots) == 1
    await assert_drawn(day, main)
    await assert_drawn(day, urgent, "urgent")


@pytest.mark.usefixtures("small_pieces")
async def test_any_number_of_workers_at_once_make_one_draw(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(GATHER_MS)
    tickets = [ticket for ticket, _ in await day.join(80)]
    await day.bench.set(mode="paused")
    day.bench.advance((OPEN_MS - day.bench.now) / 1000)
    workers = [hasty(day, which) for which in (0, 1, 2, 0, 1, 2)]

    async def steps(worker: RoomTicks) -> None:
        """A worker without the turns that keep them apart."""
        while await day.state("schedule") != "open":
            await worker._openings.keep(_picture(day))

    async with asyncio.timeout(20):
        await asyncio.gather(*map(steps, workers))
    await assert_drawn(day, tickets)


def _picture(day: Day) -> dict[str, Any]:
    lanes = {"main": {"waiting": 0, "serving": 0}}
    return {
        "now_ms": day.bench.now,
        "age_ms": day.bench.now - START_MS,
        "asked": "paused",
        "mode": "paused",
        "lanes": lanes,
        "called": 0,
        "silent": [],
    }


async def test_a_prequeue_in_which_nobody_came_opens_at_once(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(GATHER_MS)
    await day.at(OPEN_MS)
    record = await day.record()
    assert (record["state"], record["n"], record["root"]) == ("drawn", 0, merkle.root([]).hex())
    assert (await day.board())["phase"] == "idle"


async def test_a_drawn_place_comes_back_from_the_ticket_after_redis_lost_everything(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(GATHER_MS)
    joined = await day.join(30)
    await day.bench.set(mode="paused")
    await day.at(OPEN_MS)
    before, record = await day.bench.members("main"), await day.record()
    await day.bench.store.command("FLUSHALL")
    await day.bench.set(mode="paused")
    await day.turns(2)
    assert await day.record() == record, "the worker knew it, and it was public"
    assert (await day.board())["phase"] == "paused"
    seed = bytes.fromhex(record["seed"])
    for ticket, entry in joined:
        place = draw.place(seed, ticket)
        found = await day.line.restore(ticket, "main", place, entry.number, epochs=(EPOCH, NEW), back=False, drawn=True)
        assert (found.put_back, found.undrawn) == (True, False)
    assert await day.bench.members("main") == before


async def test_a_secret_that_redis_lost_before_the_opening_is_still_the_one_promised(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(GATHER_MS)
    promised = (await day.record())["commitment"]
    await day.bench.store.command("FLUSHALL")
    await day.turns(2)
    assert (await day.record())["commitment"] == promised


async def test_who_was_not_on_the_list_gets_no_drawn_place(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(GATHER_MS)
    on_it = [ticket for ticket, _ in await day.join(12)]
    ((away, entry),) = await day.join(1)
    await day.bench.store.command("ZREM", day.line.keys.lines["main"], away)  # as if Redis had lost just this one
    await day.bench.set(mode="paused")
    await day.at(OPEN_MS)
    epochs = ("epoch-00", NEW)
    found = await day.line.restore(away, "main", 0.0, entry.number, epochs=epochs, back=False, drawn=True)
    assert (found.standing, found.put_back, found.undrawn) == (Waiting(12), True, True)
    await day.bench.store.command("ZREM", day.line.keys.lines["main"], on_it[5])
    found = await day.line.restore(on_it[5], "main", 1e-17, 1, epochs=epochs, back=False, drawn=True)
    assert found.standing == Gone(), "its number is of an earlier campaign"
    number = entry.number
    found = await day.line.restore(on_it[5], "main", 1e-17, number, epochs=epochs, back=False, drawn=True)
    assert (found.standing, found.undrawn) == (Waiting(0), False)


async def test_the_next_campaign_draws_anew_and_the_list_of_the_last_one_is_gone(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    for campaign in range(3):
        await day.at(GATHER_MS + campaign * DAY_MS)
        assert await day.listed() == []
        tickets = [ticket for ticket, _ in await day.join(10)]
        await day.bench.set(mode="paused")
        await day.at(OPEN_MS + campaign * DAY_MS)
        assert await day.listed() == sorted(tickets)
        await assert_drawn(day, tickets)
        await day.bench.set(mode="open")
        await day.at(CLOSE_MS + campaign * DAY_MS)
        assert await day.listed() == sorted(tickets), "what was published stays until the next campaign"
    assert new_id() not in await day.listed()


async def test_a_room_set_to_draw_in_the_midst_of_a_prequeue_opens_without_one(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.at(GATHER_MS)
    tickets = [ticket for ticket, _ in await day.join(5)]
    changed = Day(open_bench, DrawKind.SEED)
    await changed.bench.set(mode="paused")
    await changed.at(OPEN_MS)
    assert await changed.state("schedule") == "open"
    assert await changed.bench.members("main") == tickets


async def test_a_draw_goes_on_as_announced_although_the_setting_changed(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(GATHER_MS)
    tickets = [ticket for ticket, _ in await day.join(5)]
    changed = Day(open_bench, DrawKind.BEACON)
    await changed.bench.set(mode="paused")
    await changed.at(OPEN_MS)
    await assert_drawn(changed, tickets)
