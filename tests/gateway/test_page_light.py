"""What the page weighs over the wire, measured on the real gateway: the first view, each poll, an hour of waiting."""

import gzip
import json
import re
from itertools import accumulate
from random import Random

import brotli
import pytest

from ecluse.domain.board import Board, LaneBoard, Phase, mark_ranks, poll_seconds
from ecluse.domain.estimate import Throughput
from tests.gateway.visitor import ROOM, Answer
from tests.gateway.whole import OpenWhole

KIB = 1024
FIRST_VIEW_BYTES = 14 * KIB
POLL_BYTES = KIB
POLL_HEAD_BYTES = 330
"""The head of an answer with the board; a test below holds it to that."""
PACKED = {"accept-encoding": "gzip, deflate, br"}
CALLS_PER_MINUTE = 60.0


def parts(page: str) -> tuple[list[str], list[str]]:
    """What a browser needs before the page can be read, and the script it loads besides."""
    head = re.search(r"<head>(.*?)</head>", page, re.DOTALL)
    assert head is not None
    return (
        re.findall(r'<link rel="stylesheet" href="([^"]+)"', head[1]),
        re.findall(r'(?:modulepreload" href|<script type="module" src)="([^"]+)"', head[1]),
    )


def weight(answer: Answer) -> int:
    assert answer.status == 200
    return len(answer.body)


@pytest.mark.parametrize("lang", ["fr", "en"])
async def test_the_first_view_is_fourteen_kibibytes_and_readable_after_two_requests(
    open_whole: OpenWhole, lang: str
) -> None:
    notice = {"fr": "Le service est lent ce matin. " * 5, "en": "The service is slow this morning. " * 5}
    whole = await open_whole(notice=notice)
    await whole.occupied()
    visitor = whole.visitor()
    page = await visitor.ask("GET", f"{ROOM}?lang={lang}", PACKED)
    assert page.get("content-encoding") == "gzip"
    styles, scripts = parts(gzip.decompress(page.body).decode())
    assert len(styles) == 1, "the page and one style are what reading needs"
    assert len(scripts) == 4, "the script, and what it imports at once"
    size = weight(page)
    for path in (*styles, *scripts, re.sub("css/.*", "logo.svg", styles[0])):
        answer = await visitor.ask("GET", path, PACKED)
        assert answer.get("content-encoding") == "br"
        assert answer.get("cache-control") == "public, max-age=31536000, immutable"
        size += weight(answer)
    assert size <= FIRST_VIEW_BYTES
    plain = await visitor.ask("GET", f"{ROOM}?lang={lang}")
    assert plain.get("content-encoding") is None
    assert b"</html>" in plain.body


async def test_a_board_that_has_not_changed_costs_a_few_hundred_bytes(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    for _ in range(40):
        await whole.waiting()
    await whole.turn()
    path = f"{ROOM}/board.json"
    board = await whole.visitor().ask("GET", path, PACKED)
    assert weight(board) + head_bytes(board) <= POLL_BYTES
    assert head_bytes(board) <= POLL_HEAD_BYTES
    again = await whole.visitor().ask("GET", path, PACKED | {"if-none-match": board.get("etag") or ""})
    assert (again.status, again.body) == (304, b"")
    assert head_bytes(again) <= 300


def head_bytes(answer: Answer) -> int:
    return sum(len(name) + len(value) + 4 for name, value in answer.headers) + 17


def line_of(waiting: int, *, drawn: bool) -> list[float]:
    """The places of a line: numbers of which one in ten left, or drawn ones."""
    rng = Random(waiting)
    if drawn:
        return sorted(rng.getrandbits(52) / 2**52 for _ in range(waiting))
    numbers = accumulate((1 if rng.random() < 0.9 else 2 for _ in range(waiting)), initial=2_822_894_194_350)
    return [float(number) for number in numbers][1:]


def board_bytes(waiting: int, *, drawn: bool = False) -> int:
    """A packed board of a line of so many."""
    places = line_of(waiting, drawn=drawn)
    marks = [(places[rank], rank) for rank in mark_ranks(waiting)]
    lane = LaneBoard(
        waiting=waiting, serving=places[0] - 1, calls_per_minute=Throughput(p50=CALLS_PER_MINUTE, slow=40), marks=marks
    )
    board = Board(
        room="sarcelles", epoch="abcdefgh", at_ms=1_800_000_000_000, phase=Phase.OPEN, notice={}, pace_per_minute=60,
        waiting=waiting, called=9, admitted=120, lanes={"main": lane},
    )  # fmt: skip
    return len(brotli.compress(json.dumps(board.document(), separators=(",", ":")).encode(), quality=10))


@pytest.mark.parametrize("line", [100, 1_000, 10_000, 100_000, 1_000_000])
def test_a_poll_and_an_hour_of_waiting_weigh_what_the_document_says(line: int) -> None:
    each = board_bytes(line) + POLL_HEAD_BYTES
    polls = 3600 / poll_seconds(line, CALLS_PER_MINUTE)
    print(f"line of {line}: {each} bytes a poll, {polls:.0f} polls an hour, {each * polls / 1000:.0f} kB an hour")
    assert each <= POLL_BYTES
    assert polls <= 1200
    if line > 1000:
        assert each * polls <= 185_000, "the last hour of a wait is the dearest"


@pytest.mark.parametrize("line", [100, 1_000, 10_000, 100_000, 1_000_000])
def test_the_board_of_a_drawn_line_is_a_kibibyte_besides_its_head(line: int) -> None:
    each = board_bytes(line, drawn=True)
    print(f"drawn line of {line}: {each} bytes a board")
    assert each <= 1.05 * KIB
