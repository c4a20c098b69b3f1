"""How well the estimates hold over hard days: the table of docs/estimates.md, by `make simulate`."""

import argparse
from pathlib import Path

from ecluse.domain.estimate import EARLY
from ecluse.simulation.forecast import HORIZONS, Calibration
from ecluse.simulation.worlds import hard_day

DOCUMENT = Path(__file__).parents[1] / "docs/estimates.md"
_MARK = "<!-- figures: made by make simulate -->"


def added(days: list[dict[str, Calibration]], name: str) -> Calibration:
    """One kind of wait over all days."""
    kinds = [day[name] for day in days if name in day]
    waits = sum(each.waits for each in kinds)

    def share(of: str) -> float:
        return float(sum(getattr(each, of) * each.waits for each in kinds)) / max(waits, 1)

    return Calibration(waits, share("by_p90"), share("by_p50"), share("in_range"))


def table(days: list[dict[str, Calibration]]) -> str:
    """By horizon, all together, and the worst day."""
    lines = [
        "| wait expected | estimates judged | over by p90 | over by p50 | in the range shown |",
        "|---|---|---|---|---|",
    ]
    rows = [(name, added(days, name)) for name in (*HORIZONS, "all")]
    rows.append(("the worst day", min((day["all"] for day in days), key=lambda each: each.by_p90)))
    for name, found in rows:
        lines.append(f"| {name} | {found.waits:,} | {found.by_p90:.1%} | {found.by_p50:.1%} | {found.in_range:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Run the days, tell how the estimates held, fail if they did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--write", action="store_true", help="put the table into docs/estimates.md")
    asked = parser.parse_args()
    days = []
    for seed in range(asked.days):
        day, forecast = hard_day(seed, hours=asked.hours, paces=(20.0, 40.0, 60.0))
        days.append(forecast.calibration(day, EARLY))
        print(f"day {seed + 1}: {len(day.visitors):,} people, {days[-1]['all'].by_p90:.1%} over by p90", flush=True)
    made = table(days)
    print(made)
    if asked.write:
        before, _, after = DOCUMENT.read_text("utf-8").split(_MARK)
        DOCUMENT.write_text(f"{before}{_MARK}\n{made}\n{_MARK}{after}", "utf-8")
    if min(added(days, name).by_p90 for name in (*HORIZONS, "all") if any(name in day for day in days)) < 0.85:
        raise SystemExit("an estimate that should hold nine times in ten holds fewer than 85 times in a hundred")


if __name__ == "__main__":
    main()
