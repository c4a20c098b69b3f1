"""When visitors come: arrival times as plain numbers, for the crowd and for locust alike.

Slow answers never delay them. A shape is a list of waves. Each brings a share of the visitors between two moments, in
one of three forms.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Form(StrEnum):
    """How a wave lies in its time."""

    RUSH = "rush"
    """Densest at its beginning, as when a page is reloaded until it opens."""
    EVEN = "even"
    """Independent of each other, as many in each minute as in any other."""
    PACED = "paced"
    """One after the other at equal intervals, for rates that are to be compared."""
    BELL = "bell"
    """Swells and ebbs, as at lunchtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """People of one wave, in seconds after the start."""

    people: int
    form: Form
    start_seconds: float
    length_seconds: float


def arrivals(waves: Sequence[Wave], random: Random) -> list[float]:
    """Seconds after the start at which each visitor arrives, in order."""
    return sorted(_moment(wave, number, random) for wave in waves for number in range(wave.people))


def _moment(wave: Wave, number: int, random: Random) -> float:
    start, length = wave.start_seconds, wave.length_seconds
    match wave.form:
        case Form.RUSH:
            return start + random.triangular(0.0, length, 0.0)
        case Form.BELL:
            # The mean of four even draws: a bell that ends where the wave ends.
            return start + length * sum(random.random() for _ in range(4)) / 4
        case Form.PACED:
            return start + length * number / wave.people
        case Form.EVEN:
            return start + random.uniform(0.0, length)


def split(people: int, shares: Sequence[float]) -> list[int]:
    """`people` divided by `shares`, each part rounded so that together they are all."""
    total, given, parts = sum(shares), 0, []
    reached = 0.0
    for share in shares:
        reached += share
        upto = round(people * reached / total)
        parts.append(upto - given)
        given = upto
    return parts


def opening_spike(
    people: int, *, spike_share: float, spike_seconds: float, stragglers_seconds: float, random: Random
) -> list[float]:
    """A rush at the opening, and stragglers after it until `stragglers_seconds`."""
    early, late = split(people, (spike_share, 1 - spike_share))
    length = max(stragglers_seconds - spike_seconds, 0.0)
    return arrivals(
        (
            Wave(people=early, form=Form.RUSH, start_seconds=0.0, length_seconds=spike_seconds),
            Wave(people=late, form=Form.EVEN, start_seconds=spike_seconds, length_seconds=length),
        ),
        random,
    )


def arrived_by(times: Sequence[float], seconds: float) -> int:
    """How many have arrived `seconds` after the start."""
    return bisect_right(times, seconds)
