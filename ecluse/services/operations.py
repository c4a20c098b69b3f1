"""What an operator triggers in a room: look at it, change it, read its journal, end a visit."""

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any

from ecluse.domain.draw import Kind, Record, State
from ecluse.domain.errors import BadInput, StoreAway, UnknownSession, WrongMoment
from ecluse.domain.journal import Action
from ecluse.domain.room import Live, Mode, PaceMode, Room
from ecluse.services.boards import BoardView
from ecluse.settings import RoomSettings
from ecluse.store.line import Admitted, Line
from ecluse.store.rooms import RoomStore

LIMITS: Mapping[str, tuple[float, float]] = {
    "pace_per_minute": (0.1, 100_000),
    "burst": (1, 10_000),
    "capacity": (0, 10_000_000),
}
NOTICE_MAX_CHARS = 2_000
_LANGUAGE_MAX_CHARS = 20
BEACON_MAX_CHARS = 1_000
REASON_MAX_CHARS = 500


class Operations:
    """Everything operators can do in one room. Every method may raise StoreAway."""

    def __init__(self, settings: RoomSettings, line: Line, store: RoomStore, board: BoardView) -> None:
        self.settings = settings
        self.board = board
        self._line = line
        self._store = store
        self._slots_left: int | None = None
        self._slots_said: int | None = None
        self._slots_later: asyncio.Task[None] | None = None
        self._slots_noted_at = 0.0

    @property
    def room(self) -> Room:
        """The room as configured."""
        return self._line.room

    async def describe(self) -> dict[str, Any]:
        """The room as an operator sees it: settings in force, and what the line did so far."""
        live = await self._store.live()
        counts = await self._store.counts()
        document = self.board.document
        return {
            "id": self.room.id, "title": dict(self.settings.title), "version": live.version,
            "phase": document["phase"], "mode": live.mode.value, "pace": live.pace.value,
            "pace_per_minute": live.pace_per_minute, "burst": live.burst, "capacity": live.capacity,
            "notice": dict(live.notice), "waiting": document["waiting"], "called": document["called"],
            "admitted": document["admitted"], "stale": self.board.stale,
            "lanes": {
                name: {key: lane[key] for key in ("waiting", "serving", "calls_per_minute")}
                for name, lane in document["lanes"].items()
            },
            **counts,
        }  # fmt: skip

    async def change(self, fields: Mapping[str, object], *, who: str, version: int | None) -> Live:
        """Change live settings. Raises BadInput with every mistake, VersionConflict."""
        values = dict(fields)
        reason = values.pop("reason", "")
        values, mistakes = checked(values)
        if not isinstance(reason, str) or len(reason) > REASON_MAX_CHARS:
            mistakes.append(f"reason: a text of at most {REASON_MAX_CHARS} characters")
        elif not reason.strip() and values.get("mode") in (Mode.PAUSED, Mode.CLOSED):
            mistakes.append("reason: say why, it is shown in the journal; it is required to pause or close")
        if mistakes:
            raise BadInput("; ".join(mistakes))
        return await self._store.settle(values, who=who, reason=str(reason).strip(), version=version)

    async def note_slots_left(self, slots: int, now: float) -> None:
        """The origin says how many slots are left: on the board within a second or two. Says nothing if Redis is away.

        `now` in seconds; at most one word a second goes to Redis, and only if the number changed. The last word of a
        second follows by itself: it may be the one that says none is left.
        """
        self._slots_said = slots
        if self._slots_later is not None or slots == self._slots_left:
            return
        wait_seconds = self._slots_noted_at + 1 - now
        if wait_seconds > 0:
            self._slots_later = asyncio.create_task(self._write_slots_left(min(wait_seconds, 1), now))
        else:
            await self._write_slots_left(0, now)

    async def _write_slots_left(self, wait_seconds: float, now: float) -> None:
        try:
            if wait_seconds > 0:
                await asyncio.sleep(wait_seconds)
            slots = self._slots_said
            if slots is not None and slots != self._slots_left:
                self._slots_left, self._slots_noted_at = slots, now + wait_seconds
                await self._store.note_slots_left(slots)
        except StoreAway:
            self._slots_left = None
        finally:
            self._slots_later = None

    async def set_slots_left(self, slots: int, *, who: str) -> None:
        """An operator says how many slots are left; in the journal if that is another number than before."""
        before = await self._store.slots_left()
        if slots != before:
            await self._store.note_slots_left(slots)
            change = {"field": "slots_left", "from": before, "to": slots}
            await self._store.note(Action.SLOTS_LEFT, {"changes": [change]}, who=who, reason="")

    async def give_beacon(self, fields: Mapping[str, object], *, who: str) -> None:
        """Decide the draw by a value from outside, said with its source. Raises BadInput, WrongMoment.

        Given twice, the same words change nothing; other ones are refused.
        """
        given = await self._round_given(fields)
        if not given:
            if mistakes := [f"{name}: unknown field" for name in fields if name not in ("value", "source")]:
                raise BadInput("; ".join(mistakes))
            for name in ("value", "source"):
                text = fields.get(name)
                if not isinstance(text, str) or not 0 < len(text) <= BEACON_MAX_CHARS or not text.isprintable():
                    raise BadInput(f"{name}: a text of 1 to {BEACON_MAX_CHARS} printable characters on one line")
                given[name] = text
        if self.board.draw.get("commitment") is not None:
            raise WrongMoment("This room's draw takes no value from outside.")
        outcome = await self._store.give_beacon(json.dumps(given, ensure_ascii=False, sort_keys=True))
        if outcome == "taken":
            await self._store.note(Action.BEACON, {"beacon": given}, who=who, reason="")
        elif outcome == "late":
            raise WrongMoment("This draw is decided already.")
        else:
            raise WrongMoment("The list of tickets is not fixed yet: the value is taken once it is published.")

    async def _round_given(self, fields: Mapping[str, object]) -> dict[str, str]:
        """What `fields` give where a round of drand decides; nothing where a value of the operator's own is due."""
        raw = await self._store.draw_record() if self.settings.opening else None
        if raw is None:
            return {}
        record = Record.from_document(json.loads(raw))
        if record.beacon.kind is not Kind.DRAND or record.state is not State.CLOSED:
            return {}
        # A gateway needs what speaks to relays only here.
        from ecluse.services.deciding import chain_of, given_for_a_round  # noqa: PLC0415

        chain, at_ms = chain_of(self.room.drand), float(self.board.document["at_ms"])
        return await asyncio.to_thread(given_for_a_round, record, fields, chain, at_ms)

    async def journal(self, most: int, *, before: str | None = None) -> list[dict[str, Any]]:
        """The latest entries of the journal, or those before the entry `before`, newest first."""
        entries = await self._store.journal(most, before=before)
        return [{"id": entry.id, "hash": entry.digest, **entry.document} for entry in entries]

    async def series(self, minutes: int) -> list[dict[str, Any]]:
        """What the room did in each of the latest `minutes`, oldest first."""
        return await self._store.series(minutes)

    async def session(self, session: str) -> dict[str, Any]:
        """A live visit: when it started and expires (Unix ms). Raises UnknownSession."""
        found = await self._line.look(session)
        if not isinstance(found, Admitted):
            raise UnknownSession(session)
        return {"id": session, "started_at_ms": found.started_at_ms, "expires_at_ms": found.expires_at_ms}

    async def revoke(self, session: str, *, who: str, reason: str, now_ms: float) -> None:
        """End a visit, and say so in the journal. Raises UnknownSession."""
        await self.session(session)
        await self._store.note(Action.REVOKE, {"session": session}, who=who, reason=reason)
        await self._line.finish(session)
        self.board.note_ended(session, now_ms)


def checked(fields: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    """The settings in `fields` that can be taken, and what is wrong with the others."""
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, value in fields.items():
        try:
            values[name] = _checked_field(name, value)
        except ValueError as error:
            mistakes.append(f"{name}: {error}")
    return values, mistakes


def _checked_field(name: str, value: object) -> object:
    if name in LIMITS:
        low, high = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"a number between {low} and {high:,.0f}")
        if not low <= value <= high:
            raise ValueError(f"between {low} and {high:,.0f}, not {value}")
        if name == "pace_per_minute":
            return float(value)
        if value != int(value):
            raise ValueError("a whole number")
        return int(value)
    if name == "mode":
        try:
            return Mode(str(value))
        except ValueError:
            raise ValueError("one of open, queueing, paused, closed") from None
    if name == "notice":
        return _checked_notice(value)
    if name == "pace":
        try:
            return PaceMode(str(value))
        except ValueError:
            raise ValueError("one of auto, manual") from None
    raise ValueError("unknown field; known are pace_per_minute, burst, capacity, mode, pace, notice, reason")


def _checked_notice(value: object) -> dict[str, str]:
    if isinstance(value, str):
        value = {"fr": value} if value else {}
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and len(key) <= _LANGUAGE_MAX_CHARS and isinstance(text, str)
        for key, text in value.items()
    ):
        raise ValueError('texts by language, such as {"fr": "…", "en": "…"}')
    if len(json.dumps(value, ensure_ascii=False)) > NOTICE_MAX_CHARS:
        raise ValueError(f"at most {NOTICE_MAX_CHARS} characters together")
    return value
