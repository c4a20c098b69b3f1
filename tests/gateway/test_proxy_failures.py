"""The reverse proxy when somebody leaves, stalls, breaks off or sends too much."""

import asyncio
import socket
import struct

import pytest

from ecluse.domain.errors import BodyTooLarge, OriginAway, OriginSlow
from gateway.proxy import Upstream
from tests.gateway.rig import MEGABYTE, OK, BuildChain, Origin, answering, read_body, turn


async def silent(origin: Origin, reader: asyncio.StreamReader, _: asyncio.StreamWriter, head: bytes) -> None:
    """Take the request, answer nothing, notice when the other side goes."""
    await read_body(reader, head)
    assert await reader.read(1) == b""
    raise ConnectionAbortedError


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi",
     b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"],
    ids=["no body", "whole body", "half a body"],
)  # fmt: skip
async def test_a_visitor_who_leaves_takes_the_origins_request_with_them(
    chain: BuildChain, request_bytes: bytes
) -> None:
    chained = await chain(silent)
    await chained.visitor.send(request_bytes)
    async with asyncio.timeout(5):
        while not chained.origin.heads:
            await asyncio.wait_for(turn(), 1)
    chained.visitor.writer.transport.abort()
    async with asyncio.timeout(5):
        await chained.origin.gone.wait()
        await chained.gate.done.wait()
    assert chained.gate.raised == []


async def test_a_visitor_who_leaves_in_the_middle_of_the_answer_stops_the_origin(chain: BuildChain) -> None:
    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await reader.read(1)
        raise ConnectionAbortedError

    chained = await chain(answerer)
    await chained.visitor.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await chained.visitor.head()
    chained.visitor.writer.transport.abort()
    async with asyncio.timeout(5):
        await chained.origin.gone.wait()


async def test_an_origin_that_does_not_listen_is_away(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        chained.gate.upstream = Upstream(
            origin=f"http://127.0.0.1:{free.getsockname()[1]}", timeout_seconds=5, body_max_bytes=10
        )
        for lines in ((b"GET / HTTP/1.1",), (b"POST / HTTP/1.1", b"Content-Length: 0")):
            status, _, body = await chained.ask(*lines)
            assert status == 502
            assert b"origin-away" in body
    assert all(isinstance(error, OriginAway) for error in chained.gate.raised)


async def test_an_origin_that_stays_silent_is_slow(chain: BuildChain) -> None:
    chained = await chain(silent)
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=0.2, body_max_bytes=10)
    status, _, body = await chained.ask(b"GET / HTTP/1.1")
    assert status == 504
    assert b"origin-slow" in body
    assert isinstance(chained.gate.raised[0], OriginSlow)
    async with asyncio.timeout(5):
        await chained.origin.gone.wait()
    assert (await chained.ask(b"GET / HTTP/1.1"))[0] == 504


async def test_a_slow_visitor_is_not_held_against_the_origin(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=0.2, body_max_bytes=10)
    await chained.visitor.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nhi")
    arrived = asyncio.Event()
    asyncio.get_running_loop().call_later(0.8, arrived.set)  # four times what the origin is given
    await arrived.wait()
    await chained.visitor.send(b"ho")
    assert (await chained.visitor.answer())[0] == 200
    assert chained.origin.bodies == [b"hiho"]


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("cut", ["reset", "close"])
async def test_an_answer_that_breaks_off_never_looks_complete(chain: BuildChain, start: bytes, cut: str) -> None:
    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(start)
        await breaking.wait()
        if cut == "reset":
            reset(writer)
        raise ConnectionAbortedError

    breaking = asyncio.Event()
    chained = await chain(answerer)
    await chained.visitor.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    head = await chained.visitor.head()
    breaking.set()
    body = await chained.visitor.rest()
    assert b"hello" in body
    assert b"0\r\n\r\n" not in body
    assert len(body) < 100
    assert b"content-length: 100" in head or b"transfer-encoding: chunked" in head


async def test_an_origin_that_falls_silent_in_its_answer_is_cut(
    chain: BuildChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        await reader.read(1)
        raise ConnectionAbortedError

    monkeypatch.setattr("gateway.proxy.STREAM_IDLE_SECONDS", 0.3)
    chained = await chain(answerer)
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=0.3, body_max_bytes=0)
    await chained.visitor.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await chained.visitor.head()).startswith(b"HTTP/1.1 200")
    assert await chained.visitor.rest() == b"hello"


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_an_origin_that_resets_before_answering_is_away(chain: BuildChain, method: bytes) -> None:
    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        reset(writer)
        raise ConnectionAbortedError

    chained = await chain(answerer)
    assert (await chained.ask(method + b" / HTTP/1.1", b"Content-Length: 0"))[0] == 502
    assert len(chained.origin.heads) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_http_is_not_passed_on(chain: BuildChain, answer: bytes) -> None:
    chained = await chain(answering(answer))
    assert (await chained.ask(b"GET / HTTP/1.1"))[0] == 502


async def test_a_bare_carriage_return_does_not_make_a_header(chain: BuildChain) -> None:
    chained = await chain(answering(b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n"))
    status, head, _ = await chained.ask(b"GET / HTTP/1.1")
    assert status == 502
    assert b"evil" not in head


async def test_a_body_announced_too_large_is_refused_before_it_is_sent(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=5, body_max_bytes=1000)
    status, _, body = await chained.ask(b"POST / HTTP/1.1", b"Content-Length: 1001", b"Expect: 100-continue")
    assert status == 413
    assert b"body-too-large" in body
    assert chained.origin.heads == []
    assert await chained.visitor.rest() == b""  # the next bytes could have been the body, or not


async def test_a_body_of_exactly_the_limit_passes(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=5, body_max_bytes=1000)
    assert (await chained.ask(b"POST / HTTP/1.1", b"Content-Length: 1000", body=b"x" * 1000))[0] == 200
    chunk = b"3e8\r\n%s\r\n0\r\n\r\n" % (b"x" * 1000)
    assert (await chained.ask(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=chunk))[0] == 200


async def test_a_refused_body_is_swallowed_and_the_connection_goes_on(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=5, body_max_bytes=1000)
    body = MEGABYTE + b"GET /canary HTTP/1.1\r\nHost: h\r\n\r\n"
    assert (await chained.ask(b"POST / HTTP/1.1", b"Content-Length: %d" % len(body), body=body))[0] == 413
    assert (await chained.ask(b"GET /next HTTP/1.1"))[0] == 200
    assert chained.origin.targets == [b"/next"]


@pytest.mark.parametrize("size", [1001, 3_000_000])
async def test_a_body_that_grows_too_large_is_cut_and_never_looks_complete_to_the_origin(
    chain: BuildChain, size: int
) -> None:
    chained = await chain(answering(OK))
    chained.gate.upstream = Upstream(
        origin=chained.origin.url, timeout_seconds=5, body_max_bytes=min(size - 1, 2_000_000)
    )
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)
    assert (await chained.ask(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=chunk))[0] == 413
    assert isinstance(chained.gate.raised[0], BodyTooLarge)
    assert chained.origin.bodies == []


async def test_an_early_answer_to_an_upload_reaches_the_visitor(chain: BuildChain) -> None:
    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        while await reader.read(1 << 16):
            pass
        raise ConnectionAbortedError

    chained = await chain(answerer)
    await chained.visitor.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 100_000)
    assert (await chained.visitor.answer())[::2] == (403, b"no")
    async with asyncio.timeout(5):
        await chained.origin.gone.wait()


async def test_safe_requests_share_a_connection_and_unsafe_ones_never_do(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    for _ in range(3):
        await chained.ask(b"GET / HTTP/1.1")
    assert chained.origin.connections == 1
    for _ in range(3):
        await chained.ask(b"POST / HTTP/1.1", b"Content-Length: 1", body=b"x")
    assert chained.origin.connections == 4


async def test_a_safe_request_is_sent_again_if_the_origin_had_closed_the_kept_connection(chain: BuildChain) -> None:
    async def answerer(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        if origin.connections == 1 and len(origin.heads) == 2:
            raise ConnectionAbortedError  # as if the close and the second request had crossed
        writer.write(OK)

    chained = await chain(answerer)
    assert (await chained.ask(b"GET /1 HTTP/1.1"))[0] == 200
    assert (await chained.ask(b"GET /2 HTTP/1.1"))[0] == 200
    assert chained.origin.targets == [b"/1", b"/2", b"/2"]


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE", b"POST"])
async def test_a_request_that_failed_on_a_fresh_connection_is_sent_once(chain: BuildChain, method: bytes) -> None:
    async def answerer(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        raise ConnectionAbortedError

    chained = await chain(answerer)
    assert (await chained.ask(method + b" / HTTP/1.1", b"Content-Length: 0"))[0] == 502
    assert len(chained.origin.heads) == 1


async def test_a_proxy_that_closes_ends_what_is_on_its_way(chain: BuildChain) -> None:
    chained = await chain(silent)
    await chained.visitor.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    async with asyncio.timeout(5):
        while not chained.origin.heads:
            await turn()
    await chained.gate.proxy.close()
    assert (await chained.visitor.answer())[0] == 502
