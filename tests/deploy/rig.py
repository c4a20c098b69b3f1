"""Real processes for the deployment tests: programs bound to this one, gateways with a worker and an origin, fronts.

Everything listens on 127.0.0.1, on free ports, and keeps its files in a private directory.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ecluse.ports import accepts, free_ports
from ecluse.process import bound_command

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HOST = "rdv.example.fr"
OPERATOR_KEY = "operator-key-of-the-deployment-tests"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

_CONFIGURATION = """\
redis_url = "{redis_url}"
public_url = "http://{host}"
trusted_proxies = ["127.0.0.1/32"]
signing_keys = ["env:ECLUSE_TEST_SIGNING"]
port = {gateway}

[[room]]
id = "guichet"
hosts = ["{host}"]
paths = ["/"]
open_paths = ["/open/"]
origin = "http://127.0.0.1:{origin}"
origin_key = "env:ECLUSE_TEST_ORIGIN"
pace_per_minute = 60000
burst = 5000

[[room]]
id = "attente"
hosts = ["{host}"]
paths = ["/attente/"]
origin = "http://127.0.0.1:{origin}"
origin_key = "env:ECLUSE_TEST_ORIGIN"
mode = "paused"

[[room]]
id = "absent"
hosts = ["{host}"]
paths = ["/absent/"]
open_paths = ["/absent/"]
origin = "http://127.0.0.1:{nobody}"
origin_key = "env:ECLUSE_TEST_ORIGIN"

[[operator]]
name = "essai"
role = "admin"
key = "env:ECLUSE_TEST_OPERATOR"
"""


def program(name: str) -> str | None:
    """Where a system program is; Debian keeps servers where only root's PATH looks."""
    return shutil.which(name, path=_SYSTEM_PATH)


def needed(name: str, *, in_ci: bool = True) -> str:
    """The program, or a loud skip; where changes are checked, a failure instead if it is installed there."""
    found = program(name)
    if found is not None:
        return found
    if in_ci and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed: nothing here was tested")


def wait_until(holds: Callable[[], bool], why: Callable[[], str]) -> None:
    """Returns once `holds`; fails with `why` after half a minute."""
    give_up_at = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > give_up_at:
            pytest.fail(why())
        time.sleep(0.02)


def status_of(port: int, path: str = "/_ecluse/readyz", host: str = HOST) -> int:
    """The status of a GET; 0 if nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


class Process:
    """A running program and what it wrote."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    def alive(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def ended(self) -> int:
        """Its status once it has ended by itself."""
        try:
            return self._process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on: {self.said()}")

    def stop(self) -> int:
        """Ask it to end, as systemd does, and give its status; whatever does not end is a failure."""
        if self.alive():
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"{self._process.args!r} did not end within {_STOP_SECONDS} s of SIGTERM: {self.said()}")

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until it is ready, or dead."""
        wait_until(lambda: holds() or not self.alive(), lambda: f"it never became ready: {self.said()}")
        if not self.alive():
            pytest.fail(f"it ended: {self.said()}")


@contextmanager
def running(
    argv: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    fds: Sequence[int] = (),
) -> Iterator[Process]:
    """A program for as long as the context lasts; it does not outlive this process either."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ECLUSE_")}
    with log.open("ab") as out:
        child = subprocess.Popen(
            bound_command(tuple(argv)), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, pass_fds=fds,
            env={**clean, "PATH": _SYSTEM_PATH, **(env or {})},
        )  # fmt: skip
    process = Process(child, log)
    try:
        yield process
    finally:
        process.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A gateway with everything behind it."""

    gateway: int
    origin: int


@contextmanager
def running_stack(directory: Path, redis_url: str) -> Iterator[Stack]:
    """Origin, worker and gateway over one Redis."""
    gateway, origin, nobody = free_ports(3)
    config = directory / "ecluse.toml"
    config.write_text(
        _CONFIGURATION.format(redis_url=redis_url, host=HOST, gateway=gateway, origin=origin, nobody=nobody)
    )
    env = {
        "ECLUSE_TEST_SIGNING": "signing-key-of-the-deployment-tests",
        "ECLUSE_TEST_ORIGIN": "origin-key-of-the-deployment-tests",
        "ECLUSE_TEST_OPERATOR": OPERATOR_KEY,
        "ECLUSE_LOG": "json",
    }
    serve = ("uvicorn", "tests.deploy.origin:app", "--no-access-log", "--port", str(origin))
    programs: dict[str, tuple[tuple[str, ...], Callable[[], bool]]] = {
        "origin": (serve, lambda: accepts(origin)),
        "worker": (("queue_worker", "--config", str(config)), lambda: True),
        "gateway": (("gateway", "--config", str(config)), lambda: status_of(gateway) == 200),
    }
    with ExitStack() as stack:
        for name, (arguments, ready) in programs.items():
            argv = (sys.executable, "-m", *arguments)
            stack.enter_context(running(argv, directory / f"{name}.log", env=env)).wait_for(ready)
        yield Stack(gateway=gateway, origin=origin)


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """`text` with each first string replaced by the second; one that is not there fails, so that no test drifts."""
    for old, new in pairs:
        assert old in text, f"{old!r} is not in the file any more"
        text = text.replace(old, new)
    return text
