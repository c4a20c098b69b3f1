"""The way to Redis: one pipeline a turn, whole answers or StoreAway, and no harm from what breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelConnectionPool

from ecluse.domain.errors import RoomFull, StoreAway
from ecluse.ports import free_ports
from ecluse.store.client import BATCH, Store, connect
from ecluse.store.line import Entry
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, OpenBench


@contextlib.asynccontextmanager
async def opened(url: str, timeout_seconds: float = 2.0) -> AsyncIterator[Store]:
    store = Store.at(url, timeout_seconds=timeout_seconds)
    try:
        yield store
    finally:
        await store.close()


async def test_what_is_asked_in_one_turn_is_answered_in_order_each_to_its_own(redis_url: str) -> None:
    async with opened(redis_url) as store:
        many = BATCH * 2 + 17
        found = await asyncio.gather(*(store.command("ECHO", str(n)) for n in range(many)))
        assert found == [str(n).encode() for n in range(many)]


async def test_one_wrong_command_fails_alone(redis_url: str) -> None:
    async with opened(redis_url) as store:
        await store.command("SET", "text", "x")
        asked = [store.command("ECHO", "a"), store.command("INCR", "text"), store.command("NONSENSE"),
                 store.command("ECHO", "b")]  # fmt: skip
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert (found[0], found[3]) == (b"a", b"b")
        assert isinstance(found[1], StoreAway)
        assert isinstance(found[2], StoreAway)


async def test_who_stops_waiting_for_an_answer_disturbs_nobody(redis_url: str) -> None:
    async with opened(redis_url) as store:
        first, second = store.command("ECHO", "a"), store.command("ECHO", "b")
        assert isinstance(first, asyncio.Future)
        first.cancel()
        assert await second == b"b"
        assert await store.command("ECHO", "c") == b"c"


async def test_a_server_that_is_not_there_is_said_to_be_away_and_found_when_it_is_back(redis_url: str) -> None:
    (nobody,) = free_ports(1)
    async with opened(f"redis://127.0.0.1:{nobody}/0", 0.5) as store:
        for _ in range(2):
            with pytest.raises(StoreAway):
                await store.command("PING")
        with pytest.raises(StoreAway):
            await store.read_server()
        upstream = redis_url.rpartition(":")[2].partition("/")[0]

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", int(upstream))

            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while piece := await source.read(65_536):
                    sink.write(piece)
                sink.close()

            await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer), return_exceptions=True)

        server = await asyncio.start_server(relay, "127.0.0.1", nobody)
        async with server:
            assert await store.command("PING") in (b"PONG", "PONG", True)
            await store.close()


async def test_a_server_that_never_answers_is_given_up_in_time_and_its_late_answers_reach_nobody() -> None:
    written: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        written.append(writer)
        while await reader.read(65_536):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"redis://127.0.0.1:{port}/0", 0.2) as store:
            loop = asyncio.get_running_loop()
            started = loop.time()
            found = await asyncio.gather(*(store.command("ECHO", "x") for _ in range(5)), return_exceptions=True)
            assert all(isinstance(each, StoreAway) for each in found)
            assert loop.time() - started < 5
            assert len(written) >= 1


async def test_however_many_asked_a_server_that_never_answers_all_are_told_in_the_time_of_one() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, opened(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", 0.2) as store:
        loop = asyncio.get_running_loop()

        async def seconds(commands: int) -> float:
            started = loop.time()
            asked = (store.command("ECHO", "x") for _ in range(commands))
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(each, StoreAway) for each in found)
            return loop.time() - started

        alone = await seconds(1)
        assert await seconds(BATCH * 10) < 4 * alone


async def test_what_cannot_be_sent_is_an_error_of_who_asked_it_alone(redis_url: str) -> None:
    async with opened(redis_url) as store:
        before = store.command("ECHO", "a")
        with pytest.raises(UnicodeEncodeError):
            await store.command("ECHO", "\ud800")
        assert await asyncio.wait_for(before, 2) == b"a"
        assert await asyncio.wait_for(store.command("ECHO", "b"), 2) == b"b"


async def test_closing_leaves_nobody_waiting_and_the_store_opens_again(redis_url: str) -> None:
    async with opened(redis_url) as store:
        for turns in range(4):
            # Closed before anything was sent, while the connection is opened, and while answers are awaited.
            asked = [store.command("ECHO", str(n)) for n in range(BATCH * 2)]
            for _ in range(turns):
                await asyncio.sleep(0)
            await store.close()
            assert isinstance((await asyncio.gather(*asked, return_exceptions=True))[-1], asyncio.CancelledError)
            assert await asyncio.wait_for(store.command("ECHO", "again"), 2) == b"again"


async def test_killed_connections_are_made_again(redis_url: str) -> None:
    async with opened(redis_url) as store, opened(redis_url) as killer:
        for n in range(5):
            own = await store.command("CLIENT", "ID")
            assert await killer.command("CLIENT", "KILL", "ID", own) == 1
            assert await store.command("ECHO", str(n)) == str(n).encode()


async def test_a_server_without_memory_fills_the_room_and_lets_those_inside_go_on(open_bench: OpenBench) -> None:
    bench = open_bench(burst=5)
    (called,) = await bench.called()
    await bench.store.command("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(RoomFull):
            await bench.line.enter(new_id(), "main", EPOCH, at_once=False)
        assert type(await bench.line.claim(called)).__name__ == "Admitted"
        assert await bench.line.finish(called)
        assert await bench.line.tick(0, EPOCH) is not None
    finally:
        await bench.store.command("CONFIG", "SET", "maxmemory", "0")
    assert isinstance(await bench.line.enter(new_id(), "main", EPOCH, at_once=False), Entry)


async def test_every_kind_of_address_makes_its_client() -> None:
    plain, tls, unix = connect("redis://h:1/2"), connect("rediss://h:1/2"), connect("unix:///run/r.sock")
    cluster = connect("redis+cluster://h:7000,g:7001")
    sentinel = connect("redis+sentinel://a:1,b:2/line/3?password=p")
    assert isinstance(plain, Redis)
    assert plain.connection_pool.connection_kwargs["db"] == 2
    assert isinstance(tls, Redis)
    assert tls.connection_pool.connection_class is SSLConnection
    assert isinstance(unix, Redis)
    assert unix.connection_pool.connection_class is UnixDomainSocketConnection
    assert isinstance(cluster, RedisCluster)
    assert isinstance(sentinel, Redis)
    pool = sentinel.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "line"
    assert (pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == (3, "p")
    for client in (plain, tls, unix, cluster, sentinel):
        await client.aclose()
