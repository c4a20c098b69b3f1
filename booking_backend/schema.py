"""The tables. That nothing is booked twice is the database's word: CHECK and unique indexes back each step.

What a counter's week says is kept beside the dated slots it gave. Times are Unix seconds unless said otherwise.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

service = Table(
    "service",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("names", JSON, nullable=False, comment="title by language code"),
    Column("minutes", Integer, nullable=False),
    Column("lead_minutes", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
)
site = Table(
    "site",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("names", JSON, nullable=False, comment="name by language code"),
    Column("address", String, nullable=False),
    Column("postcode", String, nullable=False),
    Column("city", String, nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
)
counter = Table(
    "counter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("name", String, nullable=False),
)
weekly = Table(
    "weekly",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("counter_id", ForeignKey("counter.id"), nullable=False),
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("weekday", Integer, nullable=False, comment="0 is Monday"),
    Column("from_minute", Integer, nullable=False, comment="of the office's clock, since midnight"),
    Column("until_minute", Integer, nullable=False),
    Column("places", Integer, nullable=False),
)
special = Table(
    "special",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("day", String(10), nullable=False, comment="ISO date"),
    Column("from_minute", Integer, nullable=False),
    Column("until_minute", Integer, nullable=False),
    Column("counter_id", ForeignKey("counter.id"), nullable=True, comment="NULL: all of the site"),
    Column("service_id", ForeignKey("service.id"), nullable=True),
    Column("places", Integer, nullable=False, comment="0: closed"),
    Column("reason", String, nullable=False),
)
slot = Table(
    "slot",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("opens_at", BigInteger, nullable=False, comment="when it can be booked from"),
    Column("closes_at", BigInteger, nullable=False, comment="and until"),
    Column("capacity", Integer, nullable=False),
    Column("counters", JSON, nullable=False, comment="places by counter id"),
    Column("taken", Integer, nullable=False, server_default="0", comment="live holds, live bookings, places held back"),
    CheckConstraint("taken >= 0 AND taken <= capacity", name="never_double"),
    UniqueConstraint("starts_at", "site_id", "service_id", name="slot_once"),
)
Index("slot_by_service", slot.c.service_id, slot.c.starts_at)
hold = Table(
    "hold",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session", String(80), nullable=False, unique=True),
    Column("slot_id", ForeignKey("slot.id"), nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("live", Integer, nullable=False, comment="1 while counted in slot.taken"),
    Column("extensions", Integer, nullable=False, server_default="0"),
    Column("name", String, nullable=False, server_default=""),
    Column("file_number", String, nullable=False, server_default=""),
    Column("email", String, nullable=False, server_default=""),
)
booking = Table(
    "booking",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(20), nullable=False, unique=True),
    Column("hold_id", String(40), nullable=False, unique=True, comment="makes a repeated confirmation the same one"),
    Column("session", String(80), nullable=False),
    Column("person", String(100), nullable=True, comment="digest of the pass, in a nominative room"),
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("slot_id", ForeignKey("slot.id"), nullable=False, index=True),
    Column("counter_id", ForeignKey("counter.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("file_number", String(10), nullable=False, index=True),
    Column("email", String, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("cancelled_at", BigInteger, nullable=True, comment="NULL while it stands"),
    Column("moves", Integer, nullable=False, server_default="0"),
    Column("arrival", String(10), nullable=True, comment="what an agent noted: arrived, absent, or NULL"),
)
moving = Table(
    "moving",
    metadata,
    Column("session", String(80), primary_key=True, comment="a visit that may move"),
    Column("booking_id", ForeignKey("booking.id"), nullable=False, comment="this booking"),
)
returning = Table(
    "returning_place",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slot_id", ForeignKey("slot.id"), nullable=False),
    Column("due_at", BigInteger, nullable=False, index=True, comment="when the place is free again"),
)


def _where(condition: ColumnElement[bool]) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


Index("hold_live", hold.c.slot_id, hold.c.expires_at, **_where(hold.c.live == 1))
for _name in ("session", "person", "file_number"):
    Index(
        f"one_live_per_{_name}",
        booking.c.service_id,
        booking.c[_name],
        unique=True,
        **_where(booking.c.cancelled_at.is_(None)),
    )
