"""Redis loses everything while thousands wait: everybody is back at their own place, and the page says what happened."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.faults.conftest import Broken, OpenBroken
from tests.faults.crowd import Crowd, Page

THOUSANDS = 3_000
ASLEEP = slice(200, 210)
"""Counted from the first who was not called yet when all had joined: far enough back not to be called before the loss."""
FR, EN = "La file se reconstitue", "The line is being put together again"


def kendall_tau(order: list[int]) -> float:
    """How far a sequence is in order: 1 if wholly, -1 if wholly reversed (by counting inversions while merging)."""

    def inversions(items: list[int]) -> tuple[int, list[int]]:
        if len(items) < 2:
            return 0, items
        middle = len(items) // 2
        (a, left), (b, right) = inversions(items[:middle]), inversions(items[middle:])
        merged, crossed, i = [], 0, 0
        for each in right:
            while i < len(left) and left[i] <= each:
                merged.append(left[i])
                i += 1
            crossed += len(left) - i
            merged.append(each)
        return a + b + crossed, merged + left[i:]

    pairs = len(order) * (len(order) - 1) / 2
    return 1 - 2 * inversions(order)[0] / pairs


async def _sets(redis: "Redis", *names: str) -> list[list[str]]:
    """The ids in some of the room's sets, in order, at one moment."""
    async with redis.pipeline(transaction=True) as together:
        for name in names:
            together.zrange(f"ecluse:{{salle}}:{name}", 0, -1)
        return [[member.decode() for member in members] for members in await together.execute()]


async def _page(broken: Broken, page: Page, lang: str) -> str:
    visitor = broken.visitor()
    visitor.jar["ecluse_ticket_salle"] = page.ticket
    return (await visitor.get("/rdv", accept_language=lang)).text


@pytest.mark.slow
async def test_after_a_flush_thousands_are_back_at_their_places_within_two_minutes(open_broken: OpenBroken) -> None:
    broken = await open_broken(capacity=0, pace_per_minute=600, burst=5, claim_seconds=60, return_seconds=10)
    await asyncio.gather(broken.start_worker("second"), broken.start_gateway(1))
    redis = Redis(port=broken.redis_port)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=150)) as session:
        crowd = Crowd(broken.ports, session)
        try:
            await _lose_everything(broken, redis, crowd)
        finally:
            await crowd.stop()
            await redis.aclose()


async def _lose_everything(broken: Broken, redis: "Redis", crowd: Crowd) -> None:
    inside = await broken.admitted()
    line = await crowd.join(THOUSANDS)
    served = (await broken.board())["lanes"]["main"]["serving"]
    asleep = [page for page in line if page.number > served][ASLEEP]
    awake = [page for page in line if page not in asleep]
    for page in awake:
        crowd.wake(page)
    await broken.board_says(lambda board: any(page.admissions for page in awake))
    before = await broken.board()
    await redis.flushall()
    lost_at = time.monotonic()
    held, newcomers = await _hold(broken, crowd, before["epoch"])
    assert FR in await _page(broken, line[-1], "fr")
    assert EN in await _page(broken, line[-1], "en")
    assert (await inside.get("/rdv")).body == b"ok", "a pass needs no store"
    waiting = [page for page in awake if not page.admissions]
    async with asyncio.timeout(100):
        while any(page.returned is None and page.state != "admitted" for page in waiting):
            await asyncio.sleep(0.5)
    assert time.monotonic() - lost_at < 120
    order, called, admitted = await _sets(redis, "line:main", "called", "admitted")
    by_id = {page.id: page for page in [*line, *newcomers]}
    numbers = [by_id[each].number for each in order if each in by_id]
    assert kendall_tau(numbers) == 1
    assert {page.id for page in newcomers} <= set(order[-4:]), "who came after the loss stands behind all others"
    everywhere = [*order, *called, *admitted]
    assert len(everywhere) == len(set(everywhere)), "nobody is anywhere twice"
    gone_in = {page.id for page in awake if page.admissions}
    assert {page.id for page in awake} <= set(everywhere) | gone_in, "and nobody who was awake is nowhere"
    assert len(numbers) > THOUSANDS / 3, "too few were left to say anything"
    served = held["lanes"]["main"]["serving"]  # those called in the lost life come back through the side budget
    assert served < asleep[0].number, "the sleepers were called before the loss"
    await _sleepers_come_back(broken, crowd, asleep)
    assert all(len(page.admissions) <= 1 for page in line)
    passed = [page.number for page in waiting if page.overtaken and page.number > served]
    # They are back before their turn; on a machine so busy that timers are seconds late, a few may find it past, and go first.
    assert len(passed) <= len(waiting) // 100, "people who were awake were overtaken"
    async with asyncio.timeout(60):
        while len([page for page in waiting if page.admissions]) <= 50:
            await asyncio.sleep(0.2)
    assert held["called"] == 0


async def _hold(broken: Broken, crowd: Crowd, epoch: str) -> tuple[dict[str, Any], list[Page]]:
    """Just after: the board says so, nobody new goes straight in, nobody is called."""
    await broken.board_says(lambda board: board["epoch"] not in ("", epoch) and "healing" in board)
    board = await broken.board()
    assert board["healing"]["spread_seconds"] == 10
    newcomers = await crowd.join(3)
    assert [page.state for page in newcomers] == ["waiting"] * 3
    direct = await broken.program().get("/rdv")
    assert direct.problem == "waiting", "nobody passes those who are coming back"
    return await broken.board(), newcomers


async def _sleepers_come_back(broken: Broken, crowd: Crowd, asleep: list[Page]) -> None:
    """The line went past them; they enter at their place, through the side budget."""
    last = asleep[-1].number
    await broken.board_says(lambda board: board["lanes"]["main"]["serving"] > last, 60)
    for page in asleep:
        assert await crowd.present(page) == 200
        assert (page.state in ("waiting", "called"), page.ahead < 2 * len(asleep)) == (True, True)
        crowd.wake(page)
    async with asyncio.timeout(60):
        while not all(page.admissions for page in asleep):
            await asyncio.sleep(0.2)
