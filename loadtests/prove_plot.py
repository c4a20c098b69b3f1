"""The picture of the headline experiment: the same spike without a line and with one, side by side."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.generator import percentile
from loadtests.plots import BAD, GOOD, QUIET, SECOND, counted, svg_of
from loadtests.proof import SPIKE_SECONDS, Round, failed
from loadtests.record import Record

_STRETCH = 5.0


def _bookings(axes: Axes, record: Record, calm_per_minute: float, seconds: float) -> None:
    zero = record.started_at
    booked = [each.booked_at - zero for each in record.traces if each.booked_at is not None]
    bad = [each.received_at - zero for each in record.origin if failed(each)]
    per_minute = 60 / _STRETCH
    for times, colour, name in ((booked, GOOD, "bookings"), (bad, BAD, "failed answers")):
        at, counts = counted(times, _STRETCH, seconds)
        axes.plot(at, [count * per_minute for count in counts], color=colour, label=f"{name} per minute")
    axes.axhline(calm_per_minute, color=QUIET, linestyle="--", label="bookings on a calm day")
    axes.axvspan(0, SPIKE_SECONDS, color=QUIET, alpha=0.12)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=7, loc="upper right")


def _latency(axes: Axes, record: Record, calm_seconds: float, seconds: float) -> None:
    found: dict[int, list[float]] = {}
    for each in record.origin:
        found.setdefault(int((each.received_at - record.started_at) / _STRETCH), []).append(each.seconds)
    stretches = [each for each in sorted(found) if 0 <= each * _STRETCH <= seconds]
    slow = [percentile(found[each], 0.95) for each in stretches]
    axes.plot([each * _STRETCH for each in stretches], slow, color=SECOND, label="the origin's answers, 95 % (s)")
    axes.axhline(calm_seconds, color=QUIET, linestyle="--", label="on a calm day")
    axes.axvspan(0, SPIKE_SECONDS, color=QUIET, alpha=0.12)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds since the opening")
    axes.legend(frameon=False, fontsize=7, loc="upper right")


def picture(without: Record, with_line: Record, shown: Round, seconds: float) -> str:
    """The whole picture as a file of its own, on white: a page may be dark."""

    def prove(figure: Figure) -> None:
        axes = figure.subplots(2, 2, sharex=True, sharey="row")
        calm = shown.calm
        for column, (record, title) in enumerate(((without, "Without Écluse"), (with_line, "With Écluse in front"))):
            axes[0][column].set_title(title, loc="left")
            _bookings(axes[0][column], record, calm.bookings_per_minute, seconds)
            _latency(axes[1][column], record, calm.origin_p95_seconds, seconds)
        axes[0][0].set_xlim(0, seconds)

    svg = svg_of(prove, width=9.6, height=5.0)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg}\n'
