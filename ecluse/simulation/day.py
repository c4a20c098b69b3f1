"""A day of a room: turns four times a second, and between them everything that people do, in its order."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from ecluse.domain.calling import STRETCHES, Demand, ShowModel, calls_wanted
from ecluse.domain.ticket import State
from ecluse.simulation.line import MemoryLine, Rules
from ecluse.simulation.people import Visitor

TURN_MS = 250.0
"""As `ecluse.services.ticks`. A slower turn would see nobody in the first stretches after a call, and learn wrongly."""

Deed = Callable[[float, int], None]
"""What somebody does at a time (ms): the ticket is given."""


@dataclass(slots=True)
class Fate:
    """What became of one ticket. Times in ms; NaN: never."""

    joined_ms: float = math.nan
    called_ms: float = math.nan
    pressed_ms: float = math.nan
    admitted_ms: float = math.nan


@dataclass(kw_only=True)
class Day:
    """One run. `changes`: other rules at a time (ms). `watch` looks on after every turn."""

    rules: Rules
    visitors: Sequence[Visitor]
    places: Sequence[float] = ()
    """The place of each ticket; without: the order of arrival."""
    changes: Sequence[tuple[float, Rules]] = ()
    watch: "Callable[[Day], None] | None" = None
    line: MemoryLine = field(init=False)
    fates: list[Fate] = field(init=False)
    admitted: list[int] = field(default_factory=list)
    """Tickets in the order of their admission."""
    model: ShowModel = field(default_factory=ShowModel)
    now_ms: float = 0.0
    waiting_over_time: list[tuple[float, int]] = field(default_factory=list)
    """Minutes, and how many waited then."""
    busy_ms: float = 0.0
    """Time in which more people waited than the pace lets in within ten seconds."""
    admitted_busy: int = 0
    possible_busy: float = 0.0
    """Admissions in that time, and as many as the pace allowed."""
    called_now: list[int] = field(default_factory=list)
    """Whose turn came in the latest turn of the worker."""
    rejoined: list[int] = field(default_factory=list)
    """Who asked a missed place back, in order."""
    _events: list[tuple[float, int, Deed, int]] = field(default_factory=list)
    _count: int = 0
    _doors: deque[int] = field(default_factory=deque)
    """Who pressed Enter and is not in yet, in order."""

    def __post_init__(self) -> None:
        self.line = MemoryLine(self.rules, TURN_MS)
        self.fates = [Fate() for _ in self.visitors]
        self._order = sorted(range(len(self.visitors)), key=lambda ticket: self.visitors[ticket].arrives_ms)
        self._next = 0
        self._busy = False
        self._later = deque(sorted(self.changes, key=lambda change: change[0]))

    def run(self, until_ms: float = math.inf) -> "Day":
        """Let time pass until then, or until nobody is left."""
        while self.now_ms < until_ms and self._goes_on():
            while self._later and self._later[0][0] <= self.now_ms:
                self.line.settle(self._later.popleft()[1], self.now_ms)
            self._turn()
            if self.watch is not None:
                self.watch(self)
            self._until(self.now_ms + TURN_MS)
            if not self._doors and not self.line.silent_since and not any(self.line.waiting.values()):
                self._skip()
        return self

    def _goes_on(self) -> bool:
        line = self.line
        return bool(
            self._next < len(self._order)
            or self._events
            or self._doors
            or line.silent_since
            or any(line.waiting.values())
        )

    def _skip(self) -> None:
        """Nobody waits: on to the turn before anything happens."""
        at = self._events[0][0] if self._events else math.inf
        if self._next < len(self._order):
            at = min(at, self.visitors[self._order[self._next]].arrives_ms)
        if at < math.inf:
            self.now_ms += max(0, math.floor((at - self.now_ms) / TURN_MS)) * TURN_MS

    def _turn(self) -> None:
        line, now = self.line, self.now_ms
        for ticket in line.turn(now):
            back_after_ms = self.visitors[ticket].back_after_ms
            if back_after_ms is not None:
                self._at(now + back_after_ms, self._come_back, ticket)
        self.model = self.model.learnt(line.heard, [n * TURN_MS / 1000 for n in line.silent])
        line.heard = [0] * STRETCHES
        self._busy = False
        waiting = sum(line.waiting.values())
        if now % 60_000 < TURN_MS:
            self.waiting_over_time.append((now / 60_000, waiting))
        self.called_now = []
        if waiting == 0 or line.rules.still:
            return
        free = line.rules.capacity - line.active if line.rules.capacity else math.inf
        if waiting > line.rules.pace_per_minute / 6:
            self.busy_ms += TURN_MS
            self.possible_busy += TURN_MS / 60_000 * line.rules.pace_per_minute
            self._busy = True
        demand = Demand(
            waiting=waiting,
            tokens=line.tokens(now),
            interval_ms=60_000 / line.rules.pace_per_minute,
            places_free=free,
            pressing=line.pressing,
            silent=line.silent,
            window_ms=line.rules.claim_ms,
        )
        self.called_now = line.call(calls_wanted(demand, self.model), now)
        for ticket in self.called_now:
            visitor, fate = self.visitors[ticket], self.fates[ticket]
            second = not math.isnan(fate.called_ms)
            fate.called_ms = fate.called_ms if second else now
            delay_ms = 5_000.0 if second and visitor.delay_ms is None else visitor.delay_ms
            if delay_ms is not None:
                for tab in range(visitor.tabs):
                    self._at(now + delay_ms + 200.0 * tab, self._press, ticket)

    def _until(self, until_ms: float) -> None:
        """Arrivals, steps and admissions in their order until then."""
        while True:
            arrives = self.visitors[self._order[self._next]].arrives_ms if self._next < len(self._order) else math.inf
            deed_at = self._events[0][0] if self._events else math.inf
            door_at = self._opens_at()
            at = min(arrives, deed_at, door_at)
            if at >= until_ms:
                self.now_ms = until_ms
                return
            self.now_ms = max(self.now_ms, at)
            if at == arrives:
                self._arrive()
            elif at == deed_at:
                when, _, deed, ticket = heappop(self._events)
                deed(when, ticket)
            else:
                self._admit()

    def _opens_at(self) -> float:
        """When the first of those who pressed gets in."""
        while self._doors and self.line.state[self._doors[0]] is not State.CALLED:
            self._doors.popleft()
        wait_ms = self.line.wait_ms(self.now_ms) if self._doors else None
        return math.inf if wait_ms is None else self.now_ms + wait_ms

    def _at(self, at_ms: float, deed: Deed, ticket: int) -> None:
        self._count += 1
        heappush(self._events, (at_ms, self._count, deed, ticket))

    def _arrive(self) -> None:
        ticket = self._order[self._next]
        self._next += 1
        visitor = self.visitors[ticket]
        self.fates[ticket].joined_ms = self.now_ms
        place = self.places[ticket] if self.places else float(self._next)
        for _ in range(visitor.tabs):
            self.line.enter(ticket, visitor.lane, place)
        if visitor.early:
            self._at(self.now_ms, self._press, ticket)
        if visitor.patience_ms < math.inf:
            self._at(self.now_ms + visitor.patience_ms, self._leave, ticket)

    def _press(self, at_ms: float, ticket: int) -> None:
        if self.line.press(ticket, at_ms):
            self.fates[ticket].pressed_ms = at_ms
            self._doors.append(ticket)

    def _admit(self) -> None:
        ticket = self._doors.popleft()
        self.line.admit(ticket, self.now_ms)
        self.admitted.append(ticket)
        self.admitted_busy += self._busy
        self.fates[ticket].admitted_ms = self.now_ms
        visitor = self.visitors[ticket]
        if visitor.early:
            self.line.press(ticket, self.now_ms)  # replayed: it is in already
        self._at(self.now_ms + visitor.visit_ms, self._finish, ticket)

    def _finish(self, _at_ms: float, ticket: int) -> None:
        self.line.finish(ticket)

    def _leave(self, _at_ms: float, ticket: int) -> None:
        if self.line.state[ticket] is State.WAITING:
            self.line.leave(ticket)

    def _come_back(self, _at_ms: float, ticket: int) -> None:
        if self.line.rejoin(ticket):
            self.rejoined.append(ticket)
