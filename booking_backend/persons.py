"""Whether a number is that of the person who has the place in line: with the room's person key, it can be told."""

from starlette.requests import Request

from booking_backend.forms import pass_of
from booking_backend.slots import Applicant, Draft, Mistake, parse_applicant, tidy_number
from ecluse.tokens import person_digest


class Persons:
    """Reads what applicants type. Without a key any number will do; with one, only that of the visit's pass."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()

    def applicant(self, request: Request, draft: Draft) -> Applicant | dict[str, Mistake]:
        """The applicant behind `draft`, or the mistake of each wrong field."""
        found = parse_applicant(draft)
        mistakes = found if isinstance(found, dict) else {}
        if "file_number" not in mistakes and not self.is_visitor(request, tidy_number(draft.file_number)):
            return {**mistakes, "file_number": Mistake.NUMBER_OTHER}
        return found

    def is_visitor(self, request: Request, number: str) -> bool:
        """Whether the pass is of the person with this number, as far as we can know; a pass of nobody is not."""
        granted = pass_of(request)
        campaign_ms, _, _ = (granted.person or "").partition("-")
        return not self._secret or (
            campaign_ms.isdecimal()
            and granted.person == person_digest(self._secret, granted.room, int(campaign_ms), number)
        )
