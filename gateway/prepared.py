"""How answers are spelled: heads that are the same for many are checked once, and header lines are remembered.

uvicorn checks each header of each answer with two regular expressions; with small answers that is a quarter of the
time of a request (measured). What was checked once needs no second look.
"""

from collections.abc import Iterator
from typing import Any

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

from gateway.asgi import Headers

_REMEMBERED_MOST = 4096
_ONCE_ONLY = frozenset({b"set-cookie", b"location", b"etag"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_remembered: dict[tuple[bytes, bytes], bytes] = {}


def _line(header: tuple[bytes, bytes]) -> bytes:
    """The header as a line. Raises RuntimeError if it is none, as uvicorn does."""
    name, value = header
    once = name in _ONCE_ONLY
    if not once and HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    if HEADER_VALUE_RE.search(value):
        raise RuntimeError("Invalid HTTP header value.")
    if once:
        return b"%b: %b\r\n" % header
    line = name.lower() + b": " + value + b"\r\n"
    if name.lower() not in _ONCE_ONLY and len(line) < 256:
        if len(_remembered) >= _REMEMBERED_MOST:
            _remembered.clear()
        _remembered[header] = line
    return line


class SharedHead:
    """Headers that many answers begin with, spelled once."""

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.spelled = b"".join([_line(header) for header in headers])


NOTHING_SHARED = SharedHead([])


class Prepared:
    """Headers of a whole answer with its length, ready to be sent. To any other server they are headers to go over."""

    __slots__ = ("_own", "_shared", "length", "spelled")

    def __init__(self, headers: Headers, length: int, *, shared: SharedHead = NOTHING_SHARED) -> None:
        self._own, self._shared, self.length = headers, shared, length
        own = b"".join([_remembered.get(header) or _line(header) for header in headers])
        self.spelled = b"%b%bcontent-length: %d\r\n\r\n" % (shared.spelled, own, length)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter([*self._shared.headers, *self._own, (b"content-length", b"%d" % self.length)])


class EdgeCycle(RequestResponseCycle):
    """uvicorn's answering of one request, with a shorter way for the head and for a body that comes whole."""

    async def send(self, message: Any) -> None:
        """Send a message as uvicorn would."""
        if self.disconnected or self.flow.write_paused or self.response_complete:
            await super().send(message)
        elif not self.response_started and message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        elif (
            self.response_started
            and self.chunked_encoding is False
            and message["type"] == "http.response.body"
            and not message.get("more_body", False)
            and len(message.get("body", b"")) == self.expected_content_length
            and self.scope["method"] != "HEAD"
        ):
            self.transport.write(message.get("body", b""))
            self.expected_content_length = 0
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
        else:
            await super().send(message)

    def _begin(self, status: int, headers: Any) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[status], *[_remembered.get(header) or _line(header) for header in self.default_headers]]
        if type(headers) is Prepared and self.keep_alive:
            self.chunked_encoding = False
            self.expected_content_length = headers.length
            lines.append(headers.spelled)
        else:
            closing = False
            for header in headers:
                lines.append(_remembered.get(header) or _line(header))
                if header[0].lower() in _FRAMING:
                    closing = self._frame(header[0].lower(), header[1]) or closing
            if not self.keep_alive and not closing:
                lines.append(b"connection: close\r\n")
            if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in (204, 304):
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked\r\n")
            lines.append(b"\r\n")
        self.transport.write(b"".join(lines))

    def _frame(self, name: bytes, value: bytes) -> bool:
        """Heed a header that says how the answer ends; whether it says that the connection is closed after it."""
        if name == b"content-length" and self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        elif name == b"connection" and b"close" in [token.strip() for token in value.lower().split(b",")]:
            self.keep_alive = False
            return True
        return False
