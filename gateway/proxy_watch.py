"""The watch over one exchange between a visitor and an origin: ends it when one of them is gone or silent."""

import asyncio
from contextlib import suppress
from typing import Self

from ecluse.domain.errors import EcluseError, OriginSlow
from gateway.asgi import Receive

GRACE_SECONDS = 0.05
"""An answer within this time needs no watch on the visitor: most requests never pay for one."""


class Watch:
    """Ends an exchange by cancelling its task: when the visitor leaves, or the origin is silent for too long.

    Works as `asyncio.timeout` does: inside `async with`, and leaving raises `error`, or nothing if the visitor left.
    """

    def __init__(self, receive: Receive, limit_seconds: float, uploading: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._uploading = uploading
        self._graced = False
        self._watcher: asyncio.Task[None] | None = None
        self._silent_since: float | None = self._loop.time()
        self._timer = self._loop.call_later(GRACE_SECONDS, self._look)
        self.limit_seconds = limit_seconds
        self.ended = False
        self.error: EcluseError | None = None

    def _look(self) -> None:
        self._graced = True
        self._watch_visitor()
        wait = self.limit_seconds
        if self._silent_since is not None:
            wait += self._silent_since - self._loop.time()
        if wait <= 0:
            self.end(OriginSlow(f"silent for {self.limit_seconds} s"))
        else:
            self._timer = self._loop.call_later(wait, self._look)

    def _watch_visitor(self) -> None:
        # While a body is coming, its reader hears of a disconnect; `receive` is for one at a time.
        if self._watcher is None and not self._uploading:
            self._watcher = self._loop.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.end(None)

    def hold(self) -> None:
        """It is the visitor we wait for: the origin's silence does not count."""
        self._silent_since = None

    def touch(self) -> None:
        """It is the origin we wait for, from now."""
        self._silent_since = self._loop.time()

    def uploaded(self) -> None:
        """The whole body has been read; from now on `receive` can only tell that the visitor left."""
        self._uploading = False
        self.touch()
        if self._graced:
            self._watch_visitor()

    def end(self, error: EcluseError | None) -> None:
        """End the exchange, once: with `error`, or silently."""
        if not self.ended:
            self.ended, self.error = True, error
            self._task.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if not self.ended:
            return False
        if kind is not asyncio.CancelledError:
            with suppress(asyncio.CancelledError):  # ours is still on its way
                await asyncio.sleep(0)
        if self._task.uncancel() > self._cancelling:
            raise asyncio.CancelledError
        if self.error is not None:
            raise self.error
        return True
