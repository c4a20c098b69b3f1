"""What simulated visitors saw: counts, boards, and one trace each. Everything a verdict is made of, as plain values."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtests.answers import BoardAnswer, WrongAnswer
from loadtests.moves import Answer, Ask, Step

BOARDS_KEPT = 20_000
ORIGIN_STEPS = frozenset({Step.SERVICES, Step.SLOTS, Step.BOOK})
"""What only the origin can answer; 429 is the gate in its place."""
_LATENCY_STEP = 1.05
_LEAST_SECONDS = 1e-4


def bucket_of(seconds: float) -> int:
    """The class of a latency: each a twentieth longer than the one before it, from a tenth of a millisecond."""
    return max(0, math.ceil(math.log(max(seconds, _LEAST_SECONDS) / _LEAST_SECONDS, _LATENCY_STEP)))


def seconds_of(bucket: int) -> float:
    """The longest latency of a class."""
    return _LEAST_SECONDS * _LATENCY_STEP**bucket


@dataclass(slots=True, kw_only=True)
class Trace:
    """One visitor's way. Times are seconds of the driver's monotonic clock; None: it did not happen or was not seen."""

    persona: str
    robot: bool = False
    lane: str | None = None
    place: float | None = None
    arrived_at: float | None = None
    not_called_at: float | None = None
    """Surely not called yet at this time."""
    called_at: float | None = None
    """Surely called by this time."""
    asked_at: float | None = None
    """The request that brought the admission was sent."""
    admitted_at: float | None = None
    """Its answer was there."""
    booked_at: float | None = None
    session: str | None = None
    outcome: str = "there"
    failures: int = 0
    """Answers of 5xx that this visitor saw."""
    forged_sent: int = 0
    forged_admitted: int = 0
    """Also proofs of a visit that had ended."""
    told_at: float | None = None
    """When the wait was first told, and as how long: its median and slow estimate, in seconds."""
    told_p50_seconds: float | None = None
    told_p90_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSeen:
    """What a board said, and when it was received."""

    received_at: float
    waiting: int
    pace_per_minute: float
    phase: str
    called: int = 0
    admitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginSeen:
    """One answer of the origin, as a visitor saw it through whatever stands in front."""

    received_at: float
    seconds: float
    status: int
    """0: no answer came."""


@dataclass(slots=True)
class Tally:
    """Counts over all visitors; `on_new_kind` is told of each kind of wrong answer once."""

    on_new_kind: Callable[[str, str], None] | None = None
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """By "step status"."""
    wrong: Counter[str] = field(default_factory=Counter)
    """By kind."""
    examples: dict[str, str] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    """arrived, waiting, admitted, booked, missed, left … by name."""
    boards: list[BoardSeen] = field(default_factory=list)
    latest_ms: int = -1
    traces: list[Trace] | None = None
    """Of every visitor, if it is a list: a crowd that never ends keeps none."""
    origin: list[OriginSeen] | None = None
    """Every answer of the origin, if it is a list."""
    latencies: Counter[str] = field(default_factory=Counter)
    """By "step bucket"; see `bucket_of`."""
    per_second: Counter[int] = field(default_factory=Counter)
    """Requests by the second in which they were sent."""
    slots_offered: int = 0
    """The most free slots that the origin offered at any time."""

    def count(self, request: Ask, answer: Answer) -> None:
        """Note one request."""
        self.requests += 1
        self.statuses[f"{request.step.value} {answer.status}"] += 1
        seconds = answer.received_at - answer.sent_at
        if self.traces is not None:
            self.per_second[int(answer.sent_at)] += 1
            self.latencies[f"{request.step.value} {bucket_of(seconds)}"] += 1
        if self.origin is not None and request.step in ORIGIN_STEPS and answer.status not in (425, 429):
            self.origin.append(OriginSeen(received_at=answer.received_at, seconds=seconds, status=answer.status))

    def note_wrong(self, wrong: WrongAnswer) -> None:
        """Note one wrong answer."""
        if wrong.kind not in self.wrong:
            self.examples[wrong.kind] = wrong.detail
            if self.on_new_kind is not None:
                self.on_new_kind(wrong.kind, wrong.detail)
        self.wrong[wrong.kind] += 1

    def note_board(self, board: BoardAnswer, received_at: float) -> None:
        """Note a board if it is newer than those seen; the oldest are forgotten."""
        if board.at_ms <= self.latest_ms:
            return
        self.latest_ms = board.at_ms
        if len(self.boards) >= BOARDS_KEPT:
            del self.boards[: BOARDS_KEPT // 2]
        seen = BoardSeen(
            received_at=received_at,
            waiting=board.waiting,
            pace_per_minute=board.pace_per_minute,
            phase=board.phase,
            called=board.called,
            admitted=board.admitted,
        )
        self.boards.append(seen)

    @property
    def errors(self) -> int:
        """All wrong answers."""
        return sum(self.wrong.values())
