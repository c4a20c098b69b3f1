"""What simulated visitors saw: counts, boards, and one trace each. Everything a verdict is made of, as plain values."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtests.answers import BoardAnswer, WrongAnswer
from loadtests.moves import Answer, Ask

BOARDS_KEPT = 20_000


@dataclass(slots=True, kw_only=True)
class Trace:
    """One visitor's way. Times are seconds of the driver's monotonic clock; None: it did not happen or was not seen."""

    persona: str
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
    session: str | None = None
    outcome: str = "there"
    forged_sent: int = 0
    forged_admitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSeen:
    """What a board said, and when it was received."""

    received_at: float
    waiting: int
    pace_per_minute: float
    phase: str


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

    def count(self, request: Ask, answer: Answer) -> None:
        """Note one request."""
        self.requests += 1
        self.statuses[f"{request.step.value} {answer.status}"] += 1

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
        )
        self.boards.append(seen)

    @property
    def errors(self) -> int:
        """All wrong answers."""
        return sum(self.wrong.values())
