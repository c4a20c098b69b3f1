"""What a simulated visitor does, as values: ask something, or pause. Knows no network and no clock.

A persona is a generator of moves; a driver (`crowd.py` on asyncio, `locustfile.py` on gevent) carries them out and
sends each answer back into it. The same persona so runs in the demo, in load scenarios and in tests.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar


class Step(StrEnum):
    """What a request is for; the label under which it is counted."""

    PAGE = "open page"
    JOIN = "join"
    BOARD = "board"
    TICKET = "ticket"
    CLAIM = "claim"
    LEAVE = "leave"
    SERVICES = "services"
    SLOTS = "slots"
    BOOK = "book"
    FORGE = "forge"
    STAMPEDE = "stampede"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, and the statuses that are a right answer to it."""

    step: Step
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    expected: frozenset[int]


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Times are seconds of one monotonic clock."""

    status: int
    """0: nothing came back; `error` says why."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    set_cookies: tuple[str, ...] = ()
    body: bytes = b""
    error: str = ""
    sent_at: float
    received_at: float


T = TypeVar("T")
Moves = Generator[Ask | Pause, Answer | None, T]
"""A driver sends the Answer of each Ask, and None after each Pause."""


def ask(request: Ask) -> Moves[Answer]:
    """Ask, and get the answer."""
    answer = yield request
    assert answer is not None
    return answer


def pause(seconds: float) -> Moves[None]:
    """Let time pass."""
    yield Pause(max(seconds, 0.0))


class Jar:
    """The cookies of one visitor, for one site (RFC 6265 §5.3, without paths and domains: ours are all of the site)."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def take(self, set_cookies: Iterable[str]) -> None:
        """Do what Set-Cookie headers say."""
        for line in set_cookies:
            pair, *attributes = line.split(";")
            name, _, value = pair.strip().partition("=")
            if any(each.strip().lower() == "max-age=0" for each in attributes):
                self._values.pop(name, None)
            elif name:
                self._values[name] = value

    def find(self, name: str) -> str | None:
        """The cookie called `name`, with or without the prefix that https brings."""
        return self._values.get(f"__Host-{name}", self._values.get(name))

    def drop(self, name: str) -> None:
        """Forget the cookie called `name`."""
        for each in (f"__Host-{name}", name):
            self._values.pop(each, None)

    def header(self, *, without: str = "") -> str:
        """The Cookie header, empty if there is nothing to send; `without` leaves one cookie out."""
        return "; ".join(
            f"{name}={value}"
            for name, value in self._values.items()
            if not without or name.removeprefix("__Host-") != without
        )
