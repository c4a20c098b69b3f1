"""What gateways share of a room: settings with a version, a journal that cannot be rewritten unseen, who is finished."""

import asyncio
import json

import pytest

from ecluse.domain.errors import VersionConflict
from ecluse.domain.journal import Action, digest_of
from ecluse.domain.room import Live, Mode, PaceMode
from ecluse.store.client import Store
from ecluse.store.rooms import RoomStore
from ecluse.store.scripts import Script
from ecluse.store.wire import Argument, Reply
from tests.ecluse.store.conftest import Bench, OpenBench


def _store(bench: Bench) -> RoomStore:
    return RoomStore(bench.store, bench.line.room)


async def test_configured_values_hold_until_an_operator_changes_them(open_bench: OpenBench) -> None:
    bench = open_bench(pace_per_minute=12.5, burst=3, capacity=9, notice={"fr": "Bonjour"})
    room = _store(bench)
    assert await room.live() == Live(
        version=0,
        pace_per_minute=12.5,
        burst=3,
        capacity=9,
        pace=PaceMode.MANUAL,
        mode=Mode.OPEN,
        notice={"fr": "Bonjour"},
    )
    changed = await room.settle({"capacity": 4, "mode": Mode.PAUSED}, who="a", reason="b", version=None)
    assert (changed.version, changed.capacity, changed.mode, changed.burst) == (1, 4, Mode.PAUSED, 3)
    assert await room.live() == changed
    notice = {"fr": "« Pause »\n<b>", "ar": "استراحة"}
    assert (await room.settle({"notice": notice}, who="a", reason="", version=1)).notice == notice


async def test_a_change_for_another_version_changes_nothing(open_bench: OpenBench) -> None:
    room = _store(open_bench())
    await room.settle({"burst": 3}, who="a", reason="", version=0)
    with pytest.raises(VersionConflict):
        await room.settle({"burst": 9}, who="b", reason="", version=0)
    assert (await room.live()).burst == 3
    assert len(await room.journal()) == 1


class SentTwice(Store):
    """Every step reaches Redis twice, as it does where a connection breaks before the reply."""

    async def run(self, script: Script, keys: tuple[str, ...], args: tuple[Argument, ...]) -> Reply:
        await super().run(script, keys, args)
        return await super().run(script, keys, args)


async def test_what_is_sent_a_second_time_stands_in_the_journal_once(open_bench: OpenBench) -> None:
    bench = open_bench()
    store = SentTwice(bench.store._redis)
    room = RoomStore(store, bench.line.room)
    assert (await room.settle({"burst": 3}, who="a", reason="", version=0)).version == 1
    await room.note(Action.REVOKE, {"session": "s"}, who="a", reason="")
    assert (await room.settle({"burst": 4}, who="a", reason="", version=None)).burst == 4
    assert len(await room.journal()) == 3
    await store.close()


async def test_a_change_to_what_is_already_so_leaves_no_trace(open_bench: OpenBench) -> None:
    room = _store(open_bench(burst=2))
    assert (await room.settle({"burst": 2}, who="a", reason="", version=None)).version == 0
    assert not await room.journal()


async def test_changes_made_at_the_same_time_all_stand_in_one_unbroken_chain(open_bench: OpenBench) -> None:
    bench = open_bench(lines=2)
    rooms = [_store(bench), RoomStore(bench.more[0].store, bench.line.room)]
    await asyncio.gather(*(rooms[n % 2].note(Action.REVOKE, {"session": str(n)}, who="a", reason="") for n in range(5)))
    await asyncio.gather(*(rooms[n % 2].settle({name: 7}, who="b", reason="", version=None)
                           for n, name in enumerate(("burst", "capacity"))))  # fmt: skip
    entries = list(reversed(await rooms[0].journal()))
    assert len(entries) == 7
    assert sorted(str(entry.document.get("session", "")) for entry in entries) == ["", "", "0", "1", "2", "3", "4"]
    previous = ""
    for entry in entries:
        assert entry.document["previous"] == previous
        text = json.dumps(entry.document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        previous = digest_of(previous, text)
        assert entry.digest == previous
    live = await rooms[1].live()
    assert (live.burst, live.capacity) == (7, 7)


async def test_of_many_conditional_changes_to_one_version_one_is_made(open_bench: OpenBench) -> None:
    bench = open_bench(lines=2)
    rooms = [_store(bench), RoomStore(bench.more[0].store, bench.line.room)]
    changes = (rooms[n % 2].settle({"burst": 10 + n}, who="a", reason="", version=0) for n in range(12))
    found = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(each, Live) for each in found) == 1
    assert sum(isinstance(each, VersionConflict) for each in found) == 11
    assert len(await rooms[0].journal()) == 1


async def test_counts_are_those_of_this_life(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    room = _store(bench)
    assert (await room.counts())["joins"] == 0
    tickets = await bench.called(3)
    await bench.line.claim(tickets[0])
    await bench.line.leave(tickets[1])
    bench.advance(20)
    await bench.line.expire()
    found = await room.counts()
    assert {name: found[name] for name in ("joins", "calls", "admissions", "left", "missed")} == {
        "joins": 3, "calls": 3, "admissions": 1, "left": 1, "missed": 1,
    }  # fmt: skip


async def test_who_is_finished_is_told_from_a_moment_on(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    room = _store(bench)
    assert await room.ended_since(0) == []
    early, late = await bench.called(2)
    await bench.line.claim(early)
    await bench.line.finish(early)
    bench.advance(10)
    await bench.line.leave(late)
    assert await room.ended_since(0) == [(early, bench.now - 10_000), (late, bench.now)]
    assert await room.ended_since(bench.now - 5) == [(late, bench.now)]


async def test_there_is_no_board_before_the_first(open_bench: OpenBench) -> None:
    bench = open_bench()
    assert await _store(bench).board() is None
    await bench.line.publish(b'{"a":1}', "memory")
    assert await _store(bench).board() == b'{"a":1}'
    await bench.line.publish(b"", "more")
    assert await _store(bench).board() == b'{"a":1}'
