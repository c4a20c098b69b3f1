"""People: each persona is the way of one visitor, from arriving to being done, as a generator of moves."""

from loadtests.answers import TicketAnswer, WrongAnswer
from loadtests.booking import book
from loadtests.moves import Answer, Moves, Step, pause
from loadtests.page import WaitingPage, read_page
from loadtests.site import PAGE
from loadtests.together import in_company
from loadtests.visitor import Visitor
from loadtests.waiting import enter, take_place, thinking, wait, wait_enter_book

HELPED = 40
"""How many people a helper brings."""
_DEFAULT_RELOAD_SECONDS = 30.0
_PAGES_MOST = 2000


def applicant(visitor: Visitor) -> Moves[str]:
    """Opens the page, watches the board at its pace, presses Enter after a moment, books."""
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    return (yield from wait_enter_book(visitor))


def app(visitor: Visitor) -> Moves[str]:
    """A program or JSON front end: 429 and a ticket instead of a page, the ticket sent as a bearer token."""
    yield from visitor.patiently(visitor.call_service)
    yield from take_place(visitor)
    return (yield from wait_enter_book(visitor))


def impatient(visitor: Visitor) -> Moves[str]:
    """Reloads the page every few seconds, which must neither gain nor lose anything."""
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    return (yield from wait_enter_book(visitor, reloads_every=visitor.random.uniform(3, 8)))


def many_tabs(visitor: Visitor) -> Moves[str]:
    """Opens the page in three to six tabs, each of which watches; they share one place."""
    tabs = visitor.random.randint(3, 6)
    for _ in range(tabs):
        yield from visitor.patiently(visitor.open_page)
        yield from pause(visitor.random.uniform(0.1, 1.0))
    yield from take_place(visitor)
    return (yield from wait_enter_book(visitor, tabs=tabs))


def no_show(visitor: Visitor) -> Moves[str]:
    """Takes a place and is not there when called: the page closed, or open in a tab nobody looks at.

    One in six comes back after missing the turn, and takes the place back.
    """
    yield from visitor.patiently(visitor.open_page)
    if not (yield from take_place(visitor)):
        # Let in at once, so there was no turn to miss.
        return (yield from book(visitor, thinking(visitor)))
    if visitor.random.random() < 0.5:
        yield from wait(visitor, until_seconds=visitor.random.uniform(5, 90))
        return "missed"
    found = yield from wait(visitor)
    while found is not None and found.state == "called":
        yield from pause(visitor.random.uniform(15, 25))
        found = yield from visitor.patiently(visitor.ticket)
    if found is not None and found.state == "missed" and visitor.random.random() < 1 / 3:
        return (yield from _come_back(visitor))
    return "missed"


def _come_back(visitor: Visitor) -> Moves[str]:
    visitor.tally.events["came back"] += 1
    yield from visitor.patiently(visitor.join)
    return (yield from wait_enter_book(visitor))


def leaver(visitor: Visitor) -> Moves[str]:
    """Takes a place, waits a while, and gives it up properly."""
    yield from visitor.patiently(visitor.open_page)
    if not (yield from take_place(visitor)):
        return (yield from book(visitor, thinking(visitor)))
    yield from wait(visitor, until_seconds=visitor.random.uniform(5, 60))
    yield from visitor.patiently(visitor.leave)
    return "left"


def sleeper(visitor: Visitor) -> Moves[str]:
    """A phone: after a look its screen goes dark for a while, and again; a turn slept through is taken back."""
    yield from visitor.patiently(visitor.open_page)
    yield from take_place(visitor)
    while not visitor.is_inside:
        yield from pause(visitor.random.uniform(15, 60))
        found: TicketAnswer = yield from visitor.patiently(visitor.ticket)
        if found.state == "missed":
            return (yield from _come_back(visitor))
        if found.state != "waiting":
            return "missed" if not (yield from enter(visitor)) else (yield from book(visitor, thinking(visitor)))
    return (yield from book(visitor, thinking(visitor)))


def no_javascript(visitor: Visitor) -> Moves[str]:
    """Has only the page: it reloads itself, and its form lets them in."""
    visitor.tally.events["arrived"] += 1
    queued = False
    for _ in range(_PAGES_MOST):
        page = yield from visitor.patiently(lambda: _open(visitor))
        if page is None:
            return (yield from book(visitor, thinking(visitor)))
        if not queued:
            visitor.tally.events["queued"] += 1
            queued = True
        if page.state == "called":
            yield from pause(thinking(visitor)(4))
            yield from visitor.patiently(lambda: _press(visitor, "claim"))
        elif page.state == "missed":
            visitor.tally.events["came back"] += 1
            yield from visitor.patiently(lambda: _press(visitor, "tickets"))
        elif page.state == "gone":
            return "missed"
        elif page.refresh_seconds is None:
            visitor.tally.note_wrong(WrongAnswer("a page that does not reload itself", page.state))
            yield from pause(_DEFAULT_RELOAD_SECONDS)
        else:
            yield from pause(page.refresh_seconds)
    return "gave up"


def _open(visitor: Visitor) -> Moves[WaitingPage | None]:
    yield from visitor.open_page()
    page = read_page(visitor.last_body)
    if page is not None and page.room != visitor.site.room:
        raise WrongAnswer("page of another room", page.room)
    if page is None and not visitor.is_inside:
        raise WrongAnswer("neither the waiting page nor a pass")
    return page


def _press(visitor: Visitor, form: str) -> Moves[Answer]:
    """Press the button of a form: a redirect brings the next page."""
    headers = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    step = Step.CLAIM if form == "claim" else Step.JOIN
    path = f"/_ecluse/rooms/{visitor.site.room}/{form}"
    answer = yield from visitor.send(step, "POST", path, {303}, headers=headers, form=b"to=%2F")
    visitor.note_entered(answer)
    return answer


def accompanied(visitor: Visitor) -> Moves[str]:
    """An association: forty people at one desk, one browser window each, served in turn."""
    everybody = [visitor, *(visitor.companion() for _ in range(HELPED - 1))]
    return (yield from in_company(everybody, applicant, apart_seconds=1.0))


def direct(visitor: Visitor) -> Moves[str]:
    """Goes straight to the origin, where no gate stands: what happens without a line."""
    visitor.tally.events["arrived"] += 1
    yield from visitor.patiently(visitor.knock)
    return (yield from book(visitor, thinking(visitor)))
