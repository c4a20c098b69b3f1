"""How often somebody may guess: wrong tries are counted for each client network, in bounded memory.

A network is the /24 of an IPv4 address, the /56 of an IPv6 one: what one subscriber, or one town hall, usually has. It
is kept as a digest under a key that dies with the process. Only wrong tries count, so that a counter where many people
type their codes is not held up.
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
NETWORKS_KEPT = 10_000


class Attempts:
    """The wrong tries of one process, by network."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network], clock: Clock) -> None:
        self._trusted = trusted
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._free_at: OrderedDict[bytes, float] = OrderedDict()

    def check(self, scope: Scope) -> None:
        """Raises TooManyTries if this network has to wait before it tries again."""
        wait = self._free_at.get(self._name(scope), 0.0) - self._clock() - (WRONG_AT_ONCE - 1) * SECONDS_EACH
        if wait > 0:
            raise TooManyTries(retry_after_seconds=int(wait) + 1)

    def count(self, scope: Scope) -> None:
        """A try was wrong."""
        name, now = self._name(scope), self._clock()
        self._free_at[name] = max(self._free_at.get(name, 0.0), now) + SECONDS_EACH
        self._free_at.move_to_end(name)
        if len(self._free_at) > NETWORKS_KEPT:
            self._free_at.popitem(last=False)

    def _name(self, scope: Scope) -> bytes:
        peer = scope.get("client")
        xff = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        network = network_of(client_address(peer[0] if peer else None, xff, self._trusted))
        return blake2b(network.encode(), key=self._key, digest_size=12).digest()


def network_of(address: str) -> str:
    """The network of a client address; an address that is none stands for itself."""
    try:
        return str(ip_network(f"{address}/{56 if ':' in address else 24}", strict=False))
    except ValueError:
        return address
