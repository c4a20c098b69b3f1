"""Real processes to break: a Redis that can go and come back, workers, gateways; an origin that records."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ecluse.embedded import find_server, server_command
from ecluse.ports import accepts, free_ports
from ecluse.process import bound_command
from tests.ecluse.small_programs import until
from tests.gateway.conftest import stack, start_origin
from tests.gateway.rig import Origin, StartOrigin
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import answer_by_path

__all__ = ["stack", "start_origin"]
SECRETS = {
    "SIGNING": "a signing key for the tests of faults", "ORIGIN": "an origin key for the tests of faults",
    "OPERATOR": "an operator key for the tests of faults",
}  # fmt: skip


class Broken:
    """The processes of one installation, each of which a test may end and start."""

    def __init__(self, directory: Path, origin: Origin, rooms: dict[str, Any]) -> None:
        self.directory, self.origin = directory, origin
        self.redis_port, *self.ports = free_ports(3)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.config = directory / "ecluse.toml"
        room = {
            "id": "salle", "origin": origin.url, "origin_key": "env:ORIGIN", "mode": "queueing", "capacity": 1,
            "pace_per_minute": 6000, "burst": 50, "claim_seconds": 120,
        }  # fmt: skip
        lines = [
            f'redis_url = "redis://127.0.0.1:{self.redis_port}/0"', 'public_url = "http://rdv.example.fr"',
            'signing_keys = ["env:SIGNING"]', "metrics_port = 0", "[[operator]]", 'name = "a"', 'role = "operator"',
            'key = "env:OPERATOR"', "[[room]]", *(f"{name} = {json.dumps(value)}" for name, value in (room | rooms).items()),
        ]  # fmt: skip
        self.config.write_text("\n".join(lines), encoding="utf-8")

    def _start(self, name: str, *command: str, secrets: Mapping[str, str] = SECRETS) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                bound_command(command), stdout=log, stderr=log, env={**os.environ, **secrets}, start_new_session=True
            )

    async def start_redis(self) -> None:
        command = server_command(find_server(), port=self.redis_port, directory=self.directory, persist=True)
        self._start("redis", *command)
        await until(lambda: accepts(self.redis_port))

    async def start_worker(self, name: str = "worker") -> None:
        # As deploy/systemd runs it: a worker is given no secret.
        self._start(name, sys.executable, "-m", "queue_worker", "--config", str(self.config), secrets={})

    async def start_gateway(self, index: int = 0) -> None:
        port = str(self.ports[index])
        self._start(f"gateway{index}", sys.executable, "-m", "gateway", "--config", str(self.config), "--port", port)
        await until(lambda: accepts(self.ports[index]))

    async def start(self) -> None:
        await asyncio.gather(self.start_redis(), self.start_worker(), self.start_gateway())

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """End one of our processes; its exit status."""
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(10)

    def end(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def log_of(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def visitor(self, gateway: int = 0, accept: str = "text/html") -> Visitor:
        return Visitor(self.ports[gateway], accept=accept)

    def program(self, gateway: int = 0) -> Visitor:
        return self.visitor(gateway, "application/json")

    async def waiting(self) -> Visitor:
        visitor = self.visitor()
        assert (await visitor.join()).status == 201
        return visitor

    async def reaches(self, visitor: Visitor, state: str, seconds: float = 10) -> Visitor:
        """Wait until the visitor's ticket is in `state`."""
        give_up_at = time.monotonic() + seconds
        while True:
            answer = await visitor.get(f"{ROOM}/ticket")
            if answer.status == 200 and answer.json()["state"] == state:
                return visitor
            assert time.monotonic() < give_up_at, (answer, self.log_of("worker")[-2000:])
            await asyncio.sleep(0.05)

    async def admitted(self) -> Visitor:
        visitor = await self.reaches(await self.waiting(), "called")
        assert (await visitor.claim()).status == 200
        return visitor

    async def board(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.program().get(f"{ROOM}/board.json")).json()
        return found

    async def board_says(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 15) -> None:
        give_up_at = time.monotonic() + seconds
        while not holds(found := await self.board()):
            assert time.monotonic() < give_up_at, found
            await asyncio.sleep(0.05)


OpenBroken = Callable[..., Awaitable[Broken]]


@pytest.fixture
def open_broken(tmp_path: Path, start_origin: StartOrigin) -> Iterator[OpenBroken]:
    opened: list[Broken] = []

    async def build(**room: Any) -> Broken:
        broken = Broken(tmp_path, await start_origin(answer_by_path), room)
        opened.append(broken)
        await broken.start()
        return broken

    yield build
    for broken in opened:
        broken.end()
