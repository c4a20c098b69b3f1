"""A crowd in virtual time: the real bucket and show model at four turns a second, and people who press Enter, or not.

What `tick.lua`, `call.lua` and `claim.lua` do to a line without end is done here to numbers in memory.
"""

import random
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from statistics import median

from ecluse.domain.calling import EDGES_MS, STRETCHES, Demand, ShowModel, calls_wanted
from ecluse.domain.pace import Bucket

TURN_MS = 250.0


def stretch_of(age_ms: float) -> int:
    """The stretch of time since the call in which an age falls."""
    return max(index for index, edge in enumerate(EDGES_MS) if age_ms >= edge)


@dataclass(frozen=True, kw_only=True)
class People:
    """How those called behave: which share presses Enter, and after how many seconds in the mean (exponential)."""

    show: float
    delay_seconds: float


@dataclass(kw_only=True)
class Crowd:
    """One run. `admitted_ms` and `waits_ms` (from Enter to admission) are what it is about."""

    pace: float
    burst: int
    people: People
    seed: int = 1
    window_ms: float = 180_000.0
    capacity: float = inf
    visit_seconds: float = 0.0
    model: ShowModel = field(default_factory=ShowModel)
    admitted_ms: list[float] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    calls: int = 0
    calls_at_once: int = 0
    _bucket: Bucket = field(init=False)
    _rng: random.Random = field(init=False)
    _silent: dict[int, float] = field(default_factory=dict)
    """Called and not heard of: number → when called."""
    _presses: list[tuple[float, int]] = field(default_factory=list)
    _pressing: deque[float] = field(default_factory=deque)
    _ends: list[float] = field(default_factory=list)
    _heard: list[float] = field(default_factory=lambda: [0.0] * STRETCHES)
    _now_ms: float = 0.0

    def __post_init__(self) -> None:
        self._bucket = Bucket(interval_ms=60_000 / self.pace)
        self._rng = random.Random(self.seed)

    def run(self, minutes: float) -> None:
        """Let so much time pass."""
        for _ in range(int(minutes * 60_000 / TURN_MS)):
            self._turn()
            self._people_act(until_ms=self._now_ms + TURN_MS)

    @property
    def active(self) -> int:
        """Visits that go on."""
        return len(self._ends)

    @property
    def pressing(self) -> int:
        """Those who pressed Enter and are not in yet."""
        return len(self._pressing)

    def used(self, since_minutes: float) -> float:
        """The share of the pace that was used from then on."""
        count = sum(1 for at in self.admitted_ms if at >= since_minutes * 60_000)
        return count / (self.pace * (self._now_ms / 60_000 - since_minutes))

    @property
    def median_wait_ms(self) -> float:
        """From pressing Enter to being in."""
        return median(self.waits_ms)

    def _turn(self) -> None:
        while self._ends and self._ends[0] <= self._now_ms:
            heappop(self._ends)
        self._silent = {who: at for who, at in self._silent.items() if self._now_ms - at < self.window_ms}
        silent = [0] * STRETCHES
        for at in self._silent.values():
            silent[stretch_of(self._now_ms - at)] += 1
        self.model = self.model.learnt(self._heard, [n * TURN_MS / 1000 for n in silent])
        self._heard = [0.0] * STRETCHES
        self._bucket = self._bucket.at(self._now_ms, self._bucket.interval_ms, self.burst)
        wanted = calls_wanted(self._demand(silent), self.model)
        self.calls_at_once = max(self.calls_at_once, wanted)
        for _ in range(wanted):
            self._call()

    def _demand(self, silent: list[int]) -> Demand:
        return Demand(
            waiting=10**9,
            tokens=self._bucket.admissions_within(0, self.burst),
            interval_ms=self._bucket.interval_ms,
            places_free=self.capacity - self.active,
            pressing=len(self._pressing),
            silent=silent,
            window_ms=self.window_ms,
        )

    def _call(self) -> None:
        self.calls += 1
        self._silent[self.calls] = self._now_ms
        if self._rng.random() < self.people.show:
            delay_ms = self._rng.expovariate(1 / self.people.delay_seconds) * 1000
            if delay_ms < self.window_ms:
                heappush(self._presses, (self._now_ms + delay_ms, self.calls))

    def _people_act(self, until_ms: float) -> None:
        """Presses and admissions in their order until then."""
        while True:
            at = self._presses[0][0] if self._presses else inf
            free_at = self._free_at()
            if min(at, free_at) >= until_ms:
                self._now_ms = until_ms
                return
            if at <= free_at:
                _, who = heappop(self._presses)
                self._now_ms = at
                self._heard[stretch_of(at - self._silent.pop(who))] += 1
                self._pressing.append(at)
            else:
                self._now_ms = max(self._now_ms, free_at)
                self._admit()

    def _free_at(self) -> float:
        """When the first of those who pressed gets in."""
        if not self._pressing:
            return inf
        bucket = self._bucket.at(self._now_ms, self._bucket.interval_ms, self.burst)
        at = self._now_ms + max(0.0, bucket.wait_ms(self.burst))
        return at if self.active < self.capacity else max(at, self._ends[0])

    def _admit(self) -> None:
        while self._ends and self._ends[0] <= self._now_ms:
            heappop(self._ends)
        self._bucket = self._bucket.at(self._now_ms, self._bucket.interval_ms, self.burst).debited()
        self.admitted_ms.append(self._now_ms)
        self.waits_ms.append(self._now_ms - self._pressing.popleft())
        if self.visit_seconds:
            heappush(self._ends, self._now_ms + self._rng.expovariate(1 / self.visit_seconds) * 1000)
