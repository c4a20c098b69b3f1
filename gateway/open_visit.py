"""The visit behind an open WebSocket, kept alive while it is open."""

import asyncio
from typing import Self

from ecluse.domain.errors import StoreAway
from ecluse.tokens import Pass
from gateway.directory import RoomEdge


class OpenVisit:
    """The visit behind an open WebSocket: being there counts as activity, up to the visit's longest time."""

    def __init__(self, room: RoomEdge, granted: Pass | None) -> None:
        self._room = room
        self._granted = granted
        self._renewing: asyncio.Task[None] | None = None

    def goes_on(self) -> bool:
        """Whether the WebSocket may stay open; without a pass (an open path) always."""
        return self._granted is None or self._room.visits.is_live(self._granted)

    async def _renew(self) -> None:
        while self._granted is not None:
            await asyncio.sleep(self._room.settings.session_seconds / 3)
            try:
                renewed = await self._room.visits.renew(self._granted)
            except StoreAway:
                continue
            if renewed is not None:
                self._granted = renewed.granted

    async def __aenter__(self) -> Self:
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
