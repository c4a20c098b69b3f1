"""Fragile mode: the same application, served the way an old booking module is, with the limits such a module has.

Blocking worker threads take one connection each off a short listen queue, run a request to its end even if nobody
waits for it any more, and share a few database connections. Nothing here is drawn by lot: it slows down because the
processor is busy, and it falls over because a queue, a pool or a time limit is exhausted:

- workers all busy: connections wait in the kernel's queue; that full, new ones are not answered at all;
- database connections all taken: after a wait, 500;
- a request that took too long: 504, and its connection is lost until the database notices (`connection_idle_seconds`),
  so an overload goes on after the crowd has left, until time has passed or the module is restarted.
"""

import asyncio
import queue
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_to_bytes

import h11
import structlog
from starlette.types import ASGIApp

_log = structlog.get_logger("booking")
_READ_SECONDS = 10.0
_ACCEPT_SECONDS = 0.25
_BODY_MAX_BYTES = 1024 * 1024
_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the module has to work with. Calm capacity is about 1000 / `cost_ms` requests a second, on one processor."""

    workers: int = 40
    cost_ms: float = 50.0
    backlog: int = 64
    connections: int = 20
    connection_wait_seconds: float = 1.0
    request_seconds: float = 1.5
    connection_idle_seconds: float = 30.0
    memory_kb: int = 2048

    def __post_init__(self) -> None:
        for each in fields(self):
            least = 1 if each.name in ("workers", "connections") else 0
            if getattr(self, each.name) < least:
                raise ValueError(f"--{each.name.replace('_', '-')}: at least {least}")


class Exhausted(Exception):
    """No database connection came free in time."""


class TooLong(Exception):
    """The request took longer than it may."""


class Connections:
    """A few database connections. One whose request ran out of time comes back only after a while, as in real life."""

    def __init__(self, database: str, limits: Limits) -> None:
        self._limits = limits
        self._free: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._lost: list[tuple[float, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        for _ in range(limits.connections):
            self._free.put(sqlite3.connect(database, check_same_thread=False, timeout=limits.connection_wait_seconds))

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own. Raises Exhausted; one that leaves with TooLong is lost for a while."""
        self._find_lost()
        try:
            connection = self._free.get(timeout=self._limits.connection_wait_seconds)
        except queue.Empty:
            raise Exhausted from None
        try:
            yield connection
        except TooLong:
            with self._lock:
                self._lost.append((time.monotonic() + self._limits.connection_idle_seconds, connection))
            raise
        except BaseException:
            self._free.put(connection)
            raise
        self._free.put(connection)

    def _find_lost(self) -> None:
        now = time.monotonic()
        with self._lock:
            found = [connection for until, connection in self._lost if until <= now]
            self._lost = [(until, connection) for until, connection in self._lost if until > now]
        for connection in found:
            self._free.put(connection)

    def close(self) -> None:
        """Close those that are free; the others end with the process."""
        with suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()


def start_up(limits: Limits) -> None:
    """What an old module does before it looks at a request: loads itself. Half of the cost, whatever becomes of it."""
    digest, spent_until = b"", time.thread_time() + limits.cost_ms / 2000
    while time.thread_time() < spent_until:
        for number in range(_ROWS):
            digest = sha256(digest + str(number).encode()).digest()


def work(connection: sqlite3.Connection, limits: Limits, started_at: float) -> None:
    """What it does before it answers: reads far too much, and thinks about it. The other half. Raises TooLong."""
    memory = bytearray(b"x") * (limits.memory_kb * 1024)  # written, so that it is really there
    digest, spent_until = b"", time.thread_time() + limits.cost_ms / 2000
    while True:
        for row in connection.execute("SELECT * FROM slot ORDER BY starts_at LIMIT ?", (_ROWS,)):
            digest = sha256(digest + repr(row).encode()).digest()
        if time.monotonic() - started_at > limits.request_seconds:
            raise TooLong
        if time.thread_time() >= spent_until:
            memory.clear()
            return


class FragileServer:
    """Serves `app` from `listener` until SIGTERM or SIGINT."""

    def __init__(self, app: ASGIApp, listener: socket.socket, limits: Limits, database: str) -> None:
        self._app = app
        self._listener = listener
        self._limits = limits
        self._database = database
        self._stopping = threading.Event()

    def run(self) -> int:
        """The exit status: 0, or 1 if the application does not start."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        outbox: asyncio.Queue[Any] = asyncio.Queue()
        life = asyncio.create_task(self._live(inbox, outbox))
        await inbox.put({"type": "lifespan.startup"})
        if (await outbox.get())["type"] != "lifespan.startup.complete":
            return 1
        connections = Connections(self._database, self._limits)
        self._listener.settimeout(_ACCEPT_SECONDS)
        workers = [
            threading.Thread(target=self._work, args=(loop, connections), daemon=True, name=f"worker-{number}")
            for number in range(self._limits.workers)
        ]
        for worker in workers:
            worker.start()
        await told.wait()
        self._stopping.set()
        self._listener.close()
        await inbox.put({"type": "lifespan.shutdown"})
        with suppress(TimeoutError):
            await asyncio.wait_for(life, 2)
        connections.close()
        return 0

    async def _live(self, inbox: "asyncio.Queue[Any]", outbox: "asyncio.Queue[Any]") -> None:
        try:
            await self._app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, inbox.get, outbox.put)
        except Exception:  # noqa: BLE001 - the log of the application says why
            await outbox.put({"type": "lifespan.startup.failed"})

    def _work(self, loop: asyncio.AbstractEventLoop, connections: Connections) -> None:
        """One worker's life: one connection after another, one request each."""
        while not self._stopping.is_set():
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with peer, suppress(OSError, h11.ProtocolError):
                peer.settimeout(_READ_SECONDS)
                wire = h11.Connection(h11.SERVER)
                request, body = _read(peer, wire)
                _write(peer, wire, *self._answer(loop, connections, request, body))

    def _answer(
        self, loop: asyncio.AbstractEventLoop, connections: Connections, request: h11.Request, body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        started_at = time.monotonic()
        start_up(self._limits)
        try:
            with connections.one() as connection:
                work(connection, self._limits, started_at)
                left = self._limits.request_seconds - (time.monotonic() - started_at)
                asked = asyncio.run_coroutine_threadsafe(_ask(self._app, request, body), loop)
                try:
                    return asked.result(left)
                except TimeoutError:
                    raise TooLong from None
        except Exhausted:
            return _failure(500, "Too many connections")
        except sqlite3.Error as error:
            return _failure(500, str(error))
        except TooLong:
            return _failure(504, "Maximum execution time exceeded")


def _failure(status: int, text: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    _log.warning("fragile_failure", status=status, why=text)
    page = f"<!doctype html><title>Error {status}</title><h1>Error {status}</h1><p>{text}</p>\n".encode()
    return status, [(b"content-type", b"text/html")], page


def _read(peer: socket.socket, wire: h11.Connection) -> tuple[h11.Request, bytes]:
    """One request and its body. Raises OSError or h11.ProtocolError if it never comes whole."""
    request: h11.Request | None = None
    body = b""
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(peer.recv(65_536))
        elif isinstance(event, h11.Request):
            request = event
            if wire.they_are_waiting_for_100_continue:
                peer.sendall(wire.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _BODY_MAX_BYTES:
                raise h11.RemoteProtocolError("body too long", 413)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, body
        else:
            raise h11.RemoteProtocolError("connection ended early")


def _write(
    peer: socket.socket, wire: h11.Connection, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    framed = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"connection")]
    framed += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    parts = [h11.Response(status_code=status, headers=framed), h11.Data(data=body), h11.EndOfMessage()]
    peer.sendall(b"".join(wire.send(part) or b"" for part in parts))


async def _ask(app: ASGIApp, request: h11.Request, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Put one request to the application; its whole answer."""
    path, _, query = request.target.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method.decode(),
        "scheme": "http", "path": unquote_to_bytes(path).decode("utf-8", "replace"), "raw_path": path,
        "query_string": query, "root_path": "", "headers": list(request.headers), "client": None, "server": None,
    }  # fmt: skip
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    status, headers, answer = 500, [], b""

    async def receive() -> Any:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status, headers, answer
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message.get("headers", []))
        else:
            answer += message.get("body", b"")

    with suppress(Exception):  # the application has answered 500 and told its log
        await app(scope, receive, send)
    return status, headers, b"" if request.method == b"HEAD" else answer
