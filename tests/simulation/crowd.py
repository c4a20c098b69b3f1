"""Crowds with every habit there is, and what must hold while they go through a line. Seeded; no clock but theirs."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from ecluse.domain.ticket import State
from ecluse.simulation.day import Day
from ecluse.simulation.people import Visitor


def mixed(
    how_many: int, *, minutes: float, seed: int, absent: float = 0.3, visit_ms: float = 60_000.0
) -> list[Visitor]:
    """People who come, leave, sleep and come back, or never answer; many tabs, many jars, robots that press early."""
    rng = random.Random(seed)
    found: list[Visitor] = []
    person = 0
    while len(found) < how_many:
        at, delay = rng.uniform(0, minutes * 60_000), rng.uniform(500, 9_000)
        stays = rng.expovariate(1 / visit_ms)
        habit = rng.random()
        person += 1
        if habit < absent:
            found.append(Visitor(arrives_ms=at, delay_ms=None))
        elif habit < absent + 0.08:
            found.append(
                Visitor(arrives_ms=at, delay_ms=None, back_after_ms=rng.uniform(5_000, 120_000), visit_ms=stays)
            )
        elif habit < absent + 0.14:
            found.append(
                Visitor(arrives_ms=at, delay_ms=delay, patience_ms=rng.expovariate(1 / 300_000), visit_ms=stays)
            )
        elif habit < absent + 0.24:
            found.append(Visitor(arrives_ms=at, delay_ms=delay, tabs=rng.randint(2, 6), visit_ms=stays))
        elif habit < absent + 0.30:
            found.append(Visitor(arrives_ms=at, delay_ms=rng.uniform(0, 100), early=True, tabs=3, visit_ms=stays))
        elif habit < absent + 0.36:  # several cookie jars: whichever comes first is used, the others are let go
            jars = [Visitor(arrives_ms=at + 1000 * jar, delay_ms=None, person=person) for jar in range(4)]
            found += [Visitor(arrives_ms=at, delay_ms=delay, person=person, visit_ms=stays), *jars]
        else:
            found.append(Visitor(arrives_ms=at, delay_ms=delay, visit_ms=stays))
    return sorted(found[:how_many], key=lambda each: each.arrives_ms)


def worst_window(times_ms: Sequence[float], interval_ms: float, burst: int) -> float:
    """By how many admissions the fullest window goes over `pace × w + burst`; 0 or less if the limit is exact."""
    most = lowest = float("-inf")
    for index, at in enumerate(sorted(times_ms)):
        level = index - at / interval_ms
        lowest = level if lowest == float("-inf") else min(lowest, level)
        most = max(most, level - lowest + 1 - burst)
    return most


def kendall_tau(places: Sequence[float]) -> float:
    """Kendall's tau of a sequence against its sorted order, by counting inversions while sorting in."""
    inversions = 0
    seen: list[float] = []
    for place in places:
        at = bisect_left(seen, place)
        inversions += len(seen) - at
        seen.insert(at, place)
    pairs = len(places) * (len(places) - 1) / 2
    return 1 - 2 * inversions / pairs if pairs else 1.0


class Watch:
    """Looks on after every turn; what does not hold is an assertion."""

    def __init__(self, *, walk_every: int = 400, followed: int = 150, seed: int = 5) -> None:
        self.turns = 0
        self.first_calls: list[float] = []
        self.calls_by_lane: dict[str, list[int]] = {}
        self.risen = 0
        self._walk_every, self._followed = walk_every, followed
        self._rng = random.Random(seed)
        self._called: set[int] = set()
        self._front: dict[str, float] = {}
        self._ranks: dict[int, int] = {}
        self._rejoined = 0
        self._entered = 0

    def look(self, day: Day) -> None:
        self.turns += 1
        self._no_overtaking(day)
        if day.line.rules.capacity:
            assert day.line.active <= day.line.rules.capacity
        if self.turns % 40 == 0:
            self._no_position_rises_unexplained(day)
        if self.turns % self._walk_every == 0:
            self._counts_are_those_of_a_walk(day)

    def _no_overtaking(self, day: Day) -> None:
        """Within a lane calls go by place; only a missed place that was asked back is called behind a later one."""
        now: dict[str, float] = {}
        for ticket in day.called_now:
            lane, place = day.line.standing(ticket)
            self.calls_by_lane.setdefault(lane, []).append(ticket)
            assert place > now.get(lane, float("-inf")), "called before somebody who stands in front"
            now[lane] = place
            if ticket in self._called:
                assert day.line.standing(ticket)[1] <= self._front[lane], "called again, at its own place"
            else:
                assert place > self._front.get(lane, float("-inf")), "overtaken by somebody called earlier"
                self._called.add(ticket)
                self.first_calls.append(place)
                self._front[lane] = place
        for lane, front in now.items():
            places = day.line.places[lane]
            assert not places or places[0] > front, "somebody in front was passed over"

    def _no_position_rises_unexplained(self, day: Day) -> None:
        """A rise is at most the number of those who came back to places of their own."""
        back = len(day.rejoined) - self._rejoined
        self._rejoined = len(day.rejoined)
        for ticket, before in list(self._ranks.items()):
            if day.line.state[ticket] is not State.WAITING:
                del self._ranks[ticket]
                continue
            rank = day.line.rank(ticket)
            assert rank - before <= back
            self.risen += rank > before
            self._ranks[ticket] = rank
        waiting = [(lane, place) for lane, places in day.line.places.items() for place in places[-200:]]
        for lane, place in self._rng.sample(waiting, min(len(waiting), 5)):
            if len(self._ranks) < self._followed and not day.line.rules.still:
                ticket = day.line.holder(lane, place)
                self._ranks.setdefault(ticket, day.line.rank(ticket))

    def _counts_are_those_of_a_walk(self, day: Day) -> None:
        line = day.line
        walk: dict[State, int] = dict.fromkeys(State, 0)
        for state in line.state.values():
            walk[state] += 1
        assert walk[State.WAITING] == sum(line.waiting.values())
        assert walk[State.CALLED] == len(line.silent_since) + line.pressing
        assert walk[State.ADMITTED] == line.active
        assert sum(line.silent) == len(line.silent_since)
        assert sum(walk.values()) == len(line.state)
        for places in line.places.values():
            assert all(before < after for before, after in pairwise(places))
        in_line = [line.holder(lane, place) for lane, places in line.places.items() for place in places]
        assert len(set(in_line)) == len(in_line)
        assert not set(in_line) & set(line.silent_since), "one ticket, one state"
