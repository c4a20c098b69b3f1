"""What is written to a visitor who is away, in their language: plain text, no proof of a place in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import GNUTranslations

from ecluse.catalogues import TEMPLATES, catalogue_of, codes_in, with_base
from ecluse.domain.notify import Address, Event

_FALLBACK = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text for one visitor. `body` is for e-mail, `short` for a telephone."""

    event: Event
    address: Address
    subject: str
    body: str
    short: str


class Messages:
    """The texts of one room in every language there is."""

    def __init__(self, room: str, title: Mapping[str, str], public_url: str) -> None:
        self._room = room
        self._title = title
        self._url = f"{public_url}/_ecluse/rooms/{room}"
        self._catalogues = {code: catalogue_of([TEMPLATES], code) for code in codes_in([TEMPLATES])}

    def near(self, address: Address, ticket_id: str, wait_seconds: float) -> Message:
        """The turn is near."""
        words = self._words(address)
        plural = words.ngettext
        minutes = max(1, math.ceil(wait_seconds / 60))
        said = plural(
            "Your turn is near: about %(number)s minute.", "Your turn is near: about %(number)s minutes.", minutes
        ) % {"number": minutes}
        text = words.gettext
        then = text("Come back now to the page on which you took your place, on the same device:")
        return self._message(Event.NEAR, address, ticket_id, said, then)

    def called(self, address: Address, ticket_id: str) -> Message:
        """The turn has come."""
        text = self._words(address).gettext
        said = text("It is your turn!")
        then = text("Press Enter now, on the same device; you have a few minutes and can ask for more there:")
        return self._message(Event.CALLED, address, ticket_id, said, then)

    def _words(self, address: Address) -> GNUTranslations:
        return self._catalogues.get(address.lang) or self._catalogues[_FALLBACK]

    def _title_for(self, lang: str) -> str:
        found = next(
            (self._title[code] for code in (*with_base(lang), _FALLBACK, *self._title) if self._title.get(code)), ""
        )
        return " ".join(found.split()) or self._room

    def _message(self, event: Event, address: Address, ticket_id: str, said: str, then: str) -> Message:
        text = self._words(address).gettext
        title = self._title_for(address.lang)
        foot = [
            text(
                "Your ticket: %(id)s. This number helps the staff to find your place; it does not let anybody take it."
            ),
            text("Nobody can sell you a place, and nobody can make the line go faster for you."),
            text("You gave this address on the waiting page. It is deleted as soon as you enter or leave the line."),
        ]
        ending = "\n".join(foot) % {"id": ticket_id}
        return Message(
            event=event,
            address=address,
            subject=f"{said} {title}",
            body=f"{title}\n\n{said}\n\n{then}\n{self._url}\n\n-- \n{ending}\n",
            short=f"{title}: {said} {self._url}",
        )
