"""All of Écluse on one machine: which children run, on which ports, and what is told about them."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

from ecluse.embedded import find_server, server_command
from ecluse.ports import free_ports, listening_socket
from ecluse.probes import HttpProbe, Probe, TcpProbe
from ecluse.settings import Settings
from ecluse.state_dir import write_whole
from ecluse.supervisor import Child

_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


class Both:
    """Ready when two probes hold at once."""

    def __init__(self, first: Probe, second: Probe) -> None:
        self._first = first
        self._second = second

    async def holds(self) -> bool:
        """Whether both do."""
        return await self._first.holds() and await self._second.holds()


class Machine:
    """The children of one configuration. Making it opens the listening socket, so a taken port shows at once.

    Raises PortUnavailable, or NoServer where `redis_url` is embedded and there is no server to embed.
    `state` is where an embedded server keeps its files; None: this machine part does not embed one.
    """

    quiet_server = False
    """Whether the embedded server's own advice to administrators is left out."""

    def __init__(
        self, config: Path, settings: Settings, *, port: int | None, workers: int | None, state: Path | None
    ) -> None:
        self.settings = settings
        self._config = config
        self._state = state
        wanted = settings.port if port is None else port
        self._listening: socket = listening_socket(settings.host, wanted)
        self.port = int(self._listening.getsockname()[1])
        self._workers = workers or settings.workers
        self._metrics_ports = _metrics_ports(settings.metrics_port, self._workers + 1)
        self.redis_url = settings.redis_url
        self._embedded_port: int | None = None
        if self.redis_url.startswith("embedded:") and state is not None:
            self._server = find_server()
            (self._embedded_port,) = free_ports(1)
            self.redis_url = f"redis://127.0.0.1:{self._embedded_port}/0"
        self.url = settings.public_url if "public_url" in settings.model_fields_set else self._own_url()
        self._env = {
            "ECLUSE_REDIS_URL": self.redis_url,
            "ECLUSE_PUBLIC_URL": self.url,
            "ECLUSE_PORT": str(self.port),
            **child_environment(),
        }

    def _own_url(self) -> str:
        host = self._host()
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def _host(self) -> str:
        return _ANY_HOST.get(self.settings.host, self.settings.host)

    def close(self) -> None:
        """Close the listening socket."""
        self._listening.close()

    def stages(self, *, beside: Sequence[Child] = (), after: Sequence[Child] = ()) -> list[list[Child]]:
        """All children: the embedded server, then worker, gateways and `beside` them, then those `after`."""
        server = [self._valkey()] if self._embedded_port is not None else []
        return [server, [self._worker(), *beside, *self.gateways()], list(after)]

    def _valkey(self) -> Child:
        assert self._state is not None
        assert self._embedded_port is not None
        directory = self._state / "valkey"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Child(
            name="valkey",
            argv=server_command(self._server, port=self._embedded_port, directory=directory, persist=True),
            ready=TcpProbe(port=self._embedded_port),
            stops_last=True,
            quiet=self.quiet_server,
        )

    def _worker(self) -> Child:
        port = self._metrics_ports[-1]
        return Child(
            name="worker",
            argv=module("queue_worker", "--config", str(self._config), "--metrics-port", str(port)),
            env=self._env,
            ready=TcpProbe(port=port),
            reloads=True,
        )

    def gateways(self) -> list[Child]:
        """The gateway processes, which share one listening socket."""
        fd = self._listening.fileno()
        # The socket listens before anybody serves it; each process shows that it is up by its own metrics port.
        serving = HttpProbe(
            host=self._host(), port=self.port, path="/_ecluse/readyz", host_header=urlsplit(self.url).netloc
        )
        return [
            Child(
                name=f"gateway-{index}",
                argv=module(
                    "gateway", "--config", str(self._config), "--fd", str(fd), "--index", str(index),
                    "--metrics-port", str(port),
                ),
                env=self._env,
                fds=(fd,),
                ready=Both(TcpProbe(port=port), serving),
                reloads=True,
            )
            for index, port in enumerate(self._metrics_ports[: self._workers])
        ]  # fmt: skip

    @property
    def metrics_urls(self) -> list[str]:
        """Where the metrics of each process are."""
        return [f"http://127.0.0.1:{port}/metrics" for port in self._metrics_ports]

    @property
    def console_url(self) -> str:
        """Where operators look."""
        return f"{self.url}/_ecluse/console/"

    def write_info(self, path: Path, pids: Mapping[str, int], *, operator_key: str | None = None) -> None:
        """Write what a test or tool wants to know; a real key is never written."""
        room = self.settings.room[0]
        told = {
            "visitor_url": self.url + room.paths[0],
            "console_url": self.console_url,
            "operator_key": operator_key,
            "origin_url": room.origin,
            "redis_url": self.redis_url,
            "metrics_urls": self.metrics_urls,
            "room": room.id,
            "pids": {"supervisor": os.getpid(), **pids},
        }
        write_whole(path, json.dumps(told, indent=2) + "\n")


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line of one of our programs, under this interpreter."""
    return (sys.executable, "-m", name, *arguments)


def child_environment() -> dict[str, str]:
    """Makes children speak at once, and in colour if a person reads."""
    readable = sys.stderr.isatty() and "ECLUSE_LOG" not in os.environ
    return {"PYTHONUNBUFFERED": "1", **({"ECLUSE_LOG": "console"} if readable else {})}


def _metrics_ports(first: int, count: int) -> list[int]:
    if first == 0:
        return free_ports(count)
    ports = list(range(first, first + count))
    for port in ports:
        listening_socket("127.0.0.1", port, advice="set another metrics_port (0 chooses free ones)").close()
    return ports
