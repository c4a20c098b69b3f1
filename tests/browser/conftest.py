"""Chromium for every test here, and one machine for all of them.

Without a browser these tests fail where CI=true, and are skipped loudly elsewhere. CHROMIUM names another program.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.rig import BOOKABLE, NOMINATIVE, Machine, Room, running_machine

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-proxy-server",
)  # fmt: skip
Visit = Callable[..., Page]


def chromium() -> str:
    """The browser to drive."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        why = f"no browser: none of {', '.join(PROGRAMS)} is on PATH (on Debian: apt-get install chromium)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(why, pytrace=False)
        pytest.skip(f"BROWSER TESTS DID NOT RUN: {why}")
    return found


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    yield from running_machine(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser per module: its loop must not run while tests of another module use theirs."""
    program = chromium()
    # The sandbox of Chromium refuses to run as root, which is what containers are.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    expect.set_options(timeout=10_000)  # machines that check changes are slow
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *sandbox])
        yield started
        started.close()


@pytest.fixture
def room(browser: Browser, machine: Machine) -> Room:
    """A room of this test's own, where a called visitor has two minutes."""
    return machine.room()


@pytest.fixture
def brief_room(browser: Browser, machine: Machine) -> Room:
    """A room of this test's own, where a called visitor has five seconds."""
    return machine.room(brief=True)


@pytest.fixture
def bookable(browser: Browser, machine: Machine) -> Room:
    """The room with the booking backend behind it; shared."""
    return Room(machine, BOOKABLE)


@pytest.fixture
def nominative(browser: Browser, machine: Machine) -> Room:
    """The room that asks for a number and a lane; shared."""
    return Room(machine, NOMINATIVE)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens a visitor's own browser window: `visit(locale=…, **context options)`.

    At the end nothing may have gone wrong in any of them: no script error, no refused resource, no broken policy.
    `refusals` are the statuses a test means to get; with `offline` it means to lose the connection.
    """
    wrong: list[str] = []
    with ExitStack() as opened:

        def open_one(
            *, locale: str = "en-GB", refusals: tuple[int, ...] = (), offline: bool = False, **options: Any
        ) -> Page:
            context = browser.new_context(locale=locale, **options)
            opened.callback(context.close)
            context.set_default_timeout(10_000)
            page = context.new_page()
            meant = [f"responded with a status of {status} " for status in refusals]
            meant += ["net::ERR_INTERNET_DISCONNECTED"] if offline else []

            def on_console(message: ConsoleMessage) -> None:
                if message.type in ("error", "warning") and not any(text in message.text for text in meant):
                    wrong.append(f"{message.type}: {message.text}")

            page.on("console", on_console)
            page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
            return page

        yield open_one
    assert not wrong
