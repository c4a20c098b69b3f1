"""A draw that Redis loses in the midst: nobody is let in undrawn, nothing that was public changes, nobody is left out."""

import json
from typing import Any

import pytest

from ecluse.domain import draw, merkle
from ecluse.domain.opening import DrawKind
from ecluse.services.ticks import RoomTicks
from ecluse.store.line import Entry
from ecluse.store.rooms import RoomStore
from tests.ecluse.services.hours import GATHER_MS, OPEN_MS, Day
from tests.ecluse.services.test_draws import assert_drawn, hasty, until_open
from tests.ecluse.store.conftest import EPOCH, OpenBench

NEW = "epoch-02"
HEALED_TURNS = 480
"""Of a quarter of a second: a minute over which tickets return, and a minute for whoever looked just before."""
Joined = list[tuple[str, Entry]]


async def lose_everything(day: Day) -> None:
    """Redis comes back empty, and an operator keeps the front from being called, so that the order can be seen."""
    await day.bench.store.command("FLUSHALL")
    await day.bench.set(mode="paused")


async def present(day: Day, joined: Joined, seed: bytes | None = None) -> None:
    """Everybody shows their ticket again, at the place that a gateway knows: drawn once the seed is public."""
    for ticket, entry in joined:
        place = entry.number if seed is None else draw.place(seed, ticket)
        found = await day.line.restore(ticket, "main", place, entry.number, epochs=(EPOCH, NEW), back=False, drawn=True)
        assert (found.put_back, found.undrawn) == (True, False)


async def until_healed(day: Day) -> None:
    """All the time that those who wait have to come back; nobody is called and nothing decided meanwhile."""
    for _ in range(HEALED_TURNS // 40 - 1):
        await day.turns(40)
        record = await day.record()
        assert ((await day.board())["phase"], record["seed"]) == ("drawing", None)
        assert await day.bench.members("called") == []


async def gathered(day: Day, how_many: int = 30) -> Joined:
    await day.at(GATHER_MS)
    return await day.join(how_many)


async def journal(day: Day) -> list[dict[str, Any]]:
    """What the journal says of the draw, oldest first."""
    found = await RoomStore(day.bench.store, day.line.room).journal(100)
    documents: list[Any] = [each.document for each in reversed(found)]
    return [each["draw"] for each in documents if each["action"] == "draw"]


async def test_a_line_lost_shortly_before_the_opening_is_drawn_once_everybody_is_back(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    joined = await gathered(day)
    promised = (await day.record())["commitment"]
    await day.at(OPEN_MS - 1_000)
    await day.bench.store.command("FLUSHALL")
    await day.turn()
    await day.at(OPEN_MS)
    await day.bench.set(mode="queueing")
    await until_healed(day)
    await present(day, joined)
    await day.bench.set(mode="paused")
    await until_open(day, day.ticks)
    await assert_drawn(day, [ticket for ticket, _ in joined])
    assert (await day.record())["commitment"] == promised


async def test_redis_that_was_away_over_the_opening_and_came_back_empty_opens_no_room_undrawn(
    open_bench: OpenBench,
) -> None:
    day = Day(open_bench, DrawKind.SEED)
    joined = await gathered(day)
    promised = (await day.record())["commitment"]
    day.bench.advance((OPEN_MS - day.bench.now) / 1000 + 5)
    await day.bench.store.command("FLUSHALL")
    await until_healed(day)
    late = await day.join(3)
    assert not any(entry.to_draw for _, entry in late)
    await present(day, joined)
    await day.bench.set(mode="paused")
    await until_open(day, day.ticks)
    listed = await day.listed()
    assert set(listed) == {ticket for ticket, _ in joined}, "those who came during the wait stand behind"
    assert (await day.bench.members("main"))[-3:] == [ticket for ticket, _ in late]
    record = draw.Record.from_document(await day.record())
    assert record.commitment == promised == draw.commitment(bytes.fromhex(record.beacon.value or ""))
    assert [each["state"] for each in await journal(day)] == ["announced", "closed", "drawn"]


@pytest.mark.usefixtures("small_pieces")
async def test_a_list_that_was_being_written_is_written_anew_from_those_who_came_back(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    joined = await gathered(day)
    worker = day.ticks = hasty(day)
    day.bench.advance((OPEN_MS - day.bench.now) / 1000)
    for _ in range(4):
        await day.turn(worker)
    assert (await day.record())["state"] == "announced", "in the midst of reading the line"
    await lose_everything(day)
    await day.turn(worker)
    back, away = joined[:-5], joined[-5:]
    await present(day, back)
    await day.turns(HEALED_TURNS)
    await until_open(day, worker)
    await assert_drawn(day, [ticket for ticket, _ in back])
    assert not set(await day.listed()) & {ticket for ticket, _ in away}


@pytest.mark.usefixtures("small_pieces")
async def test_a_list_that_was_public_stays_the_one_that_is_drawn_although_redis_lost_it(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.BEACON)
    joined = await gathered(day)
    await day.at(OPEN_MS)
    await day.turns(3)
    public = await day.record()
    assert (public["state"], public["n"]) == ("closed", 30)
    await lose_everything(day)
    await day.turns(2)
    assert await day.record() == public, "nobody can close another list because this one displeases"
    await present(day, joined)
    rooms = RoomStore(day.bench.store, day.line.room)
    assert await rooms.give_beacon(json.dumps({"value": "12 17 23", "source": "Loto du soir"})) == "taken"
    await day.turns(20)
    assert (await day.record())["seed"] is None, "not before everybody could come back"
    await day.turns(HEALED_TURNS)
    await until_open(day, day.ticks)
    record = await day.record()
    assert (record["n"], record["root"]) == (30, merkle.root(sorted(ticket for ticket, _ in joined)).hex())
    seed = bytes.fromhex(record["seed"])
    expected = sorted((ticket for ticket, _ in joined), key=lambda each: draw.place(seed, each))
    assert await day.bench.members("main") == expected


async def test_a_worker_that_only_looked_on_knows_as_much_of_the_draw(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.BEACON)
    joined = await gathered(day)
    await day.at(OPEN_MS)
    other = RoomTicks(day.line)
    assert await other.turn() is None, "this turn is taken"
    await day.turns(3)
    assert await other.turn() is None
    public = await day.record()
    await lose_everything(day)
    await day.turn(other)
    await day.turn(other)
    assert (await day.record(), await day.state("schedule")) == (public, "drawing")
    await present(day, joined)


async def test_a_room_that_opened_without_a_prequeue_draws_nobody_after_a_loss(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await day.at(OPEN_MS)
    ((_, entry),) = await day.join(1)
    assert not entry.to_draw
    await lose_everything(day)
    await day.turns(2)
    assert await day.state("schedule") == "open"


async def lost_over_the_opening(day: Day) -> None:
    """Redis was away over the opening, and came back empty."""
    day.bench.advance((OPEN_MS - day.bench.now) / 1000 + 5)
    await day.bench.store.command("FLUSHALL")


async def test_a_newcomer_that_turns_first_opens_no_room_that_another_worker_knows_is_to_be_drawn(
    open_bench: OpenBench,
) -> None:
    day = Day(open_bench, DrawKind.SEED)
    joined = await gathered(day)
    promised = (await day.record())["commitment"]
    await lost_over_the_opening(day)
    newcomer = RoomTicks(day.line)
    for _ in range(9):  # the other one asks every two seconds, as long as it believes Redis away
        await day.turn(newcomer)
        assert await day.state("schedule") == ""
    assert await day.ticks.turn() is not None, "the newcomer left it the turn"
    assert (await day.state("schedule"), (await day.record())["commitment"]) == ("drawing", promised)
    for _ in range(HEALED_TURNS // 2 - 20):
        await day.turn(newcomer)
        await day.turn()
    assert (await day.board())["phase"] == "drawing"
    await present(day, joined)
    await day.bench.set(mode="paused")
    await until_open(day, newcomer, day.ticks)
    await assert_drawn(day, [ticket for ticket, _ in joined])
    assert (await day.record())["commitment"] == promised


async def test_a_newcomer_that_turns_first_makes_no_other_promise(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    await gathered(day)
    promised = await day.record()
    await day.bench.store.command("FLUSHALL")
    newcomer = RoomTicks(day.line)
    await day.turn(newcomer)
    for worker in (day.ticks, newcomer, day.ticks):
        await worker.turn()
        assert await day.record() == promised
    assert await journal(day) == [promised]


@pytest.mark.parametrize("looks_on", [True, False])
async def test_a_promise_made_in_place_of_a_lost_one_gives_way_to_it_once(
    open_bench: OpenBench, *, looks_on: bool
) -> None:
    day = Day(open_bench, DrawKind.SEED)
    joined = await gathered(day)
    promised = await day.record()
    await day.bench.store.command("FLUSHALL")
    newcomer = RoomTicks(day.line)
    for _ in range(30):  # far longer than it waits for a worker that remembers
        await day.turn(newcomer)
    other = await day.record()
    assert other["commitment"] != promised["commitment"]
    if looks_on:
        assert await day.ticks.turn() is None, "this turn is the newcomer's"
        assert await day.record() == promised
    for worker in (day.ticks, newcomer, day.ticks, newcomer):
        await day.turn(worker)
        assert await day.record() == promised
    assert await journal(day) == [other, promised]
    await present(day, joined)
    await day.bench.set(mode="paused")
    day.bench.advance((OPEN_MS - day.bench.now) / 1000)
    await until_open(day, newcomer, day.ticks)
    await assert_drawn(day, [ticket for ticket, _ in joined])
    record = draw.Record.from_document(await day.record())
    assert record.commitment == promised["commitment"] == draw.commitment(bytes.fromhex(record.beacon.value or ""))


async def test_a_room_that_nobody_remembers_begins_after_five_seconds(open_bench: OpenBench) -> None:
    day = Day(open_bench, DrawKind.SEED)
    day.bench.advance((GATHER_MS - day.bench.now) / 1000)
    await day.turns(20)
    assert await day.state("schedule") == ""
    await day.turn()
    assert (await day.state("schedule"), (await day.record())["state"]) == ("prequeue", "announced")
    ((_, entry),) = await day.join(1)
    assert entry.to_draw
