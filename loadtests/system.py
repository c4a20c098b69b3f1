"""A whole system of one's own to run against: the demo without its crowd, on free ports, while a block lasts."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
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
    with (directory / "system.log").open("ab") as output:
        system = subprocess.Popen(bound_command(argv), stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    try:
        give_up_at = time.monotonic() + _START_SECONDS
        while not info.exists():
            if system.poll() is not None or time.monotonic() > give_up_at:
                raise SystemFailed(_last_words(directory / "system.log"))
            time.sleep(0.1)
        told = json.loads(info.read_text(encoding="utf-8"))
        yield System(url=f"http://127.0.0.1:{port}", room=told["room"])
    finally:
        system.terminate()
        try:
            system.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            system.kill()
            system.wait()


def _last_words(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
