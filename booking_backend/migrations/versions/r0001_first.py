"""The first schema: offices, dated slots, holds, bookings.

A booking's name, number and person are for life: the database itself refuses to change them.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None

_FIXED = ("reference", "service_id", "person", "name", "file_number")


def upgrade() -> None:
    """Make every table."""
    _services()
    _weeks()
    _slots()
    _bookings()
    _booking_indexes()
    _visits()
    _name_for_life()


def downgrade() -> None:
    """There is nothing before."""
    raise NotImplementedError("the first schema has no earlier one")


def _services() -> None:
    op.create_table(
        "service",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False, comment="title by language code"),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("lead_minutes", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False, comment="name by language code"),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("postcode", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"],
            ["site.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )


def _weeks() -> None:
    op.create_table(
        "weekly",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("counter_id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False, comment="0 is Monday"),
        sa.Column("from_minute", sa.Integer(), nullable=False, comment="of the office's clock, since midnight"),
        sa.Column("until_minute", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["service.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "special",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False, comment="ISO date"),
        sa.Column("from_minute", sa.Integer(), nullable=False),
        sa.Column("until_minute", sa.Integer(), nullable=False),
        sa.Column("counter_id", sa.Integer(), nullable=True, comment="NULL: all of the site"),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False, comment="0: closed"),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["service.id"],
        ),
        sa.ForeignKeyConstraint(
            ["site_id"],
            ["site.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )


def _slots() -> None:
    op.create_table(
        "slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=False, comment="when it can be booked from"),
        sa.Column("closes_at", sa.BigInteger(), nullable=False, comment="and until"),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False, comment="places by counter id"),
        sa.Column(
            "taken",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="live holds, live bookings, places held back",
        ),
        sa.CheckConstraint("taken >= 0 AND taken <= capacity", name="never_double"),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["service.id"],
        ),
        sa.ForeignKeyConstraint(
            ["site_id"],
            ["site.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("starts_at", "site_id", "service_id", name="slot_once"),
    )
    op.create_index("slot_by_service", "slot", ["service_id", "starts_at"], unique=False)


def _bookings() -> None:
    op.create_table(
        "booking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column(
            "hold_id", sa.String(length=40), nullable=False, comment="makes a repeated confirmation the same one"
        ),
        sa.Column("session", sa.String(length=80), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=True, comment="digest of the pass, in a nominative room"),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("counter_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("file_number", sa.String(length=10), nullable=False),
        sa.Column("email", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True, comment="NULL while it stands"),
        sa.Column("moves", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "arrival", sa.String(length=10), nullable=True, comment="what an agent noted: arrived, absent, or NULL"
        ),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["service.id"],
        ),
        sa.ForeignKeyConstraint(
            ["slot_id"],
            ["slot.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hold_id"),
        sa.UniqueConstraint("reference"),
    )


def _booking_indexes() -> None:
    op.create_index(op.f("ix_booking_file_number"), "booking", ["file_number"], unique=False)
    op.create_index(op.f("ix_booking_slot_id"), "booking", ["slot_id"], unique=False)
    op.create_index(
        "one_live_per_file_number",
        "booking",
        ["service_id", "file_number"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_index(
        "one_live_per_person",
        "booking",
        ["service_id", "person"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_index(
        "one_live_per_session",
        "booking",
        ["service_id", "session"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )


def _visits() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=80), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False, comment="1 while counted in slot.taken"),
        sa.Column("extensions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("file_number", sa.String(), server_default="", nullable=False),
        sa.Column("email", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["slot_id"],
            ["slot.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session"),
    )
    op.create_index(
        "hold_live",
        "hold",
        ["slot_id", "expires_at"],
        unique=False,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live = 1"),
    )
    op.create_index(op.f("ix_hold_expires_at"), "hold", ["expires_at"], unique=False)
    op.create_table(
        "moving",
        sa.Column("session", sa.String(length=80), nullable=False, comment="a visit that may move"),
        sa.Column("booking_id", sa.Integer(), nullable=False, comment="this booking"),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking.id"],
        ),
        sa.PrimaryKeyConstraint("session"),
    )
    op.create_table(
        "returning_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="when the place is free again"),
        sa.ForeignKeyConstraint(
            ["slot_id"],
            ["slot.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_returning_place_due_at"), "returning_place", ["due_at"], unique=False)


def _name_for_life() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER booking_for_life BEFORE UPDATE OF {', '.join(_FIXED)} ON booking "
            "BEGIN SELECT RAISE(ABORT, 'booking_for_life'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION booking_for_life() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'booking_for_life'; END$$"
    )
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _FIXED)
    op.execute(
        f"CREATE TRIGGER booking_for_life BEFORE UPDATE ON booking FOR EACH ROW WHEN ({changed}) "
        "EXECUTE FUNCTION booking_for_life()"
    )
