"""A place and its code: show it, find the place behind it, and let the place go to another device."""

import json
from dataclasses import dataclass

from ecluse.clock import Clock, system_clock
from ecluse.codes import PlaceCodes
from ecluse.domain.code import grouped, read_code
from ecluse.domain.errors import Gone as TicketGone
from ecluse.domain.errors import Inside, MistypedCode, TokenError, TooManyTries, UnknownCode
from ecluse.domain.errors import Moved as MovedAway
from ecluse.services.visits import Place, Visits
from ecluse.store.codes import CodeStore
from ecluse.store.line import Admitted, Early, Gone, Line, Moved, Standing
from ecluse.tokens import Ticket, TicketSigner

KEPT_LEAST_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCode:
    """The code of a place as people read it, and until when it opens the place (Unix seconds)."""

    code: str
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """What signs: tickets, and the leave to follow a place, under another key so that neither is the other."""

    tickets: TicketSigner
    follows: TicketSigner


class Moves:
    """The codes and moves of one room. Every method that is awaited may raise StoreAway."""

    def __init__(  # noqa: PLR0913 - the parts it joins, by name
        self,
        line: Line,
        visits: Visits,
        codes: PlaceCodes,
        store: CodeStore,
        signers: Signers,
        *,
        ticket_seconds: int,
        clock: Clock = system_clock,
    ) -> None:
        self._line = line
        self._visits = visits
        self._codes = codes
        self._store = store
        self._signers = signers
        self._ticket_seconds = ticket_seconds
        self._clock = clock

    async def show(self, ticket: Ticket) -> ShownCode:
        """The code of the place this ticket holds. Raises Moved, Inside or Gone if it holds none any more, RoomFull."""
        await self._holds(ticket)
        return await self._keep(ticket)

    def code_of(self, ticket: Ticket) -> str:
        """The code of a place as people read it; `show` makes it one that is found."""
        return grouped(self._codes.of(ticket.room, ticket.id))

    async def find(self, text: str) -> Ticket:
        """The ticket behind a code somebody typed, as of when the code was shown. Raises MistypedCode, UnknownCode."""
        code = read_code(text)
        if code is None:
            raise MistypedCode
        record = await self._store.find(self._codes.names(self._line.room.id, code))
        if record is None:
            raise UnknownCode
        return Ticket(**json.loads(record))

    async def stand(self, ticket: Ticket) -> Standing:
        """Where a place stands, whichever copy of its ticket holds it."""
        return self._visits.from_memory(ticket) or await self._line.look(ticket.id)

    async def move(self, ticket: Ticket) -> Place:
        """The place goes to whoever asks: a new copy, which leaves all others behind.

        Raises Inside, Gone, TooManyTries, RoomFull.
        """
        found = await self._line.move(ticket.id, ticket.issued_at)
        if isinstance(found, Early):
            raise TooManyTries("moves", retry_after_seconds=int(found.wait_ms // 1000) + 1)
        if not isinstance(found, Moved):
            raise Inside if isinstance(found, Admitted) else TicketGone
        self._visits.board.note_moved(ticket.id, found.moment)
        copy = ticket._replace(issued_at=found.moment)
        await self._keep(copy)
        token = self._signers.tickets.sign(copy)
        return Place(ticket=copy, token=token, standing=await self._visits.stand(copy), fresh=True)

    def following(self, ticket: Ticket) -> str:
        """The leave to follow a place, signed."""
        return self._signers.follows.sign(ticket)

    def followed(self, token: str | None) -> Ticket | None:
        """The place that `token` lets its holder follow, or None."""
        try:
            return None if token is None else self._signers.follows.read(token, self._line.room.id)
        except TokenError:
            return None

    async def _keep(self, ticket: Ticket) -> ShownCode:
        code = self._codes.of(ticket.room, ticket.id)
        expires_at = ticket.issued_at + self._ticket_seconds
        seconds = max(KEPT_LEAST_SECONDS, int(expires_at - self._clock()))
        await self._store.keep(self._codes.names(ticket.room, code)[0], json.dumps(ticket._asdict()), seconds)
        return ShownCode(code=grouped(code), expires_at=expires_at)

    async def _holds(self, ticket: Ticket) -> None:
        match await self._visits.stand(ticket):
            case Moved():
                raise MovedAway
            case Admitted():
                raise Inside
            case Gone():
                raise TicketGone
            case _:
                return
