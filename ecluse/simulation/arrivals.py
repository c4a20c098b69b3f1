"""When people come: numbers per minute, a shape with a total, or rows of a table. Bad input raises `Unclear`."""

import math
import random
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

MOST_PEOPLE = 300_000
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Unclear(ValueError):
    """What was given cannot be understood; the message says why, in one line."""


def _opening(share: float) -> float:
    """Most come at once and then ever fewer: half of them in the first tenth of the time."""
    return math.exp2(-10 * share)


def _peaks(share: float) -> float:
    """Two waves, in the morning and in the afternoon."""
    return sum(math.exp(-(((share - at) / 0.12) ** 2)) for at in (0.25, 0.7)) + 0.15


SHAPES: dict[str, Callable[[float], float]] = {
    "steady": lambda _share: 1.0,
    "opening": _opening,
    "peaks": _peaks,
    "evening": lambda share: 0.2 + share**2,
}
"""How dense arrivals are at each part (0 to 1) of the time; only the ratios matter."""


def per_minute(said: str, minutes: int, table: str | None = None) -> list[float]:
    """How many come in each minute: `40,80,20`, or `steady:3000`; or the text of a CSV `table`. Raises Unclear."""
    counts = _from_table(table) if table is not None else _from_words(said, minutes)
    total = sum(counts)
    if total < 1:
        raise Unclear("nobody comes: give at least one arrival")
    if total > MOST_PEOPLE:
        raise Unclear(f"{total:,.0f} people are more than the {MOST_PEOPLE:,} that can be simulated")
    return counts


def _from_words(said: str, minutes: int) -> list[float]:
    name, colon, total = said.partition(":")
    if colon or name.isalpha():
        if name not in SHAPES:
            raise Unclear(f"no shape {name!r}: choose one of {', '.join(SHAPES)}")
        people = _count(total, f"{name}:TOTAL")
        density = [SHAPES[name]((minute + 0.5) / minutes) for minute in range(minutes)]
        return [people * each / sum(density) for each in density]
    return [_count(each, "numbers per minute") for each in said.split(",")]


def _from_table(table: str) -> list[float]:
    """Rows `minute,people` or `HH:MM,people`; each row holds until the next. A head line is skipped."""
    rows: list[tuple[int, float]] = []
    for number, line in enumerate(table.splitlines(), 1):
        cells = [cell.strip() for cell in line.replace(";", ",").split(",")]
        if not line.strip() or (number == 1 and not cells[0][:1].isdigit()):
            continue
        if len(cells) < 2:
            raise Unclear(f"line {number}: two columns are needed, a minute (or HH:MM) and people per minute")
        clock = _TIME.fullmatch(cells[0])
        at = int(clock[1]) * 60 + int(clock[2]) if clock else int(_count(cells[0], f"line {number}: minute"))
        rows.append((at, _count(cells[1], f"line {number}: people per minute")))
    if not rows:
        raise Unclear("the table has no rows")
    if any(after <= before for (before, _), (after, _) in pairwise(rows)):
        raise Unclear("the times of the table do not rise")
    if rows[-1][0] - rows[0][0] > 7 * 24 * 60:
        raise Unclear("the table spans more than a week")
    counts: list[float] = []
    step = rows[-1][0] - rows[-2][0] if len(rows) > 1 else 1
    ends = [at for at, _ in rows[1:]] + [rows[-1][0] + step]
    for (at, people), end in zip(rows, ends, strict=True):
        counts += [people] * (end - at)
    return counts


def _count(text: str, what: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise Unclear(f"{what}: {text!r} is no number") from None
    if not 0 <= found <= MOST_PEOPLE:
        raise Unclear(f"{what}: {text} is not between 0 and {MOST_PEOPLE:,}")
    return found


def times_ms(counts: Sequence[float], rng: random.Random) -> list[float]:
    """The moment of each arrival, by chance within its minute; the total is kept."""
    found: list[float] = []
    owed = 0.0
    for minute, count in enumerate(counts):
        owed += count
        here, owed = int(owed + 1e-9), owed - int(owed + 1e-9)
        found += [(minute + rng.random()) * 60_000 for _ in range(here)]
    return sorted(found)
