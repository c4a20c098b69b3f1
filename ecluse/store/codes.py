"""The records behind the codes of places: one key each, `ecluse:{room}:code:<name>`, which Redis lets go by itself.

A place has one code, so there are never more of them than tickets. A record holds what a ticket says, unsigned: it
gives nobody a place.
"""

from collections.abc import Sequence

from ecluse.domain.room import Room
from ecluse.store.client import Store


class CodeStore:
    """The records of one room."""

    def __init__(self, store: Store, room: Room) -> None:
        self._store = store
        self._stem = f"ecluse:{{{room.id}}}:code:"

    async def keep(self, name: str, record: str, seconds: int) -> None:
        """Keep a record for so long; it replaces the one there was. Raises StoreAway, RoomFull."""
        await self._store.command("SET", self._stem + name, record, "EX", seconds)

    async def find(self, names: Sequence[str]) -> bytes | None:
        """The record under the first of `names` that has one. Raises StoreAway."""
        found = await self._store.command("MGET", *(self._stem + name for name in names))
        return next((record for record in found if record is not None), None)
