"""What a running program tells about itself: structured logs and Prometheus metrics.

The only module that imports prometheus_client. Labels are bounded: rooms and lanes come from the configuration,
outcomes from the enumerations here; nothing a visitor sends becomes a label. Secrets never reach a log line.
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

HIDDEN_KEYS = frozenset(
    {"token", "cookie", "set_cookie", "person", "authorization", "password", "secret", "email", "phone"}
)
"""Keys that never appear in a log line, at any depth, in either spelling (`set-cookie`, `Set_Cookie`)."""

_ORIGIN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_TICK_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


def configure_logging(process: str, *, level: str = "INFO") -> None:
    """Send structlog and standard logging alike to standard error, one line per event, each naming `process`.

    JSON, or coloured text on a terminal; `ECLUSE_LOG=json|console` decides otherwise. An unknown level is a ValueError.
    """
    wanted = os.environ.get("ECLUSE_LOG", "")
    console = wanted == "console" or (wanted != "json" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {**event, "process": process},
        hide_secrets,
        _drop_colours,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(console=console))
    )
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [handler]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _renderers(*, console: bool) -> list[structlog.typing.Processor]:
    tidy: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if console:
        # The default formatter prints the local variables of each frame, tokens included.
        return [*tidy, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [*tidy, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that drops every key of HIDDEN_KEYS, however deep."""
    return {key: _without_secrets(value) for key, value in event.items() if not _is_hidden(key)}


def _drop_colours(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Without uvicorn's second, coloured copy of its messages."""
    event.pop("color_message", None)
    return event


def _is_hidden(key: object) -> bool:
    return isinstance(key, str) and key.lower().replace("-", "_") in HIDDEN_KEYS


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(inner) for key, inner in value.items() if not _is_hidden(key)}
    if isinstance(value, list | tuple) and any(isinstance(inner, Mapping) for inner in value):
        return [_without_secrets(inner) for inner in value]
    return value


class RequestOutcome(StrEnum):
    """How the gateway answered a request of a room."""

    BOARD = "board"
    TICKET = "ticket"
    JOIN = "join"
    LEAVE = "leave"
    ADMITTED = "admitted"
    WAITING = "waiting"
    PROXIED = "proxied"
    VERIFIED = "verified"
    REFUSED = "refused"
    TOO_FAST = "too_fast"
    CODE = "code"
    MOVED = "moved"
    CLAIM_ADMITTED = "claim_admitted"
    CLAIM_EARLY = "claim_early"
    CLAIM_GONE = "claim_gone"
    CLAIM_EXTENDED = "claim_extended"
    NOTIFY = "notify"
    OPERATOR = "operator"
    ERROR = "error"


class ClaimOutcome(StrEnum):
    """What became of a claim."""

    ADMITTED = "admitted"
    REPEATED = "repeated"
    NOT_CALLED = "not_called"
    LIMITS_FULL = "limits_full"
    MISSED = "missed"
    GONE = "gone"
    MOVED = "moved"


class OriginError(StrEnum):
    """How the origin let a request down."""

    AWAY = "away"
    SLOW = "slow"
    BROKEN = "broken"
    SERVER_ERROR = "server_error"
    BUSY = "busy"


class TickOutcome(StrEnum):
    """How one turn of the worker ended."""

    DONE = "done"
    FAILED = "failed"


class NotifyOutcome(StrEnum):
    """What became of a message to a visitor who is away."""

    SENT = "sent"
    RETRIED = "retried"
    REFUSED = "refused"
    DROPPED = "dropped"


_Name = TypeVar("_Name", bound=StrEnum)


def _bound(counter: Counter, room: str, names: type[_Name]) -> Mapping[_Name, Counter]:
    return {name: counter.labels(room, name.value) for name in names}


class RoomMetrics:
    """The series of one room, bound once: a hot path pays a dictionary look-up and an increment.

    Mappings are by enumeration member, for instance `room.requests[RequestOutcome.BOARD].inc()`.
    """

    def __init__(self, metrics: "Metrics", room: str) -> None:
        self.requests = _bound(metrics.requests, room, RequestOutcome)
        self.joins = metrics.joins.labels(room)
        self.store_errors = metrics.store_errors
        self.admissions = metrics.admissions.labels(room)
        self.claims = _bound(metrics.claims, room, ClaimOutcome)
        self.origin_errors = _bound(metrics.origin_errors, room, OriginError)
        self.origin_seconds = metrics.origin_seconds.labels(room)
        self.called = metrics.called.labels(room)
        self.admitted = metrics.admitted.labels(room)
        self.pace_per_minute = metrics.pace_per_minute.labels(room)
        self.window = metrics.window.labels(room)
        self.show_rate = metrics.show_rate.labels(room)
        self.claim_delay_seconds = metrics.claim_delay_seconds.labels(room)
        self.ticks = _bound(metrics.ticks, room, TickOutcome)
        self.tick_seconds = metrics.tick_seconds.labels(room)
        self.notify_addresses = metrics.notify_addresses.labels(room)
        self._notifications = metrics.notifications
        self._ways: dict[str, Mapping[NotifyOutcome, Counter]] = {}
        self._room = room
        self._waiting = metrics.waiting
        self._lanes: dict[str, Gauge] = {}

    def waiting(self, lane: str) -> Gauge:
        """How many wait in `lane`, which must be one of the configuration."""
        gauge = self._lanes.get(lane)
        if gauge is None:
            gauge = self._lanes[lane] = self._waiting.labels(self._room, lane)
        return gauge

    def notify(self, way: str) -> Mapping[NotifyOutcome, Counter]:
        """Messages by `way` (email or phone), by outcome."""
        found = self._ways.get(way)
        if found is None:
            found = {name: self._notifications.labels(self._room, way, name.value) for name in NotifyOutcome}
            self._ways[way] = found
        return found


class Metrics:
    """Every series of one process, in a registry of its own.

    `room(name)` gives the bound series of one room; a room appears at /metrics from then on.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._rooms: dict[str, RoomMetrics] = {}
        self._servers: list[Any] = []
        room = ("room",)
        self.requests = self._counter("requests", "Requests answered, by outcome", ("room", "outcome"))
        self.joins = self._counter("joins", "Tickets given", room)
        self.admissions = self._counter("admissions", "Visits that began", room)
        self.claims = self._counter("claims", "Claims, by outcome", ("room", "outcome"))
        self.origin_errors = self._counter("origin_errors", "Requests the origin let down", ("room", "kind"))
        self.ticks = self._counter("ticks", "Turns of the worker, by outcome", ("room", "outcome"))
        self.notifications = self._counter(
            "notifications", "Messages to visitors who are away, by outcome", ("room", "way", "outcome")
        )
        self.notify_addresses = self._gauge("notify_addresses", "Addresses kept for messages", room)
        self.store_errors = self._counter("store_errors", "Calls to Redis that failed", ())
        self.origin_seconds = self._histogram("origin_seconds", "Time to the origin's headers", _ORIGIN_BUCKETS)
        self.tick_seconds = self._histogram("tick_seconds", "Duration of a turn of the worker", _TICK_BUCKETS)
        self.waiting = self._gauge("waiting", "Tickets in line", ("room", "lane"))
        self.called = self._gauge("called", "Tickets called, not yet claimed", room)
        self.admitted = self._gauge("admitted", "Visits in progress", room)
        self.pace_per_minute = self._gauge("pace_per_minute", "Admissions per minute allowed", room)
        self.window = self._gauge("window", "Visits the automatic pace allows at once; 0: set by hand", room)
        self.show_rate = self._gauge("show_rate", "Share of the called who claim, 0 to 1", room)
        self.claim_delay_seconds = self._gauge("claim_delay_seconds", "Time from call to claim", room)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"ecluse_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(f"ecluse_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"ecluse_{name}", text, ("room",), registry=self.registry, buckets=buckets)

    def room(self, room: str) -> RoomMetrics:
        """The series of `room`, which must be one of the configuration; cached."""
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = RoomMetrics(self, room)
        return found

    def serve_metrics(self, port: int, host: str = "127.0.0.1") -> int:
        """Answer GET /metrics on a port of its own, from a thread; 0 chooses one. Returns the real port.

        Raises OSError when the port is taken. The thread ends with `close` or the process.
        """
        server, _thread = start_http_server(port, addr=host, registry=self.registry)
        self._servers.append(server)
        return int(server.server_port)

    def close(self) -> None:
        """Stop answering; the series stay readable."""
        while self._servers:
            server = self._servers.pop()
            server.shutdown()
            server.server_close()
