"""Real servers on loopback for the edge: uvicorn's protocol around an application, and an origin that records bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.asgi import App
from gateway.protocol import EdgeProtocol
from gateway.proxy import Proxy

Serve = Callable[..., Awaitable[int]]
Answerer = Callable[["Origin", asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Origin:
    """A server that writes down each request's head as it came, and what its answerer notes."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection's other side is found closed."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[bytes]:
        return [head.split(b" ", 2)[1] for head in self.heads]

    def headers(self, index: int = -1) -> list[tuple[bytes, bytes]]:
        lines = self.heads[index].split(b"\r\n")[1:-2]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]

    def values(self, name: bytes, index: int = -1) -> list[bytes]:
        return [value for found, value in self.headers(index) if found == name]


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body that `head` announces, chunked or by length."""
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        out = bytearray()
        while size := int(await reader.readuntil(b"\r\n"), 16):
            out += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return bytes(out)
    for line in lower.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    return b""


def answering(answer: bytes) -> Answerer:
    """Read the whole request, answer with these bytes."""

    async def answerer(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        origin.bodies.append(await read_body(reader, head))
        writer.write(answer)

    return answerer


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
        options = {"timeout_keep_alive": 5, "ws_ping_interval": None} | options
        config = Config(app, http=protocol, lifespan="off", log_config=None, **options)
        config.load()
        state = ServerState()
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


class Raw:
    """A visitor who speaks in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, stack: AsyncExitStack) -> "Raw":
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        stack.callback(writer.close)
        return cls(reader, writer)

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def head(self) -> bytes:
        """The next answer's head."""
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[int, bytes, bytes]:
        """The next whole answer: status, head, body (by length or chunked)."""
        head = await self.head()
        status = int(head.split(b" ", 2)[1])
        if status in (204, 304):
            return status, head, b""
        async with asyncio.timeout(10):
            return status, head, await read_body(self.reader, head)

    async def rest(self, seconds: float = 10) -> bytes:
        """All until the other side closes."""
        out = b""
        async with asyncio.timeout(seconds):
            with suppress(ConnectionResetError):
                while piece := await self.reader.read(1 << 16):
                    out += piece
        return out


@pytest.fixture
def connect(stack: AsyncExitStack) -> Callable[[int], Awaitable[Raw]]:
    async def connect_to(port: int) -> Raw:
        return await Raw.connect(port, stack)

    return connect_to
