"""The wire to Redis against a server that answers as the test says."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import cast

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hiredis import Reader

from ecluse.domain.errors import StoreAway
from ecluse.store.client import Store
from ecluse.store.wire import packed

Script = Callable[[int, list[bytes]], bytes | None]
"""What to answer on the n-th connection to a command; None: close it."""


@contextlib.asynccontextmanager
async def served(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Store]:
    """A store whose server does with a connection what the test says."""
    going: set[asyncio.Task[None]] = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going.add(cast("asyncio.Task[None]", asyncio.current_task()))
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    listening = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with listening:
        store = Store.at(f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0", timeout_seconds=0.5)
        try:
            yield store
        finally:
            await store.close()
            await asyncio.gather(*going)


@contextlib.asynccontextmanager
async def server(answer: Script) -> AsyncIterator[Store]:
    """A store whose server greets as Redis 6 does, and answers all else by `answer`."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        number, parser = len(writers), Reader()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    if command[0] in (b"HELLO", b"CLIENT", b"SELECT"):
                        writer.write(b"%1\r\n+proto\r\n:3\r\n" if command[0] == b"HELLO" else b"+OK\r\n")
                        continue
                    reply = answer(number, command)
                    if reply is None:
                        writer.close()
                        return
                    writer.write(reply)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        store = Store.at(f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0", timeout_seconds=1.0)
        try:
            yield store
        finally:
            await store.close()
            for writer in writers:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()


def echo(_connection: int, command: list[bytes]) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(command[1]), command[1])


async def test_a_connection_that_breaks_among_the_replies_is_made_again_and_everything_asked_again() -> None:
    def breaks(connection: int, command: list[bytes]) -> bytes | None:
        return None if connection == 1 and command[1] == b"7" else echo(connection, command)

    async with server(breaks) as store:
        found = await asyncio.gather(*(store.command("ECHO", str(n)) for n in range(20)))
        assert found == [b"%d" % n for n in range(20)]


async def test_a_server_that_became_a_replica_is_left_and_everything_asked_again() -> None:
    def demoted(connection: int, command: list[bytes]) -> bytes:
        if connection == 1 and command[1] == b"2":
            return b"-READONLY You can't write against a read only replica.\r\n"
        return echo(connection, command)

    async with server(demoted) as store:
        assert await asyncio.gather(*(store.command("ECHO", str(n)) for n in range(4))) == [b"0", b"1", b"2", b"3"]


async def test_a_server_that_stays_a_replica_is_away() -> None:
    async with server(lambda _connection, _command: b"-READONLY replica\r\n") as store:
        with pytest.raises(StoreAway):
            await store.command("ECHO", "x")


async def test_a_message_that_nobody_asked_for_is_no_reply() -> None:
    async with server(lambda number, command: b">2\r\n+invalidate\r\n+x\r\n" + echo(number, command)) as store:
        assert await asyncio.gather(*(store.command("ECHO", str(n)) for n in range(5))) == [b"%d" % n for n in range(5)]


async def test_nonsense_is_a_server_that_is_away_and_the_next_connection_is_a_new_one() -> None:
    def nonsense(connection: int, command: list[bytes]) -> bytes:
        return b"HTTP/1.1 400 Bad Request\r\n\r\n" if connection <= 2 else echo(connection, command)

    async with server(nonsense) as store:
        with pytest.raises(StoreAway):
            await store.command("ECHO", "x")
        assert await store.command("ECHO", "y") == b"y"


async def test_more_replies_than_commands_are_nobodys_and_the_next_connection_is_a_new_one() -> None:
    def twice(connection: int, command: list[bytes]) -> bytes:
        return echo(connection, command) * (2 if connection <= 2 else 1)

    async with server(twice) as store:
        found = await asyncio.gather(*(store.command("ECHO", str(n)) for n in range(3)), return_exceptions=True)
        assert [type(each) for each in found] == [StoreAway] * 3
        assert await store.command("ECHO", "y") == b"y"


async def test_a_reply_that_comes_after_the_last_is_not_taken_for_that_of_the_next_command() -> None:
    late = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = Reader()
        while data := await reader.read(65_536):
            parser.feed(data)
            while (command := parser.gets()) is not False:
                writer.write(echo(0, command) if command[0] == b"ECHO" else b"%1\r\n+proto\r\n:3\r\n")
                if command[1] == b"first":
                    await late.wait()
                    writer.write(b"$5\r\nstray\r\n")

    async with served(serve) as store:
        assert await store.command("ECHO", "first") == b"first"
        wire = store._wire
        assert wire is not None
        late.set()
        while wire.is_open:
            await asyncio.sleep(0)
        assert await store.command("ECHO", "second") == b"second"


async def test_what_was_given_up_is_not_sent_later() -> None:
    reading, came = asyncio.Event(), bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(b"%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n+OK\r\n")
        await reading.wait()
        while data := await reader.read(65_536):
            came.extend(data)

    async with served(serve) as store:
        asked = [store.command("ECHO", "x" * 100_000) for _ in range(200)]
        assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {StoreAway}
        reading.set()
    assert 0 < len(came) < 200 * 100_000


async def test_replies_that_come_in_small_pieces_are_put_together() -> None:
    async with server(lambda _connection, _command: b"*2\r\n$300\r\n" + b"x" * 300 + b"\r\n:7\r\n") as store:
        asked = [store.command("ECHO", str(n)) for n in range(600)]
        assert await asyncio.gather(*asked) == [[b"x" * 300, 7]] * 600


def test_a_command_is_packed_as_one_whether_its_head_was_seen_before_or_not() -> None:
    parser = Reader()
    words = (0.0, "é", "", b"\r\n", 12)
    for _ in range(2):
        parser.feed(packed(("EVALSHA", "sha", 1, "key"), words))
        assert parser.gets() == [b"EVALSHA", b"sha", b"1", b"key", b"0.0", "é".encode(), b"", b"\r\n", b"12"]
    parser.feed(packed((), ("PING",)))
    assert parser.gets() == [b"PING"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of our own for 127.0.0.1, and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path / "redis.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_wire_goes_through_tls(
    certificate: Path, redis_url: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def ask() -> list[bytes]:
        upstream = int(redis_url.rpartition(":")[2].partition("/")[0])

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            plain_reader, plain_writer = await asyncio.open_connection("127.0.0.1", upstream)

            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while piece := await source.read(65_536):
                    sink.write(piece)
                sink.close()

            await asyncio.gather(pump(reader, plain_writer), pump(plain_reader, writer), return_exceptions=True)

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        listening = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            store = Store.at(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}")
            found = list(await asyncio.gather(*(store.command("ECHO", "x" * 1000 + str(n)) for n in range(200))))
            await store.close()
            await asyncio.sleep(0.1)
        return found

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(ask()) == [b"x" * 1000 + b"%d" % n for n in range(200)]
