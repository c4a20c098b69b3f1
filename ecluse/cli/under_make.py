"""Started by make, a long run ends when make does, however make was told to."""

import os
import signal
import threading
import time
from pathlib import Path

from ecluse.process import die_with_parent

_LOOK_SECONDS = 0.25


def follow_make() -> None:
    """End with SIGTERM when make, our parent, is killed or interrupted; does nothing if make did not start us.

    A terminal's Ctrl-C reaches us directly, and make passes SIGTERM on. But it keeps a SIGINT that a tool sent to it
    alone, and then waits for us for ever: on Linux its signal masks tell.
    """
    if "MAKELEVEL" not in os.environ:
        return
    make = os.getppid()
    die_with_parent(make, signal.SIGTERM)
    status = Path(f"/proc/{make}/status")
    # In the background of a shell, make may have been started deaf to SIGINT: then it tells nothing.
    if status.exists() and _hears_interrupts(status):
        threading.Thread(target=_watch, args=(status,), name="make", daemon=True).start()


def _watch(status: Path) -> None:
    while _hears_interrupts(status):
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _hears_interrupts(status: Path) -> bool:
    """Whether the process still has its handler for SIGINT; make drops it once it was interrupted."""
    try:
        fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        return bool(int(fields["SigCgt"], 16) >> (signal.SIGINT - 1) & 1)
    except (OSError, KeyError, ValueError):
        return False
