"""The people of a nominative room: their numbers read, turned into digests, and kept from being tried out."""

import hashlib
import hmac
import math
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from ecluse.clock import Clock, system_clock
from ecluse.domain.errors import PersonInvalid, PersonNeeded, TooManyTries
from ecluse.domain.person import Applicant, Unreadable, normalised, person_digest
from ecluse.domain.room import Room
from ecluse.person_settings import PersonSettings
from ecluse.store.tries import Mark, Tries

STRETCH_MS = 600_000
"""Tries are counted over ten minutes."""
_DAY_SECONDS = 86_400


class People:
    """What a nominative room knows of people: nothing but digests, under a key of its own."""

    def __init__(
        self, room: Room, settings: PersonSettings, secret: str, tries: Tries, *, clock: Clock = system_clock
    ) -> None:
        self.settings = settings
        self.tries = tries
        self._room = room
        self._secret = secret.encode()
        self._name = hashlib.sha256(b"ecluse.person.kid." + self._secret).hexdigest()[:8]
        self._marking = hmac.digest(self._secret, b"ecluse.tries.v1", "sha256")
        self._clock = clock

    def read(self, typed: str | None) -> str:
        """The number in what somebody typed. Raises PersonNeeded, PersonInvalid."""
        if typed is None or not typed.strip():
            raise PersonNeeded
        try:
            return normalised(typed, self.settings.kind, self.settings.pattern)
        except Unreadable as error:
            raise PersonInvalid(str(error), error.fault) from None

    def applicant(self, number: str, campaign_ms: int) -> Applicant:
        """Who has this number, in the campaign that started then (0: in none)."""
        campaign = campaign_ms if self._room.campaigns else 0
        person = person_digest(self._secret, self._room.id, campaign, number)
        return Applicant(person=person, key=self._name, campaign_ms=campaign if self._room.campaigns else None)

    async def count_try(self, number: str, client: str) -> None:
        """One more number asked for from `client` (an address, or unknown). Raises TooManyTries, StoreAway."""
        marks = [Mark(digest=self._mark("number", number), most=self.settings.tries_per_number)]
        network = network_of(client)
        if network is not None:
            marks.append(Mark(digest=self._mark("network", network), most=self.settings.tries_per_network))
        wait_ms = await self.tries.count(marks)
        if wait_ms is not None:
            raise TooManyTries("numbers", retry_after_seconds=max(1, math.ceil(wait_ms / 1000)))

    def _mark(self, kind: str, what: str) -> bytes:
        """A digest that is another one tomorrow: what is counted today cannot be recognised then."""
        parts: Sequence[str] = (kind, self._room.id, str(int(self._clock() // _DAY_SECONDS)), what)
        return hmac.digest(self._marking, "\n".join(parts).encode(), "sha256")[:8]


def network_of(client: str) -> str | None:
    """The network of an address, as far as it is one household or office: IPv4 /24, IPv6 /56. None if there is none."""
    try:
        address = ip_address(client)
    except ValueError:
        return None
    return str(ip_network(f"{address}/{56 if isinstance(address, IPv6Address) else 24}", strict=False))
