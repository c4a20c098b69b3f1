"""What a worker adds to the public statistics of a room, a few times a minute; the line itself only counts upwards."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ecluse.domain.room import Room
from ecluse.store.line import Line

EVERY_MS = 10_000
ZONE = ZoneInfo("Europe/Paris")
"""Whose days are meant in a room without hours."""


def zone_of(room: Room) -> ZoneInfo:
    """On whose clocks the days and hours of a room are read."""
    return ZONE if room.timetable is None else room.timetable.zone


class Counting:
    """The statistics of one room, as one worker sees to them."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._zone = zone_of(line.room)
        self._counted_ms = 0.0

    async def keep(self, now_ms: float) -> None:
        """Count what is new, if it is time again. Raises StoreAway."""
        before, at = self._counted_ms, self._hour(now_ms)
        since, turned = now_ms - before, before > 0 and at != self._hour(before)
        if 0 <= since < EVERY_MS and not turned:
            return
        # What is counted just after the hour happened before it.
        if turned and since < 6 * EVERY_MS:
            at = self._hour(before)
        oldest = datetime.fromtimestamp(now_ms / 1000, self._zone) - timedelta(days=self._line.room.statistics_days)
        await self._line.count(*at, oldest.date().isoformat())
        self._counted_ms = now_ms

    def _hour(self, at_ms: float) -> tuple[str, str]:
        at = datetime.fromtimestamp(at_ms / 1000, self._zone)
        return at.date().isoformat(), f"{at.hour:02d}"
