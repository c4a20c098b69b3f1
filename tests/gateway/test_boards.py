"""The board over HTTP: the same bytes for everybody, told again only when it changed."""

import asyncio
import gzip
import json

import brotli

from gateway.boards import Boards
from tests.gateway.rig import Connect
from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole, Whole

BOARD = f"{ROOM}/board.json"
FIELDS = {
    "room", "epoch", "at_ms", "phase", "notice", "pace_per_minute", "waiting", "called", "admitted", "opens_at",
    "closes_at", "stale", "slots_left", "lanes", "poll_seconds",
}  # fmt: skip


async def test_the_board_is_public_cacheable_and_the_same_for_all(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2)
    inside = await whole.occupied()
    await whole.waiting()
    await whole.turn()
    answers = [await inside.get(BOARD), await whole.program(1).get(BOARD)]
    for answer in answers:
        assert answer.status == 200
        assert answer.get("cache-control") == "public, max-age=1"
        assert answer.get("access-control-allow-origin") == "*"
        assert answer.get("content-type") == "application/json"
        assert not answer.cookies
    assert answers[0].body == answers[1].body
    assert answers[0].get("etag") == answers[1].get("etag")
    board = answers[0].json()
    assert set(board) == FIELDS
    assert (board["room"], board["phase"], board["stale"], board["pace_per_minute"]) == ("salle", "open", False, 6)
    assert (board["waiting"], board["called"], board["admitted"]) == (1, 0, 1)
    lane = board["lanes"]["main"]
    assert set(lane) == {"waiting", "serving", "calls_per_minute", "marks"}
    assert [ahead for _, ahead in lane["marks"]] == [0]
    assert lane["calls_per_minute"]["slow"] < lane["calls_per_minute"]["p50"]
    assert set(board["poll_seconds"]) == {"near", "far"}


async def test_who_has_this_version_is_told_so_without_a_body(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.waiting()
    await whole.turn()
    poller = whole.program()
    plain = await poller.get(BOARD)
    packed = await poller.get(BOARD, accept_encoding="gzip, brother")
    smallest = await poller.get(BOARD, accept_encoding="gzip, deflate, br, zstd")
    assert (packed.get("content-encoding"), smallest.get("content-encoding")) == ("gzip", "br")
    assert gzip.decompress(packed.body) == brotli.decompress(smallest.body) == plain.body
    refused = await poller.get(BOARD, accept_encoding="gzip;q=0, identity")
    assert (refused.get("content-encoding"), refused.body) == (None, plain.body)
    tags = [answer.get("etag") for answer in (plain, packed, smallest)]
    assert len(set(tags)) == 3, "strong tags differ where the bytes do (RFC 9110 §8.8.3)"
    assert {answer.get("vary") for answer in (plain, packed, smallest)} == {"Accept-Encoding"}
    for tag in (*tags, f'"x", {tags[0]}'):
        unchanged = await poller.get(BOARD, if_none_match=tag or "")
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert unchanged.get("cache-control") == "public, max-age=1"
    assert (await poller.get(BOARD, if_none_match='"x"')).status == 200
    assert (await poller.get(BOARD, if_none_match="*")).status == 304
    head = await poller.ask("HEAD", BOARD)
    assert (head.status, head.get("content-length")) == (200, str(len(plain.body)))
    await whole.waiting()
    await whole.turn(1.5)
    assert (await poller.get(BOARD, if_none_match=plain.get("etag") or "")).status == 200


async def test_the_board_counts_what_a_full_walk_counts(open_whole: OpenWhole) -> None:
    whole = await open_whole(pace_per_minute=600, burst=5)
    visitors = [await whole.waiting() for _ in range(9)]
    await whole.turns(3)
    await visitors[0].claim()
    await visitors[8].ask("DELETE", f"{ROOM}/ticket")
    await whole.turn(1.5)
    board, walk = (await whole.program().get(BOARD)).json(), await whole.everything()
    assert board["admitted"] == len(walk["admitted"]) >= 1
    assert board["called"] == len(walk["called"])
    assert board["waiting"] == len(walk["line"]) == board["lanes"]["main"]["waiting"]
    assert sum(len(walk[name]) for name in ("line", "called", "admitted")) == 8


async def test_a_board_that_nobody_renews_says_that_it_is_old(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.turn()
    assert (await whole.program().get(BOARD)).json()["stale"] is False
    at = (await whole.program().get(BOARD)).json()["at_ms"]
    whole.advance(11)
    await whole.refresh()
    old = (await whole.program().get(BOARD)).json()
    assert (old["stale"], old["at_ms"]) == (True, at)
    await whole.turn(2)
    assert (await whole.program().get(BOARD)).json()["stale"] is False


async def test_a_room_without_any_worker_yet_has_a_board(open_whole: OpenWhole) -> None:
    whole = await open_whole(notice={"fr": "Bienvenue"})
    board = (await whole.program().get(BOARD)).json()
    assert set(board) == FIELDS
    assert (board["stale"], board["waiting"], board["notice"]) == (True, 0, {"fr": "Bienvenue"})
    assert board["at_ms"] == 0


async def _events(whole: Whole, connect: Connect) -> asyncio.StreamReader:
    raw = await connect(whole.ports[0])
    await raw.send(f"GET {ROOM}/board/events HTTP/1.1\r\nHost: rdv.example.fr\r\n\r\n".encode())
    head = (await raw.head()).lower()
    assert b" 200 " in head
    assert b"content-type: text/event-stream" in head
    assert b"cache-control: no-store" in head
    return raw.reader


async def _next_board(reader: asyncio.StreamReader) -> dict[str, object]:
    async with asyncio.timeout(5):
        while True:
            line = await reader.readuntil(b"\n")
            if line.startswith(b"data: "):
                found: dict[str, object] = json.loads(line[6:])
                return found


async def test_a_stream_tells_the_board_now_and_at_every_change(open_whole: OpenWhole, connect: Connect) -> None:
    whole = await open_whole()
    await whole.turn()
    streams = [await _events(whole, connect) for _ in range(3)]
    assert [(await _next_board(stream))["waiting"] for stream in streams] == [0, 0, 0]
    await whole.occupied()
    await whole.waiting()
    await whole.turn(1.5)
    assert [(await _next_board(stream))["waiting"] for stream in streams] == [1, 1, 1]


async def test_a_quiet_stream_shows_that_it_lives(open_whole: OpenWhole, connect: Connect) -> None:
    whole = await open_whole()
    await whole.turn()
    stream = await _events(whole, connect)
    await _next_board(stream)
    whole.edges[0].directory.by_id["salle"].board.pulse()
    async with asyncio.timeout(5):
        while not (await stream.readuntil(b"\n")).startswith(b": still here"):
            pass


async def test_a_stream_whose_reader_left_is_forgotten(open_whole: OpenWhole, connect: Connect) -> None:
    whole = await open_whole()
    await whole.turn()
    boards: Boards = whole.edges[0].boards
    raw = await connect(whole.ports[0])
    await raw.send(f"GET {ROOM}/board/events HTTP/1.1\r\nHost: rdv.example.fr\r\n\r\n".encode())
    await raw.head()
    assert boards._streams == 1
    raw.writer.close()
    await raw.writer.wait_closed()
    async with asyncio.timeout(5):
        while boards._streams:
            whole.edges[0].directory.by_id["salle"].board.pulse()
            await asyncio.sleep(0.01)
