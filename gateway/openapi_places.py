"""The OpenAPI 3.1 description of the places of helpers: what `gateway.aides` serves to their programs."""

from collections.abc import Mapping
from typing import Any

from ecluse.services.places import STATES
from gateway.openapi_parts import COUNTED, TEXT, TIME, answers, body, text_in_path

AIDE_KEY: Mapping[str, Any] = {
    "helper": {"type": "http", "scheme": "bearer", "description": "The key of a helper; operators have others."}
}
_SECONDS = {"type": ["integer", "null"], "minimum": 0}
_PLACE = {
    "type": "object",
    "required": ["room", "id", "lane", "state", "moved"],
    "properties": {
        **dict.fromkeys(("room", "id", "lane", "code", "url", "qr_url", "code_url"), TEXT),
        "ticket": {"type": "string", "description": "The signed ticket; told once, when the place is taken"},
        "state": {"type": "string", "enum": sorted({state.value for state in STATES.values()})},
        "kind": {"type": "string", "enum": ["undrawn", "drawn", "number"]},
        "number": {"type": "integer"},
        "place": {"type": "number"},
        "ahead": COUNTED,
        "wait_seconds": {"type": "object", "properties": {"p50": _SECONDS, "p90": _SECONDS}},
        "next_poll_seconds": {"type": "number"},
        "claim_until": {"type": ["string", "null"], "format": "date-time"},
        "moved": {"type": "boolean"},
        "moved_at": TIME,
    },
}
PLACE_SCHEMAS: Mapping[str, Any] = {
    "Place": _PLACE,
    "Places": {
        "type": "object",
        "required": ["quota", "places"],
        "properties": {
            "quota": COUNTED,
            "places": {"type": "array", "items": {"$ref": "#/components/schemas/Place"}},
        },
    },
    "TakePlace": {
        "type": "object",
        "properties": {
            **dict.fromkeys(("lane", "person"), TEXT),
            "confirm": {"type": "boolean", "description": "Take over the place that this person has"},
        },
    },
    "Admission": {"type": "object", "properties": {"pass": TEXT, "expires_at": TIME, "location": TEXT}},
    "Extended": {"type": "object", "properties": {"claim_until": TIME}},
}


def _call(summary: str, told: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"summary": summary, "security": [{"helper": []}], "responses": dict(told), **more}


def _paths() -> dict[str, Any]:
    room, place = text_in_path("room"), text_in_path("place")
    taken = {
        **answers("201", "A place, with its signed ticket", "Place"),
        **answers("200", "The place that this person had, taken over", "Place"),
    }
    picture = answers("200", "The picture")
    picture["200"]["content"] = {"image/svg+xml": {"schema": TEXT}}
    one = "/rooms/{room}/places/{place}"
    return {
        "/rooms/{room}/places": {
            "parameters": [room],
            "get": _call("The helper's places that are not over", answers("200", "The places", "Places")),
            "post": _call("Take a place for somebody", taken, requestBody={**body("TakePlace"), "required": False}),
        },
        one: {
            "parameters": [room, place],
            "get": _call("Where a place stands", answers("200", "The place", "Place")),
            "delete": _call("Give a place up", answers("204", "Given up")),
        },
        f"{one}/qr.svg": {"parameters": [room, place], "get": _call("The QR of a place's code", picture)},
        f"{one}/claim": {
            "parameters": [room, place],
            "post": _call("Enter with a place that is called", answers("200", "The pass", "Admission")),
        },
        f"{one}/extend": {
            "parameters": [room, place],
            "post": _call("More time for a place that is called", answers("200", "Until when", "Extended")),
        },
        f"{one}/rejoin": {
            "parameters": [room, place],
            "post": _call("Take a missed turn back, once", answers("200", "The place", "Place")),
        },
    }


PLACES: Mapping[str, Any] = _paths()
