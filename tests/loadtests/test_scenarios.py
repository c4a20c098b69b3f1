from pathlib import Path
from random import Random

import pytest

from loadtests.personas import PERSONAS
from loadtests.scenarios import BadScenario, Scenario, WaveSettings, read_scenario, scenario_names
from loadtests.shapes import Form, arrived_by, split

MINIMAL = """
users = 100
minutes = 2
[personas]
applicant = 1
[[arrivals]]
share = 1
length_share = 1.0
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "my-day.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def times(name: str) -> tuple[list[float], Scenario]:
    scenario = read_scenario(name)
    return scenario.arrival_times(Random(1)), scenario


def test_a_copied_scenario_is_read_by_its_path_and_named_after_its_file(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, MINIMAL))
    assert (scenario.name, scenario.users, scenario.seconds) == ("my-day", 100, 120)


def test_all_mistakes_of_a_scenario_are_told_at_once(tmp_path: Path) -> None:
    wrong = (
        MINIMAL.replace("users = 100", "users = 0").replace("applicant", "aplicant")
        + """
length_seconds = 5
[objectives]
order_tau = 2
colour = "red"
"""
    )
    with pytest.raises(BadScenario) as told:
        read_scenario(written(tmp_path, wrong))
    said = str(told.value)
    for expected in (
        "users", "no such persona: aplicant", "either length_seconds or length_share", "objectives.order_tau", "objectives.colour",
    ):  # fmt: skip
        assert expected in said
    assert len(said.splitlines()) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [("users = ", "my-day.toml"), (MINIMAL + "\n[x]", "x"), ("direct_key = 'k'\n" + MINIMAL, "no place in a file")],
)
def test_a_file_that_is_no_scenario_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadScenario, match=said):
        read_scenario(written(tmp_path, text))


def test_a_scenario_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(BadScenario, match="opening-day"):
        read_scenario("no-such-day")
    with pytest.raises(BadScenario, match="No such file"):
        read_scenario("nowhere/no-such-day.toml")


def test_a_change_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadScenario, match="users"):
        read_scenario("opening-day").with_changes(users=0)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_that_comes_along_brings_everybody_within_its_time(name: str) -> None:
    arrivals, scenario = times(name)
    assert len(arrivals) == scenario.users
    assert arrivals == sorted(arrivals)
    assert arrivals[0] >= 0
    assert arrivals[-1] <= scenario.seconds
    assert scenario.title


def test_every_shape_that_was_asked_for_comes_along() -> None:
    assert {"opening-day", "steady", "lunchtime", "rumour", "drain", "soak", "robots"} == set(scenario_names())


def test_at_an_opening_nearly_everybody_comes_within_half_a_minute() -> None:
    arrivals, scenario = times("opening-day")
    assert arrived_by(arrivals, 30) >= 0.9 * scenario.users
    assert arrived_by(arrivals, 10) > arrived_by(arrivals, 30) - arrived_by(arrivals, 20)


def test_a_rumour_brings_a_second_spike() -> None:
    arrivals, scenario = times("rumour")
    quiet = arrived_by(arrivals, scenario.seconds * 0.4) - arrived_by(arrivals, 31)
    assert quiet == 0
    assert arrived_by(arrivals, scenario.seconds * 0.4 + 21) == scenario.users


def test_lunchtime_swells_and_ebbs() -> None:
    arrivals, scenario = times("lunchtime")
    tenth = scenario.seconds / 10
    by_tenth = [arrived_by(arrivals, (n + 1) * tenth) - arrived_by(arrivals, n * tenth) for n in range(10)]
    assert max(by_tenth) == max(by_tenth[3:6])
    assert max(by_tenth) > 3 * by_tenth[0]


def test_three_arrivals_in_ten_are_robots_where_the_scenario_says_so() -> None:
    scenario = read_scenario("robots")
    robots = sum(share for name, share in scenario.personas.items() if PERSONAS[name].robot)
    assert robots == pytest.approx(0.3 * sum(scenario.personas.values()), rel=0.02)


def test_every_persona_is_in_some_scenario() -> None:
    used = {name for scenario in scenario_names() for name in read_scenario(scenario).personas}
    assert used == set(PERSONAS) - {"direct"}


def test_a_scenario_survives_its_way_to_locust() -> None:
    scenario = read_scenario("opening-day").with_changes(users=7, minutes=None)
    assert Scenario.from_json(scenario.to_json()) == scenario
    assert (scenario.users, scenario.minutes) == (7, 2)


def test_a_wave_of_seconds_keeps_its_length_in_a_run_of_any_length_and_a_share_follows_it() -> None:
    spike = WaveSettings(share=1, form=Form.RUSH, length_seconds=30)
    assert (spike.wave(5, 120).length_seconds, spike.wave(5, 1200).length_seconds) == (30, 30)
    later = WaveSettings(share=1, start_share=0.5, length_share=0.25)
    assert (later.wave(5, 1000).start_seconds, later.wave(5, 1000).length_seconds) == (500, 250)


def test_parts_are_all_of_the_whole() -> None:
    assert split(10, [1, 1, 1]) == [3, 4, 3]
    assert sum(split(997, [0.3, 5, 2])) == 997
