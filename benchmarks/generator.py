"""A closed-loop load generator on raw sockets: keep-alive connections, each sending as soon as it was answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

MakeRequest = Callable[[], bytes]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came back."""

    answers: int = 0
    unexpected: int = 0
    seconds: float = 0.0
    first_unexpected: bytes = b""


class _Connection(asyncio.Protocol):
    """One visitor: a request, its whole answer, the next request."""

    def __init__(self, make: MakeRequest, expect: bytes, tally: Tally, stop_at: float) -> None:
        self._make = make
        self._expect = expect
        self._tally = tally
        self._stop_at = stop_at
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _content_length(self._buffer, head)
        if len(self._buffer) < head + 4 + length:
            return
        tally = self._tally
        tally.answers += 1
        if not self._buffer.startswith(self._expect):
            tally.unexpected += 1
            tally.first_unexpected = tally.first_unexpected or self._buffer[:600]
        self._buffer = b""
        assert self._transport is not None
        if time.monotonic() < self._stop_at:
            self._transport.write(self._make())
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _content_length(buffer: bytes, head: int) -> int:
    at = buffer.find(b"content-length: ", 0, head)
    at = at if at >= 0 else buffer.find(b"Content-Length: ", 0, head)
    return 0 if at < 0 else int(buffer[at + 16 : buffer.find(b"\r", at)])


async def hammer(
    port: int, make: MakeRequest, *, seconds: float, connections: int = 64, expect: bytes = b"HTTP/1.1 200"
) -> Tally:
    """Keep `connections` busy for `seconds`; every answer must start with `expect`."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    started = time.monotonic()
    made = [
        await loop.create_connection(lambda: _Connection(make, expect, tally, started + seconds), "127.0.0.1", port)
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(protocol.done for _, protocol in made))
    tally.seconds = time.monotonic() - started
    return tally
