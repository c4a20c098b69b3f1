"""Robots: what scripts do to a line, and what it must not win them."""

from random import Random

from loadtests.answers import WrongAnswer
from loadtests.booking import book, watch_slots
from loadtests.forging import forge_on, replay
from loadtests.moves import Moves, Step, pause
from loadtests.site import JSON
from loadtests.together import in_company
from loadtests.visitor import Late, Visitor
from loadtests.waiting import at_once, enter, take_place, wait

FARMED = 15
"""Sessions of one farm."""
SHARERS = 50
"""How many a shared admission is handed to."""
_REFRESHES, _REFRESH_SECONDS = 30, 2.0
_IMPATIENCE_SECONDS = 0.3


def invented_address(random: Random) -> str:
    """An address that nobody has, as a script claims it in X-Forwarded-For."""
    return ".".join(str(random.randint(1, 254)) for _ in range(4))


def _get_in(visitor: Visitor) -> Moves[bool]:
    """Wait, and enter as soon as it is called; whether it is inside."""
    if not visitor.is_inside:
        yield from wait(visitor)
    return visitor.is_inside or (yield from enter(visitor, after_seconds=0.2))


def _book_at_once(visitor: Visitor) -> Moves[str]:
    if not (yield from _get_in(visitor)):
        return "missed"
    return (yield from book(visitor, at_once))


def slot_refresher(visitor: Visitor) -> Moves[str]:
    """Once inside it looks at the slots every other second, for a better one, until it books or is put out."""
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    if not (yield from _get_in(visitor)):
        return "missed"
    for _ in range(_REFRESHES):
        try:
            yield from watch_slots(visitor)
        except WrongAnswer:
            # Put out in the middle: a session has an end, and that is what should happen.
            return "put out"
        yield from pause(_REFRESH_SECONDS)
    return (yield from book(visitor, at_once))


def session_farm(visitor: Visitor) -> Moves[str]:
    """Many jars and invented addresses behind one script: each session gets the place of one visitor, and no more."""
    sessions = [visitor, *(visitor.companion() for _ in range(FARMED - 1))]
    for each in sessions:
        each.address = invented_address(each.random)
    return (yield from in_company(sessions, _farmed, apart_seconds=0.1))


def _farmed(visitor: Visitor) -> Moves[str]:
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    return (yield from _book_at_once(visitor))


def forger(visitor: Visitor) -> Moves[str]:
    """Takes a genuine place, then tries to get in with passes and tickets that nobody issued."""
    yield from visitor.patiently(visitor.join)
    yield from take_place(visitor)
    yield from forge_on(visitor, rounds=visitor.random.randint(10, 30))
    yield from visitor.patiently(visitor.leave)
    return "forged"


def replayer(visitor: Visitor) -> Moves[str]:
    """Books with a genuine admission, then hands its pass and ticket to fifty others: they open nothing any more."""
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    if not (yield from _get_in(visitor)):
        return "missed"
    granted, ticket = visitor.proofs
    outcome = yield from book(visitor, at_once)
    if outcome == "booked":
        # A visit ends everywhere within a second or two of its booking.
        yield from pause(3.0)
        yield from replay(visitor, granted, ticket, times=SHARERS)
    return outcome


def stampede(visitor: Visitor) -> Moves[str]:
    """Knocks and claims three times a second whatever it is told, Retry-After or not."""
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    while not visitor.is_inside:
        try:
            yield from visitor.send(Step.STAMPEDE, "GET", "/api/services", {200, 429}, headers=JSON)
            if (yield from visitor.claim()) is None:
                break
        except Late:
            return "missed"
        except WrongAnswer as wrong:
            visitor.tally.note_wrong(wrong)
        yield from pause(_IMPATIENCE_SECONDS)
    return (yield from book(visitor, at_once))
