"""Real servers on loopback for the edge: uvicorn's protocol around an application, and an origin that records bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.asgi import App
from gateway.hygiene import Hygiene
from gateway.protocol import EdgeProtocol
from gateway.proxy import Proxy
from tests.gateway.rig import (
    Answerer,
    BuildChain,
    Chain,
    Connect,
    Gate,
    Impatient,
    Origin,
    Raw,
    Recorder,
    Serve,
    StartOrigin,
)
from tests.gateway.whole import OpenWhole


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The edge runs on uvloop in production, and so do its tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def start_origin(stack: AsyncExitStack) -> Callable[[Answerer], Awaitable[Origin]]:
    async def start(answerer: Answerer) -> Origin:
        origin = Origin()
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            origin.connections += 1
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    origin.heads.append(head)
                    await answerer(origin, reader, writer, head)
            except (asyncio.IncompleteReadError, ConnectionError):
                origin.gone.set()
            finally:
                writer.close()
                tasks.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)

        async def stop() -> None:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        stack.push_async_callback(stop)
        origin.port = server.sockets[0].getsockname()[1]
        return origin

    return start


@pytest.fixture
def serve_edge(stack: AsyncExitStack) -> Serve:
    """Serve an application as uvicorn would, in this loop; returns the port."""

    async def serve(app: App, protocol: type[EdgeProtocol] = EdgeProtocol, **options: Any) -> int:
        options = {"timeout_keep_alive": 5, "ws_ping_interval": None, "proxy_headers": False} | options
        config = Config(app, http=protocol, lifespan="off", log_config=None, **options)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Mon, 23 Nov 2026 12:00:00 GMT")]  # as uvicorn's server keeps it
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )

        async def stop() -> None:
            server.close()
            for connection in list(state.connections):
                if connection.transport is not None:
                    connection.transport.abort()
            for task in list(state.tasks):
                task.cancel()
            await asyncio.gather(*state.tasks, return_exceptions=True)

        stack.push_async_callback(stop)
        port: int = server.sockets[0].getsockname()[1]
        return port

    return serve


@pytest.fixture
async def proxy(stack: AsyncExitStack) -> Proxy:
    opened = Proxy()
    await opened.open()
    stack.push_async_callback(opened.close)
    return opened


@pytest.fixture
def connect(stack: AsyncExitStack) -> Callable[[int], Awaitable[Raw]]:
    async def connect_to(port: int) -> Raw:
        return await Raw.connect(port, stack)

    return connect_to


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(serve_edge: Serve, seen: Recorder) -> int:
    return await serve_edge(Hygiene(seen), Impatient)


@pytest.fixture
def chain(start_origin: StartOrigin, serve_edge: Serve, connect: Connect, proxy: Proxy) -> BuildChain:
    async def build(answerer: Answerer) -> Chain:
        origin = await start_origin(answerer)
        gate = Gate(proxy, origin.url)
        port = await serve_edge(gate)
        return Chain(await connect(port), gate, origin, port)

    return build


@pytest.fixture
def open_whole(redis_url: str, start_origin: StartOrigin, serve_edge: Serve, stack: AsyncExitStack) -> OpenWhole:
    return OpenWhole(redis_url, start_origin, serve_edge, stack)
