"""What time triggers: the front of the line called, calls missed, the board put up; by any number of workers."""

import asyncio
import json
from random import Random
from typing import Any

import pytest

from ecluse.domain.room import Lane
from ecluse.services.ticks import RoomTicks
from ecluse.store.line import Admitted, Early
from ecluse.store.rooms import RoomStore
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, Bench, OpenBench


async def _board(bench: Bench) -> dict[str, Any]:
    raw = await RoomStore(bench.store, bench.line.room).board()
    assert raw is not None
    found: dict[str, Any] = json.loads(raw)
    return found


async def test_with_k_places_free_and_k_waiting_all_are_called_within_a_turn(open_bench: OpenBench) -> None:
    for k in (1, 7, 60):
        bench = open_bench(id=f"k{k}", capacity=k, burst=100, pace_per_minute=6000)
        tickets = await bench.enter(k)
        report = await RoomTicks(bench.line).turn()
        assert report is not None
        assert report.newly_called == k
        assert sorted(await bench.members("called")) == sorted(tickets)


async def test_one_who_closed_the_tab_at_the_front_delays_nobody(open_bench: OpenBench) -> None:
    bench = open_bench(burst=1, pace_per_minute=60, claim_ms=60_000)
    (asleep,) = await bench.enter(1)
    present = await bench.enter(6)
    ticks, inside = RoomTicks(bench.line), set[str]()
    for _ in range(4 * 12):
        bench.advance(0.25)
        await ticks.turn()
        for ticket in set(present) & set(await bench.members("called")):
            if isinstance(await bench.line.claim(ticket), Admitted):
                inside.add(ticket)
    assert inside == set(present), "six others wait behind one who sleeps for a minute"
    assert await bench.members("called") == [asleep]


class Crowd:
    """Visitors in virtual time: some never come; the others press Enter after some seconds, and again when told."""

    def __init__(self, bench: Bench, random: Random, absent: float) -> None:
        self.bench, self.random, self.absent = bench, random, absent
        self.due: dict[str, float] = {}
        self.known: set[str] = set()
        self.inside = 0

    async def step(self) -> None:
        bench = self.bench
        for ticket in await bench.members("called"):
            if ticket not in self.known:
                self.known.add(ticket)
                if self.random.random() >= self.absent:
                    self.due[ticket] = bench.now + 1000 * self.random.uniform(1, 9)
        pressing = [ticket for ticket, at in self.due.items() if at <= bench.now]
        found = await asyncio.gather(*(bench.line.claim(ticket) for ticket in pressing))
        for ticket, outcome in zip(pressing, found, strict=True):
            if isinstance(outcome, Early):
                self.due[ticket] = bench.now + outcome.wait_ms
            else:
                del self.due[ticket]
                self.inside += isinstance(outcome, Admitted)


@pytest.mark.slow
async def test_the_pace_is_used_although_half_of_the_called_never_come(open_bench: OpenBench) -> None:
    bench = open_bench(burst=2, pace_per_minute=120, claim_ms=60_000)
    await bench.enter(1500)
    ticks, crowd = RoomTicks(bench.line), Crowd(bench, Random(11), absent=0.5)
    at_start = 0
    for turn in range(4 * 360):
        bench.advance(0.25)
        await ticks.turn()
        await crowd.step()
        if turn == 4 * 60:
            at_start = crowd.inside
    admitted, possible = crowd.inside - at_start, 120 * 5
    assert 0.95 * possible <= admitted <= possible + 2


async def test_many_workers_call_no_more_than_one_would(open_bench: OpenBench) -> None:
    async def calls(bench: Bench, workers: int) -> list[int]:
        await bench.enter(400)
        ticks = [RoomTicks(line) for line in ([bench.line, *bench.more] * workers)[:workers]]
        counts = []
        for _ in range(24):
            bench.advance(0.25)
            reports = await asyncio.gather(*(each.turn() for each in ticks for _ in range(3)))
            assert sum(report is not None for report in reports) == 1, "a turn belongs to one worker"
            counts.append(await bench.calls())
        return counts

    alone = await calls(open_bench(id="alone", pace_per_minute=600, burst=20), 1)
    together = await calls(open_bench(id="together", lines=2, pace_per_minute=600, burst=20), 6)
    assert alone == together
    assert alone[-1] > 20


async def test_calls_run_ahead_by_no_more_than_a_bounded_pipeline(open_bench: OpenBench) -> None:
    """Nobody answers: what was called stays within reach of what could be admitted."""
    bench = open_bench(pace_per_minute=60, burst=2, claim_ms=180_000)
    await bench.enter(500)
    ticks = RoomTicks(bench.line)
    for _ in range(4 * 60):
        bench.advance(0.25)
        await ticks.turn()
    assert await bench.calls() <= 400


async def test_the_board_counts_what_a_full_walk_counts_whatever_happened(open_bench: OpenBench) -> None:
    random = Random(2)
    lanes = (Lane(id="main"), Lane(id="urgent", weight=2))
    bench = open_bench(lanes=lanes, pace_per_minute=600, burst=5, capacity=30, claim_ms=8_000)
    ticks, crowd = RoomTicks(bench.line), Crowd(bench, random, absent=0.3)
    for _ in range(40):
        for _ in range(random.randrange(6)):
            await bench.line.enter(new_id(), random.choice(["main", "urgent"]), EPOCH, at_once=random.random() < 0.3)
        for lane in ("main", "urgent"):
            waiting = await bench.members(lane)
            if waiting and random.random() < 0.2:
                await bench.line.leave(random.choice(waiting))
        await crowd.step()
        bench.advance(1.0)
        await ticks.turn()
        board = await _board(bench)
        walk = {lane: await bench.members(lane) for lane in ("main", "urgent")}
        assert {lane: board["lanes"][lane]["waiting"] for lane in walk} == {lane: len(t) for lane, t in walk.items()}
        assert board["waiting"] == sum(map(len, walk.values()))
        for lane, tickets in walk.items():
            marks = board["lanes"][lane]["marks"]
            assert [ahead for _, ahead in marks][:32] == list(range(min(len(tickets), 32)))
        assert board["called"] == len(await bench.members("called"))
        assert board["admitted"] == len(await bench.members("admitted"))
    assert crowd.inside > 10


@pytest.mark.parametrize(
    ("settings", "waiting", "phase"),
    [({}, 0, "idle"), ({}, 9, "open"), ({"mode": "queueing"}, 0, "open"), ({"mode": "paused"}, 9, "paused"),
     ({"mode": "closed"}, 9, "closed")],
)  # fmt: skip
async def test_the_board_tells_the_phase(
    open_bench: OpenBench, settings: dict[str, str], waiting: int, phase: str
) -> None:
    bench = open_bench()
    await bench.enter(waiting)
    if settings:
        await bench.set(**settings)
    await RoomTicks(bench.line).turn()
    assert (await _board(bench))["phase"] == phase
    assert bool(await bench.members("called")) == (phase == "open" and waiting > 0)


async def test_a_change_of_settings_is_on_the_board_at_the_next_turn(open_bench: OpenBench) -> None:
    bench = open_bench()
    ticks = RoomTicks(bench.line)
    await ticks.turn()
    bench.advance(0.25)
    room = RoomStore(bench.store, bench.line.room)
    await room.settle({"pace_per_minute": 7.5, "notice": {"fr": "Vite"}}, who="a", reason="", version=None)
    report = await ticks.turn()
    board = await _board(bench)
    assert (board["pace_per_minute"], board["notice"]) == (7.5, {"fr": "Vite"})
    assert report is not None
    assert report.pace_per_minute == 7.5


async def test_the_board_says_why_a_lane_became_slower_and_for_which_wait(open_bench: OpenBench) -> None:
    bench = open_bench(pace_per_minute=240, burst=2, claim_ms=20_000)
    await bench.enter(1200)
    ticks, crowd = RoomTicks(bench.line), Crowd(bench, Random(4), absent=0.1)
    for _ in range(4 * 90):
        bench.advance(0.25)
        await ticks.turn()
        await crowd.step()
    before = await _board(bench)
    assert "slower" not in before
    rate = before["lanes"]["main"]["calls_per_minute"]
    assert rate["p50"] == pytest.approx(240 / 0.9, rel=0.2)
    await bench.set(pace_per_minute=80)
    for _ in range(4 * 20):
        bench.advance(0.25)
        await ticks.turn()
        await crowd.step()
    after = await _board(bench)
    assert after["slower"] == {"main": "pace"}
    assert after["lanes"]["main"]["calls_per_minute"]["slow"] < rate["slow"] / 1.5
    other = RoomTicks(bench.line)
    bench.advance(1)
    await other.turn()
    assert (await _board(bench))["slower"] == {"main": "pace"}, "known to any worker"


async def test_missed_turns_and_finished_visits_are_moved_by_a_turn(open_bench: OpenBench) -> None:
    bench = open_bench(burst=100, pace_per_minute=6000, claim_ms=5_000)
    inside = await bench.called(3)
    await asyncio.gather(*(bench.line.claim(ticket) for ticket in inside))
    absent = await bench.called(500) + await bench.called(400)
    bench.advance(31)
    report = await RoomTicks(bench.line).turn()
    assert report is not None
    assert report.missed == 900
    assert len(await bench.members("missed")) == len(absent)
    assert not await bench.members("admitted")


async def test_another_worker_takes_over_with_all_that_was_learnt(open_bench: OpenBench) -> None:
    bench = open_bench(lines=2, pace_per_minute=600, burst=10, claim_ms=10_000)
    await bench.enter(300)
    first, crowd = RoomTicks(bench.line), Crowd(bench, Random(5), absent=0.7)
    report = None
    for _ in range(120):
        bench.advance(0.25)
        report = await first.turn() or report
        await crowd.step()
    bench.advance(0.25)
    taken_over = await RoomTicks(bench.more[0]).turn()
    assert report is not None
    assert taken_over is not None
    assert taken_over.show_rate == pytest.approx(report.show_rate, abs=0.05)
    assert taken_over.show_rate < 0.6, "nothing was learnt of seven in ten who never came"


async def test_a_worker_that_sees_the_line_lost_says_so_and_how_far_it_had_been_called(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5, pace_per_minute=600)
    await bench.enter(40)
    ticks = RoomTicks(bench.line)
    for _ in range(8):
        bench.advance(0.25)
        await ticks.turn()
    before = await _board(bench)
    assert "healing" not in before
    await bench.store.command("FLUSHALL")
    bench.advance(0.25)
    await ticks.turn()
    board = await _board(bench)
    assert board["epoch"] != before["epoch"]
    assert board["healing"]["since_ms"] == bench.now
    assert board["lanes"]["main"]["serving"] == before["lanes"]["main"]["serving"] > 0
    assert await bench.number("serving:main") == board["lanes"]["main"]["serving"]
    bench.advance(130)
    await ticks.turn()
    assert "healing" not in await _board(bench)


async def test_a_slow_turn_counts_how_long_people_were_awaited_from_their_call_on(open_bench: OpenBench) -> None:
    bench = open_bench(burst=40, pace_per_minute=6000, capacity=40)
    await bench.enter(40)
    ticks = RoomTicks(bench.line)
    await ticks.turn()
    called = sorted(await bench.members("called"))
    bench.advance(0.3)
    for ticket in called[:12]:
        assert isinstance(await bench.line.claim(ticket), Admitted)
    bench.advance(0.3)
    await ticks.turn()
    silent, seen = len(called) - 12, await _learnt(bench)
    assert seen["claims"][:2] == [12, 0]
    assert seen["awaited"][:3] == pytest.approx([silent * 0.5, silent * 0.1, 0])
    more = len(await bench.members("called")) - silent
    bench.advance(0.6)
    await ticks.turn()
    expected = [silent * 0.5 + more * 0.5, silent * 0.5 + more * 0.1, silent * 0.2]
    assert (await _learnt(bench))["awaited"][:3] == pytest.approx(expected)


async def _learnt(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await bench.store.command("HGET", bench.line.keys.step[0], "memory"))
    return found
