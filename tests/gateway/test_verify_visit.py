"""Forward-auth through a whole visit: to the waiting page, in, renewed, over; and with Redis away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ecluse.embedded import running_server
from tests.gateway.front import DIALECTS, Front, OpenBehind, read_origin_pass
from tests.gateway.rig import Serve, StartOrigin
from tests.gateway.visitor import ROOM, Answer, Visitor
from tests.gateway.whole import OpenWhole, Whole, eventually

CADDY = Front("caddy")


@pytest.fixture
def open_whole(redis_url: str, start_origin: StartOrigin, serve_edge: Serve, stack: AsyncExitStack) -> OpenWhole:
    return OpenBehind(redis_url, start_origin, serve_edge, stack)


@pytest.fixture(params=DIALECTS)
def front(request: pytest.FixtureRequest) -> Front:
    return Front(str(request.param))


@pytest.fixture
async def redis_of_its_own(tmp_path: Path) -> AsyncIterator[tuple[str, AsyncExitStack]]:
    """The address of a Redis that this test may end, by closing the stack."""
    async with AsyncExitStack() as stack:
        yield stack.enter_context(running_server(tmp_path)).url, stack


async def sent_on(visitor: Visitor, answer: Answer) -> Answer:
    """What the visitor gets where this answer sends them."""
    return await visitor.get(answer.get("location") or pytest.fail(f"sent nowhere: {answer}"))


async def waits(visitor: Visitor, target: str = "/rdv") -> bool:
    return (await CADDY.ask(visitor, target)).status == 303


async def test_in_an_idle_room_one_is_sent_in_and_back_at_once(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    visitor = whole.visitor()
    inside = await sent_on(visitor, await front.ask(visitor, "/rdv?service=3&a=%C3%A9"))
    assert (inside.status, inside.get("location")) == (303, "/rdv?service=3&a=%C3%A9")
    assert set(inside.cookies) == {"ecluse_pass_salle"}
    assert inside.cookies["ecluse_pass_salle"][1] == {"path=/", "httponly", "samesite=lax", "max-age=100"}
    allowed = await front.ask(visitor, "/rdv?service=3&a=%C3%A9")
    assert allowed.status == 200
    assert read_origin_pass(allowed.get("ecluse-pass") or "")["sub"] == allowed.get("ecluse-session")
    assert await whole.count("admissions") == 1
    assert not whole.origin.heads, "the proxy reaches the origin, not we"


async def test_where_people_wait_one_waits_is_called_and_comes_back(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = whole.visitor()
    for _ in range(3):
        page = await sent_on(visitor, await CADDY.ask(visitor, "/rdv?a=1"))
        assert page.status == 200
        assert 'data-state="waiting"' in page.text
        assert 'value="/rdv?a=1"' in page.text
    assert len((await whole.everything())["line"]) == 1
    await whole.called(visitor)
    assert await waits(visitor), "called is not admitted"
    claimed = await visitor.form(f"{ROOM}/claim", {"to": "/rdv?a=1"})
    assert (claimed.status, claimed.get("location")) == (303, "/rdv?a=1")
    assert (await CADDY.ask(visitor, "/rdv?a=1")).status == 200


async def test_asking_again_and_again_changes_nothing_in_the_line(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    inside = await whole.occupied()
    people = [await whole.waiting() for _ in range(3)]
    before = await whole.everything()
    for person in [*people, whole.visitor(), whole.program(), inside]:
        for method in ("GET", "POST", "HEAD"):
            assert not (await front.ask(person, "/rdv", method)).cookies
    assert await whole.everything() == before


async def test_who_sent_a_form_is_told_that_it_was_not_sent(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole()
    visitor = whole.visitor()
    at_once = await sent_on(visitor, await front.ask(visitor, "/send", "POST"))
    assert at_once.status == 429
    assert "Votre formulaire n’a pas été envoyé" in at_once.text
    assert 'href="/"' in at_once.text
    assert (await front.ask(visitor)).status == 200, "the room was empty, so the way is free now"
    other = whole.visitor()
    waiting = await sent_on(other, await front.ask(other, "/send", "POST"))
    assert waiting.status == 200
    assert "Votre formulaire n’a pas été envoyé" in waiting.text
    assert 'data-state="waiting"' in waiting.text


async def test_a_visit_is_renewed_as_it_goes_on_up_to_its_longest_time(open_whole: OpenWhole, front: Front) -> None:
    whole = await open_whole(mode="queueing")
    visitor = await whole.admitted()
    first = visitor.granted
    whole.advance(10)
    assert not (await front.ask(visitor)).cookies, "too early to renew"
    whole.advance(30)
    renewed = await front.ask(visitor)
    assert (renewed.status, set(renewed.cookies)) == (200, {"ecluse_pass_salle"})
    assert visitor.granted != first
    whole.advance(81)
    assert (await front.ask(visitor)).status == 200, "the first pass would be over"
    whole.advance(30)
    assert front.meant(await front.ask(visitor)) in (303, 401)


async def test_a_proxy_that_drops_the_new_pass_does_not_end_the_visit(open_whole: OpenWhole) -> None:
    whole = await open_whole(mode="queueing")
    visitor = await whole.admitted()
    for _ in range(3):
        whole.advance(40)
        dropping = visitor.twin()
        assert (await CADDY.ask(dropping)).status in (200, 303)
    assert await waits(visitor), "the pass they still have is over, the visit is not"
    back = await sent_on(visitor, await CADDY.ask(visitor))
    assert (back.status, back.get("location")) == (303, "/rdv")
    assert (await CADDY.ask(visitor)).status == 200
    assert await whole.count("admissions") == 1


async def test_the_waiting_page_renews_the_pass_of_somebody_inside(open_whole: OpenWhole) -> None:
    whole = await open_whole(mode="queueing")
    visitor = await whole.admitted()
    first = visitor.granted
    assert not (await visitor.get(f"{ROOM}?enter=1&to=/rdv")).cookies
    whole.advance(40)
    answer = await visitor.get(f"{ROOM}?enter=1&to=/rdv")
    assert (answer.status, answer.get("location")) == (303, "/rdv")
    assert visitor.granted != first


async def end(whole: Whole, visitor: Visitor) -> None:
    """As an operator ends a visit."""
    session = (await CADDY.ask(visitor)).get("ecluse-session")
    room = whole.edges[0].directory.by_id["salle"]
    assert await room.visits.finish(session or "")


async def test_a_visit_that_was_ended_waits_again_and_nobody_is_sent_in_circles(
    open_whole: OpenWhole, front: Front
) -> None:
    whole = await open_whole(gateways=2, mode="queueing")
    visitor = await whole.admitted()
    whole.advance(40)
    elsewhere = visitor.twin(whole.ports[1])
    await end(whole, visitor)
    assert front.meant(await front.ask(visitor)) in (303, 401)
    asked = await front.ask(elsewhere)
    assert front.meant(asked) in (303, 401), "renewal asks Redis, which knows"
    page = await sent_on(elsewhere, asked)
    assert page.status == 200
    assert 'data-state="waiting"' in page.text, "a new place, as at the gate"
    assert len((await whole.everything())["admitted"]) == 0


async def test_an_end_is_known_to_every_gateway_without_asking_redis(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2, mode="queueing")
    visitor = await whole.admitted()
    elsewhere = visitor.twin(whole.ports[1])
    await end(whole, visitor)

    async def refused_elsewhere() -> bool:
        return await waits(elsewhere)

    await whole.turn()
    await eventually(refused_elsewhere, 2.0)


@pytest.mark.parametrize("policy", ["hold", "closed", "open"])
async def test_without_redis_passes_go_on_and_nobody_is_told_to_wait_with_a_five_hundred(
    redis_of_its_own: tuple[str, AsyncExitStack],
    start_origin: StartOrigin,
    serve_edge: Serve,
    stack: AsyncExitStack,
    policy: str,
) -> None:
    url, redis = redis_of_its_own
    whole = await OpenBehind(url, start_origin, serve_edge, stack)(on_store_failure=policy, mode="queueing")
    inside, waiting = await whole.admitted(), await whole.waiting()
    await whole.turn()
    await redis.aclose()
    for seconds in (0, 40):
        whole.advance(seconds)
        for dialect in DIALECTS:
            front = Front(dialect)
            assert (await front.ask(inside)).status == 200, (
                "a pass speaks for itself, also where it is due to be renewed"
            )
            assert front.meant(await front.ask(waiting)) in (303, 401)
            assert (await front.ask(whole.visitor())).status == front.sends(303)
            assert (await front.ask(whole.program())).status == front.sends(429)
    newcomer = whole.visitor()
    page = await sent_on(newcomer, await CADDY.ask(newcomer, "/rdv?a=1"))
    if policy == "open":
        assert (page.status, page.get("location")) == (303, "/rdv?a=1")
        assert page.cookies["ecluse_pass_salle"][1] >= {"max-age=60"}
        assert (await CADDY.ask(newcomer, "/rdv?a=1")).status == 200
    else:
        assert page.status == 503
        assert 'data-retry="/_ecluse/rooms/salle?enter=1&amp;to=/rdv%3Fa%3D1"' in page.text, "it tries again from there"
        assert not page.cookies
