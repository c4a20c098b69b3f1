"""Small Python programs that the supervisor's tests run as children, and how to look at them."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

STAY = "import time\nwhile True: time.sleep(60)"
"""Runs until a signal ends it."""

DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nwhile True: time.sleep(60)"
"""Ignores SIGTERM."""

DIE = "import sys\nprint('no such database', file=sys.stderr)\nsys.exit(3)"
"""Complains and ends with 3."""


def python(script: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs `script`."""
    return (sys.executable, "-u", "-c", script, *arguments)


def noting(path: Path, on: str) -> str:
    """A program that appends the name of each signal `on` to `path`, and ends at SIGTERM."""
    return f"""
import signal, sys, time
def note(number, frame):
    with open({str(path)!r}, "a") as file:
        file.write(signal.Signals(number).name + "\\n")
    if number == signal.SIGTERM:
        sys.exit(0)
for name in {on!r}.split():
    signal.signal(getattr(signal, name), note)
open({str(path)!r}, "a").close()
while True: time.sleep(60)
"""


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs."""
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [each for child in children for each in (child, *descendants(child))]


async def until(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait until `holds()` is true; fail after a while."""
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "waited in vain"
        await asyncio.sleep(0.02)


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    """The same, for tests without an event loop."""
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.02)
