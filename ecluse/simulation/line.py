"""A room's line in memory: what the steps of `ecluse.store` do to Redis, done to sorted lists.

The life cycle, the bucket and the sharing between lanes are the domain's own; a crowd goes through this line and
through the scripts in the same tests.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecluse.domain.calling import EDGES_MS, STRETCHES
from ecluse.domain.pace import Bucket
from ecluse.domain.stride import Credit, shared
from ecluse.domain.ticket import State, Step, after


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a room allows."""

    pace_per_minute: float
    burst: int = 2
    capacity: int = 0
    """Most visits at once; 0: no cap."""
    claim_ms: float = 180_000.0
    weights: Mapping[str, float] = field(default_factory=lambda: {"main": 1.0})
    """The lanes, each with its weight."""
    still: bool = False
    """Paused or closed: nobody is called or let in."""


class MemoryLine:
    """The line of one room. Tickets are numbers that the caller gives; times are ms."""

    def __init__(self, rules: Rules, turn_ms: float) -> None:
        self.rules = rules
        self.state: dict[int, State] = {}
        self.places: dict[str, list[float]] = {lane: [] for lane in rules.weights}
        self.serving = dict.fromkeys(rules.weights, 0.0)
        self.silent_since: dict[int, tuple[int, float]] = {}
        """Those called and not heard of, oldest first: the turn and the time (ms) of their call."""
        self.active = 0
        self.pressing = 0
        self.missed = 0
        self.silent = [0] * STRETCHES
        self.heard = [0] * STRETCHES
        self.bucket = Bucket(interval_ms=60_000 / rules.pace_per_minute)
        self._owner: dict[str, dict[float, int]] = {lane: {} for lane in rules.weights}
        self._where: dict[int, tuple[str, float]] = {}
        self._missed_once: set[int] = set()
        self._credit = Credit()
        self._turn = 0
        self._cohorts: dict[int, int] = {}
        """How many of those called at a turn are silent still."""
        ages = self._stretches = [stretch_of(age * turn_ms) for age in range(int(rules.claim_ms / turn_ms) + 2)]
        self._crossings = [(age, ages[age - 1], ages[age]) for age in range(1, len(ages)) if ages[age] != ages[age - 1]]

    @property
    def waiting(self) -> dict[str, int]:
        """How many wait, per lane."""
        return {lane: len(places) for lane, places in self.places.items()}

    def enter(self, ticket: int, lane: str, place: float) -> None:
        """Take a place; a ticket that is known stays where it is."""
        if ticket in self.state:
            return
        self.state[ticket] = State.WAITING
        self._where[ticket] = (lane, place)
        self._stand(ticket)

    def _stand(self, ticket: int) -> None:
        lane, place = self._where[ticket]
        insort(self.places[lane], place)
        self._owner[lane][place] = ticket

    def rank(self, ticket: int) -> int:
        """How many stand before a waiting ticket."""
        lane, place = self._where[ticket]
        return bisect_left(self.places[lane], place)

    def holder(self, lane: str, place: float) -> int:
        """The ticket that waits at a place."""
        return self._owner[lane][place]

    def standing(self, ticket: int) -> tuple[str, float]:
        """The lane and the place of a ticket."""
        return self._where[ticket]

    def turn(self, now_ms: float) -> list[int]:
        """The start of a turn: who was silent grows older, and calls past their time are missed. Who missed."""
        self._turn += 1
        for age, younger, older in self._crossings:
            count = self._cohorts.get(self._turn - age, 0)
            self.silent[younger] -= count
            self.silent[older] += count
        if self.rules.still:
            return []
        late = []
        for ticket, (_, at) in self.silent_since.items():
            if at + self.rules.claim_ms > now_ms:
                break
            late.append(ticket)
        for ticket in late:
            self._unheard(ticket)
            again = ticket in self._missed_once
            self._missed_once.add(ticket)
            self._move(ticket, Step.MISS_AGAIN if again else Step.MISS)
        self.missed += len(late)
        return late

    def call(self, most: int, now_ms: float) -> list[int]:
        """The front of the lanes moves to called; who."""
        if self.rules.still:
            return []
        take, self._credit = shared(most, self.waiting, self.rules.weights, self._credit)
        called = []
        for lane, count in take.items():
            front = self.places[lane][:count]
            del self.places[lane][:count]
            if front:
                self.serving[lane] = max(self.serving[lane], front[-1])
            for place in front:
                ticket = self._owner[lane].pop(place)
                self._move(ticket, Step.CALL)
                self.silent_since[ticket] = (self._turn, now_ms)
                called.append(ticket)
        self._cohorts[self._turn] = self._cohorts.get(self._turn, 0) + len(called)
        self._cohorts.pop(self._turn - len(self._stretches) - 1, None)
        self.silent[0] += len(called)
        return called

    def press(self, ticket: int, now_ms: float) -> bool:
        """A called visitor is heard of for the first time; whether it was one."""
        if ticket not in self.silent_since:
            return False
        self.heard[stretch_of(now_ms - self.silent_since[ticket][1])] += 1
        self._unheard(ticket)
        self.pressing += 1
        return True

    def wait_ms(self, now_ms: float) -> float | None:
        """How long until the limits let one in; None while none can say: no place is free, or nobody is let in."""
        if self.rules.still or (self.rules.capacity and self.active >= self.rules.capacity):
            return None
        return max(0.0, self._filled(now_ms).wait_ms(self.rules.burst))

    def admit(self, ticket: int, now_ms: float) -> None:
        """Let in one who pressed; the caller has seen that the limits allow."""
        if self._move(ticket, Step.CLAIM):
            self.bucket = self._filled(now_ms).debited()
            self.pressing -= 1
            self.active += 1

    def _filled(self, now_ms: float) -> Bucket:
        return self.bucket.at(now_ms, 60_000 / self.rules.pace_per_minute, self.rules.burst)

    def tokens(self, now_ms: float) -> float:
        """Admissions the bucket lets through at once."""
        return self._filled(now_ms).admissions_within(0, self.rules.burst)

    def settle(self, rules: Rules, now_ms: float) -> None:
        """Other rules are in force from now on."""
        self.bucket = self._filled(now_ms)
        self.rules = rules
        if not rules.still:
            # While nobody is let in a call cannot be used, so it cannot be missed: its time starts again.
            self.silent_since = dict.fromkeys(self.silent_since, (self._turn, now_ms))
            self._cohorts = {self._turn: len(self.silent_since)}
            self.silent = [len(self.silent_since)] + [0] * (STRETCHES - 1)

    def finish(self, ticket: int) -> None:
        """A visit is over."""
        if self._move(ticket, Step.FINISH):
            self.active -= 1

    def leave(self, ticket: int) -> bool:
        """Give up a place or a call; whether there was one."""
        was = self.state[ticket]
        if not self._move(ticket, Step.LEAVE):
            return False
        if was is State.WAITING:
            lane, place = self._where[ticket]
            del self.places[lane][bisect_left(self.places[lane], place)]
            del self._owner[lane][place]
        elif ticket in self.silent_since:
            self._unheard(ticket)
        elif was is State.CALLED:
            self.pressing -= 1
        return True

    def rejoin(self, ticket: int) -> bool:
        """A missed turn is offered once more, at the same place; whether it was."""
        if not self._move(ticket, Step.REJOIN):
            return False
        self._stand(ticket)
        return True

    def _move(self, ticket: int, step: Step) -> bool:
        before = self.state[ticket]
        self.state[ticket] = after(before, step)
        return self.state[ticket] is not before

    def _unheard(self, ticket: int) -> None:
        """Silent no more: heard of, missed or gone."""
        turn, _ = self.silent_since.pop(ticket)
        self._cohorts[turn] -= 1
        self.silent[self._stretches[min(self._turn - turn, len(self._stretches) - 1)]] -= 1


def stretch_of(age_ms: float) -> int:
    """The stretch of time since the call in which an age falls."""
    return max(index for index, edge in enumerate(EDGES_MS) if age_ms >= edge)
