"""What agents see and note: the people of a day by counter, who came and who did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import schema
from booking_backend.store import SlotStore

_booking, _slot, _counter, _service = schema.booking, schema.slot, schema.counter, schema.service


class Arrival(StrEnum):
    """What an agent noted of an appointment."""

    ARRIVED = "arrived"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One person of the day's list."""

    reference: str
    starts_at: int
    site_id: int
    counter: str
    service: dict[str, str]
    name: str
    file_number: str
    arrival: Arrival | None


class Desk:
    """The day's list of one store."""

    def __init__(self, store: SlotStore) -> None:
        self._store = store
        self._in = store.transactions

    async def expected(self, site_id: int, starts: tuple[int, int]) -> Sequence[Expected]:
        """Who is expected at a site in a span of time, by counter, then time."""
        wanted = (
            _chosen()
            .where(_slot.c.site_id == site_id, _slot.c.starts_at >= starts[0], _slot.c.starts_at < starts[1])
            .order_by(_counter.c.id, _slot.c.starts_at, _booking.c.id)
        )
        async with self._in.reading() as conn:
            return [_expected(row) for row in await conn.execute(wanted)]

    async def one(self, reference: str) -> Expected | None:
        """The standing appointment with this reference."""
        async with self._in.reading() as conn:
            row = (await conn.execute(_chosen().where(_booking.c.reference == reference))).first()
        return None if row is None else _expected(row)

    async def note(self, reference: str, arrival: Arrival | None) -> None:
        """Note who came, or take it back. A person cannot be absent before the time is reached."""

        async def note(conn: AsyncConnection) -> None:
            change = update(_booking).where(_booking.c.reference == reference, _booking.c.cancelled_at.is_(None))
            if arrival is Arrival.ABSENT:
                begun = select(_slot.c.id).where(_slot.c.starts_at <= self._store.now)
                change = change.where(_booking.c.slot_id.in_(begun))
            await conn.execute(change.values(arrival=arrival.value if arrival else None))

        await self._in.write(note)


def _chosen() -> Select[Any]:
    return (
        select(
            _booking.c.reference, _booking.c.name, _booking.c.file_number, _booking.c.arrival, _slot.c.starts_at,
            _slot.c.site_id, _counter.c.name.label("counter"), _service.c.names.label("service"),
        )
        .join_from(_booking, _slot, _slot.c.id == _booking.c.slot_id)
        .join(_counter, _counter.c.id == _booking.c.counter_id)
        .join(_service, _service.c.id == _booking.c.service_id)
        .where(_booking.c.cancelled_at.is_(None))
    )  # fmt: skip


def _expected(row: Row[Any]) -> Expected:
    found = row._mapping
    return Expected(**{**found, "arrival": Arrival(found["arrival"]) if found["arrival"] else None})
