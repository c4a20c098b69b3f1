"""The same service as JSON, for programs such as the crowd simulator. Refusals are RFC 9457 problems.

Times are RFC 3339 in UTC. A problem's `reason` is one of `slots.Refusal` or of the few in `forms`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from booking_backend.answers import END_SESSION, STATUS
from booking_backend.forms import draft_of, read_json, row_id, visit_of
from booking_backend.pages import SECURITY_HEADERS, Pages
from booking_backend.persons import Persons
from booking_backend.slots import Refusal
from booking_backend.store import SlotStore

SLOTS_MAX = 200
_log = structlog.get_logger("booking")


class Interface:
    """The JSON addresses of one store."""

    def __init__(self, store: SlotStore, pages: Pages, persons: Persons) -> None:
        self._store = store
        self._pages = pages
        self._persons = persons

    @property
    def routes(self) -> Sequence[Route]:
        """Where each answer lives."""
        return [
            Route("/api/services", self.services),
            Route("/api/services/{service}/slots", self.slots),
            Route("/api/bookings", self.book, methods=["POST"]),
        ]

    async def services(self, request: Request) -> Response:
        """GET: `{services: [{id, name: {fr, en}, free, slots_url}]}`."""
        found = [
            {"id": each.id, "name": each.names, "free": each.free, "slots_url": f"/api/services/{each.id}/slots"}
            for each in await self._store.services()
        ]
        return _json({"services": found})

    async def slots(self, request: Request) -> Response:
        """GET: `{service, slots: [{id, site_id, starts_at, free, capacity}]}`, the soonest with a place.

        At most SLOTS_MAX; `?site=` keeps to one site.
        """
        service_id, site = row_id(request.path_params["service"]), request.query_params.get("site")
        if service_id not in {each.id for each in await self._store.services()}:
            return self.problem(request, "not_found", 404)
        site_id = None if site is None else row_id(site) or 0
        free = await self._store.slots(service_id, site_id=site_id, free=True, limit=SLOTS_MAX)
        found = [
            {
                "id": each.id, "site_id": each.site_id, "starts_at": _rfc3339(each.starts_at), "free": each.free,
                "capacity": each.capacity,
            }
            for each in free
        ]  # fmt: skip
        return _json({"service": service_id, "slots": found})

    async def book(self, request: Request) -> Response:
        """POST `{slot_id, name, file_number}`: 201 `{reference, slot_id, starts_at}`; 200 if this was done before."""
        body = await read_json(request)
        slot_id, name, number = body.get("slot_id"), body.get("name"), body.get("file_number")
        well_typed = isinstance(slot_id, int) and not isinstance(slot_id, bool) and isinstance(name, str)
        if not well_typed or not isinstance(number, str) or not isinstance(name, str):
            return self.problem(request, "bad_form", 422, expected="slot_id: integer, name: text, file_number: text")
        applicant = self._persons.applicant(request, draft_of({"name": name, "file_number": number}))
        if isinstance(applicant, dict):
            words = self._pages.words(request)
            errors = {field: words.say(f"mistake.{mistake}") for field, mistake in applicant.items()}
            return self.problem(request, "bad_form", 422, errors=errors)
        made = await self._store.book(visit_of(request), row_id(str(slot_id)) or 0, applicant)
        if isinstance(made, Refusal):
            _log.info("booking_refused", reason=made.value)
            return self.problem(request, made.value, STATUS[made])
        if made.fresh:
            _log.info("booking_confirmed", service=made.slot.service_id, slot=made.slot.id)
        booked = {"reference": made.reference, "slot_id": made.slot.id, "starts_at": _rfc3339(made.slot.starts_at)}
        answer = _json(booked, 201 if made.fresh else 200)
        answer.headers["location"] = f"/bookings/{made.reference}"
        answer.headers.append(*END_SESSION)
        return answer

    def problem(self, request: Request, reason: str, status: int, **members: object) -> Response:
        """A refusal in the visitor's language; `members` are its extension members."""
        detail = self._pages.words(request).say(f"refusal.{reason}")
        body = {
            "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail,
            "reason": reason, **members,
        }  # fmt: skip
        return _json(body, status, "application/problem+json")


def _json(body: Mapping[str, object], status: int = 200, media_type: str = "application/json") -> Response:
    return JSONResponse(body, status, headers=SECURITY_HEADERS, media_type=media_type)


def _rfc3339(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
