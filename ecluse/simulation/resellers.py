"""Resellers against people: who gets the appointments, under each rule of the line.

Resellers open many sessions at the very second of the opening, never sleep and never miss a call; people come over some
minutes, and some miss their turn. The line is the one of every simulation, the draw is the draw itself.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean, quantiles, stdev

from ecluse.domain.draw import place
from ecluse.simulation.line import MemoryLine, Rules

_PEOPLE_COME_SECONDS = 120.0
"""In the mean after the opening."""
_RESELLERS_COME_SECONDS = 2.0
_PEOPLE_SHOW = 0.9
_AT_ONCE = 100


class Rule(StrEnum):
    """How places are given."""

    FIFO = "first come, first served"
    DRAW = "draw"
    NOMINATIVE = "draw, one place per person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One opening."""

    rule: Rule
    people: int = 2000
    resellers: int = 5
    sessions: int = 200
    """Of each reseller."""
    clients: int = 20
    """Real people of each reseller, whose numbers it may give; they count where places are nominative."""
    places: int = 500

    @property
    def sold(self) -> int:
        """Tickets that resellers hold together."""
        each = min(self.sessions, self.clients) if self.rule is Rule.NOMINATIVE else self.sessions
        return self.resellers * each


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What many repetitions gave: the resellers' share of the places, in the mean and in 19 of 20 openings."""

    mean: float
    low: float
    high: float
    margin: float
    """Of the mean, with 95 % confidence."""
    chance: float
    """Of one person to get a place, in the mean."""


def once(contest: Contest, seed: int) -> int:
    """How many places the resellers get."""
    rng = random.Random(seed)  # noqa: S311 - a simulation must be repeatable
    sold, tickets = contest.sold, contest.sold + contest.people
    line = MemoryLine(Rules(pace_per_minute=60.0), 250.0)
    for ticket, where in enumerate(_places(contest, seed, rng)):
        line.enter(ticket, "main", where)
    got = admitted = 0
    shows = [ticket < sold or rng.random() < _PEOPLE_SHOW for ticket in range(tickets)]
    while admitted < contest.places and line.waiting["main"]:
        for ticket in line.call(_AT_ONCE, 0.0):
            if shows[ticket] and admitted < contest.places and line.press(ticket, 0.0):
                line.admit(ticket, 0.0)
                admitted += 1
                got += ticket < sold
    return got


def _places(contest: Contest, seed: int, rng: random.Random) -> Iterator[float]:
    """The place of each ticket; those of resellers come first in the list, not in the line."""
    if contest.rule is not Rule.FIFO:
        secret = hashlib.sha256(f"{contest} {seed}".encode()).digest()
        return (place(secret, f"{ticket:011d}") for ticket in range(contest.sold + contest.people))
    bots = [rng.uniform(0, _RESELLERS_COME_SECONDS) for _ in range(contest.sold)]
    return iter(bots + [rng.expovariate(1 / _PEOPLE_COME_SECONDS) for _ in range(contest.people)])


def shares(contest: Contest, repetitions: int, seed: int = 2026) -> Shares:
    """The same opening many times over."""
    got = [once(contest, seed * 100_000 + repetition) / contest.places for repetition in range(repetitions)]
    cuts = quantiles(got, n=40, method="inclusive")
    average = mean(got)
    return Shares(
        mean=average,
        low=cuts[0],
        high=cuts[-1],
        margin=1.96 * stdev(got) / repetitions**0.5,
        chance=(1 - average) * contest.places / contest.people,
    )
