"""What the pages share: status of a refusal, the sorry page, redirects, the end of a visit."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from booking_backend.pages import SECURITY_HEADERS, Pages
from booking_backend.slots import Refusal

END_SESSION = ("ecluse-command", "end-session")
"""Tells the gateway that the visit is finished: its capacity is free for the next."""
STATUS: Mapping[Refusal, int] = {
    **dict.fromkeys(Refusal, 409),
    Refusal.NO_SLOT: 404,
    Refusal.NO_HOLD: 404,
    Refusal.NOT_FOUND: 404,
    Refusal.OTHER_PERSON: 403,
}


def see_other(path: str) -> Response:
    """Go on with a GET of a path of ours."""
    return RedirectResponse(path, 303, headers=SECURITY_HEADERS)


def sorry(pages: Pages, request: Request, reason: str, status: int, *, reference: str = "") -> Response:
    """A page that says why not (`reason`, a `refusal.` key of texts) and where to go on."""
    return pages.page(request, "sorry.html", status=status, reason=reason, reference=reference)
