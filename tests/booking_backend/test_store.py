import sqlite3
from pathlib import Path

import pytest

from booking_backend.migrating import WrongSchema
from booking_backend.prefecture import Filling
from booking_backend.slots import (
    DRAFT_SECONDS,
    EXTENSIONS_MAX,
    HOLD_SECONDS,
    Applicant,
    Booking,
    Busy,
    Draft,
    Hold,
    Refusal,
    Visit,
)
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS

AMINA = Applicant(name="Amina Diallo", file_number="75A1234567")
BORIS = Applicant(name="Boris", file_number="93B7654321")
TYPED = Draft(name="Amina Diallo", file_number="75a 123 45 67")


async def held(store: SlotStore, session: str, slot_id: int) -> Hold:
    hold = await store.place_hold(Visit(session), slot_id)
    assert isinstance(hold, Hold)
    return hold


async def booked(store: SlotStore, session: str, slot_id: int, who: Applicant) -> Booking:
    made = await store.book(Visit(session), slot_id, who)
    assert isinstance(made, Booking)
    return made


async def free(store: SlotStore, slot_id: int) -> int:
    slot = await store.slot(slot_id)
    assert slot is not None
    return slot.free


async def fill(store: SlotStore, slot_id: int) -> None:
    for number in range(await free(store, slot_id)):
        await held(store, f"filler-{number}", slot_id)


async def test_a_hold_takes_a_place_and_a_confirmation_keeps_it(store: SlotStore) -> None:
    before = await free(store, 1)
    hold = await held(store, "s", 1)
    assert await free(store, 1) == before - 1
    made = await store.confirm(Visit("s"), hold.id, TYPED, AMINA)
    assert isinstance(made, Booking)
    assert await free(store, 1) == before - 1
    assert await store.hold(Visit("s")) is None


async def test_a_hold_that_expires_frees_its_place_for_the_next(store: SlotStore, clock: ManualClock) -> None:
    before, left = await free(store, 1), await store.slots_left()
    await fill(store, 1)
    assert await store.place_hold(Visit("late"), 1) is Refusal.TAKEN
    clock.advance(HOLD_SECONDS - 1)
    assert await store.place_hold(Visit("late"), 1) is Refusal.TAKEN
    clock.advance(1)
    assert (await free(store, 1), await store.slots_left()) == (before, left)
    await held(store, "late", 1)
    assert await free(store, 1) == before - 1


async def test_reading_changes_nothing_and_agrees_with_the_sweep(
    store: SlotStore, clock: ManualClock, database: Path
) -> None:
    await fill(store, 1)
    clock.advance(HOLD_SECONDS)
    seen = (await store.slots_left(), await free(store, 1), [each.free for each in await store.services()])
    with sqlite3.connect(database) as raw:
        assert raw.execute("SELECT taken FROM slot WHERE id = 1").fetchone()[0] > 0
    raw.close()
    await store.keep_draft(Visit("nobody"), "none", TYPED)
    await store.book(Visit("s"), 999_999, AMINA)
    await held(store, "other", 2)
    after = (await store.slots_left() + 1, await free(store, 1), [each.free for each in await store.services()])
    assert after[:2] == seen[:2]
    assert sum(after[2]) + 1 == sum(seen[2])


async def test_holding_the_same_slot_again_is_the_same_hold(store: SlotStore) -> None:
    before = await free(store, 1)
    first = await held(store, "s", 1)
    assert (await held(store, "s", 1)).id == first.id
    assert await free(store, 1) == before - 1


async def test_choosing_another_slot_frees_the_first_and_carries_what_was_typed(store: SlotStore) -> None:
    before = await free(store, 1)
    first = await held(store, "s", 1)
    await store.keep_draft(Visit("s"), first.id, TYPED)
    second = await held(store, "s", 4)
    assert second.draft == TYPED
    assert await free(store, 1) == before


async def test_a_full_slot_refused_leaves_the_earlier_hold_alone(store: SlotStore) -> None:
    mine = await held(store, "s", 4)
    await fill(store, 1)
    assert await store.place_hold(Visit("s"), 1) is Refusal.TAKEN
    assert await store.hold(Visit("s")) == mine


async def test_a_repeated_confirmation_is_the_same_booking_even_after_the_hold_expired(
    store: SlotStore, clock: ManualClock
) -> None:
    hold = await held(store, "s", 1)
    left = await store.slots_left()
    first = await store.confirm(Visit("s"), hold.id, TYPED, AMINA)
    clock.advance(HOLD_SECONDS * 2)
    again = await store.confirm(Visit("s"), hold.id, TYPED, AMINA)
    assert isinstance(first, Booking)
    assert isinstance(again, Booking)
    assert (first.fresh, again.fresh, again.reference) == (True, False, first.reference)
    assert await store.slots_left() == left


async def test_a_lapsed_hold_is_confirmed_if_the_place_is_still_free(store: SlotStore, clock: ManualClock) -> None:
    hold = await held(store, "s", 1)
    before = await free(store, 1)
    clock.advance(HOLD_SECONDS + 60)
    assert isinstance(await store.confirm(Visit("s"), hold.id, TYPED, AMINA), Booking)
    assert await free(store, 1) == before


async def test_a_lapsed_hold_whose_place_is_gone_is_refused_and_the_draft_kept(
    store: SlotStore, clock: ManualClock
) -> None:
    hold = await held(store, "s", 1)
    clock.advance(HOLD_SECONDS)
    await fill(store, 1)
    assert await store.confirm(Visit("s"), hold.id, TYPED, AMINA) is Refusal.LAPSED
    assert (await held(store, "s", 4)).draft == TYPED


async def test_what_was_typed_is_forgotten_after_the_longest_visit(
    store: SlotStore, clock: ManualClock, database: Path
) -> None:
    hold = await held(store, "s", 1)
    await store.keep_draft(Visit("s"), hold.id, TYPED)
    clock.advance(HOLD_SECONDS + DRAFT_SECONDS)
    await held(store, "other", 4)
    assert await store.hold(Visit("s")) is None
    with sqlite3.connect(database) as raw:
        assert raw.execute("SELECT count(*) FROM hold WHERE name <> ''").fetchone() == (0,)
    raw.close()


async def test_a_hold_can_be_prolonged_ten_times(store: SlotStore, clock: ManualClock) -> None:
    hold = await held(store, "s", 1)
    before = await free(store, 1)
    for _ in range(EXTENSIONS_MAX):
        clock.advance(HOLD_SECONDS - 1)
        assert isinstance(await store.extend(Visit("s"), hold.id, TYPED), Hold)
    assert await store.extend(Visit("s"), hold.id, TYPED) is Refusal.NO_MORE_TIME
    assert await free(store, 1) == before


async def test_a_lapsed_hold_is_prolonged_only_if_the_place_is_free(store: SlotStore, clock: ManualClock) -> None:
    hold = await held(store, "s", 1)
    before = await free(store, 1)
    clock.advance(HOLD_SECONDS)
    assert isinstance(await store.extend(Visit("s"), hold.id, TYPED), Hold)
    assert await free(store, 1) == before
    clock.advance(HOLD_SECONDS)
    await fill(store, 1)
    assert await store.extend(Visit("s"), hold.id, TYPED) is Refusal.LAPSED


async def test_another_visit_cannot_use_see_or_change_a_hold(store: SlotStore) -> None:
    hold = await held(store, "s", 1)
    assert await store.hold(Visit("thief"), hold.id) is None
    assert await store.confirm(Visit("thief"), hold.id, TYPED, AMINA) is Refusal.NO_HOLD
    assert await store.extend(Visit("thief"), hold.id, TYPED) is Refusal.NO_HOLD
    assert (await held(store, "s", 1)).draft == Draft()


async def test_one_visit_has_one_live_booking_per_service(store: SlotStore) -> None:
    made = await booked(store, "s", 1, AMINA)
    assert await store.book(Visit("s"), 4, BORIS) is Refusal.ALREADY_BOOKED
    assert await store.place_hold(Visit("s"), 4) is Refusal.ALREADY_BOOKED
    assert (await booked(store, "s", 2, AMINA)).reference != made.reference


async def test_one_file_number_has_one_live_booking_per_service_and_a_refusal_takes_no_place(store: SlotStore) -> None:
    await booked(store, "s-1", 1, AMINA)
    left = await store.slots_left()
    assert await store.book(Visit("s-2"), 4, AMINA) is Refusal.NUMBER_USED
    assert await store.slots_left() == left
    hold = await held(store, "s-2", 4)
    assert await store.confirm(Visit("s-2"), hold.id, TYPED, AMINA) is Refusal.NUMBER_USED
    assert isinstance(await store.confirm(Visit("s-2"), hold.id, TYPED, BORIS), Booking)


async def test_the_same_order_repeated_is_the_same_booking(store: SlotStore) -> None:
    first = await booked(store, "s", 1, AMINA)
    left = await store.slots_left()
    again = await booked(store, "s", 1, AMINA)
    assert (again.reference, again.fresh) == (first.reference, False)
    assert await store.slots_left() == left


async def test_booking_a_slot_one_already_holds_uses_that_place(store: SlotStore) -> None:
    await held(store, "s", 1)
    left = await store.slots_left()
    await booked(store, "s", 1, AMINA)
    assert await store.slots_left() == left


async def test_a_past_or_unknown_slot_is_refused(store: SlotStore, clock: ManualClock) -> None:
    slot = await store.slot(1)
    assert slot is not None
    clock.now = slot.starts_at
    assert await store.place_hold(Visit("s"), 1) is Refusal.PAST
    assert await store.book(Visit("s"), 1, AMINA) is Refusal.PAST
    assert await store.place_hold(Visit("s"), 999_999) is Refusal.NO_SLOT
    assert 1 not in {each.id for each in await store.slots(1)}


async def test_what_is_there_survives_a_restart_and_no_sample_is_added(
    store: SlotStore, database: Path, clock: ManualClock
) -> None:
    made = await booked(store, "s", 1, AMINA)
    left = await store.slots_left()
    again = SlotStore(database, clock=clock)
    await again.prepare(zone=PARIS, wanted=Filling(seed=2))
    found = await again.booking(Visit("s"), reference=made.reference)
    assert found is not None
    assert (found.applicant, await again.slots_left()) == (AMINA, left)
    await again.close()


async def test_a_file_of_another_version_is_refused(database: Path, clock: ManualClock) -> None:
    with sqlite3.connect(database) as raw:
        raw.execute("CREATE TABLE alembic_version (version_num TEXT)")
        raw.execute("INSERT INTO alembic_version VALUES ('r9999')")
    raw.close()
    store = SlotStore(database, clock=clock)
    with pytest.raises(WrongSchema, match="r9999"):
        await store.prepare(zone=PARIS, wanted=OFFICE)
    await store.close()


async def test_a_database_locked_by_somebody_else_is_busy_and_unchanged(
    store: SlotStore, database: Path, clock: ManualClock
) -> None:
    hurried = SlotStore(database, clock=clock, lock_wait_seconds=0.01)
    left = await store.slots_left()
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        await hurried.place_hold(Visit("s"), 1)
    assert await hurried.slots_left() == left
    other.execute("ROLLBACK")
    other.close()
    await held(hurried, "s", 1)
    await hurried.close()


async def test_the_database_itself_refuses_a_double_booking(store: SlotStore, database: Path) -> None:
    await booked(store, "s", 1, AMINA)
    raw = sqlite3.connect(database)
    with pytest.raises(sqlite3.IntegrityError, match="never_double"):
        raw.execute("UPDATE slot SET taken = capacity + 1 WHERE id = 1")
    copy = (
        "INSERT INTO booking (reference, hold_id, session, service_id, slot_id, counter_id, name, file_number, created_at) "
        "SELECT 'R2', 'H2', {session}, service_id, slot_id, counter_id, name, {number}, created_at FROM booking"
    )
    for session, number in (("session", "'0000000000'"), ("'s-2'", "file_number")):
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            raw.execute(copy.format(session=session, number=number))
    raw.close()
