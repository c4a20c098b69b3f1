"""Invitations to a lane: issued within a quota, listed without their tokens, taken back; all in the journal."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import BadInput, InvitationQuota, InvitationRefused, TokenError, UnknownInvitation
from ecluse.domain.journal import Action
from ecluse.invitation_tokens import Invitation, InvitationSigner
from ecluse.settings import RoomSettings
from ecluse.store.invitations import InvitationStore
from ecluse.store.rooms import RoomStore
from ecluse.tokens import new_id

COUNT_MOST = 500
_DAYS_MOST = 60
_TEXT_MOST = 200


class Invitations:
    """The invitations of one room. Every method may raise StoreAway."""

    def __init__(
        self, settings: RoomSettings, store: InvitationStore, room: RoomStore, signer: InvitationSigner,
        *, clock: Clock = system_clock,
    ) -> None:  # fmt: skip
        self.store = store
        self._settings = settings
        self._room = room
        self._signer = signer
        self._clock = clock

    def read(self, token: str) -> Invitation:
        """The invitation in what a visitor sent. Raises InvitationRefused."""
        try:
            return self._signer.read(token, self._settings.id)
        except TokenError as error:
            raise InvitationRefused(type(error).__name__) from None

    async def issue(self, fields: Mapping[str, object], *, who: str) -> dict[str, Any]:
        """A new batch and its tokens, which are told this once. Raises BadInput with every mistake, InvitationQuota."""
        record = self._checked(fields)
        batch = new_id()
        outcome, left = await self.store.issue(batch, record | {"by": who}, most=self._settings.invitations_per_issuer)
        if outcome != "issued":
            raise InvitationQuota(f"{left} are left today." if outcome == "quota" else "Too many batches are in force.")
        told = {name: record[name] for name in ("lane", "count", "issuer", "expires_at_ms")}
        await self._room.note(Action.INVITE, {"invitations": {"id": batch, **told}}, who=who, reason=record["reason"])
        tokens = [
            self._signer.sign(
                Invitation(
                    room=self._settings.id, lane=record["lane"], batch=batch, number=number,
                    expires_at=record["expires_at_ms"] // 1000,
                )
            )
            for number in range(record["count"])
        ]  # fmt: skip
        return {"id": batch, **record, "tokens": tokens}

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Every batch, without tokens."""
        return await self.store.listed()

    async def revoke(self, batch: str, *, who: str, reason: str) -> None:
        """Take a batch back; places taken with it stay. Raises UnknownInvitation."""
        if not await self.store.revoke(batch):
            raise UnknownInvitation(batch)
        await self._room.note(Action.REVOKE_INVITATIONS, {"invitations": {"id": batch}}, who=who, reason=reason)

    def _checked(self, fields: Mapping[str, object]) -> dict[str, Any]:
        known = ("lane", "count", "issuer", "expires_at", "reason")
        mistakes = [f"{name}: unknown field" for name in fields if name not in known]
        lane, count = fields.get("lane"), fields.get("count", 1)
        if lane not in [each.id for each in self._settings.lane]:
            mistakes.append("lane: the id of a lane of this room")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= COUNT_MOST:
            mistakes.append(f"count: a whole number from 1 to {COUNT_MOST}")
        texts = {name: fields.get(name, "") for name in ("issuer", "reason")}
        for name, text in texts.items():
            if not isinstance(text, str) or not 0 < len(text.strip()) <= _TEXT_MOST or not text.isprintable():
                mistakes.append(f"{name}: a text of 1 to {_TEXT_MOST} characters on one line")
        expires = self._expiry(fields.get("expires_at"), mistakes)
        if mistakes:
            raise BadInput("; ".join(mistakes))
        return {"lane": lane, "count": count, **texts, "expires_at_ms": expires, "at_ms": int(self._clock() * 1000)}

    def _expiry(self, told: object, mistakes: list[str]) -> int:
        try:
            at = datetime.fromisoformat(told) if isinstance(told, str) else None
        except ValueError:
            at = None
        seconds = 0.0 if at is None or at.tzinfo is None else at.astimezone(UTC).timestamp()
        if not self._clock() < seconds <= self._clock() + _DAYS_MOST * 86_400:
            mistakes.append(f"expires_at: a time such as 2027-01-15T18:00:00Z, at most {_DAYS_MOST} days from now")
        return int(seconds) * 1000
