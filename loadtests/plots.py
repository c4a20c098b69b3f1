"""The pictures of a load run, as SVG to be put into a page: nothing in them asks anybody for anything."""

import io
import re
from collections.abc import Callable, Sequence

import matplotlib as mpl

mpl.use("svg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.generator import percentile
from loadtests.measures import ended_at
from loadtests.record import Record

INK, QUIET, GOOD, BAD, SECOND = "#1b2a41", "#8a94a6", "#1f6f54", "#b3261e", "#3a6ea5"
_STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": QUIET,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "svg.hashsalt": "ecluse", "svg.fonttype": "path",
}  # fmt: skip
_WIDTH, _HEIGHT = 7.2, 2.6


def svg_of(draw: Callable[[Figure], None], *, width: float = _WIDTH, height: float = _HEIGHT) -> str:
    """The figure that `draw` fills, as one <svg> element; the same every time, with names no other figure has."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        made = io.StringIO()
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    text = made.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    # Every figure calls its letters and lines the same: a page may have a name once.
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{draw.__name__}-", text).strip()


def counted(times: Sequence[float], width: float, length: float) -> tuple[list[float], list[int]]:
    """How many of `times` lie in each stretch of `width` seconds, from 0 to `length`."""
    bins = max(1, int(length / width) + 1)
    counts = [0] * bins
    for at in times:
        if 0 <= at <= length:
            counts[min(bins - 1, int(at / width))] += 1
    return [index * width for index in range(bins)], counts


def _stretch(length: float) -> float:
    """A round number of seconds that makes about sixty stretches."""
    return next((each for each in (1, 2, 5, 10, 15, 30, 60, 120, 300) if length / each <= 60), 600.0)


def _axes(figure: Figure, title: str, ylabel: str, length: float) -> Axes:
    axes: Axes = figure.subplots()
    axes.set_title(title, loc="left", color=INK, fontsize=10)
    axes.set_xlabel("seconds since the start")
    axes.set_ylabel(ylabel)
    axes.set_xlim(0, max(length, 1))
    return axes


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)


class Plots:
    """The pictures of one record."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._zero = record.started_at
        self._length = max(1.0, ended_at(record) - self._zero)
        self._width = _stretch(self._length)

    def _since(self, times: Sequence[float | None]) -> list[float]:
        return [at - self._zero for at in times if at is not None]

    def arrivals(self, figure: Figure) -> None:
        """Who came when."""
        axes = _axes(figure, "Arrivals", f"visitors in {self._width:g} s", self._length)
        for robots, colour, name in ((False, SECOND, "people"), (True, BAD, "robots")):
            times = self._since([each.arrived_at for each in self._record.traces if each.robot is robots])
            if times:
                axes.step(*counted(times, self._width, self._length), where="post", color=colour, label=name)
        _legend(axes)

    def line(self, figure: Figure) -> None:
        """How many waited, as the board said."""
        axes = _axes(figure, "Length of the line", "waiting", self._length)
        boards = self._record.boards
        at = [board.received_at - self._zero for board in boards]
        axes.plot(at, [board.waiting for board in boards], color=SECOND, label="waiting")
        axes.plot(at, [board.admitted for board in boards], color=GOOD, label="inside")
        axes.set_ylim(bottom=0)
        _legend(axes)

    def admissions(self, figure: Figure) -> None:
        """Everybody let in, beside what the pace allows."""
        axes = _axes(figure, "Let in, beside the pace", "people, in total", self._length)
        times = sorted(self._since([each.admitted_at for each in self._record.traces]))
        axes.step(times, range(1, len(times) + 1), where="post", color=GOOD, label="let in")
        if times and self._record.boards:
            pace = max(board.pace_per_minute for board in self._record.boards)
            span = [times[0], self._length]
            axes.plot(
                span, [1 + pace / 60 * (at - span[0]) for at in span], color=QUIET, linestyle="--", label="pace"
            )  # fmt: skip
        _legend(axes)

    def origin(self, figure: Figure) -> None:
        """How fast the origin answered."""
        axes = _axes(figure, "The origin's answers", "milliseconds", self._length)
        for share, colour, name in ((0.5, SECOND, "half are faster"), (0.95, BAD, "95 % are faster")):
            at, values = self._by_stretch(share)
            axes.plot(at, values, color=colour, label=name)
        axes.set_ylim(bottom=0)
        _legend(axes)

    def _by_stretch(self, share: float) -> tuple[list[float], list[float]]:
        found: dict[int, list[float]] = {}
        for each in self._record.origin:
            found.setdefault(int((each.received_at - self._zero) / self._width), []).append(each.seconds * 1000)
        stretches = sorted(found)
        return [each * self._width for each in stretches], [percentile(found[each], share) for each in stretches]

    def errors(self, figure: Figure) -> None:
        """Answers of the origin that were none, or 5xx."""
        axes = _axes(figure, "Failed answers of the origin", f"in {self._width:g} s", self._length)
        bad = [each.received_at - self._zero for each in self._record.origin if each.status == 0 or each.status >= 500]
        axes.step(*counted(bad, self._width, self._length), where="post", color=BAD)
        axes.set_ylim(bottom=0)

    def waits(self, figure: Figure) -> None:
        """How long each persona waited to be let in."""
        waits: dict[str, list[float]] = {}
        for each in self._record.traces:
            if each.admitted_at is not None and each.arrived_at is not None:
                waits.setdefault(each.persona, []).append(each.admitted_at - each.arrived_at)
        axes: Axes = figure.subplots()
        axes.set_title("Time until let in, by persona", loc="left", color=INK, fontsize=10)
        names = sorted(waits)
        if names:
            axes.boxplot(
                [waits[name] for name in names], orientation="horizontal", tick_labels=names, showfliers=False,
                medianprops={"color": BAD},
            )  # fmt: skip
        axes.set_xlabel("seconds")
        axes.set_xlim(left=0)

    def all(self) -> list[str]:
        """Every picture, in the order of the report."""
        tall = 1.0 + 0.28 * len({each.persona for each in self._record.traces})
        pictures = [svg_of(each) for each in (self.arrivals, self.line, self.admissions, self.origin, self.errors)]
        return [*pictures, svg_of(self.waits, height=max(_HEIGHT, tall))]
