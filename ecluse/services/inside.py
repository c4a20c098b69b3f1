"""A visit once it was let in: its pass, how it goes on, and its end."""

from dataclasses import replace

from ecluse.clock import Clock
from ecluse.domain.room import Room
from ecluse.services.boards import BoardView
from ecluse.services.places import Admission
from ecluse.store.line import Admitted, Gone, Line
from ecluse.tokens import Pass, PassSigner, Ticket, new_id

RENEW_AFTER = 0.2
"""Share of the idle limit after which a request renews the visit: one step in Redis per visitor and 2 minutes."""


class Inside:
    """The part of `Visits` that is about those inside."""

    room: Room
    board: BoardView
    _line: Line
    _passes: PassSigner
    _clock: Clock
    _back_inside: set[str]

    def admission(self, ticket: Ticket, admitted: Admitted) -> Admission:
        """The pass of a live visit."""
        granted = Pass(
            room=self.room.id, session=ticket.id, lane=ticket.lane, person=ticket.person,
            issued_at=admitted.started_at_ms // 1000, expires_at=int(admitted.expires_at_ms // 1000),
        )  # fmt: skip
        return Admission(granted=granted, token=self._passes.sign(granted))

    def grace(self) -> Admission:
        """A pass of one minute without a place in the line: only where a room is set to open when the store is away."""
        now = int(self._clock())
        granted = Pass(
            room=self.room.id, session=new_id(), lane=self.room.open_lanes[0], issued_at=now, expires_at=now + 60
        )
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
        found = await self._line.renew(
            granted.session, granted.issued_at * 1000, person=granted.person, lane=granted.lane
        )  # fmt: skip
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
