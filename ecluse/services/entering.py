"""How somebody comes into the line: with a new ticket, or as a person who has one already."""

from ecluse.clock import Clock
from ecluse.domain.errors import PersonNeeded, StoreAway, TooManyTries
from ecluse.domain.person import Applicant
from ecluse.domain.room import Room
from ecluse.invitation_tokens import Invitation
from ecluse.services.boards import BoardView
from ecluse.services.people import People
from ecluse.services.places import Place, without_person
from ecluse.store.line import Closed, Early, Entry, Full, Known, Line, Moved, OtherCampaign
from ecluse.tokens import Ticket, TicketSigner, new_id


class Entering:
    """The part of `Visits` that gives places."""

    room: Room
    board: BoardView
    people: People | None
    _line: Line
    _tickets: TicketSigner
    _clock: Clock

    @property
    def _epoch(self) -> str:
        raise NotImplementedError

    async def _present(self, ticket: Ticket, *, back: bool) -> Place | Full | Closed:
        raise NotImplementedError

    async def take(
        self, ticket_id: str, lane: str, *, number: str | None = None, confirm: bool = False
    ) -> Place | Full | Closed | Known:
        """A place under an id that was made for it (by us: whoever chose one could stand on another's place).

        A nominative room gives it for a person's `number`, and to one who has a place that very one, with `confirm`.
        """
        if self.people is None:
            return without_person(await self._enter(lane, at_once=False, ticket_id=ticket_id))
        return await self._enter_as(lane, number, confirm=confirm, ticket_id=ticket_id)

    async def _enter_as(
        self,
        lane: str,
        number: str | None,
        *,
        confirm: bool,
        invitation: Invitation | None = None,
        ticket_id: str | None = None,
    ) -> Place | Full | Closed | Known:
        people = self.people
        if people is None or number is None:
            raise PersonNeeded
        campaign_ms = self.board.campaign_at_ms
        for _ in range(2):
            applicant = people.applicant(number, campaign_ms)
            entered = await self._enter(
                lane, at_once=False, applicant=applicant, invitation=invitation, ticket_id=ticket_id
            )  # fmt: skip
            if isinstance(entered, OtherCampaign):
                # A campaign began, and the board of this process does not say so yet.
                campaign_ms = entered.started_at_ms
            elif isinstance(entered, Known) and confirm:
                return await self._take_over(entered, applicant.person)
            else:
                return entered
        raise StoreAway("campaigns change faster than a place is given")

    async def _take_over(self, known: Known, person: str) -> Place | Full | Closed:
        """The place that this person has, on this device: a newer copy of the ticket; older ones hold nothing more."""
        now = int(self._clock())
        moved = await self._line.move(known.ticket_id, now)
        if isinstance(moved, Early):
            raise TooManyTries("moves", retry_after_seconds=max(1, round(moved.wait_ms / 1000)))
        if isinstance(moved, Moved):
            self.board.note_moved(known.ticket_id, moved.moment)
        ticket = Ticket(
            room=self.room.id, lane=known.lane, id=known.ticket_id, number=known.number, epoch=known.epoch,
            drawn=known.drawn, issued_at=moved.moment if isinstance(moved, Moved) else now, person=person,
        )  # fmt: skip
        found = await self._present(ticket, back=True)
        return found._replace(fresh=True, taken_over=True) if isinstance(found, Place) else found

    async def _enter(
        self,
        lane: str,
        *,
        at_once: bool,
        applicant: Applicant | None = None,
        invitation: Invitation | None = None,
        ticket_id: str | None = None,
    ) -> Place | Full | Closed | Known | OtherCampaign:
        ticket_id = ticket_id or new_id()
        shown = None if invitation is None else (invitation.batch, invitation.number)
        entry = await self._line.enter(
            ticket_id, lane, self._epoch, at_once=at_once, applicant=applicant, invitation=shown
        )  # fmt: skip
        if not isinstance(entry, Entry):
            return entry
        ticket = Ticket(
            room=self.room.id, lane=lane, id=ticket_id, number=entry.number, epoch=entry.epoch,
            drawn=entry.to_draw, issued_at=int(self._clock()), person=applicant.person if applicant else None,
        )  # fmt: skip
        return Place(ticket=ticket, token=self._tickets.sign(ticket), standing=entry.standing, fresh=True)
