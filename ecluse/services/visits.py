"""What a visitor triggers in one room: arrive, join, ask, claim, ask for more time, leave, go on, finish."""

import secrets

from ecluse.clock import Clock, system_clock
from ecluse.domain.board import Phase
from ecluse.domain.errors import Expired, RoomClosed, RoomFull, TokenError, UnknownLane
from ecluse.domain.errors import Gone as TicketGone
from ecluse.domain.estimate import EARLY, wait_seconds
from ecluse.domain.room import Room
from ecluse.invitation_tokens import Invitation
from ecluse.services.boards import BoardView
from ecluse.services.entering import Entering
from ecluse.services.inside import RENEW_AFTER, Inside
from ecluse.services.people import People
from ecluse.services.places import STATES, Admission, Ask, Outlook, Place, without_person
from ecluse.services.turnstile import Turnstile
from ecluse.store.line import (
    Admitted,
    Closed,
    Early,
    Full,
    Gone,
    Known,
    Line,
    Moved,
    Restored,
    Standing,
    Waiting,
)
from ecluse.tokens import Pass, PassSigner, Ticket, TicketSigner

__all__ = ["RENEW_AFTER", "STATES", "Admission", "Ask", "Outlook", "Place", "Visits"]

_SEEN_MOST = 2_000
"""Tickets whose signature was verified, remembered."""
_TRUST_SECONDS = 3_600
"""A remembered ticket older than this is verified again, so that none outlives its time."""


class Visits(Entering, Inside):
    """Everything visitors can do in one room. Every method may raise StoreAway; those that take a place, RoomFull."""

    def __init__(
        self,
        line: Line,
        board: BoardView,
        tickets: TicketSigner,
        passes: PassSigner,
        *,
        people: People | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.room: Room = line.room
        self.board = board
        self.people = people
        self._line = line
        self._tickets = tickets
        self._passes = passes
        self._clock = clock
        self._turnstile = Turnstile(line)
        self._lanes = {lane.id for lane in line.room.lanes}
        self._epoch_name = secrets.token_urlsafe(6)
        self._seen: dict[str, Ticket] = {}
        self._back_inside: set[str] = set()
        """Visits entered again since Redis lost them."""

    @property
    def _epoch(self) -> str:
        """A name for the room's data, should it have none, and the one it had if that is known: then it was lost."""
        known = self.board.epoch
        if self._epoch_name == known:
            self._epoch_name = secrets.token_urlsafe(6)
        return f"{self._epoch_name} {known}" if known else self._epoch_name

    def read_ticket(self, token: str | None) -> Ticket | None:
        """The ticket in a cookie or header of this room, or None if there is none to speak of."""
        if token is None:
            return None
        try:
            return self.check_ticket(token)
        except (TokenError, UnknownLane):
            return None

    def check_ticket(self, token: str) -> Ticket:
        """The ticket in `token`. Raises Forged, WrongRoom, Expired or UnknownLane."""
        known = self._seen.get(token)
        if known is not None and self._clock() - known.issued_at < _TRUST_SECONDS:
            return known
        ticket = self._tickets.read(token, self.room.id)
        if ticket.lane not in self._lanes:
            raise UnknownLane(ticket.lane)
        if self.people is not None and ticket.person is None:
            raise Expired("from before the room became nominative")
        if len(self._seen) >= _SEEN_MOST:
            self._seen.clear()
        self._seen[token] = ticket
        return ticket

    def read_pass(self, token: str) -> Pass:
        """The pass in `token`, if it opens this room now. Raises Forged, WrongRoom, Expired, or Gone (ended)."""
        granted = self._passes.read(token, self.room.id)
        if self.board.is_over(granted.session, granted.issued_at):
            raise TicketGone
        return granted

    async def arrive(
        self, ticket: Ticket | None, *, at_once: bool = True, lane: str | None = None, asks: bool = False
    ) -> Place | Admission | Full | Closed | Ask:
        """Somebody wants in: keep the place they have, else admit `at_once` if the limits allow, else give a place.

        A ticket that is finished is replaced by a new one, unless the room has to ask first: always whose place it is,
        and where somebody can answer (`asks`) the lane, if there is a choice. A room without slots looks paused, and
        lets nobody in at once either; of that only the board knows.
        """
        if ticket is not None:
            known = await self._present(ticket, back=False)
            if isinstance(known, Place) and isinstance(known.standing, Admitted):
                return self.admission(known.ticket, known.standing)
            if not (isinstance(known, Place) and isinstance(known.standing, Gone)):
                return known
        chooses = asks and ticket is None and lane is None and len(self.room.open_lanes) > 1
        if self.people is not None or chooses:
            return Ask()
        at_once = at_once and (self.board.phase != Phase.PAUSED or self.board.stale)
        entered = without_person(
            await self._enter(self.room.lane_for(lane, ticket.lane if ticket else None), at_once=at_once)
        )
        if isinstance(entered, Place) and isinstance(entered.standing, Admitted):
            return self.admission(entered.ticket, entered.standing)
        return entered

    async def join(
        self, ticket: Ticket | None, lane: str | None, *,
        number: str | None = None, confirm: bool = False, invitation: Invitation | None = None,
    ) -> Place | Full | Closed | Known:  # fmt: skip
        """Take a place, keep the one there is, or ask a missed one back. Raises UnknownLane, LaneClosed.

        A nominative room gives a new place only for a person's `number`, as `People.read` gives it, and raises
        PersonNeeded without. Known: this person has a place; with `confirm`, that very place is the answer. Raises
        PersonKeyChanged. An `invitation` chooses the lane; only a new place uses it up. Raises InvitationRefused,
        InvitationUsed.
        """
        if lane is not None and lane not in self._lanes:
            raise UnknownLane(lane)
        if ticket is not None and number is not None and self.people is not None:
            asked = self.people.applicant(number, self.board.campaign_at_ms)
            # A number of somebody else: their place, not the one of whoever used this device before.
            ticket = ticket if ticket.person == asked.person else None
        if ticket is not None:
            known = await self._present(ticket, back=True)
            if not (isinstance(known, Place) and isinstance(known.standing, Gone)):
                return known
        wanted = invitation.lane if invitation else self.room.lane_for(lane, ticket.lane if ticket else None)
        if wanted not in self._lanes:
            raise UnknownLane(wanted)
        if self.people is None:
            return without_person(await self._enter(wanted, at_once=False, invitation=invitation))
        return await self._enter_as(wanted, number, confirm=confirm, invitation=invitation)

    async def present_again(self, ticket: Ticket) -> Place | Full | Closed:
        """Keep the place there is, or ask a missed one back; never a new one."""
        return await self._present(ticket, back=True)

    def place_of(self, ticket: Ticket) -> float:
        """What orders a ticket: its drawn place once there is one, else its number."""
        drawn = self.board.drawn_place(ticket.id, ticket.number) if ticket.drawn else None
        return float(ticket.number) if drawn is None else drawn

    def is_undrawn(self, ticket: Ticket) -> bool:
        """Whether a ticket's place is still to be drawn."""
        return ticket.drawn and self.board.is_undrawn and ticket.number > self.board.first_number

    async def _present(self, ticket: Ticket, *, back: bool) -> Place | Full | Closed:
        if (moved := self.moved(ticket)) is not None:
            return Place(ticket=ticket, token=self._tickets.sign(ticket), standing=moved)
        found: Restored = await self._line.restore(
            ticket.id, ticket.lane, self.place_of(ticket), ticket.number,
            epochs=(ticket.epoch, self._epoch), back=back, drawn=ticket.drawn,
            issued_at=ticket.issued_at, person=ticket.person,
        )  # fmt: skip
        if isinstance(found.standing, Full | Closed):
            return found.standing
        fresh = found.epoch != ticket.epoch or found.undrawn
        drawn = ticket.drawn and not found.undrawn
        current = ticket._replace(epoch=found.epoch, drawn=drawn) if fresh else ticket
        return Place(ticket=current, token=self._tickets.sign(current), standing=found.standing, fresh=fresh)

    def from_memory(self, ticket: Ticket) -> Waiting | None:
        """Where a ticket stands if the board alone can tell: it is surely waiting. No store, no cost."""
        board = self.board
        if ticket.epoch != board.epoch or board.is_ended(ticket.id) or ticket.number <= board.first_number:
            return None
        if board.moved_at(ticket.id, ticket.issued_at) is not None:
            return None
        if self.is_undrawn(ticket) and not board.stale:
            # Nobody is called before the draw; as many may come to stand before this one as there are others.
            return Waiting(max(0, board.lanes[ticket.lane]["waiting"] - 1))
        ahead = board.ahead(ticket.lane, self.place_of(ticket))
        return None if ahead is None else Waiting(ahead)

    async def stand(self, ticket: Ticket) -> Standing:
        """Where a ticket stands: from the board while it is surely waiting, else from the line.

        One that Redis lost goes back to its place. Raises RoomFull, RoomClosed where it cannot now.
        """
        known = self.from_memory(ticket) or self.moved(ticket)
        return known or await self._unless_lost(ticket, await self._line.look(ticket.id, ticket.issued_at))

    def moved(self, ticket: Ticket) -> Moved | None:
        """Whether this copy is known to be one whose place moved to another device: also where Redis lost that."""
        moment = self.board.moved_at(ticket.id, ticket.issued_at)
        return None if moment is None else Moved(moment)

    async def _unless_lost(self, ticket: Ticket, found: Standing) -> Standing:
        """What was found of a ticket; a ticket that only Redis forgot is no finished one."""
        if not isinstance(found, Gone) or not await self._line.is_of_another_life(ticket.epoch):
            return found
        back = await self._present(ticket, back=False)
        match back:
            case Full():
                raise RoomFull
            case Closed():
                raise RoomClosed
        return back.standing

    def outlook(self, lane: str, ahead: int) -> Outlook:
        """What somebody with `ahead` before them may expect."""
        if not self.board.lets_in:
            return Outlook(ahead, None, None, None)
        p50, p90 = wait_seconds(ahead, self.board.throughput(lane))
        return Outlook(ahead, p50, p90, p50 * EARLY)

    async def claim(self, ticket: Ticket) -> Admission | Standing | Early | Closed:
        """Go in, if called and the limits allow; the same admission however often it is asked."""
        if self.from_memory(ticket) is not None:
            return Waiting(self.board.ahead(ticket.lane, self.place_of(ticket)) or 0)
        if (moved := self.moved(ticket)) is not None:
            return moved
        outcome = await self._turnstile.claim(ticket.id, ticket.issued_at, lane=ticket.lane)
        if isinstance(outcome, Gone):
            outcome = await self._unless_lost(ticket, outcome)
        return self.admission(ticket, outcome) if isinstance(outcome, Admitted) else outcome

    async def extend(self, ticket: Ticket) -> Standing:
        """More time for a called visitor."""
        return self.moved(ticket) or await self._line.extend(ticket.id, ticket.issued_at)

    async def leave(self, ticket: Ticket) -> bool:
        """Give up the place; nothing happens to one that moved to another device."""
        left = self.moved(ticket) or await self._line.leave(ticket.id, ticket.issued_at)
        if isinstance(left, Moved):
            return False
        self.board.note_ended(ticket.id, self._clock() * 1000)
        return left
