"""The tables, and an engine whose writers take the lock first: on SQLite, `BEGIN IMMEDIATE`, WAL, and a busy timeout.

That nothing is booked twice is the database's word, not this program's: CHECK and unique indexes back each step.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

VERSION = 1
OPEN_TIMEOUT_MS = 5000
"""How long a connection waits while others open or recover the file."""
POLL_TIMEOUT_MS = 50
"""How long one attempt at the write lock takes; the store repeats it (SQLite's own waiting is rare, hence unfair)."""
WRITES = "booking_writes"
"""Execution option of an engine whose transactions take the write lock at once."""

metadata = MetaData()

service = Table(
    "service",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("names", JSON, nullable=False, comment="title by language code"),
)
slot = Table(
    "slot",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("starts_at", Integer, nullable=False, comment="Unix seconds"),
    Column("capacity", Integer, nullable=False),
    Column("taken", Integer, nullable=False, server_default="0", comment="live holds and live bookings"),
    CheckConstraint("taken >= 0 AND taken <= capacity", name="never_double"),
    Index("slot_once", "service_id", "starts_at", unique=True),
)
hold = Table(
    "hold",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session", String(80), nullable=False, unique=True),
    Column("slot_id", ForeignKey("slot.id"), nullable=False),
    Column("expires_at", Integer, nullable=False, index=True, comment="Unix seconds"),
    Column("live", Integer, nullable=False, comment="1 while counted in slot.taken"),
    Column("extensions", Integer, nullable=False, server_default="0"),
    Column("name", String, nullable=False, server_default=""),
    Column("file_number", String, nullable=False, server_default=""),
)
Index("hold_live", hold.c.slot_id, hold.c.expires_at, sqlite_where=hold.c.live == 1)
booking = Table(
    "booking",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(20), nullable=False, unique=True),
    Column("hold_id", String(40), nullable=False, unique=True, comment="makes a repeated confirmation the same one"),
    Column("session", String(80), nullable=False),
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("slot_id", ForeignKey("slot.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("file_number", String(10), nullable=False),
    Column("created_at", Integer, nullable=False, comment="Unix seconds"),
    Column("cancelled_at", Integer, nullable=True, comment="Unix seconds; NULL while it stands"),
)
Index(
    "one_live_per_session",
    booking.c.service_id,
    booking.c.session,
    unique=True,
    sqlite_where=booking.c.cancelled_at.is_(None),
)
Index(
    "one_live_per_file_number",
    booking.c.service_id,
    booking.c.file_number,
    unique=True,
    sqlite_where=booking.c.cancelled_at.is_(None),
)


class WrongSchema(Exception):
    """The database file was made by another version of this program; start with a new file or migrate it."""


def open_engine(database: Path) -> AsyncEngine:
    """An engine over the file `database`; nothing is opened before the first connection."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}", pool_size=4, max_overflow=4, pool_timeout=OPEN_TIMEOUT_MS / 1000
    )
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


async def create(connection: AsyncConnection) -> None:
    """Make the tables if the file is new, inside the caller's write transaction. Raises WrongSchema."""
    found = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
    if found == VERSION:
        return
    if found != 0:
        raise WrongSchema(f"the database has schema {found}, this program knows {VERSION}")
    await connection.run_sync(metadata.create_all)
    await connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
