"""The way to Redis: steps asked for in one turn of the event loop travel as one pipeline (three times the
throughput), at most one on its way at a time.

Every step may be sent twice without harm, so a connection that broke is tried once more. A script Redis does not know
(restart, failover, SCRIPT FLUSH) is loaded and run again.
"""

import asyncio
import math
from collections.abc import Awaitable, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import structlog
from hiredis import pack_command
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError, ResponseError

from ecluse.domain.errors import RoomFull, StoreAway
from ecluse.store.scripts import Script

log = structlog.get_logger()
Argument = str | bytes | int | float
Reply = Any

BATCH = 512
TIMEOUT_SECONDS = 2.0


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
        self._pending: list[tuple[Script | None, Sequence[Argument], asyncio.Future[Reply]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._connection: AbstractConnection | None = None

    @classmethod
    def at(cls, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> "Store":
        """A store for `url`; opens nothing yet."""
        return cls(connect(url, timeout_seconds=timeout_seconds), timeout_seconds=timeout_seconds)

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Awaitable[Reply]:
        """The reply of a step. Raises StoreAway; RoomFull if Redis has no memory left for it."""
        return self._ask(script, ("EVALSHA", script.sha, len(keys), *keys, *args))

    def command(self, *words: Argument) -> Awaitable[Reply]:
        """The reply of one plain command that may be sent twice. Raises StoreAway."""
        return self._ask(None, words)

    def _ask(self, script: Script | None, words: Sequence[Argument]) -> Awaitable[Reply]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        self._pending.append((script, words, future))
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush())
        return future

    async def _flush(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                await self._send(batch)
        finally:
            self._flushing = None

    async def _send(self, batch: list[tuple[Script | None, Sequence[Argument], asyncio.Future[Reply]]]) -> None:
        try:
            replies = await self._execute([words for _, words, _ in batch])
            unknown = {script for (script, _, _), reply in zip(batch, replies, strict=True) if _is_unknown(reply)}
            if unknown:
                await self._load([script for script in unknown if script is not None])
                again = [i for i, reply in enumerate(replies) if _is_unknown(reply)]
                second = await self._execute([batch[i][1] for i in again])
                for i, reply in zip(again, second, strict=True):
                    replies[i] = reply
        except (RedisError, OSError, TimeoutError) as error:
            replies = [error] * len(batch)
        except asyncio.CancelledError:
            for _, _, future in batch:
                future.cancel()
            raise
        for (_, _, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, Exception):
                future.set_exception(_told(reply))
            else:
                future.set_result(reply)

    async def _execute(self, commands: list[Sequence[Argument]]) -> list[Reply]:
        if self._cluster:
            # redis-py pipelines no EVALSHA over a cluster; the calls still overlap.
            calls = (self._redis.execute_command(*words) for words in commands)
            return list(await asyncio.gather(*calls, return_exceptions=True))
        # Packed in C and written at once: redis-py's own pipeline spends most of its time on packing.
        packed = b"".join([pack_command(cast(Any, tuple(words))) for words in commands])
        try:
            return await self._exchange(packed, len(commands))
        except (RedisConnectionError, OSError):
            return await self._exchange(packed, len(commands))

    async def _exchange(self, packed: bytes, replies: int) -> list[Reply]:
        connection = self._connection
        if connection is None:
            connection = cast(Any, self._redis).connection_pool.make_connection()
            self._connection = connection
        found: list[Reply] = []
        try:
            # One deadline for the whole exchange; redis-py would set one for each reply.
            async with asyncio.timeout(self._timeout_seconds):
                # Sending would connect too, but not ask a sentinel first.
                if not connection.is_connected:
                    await connection.connect()
                await connection.send_packed_command([packed])
                for _ in range(replies):
                    try:
                        found.append(await connection.read_response(timeout=math.inf))
                    except ResponseError as error:
                        found.append(error)
        except BaseException:
            # Replies may still be on their way: this connection cannot be used again as it is.
            await connection.disconnect(nowait=True)
            raise
        return found

    async def _load(self, unknown: list[Script]) -> None:
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
        if self._flushing is not None:
            self._flushing.cancel()
        if self._connection is not None:
            await self._connection.disconnect()
            self._connection = None
        await self._redis.aclose()
        asked = getattr(getattr(self._redis, "connection_pool", None), "sentinel_manager", None)
        for sentinel in asked.sentinels if asked is not None else ():
            await sentinel.aclose()


def _is_unknown(reply: Reply) -> bool:
    return isinstance(reply, NoScriptError)


def _told(error: Exception) -> Exception:
    if isinstance(error, OutOfMemoryError) or "OOM" in str(error)[:40]:
        return RoomFull(str(error))
    return StoreAway(str(error))
