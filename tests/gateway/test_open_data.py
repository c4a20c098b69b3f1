"""What a room publishes of itself: statistics of its days, and the draw for people who run no script."""

import csv
import io
import json
import re
from typing import Any

from ecluse.domain import draw, merkle
from tests.gateway.test_openings import GATHER, OPEN, drawn, opened, ticket_of, to
from tests.gateway.visitor import ROOM
from tests.gateway.whole import OPERATOR_KEY, OpenWhole, Whole

API = "/_ecluse/api/v1/rooms/salle"
KEY = {"authorization": f"Bearer {OPERATOR_KEY}"}
HOURS = {
    "09": {"joined:main": 120, "in:main": 60, "missed": 3, "wait:8": 60},
    "10": {"joined:main": 80, "in:main": 90, "missed": 14, "left": 5, "wait:12": 90},
}


async def _days(whole: Whole, **days: Any) -> None:
    for date, hours in days.items():
        await whole.store.command("HSET", whole.lines["salle"].keys.days, date.replace("_", "-")[1:], json.dumps(hours))


async def test_the_days_that_are_over_are_open_data_in_three_forms(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await to(whole, GATHER)
    await _days(whole, d2027_01_13=HOURS, d2027_01_14={"08": {"joined:main": 4}})
    answer = await whole.program().get(f"{ROOM}/statistics.json")
    assert (answer.status, answer.get("cache-control"), answer.get("access-control-allow-origin")) == (
        200, "public, max-age=60", "*",
    )  # fmt: skip
    found = answer.json()
    assert [day["date"] for day in found["days"]] == ["2027-01-14", "2027-01-13"]
    assert [day["arrivals"] for day in found["days"]] == [None, 200]
    assert found["days"][1]["admissions"] == 150
    assert found["days"][1]["lanes"]["main"]["share"] == 1.0
    assert (found["time_zone"], found["least_count"]) == ("Europe/Paris", 10)
    table = await whole.program().get(f"{ROOM}/statistics.csv")
    assert "text/csv" in (table.get("content-type") or "")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [(row["date"], row["hour"], row["lane"], row["arrivals"]) for row in rows] == [
        ("2027-01-14", "", "", "hidden"), ("2027-01-14", "", "main", "hidden"), ("2027-01-14", "08:00", "", "hidden"),
        ("2027-01-13", "", "", "200"), ("2027-01-13", "", "main", "200"), ("2027-01-13", "09:00", "", "120"),
        ("2027-01-13", "10:00", "", "80"),
    ]  # fmt: skip
    page = await whole.visitor().get(f"{ROOM}/statistics?day=2027-01-13", accept_language="fr")
    assert page.status == 200
    assert "mercredi 13 janvier 2027" in page.text
    assert page.text.count("<rect") == 2
    assert "caché" in page.text
    assert (await whole.visitor().get(f"{ROOM}/statistics?day=2020-01-01")).status == 404


async def test_what_is_counted_in_a_real_line_is_published_the_day_after(open_whole: OpenWhole) -> None:
    whole = await open_whole(pace_per_minute=6000, burst=50)
    await to(whole, GATHER)
    inside = [await whole.occupied() for _ in range(12)]
    await whole.turns(12)
    today = (await whole.program().get(f"{ROOM}/statistics.json")).json()
    assert (today["days"], today["today"]["date"], today["today"]["arrivals"]) == ([], "2027-01-15", 0)
    await to(whole, GATHER + 86_400)
    (day,) = (await whole.program().get(f"{ROOM}/statistics.json")).json()["days"]
    assert (day["date"], day["arrivals"], day["admissions"], len(inside)) == ("2027-01-15", 12, 12, 12)
    assert day["hours"][0]["hour"] == "09:00"


async def test_interventions_are_listed_without_a_name_and_the_journals_head_can_be_pinned(
    open_whole: OpenWhole,
) -> None:
    whole = await open_whole()
    await to(whole, GATHER)
    body = json.dumps({"pace_per_minute": 30, "reason": "Mme Dupont"}).encode()
    at = await whole.program().ask("PATCH", API, KEY | {"content-type": "application/json"}, body)
    assert at.status == 200
    slots = await whole.program().ask("PUT", f"{API}/slots-left", KEY, b'{"slots_left": 12}')
    again = await whole.program().ask("PUT", f"{API}/slots-left", KEY, b'{"slots_left": 12}')
    assert (slots.status, again.status) == (204, 204)
    journal = (await whole.program().ask("GET", f"{API}/journal", KEY)).json()["entries"]
    assert [entry["action"] for entry in journal] == ["slots-left", "settle"]
    answer = await whole.program().get(f"{ROOM}/statistics.json")
    assert answer.json()["journal"]["head"] == journal[0]["hash"]
    assert "astreinte" not in answer.text
    assert "Dupont" not in answer.text
    page = await whole.visitor().get(f"{ROOM}/statistics")
    assert journal[0]["hash"] in page.text


async def test_asking_for_statistics_reads_the_store_once_a_minute_however_many_ask(open_whole: OpenWhole) -> None:
    whole = await open_whole()

    async def reads() -> int:
        stats = (await whole.store.command("INFO", "commandstats")).decode()
        found = re.search(r"cmdstat_xrevrange:calls=(\d+)", stats)
        return int(found[1]) if found else 0

    before = await reads()
    for _ in range(5):
        for form in ("statistics.json", "statistics.csv", "statistics"):
            assert (await whole.program().get(f"{ROOM}/{form}")).status == 200
    assert await reads() == before + 1
    whole.advance(61)
    await whole.program().get(f"{ROOM}/statistics.json")
    assert await reads() == before + 2


async def test_a_proof_of_one_ticket_leads_to_the_published_root(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, draw="seed")
    visitors = await drawn(whole)
    record = (await whole.program().get(f"{ROOM}/draw.json")).json()
    for visitor in visitors:
        ticket_id = (await ticket_of(visitor))["id"]
        found = (await whole.program().get(f"{ROOM}/draw/proof?id={ticket_id}")).json()
        proof, root = [bytes.fromhex(each) for each in found["proof"]], bytes.fromhex(record["root"])
        assert merkle.verify_inclusion(ticket_id, found["index"], record["n"], proof, root)
    assert (await whole.program().get(f"{ROOM}/draw/proof?id=AAAAAAAAAAA")).problem == "not-found"
    assert (await whole.program().get(f"{ROOM}/draw/proof?id=1")).problem == "bad-input"


async def test_the_draw_is_explained_and_looked_up_without_a_script(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, draw="seed")
    await to(whole, GATHER)
    before = await whole.visitor().get(f"{ROOM}/draw", accept_language="fr")
    record = (await whole.program().get(f"{ROOM}/draw.json")).json()
    assert record["commitment"] in before.text
    assert "La liste n’est pas encore close" in before.text
    visitor = [await whole.waiting() for _ in range(5)][3]
    await to(whole, OPEN)
    await whole.turn()
    record = (await whole.program().get(f"{ROOM}/draw.json")).json()
    ticket_id = (await ticket_of(visitor))["id"]
    own = await visitor.get(f"{ROOM}/draw", accept_language="en")
    assert f"The ticket {ticket_id} is in the list, at line" in own.text
    assert f"{draw.place(bytes.fromhex(record['seed']), ticket_id):.10f}" in own.text
    for fact in (record["root"], record["seed"], record["beacon"]["value"]):
        assert fact in own.text
    asked = await whole.visitor().get(f"{ROOM}/draw?id={ticket_id}", accept_language="en")
    assert f"The ticket {ticket_id} is in the list" in asked.text
    other = await whole.visitor().get(f"{ROOM}/draw?id=AAAAAAAAAAA", accept_language="en")
    assert "The ticket AAAAAAAAAAA is not in the list." in other.text
    wrong = await whole.visitor().get(f"{ROOM}/draw?id=%3Cscript%3E", accept_language="en")
    assert "This is no number of a ticket." in wrong.text
    assert "<script>" not in wrong.text
    page = await visitor.get("/", accept_language="en")
    assert "data-draw-check" in page.text
    assert f'href="{ROOM}/draw"' in page.text


async def test_a_room_that_draws_nothing_has_no_page_of_a_draw_and_its_waiting_page_no_check(
    open_whole: OpenWhole,
) -> None:
    whole = await open_whole()
    assert (await whole.visitor().get(f"{ROOM}/draw")).status == 404
    await whole.occupied()
    assert "data-draw-check" not in (await whole.visitor().get("/")).text
