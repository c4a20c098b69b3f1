"""The same day as a picture. The only home of matplotlib; it is imported when a picture is asked for."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecluse.simulation.day import Day
from ecluse.simulation.plan import quantile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0b5a7a", "#c2571a", "#4c7a34", "#7a3f74", "#6b6b6b")


class NoPlots(Exception):
    """Pictures need matplotlib: pip install .[plots]."""


def figure(**options: Any) -> "Figure":
    """An empty picture, drawn the same on every machine. Raises NoPlots."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - heavy, and an extra
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise NoPlots(str(NoPlots.__doc__)) from None
    # Text stays text and ids do not change from run to run, so that a picture can be compared byte for byte.
    mpl.rcParams.update({"svg.hashsalt": "ecluse", "svg.fonttype": "none", "font.size": 10})
    return Figure(layout="constrained", **options)


def save(picture: "Figure", file: Path) -> None:
    """Write a picture; the end of its name says what kind. Raises OSError, ValueError for an unknown kind."""
    without_date = {"Date": None} if file.suffix == ".svg" else None
    picture.savefig(file, metadata=without_date, dpi=150)


def day_picture(day: Day) -> "Figure":
    """How many wait over time, and how long by the time of arrival. Raises NoPlots."""
    picture = figure(figsize=(9, 6))
    line, waits = picture.subplots(2, 1, sharex=True)
    line.fill_between(*zip(*day.waiting_over_time, strict=True), color=COLOURS[0], alpha=0.35, linewidth=0)
    line.set(ylabel="people waiting", title="The line over the day")
    last = max(each.arrives_ms for each in day.visitors) / 60_000
    step = max(1, math.ceil(last / 60))
    for colour, lane in zip(COLOURS * 9, day.rules.weights, strict=False):
        groups: dict[int, list[float]] = {}
        for visitor, fate in zip(day.visitors, day.fates, strict=True):
            if visitor.lane == lane and not math.isnan(fate.called_ms):
                groups.setdefault(int(fate.joined_ms / 60_000 // step), []).append(
                    (fate.called_ms - fate.joined_ms) / 60_000
                )
        middles = [(index + 0.5) * step for index in sorted(groups)]
        medians = [quantile(groups[index], 0.5) for index in sorted(groups)]
        tops = [quantile(groups[index], 0.9) for index in sorted(groups)]
        waits.plot(middles, medians, color=colour, label=f"{lane}: median")
        waits.fill_between(middles, medians, tops, color=colour, alpha=0.25, linewidth=0, label=f"{lane}: up to P90")
    waits.set(xlabel="minutes from the start", ylabel="minutes of wait", title="How long, by the time of arrival")
    waits.legend(fontsize=8)
    for each in (line, waits):
        each.set_ylim(bottom=0)
        each.grid(alpha=0.25)
    return picture
