"""Who comes: the people and robots by name, and the deck they are dealt from.

The outcome of a way is one word: booked, refused, nothing left, missed, left, forged, put out, gave up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from loadtests import people, robots
from loadtests.answers import WrongAnswer
from loadtests.moves import Moves
from loadtests.site import Site
from loadtests.tally import Tally
from loadtests.visitor import Late, Visitor

Way = Callable[[Visitor], Moves[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A way, and how its requests carry the ticket."""

    way: Way
    bearer: bool = False
    robot: bool = False
    books: bool = False
    """Whether it comes to book and stays for it: its success is the line's."""


PERSONAS: Mapping[str, Persona] = {
    "applicant": Persona(way=people.applicant, books=True),
    "app": Persona(way=people.app, bearer=True, books=True),
    "impatient": Persona(way=people.impatient, books=True),
    "many-tabs": Persona(way=people.many_tabs, books=True),
    "no-javascript": Persona(way=people.no_javascript, books=True),
    "helper": Persona(way=people.accompanied, books=True),
    "sleeper": Persona(way=people.sleeper),
    "no-show": Persona(way=people.no_show),
    "leaver": Persona(way=people.leaver),
    "direct": Persona(way=people.direct),
    "slot-refresher": Persona(way=robots.slot_refresher, robot=True),
    "session-farm": Persona(way=robots.session_farm, robot=True),
    "forger": Persona(way=robots.forger, robot=True),
    "replayer": Persona(way=robots.replayer, robot=True),
    "stampede": Persona(way=robots.stampede, robot=True),
}


def somebody(persona: str, site: Site, tally: Tally, random: Random) -> Visitor:
    """A new visitor of that kind."""
    kind = PERSONAS[persona]
    visitor = Visitor(site, tally, random, persona, bearer=kind.bearer)
    visitor.trace.robot = kind.robot
    return visitor


def deck(shares: Mapping[str, float], size: int, random: Random) -> list[str]:
    """The personas of `size` visitors in the order they come: exact shares, at least one of each if there is room."""
    total = sum(shares.values())
    cards = [name for name, share in shares.items() for _ in range(max(1, round(size * share / total)) if share else 0)]
    most = max(shares, key=lambda name: shares[name])
    cards += [most] * (size - len(cards))
    random.shuffle(cards)
    return cards[:size]


def live(visitor: Visitor) -> Moves[str]:
    """The whole way of a visitor, with its outcome noted. Wrong answers beyond patience make it "gave up"."""
    try:
        outcome = yield from PERSONAS[visitor.trace.persona].way(visitor)
    except (WrongAnswer, Late):
        outcome = "gave up"
    visitor.trace.outcome = outcome
    visitor.tally.events[outcome] += 1
    return outcome
