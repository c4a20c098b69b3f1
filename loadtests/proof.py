"""The headline experiment as arithmetic: what a phase showed, and what must hold between phases. Pure.

Every limit is here. They compare phases of one run on one machine; nothing absolute travels from machine to machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from loadtests.generator import breath_of, percentile
from loadtests.measures import peak_per_second, promises
from loadtests.record import Record
from loadtests.tally import OriginSeen
from loadtests.verdict import Finding
from loadtests.visitor import PLACE_CHANGED

SPIKE_TIMES = 10
"""The spike brings this many times what the module bears."""
SPIKE_SECONDS = 30.0
CALM_SHARE = 0.35
"""A calm day asks this much of what the module bears."""
PACE_OVER_CALM = 1.03
"""The pace of the room, beside the arrivals of a calm day."""
SETTLE_SECONDS = 25.0
"""Until the first visitors have had time to book."""
BOOKINGS_LEAST = 0.95
SLOWER_MOST = 1.2
COLLAPSED_MOST = 0.5
"""Without a line the module makes at most this part of its calm bookings, or fails in one answer of four."""
COLLAPSED_ERRORS_LEAST = 0.25
PROMISES_BROKEN_MOST = 0.2
"""One in ten may wait longer than a 90 % estimate; the rest is the margin of a short run."""
HURT_BY_ROBOTS_MOST = 0.01
"""With robots inside, so many of the people may see one answer that failed: a fragile module has bad moments."""
RECOVERED_SLOWER_MOST = 2.0
RECOVERED_ERRORS_MOST = 0.05
_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one phase showed."""

    name: str
    arrived: int
    bookings_per_minute: float
    origin_p95_seconds: float
    errors_share: float
    """Answers of the origin that failed or never came, of all."""
    failures_seen: int
    """Answers of 5xx that people saw, of gate or origin: what a robot brings upon itself is its own affair."""
    wrong: int
    """Wrong answers of any kind."""
    without_place: int
    """Arrived, and neither a place nor an admission."""
    places_changed: int
    promises_broken: float
    forged_admitted: int
    robot_bookings_share: float
    robot_places_share: float
    generator: str
    """Why the generator was the bottleneck; empty if it was not."""


def failed(seen: OriginSeen) -> bool:
    """Whether this was no answer."""
    return seen.status == 0 or seen.status >= 500


def figures_of(name: str, record: Record, seconds: float) -> Figures:
    """The figures of a phase of that length; rates are of the time after everybody had time to settle."""
    zero = record.started_at
    begun, ended = zero + SETTLE_SECONDS, zero + seconds
    booked = [each for each in record.traces if each.booked_at is not None]
    in_time = [each for each in booked if begun <= (each.booked_at or 0.0) <= ended]
    origin = [each for each in record.origin if begun <= each.received_at <= ended]
    came = [each for each in record.traces if each.arrived_at is not None]
    robots = [each for each in came if each.robot]
    return Figures(
        name=name,
        arrived=len(record.traces),
        bookings_per_minute=len(in_time) * 60 / max(seconds - SETTLE_SECONDS, 1.0),
        origin_p95_seconds=percentile([each.seconds for each in origin], 0.95),
        errors_share=sum(map(failed, origin)) / len(origin) if origin else 0.0,
        failures_seen=sum(each.failures for each in record.traces if not each.robot),
        wrong=sum(record.wrong.values()),
        without_place=sum(each.place is None and each.admitted_at is None for each in came),
        places_changed=record.wrong.get(PLACE_CHANGED, 0),
        promises_broken=promises(record).later_share,
        forged_admitted=sum(each.forged_admitted for each in record.traces),
        robot_bookings_share=sum(each.robot for each in booked) / len(booked) if booked else 0.0,
        robot_places_share=len(robots) / len(came) if came else 0.0,
        generator="; ".join(breath_of(record.generators, peak_per_second(record)).reasons),
    )


def recovery_seconds(record: Record, calm_p95_seconds: float, seconds: float) -> float | None:
    """How long after the spike the origin answered as on a calm day again; None: not within the run."""
    end_of_spike = record.started_at + SPIKE_SECONDS
    after = 0.0
    while SPIKE_SECONDS + after + _WINDOW_SECONDS <= seconds:
        begun = end_of_spike + after
        seen = [each for each in record.origin if begun <= each.received_at < begun + _WINDOW_SECONDS]
        if seen:
            slow = percentile([each.seconds for each in seen], 0.95)
            errors = sum(map(failed, seen)) / len(seen)
            if slow <= RECOVERED_SLOWER_MOST * calm_p95_seconds and errors <= RECOVERED_ERRORS_MOST:
                return after
        after += 1.0
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round: a calm day, the spike without a line, the spike with one."""

    calm: Figures
    without: Figures
    with_line: Figures
    recovery_without_seconds: float | None

    @property
    def bookings(self) -> float:
        """Bookings per minute with a line, beside a calm day."""
        return self.with_line.bookings_per_minute / max(self.calm.bookings_per_minute, 1e-9)

    @property
    def bookings_without(self) -> float:
        """The same without one."""
        return self.without.bookings_per_minute / max(self.calm.bookings_per_minute, 1e-9)

    @property
    def slower(self) -> float:
        """The origin's p95 with a line, beside a calm day."""
        return self.with_line.origin_p95_seconds / max(self.calm.origin_p95_seconds, 1e-9)


def _ratio(rounds: Sequence[Round], of: Callable[[Round], float]) -> tuple[float, str]:
    values = sorted(of(each) for each in rounds)
    return median(values), f"{median(values):.2f} ({values[0]:.2f} – {values[-1]:.2f} in {len(values)} rounds)"


def findings_of(rounds: Sequence[Round], extra: Sequence[Figures]) -> list[Finding]:
    """What must hold between the phases; ratios are medians over the rounds."""
    bookings, bookings_shown = _ratio(rounds, lambda each: each.bookings)
    slower, slower_shown = _ratio(rounds, lambda each: each.slower)
    without, without_shown = _ratio(rounds, lambda each: each.bookings_without)
    errors, errors_shown = _ratio(rounds, lambda each: each.without.errors_share)
    recoveries = [each.recovery_without_seconds for each in rounds]
    shown = ", ".join("not in the run" if each is None else f"{each:.0f} s" for each in recoveries)
    collapsed = without <= COLLAPSED_MOST or errors >= COLLAPSED_ERRORS_LEAST
    worked = all(each.calm.bookings_per_minute > 0 and not each.calm.wrong for each in rounds)
    return [
        Finding(
            name="on a calm day the module works", measured="yes" if worked else "no", wanted="yes", passed=worked
        ),
        Finding(
            name="with a line: bookings per minute beside a calm day", measured=bookings_shown,
            wanted=f"≥ {BOOKINGS_LEAST}", passed=bookings >= BOOKINGS_LEAST,
        ),
        Finding(
            name="with a line: the origin's p95 beside a calm day", measured=slower_shown,
            wanted=f"≤ {SLOWER_MOST}", passed=slower <= SLOWER_MOST,
        ),
        *_people([*(each.with_line for each in rounds), *extra]),
        Finding(
            name="without: bookings per minute beside a calm day", measured=without_shown,
            wanted=f"≤ {COLLAPSED_MOST}, or errors", passed=collapsed,
        ),
        Finding(name="without: failed answers of the origin", measured=errors_shown),
        Finding(name="without: time to recover after the spike", measured=shown),
    ]  # fmt: skip


def people_of(phase: Figures) -> float:
    """How many of those who came were people."""
    return max(1.0, phase.arrived * (1 - phase.robot_places_share))


def _people(phases: Sequence[Figures]) -> list[Finding]:
    """What nobody may have seen in any phase with a line."""
    calm, robots = [[each for each in phases if (each.robot_places_share > 0) is robot] for robot in (False, True)]
    failures, without = sum(each.failures_seen for each in calm), sum(each.without_place for each in phases)
    hurt = max((each.failures_seen / people_of(each) for each in robots), default=0.0)
    changed = sum(each.places_changed for each in phases)
    forged, broken = sum(each.forged_admitted for each in phases), max(each.promises_broken for each in phases)
    breathless = [f"{each.name}: {each.generator}" for each in phases if each.generator]
    return [
        Finding(name="answers of 5xx seen by people", measured=str(failures), wanted="0", passed=failures == 0),
        Finding(
            name="with robots: answers of 5xx for each of the people", measured=f"{hurt:.2%}",
            wanted=f"≤ {HURT_BY_ROBOTS_MOST:.0%}", passed=hurt <= HURT_BY_ROBOTS_MOST,
        ),
        Finding(
            name="arrived and without a place", measured=f"{without} of {sum(each.arrived for each in phases)}",
            wanted="0", passed=without == 0,
        ),
        Finding(name="places that changed", measured=str(changed), wanted="0", passed=changed == 0),
        Finding(
            name="waited longer than the slow estimate they were told", measured=f"{broken:.0%} at worst",
            wanted=f"≤ {PROMISES_BROKEN_MOST:.0%}", passed=broken <= PROMISES_BROKEN_MOST,
        ),
        Finding(name="forged or used-up proofs let in", measured=str(forged), wanted="0", passed=forged == 0),
        Finding(
            name="the generator was not the bottleneck", measured="; ".join(breathless) or "in no phase",
            passed=not breathless,
        ),
    ]  # fmt: skip


def plain(rounds: Sequence[Round], extra: Sequence[Figures], findings: Sequence[Finding]) -> dict[str, Any]:
    """The result for machines."""
    return {
        "rounds": [asdict(each) for each in rounds],
        "phases": [asdict(each) for each in extra],
        "findings": [asdict(each) for each in findings],
        "passed": all(each.passed is not False for each in findings),
    }
