"""One child of the supervisor, kept alive: started, watched until ready, started again when it dies."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from ecluse.output import Output
from ecluse.probes import Probe
from ecluse.process import bound_command

_LINE_BYTES = 64 * 1024
_LAST_WORDS = 20


class Restart(StrEnum):
    """When a child that ended is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on_failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program to keep running."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's own environment."""
    ready: Probe | None = None
    """None: ready once it has lived for `Patience.proof_of_life_seconds`."""
    restart: Restart = Restart.ALWAYS
    fds: tuple[int, ...] = ()
    """File descriptors it inherits, under the same numbers."""
    essential: bool = True
    """Waited for at the start; if it cannot be started, everything stops."""
    reloads: bool = False
    """Gets our SIGHUP."""
    stops_last: bool = False
    """Told to stop only once all others have."""
    quiet: bool = False
    """What it prints is kept for its last words, not passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the supervisor waits for what, in seconds. Stopping takes at most the two last together."""

    first_delay_seconds: float = 0.2
    longest_delay_seconds: float = 5.0
    steady_after_seconds: float = 10.0
    """A child that lived this long starts over at the first delay."""
    proof_of_life_seconds: float = 1.0
    ready_seconds: float = 60.0
    tries: int = 5
    """Deaths before a child was ever ready, after which it is given up."""
    stop_seconds: float = 3.5
    stop_last_seconds: float = 1.0


class ChildFailed(Exception):
    """A child could not be brought up; the message says which, how, and its last words."""


class Watch:
    """Keeps one child alive until told to end."""

    def __init__(self, child: Child, output: Output, patience: Patience, on_ready: Callable[[], None]) -> None:
        self.child = child
        self.ready = asyncio.Event()
        """Set when it was ready for the first time, or needs no more waiting for."""
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()
        self._output = output
        self._patience = patience
        self._on_ready = on_ready
        self._stuck = False
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def keep(self) -> None:
        """Run it, again and again, until `end`. Raises ChildFailed if it never becomes ready."""
        delay = self._patience.first_delay_seconds
        early_deaths = 0
        now = asyncio.get_running_loop().time
        while not self._ending.is_set():
            started_at = now()
            status = await self._run_once()
            if self._ending.is_set() or (status == 0 and self.child.restart is Restart.ON_FAILURE):
                self.ready.set()
                return
            if not self.ready.is_set():
                early_deaths += 1
                self._give_up_if(early_deaths, status)
            if now() - started_at >= self._patience.steady_after_seconds:
                delay = self._patience.first_delay_seconds
            self._output.warn(f"{self.child.name} {_ending(status)}; starting it again in {delay:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._ending.wait()
            delay = min(delay * 2, self._patience.longest_delay_seconds)

    def _give_up_if(self, early_deaths: int, status: int) -> None:
        if self._stuck:
            told = f"is running but was not ready within {self._patience.ready_seconds:g} s"
        elif early_deaths >= self._patience.tries:
            told = f"does not start: it {_ending(status)}, {early_deaths} times in a row"
        else:
            return
        words = "".join(f"\n  {line}" for line in self._last_words)
        raise ChildFailed(f"{self.child.name} {told}.{' Its last words:' if words else ''}{words}")

    async def _run_once(self) -> int:
        """One life of the child; its exit status, negative for a signal."""
        # Pipes of our own: with asyncio's, `wait` also waits for grandchildren that hold them open.
        pumps, ends = [], []
        for error in (False, True):
            reading, writing = os.pipe()
            pumps.append(asyncio.create_task(self._pass_on(reading, error=error)))
            ends.append(writing)
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *bound_command(self.child.argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=ends[0],
                stderr=ends[1],
                env={**os.environ, **self.child.env},
                pass_fds=self.child.fds,
                # A session of its own: Ctrl-C in the terminal reaches only the supervisor.
                start_new_session=True,
            )
        finally:
            for end in ends:
                os.close(end)
        if self._ending.is_set():
            # Told to end while it was being started: it has done nothing yet, and nobody will come back to it.
            self.signal(signal.SIGKILL)
        prober = asyncio.create_task(self._watch_readiness())
        try:
            return await process.wait()
        finally:
            prober.cancel()
            # Whatever it started in its session goes with it, so the pipes close too.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.gather(prober, *pumps, return_exceptions=True)

    async def _watch_readiness(self) -> None:
        probe = self.child.ready
        if probe is None:
            await asyncio.sleep(self._patience.proof_of_life_seconds)
        else:
            now = asyncio.get_running_loop().time
            give_up_at = now() + self._patience.ready_seconds
            while not await probe.holds():
                if now() > give_up_at:
                    self._stuck = True
                    self.signal(signal.SIGKILL)
                    return
                await asyncio.sleep(0.05)
        self._stuck = False
        self.ready.set()
        self._on_ready()

    async def _pass_on(self, reading: int, *, error: bool) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", buffering=0)
        )
        rest = b""
        try:
            while chunk := await stream.read(_LINE_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > _LINE_BYTES:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._tell(line, error=error)
        finally:
            transport.close()
            if rest:
                self._tell(rest, error=error)

    def _tell(self, line: bytes, *, error: bool) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self._last_words.append(text)
        if not self.child.quiet:
            self._output.child_line(self.child.name, text, error=error)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child if it runs."""
        if self.pid is not None and self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def end(self) -> None:
        """Ask the child to stop, for good; `keep` returns once it has."""
        self._ending.set()
        self.signal(signal.SIGTERM)


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
