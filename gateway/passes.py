"""The pass desk of a room: passes read once and remembered, and the short ones minted for the origin."""

from ecluse.clock import Clock
from ecluse.domain.errors import EcluseError
from ecluse.services.visits import Visits
from ecluse.tokens import Pass, PassSigner

ORIGIN_PASS_SECONDS = 60
_REUSE_SECONDS = 20
_KEPT = 4_000


class PassDesk:
    """Verifies without a store; a pass seen before costs a look in a dictionary."""

    def __init__(self, visits: Visits, origin: PassSigner, clock: Clock) -> None:
        self._visits = visits
        self._origin = origin
        self._clock = clock
        self._read: dict[str, Pass] = {}
        self._minted: dict[str, tuple[bytes, float]] = {}

    def open(self, token: str) -> Pass | None:
        """The pass in `token` if it opens this room now."""
        known = self._read.get(token)
        if known is not None and known.expires_at > self._clock():
            return None if self._visits.board.is_over(known.session, known.issued_at) else known
        try:
            granted = self._visits.read_pass(token)
        except EcluseError:
            return None
        if len(self._read) >= _KEPT:
            self._read.clear()
        self._read[token] = granted
        return granted

    def seconds_left(self, granted: Pass) -> int:
        """For how many whole seconds a pass still opens the room."""
        return granted.expires_at - int(self._clock())

    def for_origin(self, granted: Pass) -> bytes:
        """A pass of at most a minute under the origin's key, saying whose visit this is."""
        now = self._clock()
        known = self._minted.get(granted.session)
        if known is not None and now < known[1]:
            return known[0]
        short = Pass(
            room=granted.room, session=granted.session, lane=granted.lane, person=granted.person,
            issued_at=int(now), expires_at=int(now) + ORIGIN_PASS_SECONDS,
        )  # fmt: skip
        token = self._origin.sign(short).encode()
        if len(self._minted) >= _KEPT:
            self._minted.clear()
        self._minted[granted.session] = (token, now + _REUSE_SECONDS)
        return token
