"""Openings and their draws in Redis: the schedule, the list of those drawn, its public record, and the drawn places.

Only steps that may be sent twice, by any number of workers: each names the campaign and the state it follows.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ecluse.domain.opening import Moment, Schedule
from ecluse.store.line import Line

ID_BYTES = 12
"""One line of the list: eleven characters and a line end."""
LEASE_MS = 5_000
_PREPARED_SECONDS = 600


_FIELDS = (
    "epoch", "schedule", "opens_at", "closes_at", "campaign_at", "first", "next_secret",
    "draw_state", "draw", "draw_secret", "draw_done", "draw_upto", "beacon",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a room's hours have put in force, as Redis keeps it: texts, empty where there is nothing."""

    epoch: str
    """The life of the data."""
    schedule: str
    opens_at: str
    closes_at: str
    campaign_at: str
    """When the campaign began, Unix ms: what names a draw, and which passes are still good."""
    first: str
    """Tickets with this number or a lower one belong to an earlier campaign."""
    next_secret: str
    draw_state: str
    """none, announced, closed and drawn as the record; placed once everybody is at their place."""
    draw: str
    """The record, JSON."""
    draw_secret: str
    draw_done: str
    draw_upto: str
    """The number behind which nobody is drawn."""
    beacon: str
    """What an operator gave, JSON."""


class DrawStore:
    """The openings of one room, over its line. Every method may raise StoreAway."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.store = line.store
        self._name = secrets.token_urlsafe(6)
        self._prepared = f"{line.keys.drawing}:{self._name}"
        self._written = 0

    async def plan(self) -> Plan:
        """What is in force."""
        values = await self._line.store.command("HMGET", self._line.keys.step[0], *_FIELDS)
        return Plan(**{name: (value or b"").decode() for name, value in zip(_FIELDS, values, strict=True)})

    async def give_back(self) -> None:
        """Let another worker have the turn that this one took."""
        await self._line.store.command("HDEL", self._line.keys.step[0], "tick_at")

    async def counts(self) -> tuple[dict[str, int], int]:
        """How many wait in each lane, and how many are called, right now."""
        keys = self._line.keys
        words = [*keys.lines.values(), keys.step[2]]
        *waiting, called = await asyncio.gather(*(self._line.store.command("ZCARD", key) for key in words))
        return dict(zip(keys.lines, map(int, waiting), strict=True)), int(called)

    async def settle(self, moment: Moment, schedule: Schedule, secret: str, *, kept: bool = False) -> Schedule:
        """Put `schedule` in force for the opening of `moment`; what holds then. `secret`: hex, used if none is.

        `kept`: places outlive a closing.
        """
        campaign = moment.prequeue_at_ms if schedule is not Schedule.CLOSED else None
        times = ("" if at is None else at for at in (moment.opens_at_ms, moment.closes_at_ms, campaign))
        lanes = (lane.id for lane in self._line.room.lanes)
        reply = await self._line.run("schedule", schedule.value, *times, int(kept), secret, *lanes)
        return Schedule(reply[1].decode())

    async def advance(
        self,
        campaign_ms: str,
        states: tuple[str, str],
        record: str,
        *,
        listed: bool = False,
        upto: str = "",
        secret: str = "",
    ) -> bool:
        """Publish the record of the second of `states`, if the first holds; whether this worker was the one to do so.

        `listed`: the list this worker prepared becomes the list of the draw with it. `upto`: the number behind
        which nobody is drawn, and `secret`: that of the draw, where Redis forgot them.
        """
        reply = await self._line.run(
            "record", campaign_ms, *states, record, int(listed), upto, secret, more_keys=(self._prepared,)
        )
        return reply[0] == b"written"

    async def place(self, campaign_ms: str, done: int, places: Sequence[tuple[str, float]], *, last: bool) -> int:
        """Move the next piece of the drawn to their places; how many are done then, by whichever worker."""
        pairs = (word for ticket_id, place in places for word in (repr(place), ticket_id))
        reply = await self._line.run("place", campaign_ms, done, done + len(places), int(last), *pairs)
        return int(reply[1])

    async def lease(self) -> bool:
        """Whether this worker is the one to prepare the list, for the next seconds; others leave it the work."""
        key, store = self._line.keys.drawing, self._line.store
        if await store.command("SET", key, self._name, "NX", "PX", LEASE_MS) is not None:
            return True
        if await store.command("GET", key) != self._name.encode():
            return False
        await store.command("PEXPIRE", key, LEASE_MS)
        return True

    async def tickets(self, lane: str, above: float, upto: float, most: int) -> tuple[list[str], float]:
        """The next tickets of a lane with numbers above and up to; and the last of those numbers."""
        reply = await self._line.store.command(
            "ZRANGEBYSCORE", self._line.keys.lines[lane], f"({above!r}", repr(upto), "WITHSCORES", "LIMIT", 0, most
        )
        pairs = (
            reply if reply and isinstance(reply[0], list | tuple) else list(zip(reply[::2], reply[1::2], strict=True))
        )
        return [name.decode() for name, _ in pairs], float(pairs[-1][1]) if pairs else above

    async def prepare(self, ids: Sequence[str], *, first: bool) -> None:
        """Append to the list this worker prepares, or begin it; forgotten by itself if the worker never ends it."""
        text = "".join(f"{each}\n" for each in ids)
        if first:
            await self._line.store.command("SET", self._prepared, text, "EX", _PREPARED_SECONDS)
        else:
            await self._line.store.command("SETRANGE", self._prepared, self._written, text)
        self._written = len(text) if first else self._written + len(text)

    async def listed(self, start: int, most: int) -> list[str]:
        """The ids on the list from the one at `start` on."""
        text = await self._line.store.command(
            "GETRANGE", self._line.keys.drawn, start * ID_BYTES, (start + most) * ID_BYTES - 1
        )
        found: list[str] = text.decode().split()
        return found
