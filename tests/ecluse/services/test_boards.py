"""A room's board in memory: refreshed from Redis, honest about its age, able to tell a ticket where it stands."""

import asyncio
import json

import pytest

from ecluse.ports import free_ports
from ecluse.services.boards import BoardView
from ecluse.services.ticks import RoomTicks
from ecluse.store.client import Store
from ecluse.store.rooms import RoomStore
from tests.ecluse.store.conftest import Bench, OpenBench


def _view(bench: Bench) -> BoardView:
    room = bench.line.room
    return BoardView(room, RoomStore(bench.store, room))


async def _turn(bench: Bench, view: BoardView, seconds: float = 1.0) -> None:
    bench.advance(seconds)
    await RoomTicks(bench.line).turn()
    await view.refresh(bench.now)


async def test_before_any_worker_it_knows_nothing_and_says_so(open_bench: OpenBench) -> None:
    bench = open_bench()
    view = _view(bench)
    await view.refresh(bench.now)
    assert view.stale
    assert view.epoch == ""
    assert view.ahead("main", 5) is None
    assert view.last_ahead("main", 5) == 0
    assert json.loads(view.raw)["stale"] is True


async def test_it_tells_every_waiting_ticket_exactly_who_is_ahead(open_bench: OpenBench) -> None:
    bench = open_bench(burst=3, pace_per_minute=6)
    await bench.enter(40)
    view = _view(bench)
    await _turn(bench, view)
    line = await bench.store.command("ZRANGE", bench.line.keys.step[-1], 0, -1, "WITHSCORES")
    pairs = [(int(score), ticket) for ticket, score in line]
    assert len(pairs) < 40, "somebody was called"
    for rank, (number, _) in enumerate(pairs):
        ahead = view.ahead("main", number)
        assert ahead is not None
        assert ahead == rank if rank < 32 else abs(ahead - rank) <= 1
    assert view.ahead("main", pairs[0][0] - 1) is None, "called: only the line knows"
    assert view.ahead("main", pairs[-1][0] + 1) is None, "joined after the board: only the line knows"
    assert view.ahead("nowhere", 7) is None


async def test_its_version_changes_exactly_when_its_content_does(open_bench: OpenBench) -> None:
    bench = open_bench()
    view = _view(bench)
    await _turn(bench, view)
    before = view.version, view.raw
    await view.refresh(bench.now)
    assert (view.version, view.raw) == before
    await bench.enter(1)
    await _turn(bench, view)
    assert view.version != before[0]


async def test_an_old_board_is_stale_until_a_worker_is_back(open_bench: OpenBench) -> None:
    bench = open_bench()
    view = _view(bench)
    await _turn(bench, view)
    await view.refresh(bench.now + 9_999)
    assert json.loads(view.raw)["stale"] is False
    await view.refresh(bench.now + 10_001)
    assert view.stale
    assert json.loads(view.raw)["stale"] is True
    await _turn(bench, view, 12)
    assert json.loads(view.raw)["stale"] is False


async def test_a_store_out_of_reach_makes_it_stale_after_two_seconds_of_trying(open_bench: OpenBench) -> None:
    bench = open_bench()
    view = _view(bench)
    await bench.enter(3)
    await _turn(bench, view)
    waiting = view.document["waiting"]
    (nobody,) = free_ports(1)
    away = Store.at(f"redis://127.0.0.1:{nobody}/0", timeout_seconds=0.2)
    reachable, view._store = view._store, RoomStore(away, bench.line.room)
    for refreshes in range(1, 9):
        await view.refresh(bench.now)
        assert view.stale == (refreshes == 8)
    assert view.document["waiting"] == waiting, "the last board is kept"
    view._store = reachable
    await view.refresh(bench.now)
    assert json.loads(view.raw)["stale"] is False
    await away.close()


async def test_it_knows_whose_visit_is_over_and_forgets_them_when_no_pass_can_live(open_bench: OpenBench) -> None:
    bench = open_bench(burst=9)
    view = _view(bench)
    ended, left = await bench.called(2)
    await bench.line.claim(ended)
    await bench.line.finish(ended)
    await bench.line.leave(left)
    assert not view.is_ended(ended)
    await view.refresh(bench.now)
    assert view.is_ended(ended)
    assert view.is_ended(left)
    assert not view.is_ended("somebody")
    view.note_ended("our-own", bench.now)
    assert view.is_ended("our-own")
    bench.advance(86_500)
    await bench.line.expire()
    (later,) = await bench.called()
    await bench.line.leave(later)
    await view.refresh(bench.now)
    assert not view.is_ended(ended)
    assert view.is_ended(later)


async def test_all_who_wait_for_a_change_are_woken_by_it_together(open_bench: OpenBench) -> None:
    bench = open_bench()
    view = _view(bench)
    await _turn(bench, view)
    waits = [view.next_change() for _ in range(100)]
    assert len(set(map(id, waits))) == 1
    await view.refresh(bench.now)
    assert not waits[0].done()
    await bench.enter(1)
    await _turn(bench, view)
    async with asyncio.timeout(1):
        await waits[0]
    assert view.next_change() is not waits[0]


@pytest.mark.parametrize("written", [b"not json", b"[]", b"{}"])
async def test_a_board_that_cannot_be_read_leaves_the_last_one_up(open_bench: OpenBench, written: bytes) -> None:
    bench = open_bench()
    view = _view(bench)
    await _turn(bench, view)
    before = view.raw
    await bench.store.command("SET", bench.line.keys.board, written)
    with pytest.raises((ValueError, KeyError, TypeError)):
        await view.refresh(bench.now)
    assert view.raw == before
    await _turn(bench, view)
    assert not view.stale
