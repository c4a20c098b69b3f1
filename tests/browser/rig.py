"""A real machine for the browser: `ecluse up` with a private configuration, and the booking backend behind it.

Each test has a room of its own, told apart by host name (Chromium sends every *.localhost to this machine). A room
starts in mode `queueing` at a pace of one admission in ten minutes: who takes it leaves the others waiting, and tests
raise the pace when they want more.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from ecluse.ports import accepts, free_ports
from tests.ecluse.cli.commands import KEYS, clean_environment
from tests.ecluse.small_programs import wait_until

BOOKABLE = "prefecture"
"""The room with the booking backend behind it."""
NOMINATIVE = "personnes"
"""The room that asks for a number and a lane."""
_CALM, _BRIEF = 48, 4
_BRIEF_SECONDS = 5
_NO_PROXY = build_opener(ProxyHandler({}))

_HEAD = """
redis_url = "embedded://"
signing_keys = ["env:ECLUSE_TEST_KEY"]
metrics_port = 0
workers = 1
state_dir = {state!r}

[[operator]]
name = "astreinte"
role = "operator"
key = "env:ECLUSE_TEST_OPERATOR"
password = "env:ECLUSE_TEST_PASSWORD"

[[helper]]
name = "Mairie de Sarcelles"
key = "env:ECLUSE_TEST_HELPER"
rooms = ["{helped}"]
quota = 3
"""
HELPED = "helped"
"""The room in which a helper takes places; shared."""
_ROOM = """
[[room]]
id = "{id}"
title = {{ fr = "Renouvellement de titre de séjour", en = "Residence permit renewal" }}
hosts = ["{id}.localhost"]
open_paths = ["/static/"]
origin = "http://127.0.0.1:{origin_port}"
origin_key = "env:ECLUSE_TEST_ORIGIN"
pace_per_minute = 0.1
burst = 1
mode = "queueing"
claim_seconds = {claim_seconds}
"""
_ASKING = """
[room.person]
kind = "residence_permit"
key = "env:ECLUSE_TEST_KEY"

[[room.lane]]
id = "renewal"
title = {{ fr = "Renouvellement", en = "Renewal" }}
help = {{ fr = "Vous avez déjà un titre de séjour.", en = "You already have a residence permit." }}

[[room.lane]]
id = "first"
title = {{ fr = "Première demande", en = "First application" }}
"""


def ask(url: str, method: str = "GET", body: object = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of one request, as a program sends it."""
    content = None if body is None else json.dumps(body).encode()
    sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
    try:
        with _NO_PROXY.open(Request(url, content, sent, method=method), timeout=10) as answer:
            text = answer.read()
            return int(answer.status), json.loads(text) if text else None
    except HTTPError as error:
        with error:
            return int(error.code), json.loads(error.read() or b"null")


class Someone:
    """Somebody else in the line."""

    def __init__(self, room: "Room") -> None:
        self._url = f"{room.base}/_ecluse/rooms/{room.id}"
        self._host = room.host
        status, joined = ask(f"{self._url}/tickets", "POST", Host=self._host)
        assert status == 201, joined
        self._ticket: str = joined["ticket"]

    def state(self) -> str:
        """The state of their ticket."""
        status, told = ask(f"{self._url}/ticket", Host=self._host, Authorization=f"Bearer {self._ticket}")
        assert status == 200, told
        return str(told["state"])

    def enter(self) -> None:
        """Go in as soon as called."""
        wait_until(lambda: self.state() == "called")
        status, told = ask(f"{self._url}/claim", "POST", Host=self._host, Authorization=f"Bearer {self._ticket}")
        assert status == 200, told

    def leave(self) -> None:
        """Give the place up."""
        status, _ = ask(f"{self._url}/ticket", "DELETE", Host=self._host, Authorization=f"Bearer {self._ticket}")
        assert status == 204


class Room:
    """One room: where visitors come, and what its operator does."""

    def __init__(self, machine: "Machine", room: str) -> None:
        self.id = room
        self.base = machine.base
        self.host = f"{room}.localhost:{machine.port}"
        self.url = f"http://{self.host}/"
        self.page = f"{self.url}_ecluse/rooms/{room}"

    def set(self, **fields: object) -> None:
        """Change live settings."""
        url = f"{self.base}/_ecluse/api/v1/rooms/{self.id}"
        status, told = ask(url, "PATCH", fields, Authorization=f"Bearer {KEYS['ECLUSE_TEST_OPERATOR']}")
        assert status == 200, told

    def end_visit(self, ticket: str) -> None:
        """The operator ends the visit of a ticket."""
        url = f"{self.base}/_ecluse/api/v1/rooms/{self.id}/sessions/{ticket}"
        status, told = ask(url, "DELETE", Authorization=f"Bearer {KEYS['ECLUSE_TEST_OPERATOR']}")
        assert status == 204, told

    def board(self) -> dict[str, Any]:
        """What the board says."""
        status, board = ask(f"{self.base}/_ecluse/rooms/{self.id}/board.json")
        assert status == 200, board
        assert isinstance(board, dict)
        return board

    def busy(self) -> None:
        """Somebody takes the only admission there is for ten minutes: whoever comes now waits."""
        Someone(self).enter()


class Machine:
    """Everything, running."""

    def __init__(self, directory: Path) -> None:
        self._log = (directory / "log").open("w+")
        self._children: list[subprocess.Popen[bytes]] = []
        self._calm = [f"calm-{number}" for number in range(_CALM)]
        self._brief = [f"brief-{number}" for number in range(_BRIEF)]
        (origin_port,) = free_ports(1)
        config, info = directory / "ecluse.toml", directory / "info.json"
        config.write_text(self._configuration(directory / "state", origin_port), encoding="utf-8")
        self._start(
            "booking_backend", "--port", str(origin_port), "--database", str(directory / "booking.sqlite3"),
            "--room", BOOKABLE, "--key", "env:ECLUSE_TEST_ORIGIN",
        )  # fmt: skip
        self._start("ecluse", "up", "--config", str(config), "--port", "0", "--info", str(info))
        try:
            wait_until(lambda: info.exists() or self._ended(), 60)
            assert info.exists(), self.said()
            self.base = json.loads(info.read_text())["visitor_url"].rstrip("/")
            self.port = int(self.base.rpartition(":")[2])
            wait_until(lambda: self._ended() or accepts(origin_port))
            assert not self._ended(), self.said()
        except BaseException:
            self.close()
            raise

    def _configuration(self, state: Path, origin_port: int) -> str:
        rooms = [(BOOKABLE, 120), (HELPED, 120), *((room, 120) for room in self._calm)]
        rooms += [(room, _BRIEF_SECONDS) for room in self._brief]
        asking = _ROOM + _ASKING
        return _HEAD.format(state=str(state), helped=HELPED) + "".join(
            text.format(id=room, origin_port=origin_port, claim_seconds=seconds)
            for text, room, seconds in [*((_ROOM, *each) for each in rooms), (asking, NOMINATIVE, 120)]
        )

    def _start(self, *arguments: str) -> None:
        child = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=self._log, stderr=self._log, start_new_session=True,
            env=clean_environment(KEYS),
        )  # fmt: skip
        self._children.append(child)

    def _ended(self) -> bool:
        return any(child.poll() is not None for child in self._children)

    def said(self) -> str:
        """What the processes wrote."""
        self._log.seek(0)
        return self._log.read()

    def room(self, *, brief: bool = False) -> Room:
        """A room nobody used yet; a `brief` one gives a called visitor five seconds only."""
        left = self._brief if brief else self._calm
        assert left, "no room left for this test: configure more"
        return Room(self, left.pop())

    def close(self) -> None:
        """Stop everything."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(15)
            if child.poll() is None:
                child.kill()
                child.wait()
        self._log.close()


def running_machine(directory: Path) -> Iterator[Machine]:
    """A machine for as long as it is needed."""
    machine = Machine(directory)
    try:
        yield machine
    finally:
        machine.close()
