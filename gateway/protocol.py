"""uvicorn's httptools protocol, hardened to stand at an edge: byte caps while parsing, and deadlines on every wait.

uvicorn itself buffers a 100 MB header and never ends a slow one. Use it as uvicorn's `http=` option. Its answers are
small problems (RFC 9457) and it logs nothing per request. A deadline costs one timer per connection, not per request:
the timer looks at `_due` when it fires and goes back to sleep if that has moved on.
"""

import asyncio
import json
from http import HTTPStatus
from math import inf
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ecluse.domain.errors import AmbiguousRequest
from gateway.joined_writes import JoinedWrites
from gateway.prepared import EdgeCycle
from gateway.problems import PREFIX, ROWS


class Unacceptable(Exception):
    """The parser met something this edge does not take; raised through it, to stop it."""


def _answer(status: int, detail: str) -> bytes:
    row = ROWS[AmbiguousRequest]
    members = {"type": PREFIX + row.slug, "title": row.title, "status": status, "detail": detail}
    body = json.dumps(members).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
        f"cache-control: no-store\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


ANSWERS = {
    400: _answer(400, AmbiguousRequest().public),
    408: _answer(408, "The request did not arrive in time. Send it again."),
    431: _answer(431, "The header of this request is too large. Clear the cookies of this site and send it again."),
}


class EdgeProtocol(HttpToolsProtocol):
    """One connection from a visitor or a front proxy. Sizes in bytes, waits in seconds; subclass to change them."""

    HEADER_BYTES_MAX = 16 * 1024
    """Request line and header lines with their line ends; also the most a chunk header or trailer may take."""
    HEADER_COUNT_MAX = 64
    PIPELINE_MAX = 32
    """Requests sent ahead of their answers; browsers send none."""
    FIRST_BYTE_SECONDS = 10.0
    """How long a connection may stay without ever sending a byte."""
    HEADER_SECONDS = 10.0
    """From the first byte of a request to the end of its header, whatever trickles in between."""
    BODY_IDLE_SECONDS = 30.0
    """Between two pieces of a body, unless it is we who do not read."""
    WRITE_STALL_SECONDS = 60.0
    """How long a visitor may leave an answer unread."""
    LINGER_SECONDS = 1.0
    """How long a refused visitor may go on sending before the connection is cut, so that the refusal arrives."""
    LINGER_BYTES_MAX = 1024 * 1024
    """How much of what they send meanwhile is read and dropped."""
    DROPPED_BYTES_MAX = 32 * 1024 * 1024
    """How much of a body is read after its answer has gone out, so that a browser still sending sees the answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fed = 0  # bytes since the last whole request or piece of body: what the parser may be holding
        self._chunk = 0  # bytes in the read being parsed
        self._dropped = 0
        self._in_body = False
        self._timing_header = False
        self._refused = False
        self._refusal = 400
        self._due = inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._stall_timer: asyncio.TimerHandle | None = None

    # Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first byte."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._set_due(self.loop.time() + self.FIRST_BYTE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all deadlines."""
        self._stop_timers()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """The visitor sends nothing more and is cut, as uvicorn does; an answer already given goes out before."""
        cast(JoinedWrites, self.transport).flush()

    def data_received(self, data: bytes) -> None:
        """Parse, then decide what the next deadline is. After a refusal everything is dropped."""
        self._chunk = len(data)
        self._fed += self._chunk
        if self._refused:
            if self._fed > self.LINGER_BYTES_MAX:
                self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
            return
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return
        if self._fed > self.HEADER_BYTES_MAX:
            self._refuse(431)
        elif self._in_body:
            self._set_due(self.loop.time() + self.BODY_IDLE_SECONDS)
        elif not self._fed:
            self._await_next()
        elif not self._timing_header:
            self._timing_header = True
            self._set_due(self.loop.time() + self.HEADER_SECONDS)

    # Parser callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header. A trailer is dropped: uvicorn would add it to the headers the application already judged."""
        if self._in_body:
            return
        headers = self.headers
        if len(headers) >= self.HEADER_COUNT_MAX:
            self._refusal = 431
            raise Unacceptable
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Refuse what must not reach the application, else let it start.

        A target in absolute form or with a fragment is refused here: uvicorn's scope no longer shows it.
        """
        url = self.url
        # HTTP/0.9 is the only version that comes without any header.
        if url[:1] != b"/" or b"#" in url or not self.headers or len(self.pipeline) >= self.PIPELINE_MAX:
            raise Unacceptable
        cap = self.HEADER_BYTES_MAX
        if (self._fed > cap or self._chunk > cap) and self._header_bytes() > cap:
            self._refusal = 431
            raise Unacceptable
        self._in_body = True
        super().on_headers_complete()
        if self.cycle is not None:
            # uvicorn names its class of cycle nowhere that could be set; the task that runs it has not begun.
            self.cycle.__class__ = EdgeCycle
        if self.expect_100_continue and self.cycle is not None:
            # If the answer comes first, nobody knows whether the body still will: the next bytes could be either.
            self.cycle.keep_alive = False

    def _header_bytes(self) -> int:
        line = len(self.parser.get_method()) + len(self.url) + len(b"  HTTP/1.1\r\n")
        return line + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; what comes after the answer is dropped, up to a limit."""
        self._fed = 0
        if self.cycle is not None and self.cycle.response_complete:
            self._dropped += len(body)
            if self._dropped > self.DROPPED_BYTES_MAX:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A whole request has been read."""
        self._fed = 0
        self._in_body = False
        self._timing_header = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer has gone out: the next one that was sent ahead begins, or the wait for another request.

        As uvicorn does, without its timer per request: the deadline of the connection is enough.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif not self._fed and not self._in_body:
            self._await_next()

    def _await_next(self) -> None:
        """Between requests a connection may stay idle for a while, but not while an answer is being made."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._set_due(self.loop.time() + self.timeout_keep_alive)
        else:
            self._due = inf

    # Refusing

    def _upgrade(self) -> None:
        self._due = inf
        waiting = self.cycle is not None and not self.cycle.response_complete
        if not self._should_upgrade():
            # The request itself goes to the application, which refuses it; what follows is no protocol of ours.
            self._refused = True
            self.cycle.keep_alive = False
        elif waiting:
            self._refuse(400)  # an answer is still due on this connection; two protocols would write on it
        else:
            self._stop_timers()
            self.handle_websocket_upgrade()

    def _refuse(self, status: int) -> None:
        """Answer `status` and close; an answer that is already due to an earlier request goes out first, alone."""
        self._refused = True
        self._due = inf
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not self._in_body:
                cycle.keep_alive = False
                return
            if self.pipeline or cycle.response_started:
                self.transport.close()
                return
            # The application hears that the visitor left, and can no longer write on this connection.
            cycle.disconnected = True
            cycle.message_event.set()
        if self.transport.is_closing():
            return
        self.transport.write(ANSWERS[status])
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self.LINGER_SECONDS, self.transport.close)

    # Deadlines

    def _set_due(self, due: float) -> None:
        self._due = due
        if due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            self._timer = self.loop.call_at(due, self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._timer, self._timer_at = None, inf
        now = self.loop.time()
        if self._due == inf or self._refused:
            return
        if self._due > now:
            self._set_due(self._due)
        elif self._in_body:
            if self.flow.read_paused or self.cycle.waiting_for_100_continue:
                self._set_due(now + self.BODY_IDLE_SECONDS)
            else:
                self.transport.close()
        elif self._fed:
            self._refuse(408)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """The visitor does not read: give them a while, then cut."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.WRITE_STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The visitor reads again."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().resume_writing()

    def _stop_timers(self) -> None:
        self._due = self._timer_at = inf
        for timer in (self._timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._stall_timer = None
