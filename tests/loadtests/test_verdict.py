import random
from dataclasses import replace

import pytest

from loadtests.record import Record
from loadtests.scenarios import SCENARIOS
from loadtests.tally import BoardSeen, Trace
from loadtests.verdict import Finding, judge, most_over, order_of, pace_used, passed, table

SCENARIO = SCENARIOS["opening-spike"]
PACE = 120.0
EVERY = 60 / PACE


def visitor(number: int, *, called_at: float | None = None, admitted_at: float | None = None) -> Trace:
    """Somebody seen not called half a second before `called_at`, admitted by an answer that took 50 ms."""
    return Trace(
        persona="applicant",
        lane="main",
        place=float(number),
        arrived_at=0.0,
        not_called_at=None if called_at is None else called_at - 0.5,
        called_at=called_at,
        asked_at=None if admitted_at is None else admitted_at - 0.05,
        admitted_at=admitted_at,
        session=None if admitted_at is None else f"s{number}",
        outcome="booked",
    )


def good_run(people: int = 60) -> Record:
    """Everybody called in order and admitted at the pace, and a forger who got nowhere."""
    traces = [visitor(n, called_at=n * EVERY, admitted_at=3 + n * EVERY) for n in range(people)]
    traces.append(Trace(persona="forger", forged_sent=12))
    boards = [
        BoardSeen(received_at=float(second), waiting=5, pace_per_minute=PACE, phase="open") for second in range(40)
    ]
    return Record(traces=traces, boards=boards, requests=1000, statuses={"board 200": 1000}, events={"arrived": people})


def missed_objectives(record: Record) -> list[str]:
    return [finding.name for finding in judge(record, SCENARIO) if finding.passed is False]


def test_a_good_run_passes() -> None:
    findings = judge(good_run(), SCENARIO)
    assert passed(findings), table(findings)


def test_admissions_exactly_at_the_limit_are_within_it() -> None:
    times = [0.0, 0.0, *(n * EVERY for n in range(1, 100))]
    assert most_over([(at, at) for at in times], PACE, 2) <= 1e-6


def test_one_admission_too_many_is_found_wherever_it_hides() -> None:
    times = [0.0, 0.0, *(n * EVERY for n in range(1, 100))]
    dice = random.Random(3)
    for _ in range(20):
        extra = dice.uniform(0, 99 * EVERY)
        spans = [(at, at) for at in [*times, extra]]
        assert most_over(spans, PACE, 2) > 0.4


def test_an_answer_that_may_have_come_earlier_accuses_nobody() -> None:
    slow = [(n * EVERY - 5.0, 60.0) for n in range(20)]
    assert most_over(slow, PACE, 2) <= 0


def test_over_admission_fails_the_run() -> None:
    record = good_run()
    crowd = [visitor(1000 + n, admitted_at=10.0) for n in range(5)]
    assert missed_objectives(replace(record, traces=[*record.traces, *crowd])) == [
        "admissions beyond pace × w + burst, worst window"
    ]


def test_two_visitors_with_one_admission_fail_the_run() -> None:
    record = good_run()
    traces = [*record.traces]
    traces[1] = replace(traces[1], session=traces[0].session)
    assert missed_objectives(replace(record, traces=traces)) == ["visitors who share an admission"]


def test_calls_in_order_agree_and_reversed_calls_do_not() -> None:
    straight = order_of([visitor(n, called_at=float(n)) for n in range(30)])
    assert (straight.tau, straight.against) == (1.0, 0)
    backwards = order_of([visitor(n, called_at=float(-n)) for n in range(30)])
    assert backwards.tau == -1.0


def test_calls_too_close_to_tell_apart_count_for_nothing() -> None:
    order = order_of([visitor(1, called_at=10.0), visitor(2, called_at=9.8)])
    assert (order.agreeing, order.against, order.unseen) == (0, 0, 1)
    assert order.tau == 0.0


def test_a_shuffled_line_fails_the_run() -> None:
    record = good_run()
    times = [n * EVERY for n in range(60)]
    random.Random(1).shuffle(times)
    traces = [replace(visitor(n, called_at=times[n]), asked_at=None) for n in range(60)] + [*record.traces[-1:]]
    assert "order in lane main, Kendall's tau" in missed_objectives(replace(record, traces=traces))


@pytest.mark.parametrize(("sent", "admitted"), [(12, 1), (0, 0)])
def test_a_forgery_let_in_or_never_tried_fails_the_run(sent: int, admitted: int) -> None:
    record = good_run()
    forger = Trace(persona="forger", forged_sent=sent, forged_admitted=admitted)
    traces = [*record.traces[:-1], forger]
    assert missed_objectives(replace(record, traces=traces)) == ["forged passes and tickets let in"]


def test_one_wrong_answer_in_a_hundred_fails_the_run() -> None:
    assert missed_objectives(replace(good_run(), wrong={"ticket: 404": 10})) == ["wrong answers"]
    assert missed_objectives(replace(good_run(), wrong={"ticket: 404": 9})) == []


def test_a_single_5xx_fails_the_run() -> None:
    assert missed_objectives(replace(good_run(), statuses={"claim 503": 1})) == ["answers of 5xx"]


def test_a_request_that_never_arrived_is_no_5xx() -> None:
    assert missed_objectives(replace(good_run(), statuses={"board 0": 1, "claim 425": 3})) == []


def test_a_run_in_which_nothing_happened_does_not_pass() -> None:
    assert not passed(judge(Record(), SCENARIO))


def test_the_share_of_the_pace_counts_only_while_a_line_stood() -> None:
    record = good_run()
    used = pace_used(record)
    assert used is not None
    assert 0.7 < used < 0.85  # 60 admissions in 39 seconds, of 78 that the pace allows
    assert pace_used(replace(record, boards=[replace(board, waiting=0) for board in record.boards])) is None


def test_the_table_tells_what_was_measured_and_wanted() -> None:
    shown = table([Finding(name="answers of 5xx", measured="3", wanted="0", passed=False)])
    assert shown == "FAIL  answers of 5xx  3  (wanted 0)"
