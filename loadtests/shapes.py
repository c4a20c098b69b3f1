"""When visitors come: arrival times as plain numbers, for the crowd and for locust alike."""

from bisect import bisect_right
from collections.abc import Sequence
from random import Random


def opening_spike(
    people: int, *, spike_share: float, spike_seconds: float, stragglers_seconds: float, random: Random
) -> list[float]:
    """Seconds after opening at which each of `people` arrives, in order.

    The spike is triangular: the densest moment is its beginning, as when a page is reloaded until it opens.
    """
    early = round(people * spike_share)
    spike = [random.triangular(0.0, spike_seconds, 0.0) for _ in range(early)]
    late = [random.uniform(spike_seconds, max(stragglers_seconds, spike_seconds)) for _ in range(people - early)]
    return sorted(spike + late)


def arrived_by(times: Sequence[float], seconds: float) -> int:
    """How many have arrived `seconds` after opening."""
    return bisect_right(times, seconds)
