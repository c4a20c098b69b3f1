"""Opening the database: SQLite in a file, or PostgreSQL by URL (`postgresql://user:password@host/name`).

On SQLite writers take the lock first (`BEGIN IMMEDIATE`), the log is write-ahead, and every wait has an end.
On PostgreSQL each step's condition is in its statement, so READ COMMITTED is enough; what collides is tried again.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

OPEN_TIMEOUT_MS = 5000
"""How long a connection waits while others open or recover the file."""
POLL_TIMEOUT_MS = 50
"""How long one attempt at the write lock takes; the store repeats it (SQLite's own waiting is rare, hence unfair)."""
WRITES = "booking_writes"
"""Execution option of an engine whose transactions take the write lock at once."""
_COLLIDED = frozenset({"40001", "40P01", "23505"})
"""SQLSTATE of a serialization failure, a deadlock, and of somebody else's row having come first: try again."""


class BadUrl(Exception):
    """The database is neither a file nor a PostgreSQL URL, or its driver is not installed."""


def open_engine(database: Path | str, *, pool_size: int = 4) -> AsyncEngine:
    """An engine over a file or a URL; nothing is opened before the first connection. Raises BadUrl."""
    if isinstance(database, Path) or "://" not in database:
        return _sqlite(Path(database), pool_size)
    try:
        url = make_url(database)
    except (ArgumentError, ValueError):
        raise BadUrl("the database URL cannot be read; write postgresql://user:password@host/name") from None
    if url.drivername == "sqlite":
        return _sqlite(Path(url.database or ""), pool_size)
    if url.drivername not in ("postgresql", "postgres"):
        raise BadUrl(f"{url.drivername}: name a SQLite file or a postgresql:// URL")
    try:
        return create_async_engine(
            url.set(drivername="postgresql+asyncpg"), pool_size=pool_size, max_overflow=2 * pool_size,
            pool_timeout=OPEN_TIMEOUT_MS / 1000, pool_pre_ping=True,
            connect_args={"timeout": OPEN_TIMEOUT_MS / 1000, "command_timeout": OPEN_TIMEOUT_MS / 1000},
        )  # fmt: skip
    except ImportError:
        raise BadUrl("PostgreSQL needs one more package: pip install '.[postgres]'") from None


def try_file(database: str) -> None:
    """Open a database that is a file, and close it again. Raises sqlite3.Error.

    aiosqlite leaves a thread behind that failed to open one, and at the end of a program it dies with a traceback.
    """
    path = database.removeprefix("sqlite:///")
    if "://" not in path:
        with closing(sqlite3.connect(path, timeout=OPEN_TIMEOUT_MS / 1000)) as connection:
            connection.execute("PRAGMA schema_version")


def _sqlite(database: Path, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}", pool_size=pool_size, max_overflow=pool_size,
        pool_timeout=OPEN_TIMEOUT_MS / 1000,
    )  # fmt: skip
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: _on_begin says how
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {OPEN_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a reference once shown must survive a power cut
        "foreign_keys = ON",
        f"busy_timeout = {POLL_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # A deferred transaction that reads, then writes, cannot wait for the lock: it fails at once. Writers ask first.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_locked(error: DBAPIError) -> bool:
    """Whether another process of the same SQLite file has the lock."""
    return "locked" in str(error.orig)


def collided(error: DBAPIError) -> bool:
    """Whether the step lost to a concurrent one on PostgreSQL and may simply be run again."""
    return getattr(error.orig, "sqlstate", None) in _COLLIDED


def unreachable(error: BaseException) -> bool:
    """Whether the database server is away, starting up, or full: nothing was changed, or nobody will ever know."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return error.connection_invalidated or state[:2] in ("08", "53", "57")
    return isinstance(error, OSError)
