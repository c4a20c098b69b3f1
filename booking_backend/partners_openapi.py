"""The OpenAPI document of the partner interface. Pure."""

from typing import Any

IDS_MAX = 50
DAYS_MAX = 62
PEOPLE_MAX = 9
_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date", "pattern": "^2[0-9]{3}-"}
_LAST_DAY = {**_DAY, "description": f"Included; {DAYS_MAX} days are told at most"}
_MOMENT = {"type": "string", "format": "date-time"}


def document(public_url: str) -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Appointments, for partners", "version": "1",
            "description": "What a booking hub asks: the sites, their free times, the appointments of a file number.",
        },
        "servers": [{"url": public_url or "/"}],
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-HUB-RDV-AUTH-TOKEN"}},
            "schemas": {
                "MeetingPoint": _object(
                    id=_TEXT, name=_TEXT, longitude={"type": "number"}, latitude={"type": "number"},
                    public_entry_address=_TEXT, zip_code=_TEXT, city_name=_TEXT, website=_TEXT,
                ),
                "TimeSlot": _object(datetime=_MOMENT, callback_url=_TEXT),
                "Appointment": _object(meeting_point=_TEXT, datetime=_MOMENT, management_url=_TEXT, cancel_url=_TEXT),
                "Problem": _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT),
            },
            "responses": {each: _problem(each) for each in ("401", "422", "503")},
        },
        "paths": {
            "/partners/getManagedMeetingPoints": _get("Every site", _list("MeetingPoint"), []),
            "/partners/availableTimeSlots": _get("Free times by site", _lists("TimeSlot"), [
                _ids("meeting_point_ids", "[1-9][0-9]{0,8}", "Sites"),
                _parameter("start_date", _DAY, required=True),
                _parameter("end_date", _LAST_DAY, required=True),
                _parameter("reason", _number(999_999_999, "A service"), required=True),
                _parameter("documents_number", _number(PEOPLE_MAX, "How many people come"), required=False),
            ]),
            "/partners/searchApplicationIds": _get("Appointments to come by file number", _lists("Appointment"), [
                _ids("application_ids", "[0-9A-Z]{10}", "File numbers"),
            ]),
        },
    }  # fmt: skip


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _number(most: int, what: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": what}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _reference(name)}


def _lists(name: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _list(name)}


def _problem(status: str) -> dict[str, Any]:
    texts = {"401": "No valid token", "422": "A parameter cannot be read", "503": "Very busy; nothing is lost"}
    return {"description": texts[status], "content": {"application/problem+json": {"schema": _reference("Problem")}}}


def _get(summary: str, schema: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    failures = ("401", "422", "503") if parameters else ("401", "503")
    responses: dict[str, Any] = {each: {"$ref": f"#/components/responses/{each}"} for each in failures}
    responses["200"] = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


def _parameter(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _ids(name: str, pattern: str, what: str) -> dict[str, Any]:
    items = {"type": "string", "pattern": f"^{pattern}$"}
    schema = {"type": "array", "minItems": 1, "maxItems": IDS_MAX, "items": items, "description": what}
    return {**_parameter(name, schema, required=True), "style": "form", "explode": True}
