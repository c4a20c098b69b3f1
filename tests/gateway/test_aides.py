"""Helpers over HTTP: places for others in the same line, within a quota, written down without a person's name."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.visitor import ROOM, Answer, Visitor
from tests.gateway.whole import OpenWhole, Whole, aide_key

HELP = "/_ecluse/help/"
PLACES = "/_ecluse/api/v1/rooms/salle/places"
HELPERS = [
    {"name": "mairie", "key": "env:MAIRIE", "rooms": ["salle"], "quota": 3},
    {"name": "asso", "key": "env:ASSO", "rooms": ["salle", "autre"], "quota": 50, "lane": "aide"},
]
LANES = [{"id": "main"}, {"id": "aide", "open": False}]
ROOMS: list[dict[str, Any]] = [
    {"id": "salle", "lane": LANES}, {"id": "autre", "lane": LANES, "paths": ["/autre/"]}, {"id": "tierce", "paths": ["/t/"]},
]  # fmt: skip


class Aide:
    """A helper's program."""

    def __init__(self, whole: Whole, name: str, gateway: int = 0) -> None:
        self.browser = whole.program(gateway)
        self.key = {"authorization": f"Bearer {aide_key(name)}".encode().decode("latin-1")}

    async def ask(self, method: str, path: str = PLACES) -> Answer:
        return await self.browser.ask(method, path, self.key)

    async def take(self) -> dict[str, Any]:
        answer = await self.ask("POST")
        assert answer.status == 201, answer
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def whole(open_whole: OpenWhole) -> Whole:
    opened = await open_whole(gateways=2, rooms=ROOMS, settings={"helper": HELPERS})
    await opened.occupied()
    return opened


async def test_an_aide_takes_places_in_the_same_line_behind_those_who_came_before(whole: Whole) -> None:
    before = await whole.waiting()
    helper = Aide(whole, "mairie")
    taken = await helper.take()
    after = await whole.waiting()
    assert (taken["lane"], taken["state"], taken["ahead"], taken["moved"]) == ("main", "waiting", 1, False)
    line = (await whole.everything())["line"] or await whole.store.command("ZRANGE", "ecluse:{salle}:line:main", 0, -1)
    ids = [before.ticket.split("~")[3], taken["id"], after.ticket.split("~")[3]]
    assert [member.decode() for member in line] == ids
    listed = (await helper.ask("GET")).json()
    assert listed["quota"] == 3
    assert [place["id"] for place in listed["places"]] == [taken["id"]]
    assert listed["places"][0]["code"] == taken["code"]
    one = (await helper.ask("GET", f"{PLACES}/{taken['id']}")).json()
    assert one == {**listed["places"][0], "wait_seconds": one["wait_seconds"]}


async def test_the_lane_of_an_aide_is_the_one_it_was_given(whole: Whole) -> None:
    assert (await Aide(whole, "asso").take())["lane"] == "aide"
    other = await whole.program().post(PLACES, {"lane": "main"}, **Aide(whole, "asso").key)
    assert (other.status, other.problem) == (422, "unknown-lane")


async def test_nothing_is_told_or_taken_without_a_key_or_in_another_room(whole: Whole) -> None:
    taken = await Aide(whole, "asso").take()
    stranger = whole.program()
    for method, path in (("GET", PLACES), ("POST", PLACES), ("GET", f"{PLACES}/{taken['id']}")):
        assert (await stranger.ask(method, path)).problem == "helper-key-needed"
        assert (
            await stranger.ask(method, path, {"authorization": "Bearer operator key of the tests, long"})
        ).status == 401
    mairie = Aide(whole, "mairie")
    assert (await mairie.ask("POST", PLACES.replace("salle", "tierce"))).problem == "not-your-room"
    assert (await mairie.ask("POST", PLACES.replace("salle", "nowhere"))).problem == "unknown-room"
    for method in ("GET", "DELETE"):
        assert (await mairie.ask(method, f"{PLACES}/{taken['id']}")).problem == "unknown-place"
    assert (await mairie.ask("POST", f"{PLACES}/{taken['id']}/claim")).problem == "unknown-place"
    assert (await mairie.ask("PUT")).status == 405
    assert (await mairie.ask("GET")).json()["places"] == []


async def test_guessing_aide_keys_is_stopped(whole: Whole) -> None:
    stranger = whole.program()
    wrong = {"authorization": "Bearer not the key of anybody"}
    statuses = [(await stranger.ask("GET", PLACES, wrong)).status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2


async def test_two_hundred_places_asked_for_at_once_are_the_quota_and_no_more(whole: Whole) -> None:
    helpers = [Aide(whole, "mairie", gateway) for gateway in (0, 1)]
    answers = await asyncio.gather(*(helpers[number % 2].ask("POST") for number in range(200)))
    assert sorted({answer.status for answer in answers}) == [201, 409]
    assert sum(answer.status == 201 for answer in answers) == 3
    assert await whole.store.command("ZCARD", "ecluse:{salle}:line:main") == 3
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.problem == "quota-full"


async def test_a_place_that_was_given_up_or_used_is_free_again(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    taken = [await helper.take() for _ in range(3)]
    assert (await helper.ask("POST")).status == 409
    assert (await helper.ask("DELETE", f"{PLACES}/{taken[0]['id']}")).status == 204
    await helper.take()
    assert (await helper.ask("POST")).status == 409
    assert taken[0]["id"] not in [place["id"] for place in (await helper.ask("GET")).json()["places"]]


async def test_every_place_taken_used_and_given_up_is_in_the_journal_without_a_persons_name(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    taken = await helper.take()
    await helper.ask("DELETE", f"{PLACES}/{taken['id']}")
    journal = await whole.edges[0].directory.by_id["salle"].operations.journal(10)
    assert [(entry["who"], entry["action"], entry["ticket"]) for entry in journal] == [
        ("helper mairie", "give up", taken["id"]), ("helper mairie", "place", taken["id"]),
    ]  # fmt: skip
    assert set(journal[1]) == {"id", "hash", "at", "who", "action", "changes", "reason", "ticket", "lane", "previous"}


async def called(whole: Whole, helper: Aide, place: str) -> None:
    for _ in range(40):
        if (await helper.ask("GET", f"{PLACES}/{place}")).json()["state"] == "called":
            whole.advance(10)
            return
        await whole.turn(1.0)
    raise AssertionError("never called")


async def test_a_called_place_is_entered_on_behalf_and_its_pass_opens_the_origin(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    place = (await helper.take())["id"]
    assert (await helper.ask("POST", f"{PLACES}/{place}/claim")).problem == "not-called"
    await called(whole, helper, place)
    assert (await helper.ask("POST", f"{PLACES}/{place}/extend")).json()["claim_until"]
    entered = await helper.ask("POST", f"{PLACES}/{place}/claim")
    assert (entered.status, set(entered.json())) == (200, {"pass", "expires_at", "location"})
    counter = Visitor(whole.ports[0], {"ecluse_pass_salle": entered.json()["pass"]})
    assert (await counter.get("/")).body == b"ok"
    listed = (await helper.ask("GET")).json()["places"]
    assert [(found["id"], found["state"]) for found in listed] == [(place, "admitted")]


async def test_a_missed_turn_is_taken_back_on_behalf(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    place = (await helper.take())["id"]
    await called(whole, helper, place)
    await whole.turns(90)
    assert (await helper.ask("GET", f"{PLACES}/{place}")).json()["state"] == "missed"
    assert (await helper.ask("POST", f"{PLACES}/{place}/claim")).problem == "missed"
    assert (await helper.ask("POST", f"{PLACES}/{place}/rejoin")).json()["state"] == "waiting"


async def test_the_person_takes_the_place_over_and_the_aide_sees_that(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    taken = await helper.take()
    picture = await helper.ask("GET", taken["qr_url"])
    assert (picture.status, picture.get("content-type")) == (200, "image/svg+xml")
    person = whole.program(1)
    assert (await person.post(f"{ROOM}/code/move", {"code": taken["code"]})).status == 200
    await whole.refresh()
    (listed,) = (await helper.ask("GET")).json()["places"]
    assert (listed["state"], listed["moved"]) == ("waiting", True)
    assert not {"code", "url", "qr_url"} & set(listed)
    assert (await helper.ask("DELETE", f"{PLACES}/{taken['id']}")).status == 204
    assert await person.state() == "waiting"
    await called(whole, helper, taken["id"])
    assert (await helper.ask("POST", f"{PLACES}/{taken['id']}/claim")).problem == "moved"
    assert (await person.claim()).status == 200
    # It counts for the quota as long as it lives: places are not to be passed on without end.
    assert len([await helper.take() for _ in range(3)]) == 3


async def test_a_place_moved_to_a_person_still_counts_for_the_quota(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    for _ in range(3):
        taken = await helper.take()
        assert (await whole.program().post(f"{ROOM}/code/move", {"code": taken["code"]})).status == 200
    assert (await helper.ask("POST")).problem == "quota-full"


async def test_a_closed_room_gives_an_aide_no_place_and_takes_none_from_the_quota(whole: Whole) -> None:
    await whole.store.command("HSET", "ecluse:{salle}:settings", "mode", "closed")
    helper = Aide(whole, "mairie")
    for _ in range(5):
        assert (await helper.ask("POST")).problem == "closed"
    await whole.store.command("HSET", "ecluse:{salle}:settings", "mode", "open")
    await helper.take()


async def signed_in(whole: Whole, name: str = "mairie") -> Visitor:
    browser = whole.visitor()
    answer = await browser.form(f"{HELP}sign-in", {"key": aide_key(name)})
    assert (answer.status, answer.get("location")) == (303, HELP)
    return browser


async def test_an_aide_signs_in_for_some_hours_and_out(whole: Whole) -> None:
    visitor = whole.visitor()
    page = await visitor.get(HELP, accept_language="en")
    assert (page.status, "Helpers: sign in" in page.text) == (200, True)
    wrong = await visitor.form(f"{HELP}sign-in", {"key": "wrong"}, accept_language="en")
    assert (wrong.status, "it is not right" in wrong.text) == (401, True)
    browser = await signed_in(whole)
    answer = await browser.form(f"{HELP}sign-in", {"key": aide_key("mairie")})
    _, attributes = answer.cookies["ecluse_help"]
    assert attributes == {"path=/", "httponly", "samesite=strict", "max-age=14400"}
    assert aide_key("mairie") not in str(answer.headers)
    assert "Signed in: mairie." in (await browser.get(HELP, accept_language="en")).text
    whole.advance(4 * 3600 + 1)
    assert "Helpers: sign in" in (await browser.get(HELP, accept_language="en")).text
    browser = await signed_in(whole)
    stolen = browser.twin()
    assert (await browser.form(f"{HELP}sign-out", {})).status == 303
    assert "ecluse_help" not in browser.jar
    assert (await stolen.form(f"{HELP}salle/places", {}, sec_fetch_site="cross-site")).status == 403


async def test_no_other_proof_signs_an_aide_in(whole: Whole) -> None:
    waiting = await whole.waiting()
    body, _, signature = (await signed_in(whole)).jar["ecluse_help"].rpartition(".")
    forged = ["1~x~9999999999.AAAA", waiting.ticket, f"{body}.{signature[::-1]}"]
    for token in forged:
        thief = Visitor(whole.ports[0], {"ecluse_help": token})
        assert "Helpers: sign in" in (await thief.get(HELP, accept_language="en")).text
        assert (await thief.form(f"{HELP}salle/places", {})).status == 401


async def test_an_aide_without_script_takes_prints_uses_and_gives_up_a_place(whole: Whole) -> None:
    browser = await signed_in(whole)
    taken = await browser.form(f"{HELP}salle/places", {"lane": "main"})
    assert taken.status == 303
    place = (taken.get("location") or "").partition("?new=")[2]
    page = (await browser.get(HELP, accept_language="en")).text
    assert "1 of 3 places in use." in page
    assert "Number 1" in page
    sheet = await browser.get(f"{HELP}salle/places/{place}", accept_language="en")
    code = (await Aide(whole, "mairie").ask("GET", f"{PLACES}/{place}")).json()["code"]
    assert all(text in sheet.text for text in (code, "Name:", f"{HELP}salle/places/{place}/qr.svg"))
    assert (await browser.get(f"{HELP}salle/places/{place}/qr.svg")).body.startswith(b"<svg")
    await called(whole, Aide(whole, "mairie"), place)
    assert "Enter here" in (await browser.get(HELP, accept_language="en")).text
    assert (await browser.form(f"{HELP}salle/places/{place}/extend", {})).status == 303
    entered = await browser.form(f"{HELP}salle/places/{place}/enter", {})
    assert (entered.status, entered.get("location")) == (303, "/")
    assert (await browser.get("/")).body == b"ok"
    other = (await browser.form(f"{HELP}salle/places", {})).get("location") or ""
    name = other.partition("?new=")[2]
    assert (await browser.form(f"{HELP}salle/places/{name}/leave", {})).status == 303
    assert name not in (await browser.get(HELP)).text
    assert (await browser.get(f"{HELP}salle/places/{name}")).status == 404


async def test_a_page_says_why_no_place_was_taken(whole: Whole) -> None:
    browser = await signed_in(whole)
    for _ in range(3):
        await browser.form(f"{HELP}salle/places", {})
    full = await browser.form(f"{HELP}salle/places", {}, accept_language="fr")
    assert full.status == 409
    assert "autant de places dans cette file" in full.text


async def test_nobody_elses_place_can_be_touched_from_an_aides_page(whole: Whole) -> None:
    taken = await Aide(whole, "asso").take()
    browser = await signed_in(whole)
    for action in ("enter", "extend", "rejoin", "leave"):
        answer = await browser.form(f"{HELP}salle/places/{taken['id']}/{action}", {})
        assert answer.status == 404
    assert (await browser.form(f"{HELP}tierce/places", {})).status == 403
    assert await whole.store.command("ZCARD", "ecluse:{salle}:line:aide") == 1


async def test_no_key_and_no_code_of_an_aide_comes_into_a_log_line(whole: Whole) -> None:
    with capture_logs() as logs:
        await signed_in(whole)
        taken = await Aide(whole, "mairie").take()
        await Aide(whole, "mairie").ask("GET", f"{PLACES}/{taken['id']}")
        await whole.visitor().form(f"{HELP}sign-in", {"key": "a wrong key somebody typed"})
    assert not any(text in str(logs) for text in (aide_key("mairie"), "wrong key somebody", taken["code"]))


async def test_a_room_without_aides_has_nothing_to_do_with_them(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    assert (await whole.program().ask("POST", PLACES, {"authorization": "Bearer x"})).problem == "helper-key-needed"
    assert not [key for key in await whole.store.command("KEYS", "*") if b"aided" in key]
