"""What the headline experiment runs against: a fragile origin, alone or with Écluse in front of it, fresh each time."""

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from ecluse.ports import accepts, free_ports
from loadtests.signing import origin_pass
from loadtests.system import running_program

ROOM = "prefecture"
VISIT_REQUESTS = 3
"""What one booking asks of the origin: the services, the slots, the booking."""
ROBOT_REQUESTS_PER_MINUTE = 10
"""What one visit may ask where robots come: a person asks three to six times in all."""
_HOLDERS = 3
"""Clients that ask without a pause: enough to keep the module busy, too few to hurt it."""
_CONFIGURATION = """\
redis_url = "embedded://"
public_url = "http://127.0.0.1:{port}"
signing_keys = ["env:ECLUSE_PROVE_KEY"]
port = {port}
workers = {workers}
metrics_port = 0
state_dir = "{state}"
[[room]]
id = "{room}"
paths = ["/"]
origin = "http://127.0.0.1:{origin_port}"
origin_key = "env:ECLUSE_ORIGIN_KEY"
pace_per_minute = {pace}
burst = 2
capacity = {capacity}
session_seconds = 300
visit_requests_per_minute = {visit_requests}
claim_seconds = 60
[[operator]]
name = "prove"
role = "admin"
key = "env:ECLUSE_PROVE_OPERATOR"
"""


class Stage:
    """Keys, folders and the origin's command: `{port}`, `{database}` and `{room}` in it are filled in.

    The origin has a core to itself, as it has a machine to itself in life: the crowd and the gate share the others, so
    that what they cost is not taken from what is measured. With a single core, or where cores cannot be chosen, all
    share.
    """

    def __init__(self, folder: Path, origin_command: Sequence[str]) -> None:
        self._folder = folder
        self._command = origin_command
        self._count = 0
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._origin_cores: Sequence[int] = cores[-1:] if len(cores) > 1 else ()
        self._other_cores: Sequence[int] = cores[:-1]
        self.key = secrets.token_urlsafe(32)
        self._env = {
            "ECLUSE_ORIGIN_KEY": self.key, "ECLUSE_PROVE_KEY": secrets.token_urlsafe(32),
            "ECLUSE_PROVE_OPERATOR": secrets.token_urlsafe(32), "ECLUSE_LOG": "json",
        }  # fmt: skip

    def fresh_folder(self) -> Path:
        """A folder of its own for each phase."""
        self._count += 1
        folder = self._folder / f"phase-{self._count}"
        folder.mkdir()
        return folder

    @contextmanager
    def origin(self, folder: Path) -> Iterator[int]:
        """The fragile module with nothing booked; its port."""
        (port,) = free_ports(1)
        words = {"port": str(port), "database": str(folder / "booking.sqlite3"), "room": ROOM}
        argv = (sys.executable, *(part.format(**words) for part in self._command))
        _use(self._origin_cores)  # a program that is started inherits them
        try:
            with running_program("origin", argv, folder, ready=lambda: accepts(port), env=self._env):
                _use(self._other_cores)
                yield port
        finally:
            _use(self._other_cores)

    @contextmanager
    def gate(self, folder: Path, origin_port: int, pace: float, *, robots: bool) -> Iterator[tuple[str, Path]]:
        """Écluse in front of it: its address, and the file with its process ids.

        Where `robots` come, a visit may ask only so often: by one process, since each counts for itself.
        """
        (port,) = free_ports(1)
        config, info = folder / "ecluse.toml", folder / "info.json"
        capacity = max(10, round(pace))
        config.write_text(
            _CONFIGURATION.format(
                port=port, state=folder / "state", room=ROOM, origin_port=origin_port, pace=round(pace, 2),
                capacity=capacity, workers=1 if robots else 2,
                visit_requests=ROBOT_REQUESTS_PER_MINUTE if robots else 0,
            ),
            encoding="utf-8",
        )  # fmt: skip
        argv = (sys.executable, "-m", "ecluse", "up", "--config", str(config), "--info", str(info))
        with running_program("ecluse", argv, folder, ready=info.exists, env=self._env):
            yield f"http://127.0.0.1:{port}", info

    def visits_per_minute(self, port: int, seconds: float) -> float:
        """What the module bears: the visits a minute that a few clients get out of it who never pause."""
        answers = asyncio.run(_hold(port, self.key.encode(), seconds))
        return answers * 60 / seconds / VISIT_REQUESTS


def _use(cores: Sequence[int]) -> None:
    """From now on this process, and what it starts, runs on these cores; on any if none are named."""
    if cores:
        os.sched_setaffinity(0, cores)


async def _hold(port: int, key: bytes, seconds: float) -> int:
    stop_at, answered = time.monotonic() + seconds, 0

    async def one() -> None:
        nonlocal answered
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < stop_at:
                headers = {"Ecluse-Pass": origin_pass(ROOM, "AAAAAAAAAAA", key)}
                async with session.get(f"http://127.0.0.1:{port}/api/services", headers=headers) as response:
                    await response.read()
                    answered += response.status == 200

    await asyncio.gather(*(one() for _ in range(_HOLDERS)))
    return answered


def kill_gateway(info: Path) -> None:
    """Kill the gateway process without warning; its supervisor starts another."""
    pids: dict[str, int] = json.loads(info.read_text(encoding="utf-8"))["pids"]
    os.kill(pids["gateway-0"], signal.SIGKILL)
