"""The automatic pace: what gateways saw of the origin becomes the session window, every ten seconds.

Each worker looks at the counts of all gateways for itself, and steps when a step is due. The window travels with the
worker's other memory, so that any worker may take the next step; the steps in Lua keep it like a capacity.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog

from ecluse.domain.room import PaceMode, Room
from ecluse.domain.window import BUCKETS, STEP_MS, Decision, Seen, Window, first_window, stepped
from ecluse.store.line import Line

log = structlog.get_logger()
_FORGOTTEN_LOOKS = 60
"""A process that reported nothing for so many looks (ten minutes) has ended."""


class AutoPace:
    """The window of one room, as one worker keeps it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._room: Room = line.room
        self._looked_ms = float("-inf")
        self._counted: dict[str, _Counted] = {}
        self._seen: Seen | None = None

    async def step(self, picture: Any, kept: Mapping[str, Any]) -> dict[str, Any]:
        """What to remember: the window after a step if one is due, else `kept`. Raises StoreAway.

        Empty in a room whose pace is set by hand.
        """
        if picture["pace"] != PaceMode.AUTO:
            return {}
        now_ms, active = float(picture["now_ms"]), int(picture["active"])
        if not 0 <= now_ms - self._looked_ms < STEP_MS:
            self._seen = await self._look()
            self._looked_ms = now_ms
        bounds = self._room.auto.bounds
        if not kept:
            return self._told(first_window(active, bounds), now_ms)
        if 0 <= now_ms - float(kept["at_ms"]) < STEP_MS:
            return dict(kept)
        before = Window(**{name: kept[name] for name in ("size", "before", "cut_at_ms", "limited")})
        window = stepped(before, self._seen, active, now_ms, bounds)
        if window.decision in (Decision.CUT, Decision.STUCK):
            log.warning(
                "window", room=self._room.id, decision=window.decision.value, size=int(window.size),
                p90_ms=None if self._seen is None else self._seen.p90_ms, target_ms=bounds.target_ms,
            )  # fmt: skip
        return self._told(window, now_ms)

    def in_force(self, kept: Mapping[str, Any]) -> int | None:
        """The window that limits visits now; None: it only reports, or there is none."""
        return None if not kept or self._room.auto.dry_run else int(kept["size"])

    def _told(self, window: Window, now_ms: float) -> dict[str, Any]:
        seen = self._seen
        return {
            **asdict(window), "cut_at_ms": max(window.cut_at_ms, 0.0), "decision": window.decision.value,
            "at_ms": now_ms,
            "p90_ms": None if seen is None or seen.p90_ms is None else round(seen.p90_ms),
            "error_share": None if seen is None else round(seen.error_share, 4),
        }  # fmt: skip

    async def _look(self) -> Seen | None:
        """What all gateways saw since our last look; None if none of them told anything new."""
        reports = await self._line.origin_reports()
        attempts = failures = 0
        oldest_ms, latencies, told = 0.0, [0] * BUCKETS, False
        for name, text in reports.items():
            counted = self._counted.setdefault(name, _Counted())
            fresh = counted.since(text)
            if fresh is None:
                continue
            told = True
            attempts += fresh.attempts
            failures += fresh.failures
            oldest_ms = max(oldest_ms, fresh.oldest_ms)
            latencies = [total + new for total, new in zip(latencies, fresh.latencies, strict=True)]
        ended = [name for name, counted in self._counted.items() if counted.silent >= _FORGOTTEN_LOOKS]
        if ended:
            await self._line.forget_origin_reports(ended)
        self._counted = {name: kept for name, kept in self._counted.items() if name in reports and name not in ended}
        return Seen(attempts=attempts, failures=failures, latencies=latencies, oldest_ms=oldest_ms) if told else None


class _Counted:
    """The latest report of one gateway process."""

    def __init__(self) -> None:
        self.silent = 0
        self._text = ""
        self._before: tuple[int, int, list[int]] | None = None

    def since(self, text: str) -> Seen | None:
        """What the process counted since the report before; None if that is the same, or this is the first."""
        if text == self._text:
            self.silent += 1
            return None
        attempts, failures, oldest_ms, _limit, latencies = json.loads(text)
        before, self._before = self._before, (attempts, failures, latencies)
        self._text, self.silent = text, 0
        if before is None:
            return None
        return Seen(
            attempts=attempts - before[0],
            failures=failures - before[1],
            latencies=[new - old for new, old in zip(latencies, before[2], strict=True)],
            oldest_ms=float(oldest_ms),
        )
