"""Redis goes, is slow, or comes back empty: nobody inside notices, nobody loses a place, nothing is opened by mistake."""

import asyncio

import pytest
from redis.asyncio import Redis

from tests.faults.conftest import Broken, OpenBroken
from tests.gateway.visitor import ROOM, Visitor


async def _numbers(visitors: list[Visitor]) -> list[int]:
    return [(await visitor.get(f"{ROOM}/ticket")).json()["number"] for visitor in visitors]


async def _line(broken: Broken) -> list[bytes]:
    redis = Redis(port=broken.redis_port)
    try:
        return [bytes(ticket) for ticket in await redis.zrange("ecluse:{salle}:line:main", 0, -1)]  # type: ignore[arg-type]
    finally:
        await redis.aclose()


async def test_while_redis_is_away_the_admitted_go_on_and_the_waiting_keep_their_page_and_place(
    open_broken: OpenBroken,
) -> None:
    broken = await open_broken()
    inside = await broken.admitted()
    waiting = [await broken.waiting() for _ in range(3)]
    await broken.board_says(lambda board: board["waiting"] == 3)
    numbers, seen = await _numbers(waiting), len(broken.origin.heads)
    broken.kill("redis")
    for _ in range(5):
        assert (await inside.get("/rdv")).body == b"ok"
    assert len(broken.origin.heads) == seen + 5
    await broken.board_says(lambda board: board["stale"])
    assert (await broken.board())["waiting"] == 3, "the last board is served"
    page = await waiting[2].get("/rdv")
    assert (page.status, 'data-state="waiting"' in page.text) == (200, True)
    assert 'data-ahead="2"' in page.text
    newcomer = await broken.visitor().get("/rdv")
    assert newcomer.status == 503
    assert "data-retry" in newcomer.text, "the page keeps trying"
    assert (await waiting[0].claim()).problem == "not-called", "the last board says that it waits"
    for answer in (await broken.program().get("/rdv"), await broken.program().join(), await inside.claim()):
        assert (answer.status, answer.problem) == (503, "store-away")
        assert int(answer.get("retry-after") or 0) >= 1
        assert "Traceback" not in answer.text
    assert (await broken.program().get("/_ecluse/readyz")).status == 503
    assert (await broken.program().get("/_ecluse/healthz")).status == 200
    assert len(broken.origin.heads) == seen + 5, "nobody was let in by the fault"
    await broken.start_redis()
    await broken.board_says(lambda board: not board["stale"])
    assert await _numbers(waiting) == numbers
    assert (await inside.get("/done")).body == b"ok"
    await broken.reaches(waiting[0], "called")
    assert (await waiting[0].claim()).status == 200
    assert (await broken.program().get("/_ecluse/readyz")).status == 200
    assert "tick_failed" in broken.log_of("worker")
    assert "tick_recovered" in broken.log_of("worker")


async def test_after_redis_came_back_empty_everybody_stands_where_they_stood(open_broken: OpenBroken) -> None:
    broken = await open_broken()
    inside = await broken.admitted()
    waiting = [await broken.waiting() for _ in range(6)]
    await broken.board_says(lambda board: board["waiting"] == 6)
    epoch = (await broken.board())["epoch"]
    assert (await inside.get("/rdv")).body == b"ok"
    redis = Redis(port=broken.redis_port)
    await redis.flushall()
    await redis.aclose()
    newcomer = await broken.waiting()
    await broken.board_says(lambda board: board["epoch"] not in ("", epoch))
    assert (await inside.get("/rdv")).body == b"ok", "a pass needs no store"
    for visitor in reversed(waiting):
        answer = await visitor.join()
        assert (answer.status, answer.json()["state"]) in ((200, "waiting"), (200, "called"))
    line = [ticket.decode() for ticket in await _line(broken)]
    expected = [visitor.ticket.split("~")[3] for visitor in [*waiting, newcomer]]
    assert line == [ticket for ticket in expected if ticket in line]
    assert len(line) >= 5


@pytest.mark.parametrize("policy", ["open", "closed"])
async def test_a_room_does_without_its_store_as_it_was_told_to(open_broken: OpenBroken, policy: str) -> None:
    broken = await open_broken(on_store_failure=policy, open_paths=["/static/"])
    waiting = await broken.waiting()
    broken.kill("redis")
    newcomer, program = await broken.visitor().get("/a"), await broken.program().get("/a")
    form = await broken.visitor().ask("POST", "/a", body=b"name=Dupont")
    answers = (newcomer, program, form)
    if policy == "open":
        assert [answer.body for answer in answers] == [b"ok"] * 3
        assert broken.origin.values(b"ecluse-pass")
        assert newcomer.cookies["ecluse_pass_salle"][1] >= {"max-age=60"}, "what the page loads comes with it"
    else:
        assert [answer.status for answer in answers] == [503, 503, 503]
        assert "data-retry" in newcomer.text
        assert not broken.origin.heads
    assert (await broken.visitor().get("/static/a.css")).body == b"ok"
    assert waiting.ticket


async def test_a_redis_that_stops_answering_holds_up_nobody_inside(open_broken: OpenBroken) -> None:
    broken = await open_broken()
    inside = await broken.admitted()
    waiting = await broken.waiting()
    redis = Redis(port=broken.redis_port)
    loop = asyncio.get_running_loop()
    try:
        await redis.client_pause(3000)
        joining = asyncio.create_task(broken.program().join())
        started = loop.time()
        for _ in range(20):
            assert (await inside.get("/rdv")).body == b"ok"
        assert loop.time() - started < 2.5, "requests of the admitted waited for the store"
        joined = await joining
        assert joined.status in (201, 503)
        if joined.status == 503:
            assert joined.problem == "store-away"
    finally:
        await redis.aclose()
    await broken.board_says(lambda board: not board["stale"])
    assert (await inside.get("/done")).body == b"ok"
    await broken.reaches(waiting, "called")
