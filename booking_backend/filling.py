"""Writing an office into the tables, and dated slots from what the tables say; both may be repeated without harm."""

from collections.abc import Iterable
from datetime import date, tzinfo
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import schema
from booking_backend.office import Counter, Office, ServiceRules, Site, Special, Weekly
from booking_backend.planning import DatedSlot, dated_slots

_PIECE = 1000


async def is_empty(conn: AsyncConnection) -> bool:
    """Whether no service was ever written here."""
    return (await conn.execute(select(schema.service.c.id).limit(1))).first() is None


async def write_office(conn: AsyncConnection, office: Office) -> None:
    """Put an office into empty tables."""
    await _insert(conn, schema.service, [_row(each, schema.service) for each in office.services])
    await _insert(conn, schema.site, [_row(each, schema.site) for each in office.sites])
    await _insert(conn, schema.counter, [_row(each, schema.counter) for each in office.counters])
    await _insert(conn, schema.weekly, [_row(each, schema.weekly) for each in office.weekly])
    specials = [{**_row(each, schema.special), "day": each.day.isoformat()} for each in office.specials]
    await _insert(conn, schema.special, specials)


def _row(each: object, table: Table) -> dict[str, Any]:
    return {column.name: getattr(each, column.name) for column in table.columns if hasattr(each, column.name)}


async def _insert(conn: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        await conn.execute(insert(table), rows)


async def read_office(conn: AsyncConnection) -> Office:
    """The office as the tables have it."""

    async def rows(table: Table) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in await conn.execute(select(table).order_by(table.c.id))]

    def without_id(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name != "id"}

    return Office(
        services=[ServiceRules(**row) for row in await rows(schema.service)],
        sites=[Site(**row) for row in await rows(schema.site)],
        counters=[Counter(**row) for row in await rows(schema.counter)],
        weekly=[Weekly(**without_id(row)) for row in await rows(schema.weekly)],
        specials=[
            Special(**{**without_id(row), "day": date.fromisoformat(row["day"])}) for row in await rows(schema.special)
        ],
    )


async def write_slots(conn: AsyncConnection, days: Iterable[date], zone: tzinfo) -> int:
    """Add the slots of `days` that are not there yet; how many those were. What is there stays as it is."""
    slots = dated_slots(await read_office(conn), days, zone)
    added = 0
    for at in range(0, len(slots), _PIECE):
        added += await _add(conn, slots[at : at + _PIECE])
    return added


async def _add(conn: AsyncConnection, slots: list[DatedSlot]) -> int:
    rows = [
        {
            "service_id": each.service_id, "site_id": each.site_id, "starts_at": each.starts_at,
            "opens_at": each.opens_at, "closes_at": each.closes_at, "capacity": each.capacity,
            "counters": {str(counter_id): places for counter_id, places in sorted(each.counters.items())},
        }
        for each in slots
    ]  # fmt: skip
    of_dialect = insert_postgresql if conn.dialect.name == "postgresql" else insert_sqlite
    adding = of_dialect(schema.slot).on_conflict_do_nothing().returning(schema.slot.c.id)
    return len((await conn.execute(adding, rows)).scalars().all())
