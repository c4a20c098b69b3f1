"""The deadlines of the hardened protocol, shortened so that a test can wait for them."""

import asyncio

import pytest

from gateway.asgi import Receive, Scope, Send, respond
from tests.gateway.rig import GET, Connect, Impatient, Raw, Recorder, Serve, head

PLENTY = b"x" * 300_000


async def test_a_connection_that_never_speaks_is_closed_without_a_word(port: int, connect: Connect) -> None:
    assert await (await connect(port)).rest() == b""


async def trickle(visitor: Raw, piece: bytes) -> None:
    """Send `piece` fifty times a second until the other side has had enough."""
    loop = asyncio.get_running_loop()
    try:
        while not visitor.reader.at_eof():
            await visitor.send(piece)
            pause = loop.create_future()
            loop.call_later(0.02, pause.set_result, None)
            await pause
    except ConnectionError:
        return


@pytest.mark.parametrize(
    ("start", "piece"), [(b"GET /", b"a"), (b"GET /a HTTP/1.1\r\nHost: h\r\n", b"A: b\r\n"), (b"\r\n", b"\r\n")]
)
async def test_a_header_that_trickles_is_ended_by_its_deadline(
    port: int, connect: Connect, seen: Recorder, start: bytes, piece: bytes
) -> None:
    visitor = await connect(port)
    await visitor.send(start)
    trickling = asyncio.create_task(trickle(visitor, piece))
    assert (await visitor.rest()).startswith(b"HTTP/1.1 408")
    await trickling
    assert seen.paths == []


async def test_the_header_deadline_holds_on_a_kept_connection_too(port: int, connect: Connect) -> None:
    visitor = await connect(port)
    await visitor.send(GET)
    assert (await visitor.answer())[0] == 200
    await visitor.send(b"GET /b HTT")
    assert (await visitor.rest()).startswith(b"HTTP/1.1 408")


async def test_a_body_that_stops_coming_ends_the_connection_and_the_application_hears_it(
    port: int, connect: Connect, seen: Recorder
) -> None:
    visitor = await connect(port)
    await visitor.send(head(b"Content-Length: 10") + b"12345")
    assert await visitor.rest() == b""
    async with asyncio.timeout(5):
        await seen.left.wait()


async def test_a_slow_application_is_not_taken_for_a_slow_visitor(port: int, connect: Connect, seen: Recorder) -> None:
    seen.hold = asyncio.Event()
    visitor = await connect(port)
    await visitor.send(GET)
    asyncio.get_running_loop().call_later(1.0, seen.hold.set)  # longer than every deadline
    assert (await visitor.answer())[0] == 200
    await visitor.send(GET)
    assert (await visitor.answer())[0] == 200


async def test_a_visitor_who_waits_for_100_continue_is_not_cut(serve_edge: Serve, connect: Connect) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await slow.wait()
        body = (await receive())["body"]
        await respond(send, 200, [], body)

    slow = asyncio.Event()
    visitor = await connect(await serve_edge(app, Impatient))
    await visitor.send(head(b"Content-Length: 2", b"Expect: 100-continue"))
    asyncio.get_running_loop().call_later(1.0, slow.set)
    assert (await visitor.head()).startswith(b"HTTP/1.1 100")
    await visitor.send(b"hi")
    assert (await visitor.answer())[::2] == (200, b"hi")


async def test_who_writes_without_a_pause_waits_for_a_visitor_who_does_not_read(
    serve_edge: Serve, connect: Connect
) -> None:
    sent = 0

    async def pouring(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2_000):
            await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
            sent += 50_000

    visitor = await connect(await serve_edge(pouring))
    await visitor.send(GET)
    await visitor.head()
    assert sent < 50_000_000


async def test_a_visitor_who_does_not_read_is_cut(serve_edge: Serve, connect: Connect) -> None:
    left = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})

        async def flood() -> None:
            while True:
                await send({"type": "http.response.body", "body": PLENTY, "more_body": True})

        flooding = asyncio.create_task(flood())
        await receive()
        left.set()
        flooding.cancel()

    visitor = await connect(await serve_edge(app, Impatient))
    visitor.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await visitor.send(GET)
    async with asyncio.timeout(10):
        await left.wait()
