"""A worker tells visitors who are away: over real servers, once, and never at the cost of a turn."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ecluse.clock import ManualClock
from ecluse.domain.notify import Address, Way
from ecluse.notify_secrets import NotifySecrets
from ecluse.services import room_of
from ecluse.settings import Settings, parse
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.store.notify import Addresses
from ecluse.telemetry import Metrics, NotifyOutcome, configure_logging
from ecluse.tokens import new_id
from queue_worker import notify
from queue_worker.loop import Worker
from queue_worker.notify import QUEUE_MOST, OftenEnough, RoomNotify, notify_of
from tests.ecluse.small_programs import until
from tests.queue_worker.receivers import HookServer, Mailbox, hook_server, mail_server

SALLE = {
    "id": "salle", "origin": "http://127.0.0.1:1", "origin_key": "env:X", "pace_per_minute": 600, "burst": 100,
    "mode": "queueing", "title": {"en": "Residence permit"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(notify, "DRAIN_SECONDS", 0.2)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[HookServer]:
    with hook_server() as found:
        yield found


class Place:
    """One room with its line, and workers that tell its visitors."""

    def __init__(self, redis_url: str, box: Mailbox, receiver: HookServer, **change: Any) -> None:
        told = {"smtp": "env:S", "sender": "a@example.org", "hook_url": receiver.url, "hook_key": "env:K"}
        table = {"redis_url": redis_url, "signing_keys": ["env:X"], "room": [SALLE | {"notify": told} | change]}
        self.settings: Settings = parse(table, {})
        self.secrets = {"salle": NotifySecrets(smtp_url=f"smtp://127.0.0.1:{box.port}", hook_key="k" * 20)}
        self.store = Store.at(redis_url)
        self.metrics = Metrics()
        self.line = Line(self.store, room_of(self.settings.room[0]))
        self.addresses = Addresses(self.line)
        self.stop = asyncio.Event()

    def notify(self, *, retry_seconds: tuple[float, ...] = (0.01, 0.02)) -> RoomNotify:
        (found,) = notify_of(self.settings, self.secrets, self.store, self.metrics)
        found._retry_seconds = retry_seconds
        return found

    async def joined(self, to: str, way: Way = Way.EMAIL) -> str:
        ticket = new_id()
        await self.line.enter(ticket, "main", "epoch-01", at_once=False)
        await self.addresses.keep(ticket, Address(way=way, to=to, lang="en"), most=100_000)
        return ticket

    def count(self, outcome: NotifyOutcome, way: str = "email") -> float:
        labels = {"room": "salle", "way": way, "outcome": outcome.value}
        return self.metrics.registry.get_sample_value("ecluse_notifications_total", labels) or 0

    @contextlib.asynccontextmanager
    async def working(self, *workers: Any) -> AsyncIterator[None]:
        running = [asyncio.create_task(worker.run(self.stop)) for worker in workers]
        try:
            yield
        finally:
            self.stop.set()
            async with asyncio.timeout(5):
                await asyncio.gather(*running)
            await self.store.close()


async def test_a_visitor_is_told_when_the_turn_is_near_and_when_it_has_come_and_then_forgotten(
    redis_url: str, box: Mailbox, receiver: HookServer
) -> None:
    place = Place(redis_url, box, receiver, pace_per_minute=60, burst=1)
    for _ in range(200):
        await place.line.enter(new_id(), "main", "epoch-01", at_once=False)
    ticket = await place.joined("amel@example.org")
    async with place.working(Worker(place.settings, place.store, place.metrics, [place.notify()])):
        await until(lambda: len(box.mails) >= 1)
        assert re.fullmatch(r"Your turn is near: about [34] minutes\. Residence permit", box.mails[0]["Subject"])
        # Rather than wait for it: as many are called as stand there.
        while len(box.mails) < 2:
            await place.line.call(300, int(await place.store.command("HGET", place.line.keys.step[0], "calls") or 0))
            await asyncio.sleep(0.02)
        assert "It is your turn!" in box.mails[1]["Subject"]
        await place.line.leave(ticket)
        await until(lambda: place.metrics.registry.get_sample_value("ecluse_notify_addresses", {"room": "salle"}) == 0)
        assert await place.store.command("EXISTS", place.line.keys.notify) == 0
    assert box.recipients == ["amel@example.org"] * 2
    assert place.count(NotifyOutcome.SENT) == 2


async def test_a_telephone_is_told_through_the_web_hook(redis_url: str, box: Mailbox, receiver: HookServer) -> None:
    place = Place(redis_url, box, receiver)
    await place.joined("+33612345678", Way.PHONE)
    await place.line.call(1, 0)
    async with place.working(place.notify()):
        await until(lambda: len(receiver.posts) >= 1)
    (post,) = receiver.posts
    assert (post.json["event"], post.json["to"]) == ("called", "+33612345678")
    assert place.count(NotifyOutcome.SENT, "phone") == 1


async def test_several_workers_tell_a_crowd_each_once(redis_url: str, box: Mailbox, receiver: HookServer) -> None:
    place = Place(redis_url, box, receiver, claim_seconds=3600)
    for n in range(120):
        await place.joined(f"v{n}@example.org")
    await place.line.call(120, 0)
    async with place.working(*(place.notify() for _ in range(3))):
        await until(lambda: len(box.recipients) >= 120, 30)
    assert sorted(box.recipients) == sorted(f"v{n}@example.org" for n in range(120))


async def test_what_failed_is_repeated_and_what_fails_for_good_is_dropped_and_counted(
    redis_url: str, box: Mailbox, receiver: HookServer
) -> None:
    box.answers = ["451 later", "", "550 nobody", "451 later", "451 later", "451 later"]
    place = Place(redis_url, box, receiver)
    async with place.working(place.notify()):
        for name, outcome in (
            ("repeated", NotifyOutcome.SENT), ("refused", NotifyOutcome.REFUSED), ("dropped", NotifyOutcome.DROPPED),
        ):  # fmt: skip
            await place.joined(f"{name}@example.org")
            await place.line.call(1, int(await place.store.command("HGET", place.line.keys.step[0], "calls") or 0))
            await until(lambda outcome=outcome: place.count(outcome) == 1)  # type: ignore[misc]
    assert box.recipients == ["repeated@example.org"]
    assert place.count(NotifyOutcome.RETRIED) == 3
    assert box.tried == 6


async def test_a_mail_server_that_hangs_delays_no_turn_and_no_stop_and_no_more_is_taken_than_fits(
    redis_url: str, box: Mailbox, receiver: HookServer
) -> None:
    place = Place(redis_url, box, receiver, claim_seconds=3600)
    for n in range(QUEUE_MOST + 40):
        await place.joined(f"v{n}@example.org")
    await place.line.call(QUEUE_MOST + 40, 0)

    class Silent:
        taken = 0

        async def send(self, _message: Any) -> None:
            self.taken += 1
            await asyncio.Event().wait()

    hanging = place.notify()
    silent = Silent()
    hanging._senders = {Way.EMAIL: silent}
    async with place.working(Worker(place.settings, place.store, place.metrics, [hanging])):
        await until(lambda: silent.taken == notify.AT_ONCE)
        ticks = "ecluse_ticks_total"
        before = place.metrics.registry.get_sample_value(ticks, {"room": "salle", "outcome": "done"}) or 0
        await until(
            lambda: (
                (place.metrics.registry.get_sample_value(ticks, {"room": "salle", "outcome": "done"}) or 0) > before + 4
            )
        )
        told = await place.store.command("HVALS", place.line.keys.notify)
        assert sum(value.startswith(b"called ") for value in told) == QUEUE_MOST, "the rest is left to other workers"


async def test_a_store_that_is_away_for_a_moment_ends_nothing(
    redis_url: str, box: Mailbox, receiver: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(redis_url, box, receiver)
    await place.joined("amel@example.org")
    await place.line.call(1, 0)
    telling = place.notify()
    look, failures = telling.look, 0

    async def fails_twice() -> None:
        nonlocal failures
        failures += 1
        if failures < 3:
            raise OSError
        await look()

    monkeypatch.setattr(telling, "look", fails_twice)
    async with place.working(telling):
        await until(lambda: len(box.mails) == 1)


async def test_no_address_ever_reaches_the_log(
    redis_url: str, box: Mailbox, receiver: HookServer, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging("worker", level="DEBUG")
    try:
        box.answers = ["550 no such user amel@example.org here", "451 amel@example.org", "451 x", "451 x"]
        place = Place(redis_url, box, receiver)
        await place.joined("amel@example.org")
        await place.joined("amel@example.org")
        await place.joined("+33612345678", Way.PHONE)
        receiver.statuses = [500, 500, 500]
        await place.line.call(3, 0)
        async with place.working(place.notify()):
            await until(lambda: place.count(NotifyOutcome.DROPPED) + place.count(NotifyOutcome.DROPPED, "phone") == 2)
    finally:
        logging.getLogger().handlers.clear()
    said = capfd.readouterr()
    assert "message_dropped" in said.err
    assert "message_refused" in said.err
    assert "example.org" not in said.err + said.out
    assert "612345678" not in said.err + said.out


def test_a_crowd_of_tickets_cannot_flood_a_stranger() -> None:
    clock = ManualClock()
    often = OftenEnough(3, clock=clock)
    assert [often.allows("a") for _ in range(5)] == [True, True, True, False, False]
    assert often.allows("b")
    clock.advance(3601)
    assert often.allows("a")
    for n in range(20_000):
        often.allows(str(n))
    assert len(often._sent) == 10_000
