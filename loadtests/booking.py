"""What somebody does once inside: choose a service and a slot, and book it, through the origin's JSON interface."""

from collections.abc import Callable, Mapping

from loadtests.answers import (
    BookingAnswer,
    ProblemAnswer,
    ServicesAnswer,
    SlotsAnswer,
    WrongAnswer,
    read,
    retry_after_seconds,
)
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


def _asked(
    visitor: Visitor, step: Step, method: str, path: str, expected: set[int], body: Mapping[str, object] | None = None
) -> Moves[Answer]:
    """One request of a visit. A robot may be told that its visit asks too fast; it then waits as long as it is told."""
    if not visitor.trace.robot:
        return (yield from visitor.send(step, method, path, expected, body=body))
    while (answer := (yield from visitor.send(step, method, path, {*expected, 429}, body=body))).status == 429:
        yield from pause(_too_fast_seconds(step, answer))
        visitor.tally.events["slowed down"] += 1
    return answer


def _too_fast_seconds(step: Step, answer: Answer) -> float:
    """How long a visit that asked too fast has to wait. Raises WrongAnswer for any other 429."""
    problem = read(ProblemAnswer, answer.body)
    seconds = retry_after_seconds(answer.headers)
    if problem.slug != "visit-too-fast":
        raise WrongAnswer(f"{step.value}: 429", problem.slug, retry_after_seconds=seconds)
    if seconds <= 0:
        raise WrongAnswer(f"{step.value}: 429 without Retry-After")
    return seconds


def _services(visitor: Visitor) -> Moves[ServicesAnswer]:
    answer = yield from _asked(visitor, Step.SERVICES, "GET", "/api/services", {200})
    found = read(ServicesAnswer, answer.body)
    tally = visitor.tally
    tally.slots_offered = max(tally.slots_offered, sum(each.free for each in found.services))
    return found


def watch_slots(visitor: Visitor) -> Moves[None]:
    """Look at the services and the slots of one of them, as a script does that waits for a cancellation."""
    offered = yield from _services(visitor)
    yield from _slots(visitor, visitor.random.choice(offered.services).slots_url)


def _slots(visitor: Visitor, url: str) -> Moves[SlotsAnswer]:
    answer = yield from _asked(visitor, Step.SLOTS, "GET", url, {200})
    return read(SlotsAnswer, answer.body)


def _take(visitor: Visitor, slot_id: int) -> Moves[str | None]:
    """Book this slot: None, or the reason of the refusal."""
    form = {
        "slot_id": slot_id,
        "name": visitor.random.choice(_NAMES),
        "file_number": "".join(visitor.random.choices(_FILE_LETTERS, k=10)),
    }

    def post() -> Moves[Answer]:
        return _asked(visitor, Step.BOOK, "POST", "/api/bookings", {200, 201, 404, 409}, form)

    answer = yield from visitor.patiently(post)
    if answer.status in (200, 201):
        read(BookingAnswer, answer.body)
        visitor.note_booked(answer)
        return None
    return read(ProblemAnswer, answer.body).reason or "refused"
