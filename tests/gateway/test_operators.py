"""The operator interface over HTTP: who may do what, what is refused, and that a change is live and on record."""

import hashlib
import json
from typing import Any

import pytest

from tests.gateway.visitor import ROOM, Answer, Visitor
from tests.gateway.whole import ADMIN_KEY, OPERATOR_KEY, VIEWER_KEY, OpenWhole, eventually

API = "/_ecluse/api/v1"
SALLE = f"{API}/rooms/salle"


class Desk:
    """An operator with a key."""

    def __init__(self, visitor: Visitor, key: str = OPERATOR_KEY) -> None:
        self.visitor, self.key = visitor, key
        visitor.accept = "application/json"

    async def ask(self, method: str, path: str, document: object = None, **headers: str) -> Answer:
        body = b"" if document is None else json.dumps(document).encode()
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        return await self.visitor.ask(method, path, given | {n.replace("_", "-"): v for n, v in headers.items()}, body)

    async def set(self, **fields: object) -> Answer:
        return await self.ask("PATCH", SALLE, fields)


CALLS = [
    ("GET", f"{API}/me", None),
    ("GET", f"{API}/rooms", None),
    ("GET", SALLE, None),
    ("GET", f"{SALLE}/journal", None),
    ("GET", f"{SALLE}/sessions/AAAAAAAAAAA", None),
    ("PATCH", SALLE, {"burst": 3}),
    ("PUT", f"{SALLE}/slots-left", {"slots_left": 3}),
    ("DELETE", f"{SALLE}/sessions/AAAAAAAAAAA", None),
]


@pytest.mark.parametrize(("method", "path", "document"), CALLS)
async def test_nothing_is_told_or_done_without_a_key(
    open_whole: OpenWhole, method: str, path: str, document: object
) -> None:
    whole = await open_whole()
    visitor = await whole.occupied()
    wrong = ["", "wrong", OPERATOR_KEY[:-1], OPERATOR_KEY + "x", "é", visitor.granted, OPERATOR_KEY.upper()]
    for key in wrong:
        answer = await Desk(whole.visitor(), key).ask(method, path, document)
        assert (answer.status, answer.problem) == (401, "key-needed"), key
        assert answer.get("www-authenticate") == "Bearer"
    by_cookie = await Visitor(whole.ports[0], {"authorization": f"Bearer {OPERATOR_KEY}"}, "*/*").ask(method, path)
    assert by_cookie.status == 401
    assert not (await Desk(whole.visitor()).ask("GET", f"{SALLE}/journal")).json()["entries"]


@pytest.mark.parametrize(("method", "path", "document"), [call for call in CALLS if call[0] != "GET"])
async def test_a_viewer_looks_and_changes_nothing(
    open_whole: OpenWhole, method: str, path: str, document: object
) -> None:
    whole = await open_whole()
    viewer = Desk(whole.visitor(), VIEWER_KEY)
    assert (await viewer.ask("GET", f"{API}/rooms")).status == 200
    answer = await viewer.ask(method, path, document)
    assert (answer.status, answer.problem) == (403, "role-too-low")
    assert (await Desk(whole.visitor(), ADMIN_KEY).ask("GET", SALLE)).json()["version"] == 0


async def test_a_room_is_described_as_it_is(open_whole: OpenWhole) -> None:
    whole = await open_whole(burst=2)
    await whole.occupied()
    await whole.admitted()
    await whole.waiting()
    await whole.turn()
    desk = Desk(whole.visitor())
    answer = await desk.ask("GET", SALLE)
    assert (answer.status, answer.get("etag"), answer.get("cache-control")) == (200, '"0"', "no-store")
    found = answer.json()
    assert (found["id"], found["mode"], found["pace_per_minute"], found["burst"]) == ("salle", "open", 6, 2)
    assert (found["joins"], found["admissions"], found["waiting"] + found["called"], found["left"]) == (3, 2, 1, 0)
    assert 0 < found["show_rate"] <= 1
    assert (await desk.ask("GET", f"{API}/rooms")).json()["rooms"][0]["id"] == "salle"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"pace_per_minute": 0}, ["pace_per_minute"]),
        ({"pace_per_minute": -5}, ["pace_per_minute"]),
        ({"pace_per_minute": "12"}, ["pace_per_minute"]),
        ({"pace_per_minute": True}, ["pace_per_minute"]),
        ({"pace_per_minute": 1e308}, ["pace_per_minute"]),
        ({"pace_per_minute": float("inf")}, ["pace_per_minute"]),
        ({"pace_per_minute": float("nan")}, ["pace_per_minute"]),
        ({"pace_per_minute": None}, ["pace_per_minute"]),
        ({"burst": 0}, ["burst"]),
        ({"burst": 1.5}, ["burst"]),
        ({"capacity": -1}, ["capacity"]),
        ({"capacity": [1]}, ["capacity"]),
        ({"mode": "shut"}, ["mode"]),
        ({"mode": "closed"}, ["reason"]),
        ({"mode": "paused", "reason": "  "}, ["reason"]),
        ({"burst": 2, "reason": 7}, ["reason"]),
        ({"burst": 2, "reason": "x" * 501}, ["reason"]),
        ({"notice": 5}, ["notice"]),
        ({"notice": {"fr": 5}}, ["notice"]),
        ({"notice": {"fr": "x" * 3000}}, ["notice"]),
        ({"pace": "fast"}, ["pace"]),
        ({"origin": "http://127.0.0.1:6379"}, ["origin"]),
        ({"burst": 0, "capacity": -1, "mode": "x", "surprise": 1}, ["burst", "capacity", "mode", "surprise"]),
    ],
)
async def test_a_wrong_change_is_refused_whole_with_every_mistake(
    open_whole: OpenWhole, fields: dict[str, Any], wrong: list[str]
) -> None:
    whole = await open_whole()
    desk = Desk(whole.visitor())
    answer = await desk.set(**{"pace_per_minute": 30.0, **fields})
    assert (answer.status, answer.problem) == (400, "bad-input")
    assert all(f"{name}: " in answer.json()["detail"] for name in wrong)
    found = (await desk.ask("GET", SALLE)).json()
    assert (found["version"], found["pace_per_minute"]) == (0, 6)
    assert not (await desk.ask("GET", f"{SALLE}/journal")).json()["entries"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b"[" * 4000,
        b'{"burst": 2, "reason": "\\ud800"}',
        b'{"notice": {"\\udfff": "a"}}',
        b'{"\\ud800": 1}',
    ],
)
async def test_a_change_that_is_no_json_object_is_refused(open_whole: OpenWhole, body: bytes) -> None:
    whole = await open_whole()
    key = {"authorization": f"Bearer {OPERATOR_KEY}"}
    answer = await whole.program().ask("PATCH", SALLE, key, body)
    assert (answer.status, answer.problem) == (400, "bad-input")
    assert (await whole.program().ask("PATCH", SALLE, key, b" " * 5000)).problem == "body-too-large"


async def test_a_change_is_in_force_everywhere_within_a_second_and_loses_no_place(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2)
    await whole.occupied()
    visitors = [await whole.waiting() for _ in range(3)]
    await whole.turn()
    before = (await whole.everything())["line"]
    notice = {"fr": "Pause <b>technique</b>", "en": "A short break"}
    changed = await Desk(whole.visitor()).set(mode="paused", pace_per_minute=12, notice=notice, reason="panne")
    assert (changed.status, changed.get("etag")) == (200, '"1"')
    assert (changed.json()["mode"], changed.json()["pace_per_minute"]) == ("paused", 12)
    whole.advance(0.25)
    await whole.ticks["salle"].turn()

    async def on_both_boards() -> bool:
        boards = [(await whole.program(gateway).get(f"{ROOM}/board.json")).json() for gateway in (0, 1)]
        return all((b["phase"], b["pace_per_minute"], b["notice"]) == ("paused", 12, notice) for b in boards)

    await eventually(on_both_boards, 1.0)
    page = await visitors[0].get("/", accept_language="fr")
    assert "Pause &lt;b&gt;technique&lt;/b&gt;" in page.text
    assert (await whole.everything())["line"] == before
    await whole.turns(30)
    assert not (await whole.everything())["called"]
    assert (await Desk(whole.visitor(1)).set(mode="open")).status == 200
    await whole.called(visitors[0])


async def test_a_change_made_for_an_older_version_is_refused(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    desk = Desk(whole.visitor())
    etag = (await desk.ask("GET", SALLE)).get("etag") or ""
    first = await desk.ask("PATCH", SALLE, {"burst": 3}, if_match=etag)
    assert (first.status, first.get("etag")) == (200, '"1"')
    late = await desk.ask("PATCH", SALLE, {"burst": 4}, if_match=etag)
    assert (late.status, late.problem) == (412, "version-conflict")
    assert (await desk.ask("PATCH", SALLE, {"burst": 4}, if_match="*")).status == 200
    assert (await desk.ask("PATCH", SALLE, {"burst": 5}, if_match="nonsense")).problem == "bad-input"
    assert (await desk.ask("GET", SALLE)).json()["burst"] == 4


async def test_the_journal_says_who_when_from_to_and_why_and_its_chain_can_be_recomputed(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    inside = await whole.admitted()
    desk, chef = Desk(whole.visitor()), Desk(whole.visitor(), ADMIN_KEY)
    await desk.set(pace_per_minute=12, reason="beau temps")
    await chef.set(mode="paused", burst=3, reason="panne à l'origine")
    await chef.set(burst=3)
    session = inside.ticket.split("~")[3]
    assert (await desk.ask("DELETE", f"{SALLE}/sessions/{session}?reason=abus")).status == 204
    entries = (await desk.ask("GET", f"{SALLE}/journal")).json()["entries"]
    assert [(each["who"], each["action"], each["reason"]) for each in entries] == [
        ("astreinte", "revoke", "abus"), ("chef", "settle", "panne à l'origine"), ("astreinte", "settle", "beau temps"),
    ]  # fmt: skip
    assert entries[1]["changes"] == [
        {"field": "mode", "from": "open", "to": "paused"}, {"field": "burst", "from": 1, "to": 3},
    ]  # fmt: skip
    assert entries[2]["changes"] == [{"field": "pace_per_minute", "from": 6.0, "to": 12.0}]
    assert all(each["at"].endswith("Z") for each in entries)
    previous = ""
    for entry in reversed(entries):
        told = {name: value for name, value in entry.items() if name not in ("id", "hash")}
        assert told["previous"] == previous
        document = json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        previous = hashlib.sha256(f"{previous}\n{document}".encode()).hexdigest()
        assert entry["hash"] == previous
    assert len((await desk.ask("GET", f"{SALLE}/journal?limit=1")).json()["entries"]) == 1
    for limit in ("0", "x", "1001", "-1", "²"):
        assert (await desk.ask("GET", f"{SALLE}/journal?limit={limit.replace('²', '%C2%B2')}")).problem == "bad-input"
    for before in ("x", "0-0", "00-0", "1-", "-1"):
        assert (await desk.ask("GET", f"{SALLE}/journal?before={before}")).problem == "bad-input"
    assert (await desk.ask("GET", f"{SALLE}/journal?before=0-1")).json() == {"entries": []}


async def test_a_revoked_visit_is_over_at_once(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2, mode="queueing")
    visitor = await whole.admitted()
    session = visitor.ticket.split("~")[3]
    desk = Desk(whole.visitor())
    found = (await desk.ask("GET", f"{SALLE}/sessions/{session}")).json()
    assert found["id"] == session
    assert found["started_at_ms"] < found["expires_at_ms"]
    assert (await desk.ask("DELETE", f"{SALLE}/sessions/{session}")).status == 204
    assert (await visitor.twin().get("/")).text.startswith("<!")

    async def dead_elsewhere() -> bool:
        return (await visitor.twin(whole.ports[1]).get("/")).text.startswith("<!")

    await eventually(dead_elsewhere, 1.0)
    for method in ("GET", "DELETE"):
        again = await desk.ask(method, f"{SALLE}/sessions/{session}")
        assert (again.status, again.problem) == (404, "unknown-session")
    assert (await visitor.twin().claim()).problem == "gone"


async def test_slots_left_can_be_told_by_hand(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    desk = Desk(whole.visitor())
    assert (await desk.ask("PUT", f"{SALLE}/slots-left", {"slots_left": 7})).status == 204
    await whole.turn(1.5)
    assert (await whole.program().get(f"{ROOM}/board.json")).json()["slots_left"] == 7
    for wrong in (-1, 1.5, "7", True, None, 10**10):
        assert (await desk.ask("PUT", f"{SALLE}/slots-left", {"slots_left": wrong})).problem == "bad-input"


async def test_unknown_rooms_and_addresses_are_problems(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    desk = Desk(whole.visitor())
    for method, path, document in CALLS:
        if "salle" in path:
            answer = await desk.ask(method, path.replace("salle", "nowhere"), document)
            assert (answer.status, answer.problem) == (404, "unknown-room"), path
    for path in ("", "/", "/nothing", "/rooms/", "/rooms/salle/nothing"):
        assert (await desk.ask("GET", API + path)).problem == "not-found", path
    refused = await desk.ask("POST", SALLE)
    assert (refused.status, refused.get("allow")) == (405, "GET, HEAD, PATCH")
    assert (await desk.ask("PUT", f"{SALLE}/invitations")).get("allow") == "GET, HEAD, POST"
    assert (await desk.ask("PUT", f"{SALLE}/sessions/AAAAAAAAAAA")).get("allow") == "DELETE, GET, HEAD"
