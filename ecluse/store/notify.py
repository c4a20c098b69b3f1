"""The addresses of one room at which visitors are told of their turn: one hash, an entry for each ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecluse.domain.errors import AddressesFull, ChangedTooOften, Gone
from ecluse.domain.notify import Address, Event, Way
from ecluse.store.line import Line

CHANGES_MOST = 5
"""How often one ticket may name an address: enough for typing errors, too few to write to strangers."""
LOOKS = 200
"""Tickets looked at in one step; each costs Redis a few microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Somebody to be told now; already noted as told, so whoever has this is the only one."""

    ticket_id: str
    event: Event
    ahead: int
    lane: str
    """Empty once called."""
    address: Address


class Addresses:
    """The addresses of a room. Every method may raise StoreAway."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._key = line.keys.notify
        self._lanes = [lane.id for lane in line.room.lanes]

    async def keep(self, ticket_id: str, address: Address, *, most: int) -> None:
        """Tell this ticket's visitor at `address`, and nowhere else.

        Raises AddressesFull, ChangedTooOften, and Gone if there is nothing left to tell.
        """
        written = f"{address.lang} {address.way} {address.to}"
        reply = await self._line.run("notify_keep", ticket_id, written, most, CHANGES_MOST, more_keys=(self._key,))
        match reply[0]:
            case b"kept":
                return
            case b"full":
                raise AddressesFull
            case b"often":
                raise ChangedTooOften
            case _:
                raise Gone

    async def forget(self, ticket_id: str) -> bool:
        """Delete the address of a ticket; whether there was one."""
        return (await self._line.run("notify_forget", ticket_id, more_keys=(self._key,)))[0] == b"forgotten"

    async def of(self, ticket_id: str) -> Address | None:
        """Where a ticket's visitor is told."""
        found: bytes | None = await self._line.store.command("HGET", self._key, ticket_id)
        return None if found is None else _address(found.decode().split(" ", 2)[2])

    async def take(self, near: Mapping[str, int], most: int) -> tuple[int, Sequence[Due]]:
        """How many addresses are kept, and at most `most` people to be told now, whom nobody else will be given.

        `near`: for each lane, how many may be ahead of somebody whose turn is near; -1 for nobody.
        """
        ranks = [near.get(lane, -1) for lane in self._lanes]
        kept, *words = await self._line.run("notify_take", most, LOOKS, *ranks, more_keys=(self._key,))
        rows = zip(*[iter(word.decode() for word in words)] * 5, strict=True)
        return int(kept), [
            Due(ticket_id=ticket_id, event=Event(event), ahead=int(ahead), address=address,
                lane=self._lanes[int(lane) - 1] if int(lane) else "")
            for ticket_id, event, ahead, lane, written in rows
            if (address := _address(written)) is not None
        ]  # fmt: skip


def _address(written: str) -> Address | None:
    lang, way, to = written.split(" ", 2)
    return None if way == "-" else Address(way=Way(way), to=to, lang=lang)
