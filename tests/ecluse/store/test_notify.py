"""Addresses in Redis: each event is told once whoever asks, and nothing is kept beyond the ticket, however it ends."""

import asyncio
from collections import Counter

import pytest

from ecluse.domain.errors import AddressesFull, ChangedTooOften, Gone
from ecluse.domain.notify import Address, Event, Way
from ecluse.domain.room import Lane
from ecluse.store.notify import LOOKS, Addresses, Due
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import Bench, OpenBench

NOBODY = {"main": -1}
SOON = {"main": 9}


def mail(name: str, lang: str = "fr") -> Address:
    return Address(way=Way.EMAIL, to=f"{name}@example.org", lang=lang)


async def keep(bench: Bench, *tickets: str) -> Addresses:
    addresses = Addresses(bench.line)
    for ticket in tickets:
        await addresses.keep(ticket, mail(ticket), most=10_000)
    return addresses


async def told(addresses: Addresses, near: dict[str, int] = NOBODY, turns: int = 3) -> list[tuple[Event, str]]:
    found: list[Due] = []
    for _ in range(turns):
        found += (await addresses.take(near, 100))[1]
    return [(due.event, due.ticket_id) for due in found]


async def kept(bench: Bench) -> int:
    return int(await bench.store.command("HLEN", bench.line.keys.notify))


async def test_an_address_is_kept_as_it_was_given_and_forgotten_when_asked(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1)
    addresses = Addresses(bench.line)
    assert await addresses.of(ticket) is None
    for address in (mail("a"), Address(way=Way.PHONE, to="+33612345678", lang="en")):
        await addresses.keep(ticket, address, most=10)
        assert await addresses.of(ticket) == address
    assert await kept(bench) == 1, "one address for a ticket"
    assert await addresses.forget(ticket)
    assert await addresses.of(ticket) is None
    assert b"example.org" not in await bench.store.command("HGET", bench.line.keys.notify, ticket)
    assert not await addresses.forget(new_id())


async def test_a_turn_that_is_near_is_told_once_and_a_turn_that_came_once(open_bench: OpenBench) -> None:
    bench = open_bench()
    tickets = await bench.enter(20)
    addresses = await keep(bench, tickets[3], tickets[15])
    assert await told(addresses) == []
    assert await told(addresses, SOON) == [(Event.NEAR, tickets[3])]
    await bench.call(4)
    assert await told(addresses, NOBODY) == [(Event.CALLED, tickets[3])]
    assert await told(addresses, SOON) == []
    await bench.call(5)
    assert await told(addresses, SOON) == [(Event.NEAR, tickets[15])]


async def test_what_is_told_says_how_many_are_ahead_where_and_in_which_language(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=(Lane(id="main"), Lane(id="urgent")))
    await bench.enter(5)
    urgent = await bench.enter(3, lane="urgent")
    addresses = Addresses(bench.line)
    for ticket in urgent:
        await addresses.keep(ticket, mail(ticket, "en"), most=10)
    count, due = await addresses.take({"main": 100, "urgent": 1}, 100)
    assert (count, {each.ticket_id for each in due}) == (3, set(urgent[:2]))
    assert {(each.lane, each.ahead, each.address.lang) for each in due} == {("urgent", 0, "en"), ("urgent", 1, "en")}


async def test_two_workers_that_ask_at_once_never_tell_the_same_person_twice(open_bench: OpenBench) -> None:
    bench = open_bench(lines=4, claim_ms=600_000)
    tickets = await bench.enter(300)
    await keep(bench, *tickets)
    await bench.call(150)
    workers = [Addresses(line) for line in (bench.line, *bench.more)]
    seen: Counter[tuple[str, Event]] = Counter()
    for _ in range(30):
        for _, due in await asyncio.gather(*(worker.take({"main": 1000}, 40) for worker in workers)):
            assert len(due) <= 40
            seen.update((each.ticket_id, each.event) for each in due)
    assert set(seen.values()) == {1}
    assert set(seen) == {(t, Event.CALLED) for t in tickets[:150]} | {(t, Event.NEAR) for t in tickets[150:]}


async def test_no_more_is_taken_than_can_be_sent_and_the_rest_comes_later(open_bench: OpenBench) -> None:
    bench = open_bench()
    tickets = await bench.enter(10)
    addresses = await keep(bench, *tickets)
    found = [(await addresses.take(SOON, 3))[1] for _ in range(4)]
    assert [len(due) for due in found] == [3, 3, 3, 1]
    assert {each.ticket_id for due in found for each in due} == set(tickets)


async def test_a_crowd_of_addresses_is_looked_at_in_bounded_pieces_and_nobody_is_left_out(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(claim_ms=600_000)
    tickets = await bench.enter(LOOKS * 6)
    await keep(bench, *tickets)
    addresses = Addresses(bench.line)
    near: Counter[str] = Counter()
    for _ in range(20):
        _, due = await addresses.take({"main": 10_000}, 10_000)
        assert len(due) <= LOOKS * 3, "a piece is about so many, whatever there is"
        near.update(each.ticket_id for each in due)
    assert near == Counter(tickets)


@pytest.mark.parametrize("mode", ["paused", "closed"])
async def test_nobody_is_told_of_a_turn_while_the_room_stands_still(open_bench: OpenBench, mode: str) -> None:
    bench = open_bench()
    tickets = await bench.enter(4)
    addresses = await keep(bench, *tickets)
    await bench.call(2)
    await bench.set(mode=mode)
    assert await told(addresses, SOON) == []
    await bench.set(mode="open")
    assert len(await told(addresses, SOON)) == 4


async def end_by_leaving(bench: Bench, ticket: str) -> None:
    await bench.line.leave(ticket)


async def end_by_leaving_when_called(bench: Bench, ticket: str) -> None:
    await bench.call(1)
    await bench.line.leave(ticket)


async def end_by_entering(bench: Bench, ticket: str) -> None:
    await bench.call(1)
    await bench.line.claim(ticket)


async def end_by_the_end_of_the_visit(bench: Bench, ticket: str) -> None:
    await end_by_entering(bench, ticket)
    await bench.line.finish(ticket)


async def end_by_missing_twice(bench: Bench, ticket: str) -> None:
    for _ in range(2):
        await bench.call(1)
        bench.advance(21)
        await bench.line.expire()
        await bench.line.restore(ticket, "main", 1.0, 1, epochs=("epoch-01", "epoch-01"), back=True)


async def end_by_never_coming_back(bench: Bench, ticket: str) -> None:
    await bench.call(1)
    bench.advance(21)
    await bench.line.expire()
    bench.advance(90_000)
    await bench.line.expire()


async def end_with_the_campaign(bench: Bench, _ticket: str) -> None:
    await bench.store.command("UNLINK", *bench.line.keys.lines.values())


@pytest.mark.parametrize(
    "end",
    [end_by_leaving, end_by_leaving_when_called, end_by_entering, end_by_the_end_of_the_visit, end_by_missing_twice,
     end_by_never_coming_back, end_with_the_campaign],
)  # fmt: skip
async def test_an_address_is_deleted_however_its_ticket_ends(open_bench: OpenBench, end: object) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1)
    addresses = await keep(bench, ticket)
    await end(bench, ticket)  # type: ignore[operator]
    await told(addresses, SOON)
    assert await kept(bench) == 0
    with pytest.raises(Gone):
        await addresses.keep(ticket, mail("again"), most=10)
    assert await kept(bench) == 0


async def test_a_missed_turn_keeps_the_address_and_its_second_call_is_told_too(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1)
    addresses = await keep(bench, ticket)
    await bench.call(1)
    assert await told(addresses) == [(Event.CALLED, ticket)]
    bench.advance(21)
    await bench.line.expire()
    assert await told(addresses, SOON) == []
    await bench.line.restore(ticket, "main", 1.0, 1, epochs=("epoch-01", "epoch-01"), back=True)
    await bench.call(1)
    assert await told(addresses, SOON) == [(Event.CALLED, ticket)]


async def test_an_address_does_not_outlive_its_ticket_even_without_a_worker(open_bench: OpenBench) -> None:
    bench = open_bench()
    await keep(bench, *(await bench.enter(1)))
    left_ms = await bench.store.command("PTTL", bench.line.keys.notify)
    assert 0 < left_ms <= 86_400_000


async def test_a_room_keeps_so_many_addresses_and_no_more(open_bench: OpenBench) -> None:
    bench = open_bench()
    tickets = await bench.enter(4)
    addresses = Addresses(bench.line)
    for ticket in tickets[:3]:
        await addresses.keep(ticket, mail("a"), most=3)
    with pytest.raises(AddressesFull):
        await addresses.keep(tickets[3], mail("a"), most=3)
    await addresses.keep(tickets[0], mail("b"), most=3)
    assert await kept(bench) == 3


async def test_one_ticket_writes_to_few_strangers_whatever_it_changes(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1)
    addresses = Addresses(bench.line)
    seen = []
    for n in range(5):
        await addresses.keep(ticket, mail(f"stranger-{n}"), most=10)
        await addresses.keep(ticket, mail(f"stranger-{n}"), most=10)
        seen += await told(addresses, SOON)
        await addresses.forget(ticket)
    assert seen == [(Event.NEAR, ticket)], "another address does not start anew what was told"
    with pytest.raises(ChangedTooOften):
        await addresses.keep(ticket, mail("one-more"), most=10)
    await bench.call(1)
    assert await told(addresses) == [], "a deleted address is told nothing"
