"""`python -m benchmarks.compare OLD NEW`: what became slower between two saved benchmarks; exit status 1 if anything.

Only ratios are compared, and a row is worse only if it left the spread of the old one by more than the tolerance.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floors import LIMITS
from benchmarks.table import Row, figure

TOLERANCE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row in both files. `factor`: above 1 is better, whichever way the row counts."""

    name: str
    old: Row
    new: Row
    factor: float
    worse: bool


def load(path: Path) -> dict[str, Row]:
    """The rows of a saved benchmark, by name. Raises ValueError for a file that is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            Row(
                name=each["name"], value=float(each["value"]), unit=each["unit"],
                spread=None if each["spread"] is None else (each["spread"][0], each["spread"][1]),
            )
            for each in found["rows"]
        ]  # fmt: skip
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no saved benchmark: {error}") from None
    return {row.name: row for row in rows}


def compared(old: dict[str, Row], new: dict[str, Row], tolerance: float = TOLERANCE) -> list[Change]:
    """Every row that both have."""
    changes = []
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            continue
        limit = LIMITS.get(name)
        less_is_better = limit is not None and limit.ceiling is not None
        low, high = before.spread or (before.value, before.value)
        edge = high * (1 + tolerance) if less_is_better else low * (1 - tolerance)
        worse = after.value > edge if less_is_better else after.value < edge
        better, other = (before.value, after.value) if less_is_better else (after.value, before.value)
        changes.append(Change(name=name, old=before, new=after, factor=better / (other or 1e-9), worse=worse))
    return changes


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="beyond the old spread (default %(default)s)"
    )
    options = parser.parse_args(argv)
    try:
        changes = compared(load(options.old), load(options.new), options.tolerance)
    except ValueError as error:
        parser.error(str(error))
    if not changes:
        parser.error("the two files have no row in common")
    width = max(len(each.name) for each in changes)
    for each in changes:
        mark = "✗ worse" if each.worse else "       "
        print(f"{mark}  {each.name:<{width}}  {figure(each.old.value)} → {figure(each.new.value)} {each.new.unit}")
    return 1 if any(each.worse for each in changes) else 0


if __name__ == "__main__":
    sys.exit(main())
