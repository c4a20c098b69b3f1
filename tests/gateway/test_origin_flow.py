"""The requests on their way to an origin: counted, and limited while the pace is automatic."""

import asyncio
import json

import pytest

from ecluse.domain.errors import OriginBusy
from ecluse.domain.inflight import FIRST_LIMIT
from gateway.origin_flow import OriginFlow


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def flow_with(time: Time, *, limits: bool = True) -> OriginFlow:
    return OriginFlow(1000, limits=lambda: limits, now=time)


async def test_what_was_seen_is_counted_and_told_once() -> None:
    time = Time()
    flow = flow_with(time)
    trips = [await flow.enter() for _ in range(4)]
    time.seconds += 0.2
    assert trips[0].answered(200) == pytest.approx(0.2)
    trips[1].answered(503)
    trips[2].failed(slow=True)
    for trip in trips[:3]:
        trip.over()
    time.seconds += 1
    told = flow.report()
    assert told is not None
    attempts, failures, oldest_ms, limit, latencies = json.loads(told)
    assert (attempts, failures, oldest_ms, limit, sum(latencies)) == (4, 2, 1200, FIRST_LIMIT, 2)
    trips[3].over()
    assert flow.report() is not None
    assert flow.report() is None


async def test_a_visitor_who_left_says_nothing_of_the_origin() -> None:
    flow = flow_with(Time())
    trip = await flow.enter()
    trip.over()
    trip.failed(slow=False)
    assert json.loads(flow.report() or "")[:3] == [1, 0, 0]


async def test_over_the_limit_one_waits_for_a_turn_in_order() -> None:
    flow = flow_with(Time())
    inside = [await flow.enter() for _ in range(FIRST_LIMIT)]
    order: list[int] = []

    async def come(name: int) -> None:
        trip = await flow.enter()
        order.append(name)
        trip.over()

    waiting = [asyncio.create_task(come(name)) for name in range(3)]
    await asyncio.sleep(0)
    assert order == []
    inside[0].over()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]


async def test_after_half_a_second_it_is_told_that_the_service_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.origin_flow.PATIENCE_SECONDS", 0.01)
    flow = flow_with(Time())
    for _ in range(FIRST_LIMIT):
        await flow.enter()
    with pytest.raises(OriginBusy):
        await flow.enter()
    attempts, failures, *_ = json.loads(flow.report() or "")
    assert (attempts, failures) == (FIRST_LIMIT + 1, 1), "a refusal is congestion, and counted as such"


async def test_one_who_gives_up_waiting_takes_nobodys_turn() -> None:
    flow = flow_with(Time())
    inside = [await flow.enter() for _ in range(FIRST_LIMIT)]
    leaving = asyncio.create_task(flow.enter())
    staying = asyncio.create_task(flow.enter())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    inside[0].over()
    assert (await staying).done is False


async def test_the_limit_follows_what_the_origin_bears() -> None:
    time = Time()
    flow = flow_with(time)
    for _ in range(3):
        trips = [await flow.enter() for _ in range(40)]
        time.seconds += 2.1
        for trip in trips:
            trip.answered(200)
    # Two seconds for an answer are over the target: down by a fifth each time a step is taken.
    await flow.enter()
    assert flow.limit < FIRST_LIMIT


async def test_by_hand_nothing_is_limited() -> None:
    flow = flow_with(Time(), limits=False)
    for _ in range(3 * FIRST_LIMIT):
        await flow.enter()
