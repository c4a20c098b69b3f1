"""What a person takes home: the confirmation page with its code and calendar file, and the letters about it."""

import base64
from io import BytesIO

import segno
from starlette.requests import Request
from starlette.responses import Response

from booking_backend.calendar_file import calendar_file
from booking_backend.mailing import Letter, Postbox
from booking_backend.pages import Pages
from booking_backend.slots import Booking
from booking_backend.store import SlotStore
from booking_backend.texts import Words


class Confirmations:
    """Pages and letters about a booking that stands, or stood."""

    def __init__(self, store: SlotStore, pages: Pages, postbox: Postbox) -> None:
        self._store = store
        self._pages = pages
        self._postbox = postbox

    @property
    def mail(self) -> bool:
        """Whether letters are sent."""
        return self._postbox.open

    def page(self, request: Request, made: Booking, *, status: int, switch_to: str = "") -> Response:
        """The confirmation; nothing on it needs the visit any more, not even the calendar file."""
        service, site = self._store.service_and_site(made.slot)
        calendar = self._calendar(self._pages.words(request), made)
        return self._pages.page(
            request, "booking.html", status=status, booking=made, service=service, site=site, switch_to=switch_to,
            code=_data_url("image/svg+xml", _code(made.reference)), calendar=_data_url("text/calendar", calendar),
            mail=self.mail and made.applicant.email,
        )  # fmt: skip

    def _calendar(self, words: Words, made: Booking) -> bytes:
        service, site = self._store.service_and_site(made.slot)
        description = words.say("mail.reference", reference=made.reference) + "\n" + words.say("booking.bring_value")
        place = f"{words.named(site.names)}, {site.address}, {site.postcode} {site.city}"
        return calendar_file(
            uid=made.reference, starts_at=made.slot.starts_at, minutes=self._store.minutes(made.slot.service_id),
            words=(words.named(service.names), place, description), now=self._store.now,
        )  # fmt: skip

    def write(self, words: Words, booking: Booking, event: str) -> None:
        """Write to the person, if they gave an address; `event` is made, moved or cancelled."""
        if not booking.applicant.email or not self.mail:
            return
        service, site = self._store.service_and_site(booking.slot)
        when = words.say(
            "booking.when_value", day=words.day(words.day_of(booking.slot.starts_at)),
            time=words.time(booking.slot.starts_at),
        )  # fmt: skip
        stands = event != "cancelled"
        lines = [
            words.say(f"mail.{event}"), "", words.named(service.names), when,
            f"{words.named(site.names)}, {site.address}, {site.postcode} {site.city}",
            words.say("mail.reference", reference=booking.reference), "",
            words.say("booking.bring_value") if stands else words.say("mine.cancelled.lead"),
            *([words.say("mail.change")] if stands else []), "", words.say("office"),
        ]  # fmt: skip
        self._postbox.post(
            Letter(
                to=booking.applicant.email, to_name=booking.applicant.name, lang=words.lang,
                subject=f"{words.say(f'mail.{event}')} {when}", text="\n".join(lines) + "\n",
                calendar=self._calendar(words, booking) if stands else None,
            )
        )  # fmt: skip


def _code(reference: str) -> bytes:
    """The reference as a QR code, dark on white in every colour scheme, for the reader at the counter."""
    svg = BytesIO()
    segno.make(reference, error="m", micro=False).save(svg, kind="svg", scale=4, border=4, light="#fff")
    return svg.getvalue()


def _data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
