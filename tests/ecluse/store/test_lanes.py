"""Lanes through the real scripts: shares, the fairness bound, quotas, and the longest wait that never starves anybody."""

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecluse.domain.opening import Timetable
from ecluse.domain.room import Lane
from ecluse.store.line import Admitted, Entry, Waiting
from ecluse.tokens import new_id
from tests.ecluse.store.conftest import EPOCH, Bench, OpenBench

DAY_SECONDS = 86_400


def lanes(*weights: float, **rules: Any) -> tuple[Lane, ...]:
    return tuple(Lane(id=f"l{n}", weight=weight, **rules) for n, weight in enumerate(weights))


async def fill(bench: Bench, how_many: int) -> None:
    for lane in bench.line.room.lanes:
        await bench.enter(how_many, lane=lane.id)


async def call_up_to(bench: Bench, total: int, batches: list[int]) -> list[dict[str, int]]:
    """Calls in batches of these sizes over and over, until so many are made: how many of each lane, summed up."""
    so_far = dict.fromkeys((lane.id for lane in bench.line.room.lanes), 0)
    history = [dict(so_far)]
    for batch in itertools.cycle(batches):
        if sum(so_far.values()) >= total:
            return history
        for lane, moved in (await bench.call(min(batch, total - sum(so_far.values())))).items():
            so_far[lane] += moved
        history.append(dict(so_far))
    raise AssertionError


async def test_shares_are_within_two_percent_over_a_thousand_calls(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=lanes(5, 3, 1.5, 0.5))
    await fill(bench, 600)
    last = (await call_up_to(bench, 1000, [1, 7, 40]))[-1]
    for lane in bench.line.room.lanes:
        assert abs(last[lane.id] / 1000 - lane.weight / 10) <= 0.02


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    weights=st.lists(st.floats(0.1, 50), min_size=2, max_size=4),
    batches=st.lists(st.integers(1, 30), min_size=1, max_size=6),
)
async def test_in_every_interval_no_lane_is_ahead_of_another_by_more_than_a_turn_of_each(
    open_bench: OpenBench, weights: list[float], batches: list[int]
) -> None:
    """|A_l/w_l - A_m/w_m| <= 1/w_l + 1/w_m while both are backlogged."""
    bench = open_bench(lanes=lanes(*weights))
    await bench.store.command("FLUSHALL")
    await fill(bench, 150)
    history = await call_up_to(bench, 150, batches)
    for one, other in itertools.combinations(bench.line.room.lanes, 2):
        allowed = 1 / one.weight + 1 / other.weight
        ahead = [each[one.id] / one.weight - each[other.id] / other.weight for each in history]
        assert max(ahead) - min(ahead) <= allowed * (1 + 1e-6)


async def test_every_lane_gets_its_turn_however_small_its_weight(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=lanes(100, 1))
    await fill(bench, 300)
    history = await call_up_to(bench, 202, [1])
    assert history[-1]["l1"] == 2


async def test_a_lanes_quota_ends_its_calls_and_its_share_goes_to_the_others(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=(Lane(id="l0", quota=5), Lane(id="l1")))
    await fill(bench, 20)
    assert (await call_up_to(bench, 20, [3]))[-1] == {"l0": 5, "l1": 15}
    assert await bench.call(10) == {"l0": 0, "l1": 5}
    assert await bench.call(10) == {}, "the quota is used up, and nobody else waits"
    assert len(await bench.members("l0")) == 15, "who waits keeps the place"
    bench.advance(DAY_SECONDS)
    assert await bench.call(3) == {"l0": 3, "l1": 0}, "a room without hours counts by day"


async def test_a_quota_counts_who_went_straight_in(open_bench: OpenBench) -> None:
    bench = open_bench(lanes=(Lane(id="l0", quota=2),), burst=10)
    found = [await bench.line.enter(new_id(), "l0", EPOCH, at_once=True) for _ in range(3)]
    kinds = [type(entry.standing) for entry in found if isinstance(entry, Entry)]
    assert kinds == [Admitted, Admitted, Waiting]
    assert await bench.call(1) == {}


async def test_a_quota_starts_anew_with_each_campaign(open_bench: OpenBench) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    bench = open_bench(lanes=(Lane(id="l0", quota=2),), timetable=Timetable(zone=ZoneInfo("UTC")), keep_places=True)
    state = bench.line.keys.step[0]
    await bench.store.command("HSET", state, "campaign_at", "1", "schedule", "open")
    await fill(bench, 10)
    assert await bench.call(5) == {"l0": 2}
    bench.advance(DAY_SECONDS)
    assert await bench.call(5) == {}, "a day means nothing to a room with hours"
    await bench.store.command("HSET", state, "campaign_at", "2")
    assert await bench.call(5) == {"l0": 2}


async def guarded(open_bench: OpenBench) -> Bench:
    return open_bench(lanes=(Lane(id="big", weight=99), Lane(id="small", weight=1, max_wait_ms=600_000)))


async def test_who_waited_too_long_is_next_and_the_others_keep_half(open_bench: OpenBench) -> None:
    bench = await guarded(open_bench)
    await bench.enter(200, lane="big")
    await bench.enter(30, lane="small")
    assert await bench.call(20) == {"big": 20, "small": 0} or (await bench.members("small"))
    before = len(await bench.members("small"))
    bench.advance(599)
    assert (await bench.call(10))["small"] <= 1, "not a second earlier"
    bench.advance(2)
    moved = await bench.call(20)
    assert moved["small"] == 10
    assert moved["big"] == 10
    one_by_one = [await bench.call(1) for _ in range(10)]
    assert sum(each["small"] for each in one_by_one) == 5, "every second call, however they are asked for"
    assert before > 15
    total = sum(sum(each.values()) for each in one_by_one)
    assert total == 10, "and never more calls than were asked for"


async def test_who_came_later_does_not_ride_on_a_wait_that_is_over(open_bench: OpenBench) -> None:
    bench = await guarded(open_bench)
    await bench.enter(300, lane="big")
    await bench.enter(2, lane="small")
    bench.advance(601)
    await bench.enter(20, lane="small")
    moved = await bench.call(50)
    assert 2 <= moved["small"] <= 3, "the two that waited, and the ordinary share"


async def test_marks_of_waiting_stay_few(open_bench: OpenBench) -> None:
    bench = await guarded(open_bench)
    for _ in range(200):
        await bench.enter(1, lane="small")
        bench.advance(20)
    marks = await bench.store.command("HGET", bench.line.keys.step[0], "since:small")
    assert len(marks.split()) <= 40
    assert await bench.store.command("HGET", bench.line.keys.step[0], "since:big") is None
