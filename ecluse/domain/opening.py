"""Opening hours: when a room opens, closes, and lets people gather before (its prequeue). Zone rules are zoneinfo's.

Times of the timetable are those of clocks on the wall. One that the clock skips in spring counts as the moment of the
change; of one that comes twice in autumn, an opening starts at the first and ends at the second: never short of what
was told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY_MINUTES = 1440
HORIZON_DAYS = 400
"""How far ahead an opening is looked for: beyond a year, there is none to speak of."""
_LONGEST_DAYS = 8
"""An opening that goes on for so long never ends, as far as anybody needs to know."""


class Schedule(StrEnum):
    """What the timetable, and the draw at an opening, want of a room."""

    CLOSED = "closed"
    PREQUEUE = "prequeue"
    DRAWING = "drawing"
    """The opening has come, and those who came before it are being drawn; a timetable alone never says this."""
    OPEN = "open"


class DrawKind(StrEnum):
    """How those who came before the opening are ordered."""

    NONE = "none"
    """By number, as they came."""
    SEED = "seed"
    """Drawn with a secret whose hash was published before."""
    BEACON = "beacon"
    """Drawn with a value that an operator gives once the list is fixed."""
    DRAND = "drand"
    """Drawn with a round of drand, named before it exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrandSource:
    """Which chain of drand decides, and who is asked for it; empty: the public chain, at the public relays.

    `genesis`: Unix seconds of the first round.
    """

    chain: str = ""
    public_key: str = ""
    genesis: int = 0
    period_seconds: int = 0
    relays: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """One opening of a day, in minutes after midnight; `until` at or below `start` is on the day after."""

    start: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What holds now. Times are Unix ms, of the opening that is or comes next; None where there is none.

    `until_ms`: when this ends; None if nothing is known to change.
    """

    schedule: Schedule
    prequeue_at_ms: int | None = None
    opens_at_ms: int | None = None
    closes_at_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The hours of each day of the week (0 is Monday), and of single dates, which win over their weekday."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Hours]] = field(default_factory=dict)
    exceptions: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    prequeue_minutes: int = 0

    def at(self, now_ms: float) -> Moment:
        """What the timetable says at `now_ms` (Unix ms)."""
        before_end: int | None = None
        for start, end in self._openings(now_ms):
            if end is not None and end <= now_ms:
                before_end = end
                continue
            gather = max(start - self.prequeue_minutes * 60_000, before_end or 0)
            if now_ms < gather:
                return self._moment(Schedule.CLOSED, gather, start, end, gather)
            if now_ms < start:
                return self._moment(Schedule.PREQUEUE, gather, start, end, start)
            return self._moment(Schedule.OPEN, gather, start, end, end)
        return Moment(schedule=Schedule.CLOSED, until_ms=int(now_ms) + DAY_MINUTES * 60_000)

    @staticmethod
    def _moment(schedule: Schedule, gather: int, start: int, end: int | None, until: int | None) -> Moment:
        return Moment(
            schedule=schedule, prequeue_at_ms=gather, opens_at_ms=start, closes_at_ms=end, until_ms=until,
        )  # fmt: skip

    def _openings(self, now_ms: float) -> Iterator[tuple[int, int | None]]:
        """Openings from some days ago on, in order, those that touch each other as one; an endless one has no end."""
        today = datetime.fromtimestamp(now_ms / 1000, self.zone).date()
        held: tuple[int, int] | None = None
        for start, end in self._pieces(today):
            if held is None:
                held = (start, end)
            elif start <= held[1]:
                held = (held[0], max(held[1], end))
                if held[1] - now_ms > _LONGEST_DAYS * DAY_MINUTES * 60_000:
                    yield held[0], None
                    return
            else:
                yield held
                held = (start, end)
        if held is not None:
            yield held

    def _pieces(self, today: date) -> Iterator[tuple[int, int]]:
        for days in range(-_LONGEST_DAYS, HORIZON_DAYS):
            day = today + timedelta(days=days)
            hours = self.exceptions.get(day)
            if hours is None:
                hours = self.weekly.get(day.weekday(), ())
            for each in sorted(hours, key=lambda one: one.start):
                until = each.until if each.until > each.start else each.until + DAY_MINUTES
                start_ms, end_ms = self._ms(day, each.start, fold=0), self._ms(day, until, fold=1)
                if end_ms > start_ms:
                    yield start_ms, end_ms

    def _ms(self, day: date, minutes: int, *, fold: int) -> int:
        """The Unix time of a wall-clock time."""
        wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - a time on the wall
        found = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        if found.astimezone(self.zone).replace(tzinfo=None) != wall:
            found = self._change_near(wall)
        return round(found.timestamp() * 1000)

    def _change_near(self, wall: datetime) -> datetime:
        """The moment at which the clock skips over `wall`: between the two readings of it, to the minute."""
        early = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        late = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        after = late.astimezone(self.zone).utcoffset()
        low, high = 0, round((late - early).total_seconds() / 60)
        while low < high:
            middle = (low + high) // 2
            if (early + timedelta(minutes=middle)).astimezone(self.zone).utcoffset() == after:
                high = middle
            else:
                low = middle + 1
        return early + timedelta(minutes=low)


def mode_in_force(mode: str, schedule: Schedule) -> str:
    """What a room does: an operator's pause or closing wins, then the timetable; `rules()` in Lua says the same."""
    return mode if schedule is Schedule.OPEN or mode in ("paused", "closed") else schedule.value
