"""`ecluse simulate`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ecluse.cli.commands import CONFIGURATION, KEYS, clean_environment, ecluse

SMALL = ("simulate", "--minutes", "20", "--arrivals", "steady:300", "--pace", "60", "--visit-seconds", "60")


def numbers(*arguments: str) -> dict[str, Any]:
    ended = ecluse("simulate", *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_day_is_told_in_a_table_a_chart_and_sums() -> None:
    ended = ecluse(*SMALL, "--pace", "10")
    assert ended.returncode == 0, ended.stderr
    for words in (
        "arrive (min)",
        "median wait",
        "P90 wait",
        "longest line",
        "last admission at minute",
        "of the pace used",
    ):
        assert words in ended.stdout
    assert "█" in ended.stdout
    assert "300 people" in ended.stdout


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    first = ecluse(*SMALL, "--seed", "7").stdout
    assert ecluse(*SMALL, "--seed", "7").stdout == first
    assert ecluse(*SMALL, "--seed", "8").stdout != first


def test_the_numbers_follow_from_pace_and_people() -> None:
    found = numbers("--arrivals", "600", "--pace", "60", "--show", "1", "--answer-seconds", "0")
    assert (found["people"], found["admitted"], found["missed_calls"]) == (600, 600, 0)
    assert found["last_admission_minute"] == pytest.approx(10, abs=0.5)
    assert found["p90_wait"] == pytest.approx(9 - 0.5, abs=0.8)
    assert found["pace_used"] > 0.97
    assert found["longest_line"] > 400


def test_people_who_do_not_show_cost_no_pace_and_who_leaves_is_counted() -> None:
    found = numbers("--arrivals", "600", "--pace", "60", "--show", "0.5", "--patience-minutes", "30")
    assert found["missed_calls"] > 150
    assert found["left"] > 10
    assert found["pace_used"] > 0.9


def test_capacity_holds_the_line_back() -> None:
    free = numbers("--arrivals", "300", "--pace", "60", "--visit-seconds", "300")
    held = numbers("--arrivals", "300", "--pace", "60", "--visit-seconds", "300", "--capacity", "20")
    assert held["last_admission_minute"] > 3 * free["last_admission_minute"]
    assert held["pace_used"] < 0.3


def test_lanes_wait_by_their_weights() -> None:
    found = numbers("--arrivals", "800", "--pace", "60", "--lane", "fast=9:1", "--lane", "slow=1:1")
    waits = {row["lane"]: row["median_wait"] for row in found["rows"]}
    assert set(waits) == {"fast", "slow"}
    assert waits["slow"] > 1.5 * waits["fast"]


def test_an_opening_with_a_draw_makes_early_arrival_worth_nothing() -> None:
    options = ("--arrivals", ",".join(["60"] * 20), "--pace", "60", "--opens-after", "20")
    drawn = [row["median_wait"] + row["from_minute"] for row in numbers(*options, "--draw")["rows"]]
    first_come = [row["median_wait"] + row["from_minute"] for row in numbers(*options)["rows"]]
    assert max(drawn) - min(drawn) < 12, "when a turn comes does not depend on when one came"
    assert first_come[-1] - first_come[0] > 15
    assert min(first_come) >= 19, "nobody is let in before the opening"


@pytest.mark.parametrize(
    "text",
    ["minute,people\n0,30\n5,10\n10,0\n", "time;people\n09:00;30\n09:05;10\n09:10;0\n\n"],
    ids=["minutes", "clock"],
)
def test_arrivals_may_come_from_a_table(text: str, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(text, encoding="utf-8")
    found = numbers("--arrivals", str(tmp_path / "day.csv"), "--pace", "60")
    assert found["people"] == 30 * 5 + 10 * 5


def test_a_configured_room_gives_its_pace_and_lanes(tmp_path: Path) -> None:
    config = tmp_path / "ecluse.toml"
    lanes = 'pace_per_minute = 30\n[[room.lane]]\nid = "a"\n[[room.lane]]\nid = "b"\n\n[[operator]]'
    config.write_text(CONFIGURATION.replace("[[operator]]", lanes), encoding="utf-8")
    options = ("simulate", "--arrivals", "120", "--config", str(config), "--json")
    ended = ecluse(*options, env=KEYS)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert {row["lane"] for row in found["rows"]} == {"a", "b"}
    assert found["last_admission_minute"] > 3
    assert "no room 'evry'" in ecluse(*options, "--room", "evry", env=KEYS).stderr


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_written_and_is_the_same_every_time(kind: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for file in files:
        ended = ecluse(*SMALL, "--plot", str(file))
        assert ended.returncode == 0, ended.stderr
        assert str(file) in ended.stdout
    assert files[0].read_bytes() == files[1].read_bytes()
    if kind == "svg":
        assert "people waiting" in files[0].read_text("utf-8")


def test_without_the_library_for_pictures_one_line_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from ecluse.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *SMALL, "--plot", str(tmp_path / "day.svg")],
        capture_output=True, text=True, check=False, timeout=60, env=clean_environment(),
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ["ecluse: Pictures need matplotlib: pip install .[plots]."]
    without = ecluse(*SMALL)
    assert without.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--arrivals", "flood:300"), "no shape 'flood'"),
        (("--arrivals", "steady:many"), "'many' is no number"),
        (("--arrivals", "10,-3"), "-3 is not between"),
        (("--arrivals", "10,nan"), "nan is not between"),
        (("--arrivals", "0,0"), "nobody comes"),
        (("--arrivals", "steady:300000", "--arrivals", "300001"), "not between"),
        (("--arrivals", "nowhere.csv"), "nowhere.csv: No such file"),
        (("--arrivals", "10", "--draw"), "--opens-after"),
        (("--arrivals", "10", "--lane", "a"), "NAME=WEIGHT"),
        (("--arrivals", "10", "--lane", "a=0"), "above 0"),
        (("--arrivals", "10", "--lane", "a=1", "--lane", "a=2"), "names of their own"),
        (("--arrivals", "10", "--plot", "day.bmp"), ".svg, .png or .pdf"),
    ],
)
def test_what_cannot_be_understood_is_told_in_one_line(arguments: tuple[str, ...], words: str) -> None:
    ended = ecluse("simulate", *arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("minute,people\n0\n", "line 2: two columns"),
        ("5,1\n4,1\n", "do not rise"),
        ("minute,people\n", "no rows"),
        ("0,1\nx,1\n", "line 2: minute"),
        ("0,1\n100000,1\n", "more than a week"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(text, encoding="utf-8")
    ended = ecluse("simulate", "--arrivals", str(tmp_path / "day.csv"))
    assert ended.returncode == 2
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_picture_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    ended = ecluse(*SMALL, "--plot", str(tmp_path / "nowhere" / "day.svg"))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "No such file" in ended.stderr
