"""Who is to be told of their turn now, by what the board says of the speed of each lane."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecluse.domain.estimate import Throughput, wait_seconds
from ecluse.domain.notify import near_ahead
from ecluse.store.notify import Addresses, Due
from ecluse.store.rooms import RoomStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One round: how many addresses are kept, and whom to tell, with the median wait they can expect."""

    kept: int
    due: Sequence[tuple[Due, float]]


class Watch:
    """Looks who is due in one room. Any number may look at once: nobody is given twice."""

    def __init__(self, addresses: Addresses, boards: RoomStore, *, near_minutes: int) -> None:
        self._addresses = addresses
        self._boards = boards
        self._near_minutes = near_minutes
        self._kept = 1

    async def take(self, most: int) -> Telling:
        """At most `most` people to tell now. Raises StoreAway."""
        # While nobody has left an address, the speed of the line is of no interest.
        speeds = await self._speeds() if self._kept else {}
        near = {lane: near_ahead(speed, self._near_minutes) for lane, speed in speeds.items()}
        self._kept, found = await self._addresses.take(near, most)
        return Telling(kept=self._kept, due=[(due, _wait(due, speeds)) for due in found])

    async def _speeds(self) -> Mapping[str, float]:
        """Median calls per minute of each lane."""
        board = await self._boards.board()
        lanes: Mapping[str, Any] = {} if board is None else json.loads(board)["lanes"]
        return {name: float(lane["calls_per_minute"]["p50"]) for name, lane in lanes.items()}


def _wait(due: Due, speeds: Mapping[str, float]) -> float:
    speed = speeds.get(due.lane, 0.0)
    return wait_seconds(due.ahead, Throughput(p50=speed, slow=speed))[0] if speed else 0.0
