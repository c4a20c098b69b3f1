"""What visitors ask of the gateway itself: to join, to know, to claim, for more time, to leave."""

import asyncio
import json
from datetime import datetime

import jwt
import pytest

from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole

ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "http:evil.example", "https:/evil.example",
    "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "/%09/evil.example\n", "\n//evil", "/\r\nset-cookie: a=b",
    "/x\x00", "@evil.example", ".evil.example", "evil.example", "?x=//evil", "", " /x", "/x y", "/é", "//evil.example/%2f..",
    "/a\x7f", "/<script>", '/"onload=', "/_ecluse/rooms/salle/ticket", "/_ecluse/", "/a/../_ecluse/", "/a/../../b",
    "/" + "a" * 3000, "mailto:x", "//[::1]/", "/.//evil.example\\", "ftp://x", "////", "/\u2028/x", "//[", "//a@b",
]  # fmt: skip
HERE = ["/", "/rdv", "/rdv?service=3&a=%20b", "/a/b.html", "/@evil.example", "/https://x", "/%2f%2fevil.example"]


async def test_joining_gives_a_place_and_says_where_to_look(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = whole.program()
    answer = await visitor.join()
    assert answer.status == 201
    assert answer.get("cache-control") == "no-store"
    found = answer.json()
    assert set(found) == {
        "room", "id", "ticket", "lane", "number", "place", "ahead", "state", "board_url", "claim_url", "ticket_url",
    }  # fmt: skip
    assert (found["room"], found["lane"], found["ahead"], found["state"]) == ("salle", "main", 0, "waiting")
    assert found["place"] == found["number"] >= 1
    assert len(found["id"]) == 11
    assert found["ticket"] == visitor.ticket
    again = await visitor.join()
    assert again.status == 200
    assert again.json()["id"] == found["id"]
    second = (await whole.program().join()).json()
    assert (second["ahead"], second["number"] > found["number"]) == (1, True)


async def test_a_ticket_may_come_as_a_bearer_token(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    found = (await whole.program().join()).json()
    bearer = {"authorization": f"Bearer {found['ticket']}"}
    other = whole.program()
    assert (await other.ask("GET", f"{ROOM}/ticket", bearer)).json()["id"] == found["id"]
    joined = await other.post(f"{ROOM}/tickets", None, **bearer)
    assert (joined.status, joined.json()["id"]) == (200, found["id"])
    assert (await whole.program().post(f"{ROOM}/tickets", None, authorization="Bearer x.y")).problem == "forged"
    assert (await whole.program().ask("DELETE", f"{ROOM}/ticket", bearer)).status == 204
    assert not (await whole.everything())["line"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "slug"),
    [
        (b"{", "application/json", 400, "bad-input"),
        (b"[1]", "application/json", 400, "bad-input"),
        (b'{"lane": 7}', "application/json", 400, "bad-input"),
        (b'{"lane": "nowhere"}', "application/json", 422, "unknown-lane"),
        (b"lane=nowhere", "application/x-www-form-urlencoded", 422, "unknown-lane"),
        (b"lane=%ff%fe", "application/x-www-form-urlencoded", 422, "unknown-lane"),
        (b"\xff", "application/x-www-form-urlencoded", 400, "bad-input"),
        (b"<a/>", "text/xml", 400, "bad-input"),
        (b"x", "", 400, "bad-input"),
        (b"[" * 4000, "application/json", 400, "bad-input"),
        (b'{"lane":' + b"9" * 4000 + b"}", "application/json", 400, "bad-input"),
        (b'{"lane": "' + b"x" * 5000 + b'"}', "application/json", 413, "body-too-large"),
        (b"&".join([b"a=b"] * 100), "application/x-www-form-urlencoded", 400, "bad-input"),
    ],
)
async def test_a_join_that_cannot_be_read_is_told_why_and_takes_no_place(
    open_whole: OpenWhole, body: bytes, kind: str, status: int, slug: str
) -> None:
    whole = await open_whole()
    answer = await whole.program().ask("POST", f"{ROOM}/tickets", {"content-type": kind}, body)
    assert (answer.status, answer.problem) == (status, slug)
    assert not answer.cookies
    assert await whole.count("number") == 0


async def test_an_unknown_room_is_a_problem_and_creates_nothing(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    keys = await whole.store.command("DBSIZE")
    for room in ("nowhere", "SALLE", "salle*", "%7Bsalle%7D", "a" * 300, "salle:x"):
        for method, tail in (("POST", "/tickets"), ("GET", "/board.json"), ("GET", ""), ("POST", "/claim")):
            answer = await whole.program().ask(method, f"/_ecluse/rooms/{room}{tail}")
            assert (answer.status, answer.problem) == (404, "unknown-room"), room
    await whole.program().post(f"{ROOM}/tickets", {"lane": "invented"})
    assert await whole.store.command("DBSIZE") == keys


async def test_a_ticket_tells_where_it_stands(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    first, second = await whole.waiting(), await whole.waiting()
    for _ in range(2):  # first from the line itself, then from the board in memory
        found = (await second.get(f"{ROOM}/ticket")).json()
        assert set(found) == {
            "id", "lane", "number", "place", "state", "ahead", "wait_seconds", "next_poll_seconds", "claim_until",
        }  # fmt: skip
        assert (found["state"], found["ahead"], found["claim_until"]) == ("waiting", 1, None)
        assert 0 < found["wait_seconds"]["p50"] < found["wait_seconds"]["p90"]
        assert 3 <= found["next_poll_seconds"] <= 20
        await whole.turn()
    await whole.called(first)
    called = (await first.get(f"{ROOM}/ticket")).json()
    assert (called["state"], called["ahead"]) == ("called", 0)
    assert datetime.fromisoformat(called["claim_until"]).timestamp() > whole.clock()
    assert (await whole.program().get(f"{ROOM}/ticket")).problem == "no-ticket"


async def test_while_the_room_is_paused_no_wait_is_estimated(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = await whole.waiting()
    page = (await visitor.get(ROOM, accept="text/html")).text
    assert "Attente estimée" in page
    await whole.store.command("HSET", whole.lines["salle"].keys.settings, "mode", "paused")
    await whole.turn()
    for _ in range(2):
        found = (await visitor.get(f"{ROOM}/ticket")).json()
        assert (found["state"], found["wait_seconds"]) == ("waiting", {"p50": None, "p90": None})


async def test_polling_changes_nothing(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitors = [await whole.waiting() for _ in range(4)]
    await whole.turn()

    async def picture() -> object:
        state = await whole.store.command("HGETALL", whole.lines["salle"].keys.step[0])
        return await whole.everything(), state

    before = await picture()
    for each in visitors:
        polls = [each.get(f"{ROOM}/{what}") for what in ("ticket", "board.json", "", "ticket")]
        await asyncio.gather(*polls, whole.program().get(f"{ROOM}/board.json"), each.get("/"))
    assert await picture() == before


async def test_a_claim_before_the_call_is_early_and_keeps_everything(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    await whole.waiting()
    visitor = await whole.waiting()
    for _ in range(2):
        answer = await visitor.claim()
        assert (answer.status, answer.problem) == (425, "not-called")
        assert int(answer.get("retry-after") or 0) >= 1
        await whole.turn()
    assert len((await whole.everything())["line"]) == 2


async def test_a_claim_that_the_limits_do_not_allow_keeps_its_call(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.called(await whole.waiting())
    await whole.visitor().get("/")
    thief = whole.visitor()
    await whole.store.command("HSET", whole.lines["salle"].keys.settings, "burst", 1, "pace_per_minute", 6)
    other = await whole.called(await whole.waiting())
    assert (await other.claim()).status == 200
    answer = await visitor.claim()
    assert (answer.status, answer.problem) == (425, "limits-full")
    assert int(answer.get("retry-after") or 0) in range(1, 11)
    assert await visitor.state() == "called"
    whole.advance(10)
    assert (await visitor.claim()).status == 200
    assert (await thief.claim()).problem == "no-ticket"


async def test_a_called_visitor_claims_once_however_often_they_press(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2)
    visitor = await whole.called(await whole.waiting())
    tabs = [visitor.twin(whole.ports[tab % 2]) for tab in range(12)]
    answers = await asyncio.gather(*(tab.claim(to="/rdv?x=1") for tab in tabs))
    assert {answer.status for answer in answers} == {200}
    found = answers[0].json()
    assert set(found) == {"pass", "expires_at", "location"}
    assert found["location"] == "/rdv?x=1"
    claims = jwt.decode(found["pass"], options={"verify_signature": False})
    assert datetime.fromisoformat(found["expires_at"]).timestamp() == claims["exp"]
    assert {answer.json()["pass"] for answer in answers} == {found["pass"]}
    assert all(answer.cookies["ecluse_pass_salle"][0] == found["pass"] for answer in answers)
    assert await whole.count("admissions") == 1
    assert (await tabs[0].get("/rdv")).body == b"ok"


async def test_a_missed_turn_is_offered_again_once_at_the_same_place(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.called(await whole.waiting())
    number = (await visitor.get(f"{ROOM}/ticket")).json()["number"]
    behind = await whole.waiting()
    await whole.turn(120)
    answer = await visitor.claim()
    assert (answer.status, answer.problem) == (410, "missed")
    assert answer.json()["join_url"] == f"{ROOM}/tickets"
    assert await visitor.state() == "missed"
    assert (await visitor.get("/")).status == 200
    assert await visitor.state() == "missed", "looking asks for nothing back"
    back = await visitor.join()
    assert (back.status, back.json()["number"], back.json()["ahead"]) == (200, number, 0)
    await whole.called(visitor)
    await whole.turn(120)
    assert (await visitor.claim()).problem == "gone"
    fresh = await visitor.join()
    assert fresh.status == 201
    assert fresh.json()["number"] > (await behind.get(f"{ROOM}/ticket")).json()["number"]


async def test_more_time_is_given_at_least_ten_times(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.called(await whole.waiting())
    for _ in range(12):
        whole.advance(30)
        answer = await visitor.post(f"{ROOM}/claim/extend")
        assert answer.status == 200
        until = datetime.fromisoformat(answer.json()["claim_until"]).timestamp()
        assert until - whole.clock() == pytest.approx(60, abs=1.1)
        await whole.turn()
    assert (await visitor.claim()).status == 200


async def test_more_time_is_only_for_those_called(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    assert (await (await whole.waiting()).post(f"{ROOM}/claim/extend")).problem == "not-called"
    assert (await whole.program().post(f"{ROOM}/claim/extend")).problem == "no-ticket"


@pytest.mark.parametrize("state", ["waiting", "called"])
async def test_leaving_gives_the_place_up_for_good(open_whole: OpenWhole, state: str) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = await whole.waiting()
    if state == "called":
        await whole.called(visitor)
    left = visitor.twin()
    answer = await visitor.ask("DELETE", f"{ROOM}/ticket")
    assert (answer.status, answer.body) == (204, b"")
    assert not visitor.jar
    assert (await left.claim()).problem == "gone"
    assert (await visitor.ask("DELETE", f"{ROOM}/ticket")).status == 204, "twice does no harm"
    found = await whole.everything()
    assert not found["line"]
    assert not found["called"]
    assert (await left.twin().join()).json()["id"] != left.ticket.split("~")[3], "a new place, at the end"


async def test_another_site_cannot_claim_extend_or_leave(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.called(await whole.waiting())
    foreign = [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]
    for headers in foreign:
        for method, tail in (("POST", "claim"), ("POST", "claim/extend"), ("POST", "leave"), ("DELETE", "ticket")):
            answer = await visitor.ask(method, f"{ROOM}/{tail}", headers | {"accept": "application/json"})
            assert (answer.status, answer.problem) == (403, "cross-site")
    assert await visitor.state() == "called"
    assert (await visitor.post(f"{ROOM}/claim", None, sec_fetch_site="same-origin")).status == 200


async def test_pages_without_script_go_on_by_redirects(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = whole.visitor()
    joined = await visitor.form(f"{ROOM}/tickets", {"to": "/rdv"})
    assert (joined.status, joined.get("location")) == (303, f"{ROOM}?to=/rdv")
    early = await visitor.form(f"{ROOM}/claim", {"to": "/rdv"})
    assert (early.status, early.get("location")) == (303, f"{ROOM}?to=/rdv")
    await whole.called(visitor)
    more = await visitor.form(f"{ROOM}/claim/extend", {"to": "/rdv"})
    assert (more.status, more.get("location")) == (303, f"{ROOM}?to=/rdv")
    claimed = await visitor.form(f"{ROOM}/claim", {"to": "/rdv"})
    assert (claimed.status, claimed.get("location")) == (303, "/rdv")
    assert (await visitor.get("/rdv")).body == b"ok"
    other = await whole.waiting()
    left = await other.form(f"{ROOM}/leave", {"to": "/rdv"})
    assert (left.status, left.get("location")) == (303, f"{ROOM}?left=1&to=/rdv")
    assert (await other.get(f"{ROOM}?left=1&to=/rdv")).status == 200
    assert not other.jar, "the page after leaving takes no new place"


async def test_return_addresses_stay_on_this_site(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.admitted()
    expected = {**dict.fromkeys(ELSEWHERE, "/"), **{path: path for path in HERE}, "///evil.example": "/evil.example"}
    for target, location in expected.items():
        body = json.dumps({"to": target}).encode()
        claimed = await visitor.ask("POST", f"{ROOM}/claim", {"content-type": "application/json"}, body)
        assert claimed.json()["location"] == location, repr(target)
        assert (await visitor.form(f"{ROOM}/claim", {"to": target})).get("location") == location, repr(target)
