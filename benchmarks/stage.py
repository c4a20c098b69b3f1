"""The processes a benchmark needs, each alone on a free port, ended by their own id."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ecluse.embedded import find_server, server_command
from ecluse.ports import free_ports
from ecluse.tokens import SigningKey, Ticket, TicketSigner, new_id

KEY = "benchmark-signing-key-0123456789abcdef"
ORIGIN_KEY = "benchmark-origin-key-0123456789abcdef"
OPERATOR_KEY = "benchmark-operator-key-0123456789"
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Stage:
    """Starts processes and ends them all when the block is left."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        self._folder = tempfile.TemporaryDirectory(prefix="ecluse-bench-")
        self.folder = Path(self._folder.name)
        self.redis_port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for child in reversed(self._children):
            child.terminate()
        for child in self._children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._folder.cleanup()

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> int:
        """Start a process; its id."""
        with (self.folder / f"{len(self._children)}.log").open("wb") as output:
            child = subprocess.Popen(argv, env={**os.environ, **(env or {})}, stdout=output, stderr=subprocess.STDOUT)
        self._children.append(child)
        return child.pid

    def python(self, *argv: str) -> int:
        """Start a Python module; its id."""
        secrets = {
            "BENCH_KEY": KEY, "BENCH_ORIGIN": ORIGIN_KEY, "BENCH_OPERATOR": OPERATOR_KEY, "ECLUSE_LOG": "json",
            "ECLUSE_ORIGIN_KEY": ORIGIN_KEY,
        }  # fmt: skip
        return self.start(sys.executable, "-m", *argv, env=secrets)

    async def redis(self) -> int:
        """Start a private server; its id."""
        self.redis_port = free_ports(1)[0]
        data = self.folder / "redis"
        data.mkdir()
        pid = self.start(*server_command(find_server(), port=self.redis_port, directory=data, persist=False))
        await answers(self.redis_port)
        return pid

    async def gateway(self, config: Path, port: int) -> int:
        """Start one gateway process; its id."""
        pid = self.python("gateway", "--config", str(config), "--port", str(port))
        await answers(port)
        return pid

    def config(self, name: str, origin_port: int, port: int, **room: object) -> Path:
        """Write a configuration of one room called `room` in a database of its own on the private server."""
        values = {"pace_per_minute": 100_000, "burst": 10_000, "claim_seconds": 3600, "session_seconds": 3600, **room}
        lines = "\n".join(f"{key} = {value}" for key, value in values.items())
        path = self.folder / f"{name}.toml"
        path.write_text(
            f'redis_url = "redis://127.0.0.1:{self.redis_port}/0"\npublic_url = "http://127.0.0.1:{port}"\n'
            f'signing_keys = ["env:BENCH_KEY"]\nport = {port}\n'
            f'[[room]]\nid = "{name}"\norigin = "http://127.0.0.1:{origin_port}"\norigin_key = "env:BENCH_ORIGIN"\n'
            f'{lines}\n[[operator]]\nname = "bench"\nrole = "admin"\nkey = "env:BENCH_OPERATOR"\n',
            encoding="utf-8",
        )
        return path


async def answers(port: int, seconds: float = 90.0) -> None:
    """Wait until somebody listens on `port`. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


def a_ticket(room: str, number: int, epoch: str) -> tuple[str, str]:
    """A signed ticket and its id, as the gateway of this stage would give it."""
    signer = TicketSigner([SigningKey.from_secret(KEY)])
    ticket = Ticket(room=room, lane="main", id=new_id(), number=number, epoch=epoch, issued_at=int(time.time()))
    return signer.sign(ticket), ticket.id
