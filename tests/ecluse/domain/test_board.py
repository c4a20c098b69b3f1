"""The board: any ticket works out its own position, exactly in front and closely behind, from a small document."""

import gzip
import json
import random
from bisect import bisect_left
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.board import (
    EXACT,
    FAR_SECONDS,
    NEAR_SECONDS,
    STEP,
    STRAIGHT,
    Board,
    LaneBoard,
    Mark,
    Marks,
    Phase,
    mark_ranks,
    phase_of,
    poll_seconds,
    without_straights,
)
from ecluse.domain.estimate import Throughput

FIRST_NUMBER = 2_800_000_000_000
"""Numbers start from the clock (`_room.lua`), so they are long."""
GZIP_BYTES_MAX = 4096

patient = settings(deadline=None)


def numbers_of(waiting: int, *, left_share: float = 0.3, seed: int = 7) -> list[float]:
    """The places of a line in which some left, at random."""
    rng = random.Random(seed)
    places, number = [], FIRST_NUMBER
    for _ in range(waiting):
        number += 1
        while rng.random() < left_share:
            number += 1
        places.append(float(number))
    return places


def marks_of(places: list[float]) -> list[Mark]:
    return [(places[rank], rank) for rank in mark_ranks(len(places))]


def reader_of(places: list[float]) -> Marks:
    return Marks(marks_of(places), len(places))


@patient
@given(st.integers(0, 3_000_000))
def test_marked_ranks_start_at_the_front_rise_and_end_with_the_last(waiting: int) -> None:
    ranks = mark_ranks(waiting)
    assert ranks == sorted(set(ranks))
    assert ranks[: min(EXACT, waiting)] == list(range(min(EXACT, waiting)))
    assert (not ranks) == (waiting == 0)
    if waiting:
        assert ranks[-1] == waiting - 1
    assert all(right <= max(left * STEP, left + 1) + 1 for left, right in pairwise(ranks))


def test_a_million_waiting_need_a_few_hundred_marks() -> None:
    assert len(mark_ranks(1_000_000)) < 400


@pytest.mark.parametrize("waiting", [1, 5, EXACT, EXACT + 1, 1_000, 100_000])
def test_a_position_among_the_first_is_exact(waiting: int) -> None:
    places = numbers_of(waiting)
    reader = reader_of(places)
    for rank in range(min(EXACT, waiting)):
        assert reader.ahead_of(places[rank]) == rank


@pytest.mark.parametrize("waiting", [1_000, 100_000, 1_000_000])
def test_a_position_behind_is_within_two_percent(waiting: int) -> None:
    places = numbers_of(waiting)
    reader = reader_of(places)
    worst = 0.0
    for rank in range(EXACT, waiting, max(1, waiting // 20_000)):
        worst = max(worst, abs(reader.ahead_of(places[rank]) - rank) / rank)
    assert worst <= 0.02


@patient
@given(gaps=st.lists(st.integers(1, 10_000), min_size=1, max_size=600))
def test_a_position_never_leaves_its_two_marks_whoever_left_between_them(gaps: list[int]) -> None:
    places, number = [], 0
    for gap in gaps:
        number += gap
        places.append(float(number))
    reader = reader_of(places)
    told = [reader.ahead_of(place) for place in places]
    assert told == sorted(told)
    ranks = mark_ranks(len(places))
    for rank, ahead in enumerate(told):
        after = bisect_left(ranks, rank)
        assert ranks[max(after - 1, 0)] <= ahead <= ranks[after]


def test_who_stands_between_two_marks_is_behind_the_one_and_before_the_other() -> None:
    reader = Marks([(0.25, 0), (5.0, 1), (6.0, 2), (10.0, 6), (11.0, 7), (110.0, 10)], 12)
    assert [reader.ahead_of(place) for place in (5.5, 6.1, 8.0, 9.9, 10.5, 11.1, 109.9)] == [2, 3, 4, 5, 7, 8, 9]
    assert [reader.ahead_of(place) for place in (0.1, 0.25, 5.0, 110.0, 110.5)] == [0, 0, 1, 10, 12]


@patient
@given(gaps=st.lists(st.integers(1, 10_000) | st.just(1), min_size=1, max_size=3_000))
def test_a_mark_is_left_out_only_where_its_neighbours_tell_the_same(gaps: list[int]) -> None:
    places = [float(place) for place in accumulate(gaps)]
    marks = marks_of(places)
    kept = without_straights(marks)
    assert kept[:EXACT] == marks[:EXACT]
    assert kept[-1] == marks[-1]
    assert set(kept) <= set(marks)
    assert kept == sorted(kept)
    reader = Marks(kept, len(places))
    for place, ahead in marks:
        assert abs(reader.ahead_of(place) - ahead) <= STRAIGHT * ahead + 0.5


def test_an_even_line_needs_no_mark_between_the_first_and_the_last() -> None:
    kept = without_straights(marks_of([float(number) for number in range(1, 1_000_001)]))
    assert [ahead for _, ahead in kept] == [*range(EXACT), 999_999]


@pytest.mark.parametrize("left_share", [0.05, 0.3])
@pytest.mark.parametrize("waiting", [1_000, 100_000, 1_000_000])
def test_with_the_marks_that_are_sent_a_position_is_within_two_percent(waiting: int, left_share: float) -> None:
    places = numbers_of(waiting, left_share=left_share)
    reader = Marks(without_straights(marks_of(places)), waiting)
    for rank in range(EXACT, waiting, max(1, waiting // 20_000)):
        assert abs(reader.ahead_of(places[rank]) - rank) <= max(1, 0.02 * rank)


@patient
@given(pieces=st.lists(st.tuples(st.integers(1, 80), st.integers(1, 2_000)), min_size=1, max_size=120))
def test_however_people_left_a_position_is_never_off_by_more_than_the_marks_are_apart(
    pieces: list[tuple[int, int]],
) -> None:
    places, number = [], 0
    for together, gap in pieces:
        places += [float(number + each) for each in range(together)]
        number += together + gap
    reader = Marks(without_straights(marks_of(places)), len(places))
    for rank, place in enumerate(places):
        assert abs(reader.ahead_of(place) - rank) <= (STEP - 1 + STRAIGHT) * rank + 1


def test_marks_that_do_not_rise_are_left_out() -> None:
    front: list[Mark] = [(float(rank), rank) for rank in range(EXACT)]
    assert without_straights([*front, (31.0, 33), (40.0, 40), (40.0, 41)])[EXACT:] == [(40.0, 40), (40.0, 41)]
    assert without_straights([]) == []


@patient
@given(waiting=st.integers(1, 5_000))
def test_a_drawn_line_is_read_the_same_way(waiting: int) -> None:
    rng = random.Random(waiting)
    places = sorted(rng.random() for _ in range(waiting))
    reader = reader_of(places)
    assert [reader.ahead_of(place) for place in places[:EXACT]] == list(range(min(EXACT, waiting)))
    assert reader.ahead_of(places[-1]) == waiting - 1


def test_who_joined_after_the_board_was_made_has_everybody_ahead() -> None:
    marks = [(10.0, 0), (20.0, 1)]
    assert Marks(marks, 2).ahead_of(21.0) == 2
    assert Marks(marks, 900).ahead_of(21.0) == 900


def test_who_stands_before_the_first_mark_has_nobody_ahead() -> None:
    assert Marks([(10.0, 0)], 1).ahead_of(5.0) == 0
    assert Marks([], 0).ahead_of(5.0) == 0


def test_between_two_marks_the_position_is_by_proportion() -> None:
    assert Marks([(100.0, 40), (200.0, 60)], 61).ahead_of(150.0) == 50


def board_of(lanes: dict[str, LaneBoard], **more: object) -> Board:
    waiting = sum(lane.waiting for lane in lanes.values())
    fields: dict[str, object] = {
        "room": "prefecture", "epoch": "q1w2e3r4", "at_ms": 1_800_000_000_123, "phase": Phase.OPEN,
        "notice": {"fr": "Ouverture des créneaux d'août.", "en": "August slots are open."},
        "pace_per_minute": 120.0, "waiting": waiting, "called": 12, "admitted": 290, "lanes": lanes,
    }  # fmt: skip
    return Board(**{**fields, **more})  # type: ignore[arg-type]


def lane_of(places: list[float]) -> LaneBoard:
    return LaneBoard(
        waiting=len(places),
        serving=places[0] - 1,
        calls_per_minute=Throughput(p50=118.23456, slow=96.98765),
        marks=marks_of(places),
    )


def test_the_board_of_a_million_waiting_packs_into_four_kilobytes() -> None:
    board = board_of({"main": lane_of(numbers_of(1_000_000))})
    text = json.dumps(board.document(), ensure_ascii=False, separators=(",", ":")).encode()
    assert len(gzip.compress(text, compresslevel=6, mtime=0)) < GZIP_BYTES_MAX


def test_the_document_has_the_names_of_the_contract_and_nothing_else() -> None:
    document = board_of({"main": lane_of(numbers_of(3))}, slots_left=41).document()
    assert set(document) == {
        "room", "epoch", "at_ms", "phase", "notice", "pace_per_minute", "waiting", "called", "admitted", "opens_at",
        "closes_at", "stale", "slots_left", "lanes", "poll_seconds",
    }  # fmt: skip
    assert document["slots_left"] == 41
    assert document["poll_seconds"] == {"near": NEAR_SECONDS, "far": FAR_SECONDS}
    lanes = document["lanes"]
    assert isinstance(lanes, dict)
    assert set(lanes["main"]) == {"waiting", "serving", "calls_per_minute", "marks"}
    assert lanes["main"]["calls_per_minute"] == {"p50": 118.23, "slow": 96.99}


def test_numbers_travel_without_a_decimal_point_and_draw_values_with_all_of_theirs() -> None:
    lane = LaneBoard(
        waiting=2, serving=7.0, calls_per_minute=Throughput(p50=1, slow=1), marks=[(0.123456789012345, 0), (8.0, 1)]
    )
    told = json.loads(json.dumps(board_of({"main": lane}).document()))["lanes"]["main"]
    assert told["marks"] == [[0.123456789012345, 0], [8, 1]]
    assert isinstance(told["marks"][1][0], int)
    assert isinstance(told["serving"], int)


@patient
@given(st.integers(0, 10**6), st.floats(0, 10**5))
def test_nobody_is_told_to_ask_more_often_than_near_or_less_often_than_far(ahead: int, rate: float) -> None:
    assert NEAR_SECONDS <= poll_seconds(ahead, rate) <= FAR_SECONDS


def test_who_stands_far_back_asks_rarely_and_who_stands_in_front_often() -> None:
    assert poll_seconds(0, 120) == NEAR_SECONDS
    assert poll_seconds(200, 120) == 10
    assert poll_seconds(100_000, 120) == FAR_SECONDS
    assert poll_seconds(1, 0) == FAR_SECONDS


@pytest.mark.parametrize(
    ("mode", "waiting", "called", "phase"),
    [
        ("open", 0, 0, Phase.IDLE),
        ("open", 1, 0, Phase.OPEN),
        ("open", 0, 1, Phase.OPEN),
        ("queueing", 0, 0, Phase.OPEN),
        ("paused", 0, 0, Phase.PAUSED),
        ("paused", 9, 9, Phase.PAUSED),
        ("closed", 9, 0, Phase.CLOSED),
    ],
)
def test_the_phase_follows_from_the_mode_and_the_line(mode: str, waiting: int, called: int, phase: Phase) -> None:
    assert phase_of(mode, waiting, called) is phase


def test_a_room_with_hours_says_which_campaign_and_draw_it_is_in() -> None:
    hours: dict[str, object] = {"campaign": {"started_at_ms": 5, "first_number": 2}, "draw": {"state": "announced"}}
    document = board_of({"main": lane_of([5.0])}, **hours).document()
    assert {name: document[name] for name in hours} == hours
    assert set(document) - set(board_of({"main": lane_of([5.0])}).document()) == set(hours)
