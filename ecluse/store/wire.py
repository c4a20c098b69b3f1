"""One connection to Redis at full speed: commands go out packed in C, replies come in through hiredis, in order.

redis-py opens it, which is the hard part (password, database, TLS, sentinels), and hands the transport over. Its own
way takes a task and a timer for each send, and a stream between socket and parser (docs/performance.md).
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from hiredis import PushNotification, Reader, pack_command
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    BusyLoadingError,
    InvalidResponse,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

Argument = str | bytes | int | float
Reply = Any

_MORE = object()
_ERRORS: dict[str, type[Exception]] = {
    "NOSCRIPT": NoScriptError, "OOM": OutOfMemoryError, "READONLY": ReadOnlyError, "LOADING": BusyLoadingError,
}  # fmt: skip


def _error(text: str) -> Exception:
    return _ERRORS.get(text.partition(" ")[0], ResponseError)(text)


@lru_cache(maxsize=1024)
def _packed_head(words: tuple[Argument, ...]) -> bytes:
    """Words that many commands begin with, as they are sent, without their count."""
    return _packed_words(words)


def _packed_words(words: Any) -> bytes:
    packed_words: bytes = pack_command(words)
    return packed_words.partition(b"\r\n")[2]


def packed(head: tuple[Argument, ...], words: tuple[Argument, ...]) -> bytes:
    """A command as it is sent; `head` is what many begin with, and is packed once."""
    return b"*%d\r\n%b%b" % (len(head) + len(words), _packed_head(head), _packed_words(words))


class Wire(asyncio.Protocol):
    """A connection, one exchange at a time: some commands at once, and a reply to each."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        writer: asyncio.StreamWriter = cast(Any, connection)._writer
        self._transport = transport = cast(asyncio.Transport, writer.transport)
        self._reader = Reader(protocolError=InvalidResponse, replyError=_error, notEnoughData=_MORE)
        self._wanted = 0
        self._demoted = False
        self._replies: list[Reply] = []
        self._done: asyncio.Future[list[Reply]] | None = None
        transport.set_protocol(self)
        transport.resume_reading()

    @classmethod
    async def open(cls, connection: AbstractConnection, *, timeout_seconds: float) -> "Wire":
        """Take over a `connection` once redis-py has opened it. Raises RedisError, OSError, TimeoutError."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await cast(Any, connection).connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return cls(connection)

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return not self._transport.is_closing()

    async def exchange(self, commands: Sequence[bytes], *, timeout_seconds: float) -> list[Reply]:
        """The replies to packed `commands`, errors among them as they are.

        Raises RedisConnectionError if the connection breaks, TimeoutError; both leave it closed, as replies may still
        be on their way.
        """
        done: asyncio.Future[list[Reply]] = self._loop.create_future()
        self._done = done
        self._replies, self._wanted = [], len(commands)
        self._transport.write(b"".join(commands))
        deadline = self._loop.call_later(timeout_seconds, self._fail, TimeoutError("no answer in time"))
        try:
            replies = await done
        except BaseException:
            # What is still to be written is not sent either, to nobody's use and some time later.
            self._transport.abort()
            await self.close()
            raise
        finally:
            deadline.cancel()
            self._done = None
        if self._demoted:
            # Whom the sentinels name now is asked when a wire is opened again.
            await self.close()
            raise RedisConnectionError("the server became a replica")
        return replies

    async def close(self) -> None:
        """Close it; what was not answered yet never will be."""
        await self._connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        """Take what came; the exchange is over with its last reply."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                if type(reply) is not PushNotification:
                    self._replies.append(reply)
                    self._demoted = self._demoted or type(reply) is ReadOnlyError
        except InvalidResponse as error:
            self._fail(RedisConnectionError(str(error)))
            return
        if len(self._replies) > self._wanted:
            # Whose they are, nobody knows any more.
            self._fail(RedisConnectionError("more replies than commands"))
            self._transport.abort()
        elif len(self._replies) == self._wanted and self._done is not None and not self._done.done():
            self._done.set_result(self._replies)
            self._replies, self._wanted = [], 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self._fail(RedisConnectionError(str(exc or "the server closed the connection")))

    def _fail(self, error: Exception) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
