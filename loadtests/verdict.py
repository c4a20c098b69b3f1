"""The verdict on a load run: objectives with what was measured. Pure; the arithmetic is in `measures.py`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.generator import breath_of
from loadtests.measures import (
    latency_seconds,
    most_over,
    order_of,
    origin_p95_seconds,
    pace_used,
    peak_per_second,
    promises,
    robots_share,
    successes,
)
from loadtests.record import Record
from loadtests.scenarios import Objectives, Scenario
from loadtests.tally import Trace

_FLOAT_SLACK = 1e-6
GENERATOR = "the generator was not the bottleneck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the verdict. `passed` None: told, not judged."""

    name: str
    measured: str
    wanted: str = ""
    passed: bool | None = None


def judge(record: Record, scenario: Scenario) -> list[Finding]:
    """Every objective of the scenario, then what is only told."""
    objectives = scenario.objectives
    return [
        *_limits(record, scenario),
        *_orders(record, objectives.order_tau),
        _forgeries(record, wanted=bool({"forger", "replayer"} & set(scenario.personas))),
        *_answers(record, objectives.error_share),
        _origin(record, objectives.origin_p95_seconds),
        *_successes(record, objectives.success_share),
        *_robots(record, objectives.robots_sigma),
        *_optional(record, objectives),
        _generator(record),
        *_told(record),
    ]


def passed(findings: Sequence[Finding]) -> bool:
    """Whether every objective was met."""
    return all(finding.passed is not False for finding in findings)


def _limits(record: Record, scenario: Scenario) -> list[Finding]:
    spans = [
        (trace.asked_at, trace.admitted_at)
        for trace in record.traces
        if trace.asked_at is not None and trace.admitted_at is not None
    ]
    pace = max((board.pace_per_minute for board in record.boards), default=0.0)
    sessions = [trace.session for trace in record.traces if trace.session is not None]
    over = most_over(spans, pace, scenario.burst)
    shown = f"{max(over, 0.0):.2f} of {len(spans)}"
    return [
        Finding(
            name="admissions beyond pace × w + burst, worst window", measured=shown, wanted="0",
            passed=bool(spans) and pace > 0 and over <= _FLOAT_SLACK,
        ),
        Finding(
            name="visitors who share an admission", measured=str(len(sessions) - len(set(sessions))), wanted="0",
            passed=len(sessions) == len(set(sessions)),
        ),
    ]  # fmt: skip


def _orders(record: Record, least_tau: float) -> list[Finding]:
    lanes: dict[str, list[Trace]] = defaultdict(list)
    for trace in record.traces:
        if trace.lane is not None:
            lanes[trace.lane].append(trace)
    findings = []
    for lane, traces in sorted(lanes.items()):
        order = order_of(traces)
        seen = order.agreeing + order.against
        findings.append(
            Finding(
                name=f"order in lane {lane}, Kendall's tau",
                measured=f"{order.tau:.4f} over {seen} pairs ({order.unseen} too close to tell)",
                wanted=f"≥ {least_tau}",
                passed=seen > 0 and order.tau >= least_tau,
            )
        )
    if not findings:
        findings.append(Finding(name="order", measured="nobody waited", wanted=f"≥ {least_tau}", passed=False))
    return findings


def _forgeries(record: Record, *, wanted: bool) -> Finding:
    sent = sum(trace.forged_sent for trace in record.traces)
    admitted = sum(trace.forged_admitted for trace in record.traces)
    return Finding(
        name="forged or used-up passes and tickets let in", measured=f"{admitted} of {sent}", wanted="0",
        passed=admitted == 0 and (sent > 0 or not wanted),
    )  # fmt: skip


def _answers(record: Record, error_share: float) -> list[Finding]:
    wrong = sum(record.wrong.values())
    share = wrong / record.requests if record.requests else 1.0
    failures = sum(count for name, count in record.statuses.items() if name.rpartition(" ")[2] >= "500")
    return [
        Finding(
            name="wrong answers", measured=f"{share:.3%} ({wrong} of {record.requests})", wanted=f"< {error_share:.0%}",
            passed=share < error_share,
        ),
        Finding(name="answers of 5xx", measured=str(failures), wanted="0", passed=failures == 0),
    ]  # fmt: skip


def _origin(record: Record, most_seconds: float) -> Finding:
    slow = origin_p95_seconds(record)
    return Finding(
        name="the origin's answers, 95 %", measured="–" if slow is None else f"{slow * 1000:.0f} ms",
        wanted=f"≤ {most_seconds * 1000:.0f} ms", passed=slow is not None and slow <= most_seconds,
    )  # fmt: skip


def _successes(record: Record, least: float) -> list[Finding]:
    return [
        Finding(
            name=f"success of {persona}", measured=f"{found.share:.0%} of {found.came} whose turn came",
            wanted=f"≥ {least:.0%}", passed=found.share >= least,
        )
        for persona, found in successes(record).items()
        if found.came
    ]  # fmt: skip


def _robots(record: Record, sigma: float) -> list[Finding]:
    share = robots_share(record)
    if not share.robot_places:
        return []
    most = share.most_fair(sigma)
    return [
        Finding(
            name="bookings by robots",
            measured=f"{share.robot_bookings} of {share.bookings}, with {share.robot_places} of {share.places} places",
            wanted=f"≤ {most:.0f}", passed=share.robot_bookings <= most,
        )
    ]  # fmt: skip


def _optional(record: Record, objectives: Objectives) -> list[Finding]:
    used, booked = pace_used(record), sum(each.booked_at is not None for each in record.traces)
    least = objectives.pace_share
    name = "share of the pace used while a line stood"
    shown = "–" if used is None else f"{used:.1%}"
    if least is None:
        findings = [Finding(name=name, measured=shown)]
    else:
        met = used is not None and used >= least
        findings = [Finding(name=name, measured=shown, wanted=f"≥ {least:.0%}", passed=met)]
    made = f"{booked} of {record.slots_offered} slots"
    if objectives.bookings_share is None:
        return [*findings, Finding(name="bookings made", measured=made)]
    met = booked >= objectives.bookings_share * record.slots_offered
    wanted = f"≥ {objectives.bookings_share:.0%}"
    return [*findings, Finding(name="bookings made", measured=made, wanted=wanted, passed=met)]


def _generator(record: Record) -> Finding:
    breath = breath_of(record.generators, peak_per_second(record))
    reasons = breath.reasons
    return Finding(
        name=GENERATOR, measured="; ".join(reasons) if reasons else breath.shown,
        passed=None if not record.generators else not reasons,
    )  # fmt: skip


def _told(record: Record) -> list[Finding]:
    events, told = record.events, promises(record)
    waits = sorted(
        trace.admitted_at - trace.arrived_at
        for trace in record.traces
        if trace.admitted_at is not None and trace.arrived_at is not None
    )
    board = latency_seconds(record, "board", 0.95)
    return [
        Finding(name="arrived", measured=str(events.get("arrived", 0))),
        Finding(name="admitted", measured=str(events.get("admitted", 0))),
        Finding(name="booked", measured=str(events.get("booked", 0))),
        Finding(name="missed the turn or never came", measured=str(events.get("missed", 0))),
        Finding(name="left the line", measured=str(events.get("left", 0))),
        Finding(name="gave up after wrong answers", measured=str(events.get("gave up", 0))),
        Finding(name="median time to be let in", measured=f"{waits[len(waits) // 2]:.0f} s" if waits else "–"),
        Finding(name="waited longer than first told", measured=f"{told.later} of {told.told}"),
        Finding(name="the board's answers, 95 %", measured="–" if board is None else f"{board * 1000:.0f} ms"),
    ]


def table(findings: Sequence[Finding]) -> str:
    """The findings as text, one line each."""
    marks = {True: "ok  ", False: "FAIL", None: "    "}
    width = max(len(finding.name) for finding in findings)
    return "\n".join(
        f"{marks[finding.passed]}  {finding.name:<{width}}  {finding.measured}"
        + (f"  (wanted {finding.wanted})" if finding.wanted else "")
        for finding in findings
    )
