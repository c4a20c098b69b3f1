"""What all gateways share of a room: its board, its live settings, who is finished, and the journal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecluse.domain.errors import StoreAway, VersionConflict
from ecluse.domain.journal import Action, digest_of, text_of
from ecluse.domain.room import Live, Mode, PaceMode, Room
from ecluse.store.client import Store
from ecluse.store.keys import room_keys
from ecluse.store.scripts import script

FIELDS = ("pace_per_minute", "burst", "capacity", "mode", "pace", "notice")
_TRIES = 5
_REPORTS_SECONDS = 3600

SYSTEM = "ecluse"
"""Who did it, in the journal, where time did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """Who changed what, when and why; `digest` chains it to the one before."""

    id: str
    digest: str
    document: Mapping[str, object]


class RoomStore:
    """The shared face of one room."""

    def __init__(self, store: Store, room: Room) -> None:
        self.room = room
        self._store = store
        self._keys = room_keys(room)

    async def live(self) -> Live:
        """The settings in force. Raises StoreAway."""
        values = await self._store.command("HMGET", self._keys.settings, *FIELDS, "version")
        found: dict[str, bytes] = {
            name: value for name, value in zip((*FIELDS, "version"), values, strict=True) if value is not None
        }
        room = self.room
        return Live(
            version=int(found.get("version", 0)),
            pace_per_minute=float(found.get("pace_per_minute", room.pace_per_minute)),
            burst=int(found.get("burst", room.burst)),
            capacity=int(found.get("capacity", room.capacity)),
            mode=Mode(found["mode"].decode()) if "mode" in found else room.mode,
            pace=PaceMode(found["pace"].decode()) if "pace" in found else room.pace,
            notice=json.loads(found["notice"]) if "notice" in found else dict(room.notice),
        )

    async def settle(self, values: Mapping[str, object], *, who: str, reason: str, version: int | None) -> Live:
        """Change live settings and write it in the journal, atomically.

        Raises VersionConflict if the room is no longer at `version`, StoreAway.
        """
        for _ in range(_TRIES):
            before = await self.live()
            if version is not None and before.version != version:
                raise VersionConflict
            changes = [
                {"field": name, "from": _plain(getattr(before, name)), "to": _plain(value)}
                for name, value in values.items()
                if getattr(before, name) != value
            ]
            if not changes:
                return before
            told = {"who": who, "action": Action.SETTLE, "changes": changes, "reason": reason}
            if await self._write(told, version=before.version, values=values):
                return await self.live()
        raise StoreAway("the journal moved on at every try")

    async def note(self, action: Action, details: Mapping[str, object], *, who: str, reason: str) -> None:
        """Write something in the journal that changes no setting. Raises StoreAway."""
        for _ in range(_TRIES):
            if await self._write({"who": who, "action": action, "changes": [], "reason": reason, **details}):
                return
        raise StoreAway("the journal moved on at every try")

    async def _write(
        self, told: Mapping[str, object], *, version: int | None = None, values: Mapping[str, object] | None = None
    ) -> bool:
        """Append one entry behind the one there is; False if somebody else was faster."""
        head = (await self._store.command("HGET", self._keys.settings, "head") or b"").decode()
        seconds, micros = await self._store.command("TIME")
        at_ms = int(seconds) * 1000 + int(micros) // 1000
        entry = {"at": _rfc3339(at_ms), **told, "previous": head}
        document = text_of(entry)
        pairs: list[str] = []
        for name, value in (values or {}).items():
            pairs += [name, json.dumps(value, ensure_ascii=False) if name == "notice" else str(value)]
        reply = await self._store.run(
            script("settle"),
            (self._keys.settings, self._keys.journal),
            ("" if version is None else version, head, digest_of(head, document), document, *pairs),
        )
        return bool(reply[0] == b"settled")

    async def give_beacon(self, beacon: str) -> str:
        """Keep the value that decides a draw (JSON: value, source): taken, early, late or none. Raises StoreAway."""
        reply = await self._store.run(script("beacon"), self._keys.step, (0, "", beacon))
        word: str = reply[0].decode()
        return word

    async def draw_record(self) -> bytes | None:
        """The public record of the latest draw, JSON. Raises StoreAway."""
        found: bytes | None = await self._store.command("HGET", self._keys.step[0], "draw")
        return found

    async def drawn_ids(self, start: int, most: int) -> bytes:
        """A piece of the list of those drawn, as published: an id a line. Raises StoreAway."""
        found: bytes = await self._store.command("GETRANGE", self._keys.drawn, start, start + most - 1)
        return found

    async def slots_left(self) -> int | None:
        """How many slots are left, as last said. Raises StoreAway."""
        found = await self._store.command("HGET", self._keys.step[0], "slots_left")
        return None if found is None else int(float(found))

    async def note_slots_left(self, slots: int) -> None:
        """Keep what the origin said about its slots. Raises StoreAway."""
        await self._store.command("HSET", self._keys.step[0], "slots_left", slots)

    async def counts(self) -> Mapping[str, object]:
        """What the line did so far, and what the worker learnt of those called. Raises StoreAway."""
        names = ("number", "base", "admissions", "missed", "left", "calls", "memory")
        values = await self._store.command("HMGET", self._keys.step[0], *names)
        found = dict(zip(names, values, strict=True))
        memory = json.loads(found.pop("memory") or b"{}")
        counted = {name: int(float(value or 0)) for name, value in found.items()}
        return {
            "joins": counted["number"] - counted["base"],
            "admissions": counted["admissions"],
            "calls": counted["calls"],
            "missed": counted["missed"],
            "left": counted["left"],
            "show_rate": memory.get("show_rate"),
            "claim_delay_seconds": memory.get("claim_delay_seconds"),
            "window": _window(memory.get("auto")),
        }

    async def note_origin(self, process: str, report: str) -> None:
        """Keep what a gateway process saw of the origin, for an hour. Raises StoreAway."""
        await self._store.command("HSET", self._keys.origin, process, report)
        await self._store.command("EXPIRE", self._keys.origin, _REPORTS_SECONDS)

    async def series(self, minutes: int) -> list[dict[str, object]]:
        """The latest `minutes` entries of the room's curve, oldest first. Raises StoreAway."""
        entries = await self._store.command("XREVRANGE", self._keys.series, "+", "-", "COUNT", minutes)
        return [json.loads(_fields(fields)[b"entry"]) for _, fields in reversed(entries)]

    async def journal(self, most: int = 100, *, before: str | None = None) -> Sequence[JournalEntry]:
        """The latest entries, or those before the entry `before`, newest first. Raises StoreAway."""
        end = "+" if before is None else f"({before}"
        entries = await self._store.command("XREVRANGE", self._keys.journal, end, "-", "COUNT", most)
        found = []
        for entry_id, fields in entries:
            values = _fields(fields)
            found.append(
                JournalEntry(
                    id=entry_id.decode(), digest=values[b"hash"].decode(), document=json.loads(values[b"entry"])
                )
            )
        return found

    async def days(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """What was counted: date → hour → what → how many. Raises StoreAway."""
        found = await self._store.command("HGETALL", self._keys.days)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return {date.decode(): json.loads(day) for date, day in pairs}

    async def head(self) -> str:
        """The hash of the latest entry of the journal; empty before the first. Raises StoreAway."""
        return (await self._store.command("HGET", self._keys.settings, "head") or b"").decode()

    async def board(self) -> bytes | None:
        """The board as published, or None before the first. Raises StoreAway."""
        found: bytes | None = await self._store.command("GET", self._keys.board)
        return found

    async def ended_since(self, when_ms: float) -> list[tuple[str, float]]:
        """Ids finished at or after `when_ms`, with when (ms). Raises StoreAway."""
        return await self._since(self._keys.ended, when_ms)

    async def moved_since(self, moment: float) -> list[tuple[str, float]]:
        """Ids of tickets whose place moved at or after `moment`, with when (both Unix seconds). Raises StoreAway."""
        return await self._since(self._keys.moved, moment)

    async def _since(self, key: str, least: float) -> list[tuple[str, float]]:
        reply = await self._store.command("ZRANGEBYSCORE", key, repr(least), "+inf", "WITHSCORES")
        if reply and isinstance(reply[0], list | tuple):
            return [(name.decode(), float(score)) for name, score in reply]
        return [(name.decode(), float(score)) for name, score in zip(reply[::2], reply[1::2], strict=True)]


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(reply: Any) -> Mapping[bytes, bytes]:
    """The fields of a stream's entry, whichever protocol brought them."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


def _window(auto: Mapping[str, object] | None) -> dict[str, object] | None:
    """The session window as an operator sees it; None where the pace is set by hand."""
    if not auto:
        return None
    return {name: auto[name] for name in ("size", "decision", "p90_ms", "error_share")}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Mode | PaceMode) else dict(value) if isinstance(value, Mapping) else value
