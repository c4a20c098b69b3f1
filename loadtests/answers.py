"""What a visitor is told, read strictly: a fast wrong answer is a failure. And the arithmetic of one's own position.

Written from docs/http.md alone, so that it checks the gateway instead of repeating it.
"""

import base64
import math
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Phase = Literal["idle", "prequeue", "drawing", "open", "paused", "closed"]
State = Literal["waiting", "called", "admitted", "missed", "ended", "left", "gone"]
Count = Annotated[int, Field(ge=0)]
LONGEST_RETRY_SECONDS = 600.0
_POLLS_PER_WAIT = 10


class WrongAnswer(Exception):
    """An answer that docs/http.md does not allow. `kind` is short and names no visitor; `detail` is for a person."""

    def __init__(self, kind: str, detail: str = "", *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


class _Answer(BaseModel):
    """Fields we do not know are new, not wrong."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Speed(_Answer):
    """Calls per minute of a lane: median and slow estimate."""

    p50: float = Field(ge=0)
    slow: float = Field(ge=0)


class LaneAnswer(_Answer):
    """One lane on the board. Marks are pairs of a place and how many stand before it."""

    waiting: Count
    serving: float
    calls_per_minute: Speed
    marks: list[Annotated[tuple[float, Count], Field(strict=False)]]

    @model_validator(mode="after")
    def _marks_rise(self) -> "LaneAnswer":
        for before, after in pairwise(self.marks):
            if before[0] >= after[0] or before[1] >= after[1]:
                raise ValueError("the marks do not rise")
        return self


class Pacing(_Answer):
    """The bounds of how often to look, in seconds."""

    near: float = Field(gt=0)
    far: float = Field(gt=0)


class BoardAnswer(_Answer):
    """`GET …/board.json`."""

    room: str
    epoch: str
    at_ms: int
    phase: Phase
    notice: dict[str, str]
    pace_per_minute: float = Field(gt=0)
    waiting: Count
    called: Count
    admitted: Count
    stale: bool
    slots_left: Count | None
    lanes: dict[str, LaneAnswer]
    poll_seconds: Pacing


class Outlook(_Answer):
    """Seconds to wait: median and slow estimate; null while nobody is let in."""

    p50: float | None
    p90: float | None


class TicketAnswer(_Answer):
    """`GET …/ticket`."""

    id: str
    lane: str
    number: int
    place: float
    state: State
    ahead: Count
    wait_seconds: Outlook
    next_poll_seconds: float = Field(ge=0)
    claim_until: str | None

    @model_validator(mode="after")
    def _called_until(self) -> "TicketAnswer":
        if self.state == "called" and self.claim_until is None:
            raise ValueError("called without claim_until")
        return self


class JoinAnswer(_Answer):
    """`POST …/tickets`, for somebody who is not inside yet."""

    room: str
    id: str
    ticket: str
    lane: str
    number: int
    place: float
    ahead: Count
    state: State
    board_url: str
    claim_url: str


class ClaimAnswer(_Answer):
    """`POST …/claim`, granted."""

    granted: str = Field(alias="pass")
    expires_at: str
    location: str


class ProblemAnswer(_Answer):
    """RFC 9457. `reason` is the booking backend's; `ticket` comes with a fresh place."""

    type: str
    title: str
    status: int
    detail: str
    reason: str | None = None
    ticket: str | None = None

    @property
    def slug(self) -> str:
        """The last part of the type."""
        return self.type.rpartition("/")[2]


class PassClaims(_Answer):
    """What a pass says, unverified: the session, and Unix seconds."""

    iss: Literal["ecluse"]
    aud: str
    sub: str
    iat: int
    exp: int
    lane: str


class Service(_Answer):
    """One thing to come for."""

    id: int
    free: Count
    slots_url: str


class ServicesAnswer(_Answer):
    """The origin's `GET /api/services`."""

    services: list[Service]


class Slot(_Answer):
    """A dated time with places."""

    id: int
    free: Count


class SlotsAnswer(_Answer):
    """The origin's `GET /api/services/{id}/slots`."""

    slots: list[Slot]


class BookingAnswer(_Answer):
    """The origin's `POST /api/bookings`, done."""

    reference: str
    slot_id: int


A = TypeVar("A", bound=BaseModel)


def read(model: type[A], body: bytes) -> A:
    """The answer in `body`. Raises WrongAnswer."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise WrongAnswer(f"{model.__name__} unreadable", f"{where}: {first['msg']}") from None


@lru_cache(maxsize=8)
def read_board(body: bytes) -> BoardAnswer:
    """The board in `body`: everybody is told the same one, so it is read once. Raises WrongAnswer."""
    return read(BoardAnswer, body)


def read_pass(token: str) -> PassClaims:
    """The claims of a pass, without verifying it: a visitor cannot. Raises WrongAnswer."""
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except ValueError as error:
        raise WrongAnswer("PassClaims unreadable", str(error)) from None
    return read(PassClaims, claims)


def ahead_of(place: float, lane: LaneAnswer) -> int:
    """How many stand before a ticket at `place`: exact on a mark, in proportion between two.

    Behind the last mark it is younger than the board: everybody on the board is before it.
    """
    marks = lane.marks
    after = bisect_right(marks, (place, math.inf))
    if after == 0:
        return 0
    left_place, left_ahead = marks[after - 1]
    if left_place == place:
        return left_ahead
    if after == len(marks):
        return max(lane.waiting, left_ahead + 1)
    right_place, right_ahead = marks[after]
    between = left_ahead + round((place - left_place) / (right_place - left_place) * (right_ahead - left_ahead))
    return min(max(between, left_ahead + 1), right_ahead)


def is_due(place: float, lane: LaneAnswer) -> bool:
    """Whether the board says that this place may have been called: time to ask for the ticket itself."""
    return place <= lane.serving


def look_again_seconds(ahead: int, lane: LaneAnswer, pacing: Pacing) -> float:
    """When to look at the board again: a tenth of the wait, between near and far."""
    wait_seconds = ahead / max(lane.calls_per_minute.p50, 0.01) * 60
    return min(max(wait_seconds / _POLLS_PER_WAIT, pacing.near), pacing.far)


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """What Retry-After asks for, in seconds; 0 if it says nothing we can read. Header names are lower case."""
    value = headers.get("retry-after", "").strip()
    return min(float(value), LONGEST_RETRY_SECONDS) if value.isascii() and value.isdigit() else 0.0
