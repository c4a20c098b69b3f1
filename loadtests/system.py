"""A whole system of one's own to run against: the demo without its crowd, on free ports, while a block lasts."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecluse.ports import free_ports
from ecluse.process import bound_command

_START_SECONDS = 90.0
_STOP_SECONDS = 20.0


class SystemFailed(Exception):
    """The system did not come up; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Where it is."""

    url: str
    room: str


@contextmanager
def running_system(directory: Path) -> Iterator[System]:
    """Gateway, worker, booking backend and an embedded Valkey. Raises SystemFailed.

    Its output goes to a file in `directory`; it does not outlive this process.
    """
    (port,) = free_ports(1)
    info = directory / "info.json"
    argv = (sys.executable, "-m", "ecluse", "demo", "--port", str(port), "--crowd", "0", "--info", str(info))
    with running_program("system", argv, directory, ready=info.exists):
        told = json.loads(info.read_text(encoding="utf-8"))
        yield System(url=f"http://127.0.0.1:{port}", room=told["room"])


@contextmanager
def running_program(
    name: str,
    argv: tuple[str, ...],
    directory: Path,
    *,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """A program from the moment when `ready` holds; its process id. Raises SystemFailed with its last words."""
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        program = subprocess.Popen(  # noqa: S603
            bound_command(argv), stdout=output, stderr=output, start_new_session=True, env={**os.environ, **(env or {})}
        )
    try:
        give_up_at = time.monotonic() + _START_SECONDS
        while not ready():
            if program.poll() is not None or time.monotonic() > give_up_at:
                raise SystemFailed(f"{name} did not start: {_last_words(log)}")
            time.sleep(0.1)
        yield program.pid
    finally:
        program.terminate()
        try:
            program.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def _last_words(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
