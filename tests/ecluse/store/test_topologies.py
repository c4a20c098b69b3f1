"""The same line over a cluster, and over a primary that sentinels name: real servers, each alone on this machine."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecluse.domain.room import Room
from ecluse.embedded import EmbeddedServer, find_server, server_command
from ecluse.ports import accepts, free_ports
from ecluse.process import bound_command
from ecluse.services.ticks import RoomTicks
from ecluse.store.client import Store
from ecluse.store.line import Admitted, Early, Entry, Line
from ecluse.store.rooms import RoomStore
from ecluse.tokens import new_id


@contextmanager
def running(argv: tuple[str, ...], port: int) -> Iterator[None]:
    server = subprocess.Popen(bound_command(argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up_at = time.monotonic() + 20
        while not accepts(port):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < give_up_at, "the server does not listen"
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait(10)


async def journey(url: str) -> None:
    """Fifty enter, a turn calls some, five press Enter, the pace changes and the journal says so."""
    store = Store.at(url)
    room = Room(id="salle", notice={}, pace_per_minute=60, burst=2)
    line, shared = Line(store, room), RoomStore(store, room)
    ids = [new_id() for _ in range(50)]
    entries = await asyncio.gather(*(line.enter(ticket, "main", "epoch-01", at_once=True) for ticket in ids))
    assert [isinstance(entry, Entry) and isinstance(entry.standing, Admitted) for entry in entries[:3]] == [
        True,
        True,
        False,
    ]
    report = await RoomTicks(line).turn()
    assert report is not None
    assert report.newly_called > 0
    standings = [await line.claim(ticket) for ticket in ids[:3]]
    assert [type(standing) for standing in standings] == [Admitted, Admitted, Early]
    live = await shared.settle({"pace_per_minute": 90.0}, who="test", reason="", version=0)
    assert (live.version, live.pace_per_minute) == (1, 90.0)
    assert len(await shared.journal()) == 1
    assert await shared.board()
    await line.finish(ids[0])
    assert [name for name, _ in await shared.ended_since(0)] == [ids[0]]
    await store.close()


async def test_a_line_lives_in_a_cluster(tmp_path: Path) -> None:
    port, bus = free_ports(2)
    argv = (
        *server_command(find_server(), port=port, directory=tmp_path, persist=False),
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(bus),
    )
    with running(argv, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"CLUSTER ADDSLOTSRANGE 0 16383\r\n")
        assert await reader.readline() == b"+OK\r\n"
        state = b""
        async with asyncio.timeout(30):
            while b"cluster_state:ok" not in state:
                await asyncio.sleep(0.1)
                writer.write(b"CLUSTER INFO\r\n")
                state = await reader.read(4096)
        writer.close()
        await writer.wait_closed()
        await journey(f"redis+cluster://127.0.0.1:{port}")


async def test_a_line_lives_on_the_primary_that_sentinels_name(tmp_path: Path, redis_server: EmbeddedServer) -> None:
    (port,) = free_ports(1)
    (tmp_path / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {redis_server.port} 1\n",
        encoding="utf-8",
    )
    with running((str(find_server()), str(tmp_path / "sentinel.conf"), "--sentinel"), port):
        await journey(f"redis+sentinel://127.0.0.1:{port}/main/0")


@pytest.fixture(autouse=True)
def empty(redis_url: str) -> None:
    """Nothing left of other tests."""
