"""Who comes: each persona is the way of one visitor, from arriving to being done, as a generator of moves.

The outcome of a way is one word: booked, refused, nothing left, missed, left, forged, gave up.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from loadtests.answers import TicketAnswer, WrongAnswer
from loadtests.booking import book
from loadtests.forging import forge_on
from loadtests.moves import Moves, pause
from loadtests.visitor import Late, Visitor

Way = Callable[[Visitor], Moves[str]]


def think_seconds(random: Random, mean: float) -> float:
    """How long a person takes: log-normal (sigma 0.6), seldom longer than four times the mean."""
    sigma = 0.6
    return min(random.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma), 4 * mean)


def _thinking(visitor: Visitor) -> Callable[[float], float]:
    return lambda mean: think_seconds(visitor.random, mean)


def _wait(
    visitor: Visitor, *, reloads_every: float = 0.0, until_seconds: float = math.inf
) -> Moves[TicketAnswer | None]:
    """Wait for the turn: the ticket once it is no longer waiting; None when `until_seconds` of patience are over.

    With `reloads_every` seconds the page is reloaded instead of watched; the place must stay the same.
    """
    waited = 0.0
    while waited < until_seconds:
        if reloads_every:
            yield from visitor.patiently(visitor.open_page)
            if visitor.is_inside:
                return None
            found: TicketAnswer | None = yield from visitor.patiently(visitor.ticket)
            seconds = reloads_every
        else:
            found, seconds = yield from visitor.patiently(visitor.look)
        if found is not None and found.state != "waiting":
            return found
        seconds *= visitor.random.uniform(0.8, 1.2)
        yield from pause(min(seconds, until_seconds - waited))
        waited += seconds
    return None


def _take_place(visitor: Visitor) -> Moves[bool]:
    """Learn one's own lane and place after arriving; whether one has to wait at all."""
    visitor.tally.events["arrived"] += 1
    if visitor.is_inside:
        return False
    visitor.tally.events["queued"] += 1
    found = yield from visitor.patiently(visitor.ticket)
    return found.state != "admitted"


def _enter(visitor: Visitor) -> Moves[bool]:
    """Press Enter until inside; False if the turn was over. A place missed is taken back once."""
    yield from pause(think_seconds(visitor.random, 4))
    for _ in range(2):
        try:
            while (seconds := (yield from visitor.patiently(visitor.claim))) is not None:
                yield from pause(seconds * visitor.random.uniform(1.0, 1.2))
            return True
        except Late as late:
            if str(late) != "missed":
                return False
        visitor.tally.events["came back"] += 1
        yield from visitor.patiently(visitor.join)
        yield from _wait(visitor)
    return False


def _wait_enter_book(visitor: Visitor, *, reloads_every: float = 0.0) -> Moves[str]:
    if not visitor.is_inside:
        yield from _wait(visitor, reloads_every=reloads_every)
        if not visitor.is_inside and not (yield from _enter(visitor)):
            return "missed"
    return (yield from book(visitor, _thinking(visitor)))


def applicant(visitor: Visitor) -> Moves[str]:
    """Opens the page, watches the board at its pace, presses Enter after a moment, books."""
    yield from visitor.patiently(visitor.open_page)
    yield from _take_place(visitor)
    return (yield from _wait_enter_book(visitor))


def app(visitor: Visitor) -> Moves[str]:
    """A program or JSON front end: 429 and a ticket instead of a page, the ticket sent as a bearer token."""
    yield from visitor.patiently(visitor.call_service)
    yield from _take_place(visitor)
    return (yield from _wait_enter_book(visitor))


def impatient(visitor: Visitor) -> Moves[str]:
    """Reloads the page every few seconds, which must neither gain nor lose anything."""
    yield from visitor.patiently(visitor.open_page)
    yield from _take_place(visitor)
    return (yield from _wait_enter_book(visitor, reloads_every=visitor.random.uniform(3, 8)))


def no_show(visitor: Visitor) -> Moves[str]:
    """Takes a place and is not there when called: the page closed, or open in a tab nobody looks at.

    One in six comes back after missing the turn, and takes the place back.
    """
    yield from visitor.patiently(visitor.open_page)
    if not (yield from _take_place(visitor)):
        # Let in at once, so there was no turn to miss.
        return (yield from book(visitor, _thinking(visitor)))
    if visitor.random.random() < 0.5:
        yield from _wait(visitor, until_seconds=visitor.random.uniform(5, 90))
        return "missed"
    found = yield from _wait(visitor)
    while found is not None and found.state == "called":
        yield from pause(visitor.random.uniform(15, 25))
        found = yield from visitor.patiently(visitor.ticket)
    if found is not None and found.state == "missed" and visitor.random.random() < 1 / 3:
        visitor.tally.events["came back"] += 1
        yield from visitor.patiently(visitor.join)
        return (yield from _wait_enter_book(visitor))
    return "missed"


def leaver(visitor: Visitor) -> Moves[str]:
    """Takes a place, waits a while, and gives it up properly."""
    yield from visitor.patiently(visitor.open_page)
    if not (yield from _take_place(visitor)):
        return (yield from book(visitor, _thinking(visitor)))
    yield from _wait(visitor, until_seconds=visitor.random.uniform(5, 60))
    yield from visitor.patiently(visitor.leave)
    return "left"


def forger(visitor: Visitor) -> Moves[str]:
    """Takes a genuine place, then tries to get in with passes and tickets that nobody issued."""
    yield from visitor.patiently(visitor.join)
    yield from _take_place(visitor)
    yield from forge_on(visitor, rounds=visitor.random.randint(10, 30))
    yield from visitor.patiently(visitor.leave)
    return "forged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A way, and how its requests carry the ticket."""

    way: Way
    bearer: bool = False


PERSONAS: Mapping[str, Persona] = {
    "applicant": Persona(way=applicant),
    "app": Persona(way=app, bearer=True),
    "impatient": Persona(way=impatient),
    "no-show": Persona(way=no_show),
    "leaver": Persona(way=leaver),
    "forger": Persona(way=forger),
}


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
