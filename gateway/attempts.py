"""How often somebody may guess: wrong tries are counted for each client network, and each name, in bounded memory.

A network is the /24 of an IPv4 address, the /56 of an IPv6 one: what one subscriber, or one town hall, usually has. It
is kept as a digest under a key that dies with the process. Only wrong tries count, so that a counter where many people
type their codes is not held up. (What people ask by their number is counted in `ecluse.store.tries` instead: every try,
right or wrong, for all gateways together, and without anybody's number being kept.)
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_network

from ecluse.clock import Clock
from ecluse.domain.errors import TooManyTries
from gateway.asgi import Scope
from gateway.forwarding import client_address

WRONG_AT_ONCE = 10
SECONDS_EACH = 30.0
"""After ten wrong tries, one more each half a minute."""
WRONG_AT_ONCE_FOR_A_NAME = 40
"""More than one network may try, so that a stranger alone does not keep an operator out."""
NETWORKS_KEPT = 10_000


class Attempts:
    """The wrong tries of one process, by network, and by the name tried where there is one."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network], clock: Clock) -> None:
        self._trusted = trusted
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._free_at: OrderedDict[bytes, float] = OrderedDict()

    def check(self, scope: Scope, name: str | None = None) -> None:
        """Raises TooManyTries if this network, or whoever tries this name, has to wait before they try again."""
        for mark, at_once in self._marks(scope, name):
            wait = self._free_at.get(mark, 0.0) - self._clock() - (at_once - 1) * SECONDS_EACH
            if wait > 0:
                raise TooManyTries(retry_after_seconds=int(wait) + 1)

    def count(self, scope: Scope, name: str | None = None) -> None:
        """A try was wrong; or it begins, and is taken back if it was right: so that many at once all count."""
        now = self._clock()
        for mark, _ in self._marks(scope, name):
            self._free_at[mark] = max(self._free_at.get(mark, 0.0), now) + SECONDS_EACH
            self._free_at.move_to_end(mark)
        while len(self._free_at) > NETWORKS_KEPT:
            self._free_at.popitem(last=False)

    def take_back(self, scope: Scope, name: str | None = None) -> None:
        """A try that was counted as it began was right."""
        for mark, _ in self._marks(scope, name):
            if mark in self._free_at:
                self._free_at[mark] -= SECONDS_EACH

    def _marks(self, scope: Scope, name: str | None) -> list[tuple[bytes, int]]:
        """Under which digests a try counts, and how many wrong ones are free at once."""
        marks = [(self._digest("network", self._network(scope)), WRONG_AT_ONCE)]
        if name is not None:
            marks.append((self._digest("name", name), WRONG_AT_ONCE_FOR_A_NAME))
        return marks

    def _digest(self, kind: str, what: str) -> bytes:
        text = f"{kind} {what}".encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=12).digest()

    def _network(self, scope: Scope) -> str:
        peer = scope.get("client")
        xff = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return network_of(client_address(peer[0] if peer else None, xff, self._trusted))


def network_of(address: str) -> str:
    """The network of a client address; an address that is none stands for itself."""
    try:
        return str(ip_network(f"{address}/{56 if ':' in address else 24}", strict=False))
    except ValueError:
        return address
