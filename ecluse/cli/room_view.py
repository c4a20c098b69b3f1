"""Rooms as a person reads them in a terminal: a table, facts, the live view with its small curves."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_BARS = "▁▂▃▄▅▆▇█"
_POINTS = 40
_JOURNAL_SHOWN = 8
_FACTS = (
    "id", "title", "version", "phase", "mode", "pace", "pace_per_minute", "burst", "capacity", "window", "notice",
    "waiting", "called", "admitted", "show_rate", "claim_delay_seconds", "joins", "admissions", "missed",
)  # fmt: skip
_PHASE_STYLES = {"open": "green", "paused": "yellow", "closed": "red"}


class RoomHistory:
    """What the live view remembers: the last state of each room, and a minute of its curves."""

    def __init__(self) -> None:
        self.rooms: list[dict[str, Any]] = []
        self.waiting: dict[str, deque[float]] = {}
        self.admissions: dict[str, deque[float]] = {}
        self.trouble = ""
        self._totals: dict[str, float] = {}

    def add(self, rooms: list[dict[str, Any]]) -> None:
        """Take in the state of now."""
        self.rooms = rooms
        self.trouble = ""
        for room in rooms:
            name, total = str(room.get("id")), _number(room.get("admissions"))
            self.waiting.setdefault(name, deque(maxlen=_POINTS)).append(_number(room.get("waiting")))
            # A counter that went back was reset: nothing is known of this second.
            since = max(0.0, total - self._totals.get(name, total))
            self.admissions.setdefault(name, deque(maxlen=_POINTS)).append(since)
            self._totals[name] = total


def sparkline(values: Iterable[float]) -> str:
    """The values as bars, the highest of them full; all bars are low when all values are zero."""
    known = list(values)
    highest = max(known, default=0)
    if highest <= 0:
        return _BARS[0] * len(known)
    return "".join(_BARS[min(len(_BARS) - 1, int(value / highest * len(_BARS)))] for value in known)


def table(rooms: Sequence[Mapping[str, Any]]) -> Table:
    """One line per room."""
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("room", style="bold", overflow="fold")
    drawn.add_column("phase")
    for name in ("pace/min", "waiting", "called", "admitted", "missed"):
        drawn.add_column(name, justify="right")
    for room in rooms:
        drawn.add_row(*_row(room))
    return drawn


def frame(history: RoomHistory) -> RenderableType:
    """One picture of the live view."""
    parts: list[RenderableType] = []
    for room in history.rooms:
        name = str(room.get("id"))
        grid = Table.grid(padding=(0, 2))
        grid.add_row("line", Text(sparkline(history.waiting[name]), style="cyan"), _count(room.get("waiting")))
        grid.add_row(
            "admissions", Text(sparkline(history.admissions[name]), style="green"), _count(room.get("admissions"))
        )
        parts += [table([room]), grid, *_lanes(room), Text("")]
    if not history.rooms:
        parts.append(Text("no rooms"))
    if history.trouble:
        parts.append(Text(f"old numbers: {history.trouble}", style="red"))
    return Group(*parts)


def facts(room: Mapping[str, Any]) -> list[str]:
    """One line per fact of a room, lanes last."""
    lines = [f"{name:<20} {_fact(room[name])}" for name in _FACTS if name in room]
    lanes = room.get("lanes")
    if isinstance(lanes, dict):
        lines += [f"{'lane ' + name:<20} {_lane(lane)}" for name, lane in lanes.items()]
    return lines


def journal_lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The newest entries of the journal, one line each, the newest first."""
    lines = []
    newest = sorted(entries, key=lambda entry: str(entry.get("at")), reverse=True)
    for entry in newest[:_JOURNAL_SHOWN]:
        changes = ", ".join(
            f"{change.get('field')} {_fact(change.get('from'))} → {_fact(change.get('to'))}"
            for change in entry.get("changes") or []
        )
        reason = f" ({entry['reason']})" if entry.get("reason") else ""
        lines.append(f"{entry.get('at')}  {entry.get('who')}  {entry.get('action')}: {changes}{reason}")
    return ["", "journal", *lines] if lines else []


def _row(room: Mapping[str, Any]) -> list[RenderableType]:
    phase = str(room.get("phase", "?"))
    mode = room.get("mode")
    shown = phase if mode in (None, phase) else f"{phase} ({mode})"
    counts = [_count(room.get(name)) for name in ("pace_per_minute", "waiting", "called", "admitted", "missed")]
    return [Text(str(room.get("id"))), Text(shown, style=_PHASE_STYLES.get(phase, "")), *counts]


def _lanes(room: Mapping[str, Any]) -> list[RenderableType]:
    lanes = room.get("lanes")
    if not isinstance(lanes, dict) or len(lanes) < 2:
        return []
    return [Text(f"lane {name}: {_lane(lane)}", style="dim") for name, lane in lanes.items()]


def _lane(lane: Mapping[str, Any]) -> str:
    calls = lane.get("calls_per_minute") or {}
    return f"{_count(lane.get('waiting'))} waiting, {_count(calls.get('p50'))} calls a minute"


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key}: {text}" for key, text in value.items()) or "-"
    return "-" if value is None else str(value)


def _count(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else "-"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
