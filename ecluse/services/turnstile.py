"""The turnstile: claims of one gateway process that came a moment too early stand in a short line of their own.

Only its head asks Redis, exactly when the next admission is due, so that no admission is lost between two presses of
Enter and nobody who pressed later slips past. Who would stand longer than the hold is told when to come back; the
call is kept.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from ecluse.domain.errors import EcluseError
from ecluse.store.line import Closed, Early, Line, Standing

HOLD_SECONDS = 2.0
_CAPACITY_ASKS_SECONDS = 0.25
Outcome = Standing | Early | Closed


@dataclass(slots=True)
class _Press:
    ticket_id: str
    issued_at: int | None
    lane: str
    give_up_at: float
    outcome: "asyncio.Future[Outcome]"


class Turnstile:
    """The short line of one room in one process."""

    def __init__(self, line: Line, *, hold_seconds: float = HOLD_SECONDS) -> None:
        self._line = line
        self._hold_seconds = hold_seconds
        self._presses: deque[_Press] = deque()
        self._turning: asyncio.Task[None] | None = None

    async def claim(self, ticket_id: str, issued_at: int | None = None, *, lane: str = "") -> Outcome:
        """Claim now, or as soon as the limit allows within the hold; all as `Line.claim`. Raises StoreAway."""
        outcome = await self._line.claim(ticket_id, issued_at, lane=lane, take=not self._presses)
        if not isinstance(outcome, Early) or outcome.why == "paused":
            return outcome
        if outcome.why == "pace" and outcome.wait_ms > self._hold_seconds * 1000 and not self._presses:
            return outcome
        loop = asyncio.get_running_loop()
        press = _Press(ticket_id, issued_at, lane, loop.time() + self._hold_seconds, loop.create_future())
        self._presses.append(press)
        if self._turning is None:
            self._turning = loop.create_task(self._turn(outcome))
        return await press.outcome

    async def _turn(self, latest: Early) -> None:
        """Serve the head until nobody stands here."""
        loop = asyncio.get_running_loop()
        try:
            while self._presses:
                press = self._presses[0]
                if press.outcome.done():
                    self._presses.popleft()
                    continue
                seconds = latest.wait_ms / 1000 if latest.why == "pace" else _CAPACITY_ASKS_SECONDS
                left = press.give_up_at - loop.time()
                if left <= 0:
                    self._answer(latest)
                    continue
                await asyncio.sleep(min(seconds, left))
                if press.outcome.done():
                    continue
                try:
                    outcome = await self._line.claim(press.ticket_id, press.issued_at, lane=press.lane)
                except EcluseError as error:
                    self._fail(error)
                    continue
                if isinstance(outcome, Early):
                    latest = outcome
                else:
                    self._answer(outcome)
                    latest = Early(0.0, "pace")
        finally:
            self._turning = None

    def _answer(self, outcome: Outcome) -> None:
        press = self._presses.popleft()
        if not press.outcome.done():
            press.outcome.set_result(outcome)

    def _fail(self, error: EcluseError) -> None:
        press = self._presses.popleft()
        if not press.outcome.done():
            press.outcome.set_exception(error)
