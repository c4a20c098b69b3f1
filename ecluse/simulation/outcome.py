"""What came of a day: waits by time of arrival and lane, the longest line, the share of the pace that was used."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ecluse.domain.ticket import State
from ecluse.simulation.day import Day
from ecluse.simulation.plan import quantile

_STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)
_ROWS = 12
_BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Row:
    """Those who arrived in a stretch of time, in one lane. Waits in minutes, from joining to the call; None: none."""

    from_minute: int
    to_minute: int
    lane: str
    people: int
    median_wait: float | None
    p90_wait: float | None
    admitted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A day in numbers. Times in minutes from its start."""

    people: int
    admitted: int
    missed_calls: int
    left: int
    not_served: int
    """Neither let in nor gone by themselves when the day ended."""
    median_wait: float | None
    p90_wait: float | None
    longest_line: int
    longest_line_minute: int
    last_admission_minute: float | None
    pace_used: float | None
    """Of the pace, while people waited; below 1 where the capacity is the limit, or too few come when called."""
    rows: Sequence[Row]

    def document(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def outcome(day: Day) -> Outcome:
    """The numbers of a finished day."""
    states = list(day.line.state.values())
    waits = [_wait(day, ticket) for ticket in range(len(day.visitors))]
    minute, longest = max(day.waiting_over_time, key=lambda each: each[1], default=(0.0, 0))
    last = day.fates[day.admitted[-1]].admitted_ms / 60_000 if day.admitted else None
    used = min(1.0, day.admitted_busy / day.possible_busy) if day.possible_busy else None
    left = states.count(State.LEFT)
    gone = states.count(State.GONE) + states.count(State.MISSED)
    return Outcome(
        people=len(day.visitors),
        admitted=len(day.admitted),
        missed_calls=day.line.missed,
        left=left,
        not_served=len(day.visitors) - len(day.admitted) - left - gone,
        median_wait=_rounded(quantile([each for each in waits if not math.isnan(each)], 0.5)),
        p90_wait=_rounded(quantile([each for each in waits if not math.isnan(each)], 0.9)),
        longest_line=longest,
        longest_line_minute=int(minute),
        last_admission_minute=None if last is None else round(last, 1),
        pace_used=None if used is None else round(used, 3),
        rows=_rows(day, waits),
    )


def _wait(day: Day, ticket: int) -> float:
    fate = day.fates[ticket]
    return (fate.called_ms - fate.joined_ms) / 60_000


def _rounded(minutes: float) -> float | None:
    return None if math.isnan(minutes) else round(minutes, 1)


def _rows(day: Day, waits: Sequence[float]) -> list[Row]:
    ends = max((each.arrives_ms for each in day.visitors), default=0.0) / 60_000
    step = next((each for each in _STEPS_MINUTES if ends / each <= _ROWS), _STEPS_MINUTES[-1])
    inside = set(day.admitted)
    groups: dict[tuple[int, str], list[int]] = {}
    for ticket, visitor in enumerate(day.visitors):
        groups.setdefault((int(visitor.arrives_ms / 60_000 // step), visitor.lane), []).append(ticket)
    rows = []
    for (index, lane), tickets in sorted(groups.items()):
        called = [waits[ticket] for ticket in tickets if not math.isnan(waits[ticket])]
        rows.append(
            Row(
                index * step, (index + 1) * step, lane, len(tickets), _rounded(quantile(called, 0.5)),
                _rounded(quantile(called, 0.9)), sum(ticket in inside for ticket in tickets),
            )
        )  # fmt: skip
    return rows


def chart(day: Day, columns: int = 60) -> list[str]:
    """How many wait over time, in one line of bars with its scale."""
    seen = [count for _, count in day.waiting_over_time]
    times = [minute for minute, _ in day.waiting_over_time]
    if not seen or max(seen) == 0:
        return ["nobody ever waits for more than a moment"]
    highest, ends = max(seen), times[-1] + 1
    tops = [0] * columns
    for minute, count in day.waiting_over_time:
        at = min(columns - 1, int(minute / ends * columns))
        tops[at] = max(tops[at], count)
    if len(seen) < columns:  # a short day: each minute is as wide as it has to be
        tops = [seen[min(len(seen) - 1, int(at / columns * len(seen)))] for at in range(columns)]
    bars = "".join(_BARS[math.ceil(top / highest * (len(_BARS) - 1))] for top in tops)
    return [f"waiting, at most {highest:,}", bars, f"0{'min':<{columns - 1 - len(f'{ends:.0f} min')}}{ends:.0f} min"]
