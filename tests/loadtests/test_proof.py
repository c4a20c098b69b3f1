import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.generator import GeneratorSeen
from loadtests.personas import PERSONAS
from loadtests.proof import (
    SETTLE_SECONDS,
    SPIKE_SECONDS,
    Figures,
    Round,
    figures_of,
    findings_of,
    plain,
    recovery_seconds,
)
from loadtests.prove import PEOPLE, ROBOTS, Sizes, main
from loadtests.prove_plot import picture
from loadtests.record import Record
from loadtests.tally import OriginSeen, Trace
from loadtests.verdict import passed, table

LENGTH = 85.0


def phase(name: str = "a phase", **changes: Any) -> Figures:
    good = Figures(
        name=name, arrived=100, bookings_per_minute=100.0, origin_p95_seconds=0.2, errors_share=0.0, failures_seen=0,
        wrong=0, without_place=0, places_changed=0, promises_broken=0.05, forged_admitted=0, robot_bookings_share=0.0,
        robot_places_share=0.0, generator="",
    )  # fmt: skip
    return replace(good, **changes)


def one_round(**changes: Any) -> Round:
    """A round that proves the point, but for what `changes` says of the spike with a line."""
    return Round(
        calm=phase(),
        without=phase(bookings_per_minute=8.0, errors_share=0.7, origin_p95_seconds=20.0),
        with_line=phase(**{"bookings_per_minute": 99.0, "origin_p95_seconds": 0.21, **changes}),
        recovery_without_seconds=None,
    )


def missed(rounds: list[Round], extra: list[Figures] | None = None) -> list[str]:
    return [each.name for each in findings_of(rounds, extra or []) if each.passed is False]


def answers(begun: float, ended: float, *, seconds: float = 0.1, status: int = 200) -> list[OriginSeen]:
    return [
        OriginSeen(received_at=begun + n * 0.5, seconds=seconds, status=status) for n in range(int((ended - begun) * 2))
    ]


def test_a_module_that_collapses_alone_and_lives_behind_the_line_is_the_proof() -> None:
    findings = findings_of([one_round()], [])
    assert passed(findings), table(findings)
    assert plain([one_round()], [], findings)["passed"] is True


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"bookings_per_minute": 94.0}, "with a line: bookings per minute beside a calm day"),
        ({"origin_p95_seconds": 0.25}, "with a line: the origin's p95 beside a calm day"),
        ({"failures_seen": 1}, "answers of 5xx seen by people"),
        ({"places_changed": 1}, "places that changed"),
        ({"without_place": 1}, "arrived and without a place"),
        ({"promises_broken": 0.3}, "waited longer than the slow estimate they were told"),
        ({"forged_admitted": 1}, "forged or used-up proofs let in"),
        ({"generator": "out of breath"}, "the generator was not the bottleneck"),
    ],
)
def test_each_thing_that_must_hold_fails_the_proof_alone(change: dict[str, object], name: str) -> None:
    assert missed([one_round(**change)]) == [name]


def test_a_calm_day_on_which_nobody_could_book_is_no_measure() -> None:
    broken = replace(one_round(), calm=phase(wrong=3))
    assert missed([broken]) == ["on a calm day the module works"]


def test_one_bad_round_of_three_is_the_noise_of_a_machine_and_two_are_not() -> None:
    bad = one_round(bookings_per_minute=50.0)
    assert missed([one_round(), bad, one_round()]) == []
    assert missed([one_round(), bad, bad]) == ["with a line: bookings per minute beside a calm day"]


def test_a_module_that_bears_the_spike_alone_proves_nothing() -> None:
    sturdy = replace(one_round(), without=phase())
    assert missed([sturdy]) == ["without: bookings per minute beside a calm day"]


def test_what_robots_or_a_dead_gateway_spoil_is_seen() -> None:
    assert missed([one_round()], [phase("robots", forged_admitted=2)]) == ["forged or used-up proofs let in"]
    assert missed([one_round()], [phase("restart", without_place=3)]) == ["arrived and without a place"]
    assert missed([one_round()], [phase("restart", failures_seen=1)]) == ["answers of 5xx seen by people"]


def test_with_robots_inside_one_of_a_hundred_people_may_see_a_bad_moment() -> None:
    robots = phase("robots", arrived=1000, robot_places_share=0.3, failures_seen=7)
    assert missed([one_round()], [robots]) == []
    worse = replace(robots, failures_seen=8)
    assert missed([one_round()], [worse]) == ["with robots: answers of 5xx for each of the people"]


def test_figures_count_what_happened_after_everybody_had_time_to_settle() -> None:
    booked = [
        Trace(persona="direct", arrived_at=0.0, admitted_at=1.0, booked_at=at) for at in (5.0, SETTLE_SECONDS + 1, 60.0)
    ]
    lost = Trace(persona="applicant", arrived_at=3.0, failures=4)
    robot = Trace(persona="stampede", robot=True, arrived_at=3.0, place=1.0, failures=9)
    origin = [*answers(0, SETTLE_SECONDS, status=500), *answers(SETTLE_SECONDS, LENGTH)]
    record = Record(
        traces=[*booked, lost, robot], origin=origin, statuses={"services 500": 4, "board 200": 9},
        generators=[GeneratorSeen(cpu_shares=[0.99] * 9)],
    )  # fmt: skip
    found = figures_of("x", record, LENGTH)
    assert found.bookings_per_minute == pytest.approx(2.0)
    assert (found.errors_share, found.failures_seen, found.without_place) == (0.0, 4, 1)
    assert "of a core" in found.generator


def test_recovery_is_the_first_calm_stretch_after_the_spike() -> None:
    bad = answers(0, 50, status=500)
    record = Record(origin=[*bad, *answers(50, 85)])
    found = recovery_seconds(record, 0.1, LENGTH)
    assert found is not None
    assert 15 <= SPIKE_SECONDS + found - 30 <= 20
    assert recovery_seconds(Record(origin=answers(0, 85, seconds=3.0)), 0.1, LENGTH) is None


def test_the_spike_brings_ten_times_what_the_module_bears() -> None:
    sizes = Sizes(bears_per_minute=200, calm_seconds=60, spike_seconds=90)
    assert sizes.spike_people == 1000  # in half a minute
    scenario = sizes.scenario("x", PEOPLE, spike=True)
    assert scenario.users == 1000 + 105  # and 200 × 0.35 a minute, for a minute and a half
    assert sizes.scenario("x", PEOPLE, spike=False).users == 70


def test_three_in_ten_are_robots() -> None:
    robots = sum(share for name, share in ROBOTS.items() if PERSONAS[name].robot)
    assert robots / sum(ROBOTS.values()) == pytest.approx(0.3, abs=0.01)


def test_the_picture_is_a_file_of_its_own_that_asks_for_nothing() -> None:
    svg = picture(Record(origin=answers(0, 80, status=0)), Record(origin=answers(0, 80)), one_round(), LENGTH)
    assert svg.startswith("<?xml")
    assert svg.rstrip().endswith("</svg>")
    assert "script" not in svg


@pytest.mark.parametrize("options", [["--rounds", "0"], ["--calm-seconds", "5"], ["--spike-seconds", "10"]])
def test_bad_usage_is_refused_with_status_2(options: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(options)
    assert stopped.value.code == 2


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_experiment_runs_on_a_small_module_and_says_what_it_found(tmp_path: Path) -> None:
    saved, plot = tmp_path / "prove.json", tmp_path / "prove.svg"
    module = Path(__file__).with_name("fragile_stand_in.py")
    status = main(
        ["--rounds", "1", "--calm-seconds", "36", "--spike-seconds", "51", "--bears", "60", "--only-rounds",
         "--origin", f"{module} {{port}} 200", "--save", str(saved), "--plot", str(plot)]
    )  # fmt: skip
    told = json.loads(saved.read_text(encoding="utf-8"))
    assert told["passed"] is (status == 0)
    with_line = told["rounds"][0]["with_line"]
    assert with_line["bookings_per_minute"] > 0
    assert (with_line["failures_seen"], with_line["without_place"], with_line["wrong"]) == (0, 0, 0)
    assert told["rounds"][0]["without"]["errors_share"] > 0
    assert "<svg" in plot.read_text(encoding="utf-8")
