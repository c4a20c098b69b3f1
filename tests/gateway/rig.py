"""What the tests of the edge are made of: a visitor in bytes, an application and an origin that note what came."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from ecluse.domain.errors import EcluseError
from gateway.asgi import Headers, Receive, Scope, Send, respond
from gateway.problems import send_problem
from gateway.protocol import EdgeProtocol
from gateway.proxy import OnResponse, Proxy, Upstream

Serve = Callable[..., Awaitable[int]]
Connect = Callable[[int], Awaitable["Raw"]]
StartOrigin = Callable[["Answerer"], Awaitable["Origin"]]
BuildChain = Callable[["Answerer"], Awaitable["Chain"]]
Answerer = Callable[["Origin", asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
MEGABYTE = bytes(range(256)) * 4096
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
CANARY = b"GET /canary HTTP/1.1\r\nHost: h\r\n\r\n"
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


class Impatient(EdgeProtocol):
    """The same with deadlines a test can wait for."""

    FIRST_BYTE_SECONDS = 0.3
    HEADER_SECONDS = 0.3
    BODY_IDLE_SECONDS = 0.3
    WRITE_STALL_SECONDS = 0.3
    LINGER_SECONDS = 0.1


class Recorder:
    """An application that reads each request whole, writes it down and answers its path."""

    def __init__(self) -> None:
        self.paths: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.bodies: list[bytes] = []
        self.left = asyncio.Event()
        self.hold: asyncio.Event | None = None
        """If set, the answer waits for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["raw_path"])
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        self.headers = list(scope["headers"])
        if self.hold is not None:
            await self.hold.wait()
        await respond(send, 200, [], scope["raw_path"])


def head(*lines: bytes, request: bytes = b"POST /a HTTP/1.1") -> bytes:
    return b"\r\n".join([request, b"Host: h", *lines, b"", b""])


class Gate:
    """Forwards everything, as the gate does for an admitted visitor; notes what was raised and when it was done."""

    def __init__(self, proxy: Proxy, origin: str) -> None:
        self.proxy = proxy
        self.upstream = Upstream(origin=origin, timeout_seconds=5, body_max_bytes=8 * len(MEGABYTE))
        self.add: Headers = [(b"ecluse-pass", b"real")]
        self.set_cookies: Headers = []
        self.on_response: OnResponse | None = None
        self.raised: list[EcluseError] = []
        self.done = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.proxy.forward(
                scope, receive, send, self.upstream,
                add=self.add, set_cookies=self.set_cookies, on_response=self.on_response,
            )  # fmt: skip
        except EcluseError as error:
            self.raised.append(error)
            await send_problem(send, error)
        finally:
            self.done.set()


class Chain:
    """A visitor, the edge, the gate and an origin."""

    def __init__(self, visitor: Raw, gate: Gate, origin: Origin, port: int) -> None:
        self.visitor, self.gate, self.origin, self.port = visitor, gate, origin, port

    async def ask(self, *lines: bytes, body: bytes = b"") -> tuple[int, bytes, bytes]:
        await self.visitor.send(b"\r\n".join([lines[0], b"Host: rdv.example.fr", *lines[1:], b"", b""]) + body)
        return await self.visitor.answer()


async def turn() -> None:
    """Let the loop go round."""
    passed = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.005, passed.set_result, None)
    await passed
