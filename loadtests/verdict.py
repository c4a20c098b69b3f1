"""The verdict on a load run: objectives with what was measured, from the visitors' own traces. Pure.

Nothing here trusts the gateway's word on itself. A visitor knows only *between* which two moments something
happened, so every check counts just what must have happened: it may miss a little, it never accuses wrongly.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.record import Record
from loadtests.scenarios import Scenario
from loadtests.tally import Trace

_FLOAT_SLACK = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the verdict. `passed` None: told, not judged."""

    name: str
    measured: str
    wanted: str = ""
    passed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How well calls followed places, over the pairs whose order could be seen."""

    agreeing: int
    against: int
    unseen: int

    @property
    def tau(self) -> float:
        """Kendall's tau over the pairs seen; 0 if there are none."""
        seen = self.agreeing + self.against
        return (self.agreeing - self.against) / seen if seen else 0.0


def most_over(spans: Sequence[tuple[float, float]], pace_per_minute: float, burst: int) -> float:
    """The largest excess of admissions over `pace × w + burst` in any window of w; 0 or less: the limit held.

    Each admission happened between the two times of its span; it counts for a window only if its span is inside.
    """
    per_second = pace_per_minute / 60
    by_end = sorted(spans, key=lambda span: span[1])
    worst = -float(burst)
    for start in sorted({sent for sent, _ in spans}):
        inside = 0
        for sent, received in by_end:
            if sent >= start:
                inside += 1
                worst = max(worst, inside - per_second * (received - start) - burst)
    return worst


def order_of(traces: Sequence[Trace]) -> Order:
    """Compare every pair of one lane: who was surely called before whom, against who has the smaller place."""
    seen = sorted(
        (trace.place, trace.not_called_at, trace.called_at)
        for trace in traces
        if trace.place is not None and trace.not_called_at is not None and trace.called_at is not None
    )
    agreeing = against = 0
    for index, (_, not_before, by) in enumerate(seen):
        for _, later_not_before, later_by in seen[index + 1 :]:
            if by <= later_not_before:
                agreeing += 1
            elif later_by <= not_before:
                against += 1
    pairs = len(seen) * (len(seen) - 1) // 2
    return Order(agreeing=agreeing, against=against, unseen=pairs - agreeing - against)


def pace_used(record: Record) -> float | None:
    """Admissions while somebody waited, as a share of what the pace allowed in that time; None if nobody waited."""
    busy = [board for board in record.boards if board.waiting > 0 and board.phase == "open"]
    if len(busy) < 2:
        return None
    first, last = busy[0].received_at, busy[-1].received_at
    admitted = sum(trace.admitted_at is not None and first <= trace.admitted_at <= last for trace in record.traces)
    allowed = sum(
        before.pace_per_minute / 60 * (after.received_at - before.received_at) for before, after in pairwise(busy)
    )
    return admitted / allowed if allowed > 0 else None


def judge(record: Record, scenario: Scenario) -> list[Finding]:
    """Every objective of the scenario, then what is only told."""
    return [
        *_limits(record, scenario),
        *_orders(record, scenario.objectives.order_tau),
        _forgeries(record, wanted="forger" in scenario.personas),
        *_answers(record, scenario.objectives.error_share),
        *_told(record),
    ]


def passed(findings: Sequence[Finding]) -> bool:
    """Whether no objective was missed."""
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
        name="forged passes and tickets let in", measured=f"{admitted} of {sent}", wanted="0",
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


def _told(record: Record) -> list[Finding]:
    events = record.events
    used = pace_used(record)
    waits = sorted(
        trace.admitted_at - trace.arrived_at
        for trace in record.traces
        if trace.admitted_at is not None and trace.arrived_at is not None
    )
    return [
        Finding(name="share of the pace used while a line stood", measured="–" if used is None else f"{used:.1%}"),
        Finding(name="arrived", measured=str(events.get("arrived", 0))),
        Finding(name="admitted", measured=str(events.get("admitted", 0))),
        Finding(name="booked", measured=str(events.get("booked", 0))),
        Finding(name="missed the turn or never came", measured=str(events.get("missed", 0))),
        Finding(name="left the line", measured=str(events.get("left", 0))),
        Finding(name="gave up after wrong answers", measured=str(events.get("gave up", 0))),
        Finding(name="median time to be let in", measured=f"{waits[len(waits) // 2]:.0f} s" if waits else "–"),
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
