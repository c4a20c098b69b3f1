"""The WebSocket bridge between real clients and a real origin."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from yarl import URL

from gateway.asgi import Headers, Receive, Scope, Send
from gateway.hygiene import Hygiene
from gateway.proxy import Proxy, Upstream
from gateway.proxy_ws import MESSAGE_BYTES_MAX, StillAllowed, forward_websocket
from tests.gateway.rig import Origin, Raw, Serve, answering


class Booth:
    """An origin that speaks WebSocket: echoes, or closes as it is told, and notes what it saw."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.closed_with: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self.port = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if request.path == "/forbidden":
            raise web.HTTPForbidden
        if request.path == "/elsewhere":
            raise web.HTTPFound("/live")
        if request.path == "/broken":
            raise web.HTTPInternalServerError
        socket = web.WebSocketResponse(protocols=("slots.v2", "slots.v1"), max_msg_size=4 * MESSAGE_BYTES_MAX)
        await socket.prepare(request)
        async for message in socket:
            if message.data == "close":
                await socket.close(code=4001, message=b"enough")
            elif message.data == "vanish":
                assert request.transport is not None
                request.transport.abort()
            elif message.data == "flood":
                await socket.send_bytes(b"x" * (MESSAGE_BYTES_MAX + 1))
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        if not self.closed_with.done():
            self.closed_with.set_result(socket.close_code)
        return socket


@pytest.fixture
async def booth(stack: AsyncExitStack) -> Booth:
    booth = Booth()
    app = web.Application()
    app.router.add_get("/{path:.*}", booth.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    booth.port = runner.addresses[0][1]
    return booth


class Bridge:
    """The gate for WebSockets: forwards each to the origin."""

    def __init__(self, proxy: Proxy, origin: str) -> None:
        self.proxy = proxy
        self.upstream = Upstream(origin=origin, timeout_seconds=5, body_max_bytes=0)
        self.add: Headers = [(b"ecluse-pass", b"real")]
        self.still_allowed: StillAllowed | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await forward_websocket(
            self.proxy.session, scope, receive, send, self.upstream, add=self.add, still_allowed=self.still_allowed
        )


@pytest.fixture
def bridge(proxy: Proxy, booth: Booth) -> Bridge:
    return Bridge(proxy, f"http://127.0.0.1:{booth.port}")


@pytest.fixture
async def address(serve_edge: Serve, bridge: Bridge) -> str:
    return f"http://127.0.0.1:{await serve_edge(Hygiene(bridge), ws_max_size=4 * MESSAGE_BYTES_MAX)}"


@pytest.fixture
async def client(stack: AsyncExitStack) -> aiohttp.ClientSession:
    return await stack.enter_async_context(aiohttp.ClientSession())


async def test_text_and_binary_pass_both_ways(address: str, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect(address + "/live?room=a%20b") as visitor:
        for number in range(50):
            await visitor.send_str(f"créneau {number}")
            await visitor.send_bytes(bytes([number]) * 1000)
        for number in range(50):
            assert await visitor.receive_str(timeout=5) == f"créneau {number}"
            assert await visitor.receive_bytes(timeout=5) == bytes([number]) * 1000
        await visitor.send_str("")
        assert await visitor.receive_str(timeout=5) == ""


async def test_the_handshake_is_forwarded_as_any_request(
    address: str, client: aiohttp.ClientSession, booth: Booth
) -> None:
    sent = {"Ecluse-Pass": "forged", "X-Real-IP": "6.6.6.6", "Cookie": "ecluse_pass_a=secret; theirs=1", "X-A": "1"}
    url = URL(address + "/live/%7Ea?q=%2F", encoded=True)
    async with client.ws_connect(url, headers=sent, origin="https://rdv.example.fr"):
        pass
    headers = booth.requests[0].headers
    assert booth.requests[0].raw_path == "/live/%7Ea?q=%2F"
    assert headers.getall("ecluse-pass") == ["real"]
    assert headers["host"] == address.removeprefix("http://")
    assert headers["cookie"] == "theirs=1"
    assert headers["origin"] == "https://rdv.example.fr"
    assert headers["x-a"] == "1"
    assert "x-real-ip" not in headers
    assert len(headers.getall("sec-websocket-key")) == 1


async def test_the_origin_chooses_the_subprotocol(address: str, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect(address + "/live", protocols=("other", "slots.v1")) as visitor:
        assert visitor.protocol == "slots.v1"
    async with client.ws_connect(address + "/live") as visitor:
        assert visitor.protocol is None


async def test_the_close_of_either_side_reaches_the_other_with_its_code(
    address: str, client: aiohttp.ClientSession, booth: Booth
) -> None:
    async with client.ws_connect(address + "/live") as visitor:
        await visitor.send_str("close")
        message = await visitor.receive(timeout=5)
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4001, "enough")
    assert await asyncio.wait_for(booth.closed_with, 5) == 4001
    booth.closed_with = asyncio.get_running_loop().create_future()
    async with client.ws_connect(address + "/live") as visitor:
        await visitor.close(code=4002, message=b"bye")
        assert await asyncio.wait_for(booth.closed_with, 5) == 4002


async def test_a_visitor_who_vanishes_ends_the_origins_side(
    address: str, client: aiohttp.ClientSession, booth: Booth
) -> None:
    async with client.ws_connect(address + "/live") as visitor:
        visitor._response.connection.transport.abort()  # type: ignore[union-attr]
        assert await asyncio.wait_for(booth.closed_with, 5) is not None


async def test_an_origin_that_vanishes_ends_the_visitors_side(address: str, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect(address + "/live") as visitor:
        await visitor.send_str("vanish")
        assert (await visitor.receive(timeout=5)).data == 1011


async def test_a_message_beyond_the_cap_ends_the_connection_either_way(
    address: str, client: aiohttp.ClientSession, booth: Booth
) -> None:
    async with client.ws_connect(address + "/live", max_msg_size=0) as visitor:
        await visitor.send_bytes(b"x" * MESSAGE_BYTES_MAX)
        assert len(await visitor.receive_bytes(timeout=5)) == MESSAGE_BYTES_MAX
        await visitor.send_bytes(b"x" * (MESSAGE_BYTES_MAX + 1))
        assert (await visitor.receive(timeout=5)).data == 1009
        assert await asyncio.wait_for(booth.closed_with, 5) == 1009
    async with client.ws_connect(address + "/live", max_msg_size=0) as visitor:
        await visitor.send_str("flood")
        assert (await visitor.receive(timeout=5)).data == 1009


@pytest.mark.parametrize(("path", "status"), [("/forbidden", 403), ("/broken", 502), ("/elsewhere", 502)])
async def test_a_handshake_the_origin_refuses_is_refused_to_the_visitor(
    address: str, client: aiohttp.ClientSession, booth: Booth, path: str, status: int
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(address + path)
    assert refused.value.status == status
    assert [request.path for request in booth.requests] == [path]


async def test_an_origin_that_is_away_or_silent_refuses_the_handshake(
    address: str, client: aiohttp.ClientSession, bridge: Bridge, start_origin: Callable[..., Awaitable[Origin]]
) -> None:
    bridge.upstream = Upstream(origin="http://127.0.0.1:1", timeout_seconds=5, body_max_bytes=0)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(address + "/live")
    assert refused.value.status == 502
    silent = await start_origin(answering(b""))
    bridge.upstream = Upstream(origin=silent.url, timeout_seconds=0.2, body_max_bytes=0)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(address + "/live")
    assert refused.value.status == 504


async def test_the_end_of_the_visit_ends_the_websocket(
    address: str, client: aiohttp.ClientSession, bridge: Bridge, booth: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.proxy_ws.RECHECK_SECONDS", 0.05)
    allowed = True
    bridge.still_allowed = lambda: allowed
    async with client.ws_connect(address + "/live") as visitor:
        await visitor.send_str("still here")
        assert await visitor.receive_str(timeout=5) == "still here"
        allowed = False
        message = await visitor.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)
    assert await asyncio.wait_for(booth.closed_with, 5) == 1001


async def test_a_handshake_with_a_path_that_reads_two_ways_never_reaches_the_origin(
    address: str, booth: Booth, stack: AsyncExitStack
) -> None:
    visitor = await Raw.connect(int(address.rpartition(":")[2]), stack)
    await visitor.send(
        b"GET /open/%2e%2e/live HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await visitor.answer())[0] == 400
    assert booth.requests == []
