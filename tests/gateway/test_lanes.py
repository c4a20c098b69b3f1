"""Lanes through the whole edge: chosen by the visitor in plain words, or by the address; some take an invitation."""

import re
from typing import Any

import pytest

from ecluse.settings import ConfigurationError, parse
from tests.gateway.test_people import NUMBER, PERSON, TICKETS, the_form
from tests.gateway.visitor import ROOM, Answer
from tests.gateway.whole import OpenWhole, Whole

LANES: list[dict[str, Any]] = [
    {"id": "renewal", "title": {"en": "Renewal"}, "help": {"en": "You have a permit."}, "weight": 3},
    {"id": "first", "title": {"en": "First application"}, "paths": ["/first/"]},
    {"id": "urgent", "title": {"en": "Urgent"}, "open": False},
]
JOIN = {"accept_language": "en"}


async def laned(open_whole: OpenWhole, **options: Any) -> Whole:
    return await open_whole(lane=options.pop("lane", LANES), **options)


def choices(page: Answer) -> list[str]:
    return re.findall(r'<input type="radio"[^>]* value="([^"]*)"', page.text)


async def waiting_in(whole: Whole) -> dict[str, int]:
    keys = whole.lines["salle"].keys.lines
    return {lane: int(await whole.store.command("ZCARD", key)) for lane, key in keys.items()}


async def test_a_person_is_asked_which_lane_in_plain_words(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    visitor = whole.visitor()
    page = await visitor.get("/rdv", **JOIN)
    assert page.status == 200
    assert choices(page) == ["renewal", "first"], "and not the one by invitation"
    for words in ("What do you come for?", "Renewal", "You have a permit.", "First application"):
        assert words in page.text
    assert "checked" not in page.text
    assert sum((await waiting_in(whole)).values()) == 0
    sent = await visitor.form(TICKETS, the_form(page) | {"lane": "first"})
    assert (sent.status, sent.get("location")) == (303, f"{ROOM}?to=/rdv")
    assert await waiting_in(whole) == {"renewal": 0, "first": 1, "urgent": 0}
    assert 'data-state="waiting"' in (await visitor.get("/rdv")).text


async def test_who_left_may_choose_again_among_the_lanes_that_are_open(open_whole: OpenWhole) -> None:
    visitor = (await laned(open_whole)).visitor()
    page = await visitor.get(f"{ROOM}?left=1&to=/rdv", **JOIN)
    assert 'data-state="none"' in page.text
    assert choices(page) == ["renewal", "first"], "and not the one by invitation"


async def test_where_one_lane_is_open_there_is_nothing_to_choose(open_whole: OpenWhole) -> None:
    lanes = [LANES[0], LANES[2]]
    page = await (await laned(open_whole, lane=lanes)).visitor().get(f"{ROOM}?left=1&to=/rdv", **JOIN)
    assert choices(page) == []


async def test_who_forgets_to_choose_is_told_so(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    visitor = whole.visitor()
    page = await visitor.form(TICKETS, the_form(await visitor.get("/rdv")), **JOIN)
    assert page.status == 422
    assert "Choose one of the lines." in page.text
    assert choices(page) == ["renewal", "first"]
    assert the_form(page)["to"] == "/rdv"
    assert sum((await waiting_in(whole)).values()) == 0


@pytest.mark.parametrize("path", ["/first/step?a=b", f"{ROOM}?to=/first/step"])
async def test_an_address_chooses_the_lane_by_its_longest_path(open_whole: OpenWhole, path: str) -> None:
    whole = await laned(open_whole, mode="queueing")
    page = await whole.visitor().get(path)
    assert 'data-lane="first"' in page.text
    assert await waiting_in(whole) == {"renewal": 0, "first": 1, "urgent": 0}


async def test_the_longest_path_wins() -> None:
    lanes = [{"id": "all", "paths": ["/"]}, {"id": "deep", "paths": ["/a/b/"]}, {"id": "mid", "paths": ["/a/"]}]
    from gateway.directory import RoomEdge, lane_prefixes_of  # noqa: PLC0415

    room = {"id": "salle", "origin": "http://127.0.0.1:9", "origin_key": "env:O", "lane": lanes}
    parsed = parse({"signing_keys": ["env:S"], "room": [room]}, {})

    class Only:
        lane_prefixes = lane_prefixes_of(parsed.room[0])

    found = [RoomEdge.lane_at(Only(), path) for path in ("/a/b/c", "/a/b", "/a/bc", "/x?y=/a/b/", "/a/")]  # type: ignore[arg-type]
    assert found == ["deep", "deep", "mid", "all", "mid"]


async def test_a_program_names_its_lane_or_stands_in_the_first(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    assert (await whole.program().join()).json()["lane"] == "renewal"
    assert (await whole.program().join(lane="first")).json()["lane"] == "first"
    assert (await whole.program().join(to="/first/x")).json()["lane"] == "first"
    assert (await whole.program().get("/first/x")).status in (200, 429)
    refused = await whole.program().join(lane="urgent")
    assert (refused.status, refused.problem) == (403, "lane-closed")
    assert (await whole.program().join(lane="nowhere")).problem == "unknown-lane"
    assert (await waiting_in(whole))["urgent"] == 0


async def test_number_and_lane_are_asked_on_one_page(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, person=PERSON)
    visitor = whole.visitor()
    page = await visitor.get("/rdv", **JOIN)
    assert "Foreigner number" in page.text
    assert choices(page) == ["renewal", "first"]
    wrong = await visitor.form(TICKETS, the_form(page) | {"lane": "first", "person": "12"}, **JOIN)
    assert "exactly ten digits" in wrong.text
    assert re.search(r'value="first" required checked', wrong.text)
    missing = await visitor.form(TICKETS, the_form(page) | {"person": NUMBER}, **JOIN)
    assert "Choose one of the lines." in missing.text
    assert f'value="{NUMBER}"' in missing.text
    sent = await visitor.form(TICKETS, the_form(page) | {"lane": "first", "person": NUMBER})
    assert sent.status == 303
    assert await waiting_in(whole) == {"renewal": 0, "first": 1, "urgent": 0}
    other = await whole.visitor().form(TICKETS, {"lane": "renewal", "person": NUMBER}, **JOIN)
    assert "already has a place" in other.text
    confirmed = whole.visitor()
    assert (await confirmed.form(TICKETS, the_form(other, "confirm"))).status == 303
    assert (await confirmed.get(f"{ROOM}/ticket")).json()["lane"] == "first", "their own place, in its own lane"


async def test_one_open_lane_asks_nothing(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, lane=[LANES[0], LANES[2]], mode="queueing")
    assert 'data-lane="renewal"' in (await whole.visitor().get("/")).text


async def test_a_used_up_quota_is_told_on_the_board_and_where_lanes_are_chosen(open_whole: OpenWhole) -> None:
    lanes = [{"id": "a", "quota": 1, "title": {"en": "A"}}, {"id": "b", "title": {"en": "B"}}]
    whole = await laned(open_whole, lane=lanes, pace_per_minute=60)
    await whole.turn()
    board = (await whole.program().get(f"{ROOM}/board.json")).json()["lanes"]
    assert (board["a"]["quota_left"], "quota_left" in board["b"]) == (1, False)
    first, second = whole.program(), whole.program()
    await first.join(lane="a")
    await second.join(lane="a")
    await whole.turns(5)
    assert [await first.state(), await second.state()] == ["called", "waiting"]
    assert (await whole.program().get(f"{ROOM}/board.json")).json()["lanes"]["a"]["quota_left"] == 0
    page = await whole.visitor().get("/", **JOIN)
    assert page.text.count("There are no more turns in this line for now.") == 1


@pytest.mark.parametrize(
    ("lanes", "mistake"),
    [
        ([{"id": "a", "open": False}], "at least one lane with open = true"),
        ([{"id": "a", "paths": ["/x/"]}, {"id": "b", "paths": ["/x"]}], "two lanes claim the same path"),
        ([{"id": "a"}, {"id": "b", "paths": ["/x/"], "open": False}], "takes nobody by path"),
        ([{"id": "a", "paths": ["x"]}], "plain absolute path"),
        ([{"id": "a", "quota": -1}], "quota"),
    ],
)
def test_mistakes_in_lanes_are_told_at_the_start(lanes: list[dict[str, Any]], mistake: str) -> None:
    room = {"id": "salle", "origin": "http://127.0.0.1:9", "origin_key": "env:O", "lane": lanes}
    with pytest.raises(ConfigurationError, match=mistake):
        parse({"signing_keys": ["env:S"], "room": [room]}, {})
