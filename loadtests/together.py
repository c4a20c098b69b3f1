"""Several ways walked by one person or one script in turn: forty applications on one desk, a farm of sessions."""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from loadtests.moves import Answer, Ask, Moves, Pause
from loadtests.visitor import Visitor


def together(ways: Sequence[Moves[str]], *, apart_seconds: float = 0.0) -> Moves[list[str]]:
    """Walk all ways, one question at a time, each going on when its pause is over; the outcomes in their order.

    They begin `apart_seconds` after each other. Knows no clock: the pauses made and the time that answers took
    tell how late it is.
    """
    outcomes = [""] * len(ways)
    due = [(index * apart_seconds, index) for index in range(len(ways))]
    heapify(due)
    now = 0.0
    while due:
        at, index = heappop(due)
        if at > now:
            yield Pause(at - now)
            now = at
        answer: Answer | None = None
        while True:
            try:
                move = ways[index].send(answer)
            except StopIteration as done:
                outcomes[index] = done.value
                break
            if isinstance(move, Pause):
                heappush(due, (now + move.seconds, index))
                break
            answer = yield from _asked(move)
            now += max(0.0, answer.received_at - answer.sent_at)
    return outcomes


def in_company(
    visitors: Sequence[Visitor], way: Callable[[Visitor], Moves[str]], *, apart_seconds: float
) -> Moves[str]:
    """All `visitors` go the same way together; the outcome of the first, those of the others go into its tally."""
    first, *others = visitors
    outcomes = yield from together([way(each) for each in visitors], apart_seconds=apart_seconds)
    for other, outcome in zip(others, outcomes[1:], strict=True):
        other.trace.outcome = outcome
        first.tally.events[outcome] += 1
    return outcomes[0]


def _asked(request: Ask) -> Moves[Answer]:
    answer = yield request
    assert answer is not None
    return answer
