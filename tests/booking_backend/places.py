"""What tests ask of the places of a database, either kind."""

from sqlalchemy import text

from booking_backend.slots import Applicant, Booking, Visit
from booking_backend.store import SlotStore
from booking_backend.transactions import Transactions

AMINA = Applicant(name="Amina Diallo", file_number="75A1234567")


async def free(store: SlotStore, slot_id: int) -> int:
    slot = await store.slot(slot_id)
    assert slot is not None
    return slot.free


async def booked(store: SlotStore, session: str, slot_id: int, who: Applicant = AMINA) -> Booking:
    made = await store.book(Visit(session), slot_id, who)
    assert isinstance(made, Booking), made
    return made


async def assert_consistent(url: str) -> None:
    tables = Transactions(url)
    async with tables.reading() as conn:
        wrong = await conn.execute(
            text(
                "SELECT id FROM slot WHERE taken > capacity OR taken <>"
                " (SELECT count(*) FROM booking WHERE slot_id = slot.id AND cancelled_at IS NULL)"
                " + (SELECT count(*) FROM hold WHERE slot_id = slot.id AND live = 1)"
                " + (SELECT count(*) FROM returning_place WHERE slot_id = slot.id)"
            )
        )
        assert wrong.fetchall() == []
    await tables.close()
