"""The picture of the headline experiment: the same spike without a line and with one, side by side."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from loadtests.generator import percentile
from loadtests.plots import BAD, GOOD, QUIET, SECOND, counted, svg_of
from loadtests.proof import SPIKE_SECONDS, Figures, Round, failed
from loadtests.record import Record

_STRETCH = 5.0


def _per_minute(axes: Axes, times: list[float], seconds: float, colour: str) -> None:
    at, counts = counted(times, _STRETCH, seconds)
    axes.plot(at, [count * 60 / _STRETCH for count in counts], color=colour)


def _latency(axes: Axes, record: Record, seconds: float) -> None:
    found: dict[int, list[float]] = {}
    for each in record.origin:
        found.setdefault(int((each.received_at - record.started_at) / _STRETCH), []).append(each.seconds)
    stretches = [each for each in sorted(found) if 0 <= each * _STRETCH <= seconds]
    slow = [percentile(found[each], 0.95) for each in stretches]
    axes.plot([each * _STRETCH for each in stretches], slow, color=SECOND)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel("seconds since the opening")


def _column(axes: Sequence[Axes], record: Record, calm: Figures, seconds: float) -> None:
    zero = record.started_at
    booked = [each.booked_at - zero for each in record.traces if each.booked_at is not None]
    bad = [each.received_at - zero for each in record.origin if failed(each)]
    _per_minute(axes[0], booked, seconds, GOOD)
    _per_minute(axes[1], bad, seconds, BAD)
    _latency(axes[2], record, seconds)
    for each, usual in zip(axes, (calm.bookings_per_minute, None, calm.origin_p95_seconds), strict=True):
        each.axvspan(0, SPIKE_SECONDS, color=QUIET, alpha=0.12)
        if usual is not None:
            each.axhline(usual, color=QUIET, linestyle="--")


def picture(without: Record, with_line: Record, shown: Round, seconds: float) -> str:
    """The whole picture as a file of its own, on white: a page may be dark."""

    def prove(figure: Figure) -> None:
        axes = figure.subplots(3, 2, sharex=True, sharey="row")
        for column, (record, title) in enumerate(((without, "Without Écluse"), (with_line, "With Écluse in front"))):
            axes[0][column].set_title(title, loc="left")
            _column([row[column] for row in axes], record, shown.calm, seconds)
        names = ("bookings\nper minute", "failed answers\nper minute", "slowest 5 %\nof answers, s")
        for row, name in zip(axes, names, strict=True):
            row[0].set_ylabel(name)
        for each in axes[:2].flat:
            each.set_ylim(bottom=0)  # only now that both sides are drawn: it ends the scale's growing
        axes[0][0].set_xlim(0, seconds)
        figure.text(0.99, 0.985, "grey: everybody arrives   dashed: a calm day", ha="right", va="top", fontsize=8)

    svg = svg_of(prove, width=9.6, height=6.0)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg}\n'
