"""The arithmetic of line.js, in the browser that will do it; and it agrees with the server."""

import os
import random
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from ecluse.domain.board import Marks, mark_ranks, without_straights
from ecluse.domain.healing import return_seconds
from gateway.page_views import wait_span
from gateway.pages import TEMPLATES

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
LANE = {"waiting": 60, "marks": [[0.25, 0], [5, 1], [6, 2], [10, 6], [40, 30], [100, 50]]}


@pytest.fixture(scope="module")
def script() -> Iterator[Page]:
    """A blank page that has imported line.js as `line`; nothing leaves the machine."""
    if shutil.which(CHROMIUM) is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {CHROMIUM}: install the package chromium")

    def serve(route: Route) -> None:
        if route.request.url.endswith("line.js"):
            route.fulfill(path=TEMPLATES / "static/js/line.js", content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>line</title>", content_type="text/html")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.route("**/*", serve)
        page.goto("http://line.test/")
        page.evaluate("import('/line.js').then((module) => { window.line = module; })")
        yield page
        browser.close()


@pytest.mark.parametrize(
    ("place", "shown", "ahead"),
    [
        (0.1, None, 0),  # before everybody
        (0.25, None, 0),
        (5, None, 1),
        (5.5, None, 2),  # between two neighbours: behind the first
        (8, None, 4),  # half way from 2 to 6
        (10, None, 6),
        (39.9, None, 29),  # never the number of the mark behind
        (100, None, 50),
        (120, None, 60),  # younger than the board
        (120, 55, 55),
        (120, 10, 51),
        (120, 900, 60),
    ],
)
def test_a_place_is_read_from_the_marks(script: Page, place: float, shown: int | None, ahead: int) -> None:
    assert script.evaluate("([lane, place, shown]) => line.aheadOf(lane, place, shown)", [LANE, place, shown]) == ahead


@pytest.mark.parametrize("drawn", [False, True])
def test_the_browser_and_the_server_read_the_same_number_from_a_board(script: Page, drawn: bool) -> None:
    rng = random.Random(7)
    places = sorted(rng.random() if drawn else float(rng.randrange(1, 4_000)) for _ in range(1_500))
    places = sorted(set(places))
    marks = without_straights([(places[rank], rank) for rank in mark_ranks(len(places))])
    asked = [*places, *(place + (1e-6 if drawn else 0.5) for place in places)]
    code = "([lane, places]) => places.map((place) => line.aheadOf(lane, place))"
    told = script.evaluate(code, [{"waiting": len(places), "marks": [list(mark) for mark in marks]}, asked])
    reader = Marks(marks, len(places))
    assert told == [reader.ahead_of(place) for place in asked]


def test_an_empty_line_has_nobody_ahead(script: Page) -> None:
    assert script.evaluate("line.aheadOf({ waiting: 0, marks: [] }, 7)") == 0


def test_the_browser_and_the_server_tell_the_same_range(script: Page) -> None:
    ends = [None, 0, 30, 59, 60, 61, 300, 900, 1199, 1201, 3000, 3601, 7200, 7201, 9000, 20_000, 90_000]
    pairs = [(low, high) for low in ends for high in ends]
    told = script.evaluate("(pairs) => pairs.map(([low, high]) => line.waitSpan(low, high))", pairs)
    for (low, high), span in zip(pairs, told, strict=True):
        server: dict[str, Any] = wait_span(low, high)._asdict()
        names = {"kind": "kind", "low": "low", "lowUnit": "low_unit", "high": "high", "highUnit": "high_unit"}
        assert {names[key]: value for key, value in span.items()}.items() <= server.items(), (low, high)


def test_the_wait_is_told_from_three_quarters_of_the_median_to_the_slow_estimate(script: Page) -> None:
    told = script.evaluate("line.waitRange(800, 1600)")
    assert (told["kind"], told["low"], told["high"]) == ("between", 10, 30)
    assert script.evaluate("line.waitRange(null, null)") == {"kind": "unknown"}


def test_a_reason_without_words_of_its_own_is_told_in_general_words(script: Page) -> None:
    code = """(reason) => new line.Speech({ "slower-pace": "P", "slower-unknown": "U" }, "fr").slower(reason)"""
    assert [script.evaluate(code, reason) for reason in ("pace", "new", None)] == ["P", "U", ""]


@pytest.mark.parametrize(
    ("ahead", "per_minute", "seconds"),
    [(None, 60, 2), (0, 60, 2), (60, 60, 6), (10_000, 60, 60), (5, 0, 2), (5000, 0, 60)],
)
def test_those_far_behind_look_less_often(script: Page, ahead: int | None, per_minute: float, seconds: float) -> None:
    poll = {"near": 2, "far": 60}
    assert script.evaluate("(given) => line.pollSeconds(...given)", [poll, ahead, per_minute]) == seconds


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 place"), (1, "1 place"), (2, "2 places"), (1000, "1\u202f000 places")]
)
def test_plurals_are_those_of_the_language(script: Page, count: int, said: str) -> None:
    code = """(count) => {
      const speech = new line.Speech({ n: { one: "%(number)s place", other: "%(number)s places" } }, "fr");
      return speech.say("n", { count, number: speech.number(count) });
    }"""
    assert script.evaluate(code, count) == said


@pytest.mark.parametrize(
    ("ahead", "per_minute", "spread"),
    [(0, 60, 60), (1, 60, 60), (40, 60, 60), (5000, 60, 60), (9, 0, 60), (500, 60, 7)],
)
def test_a_lost_ticket_is_held_back_no_longer_than_the_server_says(
    script: Page, ahead: int, per_minute: float, spread: float
) -> None:
    wait = 0 if ahead == 0 else ahead / per_minute * 60 if per_minute else float("inf")
    found = script.evaluate("(given) => line.returnSeconds(...given)", [ahead, per_minute, spread])
    assert found == pytest.approx(return_seconds(wait, spread))


def test_each_life_of_the_line_draws_the_moment_of_coming_back_once(script: Page) -> None:
    code = """(lives) => { const back = new line.Comeback(); return lives.map((epoch) => back.secondsLeft(
      { epoch, lanes: { main: { calls_per_minute: { p50: 1 } } }, healing: { spread_seconds: 60 } }, "main", 5000)); }"""
    first, again, other = script.evaluate(code, ["a", "a", "b"])
    assert 0 <= again <= first <= 60
    assert again > first - 1
    assert other != pytest.approx(first, abs=0.001)
    assert script.evaluate(code.replace("healing: { spread_seconds: 60 }", "healing: undefined"), ["a"])[0] <= 2
