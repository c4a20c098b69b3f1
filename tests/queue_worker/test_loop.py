"""A worker: turns in every room, whatever happened to the turn before."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ecluse.ports import free_ports
from ecluse.services import room_of
from ecluse.settings import Settings
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.store.rooms import RoomStore
from ecluse.telemetry import Metrics, TickOutcome
from ecluse.tokens import new_id
from queue_worker.loop import Worker
from tests.ecluse.small_programs import until
from tests.gateway.whole import SALLE, configured


def _settings(redis_url: str) -> Settings:
    rooms = [SALLE | {"origin": "http://127.0.0.1:1", "pace_per_minute": 600},
             SALLE | {"id": "autre", "paths": ["/b/"], "origin": "http://127.0.0.1:1"}]  # fmt: skip
    return configured(redis_url, rooms)[0]


@contextlib.asynccontextmanager
async def working(worker: Worker, store: Store) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await running
        await store.close()


async def test_every_room_has_its_turns_and_they_end_when_told(redis_url: str) -> None:
    settings, store, metrics = _settings(redis_url), Store.at(redis_url), Metrics()
    lines = [Line(store, room_of(room)) for room in settings.room]
    for line in lines:
        await line.enter(new_id(), "main", "epoch-01", at_once=False)
    async with working(Worker(settings, store, metrics), store) as stop:
        for line in lines:
            boards = RoomStore(store, line.room)
            async with asyncio.timeout(5):
                while await boards.board() is None or not await store.command("ZCARD", line.keys.step[2]):
                    await asyncio.sleep(0.02)
        loop = asyncio.get_running_loop()
        stop.set()
        ended = loop.time()
    assert loop.time() - ended < 1
    for room in settings.room:
        assert metrics.room(room.id).ticks[TickOutcome.DONE]._value.get() >= 1


async def test_a_turn_that_fails_is_tried_again_until_it_works(redis_url: str) -> None:
    (port,) = free_ports(1)
    settings, metrics = _settings(redis_url), Metrics()
    store = Store.at(f"redis://127.0.0.1:{port}/0", timeout_seconds=0.5)
    outcomes = metrics.room("salle").ticks
    upstream = int(redis_url.rpartition(":")[2].partition("/")[0])

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", upstream)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while piece := await source.read(65_536):
                    sink.write(piece)
            sink.close()

        await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    async with working(Worker(settings, store, metrics), store):
        await until(lambda: outcomes[TickOutcome.FAILED]._value.get() >= 2)
        assert outcomes[TickOutcome.DONE]._value.get() == 0
        server = await asyncio.start_server(relay, "127.0.0.1", port)
        await until(lambda: outcomes[TickOutcome.DONE]._value.get() >= 2, 8)
        server.close()


async def test_a_turn_that_fails_in_one_room_does_not_hold_up_another(redis_url: str) -> None:
    settings, store, metrics = _settings(redis_url), Store.at(redis_url), Metrics()
    broken = Line(store, room_of(settings.room[0])).keys.step[0]
    await store.command("SET", broken, "not a hash")
    ours, other = metrics.room("salle").ticks, metrics.room("autre").ticks
    async with working(Worker(settings, store, metrics), store):
        await until(lambda: other[TickOutcome.DONE]._value.get() >= 3)
        await until(lambda: ours[TickOutcome.FAILED]._value.get() >= 1)
        await store.command("DEL", broken)
        await until(lambda: ours[TickOutcome.DONE]._value.get() >= 1)


@pytest.mark.parametrize("memory", ["{broken", "[]", '{"claims":[1]}', '{"heard":null}', '{"slot":"x"}'])
async def test_a_memory_that_cannot_be_read_is_begun_anew(redis_url: str, memory: str) -> None:
    settings, store, metrics = _settings(redis_url), Store.at(redis_url), Metrics()
    line = Line(store, room_of(settings.room[0]))
    await store.command("HSET", line.keys.step[0], "memory", memory)
    outcomes = metrics.room("salle").ticks
    async with working(Worker(settings, store, metrics), store):
        await until(lambda: outcomes[TickOutcome.DONE]._value.get() >= 2, 5)
        assert outcomes[TickOutcome.FAILED]._value.get() == 0


@pytest.mark.parametrize("workers", [3])
async def test_several_workers_share_the_turns(redis_url: str, workers: int) -> None:
    settings = _settings(redis_url)
    metrics = [Metrics() for _ in range(workers)]
    async with contextlib.AsyncExitStack() as stack:
        for each in metrics:
            store = Store.at(redis_url)
            await stack.enter_async_context(working(Worker(settings, store, each), store))
        counts = [each.room("salle").ticks[TickOutcome.DONE] for each in metrics]
        await until(lambda: sum(count._value.get() for count in counts) >= 8, 10)
        loop = asyncio.get_running_loop()
        started, before = loop.time(), sum(count._value.get() for count in counts)
        await until(lambda: loop.time() - started > 1.5)
        turns = sum(count._value.get() for count in counts) - before
        assert turns <= 1.6 / 0.2 + 1, "more turns than one worker would take"
