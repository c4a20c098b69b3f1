"""What a protected service may tell the gateway in its answers (docs/pass.md). The visitor sees neither."""

from typing import Protocol


class _Headers(Protocol):
    def __setitem__(self, name: str, value: str, /) -> None: ...


class HasHeaders(Protocol):
    """A response of Django, Flask, Starlette, FastAPI or anything else with `headers` to set by name."""

    @property
    def headers(self) -> _Headers:
        """The headers of the answer."""
        ...


def end_session(response: HasHeaders) -> None:
    """The visit is finished with this answer: its capacity is free, its pass opens nothing more."""
    response.headers["Ecluse-Command"] = "end-session"


def tell_slots_left(response: HasHeaders, slots: int) -> None:
    """How many slots are left; the board shows it within a second or two. Raises ValueError below zero."""
    if slots < 0:
        raise ValueError("slots left cannot be fewer than none")
    response.headers["Ecluse-Slots-Left"] = str(slots)
