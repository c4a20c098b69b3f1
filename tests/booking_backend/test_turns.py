"""Who shares a turn waits for it, on one connection of a process at most: nobody else waits with them."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend.slots import Applicant, Booking, Busy, Hold, Refusal, Visit
from booking_backend.store import SlotStore
from booking_backend.turns import Turns
from tests.booking_backend.places import AMINA

PRESSES = 100
BORIS = Applicant(name="Boris", file_number="93B7654321")

Both = tuple[SlotStore, SlotStore]
Press = Callable[[SlotStore, int], Awaitable[Hold | Booking | Refusal]]


async def waiting_connections(store: SlotStore) -> int:
    """How many connections to the database of `store` wait for somebody's turn."""
    async with store.transactions.reading() as conn:
        found = await conn.execute(
            text(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
            )
        )
        return int(found.scalar_one())


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("turn", "press"),
    [
        ("visit greedy", lambda store, _: store.place_hold(Visit("greedy"), 1)),
        (f"number {AMINA.file_number}", lambda store, number: store.book(Visit(f"greedy-{number}"), 1, AMINA)),
    ],
    ids=["one visit", "one file number"],
)
async def test_a_hundred_presses_with_one_turn_wait_on_one_connection_while_others_book(
    both: Both, turn: str, press: Press
) -> None:
    mine, elsewhere = both
    taken, given_back = asyncio.Event(), asyncio.Event()

    async def keep(_conn: AsyncConnection) -> None:
        taken.set()
        await given_back.wait()

    keeping = asyncio.create_task(elsewhere.transactions.write(keep, turns=[turn]))
    await taken.wait()
    presses = [asyncio.ensure_future(press(mine, number)) for number in range(PRESSES)]
    try:
        while not await waiting_connections(elsewhere):
            assert not any(each.done() for each in presses)
        assert isinstance(await mine.book(Visit("other"), 2, BORIS), Booking)
        assert await waiting_connections(elsewhere) == 1
        assert not any(each.done() for each in presses)
    finally:
        given_back.set()
        results = await asyncio.gather(*presses, return_exceptions=True)
        await keeping
    assert all(isinstance(each, Hold | Booking | Refusal | Busy) for each in results), results
    assert (
        len(
            {each.id for each in results if isinstance(each, Hold)}
            | {each.reference for each in results if isinstance(each, Booking)}
        )
        == 1
    )


async def test_a_turn_goes_round_in_the_order_of_asking_and_other_names_do_not_wait() -> None:
    turns, order = Turns(wait_seconds=None), list[int]()

    async def step(number: int) -> None:
        async with turns.of(["a"]):
            order.append(number)
            await asyncio.sleep(0)

    async with turns.of(["a"]):
        steps = [asyncio.create_task(step(number)) for number in range(5)]
        await asyncio.sleep(0)
        async with turns.of(["b"]):
            assert order == []
    await asyncio.gather(*steps)
    assert order == [0, 1, 2, 3, 4]


async def test_two_that_name_the_same_turns_in_different_order_never_wait_for_each_other() -> None:
    turns, inside = Turns(wait_seconds=None), list[str]()

    async def step(names: list[str]) -> None:
        async with turns.of(names):
            inside.append("in")
            await asyncio.sleep(0)
            inside.append("out")

    await asyncio.gather(*(step(names) for names in (["a", "b"], ["b", "a"], ["b", "b", "a"]) * 5))
    assert inside == ["in", "out"] * 15


async def test_who_gives_up_waiting_keeps_nothing_and_a_name_nobody_wants_is_forgotten() -> None:
    turns = Turns(wait_seconds=None)

    async def step() -> None:
        async with turns.of(["a", "b"]):
            pass

    await step()
    assert not turns._locks
    async with turns.of(["b"]):
        given_up, patient = asyncio.create_task(step()), asyncio.create_task(step())
        await asyncio.sleep(0)
        assert set(turns._locks) == {"a", "b"}
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert given_up.cancelled()
    await patient
    del given_up  # its exception remembers where it waited
    gc.collect()
    assert not turns._locks


async def test_waiting_for_a_turn_has_an_end() -> None:
    turns = Turns(wait_seconds=0.01)
    async with turns.of(["b"]):
        with pytest.raises(TimeoutError):
            async with turns.of(["a", "b"]):
                pytest.fail("two had one turn")
        async with turns.of(["a"]):
            pass
