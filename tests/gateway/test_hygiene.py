"""The first layer, on scopes and over real connections."""

import pytest

from gateway.asgi import Headers, Message, Receive, Scope, Send, respond
from gateway.hygiene import Hygiene, denying, refusal
from tests.gateway.rig import Connect, Serve

HOSTS = frozenset({"rdv.example.fr", "127.0.0.1", "other.fr:8443"})


def scope_of(path: bytes = b"/sarcelles/", *headers: tuple[bytes, bytes], **members: object) -> Scope:
    return {
        "type": "http", "http_version": "1.1", "method": "GET", "raw_path": path, "query_string": b"",
        "headers": [(b"host", b"rdv.example.fr"), *headers],
        **members,
    }  # fmt: skip


def with_headers(*headers: tuple[bytes, bytes]) -> Scope:
    scope = scope_of()
    scope["headers"] = list(headers)
    return scope


def status_of(scope: Scope, hosts: frozenset[str] | None = HOSTS) -> int | None:
    """The status a scope is refused with, 400 unless said otherwise; None if it passes."""
    refused = refusal(scope, hosts)
    if refused is None:
        return None
    return refused.status or {"MethodNotAllowed": 405, "AmbiguousRequest": 400}[type(refused.error).__name__]


@pytest.mark.parametrize(
    "path",
    [
        b"/", b"/a", b"/a/", b"/a/b.css", b"/.well-known/x", b"/a..b", b"/...", b"/a./b", b"/~x/a-b_c", b"/a%20b",
        b"/%C3%A9t%C3%A9", b"/a:b@c,d=e!f$g&h'i(j)k*l+m", b"/a|b", b'/a"b', b"/a%25b",
    ],
)  # fmt: skip
def test_a_plain_path_passes(path: bytes) -> None:
    assert status_of(scope_of(path)) is None


@pytest.mark.parametrize(
    "path",
    [
        b"", b"a", b"*", b"http://evil/a", b"/a/../b", b"/..", b"/a/.", b"/./a", b"/a/./b", b"//a", b"/a//b", b"/a//",
        b"/a;b", b"/%41", b"/%73arcelles/", b"/a%2Db", b"/a%5f", b"/%30", b"/;", b"/a\\b", b"/%2e%2e/a", b"/a%2Eb", b"/a%2fb", b"/a%2Fb", b"/a%5cb", b"/a%5Cb", b"/a%00",
        b"/a%0d%0ab", b"/%1f", b"/%7f", b"/a%zz", b"/a%", b"/a%2", b"/%252e%252e/", b"/a%252Fb", b"/a%255cb", b"/%2500",
        b"/a b", b"/a\tb", b"/a\x00", b"/\xc3\xa9", b"/a\n", b"/a/..\n", b"/a\x7f",
    ],
)  # fmt: skip
def test_a_path_that_two_programs_could_read_differently_is_refused(path: bytes) -> None:
    assert status_of(scope_of(path)) == 400


def test_a_query_may_hold_escapes_but_no_raw_bytes() -> None:
    assert status_of(scope_of(query_string=b"a=%0d%0a&b=/../;x//")) is None
    assert status_of(scope_of(query_string=b"a=\xff")) == 400
    assert status_of(scope_of(query_string=b"a=\t")) == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_usual_methods_pass(method: str) -> None:
    assert status_of(scope_of(method=method)) is None


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO", "get", "PURGE", ""])
def test_any_other_method_is_refused(method: str) -> None:
    assert status_of(scope_of(method=method)) == 405


@pytest.mark.parametrize("version", ["0.9", "2", "2.0", "3", "1.2"])
def test_other_versions_are_refused(version: str) -> None:
    assert status_of(scope_of(http_version=version)) == 505


@pytest.mark.parametrize(
    "host", [b"rdv.example.fr", b"RDV.Example.FR", b"rdv.example.fr:8000", b"127.0.0.1:80", b"other.fr:8443"]
)
def test_our_hosts_are_known_in_any_case_with_and_without_port(host: bytes) -> None:
    assert status_of(with_headers((b"host", host))) is None


@pytest.mark.parametrize("host", [b"evil.fr", b"rdv.example.fr.evil.fr", b"rdv.example.fr.", b"other.fr", b"[::1]"])
def test_a_host_that_is_not_ours_is_misdirected(host: bytes) -> None:
    assert status_of(with_headers((b"host", host))) == 421
    assert status_of(with_headers((b"host", host)), None) is None


@pytest.mark.parametrize(
    "host",
    [
        b"", b"x/public?", b"a@b", b"x:99999", b"x:0", b"x:", b"x:1:2", b"a b", b" rdv.example.fr", b"-x", b"a\\b",
        b"rdv.example.fr,evil.fr", b"x#y", b"x?y", b"\xe9.fr", b"[::1", b"[x]", b"x" * 300,
    ],
)  # fmt: skip
@pytest.mark.parametrize("hosts", [None, HOSTS])
def test_a_host_that_is_no_host_is_refused(host: bytes, hosts: frozenset[str] | None) -> None:
    assert status_of(with_headers((b"host", host)), hosts) == 400


def test_exactly_one_host_is_needed() -> None:
    assert status_of(with_headers()) == 400
    assert status_of(scope_of(b"/", (b"host", b"rdv.example.fr"))) == 400


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-length", b"3"), (b"content-length", b"3")],
        [(b"content-length", b"3, 3")], [(b"content-length", b"+3")], [(b"content-length", b"-1")],
        [(b"content-length", b"0x3")], [(b"content-length", b"")], [(b"content-length", b"3 ")],
        [(b"content-length", b"3" * 30)], [(b"content-length", "٣".encode())],
        [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"identity")], [(b"transfer-encoding", b"gzip, chunked")],
        [(b"transfer-encoding", b"chunked, chunked")], [(b"transfer-encoding", b"xchunked")],
        [(b"transfer-encoding", b"identity"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"\x0bchunked")], [(b"transfer-encoding", b"")],
        [(b"upgrade", b"h2c")], [(b"upgrade", b"websocket")], [(b"ecluse_pass", b"x")], [(b"x_forwarded_for", b"x")],
        [(b"content_length", b"3")], [(b"transfer_encoding", b"chunked")], [(b"cookie_", b"x"), (b"h_o", b"")] * 40,
    ],
)  # fmt: skip
def test_ambiguous_framing_and_disguised_headers_are_refused(headers: Headers) -> None:
    assert status_of(scope_of(b"/", *headers)) in (400, 431)


def test_plain_framing_passes() -> None:
    assert status_of(scope_of(b"/", (b"content-length", b"0"), (b"expect", b"100-Continue"))) is None
    assert status_of(scope_of(b"/", (b"transfer-encoding", b"Chunked"), (b"x_harmless", b"1"))) is None
    assert status_of(scope_of(b"/", (b"transfer-encoding", b"chunked"), http_version="1.0")) == 400
    assert status_of(scope_of(b"/", (b"expect", b"200-ok"))) == 417


def test_the_header_caps_are_exact() -> None:
    host = (b"host", b"rdv.example.fr")
    assert status_of(with_headers(host, *[(b"a", b"")] * 63)) is None
    assert status_of(with_headers(host, *[(b"a", b"")] * 64)) == 431
    room = 16 * 1024 - len(b"hosta") - len(b"rdv.example.fr")
    assert status_of(with_headers(host, (b"a", b"x" * room))) is None
    assert status_of(with_headers(host, (b"a", b"x" * (room + 1)))) == 431


def test_the_target_cap_is_exact() -> None:
    query = b"q" * 100
    room = 8 * 1024 - 1 - len(query)
    assert status_of(scope_of(b"/" + b"a" * (room - 1), query_string=query)) is None
    assert status_of(scope_of(b"/" + b"a" * room, query_string=query)) == 414


def test_a_websocket_handshake_passes_and_one_with_a_body_does_not() -> None:
    handshake = scope_of(b"/live", (b"upgrade", b"websocket"), (b"connection", b"upgrade"), type="websocket")
    del handshake["method"]
    assert status_of(handshake) is None
    handshake["headers"].append((b"content-length", b"5"))
    assert status_of(handshake) == 400


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 200, [], scope["raw_path"])


async def test_a_refusal_over_the_wire_is_a_problem_and_ends_the_connection(
    serve_edge: Serve, connect: Connect
) -> None:
    visitor = await connect(await serve_edge(Hygiene(_ok, hosts=HOSTS)))
    await visitor.send(b"GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert (await visitor.answer())[::2] == (200, b"/a")
    await visitor.send(b"GET /a//b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /canary HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    status, head, body = await visitor.answer()
    assert status == 400
    assert b"application/problem+json" in head
    assert b"ambiguous-request" in body
    assert await visitor.rest() == b""


async def test_a_refused_method_is_told_which_ones_pass(serve_edge: Serve, connect: Connect) -> None:
    visitor = await connect(await serve_edge(Hygiene(_ok)))
    await visitor.send(b"PROPFIND /a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    status, head, _ = await visitor.answer()
    assert status == 405
    assert b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" in head


async def test_a_refused_websocket_handshake_gets_a_plain_answer(serve_edge: Serve, connect: Connect) -> None:
    visitor = await connect(await serve_edge(Hygiene(_ok, hosts=frozenset({"rdv.example.fr"}))))
    await visitor.send(
        b"GET /a HTTP/1.1\r\nHost: evil.fr\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    status, _, body = await visitor.answer()
    assert status == 421
    assert b"ambiguous-request" in body


async def test_a_server_without_plain_answers_to_handshakes_closes_instead() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await respond(denying({"type": "websocket", "extensions": {}}, send), 403, [], b"no")
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_lifespan_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await Hygiene(app)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
