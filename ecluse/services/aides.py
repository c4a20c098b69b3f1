"""What a helper triggers in one room: take a place for somebody, see how it stands, use it here, give it up.

The helper (in code: aide) keeps to itself for whom a place is. Here it is a ticket like any other, in the same line.
"""

import asyncio
import json
from dataclasses import dataclass

from ecluse.domain.errors import (
    Inside,
    PersonKeyChanged,
    PersonKnown,
    PersonNeeded,
    QuotaFull,
    RoomClosed,
    RoomFull,
    RoomNotYours,
    StoreAway,
    TooManyTries,
    UnknownLane,
    UnknownPlace,
)
from ecluse.domain.journal import Action
from ecluse.services.moves import Moves
from ecluse.services.visits import Admission, Place, Visits
from ecluse.settings import AideSettings
from ecluse.store.aided import AidedStore
from ecluse.store.line import Admitted, Closed, Early, Full, Gone, Known, Standing
from ecluse.store.rooms import RoomStore
from ecluse.tokens import Ticket, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AidedPlace:
    """A place that a helper took, its code, and whether it has moved to another device since."""

    ticket: Ticket
    standing: Standing
    code: str
    moved: bool


class Aides:
    """The helpers of one room. Every method may raise StoreAway, and RoomNotYours to a helper of other rooms."""

    def __init__(self, visits: Visits, moves: Moves, aided: AidedStore, store: RoomStore) -> None:
        self._visits = visits
        self._moves = moves
        self._aided = aided
        self._store = store

    def lanes(self, who: AideSettings) -> list[str]:
        """The lanes this helper may choose from."""
        return [who.lane] if who.lane else [lane.id for lane in self._visits.room.lanes]

    async def take(
        self, who: AideSettings, lane: str | None, *, number: str | None = None, confirm: bool = False
    ) -> Place:  # fmt: skip
        """A place at the end of the line, within the quota, and an entry in the journal.

        A nominative room takes the person's `number` here as in a join: who has a place keeps that one, and with
        `confirm` it comes to the helper. Raises QuotaFull, RoomFull, RoomClosed, UnknownLane, and where places belong
        to persons PersonNeeded, PersonKnown, PersonKeyChanged, TooManyTries, Inside.
        """
        self._check(who)
        chosen = lane or self.lanes(who)[0]
        if chosen not in self.lanes(who):
            raise UnknownLane(chosen)
        ticket_id = new_id()
        if not await self._aided.keep(who.name, ticket_id, who.quota):
            raise QuotaFull
        try:
            found = _given(await self._visits.take(ticket_id, chosen, number=number, confirm=confirm))
        except (RoomFull, RoomClosed, PersonNeeded, PersonKnown, PersonKeyChanged, TooManyTries, Inside):
            await self._aided.release(who.name, ticket_id)
            raise
        await self._keep(who, found)
        if found.ticket.id != ticket_id:
            # The place this person had counts, in place of the one kept free.
            await self._aided.release(who.name, ticket_id)
        return found

    async def _keep(self, who: AideSettings, found: Place) -> None:
        """The place is this helper's, and in the journal."""
        about = {"ticket": found.ticket.id, "lane": found.ticket.lane}
        try:
            await self._remember(who, found.ticket)
            await self._moves.show(found.ticket)
            action = Action.TAKE_OVER if found.taken_over else Action.PLACE
            await self._store.note(action, about, who=_name(who), reason="")
        except StoreAway:
            # No place without its entry: whoever asked is told to try again, and gets another. A person's own stays.
            if not found.taken_over:
                await self._visits.leave(found.ticket)
            raise

    async def places(self, who: AideSettings) -> list[AidedPlace]:
        """Every place of this helper that is not over, in order of arrival."""
        self._check(who)
        tickets = [Ticket(**json.loads(record)) for record in (await self._aided.records(who.name)).values()]
        found = await asyncio.gather(*(self._place(ticket) for ticket in tickets))
        return sorted((p for p in found if not isinstance(p.standing, Gone)), key=lambda place: place.ticket.number)

    async def place(self, who: AideSettings, ticket_id: str) -> AidedPlace:
        """One place. Raises UnknownPlace."""
        return await self._place(await self._ticket(who, ticket_id))

    async def _place(self, ticket: Ticket) -> AidedPlace:
        return AidedPlace(
            ticket=ticket, standing=await self._moves.stand(ticket), code=self._moves.code_of(ticket),
            moved=self._visits.moved(ticket) is not None,
        )  # fmt: skip

    async def enter(self, who: AideSettings, ticket_id: str) -> Admission | Standing | Early | Closed:
        """Go in on behalf, from the helper's own machine, if called and the limits allow. Raises UnknownPlace."""
        outcome = await self._visits.claim(await self._ticket(who, ticket_id))
        if isinstance(outcome, Admission):
            await self._store.note(Action.ENTER_FOR, {"ticket": ticket_id}, who=_name(who), reason="")
        return outcome

    async def extend(self, who: AideSettings, ticket_id: str) -> Standing:
        """More time for a called place. Raises UnknownPlace."""
        return await self._visits.extend(await self._ticket(who, ticket_id))

    async def rejoin(self, who: AideSettings, ticket_id: str) -> Place | Full | Closed:
        """A missed turn is taken back, once. Raises UnknownPlace."""
        found = await self._visits.present_again(await self._ticket(who, ticket_id))
        if isinstance(found, Place) and found.fresh:
            await self._remember(who, found.ticket)
        return found

    async def leave(self, who: AideSettings, ticket_id: str) -> None:
        """Give a place up; one that moved to another device stays. Raises UnknownPlace."""
        ticket = await self._ticket(who, ticket_id)
        if await self._visits.leave(ticket):
            await self._store.note(Action.GIVE_UP, {"ticket": ticket_id}, who=_name(who), reason="")
            await self._aided.release(who.name, ticket_id)

    async def _remember(self, who: AideSettings, ticket: Ticket) -> None:
        await self._aided.note(who.name, ticket.id, json.dumps(ticket._asdict()))

    async def _ticket(self, who: AideSettings, ticket_id: str) -> Ticket:
        self._check(who)
        record = await self._aided.record(who.name, ticket_id)
        if record is None:
            raise UnknownPlace(ticket_id)
        return Ticket(**json.loads(record))

    def _check(self, who: AideSettings) -> None:
        if self._visits.room.id not in who.rooms:
            raise RoomNotYours(self._visits.room.id)


def _given(found: Place | Full | Closed | Known) -> Place:
    """The place that was given. Raises RoomFull, RoomClosed, PersonKnown, Inside."""
    match found:
        case Full():
            raise RoomFull
        case Closed():
            raise RoomClosed
        case Known():
            raise PersonKnown
    if found.taken_over and isinstance(found.standing, Admitted):
        # The visit of who went in is theirs: a number is no way into it.
        raise Inside
    return found


def _name(who: AideSettings) -> str:
    return f"helper {who.name}"
