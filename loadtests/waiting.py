"""The pieces that ways are made of: take a place, wait for the turn, press Enter, book."""

import math
from collections.abc import Callable
from random import Random

from loadtests.answers import TicketAnswer
from loadtests.booking import book
from loadtests.moves import Moves, pause
from loadtests.visitor import Late, Visitor


def think_seconds(random: Random, mean: float) -> float:
    """How long a person takes: log-normal (sigma 0.6), seldom longer than four times the mean."""
    sigma = 0.6
    return min(random.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma), 4 * mean)


def thinking(visitor: Visitor) -> Callable[[float], float]:
    """How long this visitor takes for something that takes that long in the mean."""
    return lambda mean: think_seconds(visitor.random, mean)


def at_once(_mean: float) -> float:
    """How long a script takes."""
    return 0.05


def wait(
    visitor: Visitor, *, reloads_every: float = 0.0, until_seconds: float = math.inf, tabs: int = 1
) -> Moves[TicketAnswer | None]:
    """Wait for the turn: the ticket once it is no longer waiting; None when `until_seconds` of patience are over.

    With `reloads_every` seconds the page is reloaded instead of watched; the place must stay the same. Each of `tabs`
    watches the board by itself.
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
            for _ in range(tabs):
                found, seconds = yield from visitor.patiently(visitor.look)
        if found is not None and found.state != "waiting":
            return found
        seconds *= visitor.random.uniform(0.8, 1.2)
        yield from pause(min(seconds, until_seconds - waited))
        waited += seconds
    return None


def take_place(visitor: Visitor) -> Moves[bool]:
    """Learn one's own lane and place after arriving; whether one has to wait at all."""
    visitor.tally.events["arrived"] += 1
    if visitor.is_inside:
        return False
    visitor.tally.events["queued"] += 1
    found = yield from visitor.patiently(visitor.ticket)
    return found.state != "admitted"


def enter(visitor: Visitor, *, after_seconds: float = 4.0) -> Moves[bool]:
    """Press Enter until inside; False if the turn was over. A place missed is taken back once."""
    yield from pause(think_seconds(visitor.random, after_seconds))
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
        yield from wait(visitor)
    return False


def wait_enter_book(visitor: Visitor, *, reloads_every: float = 0.0, tabs: int = 1) -> Moves[str]:
    """The rest of a way after arriving."""
    if not visitor.is_inside:
        yield from wait(visitor, reloads_every=reloads_every, tabs=tabs)
        if not visitor.is_inside and not (yield from enter(visitor)):
            return "missed"
    return (yield from book(visitor, thinking(visitor)))
