"""The waiting page as somebody without JavaScript has it: its state, when it reloads itself, and its forms."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from loadtests.answers import Count, WrongAnswer

PageState = Literal[
    "waiting", "called", "missed", "gone", "none", "full", "paused", "closed", "prequeue", "drawing", "over", "admitted"
]
_MAIN = re.compile(r"<main\b[^>]*\bdata-room=[^>]*>")
_ATTRIBUTE = re.compile(r'\bdata-(room|state|ahead|id)="([^"]*)"')
_REFRESH = re.compile(r'<noscript><meta http-equiv="refresh" content="(\d+)')
_FORM = re.compile(r'<form method="post" action="([^"]+)"')


class WaitingPage(BaseModel):
    """What the page says, to whoever only has the page."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    room: str
    state: PageState
    ahead: Count | None = None
    refresh_seconds: int | None = Field(default=None, gt=0)
    forms: tuple[str, ...] = ()


def read_page(body: bytes) -> WaitingPage | None:
    """The waiting page in `body`; None if this is another page, the origin's. Raises WrongAnswer."""
    text = body.decode("utf-8", "replace")
    main = _MAIN.search(text)
    if main is None:
        return None
    found: dict[str, object] = dict(_ATTRIBUTE.findall(main.group(0)))
    refresh = _REFRESH.search(text)
    found["refresh_seconds"] = refresh and refresh.group(1)
    found["forms"] = tuple(_FORM.findall(text))
    try:
        return WaitingPage.model_validate(found)
    except ValueError as error:
        raise WrongAnswer("WaitingPage unreadable", str(error).splitlines()[-2].strip()) from None
