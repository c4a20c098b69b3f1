"""The whole edge in this process: gateways on loopback, an origin that records, real Redis; time is the test's."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ecluse.clock import ManualClock
from ecluse.passwords import PasswordHash
from ecluse.services import room_of
from ecluse.services.ticks import RoomTicks
from ecluse.settings import Secrets, Settings, parse
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.telemetry import Metrics
from gateway.app import Edge, served
from gateway.asgi import App
from tests.gateway.rig import Answerer, Origin, Serve, StartOrigin, read_body
from tests.gateway.visitor import HOST, Visitor

SIGNING_KEY = "a signing key for the tests of the edge"
ORIGIN_KEY = "an origin key for the tests of the edge"
PERSON_KEY = "a person key for the tests of the edge"
OPERATOR_KEY = "operator key of the tests, long"
VIEWER_KEY = "viewer key of the tests, long too"
ADMIN_KEY = "admin key of the tests, long as well"
SALLE = {
    "id": "salle", "title": {"fr": "Titre de séjour", "en": "Residence permit"}, "origin_key": "env:ORIGIN",
    "pace_per_minute": 6, "burst": 1, "claim_seconds": 60, "session_seconds": 100, "session_max_seconds": 150,
}  # fmt: skip


def aide_key(name: str) -> str:
    """The key of the helper with this name."""
    return f"the helper key of {name}, é"


async def answer_by_path(
    origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes
) -> None:
    """An origin that ends the visit at /done and tells its slots at /slots/n; else says ok."""
    origin.bodies.append(await read_body(reader, head))
    path = head.split(b" ", 2)[1]
    extra = b""
    if path.startswith(b"/done"):
        extra = b"Ecluse-Command: end-session\r\n"
    elif path.startswith(b"/slots/"):
        extra = b"Ecluse-Slots-Left: " + path.removeprefix(b"/slots/") + b"\r\n"
    writer.write(b"HTTP/1.1 200 OK\r\n" + extra + b"Content-Length: 2\r\n\r\nok")


@cache
def password_of(name: str) -> str:
    """The hash of the password of the operator with this name, which is `the password of <name>, é`."""
    return str(PasswordHash.of(f"the password of {name}, é"))


def configured(redis_url: str, rooms: list[dict[str, Any]], **settings: Any) -> tuple[Settings, Secrets]:
    """A configuration, its secrets given rather than read."""
    table = {
        "redis_url": redis_url, "public_url": f"http://{HOST}", "signing_keys": ["env:SIGNING"], "room": rooms,
        "operator": [
            {"name": "astreinte", "role": "operator", "key": "env:OPERATOR"},
            {"name": "regard", "role": "viewer", "key": "env:VIEWER"},
            {"name": "chef", "role": "admin", "key": "env:ADMIN"},
        ],
    }  # fmt: skip
    parsed = parse(table | settings)
    keys = {"astreinte": OPERATOR_KEY, "regard": VIEWER_KEY, "chef": ADMIN_KEY}
    secrets = Secrets(
        signing_keys=[SIGNING_KEY],
        origin_keys={room.id: ORIGIN_KEY for room in parsed.room},
        operator_keys=[(who, keys[who.name]) for who in parsed.operator if who.key],
        operator_passwords=[(who, password_of(who.name)) for who in parsed.operator if who.password],
        aide_keys=[(who, aide_key(who.name)) for who in parsed.helper],
        person_keys={room.id: PERSON_KEY for room in parsed.room if room.person is not None},
    )
    return parsed, secrets


@dataclass
class Whole:
    """Gateways that share one Redis and one origin, with a clock that only the test moves."""

    settings: Settings
    secrets: Secrets
    origin: Origin
    serve: Serve
    store: Store
    stack: AsyncExitStack
    clock: ManualClock = field(default_factory=lambda: ManualClock(time.time()))
    edges: list[Edge] = field(default_factory=list)
    apps: list[App] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    ticks: dict[str, RoomTicks] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)

    async def start(self, gateways: int) -> None:
        for config in self.settings.room:
            line = self.lines[config.id] = Line(
                self.store, room_of(config), keep_ms=self.settings.ticket_hours * 3_600_000
            )
            self.ticks[config.id] = RoomTicks(line)
        for _ in range(gateways):
            edge = Edge(self.settings, self.secrets, metrics=Metrics(), clock=self.clock)
            self.edges.append(edge)
            self.apps.append(served(edge))
            self.advance(0)
            self.stack.push_async_callback(edge.close)
            await edge.open()
            self.ports.append(await self.serve(self.apps[-1]))

    def advance(self, seconds: float) -> None:
        """Move the clock of the gateways and of every line."""
        self.clock.advance(seconds)
        for line in self.lines.values():
            line.now_ms = self.clock() * 1000
        for edge in self.edges:
            for room in edge.directory.by_id.values():
                room.visits._line.now_ms = self.clock() * 1000
                if room.visits.people is not None:
                    room.visits.people.tries.now_ms = self.clock() * 1000

    async def refresh(self) -> None:
        """Every gateway fetches the boards now."""
        await asyncio.gather(*(edge._refresh() for edge in self.edges))

    async def turn(self, seconds: float = 0.25, room: str = "salle") -> Any:
        """Time passes, then a worker takes a turn and the gateways see its board."""
        self.advance(seconds)
        report = await self.ticks[room].turn()
        await self.refresh()
        return report

    async def turns(self, seconds: float, room: str = "salle") -> None:
        """Turns of one second each, for so long."""
        for _ in range(int(seconds)):
            await self.turn(1.0, room)

    def visitor(self, gateway: int = 0, **options: Any) -> Visitor:
        return Visitor(self.ports[gateway], **options)

    def program(self, gateway: int = 0) -> Visitor:
        return self.visitor(gateway, accept="application/json")

    async def occupied(self) -> Visitor:
        """Somebody goes in first, so that the pace is spent and everybody else waits."""
        first = self.visitor()
        answer = await first.get("/")
        assert answer.body == b"ok", answer
        return first

    async def waiting(self) -> Visitor:
        """A new visitor with a place."""
        visitor = self.visitor()
        assert (await visitor.join()).status == 201
        return visitor

    async def called(self, visitor: Visitor) -> Visitor:
        """The same once called and the pace allows a claim."""
        for _ in range(40):
            if await visitor.state() == "called":
                self.advance(10)
                return visitor
            await self.turn(1.0)
        raise AssertionError(f"never called: {await visitor.state()}")

    async def admitted(self) -> Visitor:
        """A new visitor who waited and went in."""
        visitor = await self.called(await self.waiting())
        assert (await visitor.claim()).status == 200
        return visitor

    async def count(self, name: str) -> int:
        """A counter of the room's state."""
        found = await self.store.command("HGET", self.lines["salle"].keys.step[0], name)
        return int(float(found or 0))

    async def everything(self) -> dict[str, Any]:
        """All members of the line, in order, and all called and admitted."""
        keys = self.lines["salle"].keys.step
        names = {"called": keys[2], "admitted": keys[3], "missed": keys[4], "line": keys[-1]}
        return {name: await self.store.command("ZRANGE", key, 0, -1) for name, key in names.items()}


class OpenWhole:
    """Builds the edge of a test: `await open_whole(gateways=2, pace_per_minute=60)`."""

    def __init__(self, redis_url: str, start_origin: StartOrigin, serve: Serve, stack: AsyncExitStack) -> None:
        self._redis_url, self._start_origin, self._serve, self._stack = redis_url, start_origin, serve, stack

    async def __call__(
        self,
        *,
        gateways: int = 1,
        rooms: list[dict[str, Any]] | None = None,
        settings: dict[str, Any] | None = None,
        answerer: Answerer = answer_by_path,
        **room: Any,
    ) -> Whole:
        origin = await self._start_origin(answerer)
        configs = [SALLE | {"origin": origin.url} | room | each for each in rooms or [{}]]
        parsed, secrets = configured(self._redis_url, configs, **settings or {})
        store = Store.at(self._redis_url)
        self._stack.push_async_callback(store.close)
        whole = Whole(parsed, secrets, origin, self._serve, store, self._stack)
        await whole.start(gateways)
        return whole


async def eventually(holds: Any, seconds: float = 1.0) -> float:
    """How many seconds it took until `holds()` (a coroutine function) was true; fails after `seconds`."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not await holds():
        assert loop.time() - started < seconds, "not in time"
        await asyncio.sleep(0.02)
    return loop.time() - started
