"""The figures of docs/fairness.md, computed again."""

from pathlib import Path

import pytest

from benchmarks.fairness import CONTESTS, DOCUMENT, PICTURE, REPETITIONS, draw_picture, label, row
from ecluse.simulation.resellers import Contest, Rule, Shares, once, shares


@pytest.mark.parametrize("contest", [each for each in CONTESTS if each.sessions < 2000], ids=label)
def test_a_row_of_the_document_is_what_the_simulation_gives(contest: Contest) -> None:
    """A tenth of the repetitions: its mean must lie where the document says that the mean of all lies."""
    few = shares(contest, REPETITIONS // 10)
    (line,) = (each for each in DOCUMENT.read_text("utf-8").splitlines() if each.startswith(f"| {label(contest)} |"))
    told = float(line.split("|")[2].split("%")[0]) / 100
    assert few.mean == pytest.approx(told, abs=4 * few.margin + 0.002)
    low, high = (float(part.strip(" %")) / 100 for part in line.split("|")[3].split(" to "))
    assert low - 0.03 < few.mean < high + 0.03


def test_a_row_is_written_as_the_document_has_it() -> None:
    contest = Contest(rule=Rule.NOMINATIVE)
    line = row(contest, Shares(mean=0.0524, low=0.038, high=0.07, margin=0.0016, chance=0.2369))
    assert line == "| draw, one place per person; 20 real clients each | 5.2% ± 0.2% | 3.8% to 7.0% | 23.7% |"
    assert line in DOCUMENT.read_text("utf-8").splitlines()


def test_an_opening_with_the_same_seed_ends_the_same_and_all_places_are_given() -> None:
    contest = Contest(rule=Rule.DRAW)
    assert once(contest, 7) == once(contest, 7) != once(contest, 8)
    assert once(Contest(rule=Rule.NOMINATIVE, people=0, clients=30), 1) == 150


def test_a_number_counts_once_however_many_sessions_give_it() -> None:
    assert Contest(rule=Rule.NOMINATIVE, sessions=2000, clients=20).sold == 100
    assert Contest(rule=Rule.NOMINATIVE, sessions=7, clients=20).sold == 35


def test_the_picture_is_the_same_whenever_it_is_drawn(tmp_path: Path) -> None:
    results = [(CONTESTS[0], Shares(mean=0.9, low=0.8, high=0.95, margin=0.01, chance=0.01))]
    for name in ("a.svg", "b.svg"):
        draw_picture(results, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"97.1 %" in PICTURE.read_bytes()
