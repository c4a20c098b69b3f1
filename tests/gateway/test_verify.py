"""Forward-auth in every dialect: who passes, who is sent to the waiting page, what is refused."""

import time
from contextlib import AsyncExitStack
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from ecluse.tokens import Pass, PassSigner, SigningKey, inspect
from loadtests.forging import forged_passes
from tests.gateway.front import DIALECTS, TELLING, Front, OpenBehind, read_origin_pass
from tests.gateway.rig import Serve, StartOrigin
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import SIGNING_KEY, OpenWhole

TO_WAIT = f"{ROOM}?enter=1&to="
UNCLEAR = [
    "//rdv", "/a//b", "/a/../rdv", "/..", "/./rdv", "/%2e%2e/rdv", "/a%2frdv", "/a%5crdv", "/a\\rdv", "/a;x=1/rdv", "/%00",
    "/%72dv", "/%252e%252e/rdv", "/%zz", "/a%", "/open/..%2frdv", "/open/%2e%2e/rdv",
]  # fmt: skip


@pytest.fixture
def open_whole(redis_url: str, start_origin: StartOrigin, serve_edge: Serve, stack: AsyncExitStack) -> OpenWhole:
    return OpenBehind(redis_url, start_origin, serve_edge, stack)


@pytest.fixture(params=DIALECTS)
def front(request: pytest.FixtureRequest) -> Front:
    return Front(str(request.param))


@pytest.fixture(params=TELLING)
def telling(request: pytest.FixtureRequest) -> Front:
    return Front(str(request.param))


async def test_who_holds_a_pass_goes_through_with_a_proof_for_the_origin(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    visitor = await whole.occupied()
    session = inspect(visitor.granted)[1]["sub"]
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        answer = await front.ask(visitor, "/rdv?service=3&a=%C3%A9", method)
        assert (answer.status, answer.body) == (200, b"")
        claims = read_origin_pass(answer.get("ecluse-pass") or "")
        assert claims["exp"] - claims["iat"] <= 60
        assert claims["sub"] == answer.get("ecluse-session") == session
        assert answer.get("ecluse-room") == "salle"
        assert answer.get("cache-control") == "no-store"
        assert not answer.cookies


async def test_a_person_without_a_pass_is_sent_to_the_waiting_page_and_back(
    open_whole: OpenWhole, front: Front
) -> None:
    whole = await open_whole()
    answer = await front.ask(whole.visitor(), "/rdv?service=3&a=%C3%A9")
    assert answer.status == front.sends(303)
    assert front.meant(answer) == 303
    assert answer.get("location") == TO_WAIT + "/rdv%3Fservice%3D3%26a%3D%25C3%25A9"
    assert answer.get("cache-control") == "no-store"
    assert (answer.body, answer.get("ecluse-pass")) == (b"", None)
    assert await whole.count("number") == 0
    assert not any((await whole.everything()).values()), "asking takes no place"


async def test_a_program_without_a_pass_is_told_to_wait_and_where_to_join(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    program = whole.program()
    answer = await front.ask(program)
    assert (answer.status, answer.problem) == (front.sends(429), "waiting")
    assert front.meant(answer) == 429
    assert int(answer.get("retry-after") or 0) >= 1
    found = answer.json()
    assert "You have a place" not in found["detail"]
    assert found["room"] == "salle"
    assert (await program.post(found["join_url"])).status == 201
    assert (await program.get(found["ticket_url"])).json()["state"] in ("waiting", "called")
    assert (await program.get(found["board_url"])).status == 200
    assert (await program.post(found["claim_url"])).status in (200, 425)
    assert (answer.get("location") is not None) == (front.dialect == "nginx")


async def test_a_form_is_said_to_be_unsent_and_its_address_is_not_opened_afterwards(
    open_whole: OpenWhole, front: Front
) -> None:
    whole = await open_whole(paths=["/salle/"])
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        page = await front.ask(whole.visitor(), "/salle/send?x=1", method)
        assert front.meant(page) == 303
        assert page.get("location") == f"{ROOM}?enter=1&unsent=1&to=/salle/"
        program = await front.ask(whole.program(), "/salle/send?x=1", method)
        assert (program.status, program.problem) == (front.sends(429), "form-not-sent")
        assert front.meant(program) == 429
    assert await whole.count("number") == 0


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("OPTIONS", "/", {}),
        ("GET", "/logo.png", {"accept": "image/avif,*/*"}),
        ("GET", "/style.css", {"accept": "text/css,*/*;q=0.1"}),
        ("GET", "/x", {"sec-fetch-dest": "script"}),
        ("GET", "/", {"sec-purpose": "prefetch;prerender"}),
    ],
)
async def test_what_is_no_visit_is_not_sent_to_the_waiting_page(
    open_whole: OpenWhole, front: Front, method: str, target: str, headers: dict[str, str]
) -> None:
    whole = await open_whole()
    answer = await front.ask(whole.visitor(), target, method, headers)
    assert (answer.status, answer.problem) == (front.sends(429), "pass-needed")
    assert front.meant(answer) == 429
    assert answer.get("retry-after")


async def test_a_question_with_head_is_answered_without_a_body(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    answer = await front.ask(whole.visitor(), "/rdv", "HEAD")
    assert answer.status == front.sends(429)
    assert front.meant(answer) == 429


async def test_an_open_path_passes_without_a_pass(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole(open_paths=["/open/"])
    answer = await front.ask(whole.program(), "/open/a.css")
    assert (answer.status, answer.body, answer.get("ecluse-room")) == (200, b"", "salle")
    assert answer.get("ecluse-pass") is None
    assert (await front.ask(whole.program(), "/opened")).status == front.sends(429)


async def test_what_belongs_to_no_room_is_refused(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole(hosts=["rdv.example.fr", "autre.example.fr"], paths=["/salle/"])
    for target in ("/", "/sall", "/autre/"):
        answer = await front.ask(whole.visitor(), target)
        assert (answer.status, answer.problem) == (403, "not-found"), target
    elsewhere = await front.ask(whole.visitor(host="evil.example"), "/salle/")
    assert elsewhere.status == 403
    assert (await front.ask(whole.visitor(host="autre.example.fr"), "/salle/")).status == front.sends(303)


@pytest.mark.parametrize("target", ["/_ecluse/rooms/salle", "/_ecluse/api/v1/rooms", "/_ecluse/verify/nginx"])
async def test_our_own_pages_are_refused_rather_than_sent_round_in_circles(
    open_whole: OpenWhole, front: Front, target: str
) -> None:
    whole = await open_whole(open_paths=["/"])
    assert (await front.ask(whole.visitor(), target)).status == 403


async def test_a_peer_that_is_no_trusted_proxy_is_refused_even_with_a_pass(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole(settings={"trusted_proxies": ["10.0.0.0/8"]})
    visitor = await whole.occupied()
    answer = await front.ask(visitor, headers={"x-forwarded-for": "10.0.0.1"})
    assert (answer.status, answer.problem) == (403, "not-found")
    assert answer.get("ecluse-pass") is None


@pytest.mark.parametrize(("peer", "status"), [("::ffff:127.0.0.1", 200), ("127.0.0.1", 200), ("::1", 403), (None, 403)])
async def test_a_peer_is_judged_by_its_address_in_either_spelling(
    open_whole: OpenWhole, peer: str | None, status: int
) -> None:
    whole = await open_whole(open_paths=["/"])
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads the body of a question")

    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "GET", "raw_path": b"/_ecluse/verify/caddy", "query_string": b"",
        "headers": [(b"host", b"rdv.example.fr"), (b"x-forwarded-uri", b"/a")], "client": peer and (peer, 4000),
    }  # fmt: skip
    await whole.apps[0](scope, receive, send)
    assert said[0]["status"] == status


async def test_a_question_that_says_something_twice_or_not_at_all_is_refused(
    open_whole: OpenWhole, telling: Front
) -> None:
    whole = await open_whole(open_paths=["/open/"])
    once = [("x-forwarded-method", "GET"), ("x-forwarded-host", "rdv.example.fr"), ("x-forwarded-uri", "/open/a")]
    path = f"/_ecluse/verify/{telling.dialect}"
    assert (await whole.visitor().ask("GET", path, once)).status == 200
    for name, value in [*once, ("x-forwarded-uri", "/rdv"), ("x-forwarded-host", "evil.example")]:
        twice = await whole.visitor().ask("GET", path, [*once, (name, value)])
        assert (twice.status, twice.get("ecluse-room")) == (403, None), name
    for wrong in ("", "open/a", "http://rdv.example.fr/open/a", "*", "/open/a, /rdv b"):
        told = [*once[:2], ("x-forwarded-uri", wrong)]
        assert (await whole.visitor().ask("GET", path, told)).status == 403, wrong
    assert (await whole.visitor().ask("GET", path, once[:2])).status == 403


@pytest.mark.parametrize("target", UNCLEAR)
async def test_a_path_that_can_be_read_in_two_ways_passes_nobody(open_whole: OpenWhole, target: str) -> None:
    whole = await open_whole(open_paths=["/open/"])
    inside = await whole.occupied()
    for dialect in DIALECTS:
        answer = await Front(dialect).ask(inside, target)
        assert answer.status == (400 if dialect == "envoy" else 403), dialect
        assert answer.get("ecluse-pass") is None


async def test_envoy_is_taken_at_its_request_and_not_at_what_the_visitor_forwards(open_whole: OpenWhole) -> None:
    whole = await open_whole(open_paths=["/open/"])
    spoofed = {
        "x-forwarded-uri": "/open/a", "x-forwarded-method": "GET", "x-forwarded-host": "evil.example",
        "x-envoy-original-path": "/open/a", "x-original-url": "/open/a",
    }  # fmt: skip
    answer = await Front("envoy").ask(whole.visitor(), "/rdv?a=1", "GET", spoofed)
    assert (answer.status, answer.get("location")) == (303, TO_WAIT + "/rdv%3Fa%3D1")
    form = await Front("envoy").ask(whole.visitor(), "/rdv?a=1", "POST", spoofed)
    assert "unsent=1" in (form.get("location") or "")


@pytest.mark.parametrize("target", ["/rdv?a=" + "%C3%A9" * 400, '/rdv?q="x"', "/rdv?<b>"])
async def test_an_address_one_cannot_come_back_to_leads_home(open_whole: OpenWhole, front: Front, target: str) -> None:
    whole = await open_whole()
    assert (await front.ask(whole.visitor(), target)).get("location") == TO_WAIT + "/"


async def test_the_longest_address_to_come_back_to_fits_a_header(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    target = "/rdv?a=" + "%C3" * 680
    location = (await front.ask(whole.visitor(), target)).get("location") or ""
    assert location == TO_WAIT + quote(target, safe="/")
    assert len(location) < 7_000


async def test_a_dialect_nobody_speaks_is_not_found(open_whole: OpenWhole) -> None:
    whole = await open_whole(open_paths=["/"])
    for dialect in ("apach", "nginxx", "", "NGINX"):
        assert (await Front(dialect).ask(whole.program())).status == 404


async def test_no_forged_expired_or_foreign_pass_and_no_ticket_goes_through(
    open_whole: OpenWhole, front: Front
) -> None:
    whole = await open_whole()
    inside, waiting = await whole.occupied(), await whole.waiting()
    signer, now = PassSigner([SigningKey.from_secret(SIGNING_KEY)]), int(time.time())
    claims: dict[str, Any] = {"session": "A" * 11, "lane": "main", "issued_at": now}
    genuine = inside.granted
    attempts = [
        *forged_passes("salle", waiting.ticket, Random(7)),
        signer.sign(Pass(room="autre", expires_at=now + 600, **claims)),
        signer.sign(Pass(room="salle", expires_at=now - 1, **claims)),
        genuine[:-2], genuine + "A", genuine + "=", "", "A" * 900,
        (await front.ask(inside)).get("ecluse-pass") or "",
    ]  # fmt: skip
    for attempt in attempts:
        thief = Visitor(whole.ports[0], {"ecluse_pass_salle": attempt}, "application/json")
        answer = await front.ask(thief)
        assert (front.meant(answer), answer.get("ecluse-pass")) == (429, None), attempt
    planted = {"cookie": f"ecluse_pass_salle={genuine}; ecluse_pass_salle=x"}
    assert front.meant(await front.ask(whole.program(), headers=planted)) == 429
    assert (await front.ask(inside)).status == 200
