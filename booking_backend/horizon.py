"""Days that come while the program runs: each new day of the office adds the slots of the day at the far end."""

import asyncio
from datetime import tzinfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from booking_backend.planning import days_ahead
from booking_backend.slots import Busy
from booking_backend.store import SlotStore

LOOK_SECONDS = 30.0
"""How often we look whether a day began; this asks no database. Never exactly at midnight, when places open."""
_log = structlog.get_logger("booking")


class Horizon:
    """Keeps the slots of `weeks` weeks there, from the time it is made. Any number of processes may do so."""

    def __init__(self, store: SlotStore, zone: tzinfo, weeks: int) -> None:
        self._store = store
        self._zone = zone
        self._weeks = weeks
        self._seen = days_ahead(store.now, zone, weeks)

    async def look(self) -> int:
        """Add the slots of the days that came into sight since the last look; how many. Raises Busy."""
        ahead = days_ahead(self._store.now, self._zone, self._weeks)
        if new := [day for day in ahead if day not in self._seen]:
            added = await self._store.add_days(new, self._zone)
            self._seen = ahead
            _log.info("days_added", until=ahead[-1].isoformat(), slots=added)
            return added
        return 0

    async def run(self) -> None:
        """Look, again and again, until cancelled; what fails is tried at the next look."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except (Busy, SQLAlchemyError) as error:
                _log.warning("days_not_added", reason=str(error))
