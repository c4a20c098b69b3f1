"""What only ASGI has: WebSockets, a state, a lifespan."""

from typing import Any

import pytest

from ecluse.clock import ManualClock
from ecluse.origin import PASS_KEY, STATE_KEY, PassGate
from tests.ecluse.origin.asked import KEY, ROOM, pass_for


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def gate(seen: list[Any], clock: ManualClock) -> PassGate:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await send({"type": "websocket.accept"})

    return PassGate(app, rooms=ROOM, keys=KEY, open_paths=["/open/"], clock=clock)


async def speak(app: PassGate, scope: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_a_websocket_needs_a_pass_too(gate: PassGate, seen: list[Any], clock: ManualClock) -> None:
    scope: dict[str, Any] = {"type": "websocket", "path": "/live", "headers": []}
    assert (await speak(gate, scope))[0] == {"type": "websocket.close", "code": 1008, "reason": "Pass needed"}

    knows_denial = {**scope, "extensions": {"websocket.http.response": {}}}
    started, _ = await speak(gate, knows_denial)
    assert (started["type"], started["status"]) == ("websocket.http.response.start", 403)
    assert seen == []

    allowed = {**scope, "headers": [(b"ecluse-pass", pass_for("s-1", clock).encode())]}
    assert await speak(gate, allowed) == [{"type": "websocket.accept"}]


async def test_the_pass_is_in_the_state_that_starlette_shows(
    gate: PassGate, seen: list[Any], clock: ManualClock
) -> None:
    headers = [(b"ecluse-pass", pass_for("s-1", clock).encode())]
    given = {"type": "http", "path": "/", "headers": headers, "state": {"database": 1}}
    await speak(gate, given)
    assert seen[0]["state"][STATE_KEY].session == "s-1"
    assert seen[0]["state"]["database"] == 1
    assert STATE_KEY not in given["state"], "a state that requests share tells nobody of another's visit"


async def test_a_pass_in_the_scope_from_elsewhere_counts_for_nothing(gate: PassGate, seen: list[Any]) -> None:
    lies = {PASS_KEY: "anything", "state": {STATE_KEY: "anything"}, "method": "GET", "type": "http", "headers": []}
    assert (await speak(gate, {**lies, "path": "/"}))[0]["status"] == 403
    assert seen == []
    await speak(gate, {**lies, "path": "/open/"})
    assert (seen[0][PASS_KEY], STATE_KEY in seen[0]["state"]) == (None, False)


async def test_the_lifespan_goes_through_as_it_is(gate: PassGate, seen: list[Any]) -> None:
    scope = {"type": "lifespan", "state": {}}
    await speak(gate, scope)
    assert seen[0] is scope
