"""One system call per answer: what is written to a visitor within one turn of the event loop leaves together.

uvicorn writes the head and the body of an answer separately, and uvloop sends each at once: with small answers that is
the largest single cost of a request here (measured: two fifths of the time is spent in write).
"""

import asyncio
from typing import Any

JOIN_BYTES_MAX = 64 * 1024
"""Larger pieces are not copied together; they leave by themselves, in order."""


class JoinedWrites:
    """A transport whose writes of one loop turn are sent as one. Everything else is the transport's own."""

    __slots__ = ("_loop", "_pending", "_pending_bytes", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.is_closing = transport.is_closing  # asked at every answer: no detour through `__getattr__`

    def write(self, piece: bytes) -> None:
        """Send `piece` at the end of this turn, with what else is written in it."""
        if len(piece) > JOIN_BYTES_MAX or self.is_closing():
            # At the end of this turn a closing connection may be closed.
            self.flush()
            self._transport.write(piece)
            return
        if not self._pending:
            self._loop.call_soon(self.flush)
        self._pending.append(piece)
        self._pending_bytes += len(piece)
        if self._pending_bytes > JOIN_BYTES_MAX:
            # Only the transport knows that a visitor does not read, and can say so to who goes on writing.
            self.flush()

    def flush(self) -> None:
        """Send what is pending."""
        pending = self._pending
        if pending:
            self._pending, self._pending_bytes = [], 0
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def write_eof(self) -> None:
        """Send what is pending, then the end."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what is pending, then close."""
        self.flush()
        self._transport.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol takes over: nothing of ours may come after its first word."""
        self.flush()
        self._transport.set_protocol(protocol)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
