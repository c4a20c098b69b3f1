"""The visitor's way through the pages, without JavaScript: service, time, details, confirmation.

Every refusal is a page that says why and what to do next; what was typed is kept with the hold.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from booking_backend.forms import draft_of, read_form, row_id, session_of
from booking_backend.pages import SECURITY_HEADERS, Pages
from booking_backend.slots import Booking, Busy, Draft, Hold, Mistake, Refusal, Slot, parse_applicant
from booking_backend.store import SlotStore

END_SESSION = ("ecluse-command", "end-session")
"""Tells the gateway that the visit is finished: its capacity is free for the next."""
STATUS: Mapping[Refusal, int] = {
    Refusal.TAKEN: 409,
    Refusal.PAST: 409,
    Refusal.NO_SLOT: 404,
    Refusal.NO_HOLD: 404,
    Refusal.LAPSED: 409,
    Refusal.NO_MORE_TIME: 409,
    Refusal.ALREADY_BOOKED: 409,
    Refusal.NUMBER_USED: 409,
}
_CHOOSE_AGAIN = (Refusal.TAKEN, Refusal.PAST, Refusal.LAPSED)
_log = structlog.get_logger("booking")


class Journey:
    """The pages of one store."""

    def __init__(self, store: SlotStore, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    @property
    def routes(self) -> Sequence[Route]:
        """Where each page lives."""
        return [
            Route("/", self.services),
            Route("/services/{service}", self.service),
            Route("/holds", self.place_hold, methods=["POST"]),
            Route("/holds", self.to_start),
            Route("/holds/{hold}", self.details),
            Route("/holds/{hold}/extend", self.extend, methods=["POST"]),
            Route("/holds/{hold}/extend", self.to_details),
            Route("/holds/{hold}/confirm", self.confirm, methods=["POST"]),
            Route("/holds/{hold}/confirm", self.to_details),
            Route("/bookings/{reference}", self.confirmation),
        ]

    async def services(self, request: Request) -> Response:
        """GET /: what one can come for."""
        return self._pages.page(request, "services.html", services=await self._store.services())

    async def service(self, request: Request) -> Response:
        """GET /services/{service}?day=2025-11-24: its days, and the times of one."""
        service_id = row_id(request.path_params["service"])
        return await self._times(request, service_id or 0, wanted=request.query_params.get("day", ""))

    async def _times(
        self, request: Request, service_id: int, *, wanted: str, refused: str = "", status: int = 200
    ) -> Response:
        found = [each for each in await self._store.services() if each.id == service_id]
        if not found:
            return self.sorry(request, "not_found", 404)
        words = self._pages.words(request)
        slots = await self._store.slots(service_id)
        days = {day: list(group) for day, group in groupby(slots, lambda slot: words.day_of(slot.starts_at))}
        free = {day: sum(slot.free for slot in each) for day, each in days.items()}
        first_free = next((day for day, places in free.items() if places), None)
        day = _day(wanted) if _day(wanted) in days else first_free
        open_slots = [slot for slot in days.get(day, []) if slot.free] if day else []
        switch_to = f"/services/{service_id}" + (f"?day={day.isoformat()}" if day else "")
        return self._pages.page(
            request, "service.html", status=status, service=found[0], days=free, day=day, slots=open_slots,
            refused=refused, switch_to=switch_to,
        )  # fmt: skip

    async def place_hold(self, request: Request) -> Response:
        """POST /holds (`slot`): keep a place for five minutes, then ask for the details."""
        form = await read_form(request)
        slot_id = row_id(form.get("slot", "")) or 0
        placed = await self._store.place_hold(session_of(request), slot_id)
        if isinstance(placed, Refusal):
            return await self._refused(request, placed, await self._store.slot(slot_id))
        _log.info("hold_placed", slot=slot_id)
        return _see_other(f"/holds/{placed.id}")

    async def details(self, request: Request) -> Response:
        """GET /holds/{hold}: the form; once confirmed, the way to the confirmation."""
        session, hold_id = session_of(request), request.path_params["hold"]
        hold = await self._store.hold(session, hold_id)
        if hold:
            return await self._form(request, hold)
        done = await self._store.booking(session, hold_id=hold_id)
        return _see_other(f"/bookings/{done.reference}") if done else self.sorry(request, "no_hold", 404)

    async def _form(
        self,
        request: Request,
        hold: Hold,
        *,
        mistakes: Mapping[str, Mistake] | None = None,
        refused: str = "",
        status: int = 200,
    ) -> Response:
        services = {each.id: each for each in await self._store.services()}
        return self._pages.page(
            request, "hold.html", status=status, hold=hold, service=services[hold.slot.service_id],
            minutes_left=max(1, math.ceil((hold.expires_at - self._store.now) / 60)), mistakes=mistakes or {},
            refused=refused, switch_to=f"/holds/{hold.id}",
        )  # fmt: skip

    async def extend(self, request: Request) -> Response:
        """POST /holds/{hold}/extend: five more minutes; what was typed so far is kept."""
        form = await read_form(request)
        session, hold_id = session_of(request), request.path_params["hold"]
        extended = await self._store.extend(session, hold_id, draft_of(form))
        if isinstance(extended, Refusal):
            return await self._refused_details(request, extended, hold_id)
        return _see_other(f"/holds/{hold_id}")

    async def confirm(self, request: Request) -> Response:
        """POST /holds/{hold}/confirm: answers with the confirmation itself, for the visit ends with it."""
        draft = draft_of(await read_form(request))
        session, hold_id = session_of(request), request.path_params["hold"]
        applicant = parse_applicant(draft)
        try:
            if isinstance(applicant, dict):
                return await self._mistaken(request, draft, applicant)
            made = await self._store.confirm(session, hold_id, draft, applicant)
        except Busy:
            return await self._still_busy(request, draft)
        if isinstance(made, Refusal):
            _log.info("booking_refused", reason=made.value)
            return await self._refused_details(request, made, hold_id)
        if made.fresh:
            _log.info("booking_confirmed", service=made.slot.service_id, slot=made.slot.id)
        answer = await self._confirmation(request, made, status=201 if made.fresh else 200)
        answer.headers["content-location"] = f"/bookings/{made.reference}"
        answer.headers.append(*END_SESSION)
        return answer

    async def _mistaken(self, request: Request, draft: Draft, mistakes: Mapping[str, Mistake]) -> Response:
        session, hold_id = session_of(request), request.path_params["hold"]
        await self._store.keep_draft(session, hold_id, draft)
        hold = await self._store.hold(session, hold_id)
        if hold:
            return await self._form(request, hold, mistakes=mistakes, status=422)
        return await self.details(request)

    async def _still_busy(self, request: Request, draft: Draft) -> Response:
        """The same form with what was typed, although nothing could be written down."""
        hold = await self._store.hold(session_of(request), request.path_params["hold"])
        if hold is None:
            return self.sorry(request, "no_hold", 404)
        unsaved = Hold(
            id=hold.id, session=hold.session, slot=hold.slot, expires_at=hold.expires_at, live=hold.live,
            extensions=hold.extensions, draft=draft,
        )  # fmt: skip
        answer = await self._form(request, unsaved, refused="busy", status=503)
        answer.headers["retry-after"] = "5"
        return answer

    async def confirmation(self, request: Request) -> Response:
        """GET /bookings/{reference}: the confirmation again, while the visit lasts."""
        reference = request.path_params["reference"]
        made = await self._store.booking(session_of(request), reference=reference)
        if made is None:
            return self.sorry(request, "no_booking", 404)
        return await self._confirmation(request, made, status=200, switch_to=f"/bookings/{made.reference}")

    async def _confirmation(self, request: Request, made: Booking, *, status: int, switch_to: str = "") -> Response:
        services = {each.id: each for each in await self._store.services()}
        return self._pages.page(
            request, "booking.html", status=status, booking=made, service=services[made.slot.service_id],
            switch_to=switch_to,
        )  # fmt: skip

    async def _refused_details(self, request: Request, refusal: Refusal, hold_id: str) -> Response:
        hold = await self._store.hold(session_of(request), hold_id)
        if hold and refusal in (Refusal.NUMBER_USED, Refusal.NO_MORE_TIME):
            return await self._form(request, hold, refused=refusal.value, status=STATUS[refusal])
        return await self._refused(request, refusal, hold.slot if hold else None)

    async def _refused(self, request: Request, refusal: Refusal, slot: Slot | None) -> Response:
        if slot and refusal in _CHOOSE_AGAIN:
            day = self._pages.words(request).day_of(slot.starts_at).isoformat()
            status = STATUS[refusal]
            return await self._times(request, slot.service_id, wanted=day, refused=refusal.value, status=status)
        booked = None
        if slot and refusal is Refusal.ALREADY_BOOKED:
            booked = await self._store.booking(session_of(request), service_id=slot.service_id)
        return self.sorry(request, refusal.value, STATUS[refusal], reference=booked.reference if booked else "")

    def sorry(self, request: Request, reason: str, status: int, *, reference: str = "") -> Response:
        """A page that says why not (`reason`, a `refusal.` key of texts) and where to go on."""
        return self._pages.page(request, "sorry.html", status=status, reason=reason, reference=reference)

    async def to_start(self, request: Request) -> Response:
        """GET /holds: nothing to see; the way begins at the services."""
        return _see_other("/")

    async def to_details(self, request: Request) -> Response:
        """GET of an address that only forms are sent to, for example after a reload: back to the form."""
        return _see_other(f"/holds/{request.path_params['hold']}")


def _see_other(path: str) -> Response:
    return RedirectResponse(path, 303, headers=SECURITY_HEADERS)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
