"""The demo as a newcomer starts it: used over HTTP while its crowd keeps it busy, stopped, and killed."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest

from ecluse.ports import accepts, free_ports
from tests.ecluse.cli.commands import clean_environment
from tests.ecluse.small_programs import alive, descendants, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc"),
]
PAGE = "text/html"
PROGRAM = "application/json"


class Demo:
    """A demo in the background."""

    def __init__(self, directory: Path) -> None:
        (self.port,) = free_ports(1)
        info = directory / "info.json"
        self._log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ecluse", "demo", "--port", str(self.port), "--crowd", "25", "--info", str(info)],
            stdout=self._log, stderr=self._log, env=clean_environment({"TMPDIR": str(directory)}),
            start_new_session=True,
        )  # fmt: skip
        wait_until(lambda: info.exists() or self.process.poll() is not None, 60)
        assert info.exists(), self.said()
        self.info: dict[str, Any] = json.loads(info.read_text())

    def said(self) -> str:
        """What it printed."""
        self._log.seek(0)
        return self._log.read()

    def family(self) -> list[int]:
        """Every process of it."""
        return [self.process.pid, *descendants(self.process.pid)]

    def close(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self._log.close()


class Newcomer:
    """A visitor with cookies, who follows redirects as browsers do."""

    def __init__(self, demo: Demo) -> None:
        self._url = f"http://127.0.0.1:{demo.port}"
        self.cookies = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies))

    def ask(self, path: str, form: dict[str, str] | None = None, *, accept: str = PAGE) -> tuple[int, str]:
        """Status and text of a page or document."""
        sent = None if form is None else urlencode(form).encode()
        try:
            with self._opener.open(Request(self._url + path, sent, {"Accept": accept}), timeout=15) as answer:
                return int(answer.status), answer.read().decode()
        except HTTPError as error:
            with error:
                return int(error.code), error.read().decode()

    def document(self, path: str, form: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """The same for a program."""
        status, text = self.ask(path, form, accept=PROGRAM)
        return status, json.loads(text)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    running.close()


def found(pattern: str, page: str) -> str:
    """The first group of the pattern in a page."""
    match = re.search(pattern, page)
    assert match is not None, f"no {pattern} in {page[:2000]}"
    return match[1]


def enter(visitor: Newcomer, room: str) -> None:
    """From taking a place to holding a pass."""
    base = f"/_ecluse/rooms/{room}"
    status, joined = visitor.document(f"{base}/tickets", {})
    assert status == 201, joined
    assert joined["state"] in ("waiting", "called")
    wait_until(lambda: visitor.document(f"{base}/ticket")[1]["state"] == "called", 40)
    wait_until(lambda: visitor.document(f"{base}/claim", {})[0] == 200, 20)


def test_a_newcomer_takes_a_place_is_called_books_and_must_wait_again(demo: Demo) -> None:
    visitor, room = Newcomer(demo), demo.info["room"]
    assert demo.info["visitor_url"] == f"http://127.0.0.1:{demo.port}/"
    # The crowd arrives within seconds, and joins as this visitor does.
    board = f"/_ecluse/rooms/{room}/board.json"
    wait_until(lambda: visitor.document(board)[1]["phase"] == "open")
    enter(visitor, room)
    assert {cookie.name for cookie in visitor.cookies} == {f"ecluse_ticket_{room}", f"ecluse_pass_{room}"}
    status, services = visitor.ask("/")
    assert status == 200
    status, sites = visitor.ask(found(r'class="choice" href="(/services/\d+)"', services))
    assert status == 200
    status, month = visitor.ask(found(r'class="choice" href="(/services/\d+/sites/\d+)"', sites))
    assert status == 200
    status, day = visitor.ask(found(r'class="day" href="([^"]+)"', month))
    assert status == 200
    status, form = visitor.ask("/holds", {"slot": found(r'name="slot" value="(\d+)"', day)})
    assert status == 200
    details = {"name": "Aminata Diallo", "file_number": "75A1234567"}
    status, check = visitor.ask(found(r'action="(/holds/[\w-]+/details)"', form), details)
    assert status == 200
    status, confirmation = visitor.ask(found(r'action="(/holds/[\w-]+/confirm)"', check), {})
    assert status == 201
    assert re.search(r"RDV-\w{5}-\w{5}", confirmation)
    assert not list(visitor.cookies)
    status, refused = visitor.document("/holds", {"slot": "1"})
    assert status == 429
    assert refused["type"].endswith("form-not-sent")


def test_ctrl_c_ends_everything_within_five_seconds(demo: Demo) -> None:
    family = demo.family()
    assert set(demo.info["pids"].values()) <= set(family)
    assert {"booking", "crowd", "gateway-0", "valkey", "worker"} <= set(demo.info["pids"])
    began = time.monotonic()
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(20) == 0
    assert time.monotonic() - began < 5
    assert not any(alive(pid) for pid in family)
    assert not accepts(demo.port)
    assert "Traceback" not in demo.said()


def test_a_killed_demo_leaves_no_process(demo: Demo) -> None:
    family = demo.family()
    assert len(family) >= len(demo.info["pids"])
    demo.process.kill()
    demo.process.wait()
    wait_until(lambda: not any(alive(pid) for pid in family))
    # Whoever was being started at that moment ends by itself too.
    wait_until(lambda: not accepts(demo.port))
