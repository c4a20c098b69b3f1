"""The description of the operator interface: well formed, and true to the routes there are."""

import json
import re
from typing import Any

from ecluse.services.operations import LIMITS
from gateway.console import Console
from gateway.inviting import Inviting
from gateway.openapi import document
from gateway.operators import Operators
from tests.gateway.test_aides import HELPERS, ROOMS, Aide
from tests.gateway.test_operators import SALLE, Desk
from tests.gateway.whole import OpenWhole


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    found = document("https://rdv.example.fr")
    names = set(found["components"]["schemas"])
    led = {reference.removeprefix("#/components/schemas/") for reference in _references(found)}
    assert led == names
    assert json.loads(json.dumps(found)) == found


async def test_every_route_is_described_and_every_description_has_a_route(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    base = "/_ecluse/api/v1"
    described = {
        (path, method.upper())
        for path, item in document("")["paths"].items()
        for method in item
        if method in ("get", "put", "post", "patch", "delete")
    }
    console = Console(whole.settings, whole.secrets, whole.clock)
    operators = Operators(whole.edges[0].directory, console, "", whole.clock)
    routed = {
        (route.path.removeprefix(base), method)  # type: ignore[attr-defined]
        for route in [*operators.routes, *Inviting(operators, "").routes]
        for method in (route.methods or set()) - {"HEAD"}  # type: ignore[attr-defined]
    }
    tails = whole.edges[0]._desk._places._actions
    of_places = {
        (f"/rooms/{{room}}/places{'/{place}' if named else ''}{tail.decode()}", method) for method, named, tail in tails
    }
    assert described == (routed - {("/openapi.json", "GET")}) | of_places
    served = (await whole.program().get(f"{base}/openapi.json")).json()
    assert served["servers"] == [{"url": "http://rdv.example.fr/_ecluse/api/v1"}]
    assert served["paths"] == document("")["paths"]


async def test_what_is_told_of_a_place_for_somebody_is_what_is_described(open_whole: OpenWhole) -> None:
    whole = await open_whole(rooms=ROOMS, settings={"helper": HELPERS})
    await whole.occupied()
    taken = await Aide(whole, "mairie").take()
    described = set(document("")["components"]["schemas"]["Place"]["properties"])
    assert {"room", "id", "lane", "state", "moved", "ticket", "code", "url", "qr_url"} <= set(taken) <= described


async def test_what_is_told_of_a_room_its_minutes_and_its_journal_is_what_is_described(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    schemas, desk = document("")["components"]["schemas"], Desk(whole.program())
    await whole.turns(61)
    await desk.set(burst=3)
    room = (await desk.ask("GET", SALLE)).json()
    (minute,) = (await desk.ask("GET", f"{SALLE}/series?minutes=1")).json()["minutes"]
    (entry,) = (await desk.ask("GET", f"{SALLE}/journal")).json()["entries"]
    assert set(room) <= set(schemas["Room"]["properties"])
    assert set(minute) == set(schemas["Series"]["properties"]["minutes"]["items"]["properties"])
    assert set(entry) <= set(schemas["Journal"]["properties"]["entries"]["items"]["properties"])


def test_path_parameters_are_all_declared() -> None:
    for path, item in document("")["paths"].items():
        declared = {each["name"] for each in item.get("parameters", []) if each["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_the_limits_told_are_the_limits_checked() -> None:
    change = document("")["components"]["schemas"]["Change"]["properties"]
    for name, (low, high) in LIMITS.items():
        assert (change[name]["minimum"], change[name]["maximum"]) == (low, high)
