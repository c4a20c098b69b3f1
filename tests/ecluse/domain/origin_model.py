"""A booking module in virtual time, for the automatic pace: a FIFO origin, visits of several pages, impatient browsers.

The origin does 40 requests a second at full capacity, eight pages a visit, twenty seconds of thought
between two, fifteen seconds of patience. The real window and the real in-flight limit steer it.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ecluse.domain.inflight import FIRST_LIMIT, STEP_SECONDS, Flow, limited
from ecluse.domain.window import BUCKETS, STEP_MS, Bounds, Seen, Window, bucket_of, first_window, quantile_ms, stepped

PAGES = 8
THINK_SECONDS = 20.0
PATIENCE_SECONDS = 15.0
BUSY_SECONDS = 7.0
PATIENCE_FOR_A_TURN_SECONDS = 0.5
SERVERS = 2
SERVICE_SECONDS = 0.05
"""Forty requests a second."""
TARGET_MS = 600.0


@dataclass(slots=True)
class Minute:
    """What happened in one minute."""

    good: int = 0
    slow: int = 0
    refused: int = 0
    admitted: int = 0
    window: float = 0.0
    active: int = 0


@dataclass(slots=True)
class World:
    """One run. `capacity(second)` is the share of the origin that works; nobody is ever short of visitors."""

    capacity: Callable[[float], float]
    seed: int = 1
    most_per_second: float = 8.0
    show: Callable[[float], float] = lambda _second: 1.0
    zombies: float = 0.0
    """Share of the admitted who never ask anything: they hold a place for three minutes."""
    minutes: list[Minute] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)

    def run(self, seconds: int) -> list[Minute]:
        """Live through `seconds`; what happened, by minute."""
        return _Run(self).run(seconds)


class _Run:
    def __init__(self, world: World) -> None:
        self.world = world
        self.random = random.Random(world.seed)
        self.bounds = Bounds(target_ms=TARGET_MS, least=2, most=10_000)
        self.window: Window = first_window(0, self.bounds)
        self.limit = FIRST_LIMIT
        self.now = 0.0
        self.events: list[tuple[float, int, str, object]] = []
        self.order = 0
        self.active = 0
        self.queue: deque[tuple[float, list[int]]] = deque()
        self.busy = 0
        self.on_way: dict[int, float] = {}
        self.latencies, self.step_latencies = [0] * BUCKETS, [0] * BUCKETS
        self.attempts = self.failures = self.step_late = self.step_most = 0
        self.owed = 0.0

    def at(self, second: float, kind: str, what: object = None) -> None:
        self.order += 1
        heapq.heappush(self.events, (second, self.order, kind, what))

    @property
    def minute(self) -> Minute:
        while len(self.world.minutes) <= int(self.now // 60):
            self.world.minutes.append(Minute(window=self.window.size, active=self.active))
        return self.world.minutes[-1]

    def run(self, seconds: int) -> list[Minute]:
        for kind, every in (("admit", 1.0), ("flow", STEP_SECONDS), ("window", STEP_MS / 1000)):
            self.at(every, kind, every)
        while self.events and self.events[0][0] <= seconds:
            self.now, _, kind, what = heapq.heappop(self.events)
            getattr(self, f"on_{kind}")(what)
        return self.world.minutes

    def on_admit(self, every: object) -> None:
        self.at(self.now + 1, "admit", every)
        self.owed = min(self.owed + self.world.most_per_second, 2 * self.world.most_per_second)
        show = self.world.show(self.now)
        # The calls allow for those who will not come, as `ecluse.domain.calling` learns to.
        room = max(0.0, 0.2 * (self.window.size - self.active) / show)
        for _ in range(min(int(self.owed / show), int(room + 0.999))):
            if self.random.random() < show:
                self.owed -= 1
                self.active += 1
                self.minute.admitted += 1
                if self.random.random() < self.world.zombies:
                    self.at(self.now + 180, "end")
                else:
                    self.at(self.now, "ask", [PAGES])

    def on_end(self, _what: object) -> None:
        self.active -= 1

    def on_ask(self, visit: object) -> None:
        assert isinstance(visit, list)
        if len(self.on_way) >= self.limit:
            self.at(self.now + PATIENCE_FOR_A_TURN_SECONDS, "turn", visit)
        else:
            self.send(visit)

    def on_turn(self, visit: object) -> None:
        assert isinstance(visit, list)
        if len(self.on_way) >= self.limit:
            self.attempts += 1
            self.failures += 1
            self.minute.refused += 1
            self.at(self.now + BUSY_SECONDS, "ask", visit)
        else:
            self.send(visit)

    def send(self, visit: list[int]) -> None:
        self.attempts += 1
        self.on_way[id(visit)] = self.now
        self.step_most = max(self.step_most, len(self.on_way))
        self.queue.append((self.now, visit))
        self.serve()

    def serve(self) -> None:
        share = self.world.capacity(self.now)
        while self.queue and self.busy < SERVERS and share > 0:
            asked, visit = self.queue.popleft()
            self.busy += 1
            took = self.random.uniform(0.5, 1.5) * SERVICE_SECONDS / share
            self.at(self.now + took, "answer", (asked, visit))

    def on_answer(self, what: object) -> None:
        assert isinstance(what, tuple)
        asked, visit = what
        self.busy -= 1
        self.on_way.pop(id(visit), None)
        latency = self.now - asked
        bucket = bucket_of(latency * 1000)
        self.latencies[bucket] += 1
        self.step_latencies[bucket] += 1
        if latency > PATIENCE_SECONDS:
            self.failures += 1
            self.step_late += 1
            self.minute.slow += 1
            self.at(self.now + 1, "ask", visit)
        else:
            self.minute.good += 1
            visit[0] -= 1
            if visit[0]:
                self.at(self.now + self.random.expovariate(1 / THINK_SECONDS), "ask", visit)
            else:
                self.active -= 1
        self.serve()

    def on_flow(self, every: object) -> None:
        self.at(self.now + STEP_SECONDS, "flow", every)
        flow = Flow(
            answered=sum(self.step_latencies), timed_out=self.step_late,
            p90_ms=quantile_ms(self.step_latencies, 0.9), in_flight=self.step_most,
        )  # fmt: skip
        self.limit = limited(self.limit, flow, TARGET_MS)
        self.step_latencies, self.step_late, self.step_most = [0] * BUCKETS, 0, len(self.on_way)
        self.serve()

    def on_window(self, every: object) -> None:
        self.at(self.now + STEP_MS / 1000, "window", every)
        oldest = 1000 * (self.now - min(self.on_way.values())) if self.on_way else 0.0
        seen = Seen(
            attempts=self.attempts, failures=self.failures, latencies=tuple(self.latencies), oldest_ms=oldest
        )  # fmt: skip
        before = self.window
        self.window = stepped(self.window, seen, self.active, self.now * 1000, self.bounds)
        if self.window.cut_at_ms != before.cut_at_ms:
            self.world.cuts.append(self.now)
        self.latencies, self.attempts, self.failures = [0] * BUCKETS, 0, 0
