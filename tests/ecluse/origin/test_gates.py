"""The same door for ASGI and WSGI: every sentence here holds for both."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ecluse.clock import ManualClock
from ecluse.origin import PassGate, SigningKey, WsgiPassGate
from ecluse.origin.refusals import TEXTS
from ecluse.tokens import Ticket, TicketSigner
from tests.ecluse.origin.asked import GATES, KEY, ROOM, Answer, Ask, Inside, pass_for

OTHER_KEY = "a key that this origin does not know"
OLD_KEY = "the key of last year, still verifying"
HTML = ("Accept", "text/html,*/*;q=0.8")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.fixture(params=sorted(GATES))
def opened(request: pytest.FixtureRequest, inside: Inside, clock: ManualClock) -> Callable[..., Ask]:
    """Makes a gate of this kind with these options."""
    usual = {"rooms": ROOM, "keys": [KEY, OLD_KEY], "clock": clock}
    return lambda **options: GATES[request.param](inside, **(usual | options))


@pytest.fixture
def ask(opened: Callable[..., Ask]) -> Ask:
    return opened(open_paths=["/static/", "/healthz"])


async def get(ask: Ask, *passes: str, path: str = "/") -> Answer:
    answer: Answer = await ask("GET", path, *(("Ecluse-Pass", each) for each in passes))
    return answer


def assert_refused(answer: Answer, inside: Inside, slug: str) -> None:
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json["type"] == f"/_ecluse/problems/{slug}"
    assert answer.json["status"] == 403
    assert answer.json["detail"]
    assert inside.passes == []


async def test_a_genuine_pass_opens_and_is_told_to_the_application(
    ask: Ask, inside: Inside, clock: ManualClock
) -> None:
    assert (await get(ask, pass_for("s-1", clock, person="5f4dcc3b"))).body == b"inside"
    (seen,) = inside.passes
    assert seen is not None
    assert (seen.room, seen.session, seen.lane, seen.person) == (ROOM, "s-1", "main", "5f4dcc3b")


async def test_a_pass_of_an_older_key_in_the_list_opens(ask: Ask, clock: ManualClock) -> None:
    assert (await get(ask, pass_for("s-1", clock, key=OLD_KEY))).status == 200


async def test_a_service_of_several_rooms_takes_the_pass_of_each_and_of_no_other(
    opened: Callable[..., Ask], inside: Inside, clock: ManualClock
) -> None:
    ask = opened(rooms=[ROOM, "evry"])
    for room in (ROOM, "evry"):
        assert (await get(ask, pass_for("s-1", clock, room=room))).status == 200
    assert [seen.room for seen in inside.passes if seen] == [ROOM, "evry"]
    inside.passes.clear()
    assert_refused(await get(ask, pass_for("s-1", clock, room="consulate")), inside, "wrong-room")


async def test_direct_access_without_a_pass_is_refused(ask: Ask, inside: Inside) -> None:
    assert_refused(await get(ask), inside, "pass-needed")


async def test_a_forged_pass_is_refused(ask: Ask, inside: Inside, clock: ManualClock) -> None:
    assert_refused(await get(ask, pass_for("s-1", clock, key=OTHER_KEY)), inside, "forged")


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é", "e30.e30.e30", "." * 2000])
async def test_junk_is_refused_as_forged(ask: Ask, inside: Inside, junk: str) -> None:
    assert_refused(await get(ask, junk), inside, "forged")


async def test_a_pass_altered_in_any_part_is_refused(ask: Ask, inside: Inside, clock: ManualClock) -> None:
    head, claims, signature = pass_for("s-1", clock).split(".")
    other = pass_for("s-2", clock).split(".")
    for altered in (f"{head}.{other[1]}.{signature}", f"{head}.{claims}.", f"{other[1]}.{claims}.{signature}"):
        assert_refused(await get(ask, altered), inside, "forged")


async def test_a_ticket_is_no_pass(ask: Ask, inside: Inside, clock: ManualClock) -> None:
    ticket = Ticket(room=ROOM, lane="main", id="A" * 11, number=1, epoch="E" * 8, issued_at=int(clock()))
    signed = TicketSigner([SigningKey.from_secret(KEY)], clock=clock).sign(ticket)
    assert_refused(await get(ask, signed), inside, "forged")


@pytest.mark.parametrize("leeway", [0, 5, 30])
async def test_a_pass_is_refused_once_it_expired_by_more_than_the_leeway(
    opened: Callable[..., Ask], inside: Inside, clock: ManualClock, leeway: int
) -> None:
    ask, granted = opened(leeway_seconds=leeway), pass_for("s-1", clock)
    clock.advance(59 + leeway)
    assert (await get(ask, granted)).status == 200
    inside.passes.clear()
    clock.advance(1)
    assert_refused(await get(ask, granted), inside, "expired")


async def test_two_passes_are_refused_even_if_both_are_valid(ask: Ask, inside: Inside, clock: ManualClock) -> None:
    granted = pass_for("s-1", clock)
    answer = await get(ask, granted, granted)
    assert answer.status == 403
    assert inside.passes == []


@pytest.mark.parametrize("path", ["/static/booking.css", "/static/a/b.css", "/healthz"])
async def test_open_paths_need_no_pass_and_tell_none(ask: Ask, inside: Inside, path: str, clock: ManualClock) -> None:
    for passes in ([], ["forged"], [pass_for("s-1", clock)]):
        assert (await get(ask, *passes, path=path)).status == 200
    assert inside.passes == [None, None, None]


@pytest.mark.parametrize(
    "path",
    ["/healthz/", "/healthzz", "/healthz/x", "/static", "/staticx", "/Static/x", "/static/../", "/static/./x",
     "/static//x", "/static/..\\", "/static/%2e%2e/", "//static/", "/x/static/"],
)  # fmt: skip
async def test_a_path_that_only_resembles_an_open_one_is_protected(ask: Ask, inside: Inside, path: str) -> None:
    assert_refused(await get(ask, path=path), inside, "pass-needed")


async def test_no_path_is_open_unless_told(opened: Callable[..., Ask], inside: Inside) -> None:
    for path in ("/static/x", "/healthz", "/"):
        assert_refused(await get(opened(), path=path), inside, "pass-needed")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "PROPFIND"])
async def test_no_method_goes_around_the_gate(ask: Ask, inside: Inside, method: str) -> None:
    answer = await ask(method, "/")
    assert answer.status == 403
    assert (answer.body == b"") == (method == "HEAD")
    assert inside.passes == []


async def test_nothing_that_a_client_says_under_our_names_reaches_the_application(
    ask: Ask, inside: Inside, clock: ManualClock
) -> None:
    lies = [
        ("Ecluse-Session", "x"),
        ("ecluse-room", "x"),
        ("ECLUSE_PERSON", "x"),
        ("Ecluse", "kept"),
        ("X-Own", "kept"),
    ]
    await ask("GET", "/", ("Ecluse-Pass", pass_for("s-1", clock)), *lies)
    await ask("GET", "/healthz", ("Ecluse-Pass", "x"), *lies)
    assert inside.headers == ["ecluse", "x-own", "ecluse", "x-own"]


@pytest.mark.parametrize(
    ("wanted", "language", "words"),
    [("fr", "fr", "salle d’attente"), ("en-GB,en;q=0.9,fr;q=0.8", "en", "waiting room"), ("de, en;q=0.5", "en", "waiting"),
     ("fr;q=0.4, EN", "en", "waiting"), ("", "fr", "salle"), ("de", "fr", "salle"), ("en;q=0, fr;q=0.1", "fr", "salle"),
     ("x" * 9000, "fr", "salle"), (",;q=,en;q=9", "fr", "salle")],
)  # fmt: skip
async def test_a_person_is_refused_with_a_page_in_their_language_that_leads_to_the_waiting_room(
    opened: Callable[..., Ask], inside: Inside, wanted: str, language: str, words: str
) -> None:
    ask = opened(public_url='https://rdv.example.fr/?a=1&b="')
    answer = await ask("GET", "/", HTML, ("Accept-Language", wanted))
    page = answer.body.decode()
    assert answer.status == 403
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == language
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert f'<html lang="{language}" dir="auto">' in page
    assert words in page
    assert 'href="https://rdv.example.fr/?a=1&amp;b=&quot;"' in page
    assert inside.passes == []


async def test_a_service_may_refuse_in_more_languages(opened: Callable[..., Ask]) -> None:
    italian = {name: f"<{name}>" for name in TEXTS["en"]}
    ask = opened(texts={"it": italian}, public_url="https://rdv.example.fr/")
    for wanted, language, words in (
        ("it, en", "it", "&lt;go_round&gt;"),
        ("de", "fr", "salle"),
        ("en", "en", "waiting"),
    ):
        answer = await ask("GET", "/", HTML, ("Accept-Language", wanted))
        assert answer.headers["content-language"] == language
        assert words in answer.body.decode()


async def test_a_refusal_names_the_public_address_only_where_it_is_known(opened: Callable[..., Ask]) -> None:
    assert b"href" not in (await opened()("GET", "/", HTML)).body
    problem = (await opened(public_url="https://rdv.example.fr/")("GET", "/")).json
    assert problem["type"] == "https://rdv.example.fr/_ecluse/problems/pass-needed"


@pytest.mark.parametrize("why", ["pass-needed", "forged", "expired", "wrong-room"])
async def test_every_refusal_has_its_page_in_both_languages(ask: Ask, clock: ManualClock, why: str) -> None:
    granted = pass_for("s-1", clock, room="evry" if why == "wrong-room" else ROOM)
    sent = {"pass-needed": [], "forged": [("Ecluse-Pass", "x")]}.get(why, [("Ecluse-Pass", granted)])
    clock.advance(100 if why == "expired" else 0)
    pages = {(await ask("GET", "/", HTML, ("Accept-Language", language), *sent)).body for language in ("fr", "en")}
    assert len(pages) == 2


@pytest.mark.parametrize("gate", [PassGate, WsgiPassGate])
@pytest.mark.parametrize(
    ("options", "why"),
    [({"keys": []}, "at least one key"), ({"keys": ""}, "shorter than 16"), ({"keys": [KEY, "short"]}, "shorter than 16"),
     ({"rooms": []}, "id of the room"), ({"rooms": ""}, "id of the room"), ({"leeway_seconds": 31}, "from 0 to 30"),
     ({"leeway_seconds": -1}, "from 0 to 30"), ({"open_paths": "/static/"}, "list of paths"),
     ({"open_paths": [""]}, "list of paths"), ({"texts": {"it": {"title": "x"}}}, "'it' lack expired, go_round, link")],
    ids=str,
)  # fmt: skip
def test_a_gate_that_could_not_refuse_does_not_start(gate: Any, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        gate(lambda *_: None, **({"rooms": ROOM, "keys": KEY} | options))


@pytest.mark.parametrize("gate", [PassGate, WsgiPassGate])
def test_an_option_with_a_typing_error_never_passes_for_a_default(gate: Any) -> None:
    with pytest.raises(TypeError, match="no option open_path"):
        gate(lambda *_: None, rooms=ROOM, keys=KEY, open_path=["/static/"])


async def test_the_public_half_of_an_ed25519_key_is_enough(
    opened: Callable[..., Ask], inside: Inside, clock: ManualClock
) -> None:
    private = Ed25519PrivateKey.generate()
    whole = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    half = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ask = opened(keys=half)
    assert (await get(ask, pass_for("s-1", clock, key=whole))).body == b"inside"
    assert (await get(ask, pass_for("s-2", clock))).status == 403
    assert [seen and seen.session for seen in inside.passes] == ["s-1"]
