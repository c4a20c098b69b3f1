"""systemd units read as plainly as systemd does, and their ExecStart run without it: as it would, but for namespaces.

Paths and ports are replaced by private ones; credentials are files in a directory that is the working directory; where
the kernel can (Linux 6.3), memory is never both writable and executable (PR_SET_MDWE), as the units demand.
"""

import os
import re
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

from tests.deploy.rig import DEPLOY, ROOT, Process, replaced, running

SYSTEMD = DEPLOY / "systemd"
Unit = dict[str, dict[str, list[str]]]

_LAUNCHER = """
import ctypes, os, sys
listening = int(sys.argv[1])
if listening >= 0:
    os.dup2(listening, 3)
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def read(name: str) -> Unit:
    """Section → key → values, in their order."""
    unit: Unit = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in (SYSTEMD / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            unit[section][key].append(value)
    return unit


class Machine:
    """A private machine root: /etc/ecluse with configuration and secrets, /var/lib, and the ports of the units."""

    def __init__(self, directory: Path, redis_url: str, ports: dict[int, int]) -> None:
        self._directory = directory
        self._ports = ports
        etc = directory / "etc"
        (etc / "secrets").mkdir(parents=True)
        (directory / "lib" / "ecluse-booking").mkdir(parents=True)
        for name in ("signing-1", "signing-2", "origin-sarcelles", "operator-astreinte"):
            (etc / "secrets" / name).write_text(f"the secret of these tests called {name}\n")
        (etc / "environment").write_text(f"ECLUSE_REDIS_URL={redis_url}\n")
        configuration = (SYSTEMD / "ecluse.toml").read_text(encoding="utf-8")
        (etc / "ecluse.toml").write_text(
            replaced(
                configuration,
                ("port = 8000", f"port = {ports[8000]}"),
                ("metrics_port = 9100", "metrics_port = 0"),
                ("http://127.0.0.1:9000", f"http://127.0.0.1:{ports[9000]}"),
                ("/var/lib/ecluse", f"{directory}/lib/ecluse"),
            )
        )

    def _private(self, text: str) -> str:
        text = re.sub(r"\b\d{4}\b", lambda port: str(self._ports.get(int(port[0]), port[0])), text)
        for theirs, ours in (
            ("/opt/ecluse/bin/python", sys.executable),
            ("/etc/ecluse", f"{self._directory}/etc"),
            ("/var/lib", f"{self._directory}/lib"),
        ):
            text = text.replace(theirs, ours)
        return text

    @contextmanager
    def service(self, name: str, *, instance: str = "", listening: socket | None = None) -> Iterator[Process]:
        """The ExecStart of a unit for as long as the context lasts, with its environment and credentials."""
        service = read(name)["Service"]
        credentials = self._directory / "credentials" / f"{name}{instance}"
        credentials.mkdir(parents=True)
        for credential in service["LoadCredential"]:
            ident, _, source = credential.partition(":")
            shutil.copy(self._private(source), credentials / ident)
        # The checkout stands in for what is installed in /opt/ecluse.
        env = {"PYTHONPATH": str(ROOT), **dict(pair.split("=", 1) for pair in service["Environment"])}
        for file in service["EnvironmentFile"]:
            lines = Path(self._private(file.removeprefix("-"))).read_text().splitlines()
            env |= dict(line.split("=", 1) for line in lines)
        (command,) = service["ExecStart"]
        argv = shlex.split(self._private(command.replace("%i", instance)))
        cwd = credentials if service["WorkingDirectory"] == ["%d"] else Path("/")
        fd = -1 if listening is None else listening.fileno()
        with running(
            (sys.executable, "-c", _LAUNCHER, str(fd), *argv),
            self._directory / f"{name}{instance}.log",
            env=env, cwd=cwd, fds=() if listening is None else (fd,),
        ) as process:  # fmt: skip
            yield process


def substituted(directory: Path) -> list[Path]:
    """The units with a program that exists here, in `directory`: systemd checks that it can be run."""
    copies = []
    for unit in sorted(SYSTEMD.glob("ecluse*.s*")):
        copy = directory / unit.name
        copy.write_text(unit.read_text().replace("/opt/ecluse/bin/python", os.path.realpath(sys.executable)))
        copies.append(copy)
    return copies
