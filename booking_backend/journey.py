"""The visitor's way from a time to a confirmation, without JavaScript: hold, details, check, confirm.

Every refusal is a page that says why and what to do next; what was typed is kept with the hold.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from booking_backend.answers import END_SESSION, STATUS, see_other, sorry
from booking_backend.choosing import Choosing
from booking_backend.confirmations import Confirmations
from booking_backend.forms import draft_of, path_text, read_form, row_id, visit_of
from booking_backend.pages import Pages
from booking_backend.persons import Persons
from booking_backend.slots import Booking, Busy, Draft, Hold, Mistake, Refusal, Slot
from booking_backend.store import SlotStore

_CHOOSE_AGAIN = (Refusal.TAKEN, Refusal.PAST, Refusal.LAPSED, Refusal.NOT_OPEN)
_SAID_ON_THE_FORM = (Refusal.NUMBER_USED, Refusal.NO_MORE_TIME, Refusal.TOO_MANY, Refusal.CANCELLED_OFTEN)
_log = structlog.get_logger("booking")


class Journey:
    """The pages of one store, from a chosen time on."""

    def __init__(
        self, store: SlotStore, pages: Pages, persons: Persons, choosing: Choosing, confirmations: Confirmations
    ) -> None:
        self._store = store
        self._pages = pages
        self._persons = persons
        self._choosing = choosing
        self._confirmations = confirmations

    @property
    def routes(self) -> Sequence[Route]:
        """Where each page lives."""
        return [
            Route("/holds", self.place_hold, methods=["POST"]),
            Route("/holds", self.to_start),
            Route("/holds/{hold}", self.details),
            Route("/holds/{hold}/details", self.check_details, methods=["POST"]),
            Route("/holds/{hold}/details", self.to_details),
            Route("/holds/{hold}/extend", self.extend, methods=["POST"]),
            Route("/holds/{hold}/extend", self.to_details),
            Route("/holds/{hold}/confirm", self.confirm, methods=["POST"]),
            Route("/holds/{hold}/confirm", self.check),
            Route("/bookings/{reference}", self.confirmation),
        ]

    async def place_hold(self, request: Request) -> Response:
        """POST /holds (`slot`): keep a place for five minutes, then ask for the details."""
        form = await read_form(request)
        slot_id = row_id(form.get("slot", "")) or 0
        placed = await self._store.place_hold(visit_of(request), slot_id)
        if isinstance(placed, Refusal):
            return await self._refused(request, placed, await self._store.slot(slot_id))
        _log.info("hold_placed", slot=slot_id)
        return see_other(f"/holds/{placed.id}/confirm" if placed.moves else f"/holds/{placed.id}")

    async def details(self, request: Request) -> Response:
        """GET /holds/{hold}: the form; once confirmed, the way to the confirmation."""
        visit, hold_id = visit_of(request), path_text(request, "hold")
        hold = await self._store.hold(visit, hold_id)
        if hold:
            return see_other(f"/holds/{hold_id}/confirm") if hold.moves else await self._form(request, hold)
        done = await self._store.booking(visit, hold_id=hold_id)
        return see_other(f"/bookings/{done.reference}") if done else sorry(self._pages, request, "no_hold", 404)

    async def check_details(self, request: Request) -> Response:
        """POST /holds/{hold}/details: keep what was typed; if it is right, show it once more before it counts."""
        draft = draft_of(await read_form(request))
        visit, hold_id = visit_of(request), path_text(request, "hold")
        mistakes = self._persons.applicant(request, draft)
        try:
            if isinstance(mistakes, dict):
                return await self._mistaken(request, draft, mistakes)
            await self._store.keep_draft(visit, hold_id, draft)
        except Busy:
            return await self._still_busy(request, draft)
        return see_other(f"/holds/{hold_id}/confirm")

    async def check(self, request: Request) -> Response:
        """GET /holds/{hold}/confirm: everything in one place, to look over and confirm."""
        hold = await self._store.hold(visit_of(request), path_text(request, "hold"))
        if hold is None:
            return await self.details(request)
        applicant = self._persons.applicant(request, hold.draft)
        moved = await self._store.moving(visit_of(request)) if hold.moves else None
        if moved is None and isinstance(applicant, dict):
            return see_other(f"/holds/{hold.id}")
        return await self._hold_page(
            request, "check.html", hold, applicant=moved.applicant if moved else applicant, moved=moved,
            switch_to=f"/holds/{hold.id}/confirm",
        )  # fmt: skip

    async def _form(
        self, request: Request, hold: Hold, *, mistakes: Mapping[str, Mistake] | None = None, refused: str = "",
        status: int = 200,
    ) -> Response:  # fmt: skip
        return await self._hold_page(
            request, "hold.html", hold, status=status, mistakes=mistakes or {}, refused=refused,
            mail=self._confirmations.mail, switch_to=f"/holds/{hold.id}",
        )  # fmt: skip

    async def _hold_page(
        self, request: Request, name: str, hold: Hold, *, status: int = 200, **context: object
    ) -> Response:
        service, site = self._store.service_and_site(hold.slot)
        minutes_left = max(1, math.ceil((hold.expires_at - self._store.now) / 60))
        return self._pages.page(
            request, name, status=status, hold=hold, service=service, site=site, minutes_left=minutes_left, **context
        )

    async def extend(self, request: Request) -> Response:
        """POST /holds/{hold}/extend: five more minutes; what was typed so far is kept."""
        form = await read_form(request)
        visit, hold_id = visit_of(request), path_text(request, "hold")
        extended = await self._store.extend(visit, hold_id, draft_of(form) if "name" in form else None)
        if isinstance(extended, Refusal):
            return await self._refused_details(request, extended, hold_id)
        return see_other(f"/holds/{hold_id}" + ("" if "name" in form else "/confirm"))

    async def confirm(self, request: Request) -> Response:
        """POST /holds/{hold}/confirm: answers with the confirmation itself, for the visit ends with it.

        The details are those checked before; a form that brings them along has them checked and confirmed in one.
        """
        form = await read_form(request)
        visit, hold_id = visit_of(request), path_text(request, "hold")
        hold = await self._store.hold(visit, hold_id)
        draft = draft_of(form) if "name" in form or hold is None else hold.draft
        applicant = self._persons.applicant(request, draft)
        moves = hold is not None and hold.moves != ""
        try:
            if isinstance(applicant, dict) and hold is not None and not moves:
                return await self._mistaken(request, draft, applicant)
            who = None if isinstance(applicant, dict) else applicant
            made = await self._store.confirm(visit, hold_id, draft, who)
        except Busy:
            return await self._still_busy(request, draft)
        if isinstance(made, Refusal):
            _log.info("booking_refused", reason=made.value)
            return await self._refused_details(request, made, hold_id)
        return await self._confirmed(request, made)

    async def _confirmed(self, request: Request, made: Booking) -> Response:
        if made.fresh:
            event = "booking_moved" if made.moved else "booking_confirmed"
            _log.info(event, service=made.slot.service_id, slot=made.slot.id)
            self._confirmations.write(self._pages.words(request), made, "moved" if made.moved else "made")
        answer = self._confirmations.page(request, made, status=201 if made.fresh else 200)
        answer.headers["content-location"] = f"/bookings/{made.reference}"
        answer.headers.append(*END_SESSION)
        return answer

    async def _mistaken(self, request: Request, draft: Draft, mistakes: Mapping[str, Mistake]) -> Response:
        visit, hold_id = visit_of(request), path_text(request, "hold")
        await self._store.keep_draft(visit, hold_id, draft)
        hold = await self._store.hold(visit, hold_id)
        if hold:
            return await self._form(request, hold, mistakes=mistakes, status=422)
        return await self.details(request)

    async def _still_busy(self, request: Request, draft: Draft) -> Response:
        """The same form with what was typed, although nothing could be written down."""
        hold = await self._store.hold(visit_of(request), path_text(request, "hold"))
        if hold is None:
            return sorry(self._pages, request, "no_hold", 404)
        answer = await self._form(request, replace(hold, draft=draft), refused="busy", status=503)
        answer.headers["retry-after"] = "5"
        return answer

    async def confirmation(self, request: Request) -> Response:
        """GET /bookings/{reference}: the confirmation again, while the visit lasts."""
        reference = path_text(request, "reference")
        made = await self._store.booking(visit_of(request), reference=reference)
        if made is None:
            return sorry(self._pages, request, "no_booking", 404)
        return self._confirmations.page(request, made, status=200, switch_to=f"/bookings/{made.reference}")

    async def _refused_details(self, request: Request, refusal: Refusal, hold_id: str) -> Response:
        hold = await self._store.hold(visit_of(request), hold_id)
        if hold and not hold.moves and refusal in _SAID_ON_THE_FORM:
            return await self._form(request, hold, refused=refusal.value, status=STATUS[refusal])
        return await self._refused(request, refusal, hold.slot if hold else None)

    async def _refused(self, request: Request, refusal: Refusal, slot: Slot | None) -> Response:
        if slot and refusal in _CHOOSE_AGAIN:
            return await self._choosing.after_refusal(request, slot, refusal.value)
        booked = None
        if slot and refusal is Refusal.ALREADY_BOOKED:
            booked = await self._store.booking(visit_of(request), service_id=slot.service_id)
        reference = booked.reference if booked else ""
        return sorry(self._pages, request, refusal.value, STATUS[refusal], reference=reference)

    async def to_start(self, request: Request) -> Response:
        """GET /holds: nothing to see; the way begins at the services."""
        return see_other("/")

    async def to_details(self, request: Request) -> Response:
        """GET of an address that only forms are sent to, for example after a reload: back to the form."""
        return see_other(f"/holds/{request.path_params['hold']}")
