"""Opening hours and draws as visitors, programs and operators meet them at the edge."""

import hashlib
import json
from typing import Any

import pytest

from ecluse.domain import draw, merkle
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import OPERATOR_KEY, VIEWER_KEY, OpenWhole, Whole

START = 1_800_000_000.0  # 08:00 UTC on a Friday
GATHER, OPEN, CLOSE, DAY = START + 1800, START + 3600, START + 10_800, 86_400.0
HOURS: dict[str, Any] = {
    "time_zone": "UTC", "prequeue_minutes": 30,
    "weekly": {day: ["09:00-11:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
}  # fmt: skip
API = "/_ecluse/api/v1/rooms/salle"


async def opened(
    open_whole: OpenWhole, at: float = START, *, room: dict[str, Any] | None = None, **hours: Any
) -> Whole:
    whole = await open_whole(opening=HOURS | hours, settings={"ticket_hours": 48}, **room or {})
    await to(whole, START)  # a room that draws has been there before its prequeue
    await to(whole, at)
    return whole


async def to(whole: Whole, at: float) -> None:
    """It is `at` (Unix seconds), and a worker and the gateways have noticed."""
    whole.clock.now = at
    await whole.turn()


async def drawn(whole: Whole, visitors: int = 8) -> list[Visitor]:
    """People who came before an opening with a draw, after it."""
    await to(whole, GATHER)
    found = [await whole.waiting() for _ in range(visitors)]
    await to(whole, OPEN)
    await whole.turn()
    return found


async def ticket_of(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = (await visitor.get(f"{ROOM}/ticket")).json()
    return found


async def test_a_closed_room_says_when_it_opens_to_people_and_programs_and_gives_no_place(
    open_whole: OpenWhole,
) -> None:
    whole = await opened(open_whole)
    page = await whole.visitor().get("/", **{"accept-language": "en"})
    assert page.status == 503
    assert 'data-state="closed"' in page.text
    assert "Friday, January 15, 2027 at 9:00" in page.text
    program = await whole.program().get("/")
    assert (program.status, program.problem) == (503, "closed")
    assert program.json()["opens_at"] == "2027-01-15T09:00:00Z"
    assert (await whole.program().join()).problem == "closed"
    board = (await whole.program().get(f"{ROOM}/board.json")).json()
    assert (board["phase"], board["opens_at"], board["closes_at"]) == (
        "closed", "2027-01-15T09:00:00Z", "2027-01-15T11:00:00Z",
    )  # fmt: skip
    assert whole.origin.heads == []


async def test_before_the_opening_everybody_gets_a_place_and_nobody_goes_in(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, GATHER)
    visitor = whole.visitor()
    page = await visitor.get("/", **{"accept-language": "en"})
    assert (page.status, 'data-state="prequeue"' in page.text) == (200, True)
    assert (await visitor.claim(to="/")).status == 425
    await to(whole, OPEN)
    await whole.called(visitor)
    assert (await visitor.claim()).status == 200
    assert (await visitor.get("/")).body == b"ok"


async def test_the_page_before_a_draw_says_that_coming_early_wins_nothing(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, GATHER, draw="seed")
    page = (await whole.visitor().get("/", **{"accept-language": "en"})).text
    assert "arriving early wins nothing" in page
    assert "You are number" not in page.partition("<section")[2].partition("</main>")[0].replace("&#34;", "")


async def test_a_place_pass_and_origin_session_of_one_opening_open_nothing_at_the_next(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, OPEN, room={"session_seconds": 86_400, "session_max_seconds": 86_400})
    inside, waiting = await whole.occupied(), await whole.waiting()
    before = len(whole.origin.heads)
    await to(whole, CLOSE)
    assert (await inside.get("/")).body == b"ok", "those inside finish"
    assert len(whole.origin.heads) == before + 1
    await to(whole, GATHER + DAY - 3600 * 22)
    await to(whole, GATHER + DAY)
    inside.jar["sessionid"] = "of-the-origin-before-the-opening"
    answer = await inside.get("/")
    assert answer.body != b"ok"
    assert len(whole.origin.heads) == before + 1, "the origin heard of somebody who was not admitted"
    verified = await whole.visitor().get("/_ecluse/verify/traefik/", **{"x-forwarded-uri": "/"})
    assert verified.status != 200
    assert await waiting.state() == "gone"
    assert (await waiting.claim()).problem == "gone"
    again = await waiting.join()
    assert (again.status, again.json()["state"]) == (201, "waiting"), "a new place, not the old one"


async def test_the_page_of_a_place_from_before_says_that_its_opening_is_over(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, OPEN)
    await whole.occupied()
    visitor = await whole.waiting()
    await to(whole, CLOSE)
    page = await visitor.get(ROOM, **{"accept-language": "en"})
    assert 'data-state="closed"' in page.text
    await to(whole, GATHER + DAY)
    page = await visitor.get(ROOM, **{"accept-language": "en"})
    assert 'data-state="over"' in page.text
    assert "This opening is over" in page.text


async def test_kept_places_are_told_that_they_are_kept_and_stand_again(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, OPEN, keep_places=True)
    await whole.occupied()
    visitor = await whole.waiting()
    await to(whole, CLOSE)
    page = await visitor.get(ROOM, **{"accept-language": "en"})
    assert "Your place is kept for the next opening" in page.text
    assert await visitor.state() == "waiting"
    await to(whole, OPEN + DAY)
    await whole.called(visitor)
    assert (await visitor.claim()).status == 200


async def test_drawn_tickets_know_their_place_and_enter_in_its_order(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, GATHER, draw="seed", room={"pace_per_minute": 0.1})
    early = await whole.waiting()
    before = await ticket_of(early)
    assert (before["kind"], before["state"], before["ahead"]) == ("undrawn", "waiting", 0)
    visitors = [early, *await drawn(whole, 9)]
    late = await whole.waiting()
    record = (await whole.program().get(f"{ROOM}/draw.json")).json()
    seed = bytes.fromhex(record["seed"])
    told = [await ticket_of(each) for each in visitors]
    assert {each["kind"] for each in told} == {"drawn"}
    for each in told:
        assert each["place"] == draw.place(seed, each["id"])
    waiting = sorted((each for each in told if each["state"] == "waiting"), key=lambda each: each["place"])
    assert len(waiting) >= 8
    assert [each["ahead"] for each in waiting] == list(range(len(waiting)))
    called = [each for each in told if each["state"] == "called"]
    assert max((each["place"] for each in called), default=0) < waiting[0]["place"]
    last = await ticket_of(late)
    assert "kind" not in last
    assert last["ahead"] == len(waiting)


async def test_the_draw_can_be_recomputed_from_what_anybody_can_fetch(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, draw="seed")
    program = whole.program()
    assert (await program.get(f"{ROOM}/draw.json")).problem == "not-found"
    promised = (await program.get(f"{ROOM}/board.json")).json()["draw"]["next_commitment"]
    await to(whole, GATHER)
    announced = await program.get(f"{ROOM}/draw.json")
    assert announced.json()["commitment"] == promised
    assert (await program.get(f"{ROOM}/draw/tickets.txt")).problem == "not-found"
    visitors = await drawn(whole)
    answer = await program.get(f"{ROOM}/draw.json")
    record = draw.Record.from_document(answer.json())
    text = (await program.get(f"{ROOM}/draw/tickets.txt")).text
    ids = text.splitlines()
    assert {(await ticket_of(each))["id"] for each in visitors} == set(ids)
    assert record.root == merkle.root(ids).hex()
    assert hashlib.sha256(bytes.fromhex(record.beacon.value or "")).hexdigest() == promised
    for path in ("draw.json", "draw/tickets.txt"):
        first = await program.get(f"{ROOM}/{path}")
        assert first.get("access-control-allow-origin") == "*"
        again = await program.get(f"{ROOM}/{path}", **{"if-none-match": first.get("etag") or ""})
        assert (again.status, again.body) == (304, b"")
        await to(whole, whole.clock.now + 1)
        assert (await program.get(f"{ROOM}/{path}")).body == first.body, "static once the draw is done"


async def test_a_room_without_a_draw_has_none_to_show(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    for path in ("draw.json", "draw/tickets.txt"):
        assert (await whole.program().get(f"{ROOM}/{path}")).problem == "not-found"


async def _give(whole: Whole, key: str = OPERATOR_KEY, **fields: object) -> tuple[int, str]:
    answer = await whole.program().ask(
        "PUT", f"{API}/beacon", {"authorization": f"Bearer {key}", "content-type": "application/json"},
        json.dumps(fields).encode(),
    )  # fmt: skip
    return answer.status, "" if answer.status == 204 else answer.problem


async def test_the_value_that_decides_comes_after_the_list_and_only_once(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, GATHER, draw="beacon")
    visitors = [await whole.waiting() for _ in range(4)]
    value = {"value": "3 7 12 20 44 + 9", "source": "Loto, 15 January 2027"}
    assert await _give(whole, **value) == (409, "wrong-moment")
    await to(whole, OPEN)
    board = (await whole.program().get(f"{ROOM}/board.json")).json()
    assert (board["phase"], board["draw"]["state"], board["draw"]["n"]) == ("drawing", "closed", 4)
    page = await whole.visitor().get("/", **{"accept-language": "en"})
    assert 'data-state="drawing"' in page.text
    assert await _give(whole, VIEWER_KEY, **value) == (403, "role-too-low")
    assert await _give(whole, value="", source="x") == (400, "bad-input")
    assert await _give(whole, value="1\n2", source="x") == (400, "bad-input")
    assert await _give(whole, value="1", source="x", more="y") == (400, "bad-input")
    assert await _give(whole, **value) == (204, "")
    assert await _give(whole, value="other", source="x") == (409, "wrong-moment")
    await whole.turn()
    record = (await whole.program().get(f"{ROOM}/draw.json")).json()
    assert (record["state"], record["beacon"]["value"]) == ("drawn", value["value"])
    assert [(await ticket_of(each))["kind"] for each in visitors] == ["drawn"] * 4
    journal = await whole.program().ask("GET", f"{API}/journal", {"authorization": f"Bearer {VIEWER_KEY}"})
    entries = journal.json()["entries"][::-1]
    assert [each["action"] for each in entries if each["who"] != "ecluse"] == ["beacon"]
    assert [each["draw"]["state"] for each in entries if each["action"] == "draw"] == ["announced", "closed", "drawn"]


async def test_a_room_drawn_by_its_own_seed_takes_no_value_from_outside(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, OPEN, draw="seed")
    assert await _give(whole, value="1", source="x") == (409, "wrong-moment")


async def test_waiting_for_a_draw_costs_redis_nothing(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, GATHER, draw="seed")
    visitor = await whole.waiting()
    await whole.turn()

    async def steps() -> int:
        stats = (await whole.store.command("INFO", "commandstats")).decode()
        return sum(
            int(line.partition("calls=")[2].partition(",")[0]) for line in stats.splitlines() if "evalsha" in line
        )

    before = await steps()
    for _ in range(5):
        assert await visitor.state() == "waiting"
    assert await steps() == before


@pytest.mark.parametrize("draws", ["none", "seed"])
async def test_a_place_of_today_comes_back_after_redis_lost_everything(open_whole: OpenWhole, draws: str) -> None:
    whole = await opened(open_whole, GATHER, draw=draws, room={"pace_per_minute": 0.1})
    visitors = await drawn(whole)
    order = {each["id"]: each["place"] for each in [await ticket_of(visitor) for visitor in visitors]
             if each["state"] == "waiting"}  # fmt: skip
    await whole.store.command("FLUSHALL")
    for _ in range(3):
        await whole.turn()
    for visitor in visitors:
        await visitor.join()
    found = [member.decode() for member in (await whole.everything())["line"]]
    assert [each for each in found if each in order] == sorted(order, key=lambda each: order[each])
