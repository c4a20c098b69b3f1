"""The public statistics of a room: what may be said of a day without saying it of a person.

A day is published once it is over, and then never changes. A count from 1 to 9 is hidden; where the others of its row
and their total would give it away by subtraction, the next smallest one is hidden too. Of the day that runs, totals are
told as of the last whole hour, rounded down to tens. What operators and time did is told without who and why.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

LEAST = 10
"""A smaller count is hidden, zero aside."""
MEASURES = ("arrivals", "admissions", "missed", "left")
Hour = Mapping[str, int]
_STRETCH_SECONDS = 15.0


def stretch_from(stretch: int) -> float:
    """Where a stretch of waits begins, in seconds; `count_admission` in Lua says the same."""
    return _STRETCH_SECONDS * (2 ** (stretch / 4) - 1)


def hidden(counts: Sequence[int], least: int = LEAST) -> set[int]:
    """Which of `counts` are not told, so that neither they nor their total say anything of fewer than `least`."""
    out = {at for at, count in enumerate(counts) if 0 < count < least}
    by_size = sorted((count, at) for at, count in enumerate(counts) if count >= least)
    for _, at in by_size:
        if not out or sum(counts[each] for each in out) >= least:
            break
        out.add(at)
    return out


def quantile(waits: Mapping[int, int], share: float) -> int | None:
    """A quantile of waits by stretch, in whole seconds, between the ends of its stretch by proportion."""
    total = sum(waits.values())
    if total < LEAST:
        return None
    sought, before = share * total, 0
    for stretch in sorted(waits):
        if before + waits[stretch] >= sought:
            low, high = stretch_from(stretch), stretch_from(stretch + 1)
            return round(low + (high - low) * (sought - before) / waits[stretch])
        before += waits[stretch]
    return None


def _measured(hour: Hour) -> dict[str, int]:
    def lanes(prefix: str) -> int:
        return sum(count for name, count in hour.items() if name.startswith(prefix))

    return {
        "arrivals": lanes("joined:"), "admissions": lanes("in:"), "missed": hour.get("missed", 0),
        "left": hour.get("left", 0),
    }  # fmt: skip


def _waits(hours: Iterable[Hour]) -> dict[int, int]:
    found: dict[int, int] = {}
    for hour in hours:
        for name, count in hour.items():
            if name.startswith("wait:"):
                stretch = int(name.removeprefix("wait:"))
                found[stretch] = found.get(stretch, 0) + count
    return found


def _wait_seconds(waits: Mapping[int, int], *, told: bool) -> dict[str, int | None]:
    return {"p50": quantile(waits, 0.5) if told else None, "p90": quantile(waits, 0.9) if told else None}


def _told(counts: Sequence[int]) -> tuple[list[int | None], int | None]:
    """Counts with the hidden ones as None, and their total."""
    away, total = hidden(counts), sum(counts)
    return [None if at in away else count for at, count in enumerate(counts)], None if 0 < total < LEAST else total


def day(date: str, hours: Mapping[str, Hour], lanes: Sequence[str]) -> dict[str, Any]:
    """What is published of a day that is over, from what was counted in each of its hours."""
    names = sorted(hours)
    measured = [_measured(hours[name]) for name in names]
    columns = {measure: _told([each[measure] for each in measured]) for measure in MEASURES}
    rows = [
        {
            "hour": f"{name}:00",
            **{measure: columns[measure][0][at] for measure in MEASURES},
            "wait_seconds": _wait_seconds(_waits([hours[name]]), told=columns["admissions"][0][at] is not None),
        }
        for at, name in enumerate(names)
    ]
    totals = {measure: columns[measure][1] for measure in MEASURES}
    return {
        "date": date, **totals,
        "wait_seconds": _wait_seconds(_waits(hours.values()), told=totals["admissions"] is not None),
        "lanes": _lanes(hours.values(), lanes), "hours": rows,
    }  # fmt: skip


def _lanes(hours: Iterable[Hour], lanes: Sequence[str]) -> dict[str, dict[str, Any]]:
    hours = list(hours)
    found: dict[str, dict[str, Any]] = {lane: {} for lane in lanes}
    for measure, prefix in (("arrivals", "joined:"), ("admissions", "in:")):
        counts, total = _told([sum(hour.get(prefix + lane, 0) for hour in hours) for lane in lanes])
        for lane, count in zip(lanes, counts, strict=True):
            found[lane][measure] = count
            if measure == "admissions":
                found[lane]["share"] = round(count / total, 3) if count is not None and total else None
    return found


def so_far(date: str, hours: Mapping[str, Hour], now_hour: str) -> dict[str, Any]:
    """What is said of the day that runs: totals of its whole hours, rounded down to tens."""
    measured = [_measured(hour) for name, hour in hours.items() if name < now_hour]
    totals = {measure: sum(each[measure] for each in measured) // LEAST * LEAST for measure in MEASURES}
    return {"date": date, "until": f"{now_hour}:00", **totals}


def interventions(entries: Iterable[Mapping[str, Any]], zone: tzinfo) -> dict[str, list[dict[str, Any]]]:
    """What was done to the room, by date, oldest first; without who did it and their words, which may name people."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        at = datetime.fromisoformat(str(entry["at"]))
        changes = [
            {name: change.get(name) for name in ("field", "from", "to")} if change.get("field") != "notice"
            else {"field": "notice"}
            for change in entry.get("changes", [])
        ]  # fmt: skip
        told = {"at": entry["at"], "action": entry["action"], "changes": changes, "by_hand": entry["who"] != "ecluse"}
        if entry["action"] == "draw":
            told["draw"] = entry["draw"]["state"]
        found.setdefault(at.astimezone(zone).date().isoformat(), []).insert(0, told)
    return found


def chart_heights(counts: Sequence[int | None], tallest: int) -> list[int]:
    """Heights of bars for these counts, a hidden one as if it were the least that is told."""
    most = max([LEAST, *(count or 0 for count in counts)])
    return [math.ceil((LEAST if count is None else count) / most * tallest) for count in counts]
