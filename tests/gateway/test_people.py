"""Nominative rooms through the whole edge: asked, told, confirmed, and known to the origin; nobody can try numbers out."""

import asyncio
import re
from typing import Any

import jwt
import pytest

from ecluse.domain.person import person_digest
from tests.gateway.visitor import ROOM, Answer, Visitor
from tests.gateway.whole import ORIGIN_KEY, PERSON_KEY, OpenWhole, Whole

NUMBER = "9903123456"
PERSON = {
    "kind": "residence_permit", "key": "env:PERSON", "label": {"fr": "Numéro étranger", "en": "Foreigner number"}, "help": {"en": "Ten digits."}
}  # fmt: skip
TICKETS = f"{ROOM}/tickets"


async def asking(open_whole: OpenWhole, *, person: dict[str, Any] | None = None, **options: Any) -> Whole:
    return await open_whole(person=PERSON | (person or {}), **options)


async def places(whole: Whole) -> int:
    return sum(len(members) for members in (await whole.everything()).values())


def the_form(answer: Answer, name: str = "ask") -> dict[str, str]:
    """The hidden fields of a form on the page."""
    form = re.search(rf'<form [^>]*data-form="{name}".*?</form>', answer.text, re.DOTALL)
    assert form is not None, answer.text
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))


@pytest.mark.parametrize("path", ["/", "/rdv?service=3", f"{ROOM}?to=/rdv", f"{ROOM}?enter=1&to=/rdv"])
async def test_a_person_is_asked_for_the_number_before_there_is_a_place(open_whole: OpenWhole, path: str) -> None:
    whole = await asking(open_whole)
    visitor = whole.visitor()
    page = await visitor.get(path, accept_language="en")
    assert page.status == 200
    assert page.get("cache-control") == "no-store"
    assert "Foreigner number" in page.text
    assert "Ten digits." in page.text
    assert "<script" not in page.text
    assert 'http-equiv="refresh"' not in page.text
    assert not page.cookies
    assert await places(whole) == 0, "although nobody waits and the limits allow"
    assert whole.origin.heads == []


async def test_the_form_takes_a_place_without_script_and_leads_back(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    visitor = whole.visitor()
    hidden = the_form(await visitor.get("/rdv?service=3"))
    sent = await visitor.form(TICKETS, hidden | {"person": " 99 03 12-34 56"})
    assert sent.status == 303
    assert sent.get("location") == f"{ROOM}?to=/rdv%3Fservice%3D3"
    page = await visitor.get(str(sent.get("location")))
    assert 'data-state="waiting"' in page.text
    assert NUMBER not in page.text
    assert NUMBER not in visitor.ticket
    assert await places(whole) == 1
    assert 'data-state="waiting"' in (await visitor.get("/rdv")).text, "and is not asked again"


async def test_a_number_that_cannot_be_one_is_told_kindly_and_takes_no_place(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    visitor = whole.visitor()
    page = await visitor.form(TICKETS, {"person": "99 <b>", "to": "/rdv"}, accept_language="en")
    assert page.status == 422
    assert "exactly ten digits" in page.text
    assert 'value="99 &lt;b&gt;"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert 'role="alert"' in page.text
    assert the_form(page)["to"] == "/rdv"
    again = await visitor.form(TICKETS, {"to": "/rdv"})
    assert again.status == 200
    assert "aria-invalid" not in again.text
    assert await places(whole) == 0


async def test_a_program_is_told_what_is_needed(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    program = whole.program()
    for answer in (
        await program.get("/"),
        await program.post("/", {}),
        await program.join(),
        await program.join(person="  "),
    ):
        assert (answer.status, answer.problem) == (422, "person-needed")
        assert answer.json()["join_url"] == TICKETS
    wrong = await program.join(person="12")
    assert (wrong.status, wrong.problem) == (422, "person-invalid")
    assert "ten digits" in wrong.json()["detail"]
    assert (await program.post(TICKETS, {"person": 12})).problem == "bad-input"
    assert await places(whole) == 0
    joined = await program.join(person=NUMBER)
    assert (joined.status, joined.json()["state"]) == (201, "waiting")


async def test_joining_again_from_another_device_gives_the_same_place_after_confirming(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole, gateways=2)
    first = (await whole.program().join(person=NUMBER)).json()
    other = whole.program(1)
    told = await other.join(person=NUMBER)
    assert (told.status, told.problem) == (409, "person-known")
    assert not told.cookies
    assert first["id"] not in told.text
    assert told.json()["confirm"] is True
    whole.advance(5)
    same = await other.post(TICKETS, {"person": NUMBER, "confirm": True})
    assert same.status == 200
    assert {k: same.json()[k] for k in ("id", "number", "place", "lane")} == {
        k: first[k] for k in ("id", "number", "place", "lane")
    }
    assert same.json()["ticket"] != first["ticket"], "signed anew"
    assert await other.state() == "waiting"
    assert await places(whole) == 1


async def test_a_person_confirms_on_a_page_that_works_without_script(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    first = (await whole.program().join(person=NUMBER)).json()
    other = whole.visitor()
    page = await other.form(TICKETS, {"person": NUMBER, "to": "/rdv"}, accept_language="en")
    assert page.status == 409
    assert "already has a place" in page.text
    hidden = the_form(page, "confirm")
    assert hidden == {"to": "/rdv", "person": NUMBER, "confirm": "1"}
    sent = await other.form(TICKETS, hidden)
    assert (sent.status, sent.get("location")) == (303, f"{ROOM}?to=/rdv")
    assert (await other.get(f"{ROOM}/ticket")).json()["id"] == first["id"]
    assert await places(whole) == 1


async def test_two_hundred_joins_with_one_number_at_two_gateways_give_one_place(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole, gateways=2, person={"tries_per_number": 1000, "tries_per_network": 1000})
    answers = await asyncio.gather(*(whole.program(i % 2).join(person=NUMBER) for i in range(200)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 199
    assert await places(whole) == 1


async def admitted(whole: Whole, visitor: Visitor, number: str = NUMBER) -> Visitor:
    assert (await visitor.join(person=number)).status == 201
    await whole.called(visitor)
    assert (await visitor.claim()).status == 200
    return visitor


async def test_the_origin_is_told_whose_visit_it_is_and_can_check_the_number(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    visitor = await admitted(whole, whole.visitor())
    assert (await visitor.get("/book")).body == b"ok"
    head = whole.origin.heads[-1].decode("latin-1")
    sent = re.search(r"ecluse-pass: (\S+)", head, re.IGNORECASE)
    assert sent is not None
    claims = jwt.decode(
        sent[1], ORIGIN_KEY, ["HS256"], audience="salle", options={"verify_exp": False, "verify_iat": False}
    )
    campaign_ms = int(claims["person"].partition("-")[0])
    assert claims["person"] == person_digest(PERSON_KEY.encode(), "salle", campaign_ms, NUMBER)
    assert claims["person"] != person_digest(PERSON_KEY.encode(), "salle", campaign_ms, "9903123457")
    assert NUMBER not in head


async def test_who_was_admitted_gets_their_visit_and_no_second_place_on_another_device(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    await admitted(whole, whole.visitor())
    other = whole.visitor()
    assert (await other.join(person=NUMBER)).problem == "person-known"
    same = await other.post(TICKETS, {"person": NUMBER, "confirm": True})
    assert (same.status, same.json()["state"]) == (200, "admitted")
    assert (await other.claim()).status == 200
    assert len((await whole.everything())["admitted"]) == 1
    await other.get("/done")
    assert (await whole.program().join(person=NUMBER)).status == 201, "the visit is over"


async def test_a_finished_ticket_asks_for_the_number_again(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    visitor = await admitted(whole, whole.visitor())
    token = visitor.ticket
    await visitor.get("/done")
    visitor.jar = {"ecluse_ticket_salle": token}
    assert 'name="person"' in (await visitor.get("/")).text
    assert (await visitor.post(TICKETS, {})).problem == "person-needed"


async def test_a_ticket_from_before_the_room_asked_is_worth_no_place(open_whole: OpenWhole) -> None:
    before = await open_whole()
    ticket = (await before.program().join()).json()["ticket"]
    whole = await asking(open_whole)
    other = whole.program()
    other.jar = {"ecluse_ticket_salle": ticket}
    assert (await other.join()).problem == "person-needed"


async def test_somebody_elses_number_on_the_same_device_is_their_own_place(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    counter = whole.program()
    first = (await counter.join(person=NUMBER)).json()
    assert (await counter.join(person=NUMBER)).json()["id"] == first["id"]
    second = await counter.join(person="9903123457")
    assert (second.status, second.json()["id"] != first["id"]) == (201, True)
    assert await places(whole) == 2


async def test_a_form_that_arrives_at_the_gate_is_said_to_be_unsent(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    page = await whole.visitor().form("/book", {"a": "b"}, accept_language="en")
    assert page.status == 429
    assert "Your form was not sent" in page.text
    assert 'name="person"' in page.text
    assert whole.origin.heads == []


async def test_a_closed_room_asks_nobody(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole, mode="closed")
    await whole.turn()
    for path in ("/", ROOM):
        page = await whole.visitor().get(path)
        assert 'name="person"' not in page.text
        assert 'data-state="closed"' in page.text
    assert (await whole.program().get("/")).problem == "closed"


async def test_a_person_is_somebody_new_in_the_next_campaign(open_whole: OpenWhole) -> None:
    whole = await asking(
        open_whole,
        opening={
            "time_zone": "UTC",
            "weekly": {
                day: ["00:00-12:00", "12:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
            },
        },
    )
    await whole.turn()
    first = whole.program()
    assert (await first.join(person=NUMBER)).status == 201
    person = first.ticket.split("~")[-1].partition(".")[0]
    assert person.partition("-")[0] == str(whole.edges[0].directory.by_id["salle"].board.campaign_at_ms)
