"""The way to Redis: steps asked for in one turn of the event loop travel as one pipeline (three times the
throughput), at most one on its way at a time.

Every step may be sent twice without harm, so a connection that broke is tried once more. A script Redis does not know
(restart, failover, SCRIPT FLUSH) is loaded and run again.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

import structlog
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ecluse.domain.errors import RoomFull, StoreAway
from ecluse.store.scripts import Script
from ecluse.store.wire import Argument, Reply, Wire, packed

log = structlog.get_logger()
BATCH = 512
TIMEOUT_SECONDS = 2.0


class _Asked(NamedTuple):
    """One command on its way; `head` is what it begins with as many others do."""

    script: Script | None
    head: tuple[Argument, ...]
    words: tuple[Argument, ...]
    sent: bytes
    reply: asyncio.Future[Reply]


def connect(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> "Redis | RedisCluster":
    """A client for redis://, rediss://, unix://, redis+cluster://host:port[,…] or
    redis+sentinel://host:port[,…]/primary/db?password=…. Opens nothing yet."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 1),
        "health_check_interval": 0,
    }
    parts = urlsplit(url)
    if parts.scheme == "redis+cluster":
        first = parts.netloc.split(",")[0].rpartition("@")[2]
        host, _, port = first.partition(":")
        return RedisCluster(host=host, port=int(port or 6379), password=parts.password, **options)
    if parts.scheme == "redis+sentinel":
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        hosts = [host.partition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
        name, _, db = parts.path.lstrip("/").partition("/")
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            [(host, int(port or 26379)) for host, _, port in hosts],
            socket_timeout=timeout_seconds,
        )
        return cast(
            Redis, sentinel.master_for(name or "mymaster", db=int(db or 0), password=query.get("password"), **options)
        )
    pool = ConnectionPool.from_url(url, max_connections=32, **options)
    return Redis.from_pool(pool)


class Store:
    """One process's way to Redis."""

    def __init__(self, client: "Redis | RedisCluster", *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._redis = client
        self._timeout_seconds = timeout_seconds
        self._cluster = isinstance(client, RedisCluster)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: list[_Asked] = []
        self._flushing: asyncio.Task[None] | None = None
        self._wire: Wire | None = None

    @classmethod
    def at(cls, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> "Store":
        """A store for `url`; opens nothing yet."""
        return cls(connect(url, timeout_seconds=timeout_seconds), timeout_seconds=timeout_seconds)

    def run(self, script: Script, keys: tuple[str, ...], args: tuple[Argument, ...]) -> Awaitable[Reply]:
        """The reply of a step. Raises StoreAway; RoomFull if Redis has no memory left for it."""
        return self._ask(script, ("EVALSHA", script.sha, len(keys), *keys), args)

    def command(self, *words: Argument) -> Awaitable[Reply]:
        """The reply of one plain command that may be sent twice. Raises StoreAway."""
        return self._ask(None, (), words)

    def _ask(self, script: Script | None, head: tuple[Argument, ...], words: tuple[Argument, ...]) -> Awaitable[Reply]:
        loop = self._loop
        if loop is None:
            # Kept, as finding it costs a system call each time.
            loop = self._loop = asyncio.get_running_loop()
        # Packed here, so that what cannot be sent is an error of who asked it, and of nobody else.
        asked = _Asked(script, head, words, b"" if self._cluster else packed(head, words), loop.create_future())
        self._pending.append(asked)
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush())
        return asked.reply

    async def _flush(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                await self._send(batch)
        except asyncio.CancelledError:
            self._leave_pending()
            raise
        finally:
            self._flushing = None

    def _leave_pending(self) -> None:
        """Nobody goes on waiting for what will not be asked."""
        left, self._pending = self._pending, []
        for asked in left:
            asked.reply.cancel()

    async def _send(self, batch: list[_Asked]) -> None:
        try:
            replies = await self._execute(batch)
            again = [i for i, reply in enumerate(replies) if type(reply) is NoScriptError]
            if again:
                await self._load({script for i in again if (script := batch[i].script) is not None})
                second = await self._execute([batch[i] for i in again])
                for i, reply in zip(again, second, strict=True):
                    replies[i] = reply
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            # Whoever asked meanwhile is told with them: 512 after 512, each after its own time, would take minutes.
            batch, self._pending = batch + self._pending, []
            replies = [error] * len(batch)
        except RedisError as error:
            replies = [error] * len(batch)
        except Exception as error:
            # Whatever it is, nobody is left waiting.
            log.exception("store_failed")
            replies = [error] * len(batch)
        except asyncio.CancelledError:
            for asked in batch:
                asked.reply.cancel()
            raise
        for asked, reply in zip(batch, replies, strict=True):
            if asked.reply.done():
                continue
            if isinstance(reply, Exception):
                asked.reply.set_exception(_told(reply))
            else:
                asked.reply.set_result(reply)

    async def _execute(self, batch: list[_Asked]) -> list[Reply]:
        if self._cluster:
            # redis-py pipelines no EVALSHA over a cluster; the calls still overlap.
            calls = (self._redis.execute_command(*asked.head, *asked.words) for asked in batch)
            return list(await asyncio.gather(*calls, return_exceptions=True))
        commands = [asked.sent for asked in batch]
        try:
            return await self._exchange(commands)
        except (RedisConnectionError, OSError):
            return await self._exchange(commands)

    async def _exchange(self, commands: list[bytes]) -> list[Reply]:
        wire = self._wire
        if wire is None or not wire.is_open:
            if wire is not None:
                await wire.close()
            connection = cast(Any, self._redis).connection_pool.make_connection()
            wire = self._wire = await Wire.open(connection, timeout_seconds=self._timeout_seconds)
        return await wire.exchange(commands, timeout_seconds=self._timeout_seconds)

    async def _load(self, unknown: set[Script]) -> None:
        for script in unknown:
            if self._cluster:
                await cast(Any, self._redis).script_load(script.source)
            else:
                await self._redis.execute_command("SCRIPT LOAD", script.source)

    async def read_server(self) -> dict[str, Any]:
        """What the server says of itself (INFO). Raises StoreAway."""
        try:
            return await self._redis.info()
        except (RedisError, OSError, TimeoutError) as error:
            raise _told(error) from None

    async def close(self) -> None:
        """Close every connection."""
        flushing = self._flushing
        if flushing is not None and not flushing.done():
            flushing.cancel()
            await asyncio.wait([flushing])
        # One that was cancelled before it began did not even do this.
        self._flushing = None
        self._leave_pending()
        if self._wire is not None:
            await self._wire.close()
            self._wire = None
        self._loop = None
        await self._redis.aclose()
        asked = getattr(getattr(self._redis, "connection_pool", None), "sentinel_manager", None)
        for sentinel in asked.sentinels if asked is not None else ():
            await sentinel.aclose()


def _told(error: Exception) -> Exception:
    if isinstance(error, OutOfMemoryError) or "OOM" in str(error)[:40]:
        return RoomFull(str(error))
    return StoreAway(str(error))
