"""Signing in to the console with a password: who gets a session, what it may do, and when it ends."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from ecluse.passwords import PasswordHash
from ecluse.settings import Secrets
from ecluse.telemetry import Metrics
from gateway.app import Edge, served
from gateway.console import SIGNED_IN_SECONDS
from tests.gateway.test_operators import API, CALLS, SALLE, Desk
from tests.gateway.visitor import Answer, Visitor
from tests.gateway.whole import OPERATOR_KEY, VIEWER_KEY, OpenWhole, Whole

SESSION = "/_ecluse/console/session"
OURS = {"ecluse-console": "1", "sec-fetch-site": "same-origin"}
OPERATORS = [
    {"name": "astreinte", "role": "operator", "key": "env:OPERATOR", "password": "env:HASH"},
    {"name": "regard", "role": "viewer", "key": "env:VIEWER"},
    {"name": "nuit", "role": "viewer", "password": "env:NIGHT"},
]


@pytest.fixture
async def whole(open_whole: OpenWhole) -> Whole:
    return await open_whole(gateways=2, settings={"operator": OPERATORS})


def password(name: str) -> str:
    return f"the password of {name}, é"


async def sign_in(browser: Visitor, name: str, typed: str, **headers: str) -> Answer:
    return await browser.post(SESSION, {"name": name, "password": typed}, **headers)


async def signed_in(whole: Whole, name: str = "astreinte") -> Visitor:
    browser = whole.program()
    answer = await sign_in(browser, name, password(name))
    assert answer.status == 204, answer
    return browser


async def change(browser: Visitor, fields: object, **headers: str) -> Answer:
    sent = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.ask("PATCH", SALLE, sent, json.dumps(fields).encode())


async def test_a_name_and_its_password_give_a_session_for_eight_hours_at_every_gateway(whole: Whole) -> None:
    browser = whole.program()
    answer = await sign_in(browser, " astreinte ", password("astreinte"))
    assert (answer.status, answer.body, answer.get("cache-control")) == (204, b"", "no-store")
    (token, attributes) = answer.cookies["ecluse_console"]
    assert attributes == {"path=/", "httponly", "samesite=strict", "max-age=28800"}
    assert not any(text in token for text in ("astreinte", "password", "scrypt"))
    for port in whole.ports:
        assert (await browser.twin(port).get(f"{API}/me")).json() == {"name": "astreinte", "role": "operator"}
    assert (await browser.get(f"{API}/rooms")).status == 200
    whole.advance(SIGNED_IN_SECONDS - 5)
    assert (await browser.get(f"{API}/me")).status == 200
    whole.advance(10)
    assert (await browser.get(f"{API}/me")).problem == "key-needed"


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(open_whole: OpenWhole) -> None:
    whole = await open_whole(settings={"operator": OPERATORS, "public_url": "https://rdv.example.fr"})
    answer = await sign_in(whole.program(), "nuit", password("nuit"))
    assert answer.cookies["__Host-ecluse_console"][1] >= {"secure", "httponly", "samesite=strict", "path=/"}


async def test_a_key_tells_who_one_is_as_well_and_goes_before_the_cookie(whole: Whole) -> None:
    assert (await Desk(whole.program(), VIEWER_KEY).ask("GET", f"{API}/me")).json() == {
        "name": "regard", "role": "viewer",
    }  # fmt: skip
    browser = await signed_in(whole)
    assert (await Desk(browser.twin(), VIEWER_KEY).ask("GET", f"{API}/me")).json()["name"] == "regard"
    for wrong in ("Bearer wrong", "Basic x", ""):
        assert (await browser.twin().get(f"{API}/me", authorization=wrong)).problem == "key-needed"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("astreinte", password("nuit")), ("nuit", password("astreinte")), ("nobody", password("astreinte")),
        ("Astreinte", password("astreinte")), ("regard", VIEWER_KEY), ("astreinte", OPERATOR_KEY), ("astreinte", ""),
        ("", ""), ("astreinte", "x" * 3000), ("nuit", password("nuit") + " "),
    ],
)  # fmt: skip
async def test_a_wrong_name_and_a_wrong_password_are_refused_alike(whole: Whole, name: str, typed: str) -> None:
    browser = whole.program()
    answer = await sign_in(browser, name, typed)
    assert (answer.status, answer.problem, browser.jar) == (401, "sign-in-refused", {})
    assert answer.body == (await sign_in(browser, "somebody else", "another thing")).body
    assert (await sign_in(browser, "astreinte", str(PasswordHash.of(password("x"))))).status == 401


async def test_a_name_that_nobody_has_is_hashed_for_like_any_other(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[tuple[int, int, int]] = []
    real = PasswordHash.matches

    def counted(self: PasswordHash, typed: str) -> bool:
        worked.append((self.log_cost, self.block, self.lanes))
        return real(self, typed)

    monkeypatch.setattr(PasswordHash, "matches", counted)
    for name in ("astreinte", "nobody", "regard"):
        await sign_in(whole.program(), name, "wrong all the same")
    assert worked == [(14, 8, 5)] * 3


async def test_what_is_no_form_is_told(whole: Whole) -> None:
    browser = whole.program()
    bodies: list[object] = [[], {"name": 5}, "text"]
    for body in bodies:
        assert (await browser.post(SESSION, body)).problem == "bad-input"
    assert (await browser.post(SESSION, {"name": "x" * 5000})).problem == "body-too-large"
    for method in ("GET", "PUT"):
        assert (await browser.ask(method, SESSION)).problem == "method-not-allowed"


async def test_another_site_neither_signs_in_nor_out(whole: Whole) -> None:
    for headers in ({"sec_fetch_site": "cross-site"}, {"origin": "https://other.example"}):
        refused = await sign_in(whole.program(), "astreinte", password("astreinte"), **headers)
        assert refused.problem == "cross-site"
    browser = await signed_in(whole)
    assert (await browser.ask("DELETE", SESSION, {"sec-fetch-site": "same-site"})).problem == "cross-site"
    assert (await browser.ask("DELETE", SESSION, OURS)).status == 204
    assert browser.jar == {}


@pytest.mark.parametrize(("method", "path", "document"), [call for call in CALLS if call[0] != "GET"])
async def test_what_changes_something_needs_the_header_and_our_own_page(
    whole: Whole, method: str, path: str, document: object
) -> None:
    browser = await signed_in(whole)
    body = json.dumps(document).encode()
    wrong: list[dict[str, str]] = [
        {}, {"ecluse-console": "1"}, {"sec-fetch-site": "same-origin"}, {"origin": "http://rdv.example.fr"},
        OURS | {"ecluse-console": "0"}, OURS | {"sec-fetch-site": "same-site"}, OURS | {"sec-fetch-site": "cross-site"},
        OURS | {"sec-fetch-site": "none"}, {"ecluse-console": "1", "origin": "null"},
        {"ecluse-console": "1", "origin": "http://rdv.example.fr.other.example"},
    ]  # fmt: skip
    for headers in wrong:
        assert (await browser.ask(method, path, headers, body)).problem == "cross-site", headers
    assert not (await browser.get(f"{SALLE}/journal")).json()["entries"]
    for headers in (OURS, {"ecluse-console": "1", "origin": "http://rdv.example.fr"}):
        assert (await browser.ask(method, path, headers, body)).status in (200, 204, 404), headers


async def test_a_change_stands_in_the_journal_under_the_name_signed_in(whole: Whole) -> None:
    browser = await signed_in(whole)
    assert (await change(browser, {"burst": 3}, **OURS)).status == 200
    entry = (await browser.get(f"{SALLE}/journal")).json()["entries"][0]
    assert (entry["who"], entry["changes"]) == ("astreinte", [{"field": "burst", "from": 1, "to": 3}])


async def test_a_session_has_the_role_of_its_operator(whole: Whole) -> None:
    assert (await change(await signed_in(whole, "nuit"), {"burst": 3}, **OURS)).problem == "role-too-low"


async def gateway_with(whole: Whole, **changed: Any) -> int:
    """The port of another gateway of the same configuration, with these secrets in place of its own."""
    secrets = Secrets(**(whole.secrets.model_dump() | changed))
    edge = Edge(whole.settings, secrets, metrics=Metrics(), clock=whole.clock)
    whole.stack.push_async_callback(edge.close)
    await edge.open()
    return await whole.serve(served(edge))


async def test_a_changed_password_a_removed_one_and_a_new_signing_key_end_the_session(whole: Whole) -> None:
    browser = await signed_in(whole)
    kept = [(who, hashed) for who, hashed in whole.secrets.operator_passwords if who.name != "astreinte"]
    mine = next(who for who, _ in whole.secrets.operator_passwords if who.name == "astreinte")
    again = str(PasswordHash.of(password("astreinte")))
    for changed, status in (
        ({}, 200),
        ({"operator_passwords": kept}, 401),
        ({"operator_passwords": [*kept, (mine, again)]}, 401),
        ({"signing_keys": ["another signing key for these tests"]}, 401),
    ):
        assert (await browser.twin(await gateway_with(whole, **changed)).get(f"{API}/me")).status == status, changed


async def test_no_other_proof_is_a_session_and_a_session_is_no_other_proof(open_whole: OpenWhole) -> None:
    helper = {"name": "mairie", "key": "env:MAIRIE", "rooms": ["salle"]}
    whole = await open_whole(settings={"operator": OPERATORS, "helper": [helper]})
    visitor = await whole.occupied()
    waiting = await whole.waiting()
    helping = whole.visitor()
    await helping.form("/_ecluse/help/sign-in", {"key": "the helper key of mairie, é"})
    token = (await signed_in(whole)).jar["ecluse_console"]
    body, _, signature = token.rpartition(".")
    forged = [
        visitor.granted, waiting.ticket, helping.jar["ecluse_help"], OPERATOR_KEY, "", token[:-1], token + "A",
        f"{body}9.{signature}", f"{body[:-1]}.{signature}", body, f"{body}.",
    ]  # fmt: skip
    for each in forged:
        thief = Visitor(whole.ports[0], {"ecluse_console": each}, "application/json")
        assert (await thief.get(f"{API}/me")).problem == "key-needed", each
    page = await Visitor(whole.ports[0], {"ecluse_help": token}).get("/_ecluse/help/", accept_language="en")
    assert "Helpers: sign in" in page.text
    names = ("ecluse_pass_salle", "ecluse_ticket_salle", "ecluse_follow_salle")
    assert (await Visitor(whole.ports[0], dict.fromkeys(names, token)).get("/")).body != b"ok"
    assert (await Desk(whole.program(), token).ask("GET", f"{API}/me")).status == 401
    planted = Visitor(whole.ports[0], {"ecluse_console": token}, "application/json")
    two = {"cookie": f"ecluse_console={token}; ecluse_console=planted"}
    assert (await planted.ask("GET", f"{API}/me", two)).status == 401


async def test_guessing_is_stopped_for_a_network_also_when_all_try_at_once(whole: Whole) -> None:
    tries = [sign_in(whole.program(), "astreinte", f"a wrong one {number}") for number in range(14)]
    statuses = sorted([answer.status for answer in await asyncio.gather(*tries)])
    assert statuses == [401] * 10 + [429] * 4
    right = await sign_in(whole.program(), "astreinte", password("astreinte"))
    assert (right.status, right.problem) == (429, "too-many-tries")
    assert int(right.get("retry-after") or 0) > 0
    # The key is another door, and whoever waits may try again.
    assert (await Desk(whole.program()).ask("GET", f"{API}/me")).status == 200
    whole.advance(61)
    assert (await sign_in(whole.program(), "astreinte", password("astreinte"))).status == 204


async def test_right_passwords_are_never_held_up(whole: Whole) -> None:
    for _ in range(12):
        await signed_in(whole)


async def test_guessing_one_name_from_many_networks_is_stopped_too(open_whole: OpenWhole) -> None:
    operators = {"operator": OPERATORS, "trusted_proxies": ["127.0.0.1/32"]}
    whole = await open_whole(settings=operators)
    statuses = []
    for number in range(42):
        answer = await sign_in(whole.program(), "nobody", "wrong", x_forwarded_for=f"203.0.{number}.1")
        statuses.append(answer.status)
    assert statuses == [401] * 40 + [429] * 2
    assert (await sign_in(whole.program(), "nuit", password("nuit"), x_forwarded_for="203.0.99.1")).status == 204


async def test_while_passwords_are_hashed_the_gateway_answers_and_no_more_than_two_are_at_once(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, now, most = PasswordHash.matches, [0], [0]

    def watched(self: PasswordHash, typed: str) -> bool:
        now[0] += 1
        most[0] = max(most[0], now[0])
        try:
            return real(self, typed)
        finally:
            now[0] -= 1

    monkeypatch.setattr(PasswordHash, "matches", watched)
    tries = [asyncio.create_task(sign_in(whole.program(), "nuit", password("nuit"))) for _ in range(6)]
    answered = 0
    while not all(each.done() for each in tries):
        assert (await whole.program().get("/_ecluse/healthz")).status == 200
        answered += not all(each.done() for each in tries)
    assert answered > 0
    assert {each.result().status for each in tries} == {204}
    assert most[0] == 2


async def test_without_any_password_nothing_is_hashed_and_nobody_signs_in(
    open_whole: OpenWhole, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await open_whole()
    monkeypatch.setattr(PasswordHash, "matches", None)
    assert (await sign_in(whole.program(), "astreinte", password("astreinte"))).problem == "sign-in-refused"


async def test_the_page_asks_for_what_there_is(whole: Whole, open_whole: OpenWhole) -> None:
    page = "/_ecluse/console/"
    assert 'data-entrance="password"' in (await whole.visitor().get(page)).text
    assert 'data-entrance="signed-in"' in (await (await signed_in(whole)).get(page)).text
    without = (await (await open_whole()).visitor().get(page)).text
    assert 'data-entrance="key"' in without
    assert 'id="password"' not in without


async def test_no_password_and_no_name_typed_comes_into_a_log_line(whole: Whole) -> None:
    with capture_logs() as logs:
        await sign_in(whole.program(), "my password by mistake", "another wrong thing")
        browser = await signed_in(whole)
    assert [(line["event"], line.get("operator")) for line in logs] == [
        ("sign_in_refused", None), ("signed_in", "astreinte"),
    ]  # fmt: skip
    texts = ("by mistake", "wrong thing", password("astreinte"), browser.jar["ecluse_console"])
    assert not any(text in str(logs) for text in texts)
