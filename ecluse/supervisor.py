"""Several programs as one: started in order, kept alive, stopped together within five seconds, none left behind.

SIGTERM and SIGINT stop everything, a second one at once; SIGHUP goes to the children that reload. When the supervisor
itself is killed, the kernel kills its children (`ecluse.process`).
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ecluse.child import Child, ChildFailed, Patience, Restart, Watch
from ecluse.output import Output

__all__ = ["Child", "ChildFailed", "Patience", "Restart", "Supervisor"]

Pids = Mapping[str, int]


class Supervisor:
    """Runs `stages` of children: those of a stage start together, once all of the stage before are ready.

    `on_ready` gets the process ids once everything is ready, and again after each restart. `hangup_stops` makes SIGHUP
    (a closed terminal) stop everything instead of asking for a reload.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Child]],
        *,
        output: Output,
        on_ready: Callable[[Pids], None] = lambda _pids: None,
        hangup_stops: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self._stages = stages
        self._output = output
        self._on_ready = on_ready
        self._hangup_stops = hangup_stops
        self._patience = patience or Patience()
        self._watches: list[Watch] = []
        self._keepers: set[asyncio.Task[None]] = set()
        self._up = False
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Run until told to stop. Raises ChildFailed if an essential child cannot be brought up."""
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        with self._signals():
            try:
                for stage in self._stages:
                    await self._start(stage)
                self._up = True
                self._children_changed()
                await self._stop.wait()
            finally:
                await self._end()
        if self._failure is not None:
            raise self._failure

    async def _start(self, stage: Sequence[Child]) -> None:
        if self._stop.is_set():
            return
        watches = [Watch(child, self._output, self._patience, self._children_changed) for child in stage]
        for watch in watches:
            self._watches.append(watch)
            keeper = asyncio.create_task(watch.keep(), name=watch.child.name)
            self._keepers.add(keeper)
            keeper.add_done_callback(self._keeper_ended)
        awaited = [watch.ready.wait() for watch in watches if watch.child.essential]
        await _first(self._stop.wait(), asyncio.gather(*awaited))

    def _children_changed(self) -> None:
        if self._up and not self._stop.is_set():
            self._on_ready({watch.child.name: watch.pid for watch in self._watches if watch.pid is not None})

    def _keeper_ended(self, keeper: asyncio.Task[None]) -> None:
        error = None if keeper.cancelled() else keeper.exception()
        if error is None:
            return
        child = next(watch.child for watch in self._watches if watch.child.name == keeper.get_name())
        if isinstance(error, ChildFailed) and not child.essential:
            self._output.warn(f"{error}\nGoing on without {child.name}.")
            return
        self._failure = self._failure or error
        self._stop.set()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        actions = {signal.SIGTERM: self._asked_to_stop, signal.SIGINT: self._asked_to_stop}
        # nohup sets SIGHUP to be ignored, and then it stays so.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            actions[signal.SIGHUP] = self._asked_to_stop if self._hangup_stops else self._reload
        for number, action in actions.items():
            loop.add_signal_handler(number, action)
        try:
            yield
        finally:
            for number in actions:
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def _reload(self) -> None:
        for watch in self._watches:
            if watch.child.reloads:
                watch.signal(signal.SIGHUP)

    async def _end(self) -> None:
        """Stop the children, those that stop last after the others."""
        await self._end_those(last=False, within_seconds=self._patience.stop_seconds)
        await self._end_those(last=True, within_seconds=self._patience.stop_last_seconds)
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _end_those(self, *, last: bool, within_seconds: float) -> None:
        watches = [watch for watch in self._watches if watch.child.stops_last is last]
        names = {watch.child.name for watch in watches}
        for watch in watches:
            watch.end()
        keepers = [keeper for keeper in self._keepers if keeper.get_name() in names]
        if keepers:
            await _first(self._hurry.wait(), asyncio.wait(keepers, timeout=within_seconds))
        for watch in watches:
            watch.signal(signal.SIGKILL)


async def _first(*waiting: Awaitable[object]) -> None:
    """Wait until one is done; give up waiting for the others."""
    tasks = [asyncio.ensure_future(each) for each in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
