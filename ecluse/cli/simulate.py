"""`ecluse simulate`: what a day would be like, before it comes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecluse.cli.told import ConfigOption, fail

if TYPE_CHECKING:
    from ecluse.simulation.line import Rules
    from ecluse.simulation.outcome import Outcome
    from ecluse.simulation.plan import Plan

_DAYS = "Shapes: steady, opening, peaks, evening."


_Arrivals = Annotated[
    str, typer.Option(help=f"People per minute (40,80,20), a shape with a total (opening:3000), or a CSV file. {_DAYS}")
]
_Minutes = Annotated[int, typer.Option(min=1, max=10_080, help="How long people come, for a shape.")]
_Pace = Annotated[float | None, typer.Option(min=0.1, max=100_000, help="Admissions per minute.", show_default="60")]
_Burst = Annotated[int | None, typer.Option(min=1, max=10_000, help="How many at once after a rest.", show_default="2")]
_Capacity = Annotated[int | None, typer.Option(min=0, help="Most visits at once; 0: no cap.", show_default="0")]
_Show = Annotated[float, typer.Option(min=0.05, max=1, help="The share of those called who enter.")]
_Answer = Annotated[float, typer.Option(min=0, max=3600, help="From a call to Enter, in the mean.")]
_Visit = Annotated[float, typer.Option(min=1, max=86_400, help="A visit, in the mean.")]
_Patience = Annotated[float, typer.Option(min=0, help="Who waits that long in the mean leaves; 0: nobody.")]
_Lanes = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=WEIGHT[:SHARE]", help="A lane, its weight and the share of people in it."),
]
_Opens = Annotated[float, typer.Option(min=0, max=10_080, help="Minutes before the first admission.")]
_Draw = Annotated[bool, typer.Option("--draw", help="Those who came before the opening are drawn.")]
_Seed = Annotated[int, typer.Option(help="The same number gives the same day.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")]
_Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture: .svg, .png or .pdf.")]
_Room = Annotated[
    str | None, typer.Option(help="Take pace, burst, capacity and lanes of this room from the configuration.")
]


def add_to(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(simulate)


def simulate(
    *,
    arrivals: _Arrivals,
    minutes: _Minutes = 480,
    pace: _Pace = None,
    burst: _Burst = None,
    capacity: _Capacity = None,
    show: _Show = 0.85,
    answer_seconds: _Answer = 8.0,
    visit_seconds: _Visit = 300.0,
    patience_minutes: _Patience = 0.0,
    lane: _Lanes = None,
    opens_after: _Opens = 0.0,
    draw: _Draw = False,
    seed: _Seed = 1,
    as_json: _Json = False,
    plot: _Plot = None,
    config: ConfigOption = None,
    room: _Room = None,
) -> None:
    """Simulate a day of a room: how long people wait, and when. Nothing running is touched.

    The code that decides is the one that runs the line; only people and time are invented.
    """
    from ecluse.simulation.arrivals import Unclear, per_minute
    from ecluse.simulation.people import Manners
    from ecluse.simulation.plan import Plan

    if plot is not None and plot.suffix not in (".svg", ".png", ".pdf"):
        fail(f"{plot}: a picture ends in .svg, .png or .pdf", 2)
    if draw and not opens_after:
        fail("--draw needs --opens-after: only those who come before the opening are drawn", 2)
    manners = Manners(
        show=show,
        delay_seconds=answer_seconds,
        visit_seconds=visit_seconds,
        patience_seconds=patience_minutes * 60 or float("inf"),
        back=0.5,
    )
    try:
        base = _base(config, room)
        weights, shares = _lanes(lane or [f"{name}={weight:g}" for name, weight in base.weights.items()])
        plan = Plan(
            per_minute=per_minute(arrivals, minutes, _table(arrivals)),
            rules=_rules(base, pace, burst, capacity, weights),
            manners=manners,
            lanes=shares,
            opens_after_minutes=opens_after,
            draws=draw,
            seed=seed,
        )
    except Unclear as error:
        fail(str(error), 2)
    _tell(plan, plot, as_json=as_json)


def _tell(plan: "Plan", plot: Path | None, *, as_json: bool) -> None:
    from ecluse.simulation.outcome import chart, outcome
    from ecluse.simulation.plot import NoPlots, day_picture, figure, save

    try:
        if plot is not None:
            figure()  # a missing library is told before minutes of work
        day = plan.run()
        found = outcome(day)
        if plot is not None:
            save(day_picture(day), plot)
    except NoPlots as error:
        fail(str(error))
    except OSError as error:
        fail(f"{plot}: {error.strerror or error}")
    if as_json:
        typer.echo(json.dumps(found.document()))
        return
    for line in [*_table_lines(found), "", *chart(day), "", *_sums(found)]:
        typer.echo(line)
    if plot is not None:
        typer.echo(f"\nThe picture is in {plot}.")


def _table_lines(found: "Outcome") -> list[str]:
    lines = [f"{'arrive (min)':>13}  {'lane':<12} {'people':>7} {'let in':>7} {'median wait':>12} {'P90 wait':>9}"]
    for row in found.rows:
        span = f"{row.from_minute}–{row.to_minute}"
        median, p90 = _minutes(row.median_wait), _minutes(row.p90_wait)
        lines.append(f"{span:>13}  {row.lane:<12} {row.people:>7,} {row.admitted:>7,} {median:>12} {p90:>9}")
    return lines


def _minutes(wait: float | None) -> str:
    return "–" if wait is None else f"{wait:.1f} min"


def _sums(found: "Outcome") -> list[str]:
    used = "–" if found.pace_used is None else f"{found.pace_used:.0%}"
    last = "–" if found.last_admission_minute is None else f"minute {found.last_admission_minute:.0f}"
    return [
        f"{found.people:,} people, {found.admitted:,} let in, {found.left:,} left, {found.not_served:,} not served; "
        f"{found.missed_calls:,} calls missed",
        f"median wait {_minutes(found.median_wait)}, P90 {_minutes(found.p90_wait)}",
        f"longest line {found.longest_line:,} at minute {found.longest_line_minute}; last admission at {last}; "
        f"{used} of the pace used while people waited",
    ]


def _table(arrivals: str) -> str | None:
    """The text of the file that `arrivals` names, if it looks like one."""
    from ecluse.simulation.arrivals import Unclear

    if not arrivals.lower().endswith((".csv", ".txt")):
        return None
    try:
        return Path(arrivals).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Unclear(f"{arrivals}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unclear(f"{arrivals}: not text") from None


def _lanes(said: list[str]) -> tuple[dict[str, float], list[tuple[str, float]]]:
    """Weights by lane, and which share of people each gets."""
    from ecluse.simulation.arrivals import Unclear

    weights: dict[str, float] = {}
    shares: list[tuple[str, float]] = []
    for each in said:
        name, equals, numbers = each.partition("=")
        weight, colon, share = numbers.partition(":")
        try:
            weights[name], chosen = float(weight), float(share if colon else weight)
        except ValueError:
            raise Unclear(f"lane {each!r}: write NAME=WEIGHT or NAME=WEIGHT:SHARE") from None
        if not (name and equals and 0 < weights[name] <= 1000 and 0 <= chosen <= 1e6):
            raise Unclear(f"lane {each!r}: a weight is above 0 and at most 1000, a share is not negative")
        shares.append((name, chosen))
    if len(weights) != len(said) or not sum(share for _, share in shares) > 0:
        raise Unclear("lanes need names of their own, and somebody in them")
    return weights, shares


def _base(config: Path | None, room: str | None) -> "Rules":
    """The rules of a configured room, or the ones a room has by default. Raises Unclear."""
    from ecluse.simulation.arrivals import Unclear
    from ecluse.simulation.line import Rules

    if config is None and room is None:
        return Rules(pace_per_minute=60.0)
    from ecluse.settings import ConfigurationError, load

    try:
        settings = load(config)
    except ConfigurationError as error:
        raise Unclear("; ".join(map(str, error.mistakes))) from None
    names = [each.id for each in settings.room]
    chosen = room or names[0]
    if chosen not in names:
        raise Unclear(f"no room {chosen!r} in the configuration: there is {', '.join(names)}")
    found = settings.room[names.index(chosen)]
    return Rules(
        pace_per_minute=found.pace_per_minute,
        burst=found.burst,
        capacity=found.capacity,
        claim_ms=found.claim_seconds * 1000.0,
        weights={each.id: each.weight for each in found.lane},
    )


def _rules(
    base: "Rules", pace: float | None, burst: int | None, capacity: int | None, weights: dict[str, float]
) -> "Rules":
    from dataclasses import replace

    return replace(
        base,
        pace_per_minute=base.pace_per_minute if pace is None else pace,
        burst=base.burst if burst is None else burst,
        capacity=base.capacity if capacity is None else capacity,
        weights=weights,
    )
