"""How often one visit may ask: the bucket in exact numbers, and what a visitor sees of it."""

import json
from typing import Any

import pytest

from ecluse.clock import ManualClock
from ecluse.domain.errors import VisitTooFast
from gateway.visit_limit import SWEEP_SECONDS, VisitLimit, visit_limit_of
from tests.gateway.whole import OpenWhole, Whole


def spent(limit: VisitLimit, session: str, times: int) -> int:
    """How many of so many requests at this moment are let through."""
    through = 0
    for _ in range(times):
        try:
            limit.spend(session)
        except VisitTooFast:
            continue
        through += 1
    return through


def wait_of(limit: VisitLimit, session: str) -> int | None:
    with pytest.raises(VisitTooFast) as told:
        limit.spend(session)
    return told.value.retry_after_seconds


def test_a_bucket_of_twenty_a_minute_holds_ten_and_gives_one_each_three_seconds() -> None:
    clock = ManualClock(1000.0)
    limit = VisitLimit(20, now=clock)
    assert spent(limit, "a", 15) == 10
    assert wait_of(limit, "a") == 3
    clock.advance(0.5)
    assert wait_of(limit, "a") == 3, "rounded up"
    clock.advance(1.5)
    assert wait_of(limit, "a") == 1
    clock.advance(1)
    assert spent(limit, "a", 5) == 1
    clock.advance(9)
    assert spent(limit, "a", 5) == 3
    clock.advance(3600)
    assert spent(limit, "a", 15) == 10, "never more than a bucket"


def test_a_quarter_of_a_minutes_requests_is_free_at_once() -> None:
    limit = VisitLimit(400, now=ManualClock())
    assert spent(limit, "a", 500) == 100
    assert wait_of(limit, "a") == 1


def test_in_a_minute_a_robot_gets_the_bucket_and_what_flows_in() -> None:
    clock = ManualClock(1000.0)
    limit = VisitLimit(20, now=clock)
    through = 0
    for _ in range(60):
        through += spent(limit, "robot", 5)
        clock.advance(1)
    assert through == 10 + 19


def test_each_visit_has_a_bucket_of_its_own() -> None:
    limit = VisitLimit(20, now=ManualClock())
    assert spent(limit, "a", 100) == 10
    assert spent(limit, "b", 100) == 10


def test_visits_whose_bucket_is_full_again_are_forgotten() -> None:
    clock = ManualClock(1000.0)
    limit = VisitLimit(20, now=clock)
    for number in range(5000):
        limit.spend(f"visit {number}")
    spent(limit, "robot", 10)
    assert len(limit) == 5001
    clock.advance(SWEEP_SECONDS - 31)
    spent(limit, "robot", 10)
    assert len(limit) == 5001, "not looked through at each request"
    clock.advance(31)
    limit.spend("somebody else")
    assert len(limit) == 1, "the robot's is full again too"


def test_without_a_limit_nothing_is_counted() -> None:
    assert visit_limit_of(0) is None


async def limited(open_whole: OpenWhole, **more: Any) -> Whole:
    """A room whose visits may ask twenty times a minute, on the clock of the test."""
    room = {"visit_requests_per_minute": 20, "pace_per_minute": 6000, "burst": 100, "open_paths": ["/static/"]}
    whole = await open_whole(**{**room, **more})
    limit = whole.edges[0].directory.by_id["salle"].visit_limit
    assert limit is not None
    limit.now = whole.clock
    return whole


async def test_a_visit_that_asks_too_fast_is_held_back_and_goes_on_when_it_was_told(open_whole: OpenWhole) -> None:
    whole = await limited(open_whole)
    robot, person = await whole.occupied(), await whole.occupied()
    for _ in range(9):
        assert (await robot.get("/slots")).body == b"ok"
    seen = len(whole.origin.heads)
    refused = await robot.get("/slots", accept="application/json")
    assert (refused.status, refused.problem) == (429, "visit-too-fast")
    assert refused.get("retry-after") == "3"
    assert not refused.cookies, "the pass stays as it is"
    form = await robot.post("/book", {"a": 1})
    assert (form.status, form.problem) == (429, "visit-too-fast")
    assert "NOT sent on" in form.json()["detail"]
    assert len(whole.origin.heads) == seen, "the origin heard nothing of it"
    assert (await person.get("/slots")).body == b"ok"
    assert (await robot.get("/static/style.css")).body == b"ok", "an open path needs no pass"
    whole.advance(3)
    assert (await robot.get("/slots")).body == b"ok"
    assert (await robot.get("/slots")).status == 429
    (metrics,) = (edge._metrics for edge in whole.edges)
    assert metrics.requests.labels("salle", "too_fast")._value.get() == 3


async def test_a_new_pass_for_the_same_visit_brings_no_new_bucket(open_whole: OpenWhole) -> None:
    whole = await limited(open_whole, mode="queueing")
    visitor = await whole.admitted()
    for _ in range(10):
        assert (await visitor.get("/slots")).body == b"ok"
    assert (await visitor.claim()).status == 200
    assert (await visitor.get("/slots")).status == 429
    whole.advance(1)
    visitor.jar = {name: value for name, value in visitor.jar.items() if "ecluse_ticket" in name}
    again = await visitor.get("/slots")
    assert again.status == 429
    assert any("ecluse_pass" in name for name in again.cookies), "the pass of the visit that goes on"


async def test_a_person_reads_in_their_language_that_the_page_tries_again_by_itself(open_whole: OpenWhole) -> None:
    whole = await limited(open_whole)
    visitor = await whole.occupied()
    for _ in range(9):
        await visitor.get("/slots")
    page = await visitor.get("/slots?a=1", accept_language="fr")
    assert page.status == 429
    assert page.get("retry-after") == "3"
    assert "Vous ne retournez pas dans la file" in page.text
    assert 'data-retry="/slots?a=1"' in page.text
    sent = await visitor.form("/book", {"a": "1"}, accept_language="fr")
    assert sent.status == 429
    assert "Votre formulaire n’a pas été envoyé" in sent.text
    assert "data-retry=" not in sent.text, "a form is sent again by hand"
    assert "/book" not in sent.text


async def test_the_opening_of_a_websocket_counts(open_whole: OpenWhole) -> None:
    whole = await limited(open_whole)
    visitor = await whole.occupied()
    for _ in range(9):
        await visitor.get("/slots")
    seen = len(whole.origin.heads)
    handshake = {
        "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    answer = await visitor.ask("GET", "/live", handshake)
    assert answer.status == 429
    assert json.loads(answer.body)["type"].endswith("visit-too-fast")
    assert len(whole.origin.heads) == seen


async def test_by_default_a_visit_asks_as_often_as_it_likes(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.occupied()
    assert whole.edges[0].directory.by_id["salle"].visit_limit is None
    for _ in range(50):
        assert (await visitor.get("/slots")).body == b"ok"
