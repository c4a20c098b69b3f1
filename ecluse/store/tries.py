"""How often people were asked for by number lately: counters of a fixed size, in Redis, for all gateways together."""

from collections.abc import Sequence
from dataclasses import dataclass

from ecluse.domain.room import Room
from ecluse.store.client import Store
from ecluse.store.keys import room_keys
from ecluse.store.scripts import script

COUNTERS = 65_536
"""In each of two rows, of 16 bits: 256 kB for a room, however many ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is counted under: a keyed digest of at least 4 bytes, and the most tries in one stretch of time."""

    digest: bytes
    most: int


class Tries:
    """The counters of one room. `now_ms` 0 means the clock of Redis; only tests pass another."""

    def __init__(self, store: Store, room: Room, *, stretch_ms: int) -> None:
        self.now_ms = 0.0
        self._store = store
        self._key = room_keys(room).tries
        self._stretch_ms = stretch_ms

    async def count(self, marks: Sequence[Mark]) -> float | None:
        """Count a try under all `marks`: None, or in how many ms the next may be made. Raises StoreAway, RoomFull."""
        words: list[int] = []
        for mark in marks:
            row, other = (int.from_bytes(mark.digest[at : at + 2]) % COUNTERS for at in (0, 2))
            words += [row, COUNTERS + other, mark.most]
        reply = await self._store.run(script("tries"), (self._key,), (self.now_ms, self._stretch_ms, *words))
        return float(reply[1]) if reply[0] == b"many" else None
