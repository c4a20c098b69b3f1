import random
from dataclasses import replace

import pytest

from loadtests.generator import GeneratorSeen
from loadtests.measures import SETTLED_SECONDS, most_over, order_of, pace_used, promises, robots_share
from loadtests.record import Record
from loadtests.scenarios import read_scenario
from loadtests.tally import BoardSeen, OriginSeen, Trace, bucket_of, seconds_of
from loadtests.verdict import GENERATOR, Finding, judge, passed, table

SCENARIO = read_scenario("opening-day")
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
        booked_at=None if admitted_at is None else admitted_at + 9,
        outcome="booked",
    )


def good_run(people: int = 60) -> Record:
    """Everybody called in order and admitted at the pace, and a forger who got nowhere."""
    traces = [visitor(n, called_at=n * EVERY, admitted_at=3 + n * EVERY) for n in range(people)]
    traces.append(Trace(persona="forger", forged_sent=12))
    boards = [
        BoardSeen(received_at=float(second), waiting=5, pace_per_minute=PACE, phase="open") for second in range(40)
    ]
    return Record(
        traces=traces,
        boards=boards,
        origin=[OriginSeen(received_at=float(second), seconds=0.05, status=200) for second in range(40)],
        requests=1000,
        statuses={"board 200": 1000},
        events={"arrived": people},
        per_second={"100": 40},
        generators=[GeneratorSeen(cpu_shares=[0.2], lags_seconds=[0.01], late_seconds=[0.01], ceiling_per_second=900)],
    )


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
    assert missed_objectives(replace(record, traces=traces)) == ["forged or used-up passes and tickets let in"]


def test_one_wrong_answer_in_a_hundred_fails_the_run() -> None:
    assert missed_objectives(replace(good_run(), wrong={"ticket: 404": 10})) == ["wrong answers"]
    assert missed_objectives(replace(good_run(), wrong={"ticket: 404": 9})) == []


def test_a_single_5xx_fails_the_run() -> None:
    assert missed_objectives(replace(good_run(), statuses={"claim 503": 1})) == ["answers of 5xx"]


def test_a_request_that_never_arrived_is_no_5xx() -> None:
    assert missed_objectives(replace(good_run(), statuses={"board 0": 1, "claim 425": 3})) == []


def test_a_slow_origin_fails_the_run_and_so_does_one_nobody_reached() -> None:
    slow = [OriginSeen(received_at=1.0, seconds=0.1 if n % 10 else 9.0, status=200) for n in range(100)]
    assert missed_objectives(replace(good_run(), origin=slow)) == ["the origin's answers, 95 %"]
    assert missed_objectives(replace(good_run(), origin=[])) == ["the origin's answers, 95 %"]


def test_people_whose_turn_came_and_who_could_not_book_fail_the_run() -> None:
    record = good_run()
    stuck = [replace(trace, booked_at=None, outcome="gave up") for trace in record.traces[:30]]
    assert missed_objectives(replace(record, traces=[*stuck, *record.traces[30:]])) == ["success of applicant"]
    gone = [replace(trace, booked_at=None, outcome="nothing left") for trace in record.traces[:30]]
    assert missed_objectives(replace(record, traces=[*gone, *record.traces[30:]])) == []


def test_who_was_called_in_the_last_minute_is_no_failure_yet() -> None:
    record = replace(good_run(), per_second={"30": 40})
    assert SETTLED_SECONDS > 30
    still_there = [replace(trace, booked_at=None, outcome="there") for trace in record.traces[:60]]
    assert missed_objectives(replace(record, traces=[*still_there, *record.traces[60:]])) == []


def test_robots_that_book_more_than_their_share_of_places_fail_the_run() -> None:
    record = good_run()
    people = [
        replace(trace, booked_at=trace.booked_at if n < 20 else None) for n, trace in enumerate(record.traces[:40])
    ]
    robots = [replace(trace, robot=True, persona="session-farm") for trace in record.traces[40:60]]
    greedy = replace(record, traces=[*people, *robots, *record.traces[60:]])
    assert robots_share(greedy).robot_bookings == 20
    assert "bookings by robots" not in missed_objectives(greedy)
    none_for_people = [replace(trace, booked_at=None) for trace in people[:38]] + people[38:]
    few = replace(record, traces=[*none_for_people, *robots, *record.traces[60:]])
    assert "bookings by robots" in missed_objectives(few)


@pytest.mark.parametrize(
    "generator",
    [
        GeneratorSeen(late_seconds=[0.0] * 90 + [4.0] * 10),
        GeneratorSeen(cpu_shares=[0.97] * 10),
        GeneratorSeen(lags_seconds=[0.0] * 5 + [2.0] * 5),
        GeneratorSeen(ceiling_per_second=45.0),
    ],
)
def test_a_generator_out_of_breath_is_no_pass(generator: GeneratorSeen) -> None:
    assert missed_objectives(replace(good_run(), generators=[generator])) == [GENERATOR]


def test_a_wait_longer_than_told_is_counted_also_for_who_still_waits() -> None:
    told = [Trace(persona="applicant", place=1.0, told_at=0.0, told_p50_seconds=20, told_p90_seconds=30)]
    kept = [replace(told[0], called_at=35.0)]
    broken = [replace(told[0], called_at=60.0)]
    assert promises(Record(traces=kept)).later == 0
    assert promises(Record(traces=broken)).later == 1
    assert promises(Record(traces=told, per_second={"20": 1})).later == 0
    assert promises(Record(traces=told, per_second={"90": 1})).later == 1


def test_latencies_are_kept_within_a_twentieth() -> None:
    for seconds in (0.0001, 0.003, 0.25, 31.0):
        assert seconds <= seconds_of(bucket_of(seconds)) * 1.000001
        assert seconds_of(bucket_of(seconds)) <= seconds * 1.051


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
