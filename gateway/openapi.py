"""The OpenAPI 3.1 description of the interfaces of operators and helpers, from the limits the code itself checks."""

from typing import Any

from ecluse.domain.journal import Action
from ecluse.domain.room import Mode, PaceMode
from ecluse.services.invitations import COUNT_MOST
from ecluse.services.operations import BEACON_MAX_CHARS, LIMITS
from ecluse.services.series import COUNTED, MINUTES_KEPT
from ecluse.settings import Role
from gateway.openapi_parts import COUNTED as COUNT
from gateway.openapi_parts import PROBLEM_DOCUMENT, TEXT, TIME, answers, body, text_in_path
from gateway.openapi_places import AIDE_KEY, PLACE_SCHEMAS, PLACES


def _number(name: str, kind: str) -> dict[str, Any]:
    low, high = LIMITS[name]
    return {"type": kind, "minimum": low if kind == "number" else int(low), "maximum": int(high)}


def _schemas() -> dict[str, Any]:
    settings = {
        "pace_per_minute": _number("pace_per_minute", "number"),
        "burst": _number("burst", "integer"),
        "capacity": _number("capacity", "integer"),
        "mode": {"type": "string", "enum": [mode.value for mode in Mode]},
        "pace": {"type": "string", "enum": [pace.value for pace in PaceMode]},
        "notice": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    counted = {"type": "integer", "minimum": 0}
    room = {
        "id": {"type": "string"},
        "version": counted,
        "title": {"type": "object", "additionalProperties": {"type": "string"}},
        "phase": {"type": "string"},
        "stale": {"type": "boolean"},
        **settings,
        **dict.fromkeys(("waiting", "called", "admitted", "joins", "calls", "admissions", "missed", "left"), counted),
        "show_rate": {"type": ["number", "null"]},
        "claim_delay_seconds": {"type": ["number", "null"]},
        "window": {"type": ["object", "null"]},
        "lanes": {"type": "object"},
    }
    return {
        "Problem": PROBLEM_DOCUMENT,
        "Room": {"type": "object", "required": ["id", "version", "mode"], "properties": room},
        "Rooms": {
            "type": "object",
            "required": ["rooms"],
            "properties": {"rooms": {"type": "array", "items": {"$ref": "#/components/schemas/Room"}}},
        },
        "Change": {
            "type": "object",
            "additionalProperties": False,
            "properties": {**settings, "reason": {"type": "string", "maxLength": 500}},
        },
        "Journal": {
            "type": "object",
            "required": ["entries"],
            "properties": {"entries": {"type": "array", "items": _ENTRY}},
        },
        "Series": {
            "type": "object",
            "required": ["minutes"],
            "properties": {"minutes": {"type": "array", "items": _MINUTE}},
        },
        "Session": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "started_at_ms": counted, "expires_at_ms": counted},
        },
        "Me": _ME,
        "Beacon": _BEACON,
        "Invite": _INVITE,
        "Invitation": _INVITATION,
        "Invitations": {
            "type": "object",
            "properties": {"invitations": {"type": "array", "items": {"$ref": "#/components/schemas/Invitation"}}},
        },
        "SlotsLeft": {"type": "object", "required": ["slots_left"], "properties": {"slots_left": counted}},
    }


_CHANGED = {"type": "object", "properties": {"field": TEXT, "from": {}, "to": {}}}
_ENTRY = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("id", "hash", "previous", "who", "reason", "session", "ticket", "lane"), TEXT),
        "at": TIME,
        "action": {"type": "string", "enum": [action.value for action in Action]},
        "changes": {"type": "array", "items": _CHANGED},
        **{name: {"type": "object"} for name in ("draw", "beacon", "invitations")},
    },
}
_MINUTE = {
    "type": "object",
    "properties": {
        **{name: {"type": "integer", "minimum": 0} for name in ("at_ms", "waiting", "called", "admitted", *COUNTED)},
        "pace_per_minute": {"type": "number"},
    },
}
_TEXTS = {"type": "array", "items": TEXT}
_ME = {
    "type": "object",
    "required": ["name", "role"],
    "properties": {"name": TEXT, "role": {"type": "string", "enum": [role.value for role in Role]}},
}
_INVITE = {
    "type": "object",
    "required": ["lane", "issuer", "expires_at", "reason"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("lane", "issuer", "reason"), TEXT),
        "count": {"type": "integer", "minimum": 1, "maximum": COUNT_MOST},
        "expires_at": {"type": "string", "format": "date-time"},
    },
}
_INVITATION = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("id", "lane", "issuer", "reason"), TEXT),
        **dict.fromkeys(("count", "used"), COUNT),
        **dict.fromkeys(("issued_at", "expires_at"), TIME),
        **dict.fromkeys(("tokens", "links"), _TEXTS),
        "revoked": {"type": "boolean"},
    },
}
_BEACON = {
    "type": "object",
    "description": "A value with its source; or, where a round of drand decides, the signature of that round",
    "additionalProperties": False,
    "properties": {
        name: {"type": "string", "minLength": 1, "maxLength": BEACON_MAX_CHARS}
        for name in ("value", "source", "signature")
    },
}


def _count_in_query(name: str, most: int) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": most}}


def _invitation_paths() -> dict[str, Any]:
    room, batch = text_in_path("room"), text_in_path("batch")
    reason = {"name": "reason", "in": "query", "schema": {"type": "string"}}
    return {
        "/rooms/{room}/invitations": {
            "parameters": [room],
            "get": {
                "summary": "Batches of invitations: issued, used, revoked; without tokens",
                "responses": answers("200", "The batches", "Invitations"),
            },
            "post": {
                "summary": "Sign invitations to a lane, each for one place; their tokens are told this once",
                "requestBody": body("Invite"),
                "responses": answers("201", "The batch, with tokens and links", "Invitation"),
            },
        },
        "/rooms/{room}/invitations/{batch}": {
            "parameters": [room, batch],
            "delete": {
                "summary": "Take a batch back: what is not used yet opens nothing more",
                "parameters": [reason],
                "responses": answers("204", "Revoked"),
            },
        },
    }


def _paths() -> dict[str, Any]:
    room, session = text_in_path("room"), text_in_path("session")
    match = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
    limit, minutes = _count_in_query("limit", 1000), _count_in_query("minutes", MINUTES_KEPT)
    before = {"name": "before", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]{1,15}-[0-9]{1,10}$"}}
    reason = {"name": "reason", "in": "query", "schema": {"type": "string"}}
    return {
        "/rooms": {"get": {"summary": "Every room", "responses": answers("200", "The rooms", "Rooms")}},
        "/rooms/{room}": {
            "parameters": [room],
            "get": {"summary": "One room", "responses": answers("200", "The room; its version is the ETag", "Room")},
            "patch": {
                "summary": "Change live settings; in force everywhere within a second, written in the journal",
                "parameters": [match],
                "requestBody": body("Change"),
                "responses": answers("200", "The room after the change", "Room"),
            },
        },
        "/rooms/{room}/journal": {
            "parameters": [room],
            "get": {
                "summary": "Who changed what, when and why; newest first",
                "parameters": [limit, before],
                "responses": answers("200", "The entries", "Journal"),
            },
        },
        "/rooms/{room}/series": {
            "parameters": [room],
            "get": {
                "summary": "What the room did in each of the latest minutes, oldest first",
                "parameters": [minutes],
                "responses": answers("200", "An entry a minute", "Series"),
            },
        },
        "/rooms/{room}/slots-left": {
            "parameters": [room],
            "put": {
                "summary": "Say how many slots are left",
                "requestBody": body("SlotsLeft"),
                "responses": answers("204", "Noted"),
            },
        },
        "/rooms/{room}/beacon": {
            "parameters": [room],
            "put": {
                "summary": "Give the value that decides the draw, once the list of tickets is fixed; it is final",
                "requestBody": body("Beacon"),
                "responses": answers("204", "Taken; the draw goes on within a second"),
            },
        },
        "/rooms/{room}/sessions/{session}": {
            "parameters": [room, session],
            "get": {"summary": "A live visit", "responses": answers("200", "The visit", "Session")},
            "delete": {
                "summary": "End a visit: its pass opens nothing more",
                "parameters": [reason],
                "responses": answers("204", "Ended"),
            },
        },
    }


_PATH_OF_ME = {"/me": {"get": {"summary": "Who asks, and their role", "responses": answers("200", "Who asks", "Me")}}}
_WAYS_IN = {
    "key": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-ecluse_console",
        "description": "Of a browser signed in at /_ecluse/console/ (over http, `ecluse_console`). "
        "What changes something also needs `Ecluse-Console: 1` and to come from a page of this origin.",
    },
}


def document(public_url: str) -> dict[str, Any]:
    """The description, for a gateway reached at `public_url`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Écluse: operators and helpers", "version": "1"},
        "servers": [{"url": f"{public_url}/_ecluse/api/v1"}],
        "security": [{"key": []}, {"session": []}],
        "paths": {**_PATH_OF_ME, **_paths(), **_invitation_paths(), **PLACES},
        "components": {"schemas": {**_schemas(), **PLACE_SCHEMAS}, "securitySchemes": {**_WAYS_IN, **AIDE_KEY}},
    }
