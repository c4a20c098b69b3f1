"""Header and address rules between visitor and origin."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain.errors import AmbiguousRequest, OriginAway
from gateway.asgi import Headers, Scope
from gateway.forwarding import client_address, forwarding_headers, request_headers, response_headers

PROXIES = [ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"), ip_network("fd00::/8")]
SPOOFS = [b"127.0.0.1", b"10.1.1.1", b"1.2.3.4", b"::1", b"<script>", b"unknown", b"", b"9" * 5000, b"\xff"]


@pytest.mark.parametrize("spoof", SPOOFS)
def test_a_direct_visitor_cannot_change_its_address(spoof: bytes) -> None:
    assert client_address("203.0.113.9", [spoof, spoof], PROXIES) == "203.0.113.9"


@pytest.mark.parametrize("spoof", SPOOFS)
def test_what_a_visitor_wrote_left_of_its_own_address_is_ignored(spoof: bytes) -> None:
    assert client_address("10.0.0.2", [spoof, b"203.0.113.9"], PROXIES) == "203.0.113.9"
    assert client_address("10.0.0.2", [spoof + b", 203.0.113.9 , 10.0.0.1"], PROXIES) == "203.0.113.9"


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        (b"203.0.113.9:4711", "203.0.113.9"),
        (b"[2001:db8::7]:443", "2001:db8::7"),
        (b"[2001:db8::7]", "2001:db8::7"),
        (b"2001:DB8:0::7", "2001:db8::7"),
        (b"::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_an_address_has_one_spelling(hop: bytes, expected: str) -> None:
    assert client_address("127.0.0.1", [hop], PROXIES) == expected


@pytest.mark.parametrize("hop", [b"<script>", b"fe80::1%eth0", b"300.1.1.1", b"[::1", b"01.2.3.4", b"[::1]x"])
def test_garbage_ends_the_walk_at_the_hop_that_reported_it(hop: bytes) -> None:
    assert client_address("127.0.0.1", [b"203.0.113.9, " + hop + b", 10.0.0.7"], PROXIES) == "10.0.0.7"


def test_a_peer_without_an_address_vouches_for_nothing() -> None:
    assert client_address(None, [b"203.0.113.9"], PROXIES) == "unknown"


def test_a_trusted_proxy_mapped_into_ipv6_is_still_trusted() -> None:
    assert client_address("::ffff:127.0.0.1", [b"203.0.113.9"], PROXIES) == "203.0.113.9"


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_give_an_address_or_the_peer(values: list[bytes]) -> None:
    assert "," not in client_address("127.0.0.1", values, PROXIES)


def _scope(peer: str, *headers: tuple[bytes, bytes], scheme: str = "http") -> Scope:
    return {"client": (peer, 5), "scheme": scheme, "headers": [(b"host", b"rdv.example.fr"), *headers]}


def test_the_origin_gets_exactly_one_of_each_forwarding_header() -> None:
    scope = _scope("203.0.113.9", (b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-proto", b"https"))
    assert forwarding_headers(scope, PROXIES) == [
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-host", b"rdv.example.fr"),
    ]


@pytest.mark.parametrize(
    ("protos", "expected"),
    [([b"HTTPS"], b"https"), ([b"http"], b"http"), ([b"javascript"], b"http"), ([b"https", b"http"], b"http")],
)
def test_the_scheme_is_what_a_trusted_proxy_says_once_and_clearly(protos: list[bytes], expected: bytes) -> None:
    scope = _scope("127.0.0.1", *((b"x-forwarded-proto", proto) for proto in protos), scheme="ws")
    assert dict(forwarding_headers(scope, PROXIES))[b"x-forwarded-proto"] == expected


def test_without_word_from_a_proxy_the_configured_scheme_stands() -> None:
    assert dict(forwarding_headers(_scope("127.0.0.1"), PROXIES, "https"))[b"x-forwarded-proto"] == b"https"


SPOOFED: Headers = [
    (name, b"forged")
    for name in (
        b"ecluse-pass", b"ecluse-room", b"ecluse-anything", b"x-forwarded-for", b"x-forwarded-user", b"forwarded",
        b"x-real-ip", b"true-client-ip", b"cf-connecting-ip", b"x-original-url", b"x-rewrite-url",
        b"x-http-method-override", b"ecluse_pass", b"x_real_ip", b"expect", b"te", b"trailer", b"upgrade",
        b"keep-alive", b"proxy-authorization", b"proxy-connection", b"transfer-encoding", b"content-length",
        b"http2-settings",
    )
]  # fmt: skip


def test_nothing_that_is_ours_to_say_passes_from_a_visitor() -> None:
    assert request_headers(SPOOFED, [(b"ecluse-pass", b"real")]) == [("ecluse-pass", "real")]


def test_a_visitor_cannot_have_our_headers_removed_through_connection() -> None:
    headers = [(b"connection", b"close, Ecluse-Pass, X-Forwarded-For, x-secret, host"), (b"x-secret", b"1")]
    kept = request_headers([*headers, (b"host", b"h")], [(b"ecluse-pass", b"real"), (b"x-forwarded-for", b"1.1.1.1")])
    assert kept == [("host", "h"), ("ecluse-pass", "real"), ("x-forwarded-for", "1.1.1.1")]


def test_duplicate_headers_keep_their_order_and_number() -> None:
    headers = [(b"x-a", b"1"), (b"x-b", b""), (b"x-a", b"2"), (b"x-a", b"1")]
    assert request_headers(headers, []) == [("x-a", "1"), ("x-b", ""), ("x-a", "2"), ("x-a", "1")]


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (b"ecluse_pass_a=x", None),
        (b"ecluse_ticket_a=x; __Host-ecluse_pass_a=y;ecluse_lang=fr", None),
        (b"a=1; ecluse_pass_a=x; b=2", "a=1; b=2"),
        (b"__Host-ecluse_lang=fr; b=\"x y\" ;  c", "b=\"x y\" ;  c"),
        (b"xecluse_pass_a=1; q=ecluse_lang", "xecluse_pass_a=1; q=ecluse_lang"),
        (b" a=1;;b", " a=1;;b"),
    ],
)  # fmt: skip
def test_our_cookies_stay_here_and_the_others_keep_every_byte(cookies: bytes, expected: str | None) -> None:
    assert request_headers([(b"cookie", cookies)], []) == ([] if expected is None else [("cookie", expected)])


def test_a_value_that_cannot_be_passed_on_unchanged_is_refused() -> None:
    assert request_headers([(b"x-name", "Zoé".encode())], []) == [("x-name", "Zoé")]
    with pytest.raises(AmbiguousRequest):
        request_headers([(b"x-name", "Zoé".encode("latin-1"))], [])


def test_what_an_origin_tells_the_gate_is_not_shown_to_the_visitor() -> None:
    raw = [
        (b"Content-Type", b"text/html"), (b"Ecluse-Command", b"end-session"), (b"Ecluse-Slots-Left", b"3"),
        (b"Connection", b"keep-alive, X-Internal"), (b"X-Internal", b"1"), (b"Transfer-Encoding", b"chunked"),
        (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"),
    ]  # fmt: skip
    assert response_headers(raw, 200) == [
        (b"content-type", b"text/html"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"),
    ]  # fmt: skip


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_cannot_have_a_body_announces_none(status: int) -> None:
    assert response_headers([(b"Content-Length", b"12"), (b"ETag", b'"x"')], status) == [(b"etag", b'"x"')]


@pytest.mark.parametrize("value", [b"a\rb", b"a\nSet-Cookie: x=1", b"a\x00b", b"\x7f"])
def test_a_control_byte_in_an_origins_header_is_not_passed_on(value: bytes) -> None:
    with pytest.raises(OriginAway):
        response_headers([(b"X-A", value)], 200)
