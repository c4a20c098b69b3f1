"""The figures and the picture of docs/fairness.md: `make fairness`. The same files on every machine."""

from collections.abc import Sequence
from pathlib import Path

from ecluse.simulation.plot import COLOURS, figure, save
from ecluse.simulation.resellers import Contest, Rule, Shares, shares

REPETITIONS = 100
CONTESTS = (
    Contest(rule=Rule.FIFO),
    Contest(rule=Rule.DRAW),
    Contest(rule=Rule.DRAW, sessions=2000),
    Contest(rule=Rule.NOMINATIVE, clients=60),
    Contest(rule=Rule.NOMINATIVE, clients=20),
    Contest(rule=Rule.NOMINATIVE, clients=10),
)
DOCUMENT = Path(__file__).parents[1] / "docs/fairness.md"
PICTURE = DOCUMENT.parent / "img/fairness.svg"
_MARK = "<!-- figures: made by make fairness -->"


def label(contest: Contest) -> str:
    """A contest in words."""
    if contest.rule is Rule.NOMINATIVE:
        return f"{contest.rule.value}; {contest.clients} real clients each"
    return f"{contest.rule.value}; {contest.sessions:,} sessions each"


def row(contest: Contest, found: Shares) -> str:
    """A row of the table."""
    return (
        f"| {label(contest)} | {found.mean:.1%} ± {found.margin:.1%} | {found.low:.1%} to {found.high:.1%} "
        f"| {found.chance:.1%} |"
    )


def table(results: Sequence[tuple[Contest, Shares]]) -> str:
    """The table of the document."""
    head = "| rule | resellers' share of the places | in 19 openings of 20 | one person's chance |\n|---|---|---|---|"
    return "\n".join([head, *(row(contest, found) for contest, found in results)])


def draw_picture(results: Sequence[tuple[Contest, Shares]], file: Path) -> None:
    """Bars with what 19 of 20 openings gave."""
    picture = figure(figsize=(8.5, 3.6))
    axes = picture.subplots()
    names = [label(contest).replace("; ", "\n") for contest, _ in results][::-1]
    means = [found.mean * 100 for _, found in results][::-1]
    errors = [
        [(found.mean - found.low) * 100 for _, found in results][::-1],
        [(found.high - found.mean) * 100 for _, found in results][::-1],
    ]
    colours = {Rule.FIFO: COLOURS[1], Rule.DRAW: COLOURS[3], Rule.NOMINATIVE: COLOURS[0]}
    bars = axes.barh(names, means, xerr=errors, color=[colours[contest.rule] for contest, _ in results][::-1])
    axes.bar_label(bars, fmt="%.1f %%", padding=6)
    axes.set(xlim=(0, 112), xlabel="share of 500 places that 5 resellers get against 2,000 people, %")
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    save(picture, file)


def main() -> None:
    """Compute everything, and put it where it is read."""
    results = [(contest, shares(contest, REPETITIONS)) for contest in CONTESTS]
    made = table(results)
    before, _, after = DOCUMENT.read_text("utf-8").split(_MARK)
    DOCUMENT.write_text(f"{before}{_MARK}\n{made}\n{_MARK}{after}", "utf-8")
    draw_picture(results, PICTURE)
    print(made)


if __name__ == "__main__":
    main()
