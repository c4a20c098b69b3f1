"""What a booking hub asks of us, machine to machine, shaped after the public conventions of the French one (ANTS).

Reached without a pass but with a token of its own in `X-HUB-RDV-AUTH-TOKEN`; a room that lets it past the line names
`/partners/` in its `open_paths`. Source: rdv-service-public, docs/interconnexions/ants.md.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from booking_backend.forms import row_id
from booking_backend.pages import SECURITY_HEADERS, Pages
from booking_backend.partners_openapi import DAYS_MAX, IDS_MAX, PEOPLE_MAX, document
from booking_backend.slots import Slot
from booking_backend.store import SlotStore

HEADER = "x-hub-rdv-auth-token"
_FILE_NUMBER = re.compile(r"[0-9A-Z]{10}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
Answering = Callable[[Request], Awaitable[Response]]


class Unclear(Exception):
    """The question cannot be read; the message says which parameter and why."""


class Partners:
    """The hub's three questions, and the document that describes them. Without a token there is nobody to answer."""

    def __init__(self, store: SlotStore, pages: Pages, *, tokens: Sequence[str], public_url: str = "") -> None:
        self._store = store
        self._pages = pages
        self._tokens = [token.encode() for token in tokens]
        self._public_url = public_url.rstrip("/")

    @property
    def routes(self) -> Sequence[Route]:
        """Where each answer lives."""
        if not self._tokens:
            return []
        return [
            Route("/partners/getManagedMeetingPoints", self._for_partners(self.meeting_points)),
            Route("/partners/availableTimeSlots", self._for_partners(self.time_slots)),
            Route("/partners/searchApplicationIds", self._for_partners(self.applications)),
            Route("/partners/openapi.json", self.openapi),
        ]

    def _for_partners(self, answering: Answering) -> Answering:
        async def answer(request: Request) -> Response:
            given = request.headers.get(HEADER, "").encode()
            # Every token is compared, so that the time it takes tells nothing.
            if not sum(hmac.compare_digest(given, token) for token in self._tokens):
                return _problem(401, "A valid token is needed in the header X-HUB-RDV-AUTH-TOKEN.")
            try:
                return await answering(request)
            except Unclear as error:
                return _problem(422, str(error))

        return answer

    async def meeting_points(self, request: Request) -> Response:
        """GET getManagedMeetingPoints: every site."""
        words = self._pages.words(request)
        points = [
            {
                "id": str(site.id), "name": words.named(site.names), "longitude": site.longitude,
                "latitude": site.latitude, "public_entry_address": site.address, "zip_code": site.postcode,
                "city_name": site.city, "website": f"{self._public_url}/",
            }
            for site in self._store.sites
        ]  # fmt: skip
        return _json(points)

    async def time_slots(self, request: Request) -> Response:
        """GET availableTimeSlots: free times by site, between two days, for a service and a number of people.

        Of a longer time the first DAYS_MAX days are told.
        """
        ids = _several(request, "meeting_point_ids", lambda text: row_id(text) is not None)
        first, last = _date(request, "start_date"), _date(request, "end_date")
        last = min(last, first + timedelta(days=DAYS_MAX - 1))
        service_id = row_id(_one(request, "reason") or "")
        if service_id is None:
            raise Unclear("reason: the id of a service, a whole number")
        people = row_id(_one(request, "documents_number") or "1")
        if people is None or people > PEOPLE_MAX:
            raise Unclear(f"documents_number: how many people come, 1 to {PEOPLE_MAX}")
        words = self._pages.words(request)
        span = (words.midnight(first), words.midnight(last + timedelta(days=1)))
        slots = await self._store.slots(service_id, starts=span, free=True)
        return _json(
            {
                point: [self._offer(slot, words.day_of(slot.starts_at)) for slot in slots if slot.free >= people
                        and str(slot.site_id) == point]
                for point in ids
            }
        )  # fmt: skip

    def _offer(self, slot: Slot, day: date) -> Mapping[str, str]:
        path = f"/services/{slot.service_id}/sites/{slot.site_id}/{day.isoformat()}"
        return {"datetime": _rfc3339(slot.starts_at), "callback_url": self._public_url + path}

    async def applications(self, request: Request) -> Response:
        """GET searchApplicationIds: the appointments to come of each file number."""
        ids = _several(request, "application_ids", _FILE_NUMBER.fullmatch)
        words, found = self._pages.words(request), await self._store.to_come(ids)
        sites = {site.id: words.named(site.names) for site in self._store.sites}
        return _json(
            {
                number: [
                    {
                        "meeting_point": sites[each.slot.site_id], "datetime": _rfc3339(each.slot.starts_at),
                        "management_url": f"{self._public_url}/my/?reference={each.reference}",
                        "cancel_url": f"{self._public_url}/my/?reference={each.reference}",
                    }
                    for each in found
                    if each.applicant.file_number == number
                ]
                for number in ids
            }
        )  # fmt: skip

    async def openapi(self, request: Request) -> Response:
        """GET openapi.json: open to all."""
        return _json(document(self._public_url))


def _one(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise Unclear(f"{name}: once only")
    return values[0] if values else None


def _several(request: Request, name: str, good: Callable[[str], object]) -> list[str]:
    values = list(dict.fromkeys(request.query_params.getlist(name)))
    if not 1 <= len(values) <= IDS_MAX or not all(good(value) for value in values):
        raise Unclear(f"{name}: 1 to {IDS_MAX} of them, each well written")
    return values


def _date(request: Request, name: str) -> date:
    text = _one(request, name) or ""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else date.min
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 3000:
        raise Unclear(f"{name}: a date such as 2027-01-15")
    return day


def _rfc3339(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(body: object, status: int = 200, media_type: str = "application/json") -> Response:
    return JSONResponse(body, status, headers=SECURITY_HEADERS, media_type=media_type)


def _problem(status: int, detail: str) -> Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return _json(body, status, "application/problem+json")
