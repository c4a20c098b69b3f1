"""The places helpers took for others: for each helper a hash of its own, `ecluse:{room}:aided:<helper>`.

A field is a ticket id, its value what the ticket says. Nothing about a person is in it. It is gone a ticket's life
after the last place was taken.
"""

import hashlib
from collections.abc import Mapping

from ecluse.store.line import Line

_KEPT = b"kept "


class AidedStore:
    """The places of the helpers of one room. Every method may raise StoreAway; `keep`, RoomFull."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def _key(self, who: str) -> str:
        name = hashlib.sha256(who.encode()).hexdigest()[:16]
        return f"ecluse:{{{self._line.room.id}}}:aided:{name}"

    async def keep(self, who: str, ticket_id: str, quota: int) -> bool:
        """Keep a place free for this ticket, if the helper has fewer live ones than `quota`; atomic."""
        reply = await self._line.run("aid", ticket_id, quota, more_keys=(self._key(who),))
        return reply[0] == b"kept"

    async def note(self, who: str, ticket_id: str, record: str) -> None:
        """Remember what the ticket of a place says."""
        await self._line.store.command("HSET", self._key(who), ticket_id, record)

    async def release(self, who: str, ticket_id: str) -> None:
        """The place counts no more."""
        await self._line.store.command("HDEL", self._key(who), ticket_id)

    async def record(self, who: str, ticket_id: str) -> bytes | None:
        """What the ticket of one of the helper's places says; None if it has no such place."""
        found: bytes | None = await self._line.store.command("HGET", self._key(who), ticket_id)
        return None if found is None or found.startswith(_KEPT) else found

    async def records(self, who: str) -> Mapping[str, bytes]:
        """What the tickets of all its places say, by id."""
        reply = await self._line.store.command("HGETALL", self._key(who))
        pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
        return {name.decode(): record for name, record in pairs if not record.startswith(_KEPT)}
