import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain.board import EXACT, mark_ranks
from ecluse.tokens import Pass, PassSigner, SigningKey
from loadtests.answers import (
    BoardAnswer,
    LaneAnswer,
    Pacing,
    Speed,
    TicketAnswer,
    WrongAnswer,
    ahead_of,
    is_due,
    look_again_seconds,
    read,
    read_board,
    read_pass,
    retry_after_seconds,
)


def lane(places: list[float], *, serving: float = 0.0, p50: float = 60.0) -> LaneAnswer:
    """The lane as a board would tell it of a line with these places."""
    return LaneAnswer(
        waiting=len(places),
        serving=serving,
        calls_per_minute=Speed(p50=p50, slow=p50 / 2),
        marks=[(places[rank], rank) for rank in mark_ranks(len(places))],
    )


def board_body(**changes: object) -> bytes:
    board: dict[str, object] = {
        "room": "prefecture", "epoch": "e", "at_ms": 1, "phase": "open", "notice": {}, "pace_per_minute": 120,
        "waiting": 2, "called": 0, "admitted": 0, "opens_at": None, "closes_at": None, "stale": False,
        "slots_left": None, "poll_seconds": {"near": 3, "far": 20},
        "lanes": {
            "main": {
                "waiting": 2, "serving": 4, "calls_per_minute": {"p50": 120.0, "slow": 50}, "marks": [[5, 0], [9, 1]],
            }
        },
    }  # fmt: skip
    return json.dumps({**board, **changes}).encode()


def test_a_board_as_the_contract_has_it_is_read() -> None:
    board = read_board(board_body())
    assert board.lanes["main"].marks == [(5.0, 0), (9.0, 1)]
    assert board.pace_per_minute == 120


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "sleeping"},
        {"waiting": -1},
        {"waiting": "2"},
        {"pace_per_minute": 0},
        {"stale": None},
        {"lanes": {"main": {"waiting": 1}}},
    ],
)
def test_a_board_that_breaks_the_contract_is_a_wrong_answer(changes: dict[str, object]) -> None:
    with pytest.raises(WrongAnswer, match="BoardAnswer unreadable"):
        read(BoardAnswer, board_body(**changes))


@pytest.mark.parametrize("marks", [[[9, 0], [5, 1]], [[5, 1], [9, 1]], [[5, 0], [5, 1]]])
def test_marks_that_do_not_rise_are_a_wrong_answer(marks: list[list[int]]) -> None:
    told = {"waiting": 2, "serving": 0, "calls_per_minute": {"p50": 1, "slow": 1}, "marks": marks}
    with pytest.raises(WrongAnswer, match="do not rise"):
        read(BoardAnswer, board_body(lanes={"main": told}))


def test_what_is_not_json_is_a_wrong_answer() -> None:
    with pytest.raises(WrongAnswer, match="the whole"):
        read(BoardAnswer, b"<html>busy</html>")


def test_a_called_ticket_must_say_until_when() -> None:
    ticket = {
        "id": "x", "lane": "main", "number": 3, "place": 3, "state": "called", "ahead": 0,
        "wait_seconds": {"p50": 0, "p90": 0}, "next_poll_seconds": 3, "claim_until": None,
    }  # fmt: skip
    with pytest.raises(WrongAnswer, match="claim_until"):
        read(TicketAnswer, json.dumps(ticket).encode())
    assert read(TicketAnswer, json.dumps({**ticket, "claim_until": "2026-11-23T10:00:00Z"}).encode()).state == "called"


@given(st.sets(st.integers(1, 100_000), min_size=1, max_size=EXACT))
def test_near_the_front_every_position_is_exact(numbers: set[int]) -> None:
    places = sorted(float(number) for number in numbers)
    line = lane(places)
    assert [ahead_of(place, line) for place in places] == list(range(len(places)))


@given(st.integers(33, 20_000), st.floats(0, 1))
def test_far_behind_a_position_is_within_two_percent(waiting: int, where: float) -> None:
    places = [float(number) for number in range(1, waiting + 1)]
    rank = int(where * (waiting - 1))
    assert abs(ahead_of(places[rank], lane(places)) - rank) <= max(0.02 * rank, 0.5)


def test_a_ticket_younger_than_the_board_has_everybody_before_it() -> None:
    line = lane([5.0, 6.0, 9.0])
    assert ahead_of(12.0, line) == 3
    assert ahead_of(4.0, line) == 0
    assert ahead_of(1.0, lane([])) == 0


def test_only_a_place_that_is_being_served_asks_for_its_ticket() -> None:
    line = lane([5.0], serving=4.0)
    assert is_due(4.0, line)
    assert not is_due(5.0, line)


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 3.0), (30, 3.0), (100, 10.0), (5000, 20.0)])
def test_people_look_at_the_board_after_a_tenth_of_their_wait(ahead: int, seconds: float) -> None:
    assert look_again_seconds(ahead, lane([], p50=60.0), Pacing(near=3, far=20)) == seconds


@pytest.mark.parametrize(("value", "seconds"), [("3", 3.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0), ("99999", 600.0)])
def test_retry_after_is_read_with_caution(value: str, seconds: float) -> None:
    assert retry_after_seconds({"retry-after": value}) == seconds


def test_a_pass_tells_its_session() -> None:
    granted = Pass(room="prefecture", session="abc", lane="main", issued_at=1, expires_at=2)
    token = PassSigner([SigningKey.from_secret("k" * 20)]).sign(granted)
    assert read_pass(token).sub == "abc"


@pytest.mark.parametrize("token", ["", "a.b", "a.!.c", "a." + base64.urlsafe_b64encode(b"[]").decode() + ".c"])
def test_what_is_no_pass_is_a_wrong_answer(token: str) -> None:
    with pytest.raises(WrongAnswer, match="PassClaims unreadable"):
        read_pass(token)
