"""How the supervisor asks a child whether it is ready."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_ANSWER_SECONDS = 2.0


class Probe(Protocol):
    """A question with a yes or a no; it never raises because the answer is no."""

    async def holds(self) -> bool:
        """Whether the child is ready now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProbe:
    """Ready when something listens on the port."""

    port: int
    host: str = "127.0.0.1"

    async def holds(self) -> bool:
        """Whether a connection is accepted."""
        return await within_time(self._connects())

    async def _connects(self) -> bool:
        _, writer = await asyncio.open_connection(self.host, self.port)
        await _close(writer)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """Ready when a GET of `path` is answered with 200. `host_header` is what the server expects to be called."""

    port: int
    path: str
    host: str = "127.0.0.1"
    host_header: str = "localhost"

    async def holds(self) -> bool:
        """Whether the answer is 200."""
        return await within_time(self._is_fine())

    async def _is_fine(self) -> bool:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            request = f"GET {self.path} HTTP/1.1\r\nHost: {self.host_header}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            return (await reader.readline()).split(b" ")[1:2] == [b"200"]
        finally:
            await _close(writer)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProbe:
    """Ready when the file exists."""

    path: Path

    async def holds(self) -> bool:
        """Whether it is there."""
        return await asyncio.to_thread(self.path.exists)


async def within_time(asking: Coroutine[None, None, bool]) -> bool:
    """What `asking` says, or no: a server that fails, or takes two seconds, is not ready."""
    # Not wait_for: on Python 3.11 it loses a cancellation that comes together with the answer.
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await asking
    except (OSError, ValueError, TimeoutError):
        return False


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
