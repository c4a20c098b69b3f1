import re
from dataclasses import replace

from loadtests.report import report_page
from loadtests.scenarios import read_scenario
from loadtests.verdict import judge
from tests.loadtests.test_verdict import good_run

SCENARIO = read_scenario("opening-day")


def page(**changes: object) -> str:
    record = replace(good_run(), started_at=0.0, **changes)  # type: ignore[arg-type]
    return report_page(SCENARIO, judge(record, SCENARIO), record)


def test_the_report_shows_every_finding_and_six_pictures() -> None:
    shown = page()
    assert shown.count("<svg") == 6
    assert "Passed." in shown
    for finding in judge(good_run(), SCENARIO):
        assert finding.name.replace("'", "&#x27;") in shown


def test_the_report_says_first_what_was_missed_and_why_in_words() -> None:
    shown = page(wrong={"ticket: <404>": 50})
    assert "Not passed." in shown
    assert "Missed: wrong answers." in shown
    assert "ticket: &lt;404&gt;: 50" in shown


def test_the_report_asks_nobody_for_anything() -> None:
    shown = page()
    assert re.findall(r'(?:src|href|action)="(?!#)[^"]*"', shown) == []
    assert re.findall(r"url\((?!#)", shown) == []
    assert "<script" not in shown
    assert "@import" not in shown


def test_no_name_stands_twice_in_the_page() -> None:
    names = re.findall(r'\bid="([^"]+)"', page())
    assert len(names) == len(set(names))


def test_a_run_in_which_nobody_came_has_a_report_too() -> None:
    assert "Not passed." in page(traces=[], boards=[], origin=[], per_second={}, events={})
