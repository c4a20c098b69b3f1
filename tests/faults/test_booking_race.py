"""Six hundred people want one hundred places, and the servers are killed in the middle: nothing is booked twice or lost.

Over HTTP, against the real process, on both databases. Every file number is used by two racers.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from booking_backend.office import Counter, Office, ServiceRules, Site, Special
from booking_backend.store import SlotStore
from booking_backend.transactions import Transactions
from ecluse.clock import system_clock
from ecluse.ports import accepts, free_ports
from ecluse.tokens import SigningKey
from tests.booking_backend.conftest import PARIS, postgres  # noqa: F401 - a fixture
from tests.booking_backend.postgres import Postgres
from tests.booking_backend.visitor import ROOM, pass_for
from tests.ecluse.small_programs import wait_until

RACERS, PLACES, AT_ONCE = 600, 100, 60
SECRET = "an origin key for one race"
KEY = SigningKey.from_secret(SECRET)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def office() -> Office:
    """One hundred places tomorrow morning: ten times of ten."""
    tomorrow = datetime.now(PARIS).date() + timedelta(days=1)
    return Office(
        services=[ServiceRules(id=1, names={"en": "Renewal"}, minutes=30)],
        sites=[Site(id=1, names={"en": "Here"}, address="", postcode="", city="", latitude=0, longitude=0)],
        counters=[Counter(id=1, site_id=1, name="A")],
        weekly=[],
        specials=[
            Special(site_id=1, day=tomorrow, counter_id=1, service_id=1, from_minute=720, until_minute=1020, places=10)
        ],
    )


class Backend:
    """The real process, which can be killed and started again on the same port."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        (self.port,) = free_ports(1)
        self.start()

    def start(self) -> None:
        argv = ("--port", str(self.port), "--database", self.url, "--room", ROOM)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "booking_backend", *argv], stderr=log,
                env={**os.environ, "ECLUSE_ORIGIN_KEY": SECRET, "ECLUSE_LOG": "json"},
            )  # fmt: skip

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running(url: str, log: Path) -> Iterator[Backend]:
    backend = Backend(url, log)
    try:
        wait_until(lambda: accepts(backend.port), 60)
        yield backend
    finally:
        backend.kill()


class Race:
    """All racers; each tries until it has a place, or none is left."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.booked: dict[int, str] = {}
        self.refused: list[str] = []
        self.failures = 0
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self, web: aiohttp.ClientSession) -> None:
        await asyncio.gather(*(self.racer(web, number) for number in range(RACERS)))

    async def racer(self, web: aiohttp.ClientSession, number: int) -> None:
        async with self._room:
            dice, slots = random.Random(number), list[int]()
            while True:
                if not slots:
                    _, found = await self.ask(web, number, "GET", "/api/services/1/slots")
                    slots = [slot["id"] for slot in found["slots"]]
                if not slots:
                    self.refused.append("nothing left")
                    return
                order = {
                    "slot_id": slots.pop(dice.randrange(len(slots))), "name": f"Racer {'AB'[number % 2]}",
                    "file_number": f"{number // 2:010d}",
                }  # fmt: skip
                status, said = await self.ask(web, number, "POST", "/api/bookings", order)
                if status in (200, 201):
                    self.booked[number] = said["reference"]
                    return
                if said["reason"] != "taken":
                    self.refused.append(said["reason"])
                    return

    async def ask(
        self, web: aiohttp.ClientSession, number: int, method: str, path: str, body: object = None
    ) -> tuple[int, Any]:  # fmt: skip
        """One answer; whatever fails on the way is asked again."""
        while True:
            headers = {"Ecluse-Pass": pass_for(f"racer-{number}", system_clock, key=KEY)}
            try:
                async with web.request(method, self.base + path, json=body, headers=headers) as answer:
                    if answer.status < 500:
                        return answer.status, json.loads(await answer.read())
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            self.failures += 1
            await asyncio.sleep(0.1)


async def until(race: Race, count: int) -> None:
    while len(race.booked) < count:
        await asyncio.sleep(0.01)


async def kill_the_backend(race: Race, backend: Backend) -> None:
    await until(race, PLACES // 3)
    backend.kill()
    backend.start()


async def kill_the_database(race: Race, server: Postgres) -> None:
    await until(race, PLACES * 2 // 3)
    server.kill()
    server.start()


async def assert_exactly_one_place_each(url: str, race: Race) -> None:
    tables = Transactions(url)
    async with tables.reading() as conn:
        rows = (await conn.execute(text("SELECT reference, file_number FROM booking WHERE cancelled_at IS NULL"))).all()
        wrong = await conn.execute(
            text(
                "SELECT id FROM slot WHERE taken > capacity"
                " OR taken <> (SELECT count(*) FROM booking WHERE slot_id = slot.id AND cancelled_at IS NULL)"
            )
        )
        assert wrong.all() == []
    await tables.close()
    assert len(rows) == PLACES
    assert len({row.file_number for row in rows}) == PLACES
    # A racer whose answer was cut off asks again and is told of the booking it has.
    assert set(race.booked.values()) <= {row.reference for row in rows}
    assert len(race.booked) + race.refused.count("already_booked") == PLACES
    assert set(race.refused) <= {"nothing left", "number_used", "already_booked"}


async def fill(url: str) -> None:
    store = SlotStore(url)
    await store.migrate()
    await store.prepare(zone=PARIS, wanted=office())
    assert await store.slots_left() == PLACES
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_six_hundred_racers_get_one_hundred_places_although_servers_are_killed(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    url = f"sqlite:///{tmp_path / 'race.sqlite3'}" if server is None else server.make("race")
    await fill(url)
    with running(url, tmp_path / "log") as backend:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as web:
            race = Race(backend.port)
            tasks = [race.run(web), kill_the_backend(race, backend)]
            if server is not None:
                tasks.append(kill_the_database(race, server))
            await asyncio.gather(*tasks)
    assert race.failures > 0, "nobody noticed that a server was killed"
    await assert_exactly_one_place_each(url, race)
    assert "Traceback" not in (tmp_path / "log").read_text()
