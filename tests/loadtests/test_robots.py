"""What robots do, walked through with answers made here: each must be counted where it succeeds."""

from collections.abc import Callable
from random import Random

import pytest

from loadtests.answers import WrongAnswer
from loadtests.booking import watch_slots
from loadtests.forging import replay
from loadtests.moves import Answer, Ask, Moves, Pause, Step
from loadtests.personas import PERSONAS, live, somebody
from loadtests.robots import FARMED, SHARERS
from loadtests.site import JSON, Site
from loadtests.tally import Tally
from loadtests.visitor import Visitor

SITE = Site(room="prefecture")


def walked(moves: Moves[object], reply: Callable[[Ask], Answer]) -> list[Ask]:
    """Everything that was asked on the way."""
    asked: list[Ask] = []
    answer: Answer | None = None
    while True:
        try:
            move = moves.send(answer)
        except StopIteration:
            return asked
        if isinstance(move, Pause):
            answer = None
        else:
            asked.append(move)
            answer = reply(move)


def said(status: int, *cookies: str) -> Answer:
    return Answer(status=status, set_cookies=cookies, sent_at=0.0, received_at=0.0)


def test_used_up_proofs_that_still_open_are_counted_each_time() -> None:
    visitor = somebody("replayer", SITE, Tally(), Random(1))
    asked = walked(replay(visitor, "old-pass", "old-ticket", times=SHARERS), lambda _: said(200))
    assert (visitor.trace.forged_sent, visitor.trace.forged_admitted) == (SHARERS, SHARERS)
    assert {each.method for each in asked} == {"HEAD"}
    assert all("ecluse_pass_prefecture=old-pass" in each.headers["Cookie"] for each in asked)


def test_used_up_proofs_that_are_refused_or_replaced_by_a_fresh_admission_are_not() -> None:
    for answer in (said(429), said(200, "ecluse_pass_prefecture=fresh; HttpOnly")):
        visitor = somebody("replayer", SITE, Tally(), Random(1))
        walked(replay(visitor, "old-pass", "old-ticket", times=3), lambda _, answer=answer: answer)  # type: ignore[misc]
        assert (visitor.trace.forged_sent, visitor.trace.forged_admitted) == (3, 0)


def test_a_farm_has_many_jars_and_an_invented_address_for_each() -> None:
    tally = Tally(traces=[])
    farm = somebody("session-farm", SITE, tally, Random(1))
    asked = walked(live(farm), lambda _: said(500))
    assert len({each.headers["X-Forwarded-For"] for each in asked}) == FARMED
    assert tally.traces is not None
    assert len(tally.traces) == FARMED
    assert all(trace.robot for trace in tally.traces)


def test_a_stampede_asks_again_at_once_whatever_retry_after_says() -> None:
    pauses: list[float] = []
    visitor = somebody("stampede", SITE, Tally(), Random(1))
    moves = live(visitor)
    ticket = (
        b'{"id":"a","lane":"main","number":1,"place":1.0,"state":"waiting","ahead":3,'
        b'"wait_seconds":{"p50":1.0,"p90":2.0},"next_poll_seconds":3.0,"claim_until":null}'
    )
    problem = b'{"type":"/_ecluse/problems/not-called","title":"t","status":425,"detail":"d"}'
    answer: Answer | None = None
    for _ in range(60):
        move = moves.send(answer)
        if isinstance(move, Pause):
            pauses.append(move.seconds)
            answer = None
        elif move.path == "/":
            answer = said(200, "ecluse_ticket_prefecture=t")
        elif move.path.endswith("/ticket"):
            answer = Answer(status=200, body=ticket, sent_at=0.0, received_at=0.0)
        elif move.path.endswith("/claim"):
            answer = Answer(status=425, body=problem, headers={"retry-after": "30"}, sent_at=0.0, received_at=0.0)
        else:
            answer = said(429)
    assert len(pauses) > 10
    assert max(pauses) < 1


def test_people_and_robots_are_told_apart_in_every_trace() -> None:
    for name, persona in PERSONAS.items():
        assert somebody(name, SITE, Tally(), Random(1)).trace.robot is persona.robot


TOO_FAST = b'{"type":"/_ecluse/problems/visit-too-fast","title":"t","status":429,"detail":"d"}'


def refused(body: bytes, seconds: str = "3") -> Answer:
    return Answer(status=429, body=body, headers={"retry-after": seconds}, sent_at=0.0, received_at=0.0)


def told_429(persona: str, answer: Answer) -> tuple[Visitor, Ask | Pause]:
    """Somebody who looks at the services and is answered so, and what they do next."""
    visitor = somebody(persona, SITE, Tally(), Random(1))
    moves = watch_slots(visitor)
    next(moves)
    after = moves.send(answer)
    assert moves.send(None) == Ask(
        step=Step.SERVICES, method="GET", path="/api/services", headers=JSON, expected=frozenset({200, 429})
    )
    return visitor, after


def test_a_robot_inside_waits_as_long_as_it_is_told_when_it_asks_too_fast() -> None:
    visitor, after = told_429("slot-refresher", refused(TOO_FAST))
    assert after == Pause(3.0)
    assert visitor.tally.events["slowed down"] == 1
    assert not visitor.tally.wrong


@pytest.mark.parametrize(
    ("persona", "answer"),
    [
        ("applicant", refused(TOO_FAST)),
        ("slot-refresher", refused(TOO_FAST, "soon")),
        ("slot-refresher", refused(TOO_FAST.replace(b"visit-too-fast", b"waiting"))),
    ],
)
def test_any_other_429_inside_is_wrong_and_so_is_one_for_a_person(persona: str, answer: Answer) -> None:
    with pytest.raises(WrongAnswer, match="services: 429"):
        told_429(persona, answer)
