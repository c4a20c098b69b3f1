"""One room's line, typed: every method is one atomic step of `scripts/`, and says in values what happened."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ecluse.domain.errors import InvitationRefused, InvitationUsed, PersonKeyChanged
from ecluse.domain.opening import DrawKind
from ecluse.domain.person import Applicant
from ecluse.domain.room import Room
from ecluse.store.client import Store
from ecluse.store.keys import room_keys
from ecluse.store.scripts import script
from ecluse.store.standings import (
    Admitted,
    Called,
    Closed,
    Early,
    Entry,
    Full,
    Gone,
    Known,
    Missed,
    Moved,
    OtherCampaign,
    Restored,
    Standing,
    Waiting,
)
from ecluse.store.wire import Argument

__all__ = [
    "Admitted",
    "Called",
    "Closed",
    "Early",
    "Entry",
    "Full",
    "Gone",
    "Known",
    "Line",
    "Missed",
    "Moved",
    "OtherCampaign",
    "Restored",
    "Standing",
    "Waiting",
]


def _standing(reply: Sequence[bytes]) -> Standing:
    match reply[0]:
        case b"waiting":
            return Waiting(int(reply[1]))
        case b"called":
            return Called(int(float(reply[1])))
        case b"admitted":
            return Admitted(int(float(reply[1])), int(float(reply[2])))
        case b"missed":
            return Missed()
        case b"moved":
            return Moved(int(float(reply[1])))
        case _:
            return Gone()


def _issued(issued_at: int | None) -> Argument:
    return "" if issued_at is None else issued_at


def _shown(applicant: Applicant | None) -> tuple[Argument, Argument, Argument]:
    if applicant is None:
        return "", "", ""
    campaign = "" if applicant.campaign_ms is None else applicant.campaign_ms
    return applicant.person, applicant.key, campaign


class Line:
    """The line of one room. `now_ms` 0 means the clock of Redis; only tests pass another."""

    def __init__(self, store: Store, room: Room, *, keep_ms: int = 86_400_000) -> None:
        self.room = room
        self.keys = room_keys(room)
        self.now_ms = 0.0
        self.store = store
        self._lanes = {lane.id: i + 1 for i, lane in enumerate(room.lanes)}
        self._weights, self._quotas, self._longest = (
            " ".join(map(repr, values))
            for values in zip(*((x.weight, x.quota, x.max_wait_ms) for x in room.lanes), strict=True)
        )
        hours = "always" if room.timetable is None else "timed" if room.draw is DrawKind.NONE else "drawn"
        self._rules = (
            f"{room.pace_per_minute!r} {room.burst} {room.capacity} {room.mode} {room.claim_ms} {room.session_ms} "
            f"{room.session_max_ms} {room.line_max} {keep_ms} {hours} "
            f"{'named' if room.nominative else 'free'}"
        )

    async def run(self, name: str, *args: Argument, more_keys: tuple[str, ...] = ()) -> list[bytes]:
        """The reply of one step to which `args` and `more_keys` are added. Raises StoreAway, RoomFull."""
        keys = (*self.keys.step, *more_keys)
        found: list[bytes] = await self.store.run(script(name), keys, (self.now_ms, self._rules, *args))
        return found

    async def enter(
        self,
        ticket_id: str,
        lane: str,
        epoch: str,
        *,
        at_once: bool,
        applicant: Applicant | None = None,
        invitation: tuple[str, int] | None = None,
    ) -> Entry | Full | Closed | Known | OtherCampaign:
        """Take a place at the end of `lane`, or be admitted `at_once` if nobody waits and the limits allow.

        `epoch` names the room's data if it has no name yet. An `applicant` has one live place at most. An
        `invitation` (its batch, its number in it) gives one place, never admission at once. Raises StoreAway, RoomFull,
        PersonKeyChanged, InvitationRefused, InvitationUsed.
        """
        rules = self.room.lanes[self._lanes[lane] - 1]
        reply = await self.run(
            "enter", ticket_id, self._lanes[lane], epoch, int(at_once and invitation is None), *_shown(applicant),
            rules.quota, rules.max_wait_ms, *(invitation or ("", "")),
        )  # fmt: skip
        if reply[0] == b"full":
            return Full()
        if reply[0] == b"closed":
            return Closed()
        if reply[0] == b"uninvited":
            raise InvitationUsed if reply[1] == b"used" else InvitationRefused("revoked")
        if reply[0] == b"rekeyed":
            raise PersonKeyChanged
        if reply[0] == b"campaign":
            return OtherCampaign(int(float(reply[1])))
        if reply[0] == b"known":
            ticket, lane, number, drawn, of_life = (part.decode() for part in reply[2:])
            return Known(ticket_id=ticket, lane=lane, number=int(float(number)), epoch=of_life, drawn=drawn == "d")
        standing = _standing([reply[0], *reply[3:]])
        assert isinstance(standing, Waiting | Called | Admitted)
        to_draw = isinstance(standing, Waiting) and reply[4] == b"d"
        return Entry(number=int(float(reply[2])), epoch=reply[1].decode(), standing=standing, to_draw=to_draw)

    async def look(self, ticket_id: str, issued_at: int | None = None) -> Standing:
        """Where a ticket is; changes nothing. Raises StoreAway.

        `issued_at`, here and in the steps below, is that of the copy shown: a copy older than the last move is refused
        with Moved, in the same step. None: nobody shows a copy, the caller knows the place by its id.
        """
        return _standing(await self.run("look", ticket_id, _issued(issued_at)))

    async def claim(
        self, ticket_id: str, issued_at: int | None = None, *, lane: str = "", take: bool = True
    ) -> Standing | Early | Closed:
        """Take the admission this ticket was called for; with `take=False` only say that Enter was pressed.

        `lane`: that of the ticket, for the statistics. Idempotent: repeated, it returns the same admission.
        Raises StoreAway.
        """
        reply = await self.run("claim", ticket_id, int(take), _issued(issued_at), lane)
        if reply[0] == b"early":
            return Early(float(reply[1]), reply[2].decode())
        if reply[0] == b"closed":
            return Closed()
        return _standing(reply)

    async def extend(self, ticket_id: str, issued_at: int | None = None) -> Standing:
        """Start the claim window again, at most twenty times. Raises StoreAway."""
        return _standing(await self.run("extend", ticket_id, _issued(issued_at)))

    async def move(self, ticket_id: str, issued_at: int) -> Moved | Standing | Early:
        """Let a place go to another device: Moved with the moment as of which its new copy is to be issued.

        `issued_at` is that of the latest copy the caller knows. Early if it moves too often; where the ticket is
        instead if it is not waiting, called or missed. Raises StoreAway, RoomFull.
        """
        reply = await self.run("move", ticket_id, issued_at)
        return Early(float(reply[1]), "moves") if reply[0] == b"early" else _standing(reply)

    async def renew(
        self, session_id: str, admitted_at_ms: int, *, person: str | None = None, lane: str = ""
    ) -> Admitted | Gone:
        """Let an active visit, of a `person` who stood in `lane`, go on. Raises StoreAway."""
        reply = await self.run("renew", session_id, admitted_at_ms, person or "", self._lanes.get(lane, 1))
        standing = _standing(reply)
        return standing if isinstance(standing, Admitted) else Gone()

    async def finish(self, session_id: str) -> bool:
        """End a visit; whether it was live. Raises StoreAway."""
        reply = await self.run("finish", session_id)
        return reply[1] == b"1"

    async def leave(self, ticket_id: str, issued_at: int | None = None) -> Moved | bool:
        """Give up a place or a call; whether there was one. Raises StoreAway."""
        reply = await self.run("leave", ticket_id, _issued(issued_at))
        found = _standing(reply)
        return found if isinstance(found, Moved) else reply[0] == b"left"

    async def restore(  # noqa: PLR0913 - what a ticket says, by name
        self,
        ticket_id: str,
        lane: str,
        place: float,
        number: int,
        *,
        epochs: tuple[str, str],
        back: bool,
        drawn: bool = False,
        issued_at: int | None = None,
        person: str | None = None,
    ) -> Restored:
        """Present a signed ticket: it is where it is, or goes back to its own place if Redis lost it.

        `epochs`: that of the ticket, and one to use if the room has none; `back` asks for a missed place, once;
        `drawn`: the ticket was to be drawn, `place` is then drawn too, if that is known. Raises StoreAway, RoomFull.
        """
        reply = await self.run(
            "restore", ticket_id, self._lanes[lane], epochs[1], repr(place), epochs[0], number, int(back),
            "d" if drawn else "n", _issued(issued_at), person or "",
        )  # fmt: skip
        standing: Standing | Full | Closed
        match reply[1]:
            case b"restored":
                standing = Waiting(int(reply[2]))
            case b"full":
                standing = Full()
            case b"closed":
                standing = Closed()
            case _:
                standing = _standing(reply[1:])
        put_back = reply[1] == b"restored"
        undrawn = put_back and drawn and reply[3] == b"n"
        return Restored(epoch=reply[0].decode(), standing=standing, put_back=put_back, undrawn=undrawn)

    async def expire(self, most: int = 200) -> tuple[bool, int, int]:
        """Move what is past its time: (is there more, calls missed, visits over). Raises StoreAway."""
        reply = await self.run("expire", most)
        return reply[0] == b"more", int(reply[1]), int(reply[2])

    async def call(self, how_many: int, calls_seen: int) -> Mapping[str, tuple[int, float]] | None:
        """Call the front of the lanes: how many of each, and the highest place called so far in it.

        None if somebody called meanwhile, or the room is stopped or gets back a line that Redis lost.
        Raises StoreAway.
        """
        reply = await self.run("call", how_many, calls_seen, self._weights, self._quotas, self._longest, *self._lanes)
        if reply[0] != b"called":
            return None
        pairs = zip(reply[1::2], reply[2::2], strict=True)
        return {lane: (int(n), float(place)) for lane, (n, place) in zip(self._lanes, pairs, strict=False)}

    async def tick(self, shortest_ms: float, epoch: str) -> dict[str, Any] | None:
        """Take this turn and its picture (see tick.lua), or None if another worker has it. Raises StoreAway."""
        reply = await self.run("tick", shortest_ms, epoch, *self._lanes)
        if reply[0] == b"busy":
            return None
        picture: dict[str, Any] = json.loads(reply[1])
        for lane in picture["lanes"].values():
            lane["serving"] = float(lane["serving"])
        return picture

    async def count(self, date: str, hour: str, oldest: str) -> None:
        """Add what happened since the last time to the statistics of an hour; let days before `oldest` go."""
        await self.run("count", date, hour, oldest, more_keys=(self.keys.days,))

    async def recall(self, epoch: str, serving: Mapping[str, float]) -> None:
        """Tell the life `epoch` how far the lanes had been called in the one that Redis lost. Raises StoreAway."""
        await self.run("recall", epoch, *(word for lane, place in serving.items() for word in (lane, repr(place))))

    async def is_of_another_life(self, epoch: str) -> bool:
        """Whether a ticket of `epoch` is from a life of the data that Redis lost. Raises StoreAway."""
        found: bytes | None = await self.store.command("HGET", self.keys.step[0], "epoch")
        return found is None or found.decode() != epoch

    async def places(self, lane: str, ranks: Sequence[int]) -> list[float]:
        """The places at `ranks` of a lane; shorter if the line got shorter. Raises StoreAway."""
        return [float(place) for place in await self.run("marks", self._lanes[lane], *ranks)]

    async def publish(self, board: bytes, memory: str, window: int | None = None) -> None:
        """Put up the board (empty: keep the one there is), what the worker learnt, and the window in force.

        Raises StoreAway.
        """
        await self.run("publish", board, memory, "" if window is None else window, more_keys=(self.keys.board,))

    async def note_minute(self, entry: Mapping[str, object], kept: int) -> None:
        """Add an entry to the room's curve, which keeps the latest `kept`. Raises StoreAway."""
        text = json.dumps(entry, separators=(",", ":"))
        await self.store.command("XADD", self.keys.series, "MAXLEN", "~", kept, "*", "entry", text)

    async def origin_reports(self) -> Mapping[str, str]:
        """What each gateway process saw of the origin. Raises StoreAway."""
        reply = await self.store.command("HGETALL", self.keys.origin)
        pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
        return {name.decode(): text.decode() for name, text in pairs}

    async def forget_origin_reports(self, processes: Sequence[str]) -> None:
        """Drop the reports of processes that ended. Raises StoreAway."""
        await self.store.command("HDEL", self.keys.origin, *processes)
