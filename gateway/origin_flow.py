"""The requests of one room on their way to its origin, as this process sees them: counted always, limited if asked.

While the pace of a room is automatic, no more than the limit are on their way at once; one more waits half a second at
most, and is then told that the service is busy. Its visit goes on: it never goes back to the line.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable

from ecluse.domain.errors import OriginBusy
from ecluse.domain.inflight import FIRST_LIMIT, PATIENCE_SECONDS, STEP_SECONDS, Flow, limited
from ecluse.domain.window import BUCKETS, bucket_of, quantile_ms


class Trip:
    """One request on its way. `answered` or `failed` once, then it is no longer counted; `over` in any case."""

    __slots__ = ("_flow", "_started", "done")

    def __init__(self, flow: "OriginFlow", started: float) -> None:
        self._flow = flow
        self._started = started
        self.done = False

    def answered(self, status: int) -> float:
        """The origin's header is here; returns the seconds it took."""
        seconds = self._flow.now() - self._started
        if not self.done:
            self._flow.note(seconds * 1000, failed=status >= 500)
            self.over()
        return seconds

    def failed(self, *, slow: bool) -> None:
        """No header came: the connection failed, or (`slow`) the time was up."""
        if not self.done:
            self._flow.note(None, failed=True, slow=slow)
            self.over()

    def over(self) -> None:
        """The request is not on its way any more, however it ended; a visitor who left says nothing of the origin."""
        if not self.done:
            self.done = True
            self._flow.leave(self)


class OriginFlow:
    """The trips of one room in this process. `limits` says whether the limit holds now."""

    def __init__(
        self, target_ms: float, *, limits: Callable[[], bool], now: Callable[[], float] = time.monotonic
    ) -> None:
        self.now = now
        self.limit = FIRST_LIMIT
        self._target_ms = target_ms
        self._limits = limits
        self._trips: dict[Trip, float] = {}
        self._queue: deque[asyncio.Future[None]] = deque()
        self._attempts = self._failures = 0
        self._latencies = [0] * BUCKETS
        self._told = ""
        self._step_at = now() + STEP_SECONDS
        self._step_latencies = [0] * BUCKETS
        self._step_timed_out = 0
        self._step_most = 0

    async def enter(self) -> Trip:
        """Begin a trip, waiting for a turn if need be. Raises OriginBusy."""
        if self._limits():
            self._step()
            if len(self._trips) >= self.limit:
                await self._turn()
        started = self.now()
        trip = Trip(self, started)
        self._trips[trip] = started
        self._attempts += 1
        self._step_most = max(self._step_most, len(self._trips))
        return trip

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await turn
        except TimeoutError:
            self._attempts += 1
            self._failures += 1
            raise OriginBusy(f"{len(self._trips)} on their way, the limit is {self.limit}") from None
        except asyncio.CancelledError:
            self._wake()
            raise
        finally:
            if turn in self._queue:
                self._queue.remove(turn)

    def _wake(self) -> None:
        while self._queue and len(self._trips) < self.limit:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def leave(self, trip: Trip) -> None:
        """A trip is over: the next may begin."""
        self._trips.pop(trip, None)
        if self._queue:
            self._step()
            self._wake()

    def note(self, latency_ms: float | None, *, failed: bool, slow: bool = False) -> None:
        """Count what became of a trip."""
        self._failures += failed
        self._step_timed_out += slow
        if latency_ms is not None:
            bucket = bucket_of(latency_ms)
            self._latencies[bucket] += 1
            self._step_latencies[bucket] += 1

    def _step(self) -> None:
        now = self.now()
        if now < self._step_at:
            return
        self._step_at = now + STEP_SECONDS
        answered = sum(self._step_latencies)
        flow = Flow(
            answered=answered,
            timed_out=self._step_timed_out,
            p90_ms=quantile_ms(self._step_latencies, 0.9),
            in_flight=max(self._step_most, len(self._trips)),
        )
        self.limit = limited(self.limit, flow, self._target_ms)
        self._step_latencies = [0] * BUCKETS
        self._step_timed_out = 0
        self._step_most = len(self._trips)

    def report(self) -> str | None:
        """What was counted since this process began, as JSON for the worker; None if nothing is new."""
        oldest_ms = 1000 * (self.now() - next(iter(self._trips.values()))) if self._trips else 0.0
        told = json.dumps([self._attempts, self._failures, round(oldest_ms), self.limit, self._latencies])
        if told == self._told:
            return None
        self._told = told
        return told
