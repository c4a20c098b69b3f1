"""Opening hours over real Redis: phases that follow the clock, and what a campaign leaves of the one before."""

from ecluse.services.ticks import RoomTicks
from ecluse.store.line import Admitted, Called, Closed, Early, Entry, Gone, Waiting
from ecluse.tokens import new_id
from tests.ecluse.services.hours import CLOSE_MS, DAY_MS, GATHER_MS, MINUTE, OPEN_MS, Day
from tests.ecluse.store.conftest import EPOCH, START_MS, OpenBench

NEW = "epoch-02"


async def test_a_day_goes_through_its_phases_by_itself_and_says_when_the_next_comes(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    for at_ms, phase in ((START_MS, "closed"), (GATHER_MS, "prequeue"), (OPEN_MS, "idle"), (CLOSE_MS, "closed")):
        await day.at(at_ms)
        board = await day.board()
        assert board["phase"] == phase
        later = DAY_MS if at_ms == CLOSE_MS else 0
        assert board["opens_at"] == ("2027-01-16T09:00:00Z" if later else "2027-01-15T09:00:00Z")
        assert board["closes_at"] == ("2027-01-16T11:00:00Z" if later else "2027-01-15T11:00:00Z")


async def test_before_any_worker_has_spoken_places_are_given_and_nobody_is_let_in(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    entry = await day.line.enter(new_id(), "main", EPOCH, at_once=True)
    assert isinstance(entry, Entry)
    assert entry.standing == Waiting(0)
    assert await day.line.call(1, 0) is None


async def test_a_closed_room_gives_no_place_and_before_its_opening_nobody_is_called(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.at(START_MS)
    assert await day.line.enter(new_id(), "main", EPOCH, at_once=True) == Closed()
    await day.at(GATHER_MS)
    entry = await day.line.enter(new_id(), "main", EPOCH, at_once=True)
    assert isinstance(entry, Entry)
    assert (entry.standing, entry.to_draw) == (Waiting(0), False)
    await day.turns(8)
    assert await day.bench.members("called") == []
    await day.at(OPEN_MS)
    assert len(await day.bench.members("called")) == 1


async def test_an_operators_pause_and_closing_win_over_the_hours_and_not_the_other_way(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.bench.set(mode="paused")
    await day.at(OPEN_MS)
    assert (await day.board())["phase"] == "paused"
    await day.bench.set(mode="closed")
    await day.turn()
    assert (await day.board())["phase"] == "closed"
    await day.bench.set(mode="open")
    await day.at(CLOSE_MS)
    assert (await day.board())["phase"] == "closed"
    await day.bench.set(mode="paused")
    assert await day.line.enter(new_id(), "main", EPOCH, at_once=True) == Closed()


async def test_the_closing_is_exact_although_no_worker_is_there(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.at(OPEN_MS)
    day.bench.advance((CLOSE_MS - day.bench.now) / 1000 - 0.001)
    assert isinstance(await day.line.enter(new_id(), "main", EPOCH, at_once=False), Entry)
    day.bench.advance(0.001)
    assert await day.line.enter(new_id(), "main", EPOCH, at_once=False) == Closed()


async def test_a_closing_lets_those_inside_finish_and_ends_every_other_place(open_bench: OpenBench) -> None:
    day = Day(open_bench, burst=5, session_ms=60 * MINUTE, session_max_ms=90 * MINUTE)
    await day.at(CLOSE_MS - MINUTE)
    inside, called, waiting = [ticket for ticket, _ in await day.join(3)]
    await day.bench.call(2)
    assert isinstance(await day.line.claim(inside), Admitted)
    await day.at(CLOSE_MS)
    assert isinstance(await day.line.look(inside), Admitted)
    assert isinstance(await day.line.renew(inside, int(day.bench.now)), Admitted)
    assert [await day.line.look(each) for each in (called, waiting)] == [Gone(), Gone()]
    board = await day.board()
    assert (board["waiting"], board["called"], board["admitted"]) == (0, 0, 1)


async def test_nothing_of_an_earlier_campaign_opens_anything_in_this_one(open_bench: OpenBench) -> None:
    day = Day(open_bench, session_ms=1500 * MINUTE, session_max_ms=3000 * MINUTE)
    await day.at(OPEN_MS)
    (old, entry), = await day.join(1)  # fmt: skip
    await day.bench.call(1)
    admitted = await day.line.claim(old)
    assert isinstance(admitted, Admitted)
    await day.at(CLOSE_MS)
    await day.at(GATHER_MS + DAY_MS)
    assert await day.bench.members("admitted") == []
    assert await day.line.renew(old, admitted.started_at_ms) == Gone()
    found = await day.line.restore(old, "main", entry.number, entry.number, epochs=(EPOCH, NEW), back=True)
    assert found.standing == Gone()
    board = await day.board()
    assert board["campaign"]["started_at_ms"] == GATHER_MS + DAY_MS
    assert board["campaign"]["first_number"] >= entry.number
    ((_, fresh),) = await day.join(1)
    assert fresh.number > board["campaign"]["first_number"]


async def test_a_ticket_of_an_earlier_campaign_stays_over_although_redis_lost_everything(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.at(OPEN_MS)
    ((old, entry),) = await day.join(1)
    await day.at(OPEN_MS + DAY_MS)
    ((new, later),) = await day.join(1)
    await day.bench.store.command("FLUSHALL")
    await day.turn(RoomTicks(day.line))
    found = await day.line.restore(old, "main", entry.number, entry.number, epochs=(EPOCH, NEW), back=False)
    assert found.standing == Gone()
    found = await day.line.restore(new, "main", later.number, later.number, epochs=(EPOCH, NEW), back=False)
    assert (found.standing, found.put_back) == (Waiting(0), True), "a place of today was lost with the others"


async def test_places_that_are_kept_stand_again_at_the_next_opening_in_the_same_order(open_bench: OpenBench) -> None:
    day = Day(open_bench, keep_places=True, burst=1, pace_per_minute=1)
    await day.at(OPEN_MS)
    tickets = [ticket for ticket, _ in await day.join(6)]
    await day.bench.call(2)
    called = await day.bench.members("called")
    await day.at(CLOSE_MS)
    assert (await day.board())["waiting"] == 4
    await day.turns(300)
    assert await day.line.claim(called[0]) == Closed()
    await day.at(GATHER_MS + DAY_MS)
    newcomers = [ticket for ticket, _ in await day.join(2)]
    assert await day.bench.members("main") == [*tickets[2:], *newcomers]
    outcome = await day.line.claim(called[0])
    assert isinstance(outcome, Early)
    assert outcome.why == "paused"
    await day.at(OPEN_MS + DAY_MS - 2_000)
    await day.at(OPEN_MS + DAY_MS)
    assert isinstance(await day.line.look(called[1]), Called), "a call cannot be missed while the room is closed"
    assert isinstance(await day.line.claim(called[0]), Admitted)


async def test_a_clock_that_jumps_back_over_a_change_of_phase_takes_nothing_back(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    await day.at(GATHER_MS)
    ((ticket, _),) = await day.join(1)
    await day.at(GATHER_MS - 5_000)
    assert (await day.board())["phase"] == "prequeue"
    assert await day.line.look(ticket) == Waiting(0)
    await day.at(OPEN_MS)
    await day.at(OPEN_MS - 5_000)
    assert (await day.board())["phase"] == "open"


async def test_the_line_of_a_room_that_gets_hours_does_not_survive_into_them(open_bench: OpenBench) -> None:
    before = open_bench()
    (ticket,) = await before.enter(1)
    day = Day(open_bench)
    await day.at(OPEN_MS + 10 * MINUTE)
    assert await day.line.look(ticket) == Gone()


async def test_many_workers_start_one_campaign(open_bench: OpenBench) -> None:
    day = Day(open_bench)
    workers = [RoomTicks(line) for line in (day.line, *day.bench.more)]
    await day.at(GATHER_MS)
    tickets = [ticket for ticket, _ in await day.join(4)]
    for _ in range(4):
        for worker in workers:
            await day.turn(worker)
    assert await day.bench.members("main") == tickets
