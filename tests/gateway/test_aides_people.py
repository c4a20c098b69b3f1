"""Helpers in nominative rooms: a person has one place, whoever took it, and numbers cannot be tried out."""

from typing import Any

import pytest

from tests.gateway.test_aides import HELP, HELPERS, PLACES, Aide, called, signed_in
from tests.gateway.test_people import NUMBER, PERSON
from tests.gateway.visitor import ROOM, Answer, Visitor
from tests.gateway.whole import OpenWhole, Whole

ANOTHER = "9903123457"


@pytest.fixture
async def whole(open_whole: OpenWhole) -> Whole:
    rooms: list[dict[str, Any]] = [{"id": "salle"}, {"id": "autre", "paths": ["/autre/"]}]
    helpers = [HELPERS[0], {**HELPERS[1], "lane": ""}]
    return await open_whole(gateways=2, rooms=rooms, settings={"helper": helpers}, person=PERSON)


async def ask_for(helper: Aide, **fields: object) -> Answer:
    return await helper.browser.post(PLACES, fields, **helper.key)


async def in_line(whole: Whole) -> int:
    return int(await whole.store.command("ZCARD", "ecluse:{salle}:line:main"))


async def test_a_place_is_taken_under_the_number_of_the_person_read_as_on_the_page(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    assert (await ask_for(helper)).problem == "person-needed"
    assert (await ask_for(helper, person=" ")).problem == "person-needed"
    assert (await ask_for(helper, person="12")).problem == "person-invalid"
    assert await in_line(whole) == 0
    taken = await ask_for(helper, person=" 99 03 12-34 56")
    assert taken.status == 201
    assert NUMBER not in taken.text
    again = await whole.program(1).join(person=NUMBER)
    assert (again.status, again.problem) == (409, "person-known")
    assert await in_line(whole) == 1
    # What was refused took nothing from the quota of three.
    assert (await ask_for(helper, person=ANOTHER)).status == 201
    assert (await ask_for(helper, person="9903123458")).status == 201
    assert (await ask_for(helper, person="9903123459")).problem == "quota-full"


async def test_who_has_a_place_keeps_that_one_when_an_aide_asks_for_them(whole: Whole) -> None:
    person = whole.program(1)
    own = (await person.join(person=NUMBER)).json()
    helper = Aide(whole, "mairie")
    assert (await ask_for(helper, person=NUMBER)).problem == "person-known"
    assert (await helper.ask("GET")).json()["places"] == []
    taken = await ask_for(helper, person=NUMBER, confirm=True)
    assert taken.status == 200
    assert (taken.json()["id"], taken.json()["number"]) == (own["id"], own["number"])
    assert await in_line(whole) == 1
    await whole.refresh()
    assert await person.state() == "moved"
    assert [place["id"] for place in (await helper.ask("GET")).json()["places"]] == [own["id"]]
    journal = await whole.edges[0].directory.by_id["salle"].operations.journal(10)
    assert [(entry["who"], entry["action"], entry["ticket"]) for entry in journal] == [
        ("helper mairie", "take over", own["id"]),
    ]  # fmt: skip
    assert NUMBER not in str(journal)
    await called(whole, helper, own["id"])
    assert (await helper.ask("POST", f"{PLACES}/{own['id']}/claim")).status == 200


async def test_a_place_taken_over_counts_for_the_quota_once(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    assert (await whole.program().join(person=NUMBER)).status == 201
    assert (await ask_for(helper, person=NUMBER, confirm=True)).status == 200
    assert (await ask_for(helper, person=ANOTHER)).status == 201
    assert (await ask_for(helper, person="9903123458")).status == 201
    assert (await ask_for(helper, person="9903123459")).problem == "quota-full"
    assert await in_line(whole) == 3


async def test_a_person_has_one_place_whichever_aide_took_it(whole: Whole) -> None:
    first, second = Aide(whole, "mairie"), Aide(whole, "asso", gateway=1)
    taken = (await ask_for(first, person=NUMBER)).json()
    assert (await ask_for(second, person=NUMBER)).problem == "person-known"
    assert (await ask_for(second, person=NUMBER, confirm=True)).json()["id"] == taken["id"]
    await whole.refresh()
    (left,) = (await first.ask("GET")).json()["places"]
    assert (left["id"], left["moved"]) == (taken["id"], True)
    assert await in_line(whole) == 1


async def test_the_number_of_who_went_in_is_no_way_into_their_visit(whole: Whole) -> None:
    person = whole.program()
    await person.join(person=NUMBER)
    await whole.called(person)
    assert (await person.claim()).status == 200
    helper = Aide(whole, "mairie")
    assert (await ask_for(helper, person=NUMBER, confirm=True)).problem == "inside"
    assert (await helper.ask("GET")).json()["places"] == []


async def test_aides_cannot_try_numbers_out(open_whole: OpenWhole) -> None:
    helper_of = {"helper": [HELPERS[0] | {"quota": 50}]}
    whole = await open_whole(person=PERSON | {"tries_per_network": 4}, settings=helper_of)
    helper = Aide(whole, "mairie")
    statuses = [(await ask_for(helper, person=f"99031234{number:02}")).status for number in range(6)]
    assert statuses == [201] * 4 + [429] * 2


def checked(answer: Answer) -> bool:
    return 'name="confirm"' in answer.text


async def test_the_desk_asks_for_the_number_and_confirms_without_script(whole: Whole) -> None:
    person = Visitor(whole.ports[1], accept="application/json")
    own = (await person.join(person=NUMBER)).json()
    desk = await signed_in(whole)
    page = await desk.get(HELP, accept_language="en")
    assert 'name="person" required' in page.text
    assert "Foreigner number" in page.text
    assert not checked(page)
    wrong = await desk.form(f"{HELP}salle/places", {"person": "12"}, accept_language="en")
    assert (wrong.status, "exactly ten digits" in wrong.text, 'value="12"' in wrong.text) == (422, True, True)
    known = await desk.form(f"{HELP}salle/places", {"person": NUMBER}, accept_language="en")
    assert (known.status, "This number already has a place" in known.text, checked(known)) == (409, True, True)
    taken = await desk.form(f"{HELP}salle/places", {"person": NUMBER, "confirm": "1"})
    assert (taken.status, taken.get("location")) == (303, f"{HELP}?new={own['id']}")
    assert "1 of 3 places in use." in (await desk.get(HELP, accept_language="en")).text
    sheet = await desk.get(f"{HELP}salle/places/{own['id']}", accept_language="en")
    assert sheet.status == 200
    assert NUMBER not in sheet.text


async def test_a_person_takes_the_place_back_with_their_number(whole: Whole) -> None:
    helper = Aide(whole, "mairie")
    taken = (await ask_for(helper, person=NUMBER)).json()
    person = whole.program(1)
    back = await person.post(f"{ROOM}/tickets", {"person": NUMBER, "confirm": True})
    assert (back.status, back.json()["id"]) == (200, taken["id"])
    await whole.refresh()
    assert (await helper.ask("GET")).json()["places"][0]["moved"] is True
