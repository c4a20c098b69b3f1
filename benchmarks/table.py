"""The table that a benchmark prints: each row a figure beside what it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `floor`: at least; `ceiling`: at most; neither: for information."""

    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    floor: float | None = None
    ceiling: float | None = None
    note: str = ""
    rate: float | None = None
    """The absolute figure behind a ratio, for arithmetic about this very machine."""

    @property
    def reached(self) -> bool:
        """Whether the figure is where it must be."""
        return (self.floor is None or self.value >= self.floor) and (self.ceiling is None or self.value <= self.ceiling)


def figure(value: float) -> str:
    """A number as people read it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def lines(rows: list[Row]) -> list[str]:
    """The rows as aligned text."""
    table = [("", "row", "figure", "spread", "must be", "note")]
    for row in rows:
        spread = "" if row.spread is None else f"{figure(row.spread[0])} – {figure(row.spread[1])}"
        must = f"≥ {figure(row.floor)}" if row.floor is not None else ""
        must = f"≤ {figure(row.ceiling)}" if row.ceiling is not None else must
        mark = " " if not must else "✓" if row.reached else "✗"
        table.append((mark, row.name, f"{figure(row.value)} {row.unit}", spread, must, row.note))
    widths = [max(len(line[column]) for line in table) for column in range(6)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
