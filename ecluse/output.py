"""What children print, passed on line by line.

A thread writes, from a bounded queue: when nobody reads our output (a full pipe, a stopped terminal), lines are
dropped and counted, and no child ever stalls because of it.
"""

import queue
import sys
import threading
from contextlib import suppress
from typing import TextIO

_QUEUED_LINES = 10_000
_CLOSE_SECONDS = 0.5
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)
"""ANSI foregrounds, given out in turn; red stays for errors."""


class Output:
    """The two streams of the supervisor. On a terminal each line begins with the child's coloured name."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._colours: dict[str, int] = {}
        self._lines: queue.Queue[tuple[TextIO, str] | None] = queue.Queue(_QUEUED_LINES)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    def child_line(self, name: str, line: str, *, error: bool) -> None:
        """Pass on one line of the child `name`. Off a terminal it goes through as it is: it may be JSON."""
        stream = self._err if error else self._out
        if stream.isatty():
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            line = f"\x1b[{colour}m{name:<10}\x1b[0m {line}"
        self._put(stream, line)

    def say(self, text: str) -> None:
        """Words of our own, for the person who started us, on standard output."""
        self._put(self._out, text)

    def warn(self, text: str) -> None:
        """Words of our own about something that went wrong, on standard error."""
        self._put(self._err, f"\x1b[31m{text}\x1b[0m" if self._err.isatty() else text)

    def _put(self, stream: TextIO, text: str) -> None:
        try:
            self._lines.put_nowait((stream, text))
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (item := self._lines.get()) is not None:
            stream, text = item
            if self._dropped:
                text = f"({self._dropped} lines were dropped: nobody was reading)\n{text}"
                self._dropped = 0
            # A reader that went away is no reason to stop the service.
            with suppress(OSError, ValueError):
                stream.write(text + "\n")
                stream.flush()

    def close(self) -> None:
        """Write what is queued, for half a second at most."""
        with suppress(queue.Full):
            self._lines.put_nowait(None)
            self._writer.join(_CLOSE_SECONDS)
