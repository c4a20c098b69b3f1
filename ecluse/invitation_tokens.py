"""Invitations to a lane: signed, for one use, under a key derived for nothing else: none is a ticket or a pass."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import Expired, Forged, WrongRoom
from ecluse.signing import SigningKey, signer

_BODY = re.compile(
    r"i1~([a-z0-9-]{1,40})~([a-z0-9-]{1,40})~([A-Za-z0-9_-]{11})~(0|[1-9][0-9]{0,2})~([1-9][0-9]{0,11})", re.ASCII
)
_MAX_CHARS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One place in a lane, to be taken until it expires; `number` of its `batch`, from 0."""

    room: str
    lane: str
    batch: str
    number: int
    expires_at: int
    """Unix seconds."""


class InvitationSigner:
    """Signs with the first key and reads those of every key in the list."""

    def __init__(self, keys: Sequence[SigningKey], *, clock: Clock = system_clock) -> None:
        self._signers = [
            signer(hmac.digest(key.secret, b"ecluse.invitation.v1", "sha256")) for key in keys if key.secret
        ]
        self._clock = clock

    def sign(self, invitation: Invitation) -> str:
        """The invitation as text that fits an address, about 120 characters."""
        it = invitation
        body = f"i1~{it.room}~{it.lane}~{it.batch}~{it.number}~{it.expires_at}"
        return f"{body}.{self._signers[0].get_signature(body.encode()).decode()}"

    def read(self, token: str, room: str) -> Invitation:
        """The invitation in `token`, parsed once its signature holds. Raises Forged, WrongRoom or Expired."""
        if not token.isascii() or len(token) > _MAX_CHARS:
            raise Forged
        body, _, signature = token.encode().rpartition(b".")
        if not any(hmac.compare_digest(each.get_signature(body), signature) for each in self._signers):
            raise Forged
        match = _BODY.fullmatch(body.decode())
        if match is None:
            raise Forged
        found_room, lane, batch, number, expires_at = match.groups()
        if found_room != room:
            raise WrongRoom
        if int(expires_at) <= self._clock():
            raise Expired
        return Invitation(room=room, lane=lane, batch=batch, number=int(number), expires_at=int(expires_at))
