"""A draw decided by a round of drand: named before it exists, fetched by the worker, and never replaced in silence."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ecluse.domain import draw
from ecluse.domain.draw_check import Verdict, check
from ecluse.domain.errors import BadInput, WrongMoment
from ecluse.domain.opening import DrandSource, DrawKind
from ecluse.services.deciding import given_for_a_round
from ecluse.store.rooms import RoomStore
from tests.ecluse.relay import CHAIN, Relay, answer, relaying, signature
from tests.ecluse.services.hours import GATHER_MS, OPEN_MS, Day
from tests.ecluse.services.test_draws_lost import present
from tests.ecluse.store.conftest import OpenBench


@pytest.fixture
def relay() -> Iterator[Relay]:
    with relaying() as opened:
        yield opened


def _day(open_bench: OpenBench, relay: Relay) -> Day:
    source = DrandSource(
        chain=CHAIN.hash, public_key=CHAIN.public_key, genesis=CHAIN.genesis, period_seconds=CHAIN.period_seconds,
        relays=(relay.url,),
    )  # fmt: skip
    return Day(open_bench, DrawKind.DRAND, drand=source)


async def _settled(day: Day) -> None:
    """Turns until the round under way has been fetched, or refused."""
    await day.turn()
    fetching = day.ticks._openings._deciding.fetching
    if fetching is not None:
        await fetching
    await day.turn()


async def test_the_round_is_named_before_it_exists_and_decides_the_draw_once_it_does(
    open_bench: OpenBench, relay: Relay
) -> None:
    day = _day(open_bench, relay)
    await day.at(GATHER_MS)
    tickets = [ticket for ticket, _ in await day.join(12)]
    await day.bench.set(mode="paused")
    announced = await day.record()
    number = announced["beacon"]["round"]
    assert (announced["state"], announced["beacon"]["chain"]) == ("announced", CHAIN.hash)
    due_ms = CHAIN.time_of(number) * 1000
    assert OPEN_MS + 30_000 <= due_ms < OPEN_MS + 30_000 + CHAIN.period_seconds * 1000
    await day.at(OPEN_MS)
    await day.turns(3)
    assert (await day.record())["state"] == "closed", "the root is public before the round is made"
    assert relay.asked == []
    await day.at(due_ms)
    await _settled(day)
    await day.turns(2)
    assert relay.asked == [f"/{CHAIN.hash}/public/{number}"]
    record = draw.Record.from_document(await day.record())
    assert (record.state, record.beacon.value) == ("drawn", answer(number)["randomness"])
    assert record.beacon.signature == signature(number)
    assert record.beacon.round == number
    seed = bytes.fromhex(record.seed or "")
    assert await day.bench.members("main") == sorted(tickets, key=lambda each: draw.place(seed, each))
    findings = check(record, await day.listed(), {CHAIN.hash: CHAIN})
    assert {each.claim: each.verdict for each in findings}["beacon signature"] is Verdict.HOLDS
    assert all(each.verdict is not Verdict.FAILS for each in findings)


@pytest.mark.parametrize("trouble", ["away", "forged", "another round", "elsewhere"])
async def test_without_a_genuine_round_the_draw_waits_and_tries_again(
    open_bench: OpenBench, relay: Relay, trouble: str
) -> None:
    day = _day(open_bench, relay)
    await day.at(GATHER_MS)
    await day.join(3)
    await day.at(OPEN_MS)
    await day.turns(3)
    number = (await day.record())["beacon"]["round"]
    forged = {"away": {}, "forged": answer(number) | {"signature": signature(number + 1)}, "elsewhere": {},
              "another round": answer(number + 1)}[trouble]  # fmt: skip
    genuine = relay.answer_of
    relay.status = {"away": 503, "elsewhere": 302}.get(trouble, 200)
    relay.location = f"{relay.url}/elsewhere/{number}" if trouble == "elsewhere" else ""
    relay.answer_of = lambda path: json.dumps(forged).encode()  # type: ignore[method-assign]
    await day.at(CHAIN.time_of(number) * 1000)
    await _settled(day)
    assert (await day.record())["state"] == "closed"
    assert (await day.board())["phase"] == "drawing"
    assert len(relay.asked) == 1, "no second address is gone to"
    relay.answer_of, relay.status, relay.location = genuine, 200, ""  # type: ignore[method-assign]
    await day.turns(2)
    assert len(relay.asked) == 1, "a relay in trouble is left alone for a moment"
    day.bench.advance(4)
    await _settled(day)
    assert (await day.record())["state"] == "drawn"


async def test_a_list_closed_too_late_for_its_round_gets_a_later_one(open_bench: OpenBench, relay: Relay) -> None:
    day = _day(open_bench, relay)
    await day.at(GATHER_MS)
    await day.join(2)
    announced = (await day.record())["beacon"]["round"]
    await day.at(OPEN_MS + 600_000)  # no worker was there at the opening
    await day.turns(3)
    record = await day.record()
    assert record["state"] == "closed"
    assert record["beacon"]["round"] > announced
    assert CHAIN.time_of(record["beacon"]["round"]) * 1000 >= OPEN_MS + 630_000


async def test_an_operator_may_give_the_round_itself_or_when_overdue_a_value_that_the_record_tells(
    open_bench: OpenBench, relay: Relay
) -> None:
    relay.status = 503
    day = _day(open_bench, relay)
    await day.at(GATHER_MS)
    await day.join(5)
    await day.at(OPEN_MS)
    await day.turns(3)
    record = draw.Record.from_document(await day.record())
    number = record.beacon.round or 0
    due_ms = CHAIN.time_of(number) * 1000
    given = given_for_a_round(record, {"signature": signature(number)}, CHAIN, due_ms)
    assert given == {"value": answer(number)["randomness"], "signature": signature(number)}
    for wrong in ({"signature": signature(number + 1)}, {"signature": "zz"}, {"signature": 7}):
        with pytest.raises(BadInput):
            given_for_a_round(record, wrong, CHAIN, due_ms)
    own: dict[str, Any] = {"value": "12 17 23", "source": "Loto du soir"}
    with pytest.raises(WrongMoment):
        given_for_a_round(record, own, CHAIN, due_ms + 119_000)
    assert given_for_a_round(record, own, CHAIN, due_ms + 120_000) == {}
    rooms = RoomStore(day.bench.store, day.line.room)
    await day.at(due_ms + 120_000)
    assert await rooms.give_beacon(json.dumps(own)) == "taken"
    await day.turns(2)
    found = (await day.record())["beacon"]
    assert (found["kind"], found["value"]) == ("operator", "12 17 23")
    assert found["source"] == f"In place of round {number} of drand {CHAIN.hash}, out of reach: Loto du soir"


async def test_every_step_of_a_draw_is_in_the_journal_without_a_person(open_bench: OpenBench, relay: Relay) -> None:
    day = _day(open_bench, relay)
    await day.at(GATHER_MS)
    await day.join(2)
    await day.at(OPEN_MS)
    await day.turns(3)
    await day.at(CHAIN.time_of((await day.record())["beacon"]["round"]) * 1000)
    await _settled(day)
    await day.turns(2)
    entries = [entry.document for entry in await RoomStore(day.bench.store, day.line.room).journal()][::-1]
    told: list[Any] = [entry.get("draw", {"state": ""}) for entry in entries]
    assert [each["state"] for each in told if each["state"]] == ["announced", "closed", "drawn"]
    moved: list[Any] = [entry["changes"] for entry in entries if entry["action"] == "schedule"]
    assert [change[0]["to"] for change in moved] == ["closed", "prequeue", "drawing", "open"]
    assert {entry["who"] for entry in entries} == {"ecluse"}


async def test_a_line_lost_at_the_opening_is_closed_once_it_is_back_and_decided_by_a_later_round(
    open_bench: OpenBench, relay: Relay
) -> None:
    day = _day(open_bench, relay)
    await day.at(GATHER_MS)
    joined = await day.join(6)
    announced = await day.record()
    await day.at(OPEN_MS - 1_000)
    await day.bench.store.command("FLUSHALL")
    await day.turn()
    assert await day.record() == announced, "the same round as long as the list is not closed"
    await present(day, joined)
    await day.bench.set(mode="paused")
    while (await day.record())["state"] == "announced":
        await day.turn()
    closed, closed_ms = await day.record(), day.bench.now
    assert closed_ms >= OPEN_MS + 119_000, "everybody had their time to come back"
    due_ms = CHAIN.time_of(closed["beacon"]["round"]) * 1000
    assert closed_ms + 30_000 <= due_ms < closed_ms + 30_000 + CHAIN.period_seconds * 1000
    await day.at(due_ms)
    await _settled(day)
    await day.turns(2)
    record = await day.record()
    assert (record["state"], record["root"]) == ("drawn", closed["root"])
    assert relay.asked == [f"/{CHAIN.hash}/public/{closed['beacon']['round']}"], "not the one that may be known"
    seed = bytes.fromhex(record["seed"])
    expected = sorted((ticket for ticket, _ in joined), key=lambda each: draw.place(seed, each))
    assert await day.bench.members("main") == expected
