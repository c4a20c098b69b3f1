"""What visitors trigger: one place each, one admission each, proofs that hold."""

import asyncio
from collections.abc import Callable

import pytest

from ecluse.clock import ManualClock
from ecluse.domain.errors import Expired, Forged, Gone, UnknownLane, WrongRoom
from ecluse.domain.room import Lane
from ecluse.services.boards import BoardView
from ecluse.services.ticks import RoomTicks
from ecluse.services.visits import Admission, Place, Visits
from ecluse.store.line import Called, Closed, Early, Missed, Waiting
from ecluse.store.line import Gone as GoneStanding
from ecluse.store.rooms import RoomStore
from ecluse.tokens import PassSigner, SigningKey, Ticket, TicketSigner, new_id
from tests.ecluse.store.conftest import Bench, OpenBench

KEYS = [SigningKey.from_secret("a key for the tests of visits")]


class Hall:
    """Visits over a bench; one clock for both."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.clock = ManualClock(bench.now / 1000)
        room = bench.line.room
        self.board = BoardView(room, RoomStore(bench.store, room))
        self.tickets, self.passes = TicketSigner(KEYS, clock=self.clock), PassSigner(KEYS, clock=self.clock)
        self.visits = Visits(bench.line, self.board, self.tickets, self.passes, clock=self.clock)
        self.ticks = RoomTicks(bench.line)

    async def turn(self, seconds: float = 1.0) -> None:
        self.bench.advance(seconds)
        self.clock.advance(seconds)
        await self.ticks.turn()
        await self.board.refresh(self.bench.now)

    async def place(self, lane: str | None = None) -> Place:
        found = await self.visits.join(None, lane)
        assert isinstance(found, Place)
        return found

    async def called(self) -> Ticket:
        ticket = (await self.place()).ticket
        await self.bench.call(1)
        return ticket


OpenHall = Callable[..., Hall]


@pytest.fixture
def open_hall(open_bench: OpenBench) -> OpenHall:
    def build(**rules: object) -> Hall:
        return Hall(open_bench(**({"burst": 3} | rules)))

    return build


async def test_who_arrives_first_is_admitted_and_who_comes_later_gets_a_place(open_hall: OpenHall) -> None:
    hall = open_hall(burst=1)
    first = await hall.visits.arrive(None)
    assert isinstance(first, Admission)
    assert hall.visits.read_pass(first.token) == first.granted
    assert first.granted.expires_at - first.granted.issued_at == 30
    second = await hall.visits.arrive(None)
    assert isinstance(second, Place)
    assert (second.standing, second.fresh) == (Waiting(0), True)
    assert hall.visits.check_ticket(second.token) == second.ticket
    kept = await hall.visits.arrive(second.ticket)
    assert isinstance(kept, Place)
    assert (kept.ticket, kept.fresh) == (second.ticket, False)


async def test_joining_never_admits_at_once(open_hall: OpenHall) -> None:
    hall = open_hall()
    assert (await hall.place()).standing == Waiting(0)


async def test_a_lane_is_chosen_by_name_and_kept(open_hall: OpenHall) -> None:
    hall = open_hall(lanes=(Lane(id="main"), Lane(id="urgent")))
    urgent = await hall.place("urgent")
    assert urgent.ticket.lane == "urgent"
    again = await hall.visits.join(urgent.ticket, "main")
    assert isinstance(again, Place)
    assert again.ticket == urgent.ticket, "another lane was had by asking"
    with pytest.raises(UnknownLane):
        await hall.visits.join(None, "nowhere")


async def test_claiming_again_gives_the_same_admission(open_hall: OpenHall) -> None:
    hall = open_hall()
    ticket = await hall.called()
    found = await asyncio.gather(*(hall.visits.claim(ticket) for _ in range(50)))
    assert all(isinstance(each, Admission) for each in found)
    assert len({each.token for each in found if isinstance(each, Admission)}) == 1
    again = await hall.visits.arrive(ticket)
    assert isinstance(again, Admission)
    assert again == found[0]
    assert await hall.bench.number("admissions") == 1


async def test_where_a_ticket_waits_is_told_from_memory_only_when_that_is_sure(open_hall: OpenHall) -> None:
    hall = open_hall(burst=1, pace_per_minute=6)
    places = [await hall.place() for _ in range(5)]
    assert hall.visits.from_memory(places[4].ticket) is None, "no board yet"
    await hall.turn()
    last = places[4].ticket
    from_memory = hall.visits.from_memory(last)
    assert from_memory == await hall.bench.line.look(last.id)
    newcomer = (await hall.place()).ticket
    assert hall.visits.from_memory(newcomer) is None
    assert await hall.visits.stand(newcomer) == Waiting(len(await hall.bench.members("main")) - 1)
    other_life = Ticket(room="salle", lane="main", id=last.id, number=last.number, epoch="z" * 8,
                        issued_at=last.issued_at)  # fmt: skip
    assert hall.visits.from_memory(other_life) is None
    called = [place.ticket for place in places if place.ticket.id in await hall.bench.members("called")]
    assert called
    assert hall.visits.from_memory(called[0]) is None
    await hall.visits.leave(last)
    assert hall.visits.from_memory(last) is None
    assert await hall.visits.stand(last) == GoneStanding()


async def test_a_claim_tells_each_standing(open_hall: OpenHall) -> None:
    hall = open_hall(burst=1, pace_per_minute=6)
    first, late, third = await hall.called(), await hall.called(), (await hall.place()).ticket
    assert await hall.visits.claim(third) == Waiting(0)
    assert isinstance(await hall.visits.claim(first), Admission)
    early = await hall.visits.claim(late)
    assert isinstance(early, Early)
    assert isinstance(await hall.visits.extend(late), Called)
    await hall.turn(100)
    assert await hall.visits.claim(late) == Missed()
    back = await hall.visits.join(late, None)
    assert isinstance(back, Place)
    assert back.standing == Waiting(0)
    await hall.bench.set(mode="closed")
    assert await hall.visits.join(None, None) == Closed()


async def test_a_pass_is_over_when_its_visit_is_here_at_once(open_hall: OpenHall) -> None:
    hall = open_hall()
    admission = await hall.visits.claim(await hall.called())
    assert isinstance(admission, Admission)
    assert hall.visits.is_live(admission.granted)
    assert await hall.visits.finish(admission.granted.session)
    assert not hall.visits.is_live(admission.granted)
    with pytest.raises(Gone):
        hall.visits.read_pass(admission.token)
    assert await hall.visits.renew(admission.granted) is None
    assert not await hall.visits.finish(admission.granted.session)


async def test_a_visit_is_renewed_when_a_fifth_of_its_idle_time_has_passed(open_hall: OpenHall) -> None:
    hall = open_hall()
    admission = await hall.visits.claim(await hall.called())
    assert isinstance(admission, Admission)
    granted = admission.granted
    assert not hall.visits.renewal_due(granted)
    await hall.turn(7)
    assert hall.visits.renewal_due(granted)
    renewed = await hall.visits.renew(granted)
    assert renewed is not None
    assert renewed.granted.expires_at == granted.expires_at + 7
    assert renewed.granted.issued_at == granted.issued_at
    for _ in range(20):
        await hall.turn(7)
        renewed = await hall.visits.renew(renewed.granted)
        if renewed is None:
            break
        assert renewed.granted.expires_at <= granted.issued_at + 90
        last = renewed.granted
    assert not hall.visits.renewal_due(last), "at its longest time there is nothing to ask for"


async def test_proofs_are_checked_before_they_are_believed(open_hall: OpenHall) -> None:
    hall = open_hall()
    place = await hall.place()
    foreign = Ticket(room="autre", lane="main", id=new_id(), number=1, epoch="e" * 8, issued_at=int(hall.clock()))
    unknown = Ticket(room="salle", lane="gone", id=new_id(), number=1, epoch="e" * 8, issued_at=int(hall.clock()))
    for token, error in (
        (place.token[:-1], Forged), (place.token + "A", Forged), ("", Forged), (place.ticket.id, Forged),
        (hall.tickets.sign(foreign), WrongRoom), (hall.tickets.sign(unknown), UnknownLane),
    ):  # fmt: skip
        with pytest.raises(error):
            hall.visits.check_ticket(token)
        assert hall.visits.read_ticket(token) is None
    for token in (place.token, place.ticket.id, "a.b.c"):
        with pytest.raises(Forged):
            hall.visits.read_pass(token)
    grace = hall.visits.grace()
    with pytest.raises(Forged):
        hall.visits.check_ticket(grace.token)


async def test_a_ticket_seen_before_is_not_believed_for_ever(open_hall: OpenHall) -> None:
    hall = open_hall()
    place = await hall.place()
    assert hall.visits.check_ticket(place.token) == place.ticket
    hall.clock.advance(86_401)
    with pytest.raises(Expired):
        hall.visits.check_ticket(place.token)


async def test_a_grace_pass_lives_a_minute_and_takes_no_place(open_hall: OpenHall) -> None:
    hall = open_hall()
    grace = hall.visits.grace()
    assert grace.granted.expires_at - grace.granted.issued_at == 60
    assert hall.visits.read_pass(grace.token) == grace.granted
    assert await hall.bench.number("number") == 0


async def test_after_everything_was_lost_a_ticket_is_signed_anew_at_its_own_place(open_hall: OpenHall) -> None:
    hall = open_hall()
    places = [await hall.place() for _ in range(3)]
    await hall.turn(0)
    known = hall.board.epoch
    hall.bench.advance(2)
    await hall.bench.store.command("FLUSHALL")
    newcomer = await hall.place()
    assert newcomer.ticket.epoch != known
    found = [await hall.visits.arrive(place.ticket) for place in reversed(places)]
    assert all(isinstance(each, Place) and each.fresh for each in found)
    tickets = [each.ticket for each in reversed(found) if isinstance(each, Place)]
    assert [ticket.number for ticket in tickets] == [place.ticket.number for place in places]
    assert {ticket.epoch for ticket in tickets} == {newcomer.ticket.epoch}
    assert await hall.bench.members("main") == [*(place.ticket.id for place in places), newcomer.ticket.id]
    assert [await hall.bench.line.look(ticket.id) for ticket in tickets] == [Waiting(0), Waiting(1), Waiting(2)]
