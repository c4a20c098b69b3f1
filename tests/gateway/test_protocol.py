"""The hardened protocol over real connections: framing and caps. `/canary` is a request nobody authorised."""

import asyncio

import pytest

from gateway.protocol import EdgeProtocol
from tests.gateway.rig import CANARY, GET, Connect, Impatient, Recorder, Serve, head

PLENTY = b"x" * 300_000


@pytest.mark.parametrize(
    "request_bytes",
    [
        head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n" + CANARY,
        head(b"Content-Length: 3", b"Content-Length: 3") + b"abc" + CANARY,
        head(b"Content-Length: 0", b"Content-Length: 34") + CANARY,
        head(b"Content-Length: 3, 3") + b"abc" + CANARY,
        head(b"Content-Length: +3") + b"abc" + CANARY,
        head(b"Content-Length: 36893488147419103232") + b"abc" + CANARY,
        head(b"Content-Length : 3") + b"abc" + CANARY,
        head(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding:\r\n chunked") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n" + CANARY,
        head(b"Transfer-Encoding: chunked", request=b"POST /a HTTP/1.0") + b"0\r\n\r\n" + CANARY,
        head(b"X: a\n\nGET /canary HTTP/1.1"),
        b"GET /a HTTP/1.1\nHost: h\n\n" + CANARY,
        b"GET /a HTTP/1.1\rHost: h\r\r" + CANARY,
        b"GET /a HTTP/1.1\r\n" + CANARY,
        b"GET /a HTTP/1.1\r\n\r\n" + CANARY,
        b"GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" + CANARY,
        b"GET /a HTTP/1.1\r\nHost: x/public?\r\n\r\n" + CANARY,
        b"GET /a\r\n" + CANARY,
        b"GET /a HTTP/0.9\r\nHost: h\r\n\r\n" + CANARY,
        b"GET /a HTTP/2.0\r\nHost: h\r\n\r\n" + CANARY,
        b"GET http://evil/a HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"GET * HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"get /a HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"FOO /a HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"TRACE /a HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"GET /public/../a HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY,
        b"\x16\x03\x01\x02\x00\x01\x00" + CANARY,
        head(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AA", request=b"GET /a HTTP/1.1")
        + CANARY,
    ],
)  # fmt: skip
async def test_an_ambiguous_request_and_what_follows_it_never_reach_the_application(
    port: int, connect: Connect, seen: Recorder, request_bytes: bytes
) -> None:
    visitor = await connect(port)
    await visitor.send(request_bytes)
    answers = await visitor.rest()
    assert seen.paths == []
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.split(b" ", 2)[1] in (b"400", b"405", b"505")
    assert b"application/problem+json" in answers


@pytest.mark.parametrize(
    "body",
    [
        b"5;a=\nb\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\nhello", b"5 \r\nhello\r\n0\r\n\r\n", b"\r\n0\r\n\r\n",
    ],
)  # fmt: skip
async def test_a_broken_chunk_ends_the_request_and_the_connection(
    port: int, connect: Connect, seen: Recorder, body: bytes
) -> None:
    visitor = await connect(port)
    await visitor.send(head(b"Transfer-Encoding: chunked") + body + CANARY)
    answers = await visitor.rest()
    assert b"/canary" not in seen.paths
    assert seen.bodies == []
    assert answers.startswith(b"HTTP/1.1 400")


async def test_a_request_after_connection_close_is_not_served(port: int, connect: Connect, seen: Recorder) -> None:
    visitor = await connect(port)
    await visitor.send(head(b"Connection: close", request=b"GET /a HTTP/1.1") + CANARY)
    assert (await visitor.rest()).count(b"HTTP/1.1 ") == 1
    assert seen.paths == [b"/a"]


async def test_who_sends_nothing_more_still_gets_the_answer_that_is_there(
    port: int, connect: Connect, seen: Recorder
) -> None:
    for _ in range(20):
        visitor = await connect(port)
        visitor.writer.write(GET)
        visitor.writer.write_eof()
        assert (await visitor.rest()).endswith(b"/a")


async def test_trailers_never_become_headers(port: int, connect: Connect, seen: Recorder) -> None:
    visitor = await connect(port)
    await visitor.send(
        head(b"Transfer-Encoding: chunked")
        + b"2\r\nhi\r\n0\r\nEcluse-Pass: forged\r\nHost: evil\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
    )
    assert (await visitor.answer())[0] == 200
    assert seen.headers == [(b"host", b"h"), (b"transfer-encoding", b"chunked")]
    assert seen.bodies == [b"hi"]


async def test_pipelined_requests_are_answered_in_order_on_one_connection(
    port: int, connect: Connect, seen: Recorder
) -> None:
    visitor = await connect(port)
    paths = [b"/%d" % number for number in range(20)]
    await visitor.send(b"".join(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path for path in paths))
    assert [(await visitor.answer())[2] for _ in paths] == paths
    await visitor.send(GET)
    assert (await visitor.answer())[0] == 200


async def test_a_refusal_waits_for_the_answers_that_are_due_before_it(
    port: int, connect: Connect, seen: Recorder
) -> None:
    seen.hold = asyncio.Event()
    visitor = await connect(port)
    await visitor.send(GET + b"GET http://evil/ HTTP/1.1\r\nHost: h\r\n\r\n" + CANARY)
    seen.hold.set()
    answers = await visitor.rest()
    assert answers.startswith(b"HTTP/1.1 200")
    assert answers.count(b"HTTP/1.1 ") == 1
    assert seen.paths == [b"/a"]


async def test_too_deep_a_pipeline_is_cut(port: int, connect: Connect, seen: Recorder) -> None:
    seen.hold = asyncio.Event()
    visitor = await connect(port)
    await visitor.send(GET * 5000)
    seen.hold.set()
    answers = await visitor.rest()
    assert answers.count(b"HTTP/1.1 200") == Impatient.PIPELINE_MAX + 1
    assert len(seen.paths) == Impatient.PIPELINE_MAX + 1


def sized(total: int) -> bytes:
    """A request whose line and headers, with line ends but without the closing blank line, take `total` bytes."""
    start = b"GET /a HTTP/1.1\r\nHost: h\r\nCookie: "
    return start + b"c" * (total - len(start) - 2) + b"\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 7, 4000])
async def test_the_header_cap_is_exact_however_the_bytes_arrive(port: int, connect: Connect, pieces: int) -> None:
    cap = EdgeProtocol.HEADER_BYTES_MAX
    for total, expected in ((cap - 50, 200), (cap + 3, 431)):
        visitor = await connect(port)
        request_bytes = sized(total)
        step = -(-len(request_bytes) // pieces)
        await visitor.send(*(request_bytes[at : at + step] for at in range(0, len(request_bytes), step)))
        assert (await visitor.answer())[0] == expected


async def test_the_protocol_alone_caps_at_the_very_byte(serve_edge: Serve, connect: Connect, seen: Recorder) -> None:
    port = await serve_edge(seen)
    for total, expected in ((EdgeProtocol.HEADER_BYTES_MAX, 200), (EdgeProtocol.HEADER_BYTES_MAX + 1, 431)):
        visitor = await connect(port)
        await visitor.send(sized(total))
        assert (await visitor.answer())[0] == expected


async def test_the_cap_holds_for_a_request_that_comes_behind_another(
    serve_edge: Serve, connect: Connect, seen: Recorder
) -> None:
    port = await serve_edge(seen)
    for total, answered in ((EdgeProtocol.HEADER_BYTES_MAX, 2), (EdgeProtocol.HEADER_BYTES_MAX + 1, 1)):
        visitor = await connect(port)
        await visitor.send(head(request=b"GET /first HTTP/1.1") + sized(total) + head(b"Connection: close"))
        assert (await visitor.rest()).count(b"HTTP/1.1 200") == answered + (answered - 1)


async def test_the_header_count_cap_is_exact(serve_edge: Serve, connect: Connect, seen: Recorder) -> None:
    port = await serve_edge(seen)
    for count, expected in ((EdgeProtocol.HEADER_COUNT_MAX, 200), (EdgeProtocol.HEADER_COUNT_MAX + 1, 431)):
        visitor = await connect(port)
        await visitor.send(head(*[b"X-%d: 1" % number for number in range(count - 1)], request=b"GET /a HTTP/1.1"))
        assert (await visitor.answer())[0] == expected


@pytest.mark.parametrize(
    "start",
    [
        b"GET /a HTTP/1.1\r\nHost: h\r\nX: ", b"GET /", b"GET /a HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 60, b"\r\n",
        head(b"Transfer-Encoding: chunked") + b"1;", head(b"Transfer-Encoding: chunked") + b"2\r\nhi\r\n0\r\nX: ",
    ],
)  # fmt: skip
async def test_endless_headers_are_cut_instead_of_kept(
    port: int, connect: Connect, seen: Recorder, start: bytes
) -> None:
    visitor = await connect(port)
    await visitor.send(start)
    filler = b"\r\n" * 8000 if start == b"\r\n" else b"x" * 16_000
    sent = 0
    with pytest.raises(ConnectionError):  # noqa: PT012 - whichever piece meets the closed door
        for _ in range(4000):
            await visitor.send(filler)
            sent += len(filler)
            if visitor.reader.at_eof():
                raise ConnectionResetError
    assert sent < 20_000_000  # what the kernels of both sides may hold
    assert seen.bodies == []


async def test_a_large_body_passes_whole(port: int, connect: Connect, seen: Recorder) -> None:
    visitor = await connect(port)
    await visitor.send(head(b"Content-Length: %d" % len(PLENTY)), PLENTY, GET)
    assert (await visitor.answer())[0] == 200
    assert (await visitor.answer())[0] == 200
    chunks = b"".join(b"%x\r\n%s\r\n" % (1000, PLENTY[:1000]) for _ in range(300)) + b"0\r\n\r\n"
    await visitor.send(head(b"Transfer-Encoding: chunked"), chunks)
    assert (await visitor.answer())[0] == 200
    assert seen.bodies == [PLENTY, b"", PLENTY]


async def test_an_upgrade_behind_an_unfinished_request_is_not_obeyed(
    port: int, connect: Connect, seen: Recorder
) -> None:
    seen.hold = asyncio.Event()
    visitor = await connect(port)
    upgrade = head(
        b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", request=b"GET /ws HTTP/1.1",
    )  # fmt: skip
    await visitor.send(GET + upgrade)
    seen.hold.set()
    answers = await visitor.rest()
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"101" not in answers
    assert seen.paths == [b"/a"]
