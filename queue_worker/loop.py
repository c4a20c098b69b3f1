"""The loop of a worker: a turn in each room whenever one is due, whatever happened to the turn before.

Any number of workers may run over the same rooms: `tick.lua` gives each turn to one of them.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from ecluse.domain.errors import StoreAway
from ecluse.services import room_of
from ecluse.services.ticks import TURN_MS, Report, RoomTicks
from ecluse.settings import Settings
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.telemetry import Metrics, RoomMetrics, TickOutcome

log = structlog.get_logger()
_LONGEST_PAUSE_SECONDS = 2.0


class Aside(Protocol):
    """What goes on beside the turns."""

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until `stop` is set."""
        ...


class Worker:
    """The turns of all rooms of a configuration, and what goes on beside them."""

    def __init__(self, settings: Settings, store: Store, metrics: Metrics, notify: Sequence[Aside] = ()) -> None:
        keep_ms = settings.ticket_hours * 3_600_000
        rooms: Sequence[RoomTicks] = [RoomTicks(Line(store, room_of(room), keep_ms=keep_ms)) for room in settings.room]
        self._rooms = rooms
        self._notify = notify
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """Take turns until `stop` is set."""
        turns = [asyncio.create_task(self._room(room, stop)) for room in self._rooms]
        turns += [asyncio.create_task(notify.run(stop)) for notify in self._notify]
        await stop.wait()
        await asyncio.gather(*turns)

    async def _room(self, room: RoomTicks, stop: asyncio.Event) -> None:
        metrics = self._metrics.room(room.room.id)
        failures = 0
        # Several workers started together take turns rather than collide.
        await _pause(stop, random.random() * TURN_MS / 1000)  # noqa: S311
        while not stop.is_set():
            started = time.monotonic()
            try:
                report = await room.turn()
                if failures:
                    log.info("tick_recovered", room=room.room.id, failures=failures)
                failures = 0
                if report is not None:
                    metrics.ticks[TickOutcome.DONE].inc()
                    metrics.tick_seconds.observe(time.monotonic() - started)
                    _measure(metrics, report)
            except Exception as error:
                failures += 1
                metrics.ticks[TickOutcome.FAILED].inc()
                if isinstance(error, StoreAway):
                    metrics.store_errors.inc()
                if failures in (1, 10) or failures % 100 == 0:
                    known = isinstance(error, StoreAway)
                    log.error("tick_failed", room=room.room.id, failures=failures, exc_info=not known, why=str(error))
            spent = time.monotonic() - started
            rest = TURN_MS / 1000 if not failures else min(TURN_MS / 1000 * 2**failures, _LONGEST_PAUSE_SECONDS)
            await _pause(stop, max(0.01, rest - spent))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _measure(metrics: RoomMetrics, report: Report) -> None:
    for lane, waiting in report.waiting.items():
        metrics.waiting(lane).set(waiting)
    metrics.called.set(report.called)
    metrics.admitted.set(report.admitted)
    metrics.pace_per_minute.set(report.pace_per_minute)
    metrics.window.set(report.window or 0)
    metrics.show_rate.set(report.show_rate)
    metrics.claim_delay_seconds.set(report.claim_delay_seconds)
