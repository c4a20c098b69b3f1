"""One entry a minute of what a room did, for curves: kept for a day, made from what a tick sees anyway."""

from collections.abc import Mapping
from typing import Any

from ecluse.store.line import Line

MINUTES_KEPT = 1_440
COUNTED = ("joins", "admissions", "missed", "left")
"""Counters since the room's data began: an entry says how much they grew in its minute."""


class Series:
    """The curve of one room, as one worker keeps it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def note(self, picture: Any, kept: Mapping[str, Any]) -> dict[str, Any]:
        """What to remember; writes the entry of a minute that is over. Raises StoreAway."""
        minute = int(float(picture["now_ms"]) // 60_000)
        now = {"minute": minute, **{name: int(picture[name]) for name in COUNTED}}
        if not kept or int(kept["minute"]) > minute or any(now[name] < kept[name] for name in COUNTED):
            return now
        if kept["minute"] == minute:
            return dict(kept)
        entry = {
            "at_ms": minute * 60_000,
            "waiting": sum(lane["waiting"] for lane in picture["lanes"].values()),
            "called": picture["called"],
            "admitted": picture["active"],
            "pace_per_minute": picture["pace_per_minute"],
            **{name: now[name] - kept[name] for name in COUNTED},
        }
        await self._line.note_minute(entry, MINUTES_KEPT)
        return now
