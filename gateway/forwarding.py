"""What may pass between a visitor and an origin: the client's address, and the rules for headers each way. Pure.

Sources: RFC 9110 §7.6 (hop-by-hop), RFC 7239 §8 (why a forwarded address is only worth the proxy that wrote it),
RFC 6265 §4.2.1 (the Cookie header).
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from ecluse.domain.errors import AmbiguousRequest, OriginAway
from gateway.asgi import Headers, Scope, header

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

UNKNOWN = "unknown"
"""The client address when the peer has none (RFC 7239 §6.2)."""

_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings",
    }
)  # fmt: skip
_NOT_TO_ORIGIN = _HOP_BY_HOP | {
    b"content-length", b"expect", b"forwarded", b"x-real-ip", b"true-client-ip", b"cf-connecting-ip", b"x-client-ip",
    b"x-cluster-client-ip", b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"x-http-method",
    b"x-method-override",
}  # fmt: skip
_NOT_TO_VISITOR = _HOP_BY_HOP | {b"ecluse-command", b"ecluse-slots-left", b"date"}
_NEVER_NAMED = frozenset({b"host", b"content-length", b"cookie", b"authorization"})
"""What `Connection` may not remove: leaving these out would change who is asking for what."""
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close", b"Keep-Alive", b"upgrade", b"Upgrade"})
_OUR_COOKIE = re.compile(rb"[ \t]*(?:__Host-|__Secure-)?ecluse_", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@lru_cache(maxsize=8192)
def _address(text: str) -> Address | None:
    """The address in one hop of X-Forwarded-For, with or without port; IPv4 in IPv6 clothes becomes IPv4."""
    text = text.strip()
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return None
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


@lru_cache(maxsize=8192)
def _spelled(address: Address) -> str:
    """The address as text; worth remembering, since the same visitor asks for page, style and pictures."""
    return str(address)


def _trusts(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def client_address(peer: str | None, xff_values: Iterable[bytes], trusted: Sequence[Network]) -> str:
    """Who is asking: the rightmost hop that is not one of ours.

    `peer` is the socket's address, `xff_values` the X-Forwarded-For headers in their order. A peer that is not trusted
    is the client, whatever it claims. Text that is no address ends the walk at the hop that reported it. Returns
    `UNKNOWN` for a peer without an address (a Unix socket), since nothing vouches for what it forwards.
    """
    current = _address(peer) if peer else None
    if current is None:
        return UNKNOWN
    if not _trusts(current, trusted):
        return _spelled(current)
    hops = b",".join(xff_values).decode("latin-1").split(",")
    for hop in reversed(hops):
        if len(hop) > 64:
            break
        address = _address(hop)
        if address is None:
            break
        current = address
        if not _trusts(current, trusted):
            break
    return str(current)


def asking_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The client address of a request, as `client_address` finds it."""
    client = scope.get("client")
    told = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(client[0] if client else None, told, trusted)


def forwarding_headers(scope: Scope, trusted: Sequence[Network], default_proto: str | None = None) -> Headers:
    """Exactly one X-Forwarded-For (the client address), X-Forwarded-Proto and X-Forwarded-Host for the origin.

    The scheme is what a trusted proxy says, else `default_proto`, else the one of the connection.
    """
    client = scope.get("client")
    peer = client[0] if client else None
    told = [pair for pair in scope["headers"] if pair[0].startswith(b"x-forwarded-")]
    xff = [value for name, value in told if name == b"x-forwarded-for"]
    scheme: str = scope["scheme"]
    proto = default_proto or {"ws": "http", "wss": "https"}.get(scheme, scheme)
    protos = [value.lower() for name, value in told if name == b"x-forwarded-proto"]
    if len(protos) == 1 and protos[0] in (b"http", b"https"):
        direct = _address(peer) if peer else None
        if direct is not None and _trusts(direct, trusted):
            proto = protos[0].decode()
    return [
        (b"x-forwarded-for", client_address(peer, xff, trusted).encode()),
        (b"x-forwarded-proto", proto.encode()),
        (b"x-forwarded-host", header(scope, b"host") or b""),
    ]


def _named_by_connection(value: bytes) -> set[bytes]:
    return {token.strip().lower() for token in value.split(b",")} - _NEVER_NAMED


@lru_cache(maxsize=1024)
def _origin_name(name: bytes) -> str | None:
    """The name under which a request header goes to the origin; None if it stays here."""
    if name in _NOT_TO_ORIGIN or b"_" in name or name.startswith((b"ecluse-", b"x-forwarded-", b"sec-websocket-")):
        return None
    return name.decode()


def _without_ours(cookies: bytes) -> bytes:
    """The Cookie header without the cookies of Écluse; every other byte stays."""
    if b"cluse_" not in cookies.lower():
        return cookies
    kept = [part for part in cookies.split(b";") if not _OUR_COOKIE.match(part)]
    return b";".join(kept).strip(b" \t")


def request_headers(headers: Headers, add: Headers) -> list[tuple[str, str]]:
    """The headers for the origin: the visitor's that may pass, in their order, then `add`.

    Framing headers are left out: the client library writes them anew from the length it was given. Raises
    AmbiguousRequest if a value is not UTF-8: it could not be passed on as the same bytes.
    """
    named: set[bytes] = set()
    out: list[tuple[str, str]] = []
    try:
        for name, value in headers:
            passed = _origin_name(name)
            if passed is None:
                if name == b"connection" and value not in _PLAIN_CONNECTION:
                    named |= _named_by_connection(value)
            elif passed != "cookie":
                out.append((passed, value.decode()))
            elif kept := _without_ours(value):
                out.append((passed, kept.decode()))
    except UnicodeDecodeError:
        raise AmbiguousRequest("a header that is not UTF-8") from None
    if named:
        out = [pair for pair in out if pair[0].encode() not in named]
    out.extend((name.decode(), value.decode()) for name, value in add)
    return out


def response_headers(raw: Iterable[tuple[bytes, bytes]], status: int) -> Headers:
    """The origin's headers for the visitor, in their order and number, names in lower case.

    Raises OriginAway if a value holds a control byte, which could be read as the end of a header.
    """
    out: Headers = []
    named: set[bytes] = set()
    for spelled, value in raw:
        name = spelled.lower()
        if name in _NOT_TO_VISITOR:
            if name == b"connection" and value not in _PLAIN_CONNECTION:
                named |= _named_by_connection(value)
        else:
            out.append((name, value))
    if status in (204, 304):
        # A length here speaks of a body that is not sent; servers in between disagree on what to do with it.
        named.add(b"content-length")
    if named:
        out = [pair for pair in out if pair[0] not in named]
    if _CONTROL.search(b"".join([value for _, value in out])) is not None:
        raise OriginAway("a control byte in a header of the origin")
    return out
