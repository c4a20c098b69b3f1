"""The reverse proxy between real visitors and origins that record what they got."""

import asyncio
import gzip

import pytest

from ecluse.domain.errors import AmbiguousRequest
from gateway.asgi import Headers
from gateway.proxy import Proxy, Upstream
from tests.gateway.rig import MEGABYTE, OK, BuildChain, Origin, answering, read_body


async def test_the_path_and_query_reach_the_origin_byte_for_byte(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    targets = [
        b"/", b"/a/b%20c?x=1", b"/%7Euser/%c3%A9?q=%2F..%2f;a=b&&c", b"/a|b\"c'd(e)<f>^{g}`?h|i", b"/x?y?z=/../",
        b"/a/../b", b"//a", b"/a;b/%2e%2e", b"/a+b?c+d=%zz",
    ]  # fmt: skip
    for target in targets:
        assert (await chained.ask(b"GET %s HTTP/1.1" % target))[0] == 200
    assert chained.origin.targets == targets


async def test_host_is_kept_and_nothing_is_added_but_what_the_gate_says(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    await chained.ask(b"GET / HTTP/1.1", b"X-A: 1", b"X-B: 2", b"X-A: 3")
    assert chained.origin.headers() == [
        (b"host", b"rdv.example.fr"), (b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3"), (b"ecluse-pass", b"real"),
    ]  # fmt: skip


async def test_forged_and_hop_by_hop_headers_do_not_reach_the_origin(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    await chained.ask(
        b"GET / HTTP/1.1", b"Ecluse-Pass: forged", b"X-Forwarded-For: 6.6.6.6", b"X-Real-IP: 6.6.6.6", b"TE: trailers",
        b"Connection: keep-alive, Ecluse-Pass, X-Mine", b"X-Mine: 1", b"Keep-Alive: timeout=9", b"Ecluse_Pass: forged",
        b"Cookie: ecluse_pass_a=secret; theirs=1; ecluse_ticket_a=secret", b"Forwarded: for=6.6.6.6",
    )  # fmt: skip
    assert chained.origin.headers() == [
        (b"host", b"rdv.example.fr"), (b"cookie", b"theirs=1"), (b"ecluse-pass", b"real"),
    ]  # fmt: skip


async def test_duplicate_response_headers_and_our_cookies_reach_the_visitor(chain: BuildChain) -> None:
    chained = await chain(
        answering(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nX-A: 1\r\nSet-Cookie: b=2\r\n"
            b"Ecluse-Command: end-session\r\nEcluse-Slots-Left: 4\r\n"
            b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nContent-Length: 0\r\n\r\n"
        )
    )
    asked: list[Headers] = []

    async def on_response(_status: int, headers: Headers) -> Headers:
        asked.append(headers)
        return [(b"set-cookie", b"ended=1")]

    chained.gate.set_cookies = [(b"set-cookie", b"ecluse_pass_a=x")]
    chained.gate.on_response = on_response
    _, head, _ = await chained.ask(b"GET / HTTP/1.1")
    lines = head.split(b"\r\n")
    assert [line for line in lines if line.startswith(b"set-cookie")] == [
        b"set-cookie: a=1; Path=/", b"set-cookie: b=2", b"set-cookie: ecluse_pass_a=x", b"set-cookie: ended=1",
    ]  # fmt: skip
    assert b"ecluse-command" not in head
    assert b"ecluse-slots" not in head
    assert b"x-hop" not in head
    assert (b"ecluse-command", b"end-session") in asked[0]
    assert (b"ecluse-slots-left", b"4") in asked[0]


async def test_a_body_of_known_length_streams_to_the_origin_with_its_length(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    body = MEGABYTE * 6
    assert (await chained.ask(b"POST /up HTTP/1.1", b"Content-Length: %d" % len(body), body=body))[0] == 200
    assert chained.origin.bodies == [body]
    assert chained.origin.values(b"content-length") == [b"%d" % len(body)]
    assert chained.origin.values(b"transfer-encoding") == []


async def test_a_chunked_body_is_chunked_anew(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    chunks = (
        b"".join(b"%X;ext=1\r\n%s\r\n" % (len(MEGABYTE), MEGABYTE) for _ in range(3)) + b"0\r\nX-Trailer: 1\r\n\r\n"
    )
    assert (await chained.ask(b"PUT /up HTTP/1.1", b"Transfer-Encoding: Chunked", body=chunks))[0] == 200
    assert chained.origin.bodies == [MEGABYTE * 3]
    assert chained.origin.values(b"content-length") == []
    assert b"x-trailer" not in dict(chained.origin.headers())


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE", b"GET", b"OPTIONS"])
async def test_a_small_body_and_no_body_pass_with_every_method(chain: BuildChain, method: bytes) -> None:
    chained = await chain(answering(OK))
    assert (await chained.ask(method + b" / HTTP/1.1", b"Content-Length: 3", body=b"a=1"))[0] == 200
    assert (await chained.ask(method + b" / HTTP/1.1"))[0] == 200
    assert chained.origin.bodies == [b"a=1", b""]
    assert chained.origin.values(b"content-type") == []


async def test_an_upload_is_not_gathered_before_it_is_sent_on(chain: BuildChain) -> None:
    first = asyncio.Event()

    async def answerer(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: bytes) -> None:
        assert await reader.readexactly(5) == b"first"
        first.set()
        origin.bodies.append(await reader.readexactly(6))
        writer.write(OK)

    chained = await chain(answerer)
    await chained.visitor.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nfirst")
    async with asyncio.timeout(5):
        await first.wait()
    await chained.visitor.send(b"second")
    assert (await chained.visitor.answer())[0] == 200


async def test_an_upload_goes_no_faster_than_the_origin_reads(chain: BuildChain) -> None:
    reading = asyncio.Event()

    async def answerer(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await reading.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        origin.bodies.append(await read_body(reader, head))
        writer.write(OK)

    chained = await chain(answerer)
    total = 64 * len(MEGABYTE)
    chained.gate.upstream = Upstream(origin=chained.origin.url, timeout_seconds=30, body_max_bytes=total)
    await chained.visitor.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % total)
    sent = 0
    with pytest.raises(TimeoutError):  # noqa: PT012 - whichever piece finds the way blocked
        while sent < total:
            await asyncio.wait_for(chained.visitor.send(MEGABYTE), 1)
            sent += len(MEGABYTE)
    reading.set()
    await chained.visitor.send(MEGABYTE * (64 - sent // len(MEGABYTE) - 1))
    assert (await chained.visitor.answer())[0] == 200
    assert len(chained.origin.bodies[0]) == total


async def test_a_large_answer_arrives_whole_compressed_bytes_untouched(chain: BuildChain) -> None:
    packed = gzip.compress(MEGABYTE * 4, 1)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    chained = await chain(answering(answer + packed))
    status, head, body = await chained.ask(b"GET / HTTP/1.1", b"Accept-Encoding: gzip")
    assert (status, body) == (200, packed)
    assert b"content-encoding: gzip" in head
    assert chained.origin.values(b"accept-encoding") == [b"gzip"]


async def test_events_arrive_one_by_one(chain: BuildChain) -> None:
    go_on = asyncio.Event()

    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            writer.write(b"9\r\ndata: %d\n\n\r\n" % number)
            await go_on.wait()
            go_on.clear()
        writer.write(b"0\r\n\r\n")

    chained = await chain(answerer)
    await chained.visitor.send(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
    await chained.visitor.head()
    for number in range(3):
        async with asyncio.timeout(5):
            assert await chained.visitor.reader.readuntil(b"\n\n\r\n") == b"9\r\ndata: %d\n\n\r\n" % number
        go_on.set()
    async with asyncio.timeout(5):
        assert await chained.visitor.reader.readuntil(b"0\r\n\r\n") == b"0\r\n\r\n"
    go_on.set()
    await chained.visitor.send(b"GET /again HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await chained.visitor.head()).startswith(b"HTTP/1.1 200")


async def test_an_answer_goes_no_faster_than_the_visitor_reads(chain: BuildChain) -> None:
    written = 0
    stalled = asyncio.Event()

    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * len(MEGABYTE)))
        for _piece in range(64):
            writer.write(MEGABYTE)
            try:
                await asyncio.wait_for(writer.drain(), 1)
            except TimeoutError:
                stalled.set()
                await writer.drain()
            written += 1

    chained = await chain(answerer)
    chained.visitor.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await chained.visitor.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    async with asyncio.timeout(20):
        await stalled.wait()
    assert written < 64
    chained.visitor.writer.transport.resume_reading()  # type: ignore[attr-defined]
    status, _, body = await chained.visitor.answer()
    assert (status, len(body)) == (200, 64 * len(MEGABYTE))


async def test_the_answer_carries_one_date(chain: BuildChain) -> None:
    chained = await chain(
        answering(b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
    )
    _, head, _ = await chained.ask(b"GET / HTTP/1.1")
    assert head.lower().count(b"\r\ndate:") == 1


async def test_interim_answers_are_passed_over(chain: BuildChain) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    chained = await chain(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + early * 3 + OK))
    assert (await chained.ask(b"GET / HTTP/1.1"))[::2] == (200, b"ok")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204),
        (b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 500\r\n\r\n', 304),
    ],
)
async def test_answers_without_a_body_leave_both_connections_usable(
    chain: BuildChain, answer: bytes, status: int
) -> None:
    chained = await chain(answering(answer))
    for _ in range(3):
        assert (await chained.ask(b"GET / HTTP/1.1"))[0] == status
    assert chained.origin.connections == 1


async def test_head_tells_the_length_and_sends_no_body(chain: BuildChain) -> None:
    chained = await chain(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"))
    for _ in range(2):
        await chained.visitor.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b"content-length: 1234" in await chained.visitor.head()
    assert chained.origin.connections == 1


async def test_an_answer_that_ends_with_its_connection_is_whole(chain: BuildChain) -> None:
    async def answerer(_: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")
        raise ConnectionAbortedError

    chained = await chain(answerer)
    assert (await chained.ask(b"GET / HTTP/1.1"))[::2] == (200, b"until the end")


async def test_a_redirect_is_the_visitors_to_follow(chain: BuildChain) -> None:
    location = b"Location: http://127.0.0.1:6379/"
    chained = await chain(answering(b"HTTP/1.1 302 Found\r\n" + location + b"\r\nContent-Length: 0\r\n\r\n"))
    status, head, _ = await chained.ask(b"GET / HTTP/1.1")
    assert status == 302
    assert location.lower() in head.lower()
    assert len(chained.origin.heads) == 1


async def test_no_cookie_of_one_visitor_reaches_the_next(chain: BuildChain) -> None:
    chained = await chain(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1; Path=/\r\nContent-Length: 0\r\n\r\n"))
    await chained.ask(b"GET / HTTP/1.1")
    await chained.ask(b"GET / HTTP/1.1")
    assert chained.origin.values(b"cookie") == []


async def test_a_header_that_is_not_utf8_is_refused(chain: BuildChain) -> None:
    chained = await chain(answering(OK))
    assert (await chained.ask(b"GET / HTTP/1.1", b"X-Name: Zo\xe9"))[0] == 400
    assert (await chained.ask(b"GET / HTTP/1.1", "X-Name: Zoé".encode()))[0] == 200
    assert chained.origin.values(b"x-name") == ["Zoé".encode()]
    assert isinstance(chained.gate.raised[0], AmbiguousRequest)


async def test_a_closed_proxy_says_so(proxy: Proxy) -> None:
    await proxy.close()
    with pytest.raises(RuntimeError, match="not open"):
        _ = proxy.session
