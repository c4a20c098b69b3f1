"""The invitations of a room, as Redis keeps them: what was issued, how many were used, what was taken back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ecluse.domain.room import Room
from ecluse.store.client import Store
from ecluse.store.keys import room_keys
from ecluse.store.scripts import script

BATCHES_MOST = 500


class InvitationStore:
    """One room's invitations. `now_ms` 0 means the clock of Redis; only tests pass another."""

    def __init__(self, store: Store, room: Room) -> None:
        self.now_ms = 0.0
        self._store = store
        self._key = room_keys(room).invitations

    async def issue(self, batch: str, record: Mapping[str, Any], *, most: int) -> tuple[str, int]:
        """Put a batch in force: (issued, 0), (quota, how many its issuer may still give today) or (full, 0)."""
        reply = await self._store.run(
            script("invite"), (self._key,),
            (self.now_ms, batch, json.dumps(record, ensure_ascii=False), record["count"], record["issuer"], most,
             BATCHES_MOST, record["expires_at_ms"]),
        )  # fmt: skip
        return reply[0].decode(), int(reply[1]) if len(reply) > 1 else 0

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Every batch there is: its record, how many were used, and whether it was revoked; the latest first."""
        index = json.loads(await self._store.command("HGET", self._key, "index") or b"[]")
        ids = [batch["id"] for batch in index][::-1]
        if not ids:
            return []
        fields = [f"{kind}:{batch}" for batch in ids for kind in "bnr"]
        values = await self._store.command("HMGET", self._key, *fields)
        found = zip(ids, values[::3], values[1::3], values[2::3], strict=True)
        return [
            {"id": batch, **json.loads(record), "used": int(used or 0), "revoked": revoked is not None}
            for batch, record, used, revoked in found
            if record is not None
        ]

    async def revoke(self, batch: str) -> bool:
        """Take a batch back: what is not used yet opens nothing more. Whether there is such a batch."""
        if not await self._store.command("HEXISTS", self._key, f"b:{batch}"):
            return False
        await self._store.command("HSETNX", self._key, f"r:{batch}", "1")
        return True
