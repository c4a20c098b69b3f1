"""What somebody does once inside: choose a service and a slot, and book it, through the origin's JSON interface."""

from collections.abc import Callable

from loadtests.answers import BookingAnswer, ProblemAnswer, ServicesAnswer, SlotsAnswer, read
from loadtests.moves import Answer, Moves, Step, pause
from loadtests.visitor import Visitor

_NAMES = ("Amina Diallo", "Ravi Kumar", "Olena Shevchenko", "Jose Alvarez", "Mei Chen", "Fatou Ndiaye", "Ali Haddad")
_FILE_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SLOT_TRIES = 4
_CHOOSE_SECONDS = 4.0
_TYPE_SECONDS = 8.0


def book(visitor: Visitor, think: Callable[[float], float]) -> Moves[str]:
    """Choose a slot and book it: "booked", "refused", or "nothing left". `think(mean)` draws seconds."""
    offered = [each for each in (yield from visitor.patiently(lambda: _services(visitor))).services if each.free]
    yield from pause(think(_CHOOSE_SECONDS))
    for _ in range(_SLOT_TRIES):
        if not offered:
            return "nothing left"
        service = visitor.random.choice(offered)
        found = yield from visitor.patiently(lambda url=service.slots_url: _slots(visitor, url))  # type: ignore[misc]
        if not found.slots:
            offered.remove(service)
            continue
        yield from pause(think(_TYPE_SECONDS))
        refusal = yield from _take(visitor, visitor.random.choice(found.slots).id)
        if refusal is None:
            return "booked"
        if refusal not in ("taken", "past", "no_slot"):
            break
    return "refused"


def _services(visitor: Visitor) -> Moves[ServicesAnswer]:
    answer = yield from visitor.send(Step.SERVICES, "GET", "/api/services", {200})
    found = read(ServicesAnswer, answer.body)
    tally = visitor.tally
    tally.slots_offered = max(tally.slots_offered, sum(each.free for each in found.services))
    return found


def watch_slots(visitor: Visitor) -> Moves[None]:
    """Look at the services and the slots of one of them, as a script does that waits for a cancellation."""
    offered = yield from _services(visitor)
    yield from _slots(visitor, visitor.random.choice(offered.services).slots_url)


def _slots(visitor: Visitor, url: str) -> Moves[SlotsAnswer]:
    answer = yield from visitor.send(Step.SLOTS, "GET", url, {200})
    return read(SlotsAnswer, answer.body)


def _take(visitor: Visitor, slot_id: int) -> Moves[str | None]:
    """Book this slot: None, or the reason of the refusal."""
    form = {
        "slot_id": slot_id,
        "name": visitor.random.choice(_NAMES),
        "file_number": "".join(visitor.random.choices(_FILE_LETTERS, k=10)),
    }

    def post() -> Moves[Answer]:
        return visitor.send(Step.BOOK, "POST", "/api/bookings", {200, 201, 404, 409}, body=form)

    answer = yield from visitor.patiently(post)
    if answer.status in (200, 201):
        read(BookingAnswer, answer.body)
        visitor.note_booked(answer)
        return None
    return read(ProblemAnswer, answer.body).reason or "refused"
