"""What a visitor triggers in one room: arrive, join, ask, claim, ask for more time, leave, go on, finish."""

import secrets
from dataclasses import dataclass, replace

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import Gone as TicketGone
from ecluse.domain.errors import RoomClosed, RoomFull, TokenError, UnknownLane
from ecluse.domain.estimate import wait_seconds
from ecluse.domain.room import Room
from ecluse.domain.ticket import State
from ecluse.services.boards import BoardView
from ecluse.services.turnstile import Turnstile
from ecluse.store.line import (
    Admitted,
    Called,
    Closed,
    Early,
    Entry,
    Full,
    Gone,
    Line,
    Missed,
    Restored,
    Standing,
    Waiting,
)
from ecluse.tokens import Pass, PassSigner, Ticket, TicketSigner, new_id

_SEEN_MOST = 2_000
"""Tickets whose signature was verified, remembered."""
_TRUST_SECONDS = 3_600
"""A remembered ticket older than this is verified again, so that none outlives its time."""
RENEW_AFTER = 0.2
"""Share of the idle limit after which a request renews the visit: one step in Redis per visitor and 2 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A ticket and where it stands."""

    ticket: Ticket
    token: str
    standing: Standing
    fresh: bool = False
    """Whether the visitor must be given the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The right to go in, as claims and as the signed text."""

    granted: Pass
    token: str


STATES: dict[type[Standing], State] = {
    Waiting: State.WAITING,
    Called: State.CALLED,
    Admitted: State.ADMITTED,
    Missed: State.MISSED,
    Gone: State.GONE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a waiting visitor may expect: seconds of wait, a median and a slow estimate."""

    ahead: int
    p50_seconds: float
    p90_seconds: float


class Visits:
    """Everything visitors can do in one room. Every method may raise StoreAway; those that take a place, RoomFull."""

    def __init__(
        self, line: Line, board: BoardView, tickets: TicketSigner, passes: PassSigner, *, clock: Clock = system_clock
    ) -> None:
        self.room: Room = line.room
        self.board = board
        self._line = line
        self._tickets = tickets
        self._passes = passes
        self._clock = clock
        self._turnstile = Turnstile(line)
        self._lanes = {lane.id for lane in line.room.lanes}
        self._first_lane = line.room.lanes[0].id
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

    async def arrive(self, ticket: Ticket | None, *, at_once: bool = True) -> Place | Admission | Full | Closed:
        """Somebody wants in: keep the place they have, else admit `at_once` if the limits allow, else give a place.

        A ticket that is finished is replaced by a new one.
        """
        if ticket is not None:
            known = await self._present(ticket, back=False)
            if isinstance(known, Place) and isinstance(known.standing, Admitted):
                return self.admission(known.ticket, known.standing)
            if not (isinstance(known, Place) and isinstance(known.standing, Gone)):
                return known
        entered = await self._enter(ticket.lane if ticket else self._first_lane, at_once=at_once)
        if isinstance(entered, Place) and isinstance(entered.standing, Admitted):
            return self.admission(entered.ticket, entered.standing)
        return entered

    async def join(self, ticket: Ticket | None, lane: str | None) -> Place | Full | Closed:
        """Take a place, keep the one there is, or ask a missed one back. Raises UnknownLane."""
        if lane is not None and lane not in self._lanes:
            raise UnknownLane(lane)
        if ticket is not None:
            known = await self._present(ticket, back=True)
            if not (isinstance(known, Place) and isinstance(known.standing, Gone)):
                return known
        return await self._enter(lane or (ticket.lane if ticket else self._first_lane), at_once=False)

    async def _enter(self, lane: str, *, at_once: bool) -> Place | Full | Closed:
        ticket_id = new_id()
        entry = await self._line.enter(ticket_id, lane, self._epoch, at_once=at_once)
        if not isinstance(entry, Entry):
            return entry
        ticket = Ticket(
            room=self.room.id, lane=lane, id=ticket_id, number=entry.number, epoch=entry.epoch,
            drawn=entry.to_draw, issued_at=int(self._clock()),
        )  # fmt: skip
        return Place(ticket=ticket, token=self._tickets.sign(ticket), standing=entry.standing, fresh=True)

    def place_of(self, ticket: Ticket) -> float:
        """What orders a ticket: its drawn place once there is one, else its number."""
        drawn = self.board.drawn_place(ticket.id, ticket.number) if ticket.drawn else None
        return float(ticket.number) if drawn is None else drawn

    def is_undrawn(self, ticket: Ticket) -> bool:
        """Whether a ticket's place is still to be drawn."""
        return ticket.drawn and self.board.is_undrawn and ticket.number > self.board.first_number

    async def _present(self, ticket: Ticket, *, back: bool) -> Place | Full | Closed:
        found: Restored = await self._line.restore(
            ticket.id, ticket.lane, self.place_of(ticket), ticket.number,
            epochs=(ticket.epoch, self._epoch), back=back, drawn=ticket.drawn,
        )  # fmt: skip
        if isinstance(found.standing, Full | Closed):
            return found.standing
        fresh = found.epoch != ticket.epoch or found.undrawn
        drawn = ticket.drawn and not found.undrawn
        current = replace(ticket, epoch=found.epoch, drawn=drawn) if fresh else ticket
        return Place(ticket=current, token=self._tickets.sign(current), standing=found.standing, fresh=fresh)

    def from_memory(self, ticket: Ticket) -> Waiting | None:
        """Where a ticket stands if the board alone can tell: it is surely waiting. No store, no cost."""
        board = self.board
        if ticket.epoch != board.epoch or board.is_ended(ticket.id) or ticket.number <= board.first_number:
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
        known = self.from_memory(ticket)
        return known or await self._unless_lost(ticket, await self._line.look(ticket.id))

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
        p50, p90 = wait_seconds(ahead, self.board.throughput(lane))
        return Outlook(ahead=ahead, p50_seconds=p50, p90_seconds=p90)

    async def claim(self, ticket: Ticket) -> Admission | Standing | Early | Closed:
        """Go in, if called and the limits allow; the same admission however often it is asked."""
        if self.from_memory(ticket) is not None:
            return Waiting(self.board.ahead(ticket.lane, self.place_of(ticket)) or 0)
        outcome = await self._turnstile.claim(ticket.id, (ticket.lane, ticket.issued_at * 1000))
        if isinstance(outcome, Gone):
            outcome = await self._unless_lost(ticket, outcome)
        return self.admission(ticket, outcome) if isinstance(outcome, Admitted) else outcome

    async def extend(self, ticket: Ticket) -> Standing:
        """More time for a called visitor."""
        return await self._line.extend(ticket.id)

    async def leave(self, ticket: Ticket) -> bool:
        """Give up the place."""
        left = await self._line.leave(ticket.id)
        self.board.note_ended(ticket.id, self._clock() * 1000)
        return left

    def admission(self, ticket: Ticket, admitted: Admitted) -> Admission:
        """The pass of a live visit."""
        granted = Pass(
            room=self.room.id, session=ticket.id, lane=ticket.lane,
            issued_at=admitted.started_at_ms // 1000, expires_at=int(admitted.expires_at_ms // 1000),
        )  # fmt: skip
        return Admission(granted=granted, token=self._passes.sign(granted))

    def grace(self) -> Admission:
        """A pass of one minute without a place in the line: only where a room is set to open when the store is away."""
        now = int(self._clock())
        granted = Pass(room=self.room.id, session=new_id(), lane=self._first_lane, issued_at=now, expires_at=now + 60)
        return Admission(granted=granted, token=self._passes.sign(granted))

    def renewal_due(self, granted: Pass) -> bool:
        """Whether enough of the idle limit has passed to renew the visit, and its longest time allows it."""
        if granted.session not in self._back_inside and granted.issued_at * 1000 < self.board.healing_since_ms:
            return True  # Redis forgot this visit too: it counts against the capacity again as soon as it shows
        idle_seconds = self.room.session_ms / 1000
        longest = granted.issued_at + self.room.session_max_ms // 1000
        left = granted.expires_at - self._clock()
        return left < idle_seconds * (1 - RENEW_AFTER) and granted.expires_at < longest

    def is_live(self, granted: Pass) -> bool:
        """Whether this visit may still go on, as far as can be told without the store."""
        return granted.expires_at > self._clock() and not self.board.is_over(granted.session, granted.issued_at)

    async def renew(self, granted: Pass) -> Admission | None:
        """The visit goes on; None if it was ended."""
        found = await self._line.renew(granted.session, granted.issued_at * 1000)
        if isinstance(found, Gone):
            return None
        if self.board.is_healing:
            self._back_inside.add(granted.session)
        elif self._back_inside:
            self._back_inside.clear()
        renewed = replace(granted, expires_at=int(found.expires_at_ms // 1000))
        return Admission(granted=renewed, token=self._passes.sign(renewed))

    async def finish(self, session: str) -> bool:
        """The visit is over: its capacity is free, its pass opens nothing more."""
        self.board.note_ended(session, self._clock() * 1000)
        return await self._line.finish(session)
