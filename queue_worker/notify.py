"""Telling visitors who are away, beside the turns of a room and never in them: a mail server that hangs delays nobody.

What is due is taken from Redis only as far as there is room to send it, and each message is taken by one worker once:
a worker that is killed in the middle loses what it had taken, and nobody is told twice.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import StoreAway
from ecluse.domain.notify import Event, Way
from ecluse.notify_secrets import NotifySecrets
from ecluse.services import room_of
from ecluse.services.notify import Watch
from ecluse.settings import Settings
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.store.notify import Addresses
from ecluse.store.rooms import RoomStore
from ecluse.telemetry import Metrics, NotifyOutcome, RoomMetrics
from queue_worker.messages import Message, Messages
from queue_worker.outcomes import Failed, Refused

log = structlog.get_logger()
LOOK_SECONDS = 0.5
AT_ONCE = 8
"""Messages of one room on their way at the same time."""
QUEUE_MOST = 64
RETRY_SECONDS = (1.0, 5.0, 20.0)
DRAIN_SECONDS = 2.0
_HOUR_SECONDS = 3600
_REMEMBERED = 10_000


class Sender(Protocol):
    """Sends one message. Raises Refused or Failed."""

    async def send(self, message: Message) -> None:
        """Send it."""
        ...


class OftenEnough:
    """At most `most` messages an hour to one address: a crowd of tickets cannot be used to flood a stranger."""

    def __init__(self, most: int = 12, *, clock: Clock = system_clock) -> None:
        self._most = most
        self._clock = clock
        self._sent: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, to: str) -> bool:
        """Whether one more may be sent now; counts it if so."""
        now = self._clock()
        times = self._sent.setdefault(to, deque())
        self._sent.move_to_end(to)
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        while times and times[0] <= now - _HOUR_SECONDS:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


class RoomNotify:
    """The messages of one room, as far as this worker sends them."""

    def __init__(
        self,
        watch: Watch,
        messages: Messages,
        senders: Mapping[Way, Sender],
        metrics: RoomMetrics,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        self._watch = watch
        self._messages = messages
        self._senders = senders
        self._metrics = metrics
        self._retry_seconds = retry_seconds
        self._often = OftenEnough()
        self._queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE_MOST)
        self._unfinished = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look and send until `stop` is set; then send what was taken, for as long as a stop may take."""
        sending = [asyncio.create_task(self._send_on()) for _ in range(AT_ONCE)]
        failures = 0
        while not stop.is_set():
            try:
                await self.look()
                failures = 0
            except Exception as error:
                failures += 1
                if failures in (1, 10) or failures % 100 == 0:
                    known = isinstance(error, StoreAway)
                    log.error("notify_failed", failures=failures, exc_info=not known, why=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._queue.join()
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        if self._unfinished:
            log.warning("notify_unsent", messages=self._unfinished)

    async def look(self) -> None:
        """Take who is due, as many as there is room for. Raises StoreAway."""
        room = QUEUE_MOST - self._unfinished
        if room <= 0:
            return
        found = await self._watch.take(room)
        self._metrics.notify_addresses.set(found.kept)
        for due, seconds in found.due:
            if due.event is Event.NEAR:
                message = self._messages.near(due.address, due.ticket_id, seconds)
            else:
                message = self._messages.called(due.address, due.ticket_id)
            self._unfinished += 1
            self._queue.put_nowait(message)

    async def _send_on(self) -> None:
        while True:
            message = await self._queue.get()
            outcome = NotifyOutcome.DROPPED
            try:
                outcome = await self._sent(message)
            except Exception as error:  # noqa: BLE001 - a message lost is told; the others go on
                log.error("message_failed", way=message.address.way.value, kind=type(error).__name__)
            self._metrics.notify(message.address.way.value)[outcome].inc()
            self._unfinished -= 1
            self._queue.task_done()

    async def _sent(self, message: Message) -> NotifyOutcome:
        way = message.address.way
        sender = self._senders.get(way)
        if sender is None or not self._often.allows(message.address.to):
            return NotifyOutcome.REFUSED
        for wait_seconds in (*self._retry_seconds, None):
            try:
                await sender.send(message)
                return NotifyOutcome.SENT
            except Refused as error:
                log.warning("message_refused", way=way.value, moment=message.event.value, why=str(error))
                return NotifyOutcome.REFUSED
            except Failed as error:
                if wait_seconds is None:
                    log.error("message_dropped", way=way.value, moment=message.event.value, why=str(error))
                    return NotifyOutcome.DROPPED
                self._metrics.notify(way.value)[NotifyOutcome.RETRIED].inc()
                await asyncio.sleep(wait_seconds)
        return NotifyOutcome.DROPPED


def notify_of(
    settings: Settings, secrets: Mapping[str, NotifySecrets], store: Store, metrics: Metrics
) -> Sequence[RoomNotify]:
    """What tells the visitors of each room that is configured for it."""
    return [_room(settings, room_id, secrets[room_id], store, metrics) for room_id in secrets]


def _room(settings: Settings, room_id: str, secrets: NotifySecrets, store: Store, metrics: Metrics) -> RoomNotify:
    # What a worker without such a room never pays for.
    from queue_worker.hook import Hook  # noqa: PLC0415
    from queue_worker.mail import Mailer  # noqa: PLC0415

    config = next(room for room in settings.room if room.id == room_id)
    assert config.notify is not None
    line = Line(store, room_of(config), keep_ms=settings.ticket_hours * 3_600_000)
    senders: dict[Way, Sender] = {}
    if config.notify.sender is not None:
        senders[Way.EMAIL] = Mailer(secrets.smtp_url, config.notify.sender)
    if config.notify.hook_url is not None:
        senders[Way.PHONE] = Hook(room_id, config.notify.hook_url, secrets.hook_key)
    return RoomNotify(
        Watch(Addresses(line), RoomStore(store, line.room), near_minutes=config.notify.near_minutes),
        Messages(room_id, config.title, settings.public_url),
        senders,
        metrics.room(room_id),
    )
