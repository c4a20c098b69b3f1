"""For those who have an appointment: find it again, give it up, or begin to move it.

Finding and giving up take nothing from anybody, so an operator may let these addresses (`/my/`) past the line; moving
takes a new place and goes through it. A reference has 49 random bits, so that guessing one is hopeless.
"""

from collections.abc import Mapping, Sequence

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from booking_backend.answers import STATUS, see_other
from booking_backend.confirmations import Confirmations
from booking_backend.forms import person_of, read_form, visit_of
from booking_backend.pages import Pages
from booking_backend.persons import Persons
from booking_backend.slots import MOVES_MAX, Booking, Refusal, tidy_number, tidy_reference
from booking_backend.store import SlotStore

_CHARS_MAX = 60
_log = structlog.get_logger("booking")


class Mine:
    """The pages about one's own appointment."""

    def __init__(self, store: SlotStore, pages: Pages, persons: Persons, confirmations: Confirmations) -> None:
        self._store = store
        self._pages = pages
        self._persons = persons
        self._confirmations = confirmations

    @property
    def routes(self) -> Sequence[Route]:
        """Where each page lives."""
        return [
            Route("/my/", self.ask),
            Route("/my/appointment", self.show, methods=["POST"]),
            Route("/my/appointment", self.to_ask),
            Route("/my/cancellation", self.cancel, methods=["POST"]),
            Route("/my/cancellation", self.to_ask),
            Route("/move", self.ask_to_move),
            Route("/move", self.move, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """GET /my/: which appointment?"""
        return self._ask(request, "/my/appointment", request.query_params.get("reference", ""))

    async def ask_to_move(self, request: Request) -> Response:
        """GET /move: which appointment, and that one goes on to choose another time."""
        return self._ask(request, "/move", request.query_params.get("reference", ""))

    def _ask(self, request: Request, action: str, reference: str, refused: Refusal | None = None) -> Response:
        return self._pages.page(
            request, "find.html", status=STATUS[refused] if refused else 200, action=action,
            reference=reference[:_CHARS_MAX], refused=refused.value if refused else "",
            switch_to="/move" if action == "/move" else "/my/",
        )  # fmt: skip

    async def show(self, request: Request) -> Response:
        """POST /my/appointment (`reference`, `file_number`): the appointment, and what can be done with it."""
        form = await read_form(request)
        found = await self._store.find(*_named(form), person_of(request))
        if isinstance(found, Refusal):
            return self._ask(request, "/my/appointment", form.get("reference", ""), found)
        service, site = self._store.service_and_site(found.slot)
        return self._pages.page(
            request, "mine.html", booking=found, service=service, site=site, may_move=found.moves < MOVES_MAX,
            past=found.slot.starts_at <= self._store.now, switch_to="",
        )  # fmt: skip

    async def cancel(self, request: Request) -> Response:
        """POST /my/cancellation (`reference`, `file_number`): give it up."""
        form = await read_form(request)
        ended = await self._store.cancel(*_named(form), person_of(request))
        if isinstance(ended, Refusal):
            return self._ask(request, "/my/appointment", form.get("reference", ""), ended)
        _log.info("booking_cancelled", service=ended.slot.service_id, slot=ended.slot.id)
        self._confirmations.write(self._pages.words(request), ended, "cancelled")
        return self._cancelled(request, ended)

    def _cancelled(self, request: Request, ended: Booking) -> Response:
        return self._pages.page(request, "cancelled.html", booking=ended, switch_to="")

    async def move(self, request: Request) -> Response:
        """POST /move (`reference`, `file_number`): from now on, this visit chooses another time for it."""
        form = await read_form(request)
        reference, number = _named(form)
        if not self._persons.is_visitor(request, number):
            return self._ask(request, "/move", form.get("reference", ""), Refusal.OTHER_PERSON)
        moving = await self._store.start_moving(visit_of(request), reference, number)
        if isinstance(moving, Refusal):
            return self._ask(request, "/move", form.get("reference", ""), moving)
        return see_other(f"/services/{moving.slot.service_id}")

    async def to_ask(self, request: Request) -> Response:
        """GET of an address that only forms are sent to."""
        return see_other("/my/")


def _named(form: Mapping[str, str]) -> tuple[str, str]:
    reference, number = (form.get(name, "")[:_CHARS_MAX] for name in ("reference", "file_number"))
    return tidy_reference(reference), tidy_number(number)
