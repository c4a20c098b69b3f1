from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from booking_backend.pass_gate import STATE_KEY, PassGate
from ecluse.clock import ManualClock
from ecluse.tokens import Pass, SigningKey, Ticket, TicketSigner
from tests.booking_backend.visitor import KEY, ROOM, Answer, ask, pass_for

OTHER_KEY = SigningKey.from_secret("a key that this origin does not know")
OLD_KEY = SigningKey.from_secret("the key of last year, still verifying")


class Origin:
    """What is behind the gate; remembers the passes it saw."""

    def __init__(self) -> None:
        self.seen: list[Pass | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope.get("state", {}).get(STATE_KEY))
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def gate(origin: Origin, clock: ManualClock) -> PassGate:
    return PassGate(origin, keys=[KEY, OLD_KEY], room=ROOM, clock=clock)


async def get(app: ASGIApp, *passes: str, path: str = "/") -> Answer:
    return await ask(app, "GET", path, headers=[(b"ecluse-pass", each.encode()) for each in passes])


def assert_refused(answer: Answer, origin: Origin, slug: str) -> None:
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json["type"] == f"/_ecluse/problems/{slug}"
    assert answer.json["status"] == 403
    assert answer.json["detail"]
    assert origin.seen == []


async def test_a_valid_pass_opens_and_reaches_the_origin_verified(
    gate: PassGate, origin: Origin, clock: ManualClock
) -> None:
    answer = await get(gate, pass_for("s-1", clock))
    assert answer.body == b"inside"
    assert [seen.session for seen in origin.seen if seen] == ["s-1"]


async def test_a_pass_of_an_older_key_in_the_list_opens(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    assert (await get(gate, pass_for("s-1", clock, key=OLD_KEY))).status == 200


async def test_direct_access_without_a_pass_is_refused(gate: PassGate, origin: Origin) -> None:
    assert_refused(await get(gate), origin, "pass-needed")


async def test_a_forged_pass_is_refused(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    assert_refused(await get(gate, pass_for("s-1", clock, key=OTHER_KEY)), origin, "forged")


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é", "e30.e30.e30", "." * 2000])
async def test_junk_is_refused_as_forged(gate: PassGate, origin: Origin, junk: str) -> None:
    assert_refused(await get(gate, junk), origin, "forged")


async def test_a_pass_altered_in_any_part_is_refused(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    head, claims, signature = pass_for("s-1", clock).split(".")
    other = pass_for("s-2", clock).split(".")
    for altered in (f"{head}.{other[1]}.{signature}", f"{head}.{claims}.", f"{other[1]}.{claims}.{signature}"):
        assert_refused(await get(gate, altered), origin, "forged")


async def test_a_ticket_is_no_pass(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    ticket = Ticket(room=ROOM, lane="main", id="A" * 11, number=1, epoch="E" * 8, issued_at=int(clock()))
    assert_refused(await get(gate, TicketSigner([KEY], clock=clock).sign(ticket)), origin, "forged")


async def test_a_pass_is_refused_from_the_second_it_expires(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    granted = pass_for("s-1", clock, seconds=60)
    clock.advance(59)
    assert (await get(gate, granted)).status == 200
    origin.seen.clear()
    clock.advance(1)
    assert_refused(await get(gate, granted), origin, "expired")


async def test_a_pass_of_another_room_is_refused(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    assert_refused(await get(gate, pass_for("s-1", clock, room="consulate")), origin, "wrong-room")


async def test_two_passes_are_refused_even_if_both_are_valid(
    gate: PassGate, origin: Origin, clock: ManualClock
) -> None:
    granted = pass_for("s-1", clock)
    assert_refused(await get(gate, granted, granted), origin, "ambiguous-request")


@pytest.mark.parametrize("path", ["/static/booking.css", "/static/a/b.css", "/healthz"])
async def test_open_paths_need_no_pass(gate: PassGate, origin: Origin, path: str) -> None:
    assert (await get(gate, path=path)).status == 200
    assert origin.seen == [None]


@pytest.mark.parametrize(
    "path",
    ["/healthz/", "/healthzz", "/healthz/x", "/static", "/staticx", "/Static/x", "/static/../", "/static/./x",
     "/static//x", "/static/..\\", "/static/%2e%2e/", "//static/", "/x/static/"],
)  # fmt: skip
async def test_a_path_that_only_resembles_an_open_one_is_protected(gate: PassGate, origin: Origin, path: str) -> None:
    assert_refused(await get(gate, path=path), origin, "pass-needed")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "PROPFIND"])
async def test_no_method_goes_around_the_gate(gate: PassGate, origin: Origin, method: str) -> None:
    assert (await ask(gate, method, "/")).status == 403
    assert origin.seen == []


async def test_a_pass_in_the_state_from_elsewhere_counts_for_nothing(gate: PassGate, origin: Origin) -> None:
    scope: dict[str, Any] = {"type": "http", "path": "/", "headers": [], "state": {STATE_KEY: "anything"}}
    sent = await _speak(gate, scope)
    assert sent[0]["status"] == 403
    assert origin.seen == []


async def _speak(app: ASGIApp, scope: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_a_websocket_needs_a_pass_too(gate: PassGate, origin: Origin, clock: ManualClock) -> None:
    scope: dict[str, Any] = {"type": "websocket", "path": "/live", "headers": []}
    assert (await _speak(gate, scope))[0] == {"type": "websocket.close", "code": 1008, "reason": "Pass needed"}

    knows_denial = {**scope, "extensions": {"websocket.http.response": {}}}
    started, _ = await _speak(gate, knows_denial)
    assert (started["type"], started["status"]) == ("websocket.http.response.start", 403)
    assert origin.seen == []

    allowed = {**scope, "headers": [(b"ecluse-pass", pass_for("s-1", clock).encode())]}
    assert await _speak(gate, allowed) == [{"type": "websocket.accept"}]


def test_a_gate_without_a_key_does_not_start(origin: Origin) -> None:
    with pytest.raises(ValueError, match="at least one key"):
        PassGate(origin, keys=[], room=ROOM)
