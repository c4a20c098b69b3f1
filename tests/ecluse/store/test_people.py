"""One live place a person, in Redis: whatever runs at once, whatever was lost, and nothing left when the ticket ends."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ecluse.domain.errors import PersonKeyChanged
from ecluse.domain.opening import Moment, Schedule, Timetable
from ecluse.domain.person import Applicant
from ecluse.domain.room import Lane
from ecluse.store.draws import DrawStore
from ecluse.store.line import Admitted, Called, Closed, Entry, Gone, Known, Missed, OtherCampaign, Waiting
from ecluse.store.tries import COUNTERS, Mark, Tries
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, Bench, OpenBench


def person(who: int = 1, *, campaign: int | None = None, key: str = "aaaaaaaa") -> Applicant:
    return Applicant(person=f"{campaign or 0}-{who:022}", key=key, campaign_ms=campaign)


async def enter(bench: Bench, who: Applicant, *, at_once: bool = False, lane: str = "main") -> Any:
    ticket = new_id()
    found = await bench.line.enter(ticket, lane, EPOCH, at_once=at_once, applicant=who)
    return (ticket, found) if isinstance(found, Entry) else found


async def people(bench: Bench) -> int:
    """How many fields there are, without the name of the key."""
    return int(await bench.store.command("HLEN", bench.line.keys.step[11])) - 1


async def test_two_hundred_joins_at_once_with_one_number_give_one_place(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True, lines=3)
    lines = [bench.line, *bench.more]
    found = await asyncio.gather(
        *(lines[i % 3].enter(new_id(), "main", EPOCH, at_once=i % 2 == 0, applicant=person()) for i in range(200))
    )
    entries = [each for each in found if isinstance(each, Entry)]
    assert len(entries) == 1
    known = {each for each in found if isinstance(each, Known)}
    assert len(known) == 1, "all others are told of the same ticket"
    assert known.pop().number == entries[0].number
    held = await bench.members("main") + await bench.members("admitted")
    assert len(held) == 1


@pytest.mark.parametrize("state", ["waiting", "called", "missed", "admitted"])
async def test_who_has_a_place_gets_no_second_one_whatever_became_of_it(open_bench: OpenBench, state: str) -> None:
    bench = open_bench(nominative=True, lanes=(Lane(id="main"), Lane(id="urgent")))
    ticket, entry = await enter(bench, person(), lane="urgent")
    if state != "waiting":
        await bench.call(1)
    if state == "missed":
        bench.advance(21)
        await bench.line.expire()
    if state == "admitted":
        assert isinstance(await bench.line.claim(ticket), Admitted)
    again = await enter(bench, person(), at_once=True)
    assert again == Known(ticket_id=ticket, lane="urgent", number=entry.number, epoch=EPOCH, drawn=False)
    assert isinstance(await enter(bench, person(2)), tuple), "somebody else is free to join"


async def test_a_person_admitted_at_once_has_their_place(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    ticket, entry = await enter(bench, person(), at_once=True)
    assert isinstance(entry.standing, Admitted)
    assert (await enter(bench, person(), at_once=True)).ticket_id == ticket
    await bench.line.finish(ticket)
    assert isinstance((await enter(bench, person()))[1].standing, Waiting)


async def test_entries_end_with_the_ticket_so_that_nothing_is_left(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True, burst=10)
    left, finished, over, gone, once = [(await enter(bench, person(who)))[0] for who in range(5)]
    assert await people(bench) == 10
    await bench.call(5)
    await bench.line.leave(left)
    for ticket in (finished, over):
        assert isinstance(await bench.line.claim(ticket), Admitted)
    await bench.line.finish(finished)
    bench.advance(21)
    await bench.line.expire()
    assert await people(bench) == 6, "a turn missed once is kept"
    entry = await bench.line.restore(gone, "main", 1.0, 1, epochs=(EPOCH, EPOCH), back=True, person=person(3).person)
    assert entry.put_back
    await bench.call(1)
    bench.advance(21)
    await bench.line.expire()
    assert await bench.line.look(gone) == Gone()
    assert await people(bench) == 2
    assert isinstance(await bench.line.look(once), Missed)
    bench.advance(86_401)
    await bench.line.expire()
    assert await people(bench) == 0
    for who in range(5):
        assert isinstance(await enter(bench, person(who)), tuple)


async def test_a_room_that_asks_for_nobody_touches_no_key_of_people(open_bench: OpenBench) -> None:
    bench = open_bench()
    (ticket,) = await bench.enter(1)
    await bench.call(1)
    await bench.line.claim(ticket)
    await bench.line.finish(ticket)
    assert await bench.store.command("EXISTS", bench.line.keys.step[11]) == 0


async def test_a_changed_key_stops_newcomers_rather_than_give_second_places(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    ticket, _ = await enter(bench, person())
    with pytest.raises(PersonKeyChanged):
        await enter(bench, person(9, key="bbbbbbbb"))
    assert await bench.members("main") == [ticket]
    await bench.line.leave(ticket)
    assert isinstance(await enter(bench, person(9, key="bbbbbbbb")), tuple), "nobody is left under the old key"
    with pytest.raises(PersonKeyChanged):
        await enter(bench, person())


async def test_a_digest_for_another_campaign_is_sent_back_with_the_right_one(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True, timetable=Timetable(zone=ZoneInfo("UTC")))
    state = bench.line.keys.step[0]
    await bench.store.command("HSET", state, "campaign_at", "1799999000000", "schedule", "open")
    assert await enter(bench, person()) != OtherCampaign(0), "for all of them"
    assert await enter(bench, person(campaign=1)) == OtherCampaign(1_799_999_000_000)
    assert isinstance(await enter(bench, person(campaign=1_799_999_000_000)), tuple)


async def test_a_campaign_ends_the_entries_of_the_one_before(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True, timetable=Timetable(zone=ZoneInfo("UTC")))
    at = int(bench.now)
    draws = DrawStore(bench.line)
    opening = Moment(
        schedule=Schedule.OPEN, until_ms=at + 10**6, opens_at_ms=at, closes_at_ms=at + 10**6, prequeue_at_ms=at
    )
    await draws.settle(opening, Schedule.OPEN, "")
    assert isinstance(await enter(bench, person(campaign=at)), tuple)
    after = Moment(schedule=Schedule.CLOSED, until_ms=at + 10**7, opens_at_ms=at + 10**7)
    await draws.settle(after, Schedule.CLOSED, "")
    assert await bench.store.command("EXISTS", bench.line.keys.step[11]) == 0
    assert await enter(bench, person(campaign=at)) == Closed()


async def lose(bench: Bench) -> None:
    await bench.store.command("FLUSHALL")


async def test_a_ticket_that_comes_back_after_a_loss_is_its_persons_place_again(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    ticket, entry = await enter(bench, person())
    await lose(bench)
    back = await bench.line.restore(
        ticket, "main", entry.number, entry.number, epochs=(EPOCH, "epoch-02"), back=False, person=person().person
    )
    assert back.put_back
    assert (await enter(bench, person())).ticket_id == ticket


async def test_after_a_loss_the_earlier_of_two_waiting_places_wins(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    old, entry = await enter(bench, person())
    await lose(bench)
    bench.advance(1)
    new, _ = await enter(bench, person())
    back = await bench.line.restore(
        old, "main", entry.number, entry.number, epochs=(EPOCH, EPOCH), back=False, person=person().person
    )
    # The number of the later life is higher, so the first ticket counts as lost only if its epoch differs.
    assert back.standing == Gone()
    back = await bench.line.restore(
        old, "main", entry.number, entry.number, epochs=("epoch-00", EPOCH), back=False, person=person().person
    )
    assert back.put_back
    assert await bench.members("main") == [old]
    assert await bench.line.look(new) == Gone()
    assert await people(bench) == 2


async def test_after_a_loss_who_was_called_with_a_later_place_keeps_that(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    old, entry = await enter(bench, person())
    await lose(bench)
    new, _ = await enter(bench, person())
    await bench.call(1)
    back = await bench.line.restore(
        old, "main", entry.number, entry.number, epochs=("epoch-00", EPOCH), back=False, person=person().person
    )
    assert back.standing == Gone()
    assert isinstance(await bench.line.look(new), Called)


async def test_a_visit_that_a_loss_forgot_holds_its_persons_place_again(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    ticket, _ = await enter(bench, person(), at_once=True)
    await lose(bench)
    bench.advance(1)
    assert isinstance(
        await bench.line.renew(ticket, int(bench.now) - 1000, person=person().person, lane="main"), Admitted
    )
    assert (await enter(bench, person())).ticket_id == ticket


async def test_tries_are_counted_for_a_while_in_counters_of_a_fixed_size(open_bench: OpenBench) -> None:
    bench = open_bench(nominative=True)
    tries = Tries(bench.store, bench.line.room, stretch_ms=600_000)
    tries.now_ms = bench.now
    network, number = Mark(digest=b"networks", most=5), Mark(digest=b"numbers!", most=3)
    assert [await tries.count([network, number]) for _ in range(3)] == [None] * 3
    wait_ms = await tries.count([network, number])
    assert wait_ms is not None
    assert 0 < wait_ms <= 600_000
    assert await tries.count([network]) is None, "a refused try counts nowhere"
    assert await tries.count([network]) is None
    assert await tries.count([network]) is not None
    assert await tries.count([Mark(digest=b"somebody", most=1)]) is None
    for who in range(3000):
        await tries.count([Mark(digest=who.to_bytes(8, "little") * 1, most=60_000)])
    assert await bench.store.command("STRLEN", bench.line.keys.tries) <= 4 * COUNTERS + 4
    assert await bench.store.command("PTTL", bench.line.keys.tries) > 0
    tries.now_ms += wait_ms
    assert await tries.count([network, number]) is None
