"""The same crowd through the real scripts and the real worker's turn, on a private server, with a clock of its own."""

import math
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from ecluse.services.ticks import RoomTicks
from ecluse.simulation.people import Visitor
from ecluse.store.line import Admitted, Called, Early, Entry, Waiting
from tests.ecluse.store.conftest import EPOCH, START_MS, Bench

TURN_MS = 250.0
SETS = ("called", "admitted", "missed", "ended")


class ScriptsDay:
    """One run: `admitted_ms` by ticket, the order of calls, and everything looked at after every turn."""

    def __init__(self, bench: Bench, visitors: Sequence[Visitor]) -> None:
        self.bench, self.visitors = bench, visitors
        self.ids = [f"{ticket:011d}" for ticket in range(len(visitors))]
        self.number: dict[int, float] = {}
        self.admitted_ms: dict[int, float] = {}
        self.calls: list[int] = []
        self.early_refused = 0
        self.rejoined = 0
        self.inside_turns: list[tuple[float, int]] = []
        self._ticks = RoomTicks(bench.line)
        self._events: list[tuple[float, int, str, int]] = []
        self._count = 0
        self._doors: deque[int] = deque()
        self._door_at = math.inf
        self._known_calls: dict[int, int] = {}
        self._called: set[int] = set()
        self._front = -math.inf
        for ticket, visitor in enumerate(visitors):
            self._at(visitor.arrives_ms, "arrive", ticket)

    def _at(self, at_ms: float, what: str, ticket: int) -> None:
        self._count += 1
        heappush(self._events, (at_ms, self._count, what, ticket))

    def _now(self, at_ms: float) -> None:
        self.bench.line.now_ms = START_MS + at_ms

    async def run(self, minutes: float) -> None:
        turns = int(minutes * 60_000 / TURN_MS)
        for turn in range(turns):
            at = turn * TURN_MS
            self._now(at)
            await self._ticks.turn()
            await self._look_around(at)
            await self._until(at + TURN_MS)

    async def _until(self, until_ms: float) -> None:
        while True:
            event_at = self._events[0][0] if self._events else math.inf
            if min(event_at, self._door_at) >= until_ms:
                return
            if self._door_at <= event_at:
                self._now(self._door_at)
                await self._door(self._door_at)
                continue
            at, _, what, ticket = heappop(self._events)
            self._now(at)
            await getattr(self, f"_{what}")(at, ticket)

    async def _arrive(self, at: float, ticket: int) -> None:
        visitor, line = self.visitors[ticket], self.bench.line
        for tab in range(visitor.tabs):
            entry = await line.enter(self.ids[ticket], "main", EPOCH, at_once=False)
            assert isinstance(entry, Entry)
            assert isinstance(entry.standing, Waiting)
            # Repeated, it says the place there is.
            assert tab == 0 or float(entry.number) == self.number[ticket]
            self.number[ticket] = float(entry.number)
        if visitor.early:
            outcome = await line.claim(self.ids[ticket])
            assert isinstance(outcome, Waiting), "a claim without a call"
            self.early_refused += 1
        if visitor.patience_ms < math.inf:
            self._at(at + visitor.patience_ms, "leave", ticket)

    async def _leave(self, _at_ms: float, ticket: int) -> None:
        if isinstance(await self.bench.line.look(self.ids[ticket]), Waiting):
            assert await self.bench.line.leave(self.ids[ticket])

    async def _press(self, at: float, ticket: int) -> None:
        """As the turnstile of a gateway: whoever presses stands in order, and only the first asks for the admission."""
        line, ticket_id = self.bench.line, self.ids[ticket]
        standing = await line.look(ticket_id)
        if isinstance(standing, Called) and ticket not in self._doors:
            self._doors.append(ticket)
            if len(self._doors) == 1:
                await self._door(at)
            else:
                assert isinstance(await line.claim(ticket_id, take=False), Early)
        elif isinstance(standing, Admitted):
            again = await line.claim(ticket_id)
            assert again == standing, "a repeated claim gives the same admission"

    async def _door(self, at: float) -> None:
        self._door_at = math.inf
        while self._doors:
            ticket = self._doors[0]
            outcome = await self.bench.line.claim(self.ids[ticket])
            if isinstance(outcome, Early):
                self._door_at = at + max(outcome.wait_ms, 0.01)
                return
            self._doors.popleft()
            if isinstance(outcome, Admitted):
                assert ticket not in self.admitted_ms, "one ticket, one admission"
                self.admitted_ms[ticket] = at
                visitor = self.visitors[ticket]
                self._at(at + visitor.visit_ms, "finish", ticket)
                if visitor.early:
                    self._at(at, "press", ticket)

    async def _finish(self, _at_ms: float, ticket: int) -> None:
        await self.bench.line.finish(self.ids[ticket])

    async def _back(self, _at_ms: float, ticket: int) -> None:
        number = self.number[ticket]
        found = await self.bench.line.restore(
            self.ids[ticket], "main", number, int(number), epochs=(EPOCH, EPOCH), back=True
        )
        self.rejoined += found.put_back

    async def _look_around(self, at: float) -> None:
        """After a turn: who was called, in which order; one state per ticket; the limits."""
        bench = self.bench
        found: dict[str, list[str]] = {name: await bench.members(name) for name in ("main", *SETS)}
        everybody = [ticket for members in found.values() for ticket in members]
        assert len(set(everybody)) == len(everybody) - self._both(found), "a ticket in two states"
        fresh = sorted(
            (int(ticket) for ticket in found["called"] if int(ticket) not in self._known_calls),
            key=self.number.__getitem__,
        )
        first = [ticket for ticket in fresh if ticket not in self._called]
        for ticket in first:
            assert self.number[ticket] > self._front, "overtaken by somebody called earlier"
            self._front = self.number[ticket]
        if fresh and found["main"]:
            assert self.number[int(found["main"][0])] > self.number[fresh[-1]], "somebody in front was passed over"
        self._called |= set(first)
        self.calls += first
        for ticket in fresh:
            delay = self.visitors[ticket].delay_ms
            again = ticket not in first
            if delay is not None or again:
                for tab in range(self.visitors[ticket].tabs):
                    self._at(at + (delay or 3_000.0) + 50 * tab, "press", ticket)
        for ticket_id in found["missed"]:
            ticket = int(ticket_id)
            back = self.visitors[ticket].back_after_ms
            if back is not None and self._known_calls.pop(ticket, None) == 1 and ticket in self._called:
                self._at(at + back, "back", ticket)
        self._known_calls |= {ticket: 1 if ticket in first else 2 for ticket in fresh}
        self.inside_turns.append((at, len(found["admitted"])))

    def _both(self, found: dict[str, list[str]]) -> int:
        """A first miss stays on record beside the second call and what follows from it."""
        return len(
            set(found["missed"]) & {each for name in ("main", "called", "admitted", "ended") for each in found[name]}
        )


Board = dict[str, Any]
