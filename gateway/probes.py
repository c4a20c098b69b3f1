"""Whether this process is alive, and whether it can serve: for load balancers and supervisors."""

import json

from ecluse.clock import Clock
from ecluse.domain.errors import EcluseError
from ecluse.store.client import Store
from gateway.asgi import Receive, Scope, Send, respond
from gateway.directory import Directory

PROBES = (b"/_ecluse/healthz", b"/_ecluse/readyz")
"""Load balancers ask the address of a process, not the name that visitors type."""
CLOCK_SKEW_SECONDS = 30
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class Probes:
    """healthz and readyz."""

    def __init__(self, store: Store, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock

    async def healthz(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """This process answers."""
        await respond(send, 200, _HEADERS, b'{"status":"ok"}')

    async def readyz(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """The store answers and its clock agrees with ours, else 503 with what is wrong. Stale boards are only told."""
        checks: dict[str, object] = {}
        try:
            seconds, _ = await self._store.command("TIME")
            skew = abs(int(seconds) - self._clock())
            checks["store"] = "ok"
            checks["clock"] = "ok" if skew <= CLOCK_SKEW_SECONDS else f"{skew:.0f} s away from the store's"
        except EcluseError:
            checks["store"] = "cannot be reached"
        stale = [room.id for room in self._directory.by_id.values() if room.board.stale]
        checks["boards"] = "ok" if not stale else f"stale: {', '.join(stale)}"
        # A stale board means that no worker is there: visitors are still served, so this process stays in the pool.
        ready = checks["store"] == "ok" and checks["clock"] == "ok"
        body = json.dumps({"status": "ready" if ready else "not ready", "checks": checks}).encode()
        await respond(send, 200 if ready else 503, _HEADERS, body)
