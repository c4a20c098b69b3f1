"""The gate with a real origin and a real line: who is let through, who waits, who is told what."""

import asyncio
import json
from random import Random

import pytest

from ecluse.tokens import Pass, PassSigner, SigningKey
from loadtests.forging import forged_passes, forged_tickets
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import SIGNING_KEY, OpenWhole, Whole

PROGRAM = {"accept": "application/json"}


async def test_the_first_visitor_is_let_in_at_once_with_a_pass(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = whole.visitor()
    answer = await visitor.get("/a?b=c")
    assert (answer.status, answer.body) == (200, b"ok")
    assert whole.origin.targets == [b"/a?b=c"]
    value, attributes = answer.cookies["ecluse_pass_salle"]
    assert attributes == {"path=/", "httponly", "samesite=lax", "max-age=100"}
    again = await visitor.get("/b")
    assert again.body == b"ok"
    assert not again.cookies
    assert value == visitor.granted
    assert await whole.count("admissions") == 1


async def test_cookies_are_secure_and_bound_to_the_host_when_visitors_come_by_https(open_whole: OpenWhole) -> None:
    whole = await open_whole(settings={"public_url": "https://rdv.example.fr"})
    first, second = whole.visitor(), whole.visitor()
    flags = {"path=/", "httponly", "samesite=lax", "secure"}
    _, attributes = (await first.get("/")).cookies["__Host-ecluse_pass_salle"]
    assert attributes == flags | {"max-age=100"}
    _, attributes = (await second.get("/")).cookies["__Host-ecluse_ticket_salle"]
    assert attributes == flags | {"max-age=86400"}
    assert (await second.state()) == "waiting"
    second.jar = {name.removeprefix("__Host-"): value for name, value in second.jar.items()}
    assert (await second.get(f"{ROOM}/ticket")).status == 404, "a cookie any neighbour could have planted counted"


async def test_a_person_who_must_wait_gets_the_page_at_the_same_address(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = whole.visitor()
    answer = await visitor.get("/rdv?service=3")
    assert answer.status == 200
    assert answer.get("cache-control") == "no-store"
    assert answer.get("location") is None
    assert answer.get("content-type") == "text/html; charset=utf-8"
    assert "Titre de séjour" in answer.text
    assert "/rdv?service=3" in answer.text
    assert set(answer.cookies) == {"ecluse_ticket_salle"}
    assert whole.origin.targets == [b"/"], "the origin saw somebody who waits"


async def test_a_program_that_must_wait_gets_a_problem_that_says_everything(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    program = whole.program()
    first = await program.get("/api/slots")
    assert (first.status, first.problem) == (429, "waiting")
    assert int(first.get("retry-after") or 0) >= 1
    assert first.get("cache-control") == "no-store"
    found = first.json()
    assert found["room"] == "salle"
    assert found["ticket"] == program.ticket
    assert found["ahead"] == 0
    for name, tail in (("board_url", "board.json"), ("claim_url", "claim"), ("ticket_url", "ticket")):
        assert found[name] == f"{ROOM}/{tail}"
    assert (await program.get(found["ticket_url"])).json()["id"] == found["id"]
    await whole.turn()
    for _ in range(2):
        again = (await program.get("/api/slots")).json()
        assert (again["id"], again["ticket"]) == (found["id"], found["ticket"])
    bearer = whole.program()
    by_header = await bearer.get("/api/slots", authorization=f"Bearer {found['ticket']}")
    assert by_header.json()["id"] == found["id"]
    assert len((await whole.everything())["line"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("HEAD", "/", {}),
        ("OPTIONS", "/", {}),
        ("GET", "/logo.png", {"accept": "image/avif,*/*"}),
        ("GET", "/style.css", {"accept": "text/css,*/*;q=0.1"}),
        ("GET", "/app.js", {"accept": "*/*"}),
        ("GET", "/x", {"accept": "*/*", "sec-fetch-dest": "image"}),
        ("GET", "/x", {"sec-fetch-dest": "script"}),
        ("GET", "/", {"sec-purpose": "prefetch;prerender"}),
        ("GET", "/", {"purpose": "prefetch"}),
    ],
)
async def test_what_is_no_visit_takes_neither_place_nor_admission(
    open_whole: OpenWhole, method: str, path: str, headers: dict[str, str]
) -> None:
    whole = await open_whole()
    visitor = whole.visitor()
    answer = await visitor.ask(method, path, headers)
    assert answer.status == 429
    assert answer.get("retry-after")
    assert not answer.cookies
    assert not whole.origin.heads
    assert await whole.count("number") == 0
    assert (await visitor.get("/")).body == b"ok", "it was not the first any more"


async def test_reloading_several_tabs_and_coming_back_keep_the_place(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2)
    await whole.occupied()
    visitor, other = await whole.waiting(), await whole.waiting()
    place = (await visitor.get(f"{ROOM}/ticket")).json()["number"]
    tabs = [visitor.twin(whole.ports[tab % 2]) for tab in range(30)]
    await asyncio.gather(*(tab.get(f"/page/{number}") for number, tab in enumerate(tabs)))
    await asyncio.gather(*(tab.join() for tab in tabs))
    await asyncio.gather(*(tab.get(ROOM) for tab in tabs))
    await whole.turn()
    await asyncio.gather(*(tab.get("/") for tab in tabs))
    assert {tab.ticket.split("~")[3] for tab in tabs} == {visitor.ticket.split("~")[3]}
    assert (await visitor.get(f"{ROOM}/ticket")).json()["number"] == place
    line = (await whole.everything())["line"]
    assert [ticket.decode() for ticket in line] == [each.ticket.split("~")[3] for each in (visitor, other)]


def _passes(whole: Whole, genuine: str, ticket: str) -> list[str]:
    keys = [SigningKey.from_secret(SIGNING_KEY)]
    now = int(whole.clock())
    claims = {"session": "A" * 11, "lane": "main", "issued_at": now}
    other_room = PassSigner(keys).sign(Pass(room="autre", expires_at=now + 600, **claims))  # type: ignore[arg-type]
    expired = PassSigner(keys).sign(Pass(room="salle", expires_at=now - 1, **claims))  # type: ignore[arg-type]
    altered = [
        genuine[:at] + ("A" if genuine[at] != "A" else "B") + genuine[at + 1 :] for at in range(0, len(genuine), 23)
    ]
    head, body, signature = genuine.split(".")
    respelled = [f"{head}.{body}.{signature}=", f"{head}.{body}", f"{head}..{signature}", f"{body}.{head}.{signature}"]
    more = [genuine[:-1], genuine[:40], genuine + "A", "", ".", "..", "null", "A" * 2000]
    return [*forged_passes("salle", ticket, Random(7)), other_room, expired, *altered, *respelled, *more]


async def test_no_forged_expired_altered_or_foreign_pass_opens_the_door(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    inside = await whole.occupied()
    waiting = await whole.waiting()
    seen = len(whole.origin.heads)
    attempts = _passes(whole, inside.granted, waiting.ticket)
    for attempt in attempts:
        thief = Visitor(whole.ports[0], {"ecluse_pass_salle": attempt}, "application/json")
        answer = await thief.get("/secret")
        assert (answer.status, answer.problem) == (429, "waiting"), attempt
    assert len(whole.origin.heads) == seen
    assert (await inside.get("/")).body == b"ok"


async def test_no_forged_or_foreign_ticket_claims_or_keeps_a_place(open_whole: OpenWhole) -> None:
    whole = await open_whole(rooms=[{}, {"id": "autre", "paths": ["/autre/"]}])
    inside = await whole.occupied()
    genuine = await whole.called(await whole.waiting())
    foreign = (await whole.program().post("/_ecluse/rooms/autre/tickets")).json()["ticket"]
    attempts = [*forged_tickets(genuine.ticket, Random(7)), inside.granted, foreign, genuine.ticket[:-1], "A" * 2000]
    attempts.append(genuine.ticket.split("~")[3])  # the public id alone
    for attempt in attempts:
        thief = Visitor(whole.ports[0], {"ecluse_ticket_salle": attempt}, "application/json")
        answer = await thief.claim()
        assert answer.status in (401, 403), (attempt, answer)
        assert "pass" not in answer.json()
    assert (await genuine.claim()).status == 200


async def test_two_cookies_of_one_name_that_differ_count_for_nothing(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    inside = await whole.occupied()
    planted = f"ecluse_pass_salle=planted; ecluse_pass_salle={inside.granted}"
    for cookies in ([("cookie", planted)], [("cookie", part) for part in planted.split("; ")]):
        answer = await whole.program().ask("GET", "/", cookies)
        assert answer.status == 429
    same = f"ecluse_pass_salle={inside.granted}; ecluse_pass_salle={inside.granted}"
    assert (await whole.program().ask("GET", "/", [("cookie", same)])).body == b"ok"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_form_without_a_pass_is_refused_and_says_so(open_whole: OpenWhole, method: str) -> None:
    whole = await open_whole()
    await whole.occupied()
    person, program = whole.visitor(), whole.program()
    body = b"name=Dupont&" + b"x" * 5000
    kind = {"content-type": "application/x-www-form-urlencoded"}
    page = await person.ask(method, "/book", kind, body)
    problem = await program.ask(method, "/book", kind, body)
    assert page.status == problem.status == 429
    assert problem.problem == "form-not-sent"
    assert "Votre formulaire n’a pas été envoyé" in page.text.replace("'", "’")
    for answer in (page, problem):
        assert answer.get("location") is None
        assert answer.get("retry-after")
        assert "ecluse_ticket_salle" in answer.cookies, "it takes a place"
    assert len(whole.origin.heads) == 1
    assert b"Dupont" not in b"".join(whole.origin.bodies)
    assert len((await whole.everything())["line"]) == 2


async def test_a_form_when_nobody_waits_reaches_the_origin_whole(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    body = b"x" * 70_000
    answer = await whole.visitor().ask("POST", "/book", {"content-type": "text/plain"}, body)
    assert answer.body == b"ok"
    assert whole.origin.bodies == [body]


async def test_a_full_room_says_so_and_those_inside_go_on(open_whole: OpenWhole) -> None:
    whole = await open_whole(line_max=2)
    inside = await whole.occupied()
    kept = [await whole.waiting(), await whole.waiting()]
    person, program = await whole.visitor().get("/"), await whole.program().get("/")
    joined = await whole.program().join()
    assert person.status == program.status == joined.status == 503
    assert program.problem == joined.problem == "full"
    assert all(answer.get("retry-after") == "60" for answer in (person, program, joined))
    assert [answer.cookies for answer in (person, program, joined)] == [{}, {}, {}]
    assert (await inside.get("/")).body == b"ok"
    assert (await whole.called(kept[0])).ticket
    assert (await kept[0].claim()).status == 200
    assert (await whole.visitor().get("/")).status == 200


async def test_a_closed_room_gives_no_places_and_those_inside_finish(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    inside = await whole.occupied()
    waiting = await whole.waiting()
    await whole.store.command("HSET", whole.lines["salle"].keys.settings, "mode", "closed")
    await whole.turn()
    page, problem, joined = await whole.visitor().get("/"), await whole.program().get("/"), await whole.program().join()
    assert page.status == problem.status == joined.status == 503
    assert problem.problem == joined.problem == "closed"
    assert problem.get("retry-after")
    assert (await inside.get("/")).body == b"ok"
    assert await waiting.state() == "waiting"


async def test_every_method_and_spelling_of_a_path_waits_its_turn(open_whole: OpenWhole) -> None:
    whole = await open_whole(paths=["/p/"], open_paths=["/p/open/"])
    await whole.visitor().get("/p/")
    seen = len(whole.origin.heads)
    tails = (
        "x",
        "%2e%2e/p/x",
        "open/../x",
        "open/%2e%2e/x",
        "open%2f..%2fx",
        "open//x",
        "open/;/../x",
        "open\\..\\x",
        "OPEN/x",
        "open%00/x",
        "open/..%2fx",
        "x/.",
        "%252e%252e/x",
        "open/..;/x",
        "openx",
        "%6fpen/x",
    )
    paths = [f"/p/{tail}" for tail in tails] + ["//p/x", "/./p/x", "/p", "/P/x", "/p/../p/x", "/p%2fx"]
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "CONNECT", "PROPFIND", "get"]
    for method, path in [*(("GET", path) for path in paths), *((method, "/p/x") for method in methods)]:
        answer = await whole.program().ask(method, path, {"x-http-method-override": "GET"})
        assert answer.status in (400, 404, 405, 429), (method, path, answer)
    assert len(whole.origin.heads) == seen, whole.origin.heads[seen:]


async def test_a_websocket_without_a_pass_is_refused(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    handshake = {
        "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    answer = await whole.visitor().ask("GET", "/live", handshake)
    assert answer.status == 429
    assert json.loads(answer.body)["type"].endswith("pass-needed")
    assert not whole.origin.heads
