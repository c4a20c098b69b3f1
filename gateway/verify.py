"""Forward-auth: any proxy asks whether a request may pass; Écluse answers in the words that proxy understands.

Reads only: it takes no place and admits nobody, so a proxy that drops our cookies costs nothing. Who has no pass is
sent to the waiting page, which does both. Never a 5xx to say "wait": Envoy would let the visitor in (ECOSYSTEM.md §2).
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import quote

from ecluse.clock import Clock
from ecluse.domain.errors import EcluseError, NotFound, PassNeeded, StoreAway
from ecluse.domain.errors import Waiting as MustWait
from ecluse.telemetry import RequestOutcome
from ecluse.tokens import Pass
from gateway.asgi import Headers, Receive, Scope, Send, header, respond
from gateway.cookies import cookie
from gateway.directory import Directory, RoomEdge
from gateway.hygiene import refusal
from gateway.problems import send_problem
from gateway.requests import UNSAFE, takes_place, wants_page

PREFIX = b"/_ecluse/verify/"
DIALECTS = frozenset({b"nginx", b"traefik", b"caddy", b"envoy", b"haproxy", b"apache", b"varnish"})
_NO_STORE = (b"cache-control", b"no-store")


class Verify:
    """The forward-auth endpoint of all dialects."""

    def __init__(
        self,
        directory: Directory,
        *,
        hosts: frozenset[str] | None,
        trusted: Sequence[IPv4Network | IPv6Network],
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._hosts = hosts
        self._trusted = trusted
        self._clock = clock

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a proxy: 200 to let through, otherwise what it should tell the visitor."""
        dialect, _, rest = scope["raw_path"][len(PREFIX) :].partition(b"/")
        if dialect not in DIALECTS:
            raise NotFound
        nginx = dialect == b"nginx"
        if not self._from_proxy(scope):
            await _refuse(send, NotFound("verify asked by a peer that is no trusted proxy"))
            return
        asked = _asked_by_envoy(scope, rest) if dialect == b"envoy" else _asked_by_headers(scope)
        refused = None if asked is None else refusal(asked, self._hosts)
        if asked is None or refused is not None:
            await _refuse(send, refused.error if refused is not None else NotFound())
            return
        room = self._directory.find(header(asked, b"host") or b"", asked["raw_path"])
        if room is None:
            await _refuse(send, NotFound())
            return
        room.metrics.requests[RequestOutcome.VERIFIED].inc()
        if room.is_open(asked["raw_path"]):
            await respond(send, 200, [(b"ecluse-room", room.id.encode()), _NO_STORE])
            return
        token = cookie(scope, room.cookies.granted)
        granted = None if token is None else room.desk.open(token)
        if granted is None or not await self._allow(send, room, granted):
            await _wait(send, room, asked, nginx=nginx)

    def _from_proxy(self, scope: Scope) -> bool:
        client = scope.get("client")
        try:
            peer = ip_address(client[0]) if client else None
        except ValueError:
            return False
        return peer is not None and any(peer in network for network in self._trusted)

    async def _allow(self, send: Send, room: RoomEdge, granted: Pass) -> bool:
        """Let through; False if it turns out that the visit was ended."""
        headers: Headers = [_NO_STORE]
        if room.visits.renewal_due(granted):
            try:
                renewed = await room.visits.renew(granted)
            except StoreAway:
                renewed = None
            else:
                if renewed is None:
                    return False
                granted = renewed.granted
                headers.append(room.cookies.set_pass(renewed.token, granted.expires_at - int(self._clock())))
        headers += [
            (b"ecluse-room", room.id.encode()),
            (b"ecluse-session", granted.session.encode()),
            (b"ecluse-pass", room.desk.for_origin(granted)),
        ]
        await respond(send, 200, headers)
        return True


def _with(scope: Scope, method: str, host: bytes, target: bytes) -> Scope:
    """The visitor's request as the proxy describes it."""
    path, _, query = target.partition(b"?")
    headers = [(name, value) for name, value in scope["headers"] if name not in (b"host", b"content-length")]
    headers.append((b"host", host))
    return {**scope, "type": "http", "method": method, "raw_path": path, "query_string": query, "headers": headers}


def _asked_by_envoy(scope: Scope, rest: bytes) -> Scope:
    """Envoy asks with the method, Host, path and query of the request itself; its X-Forwarded-* may be spoofed."""
    query = bytes(scope["query_string"])
    target = b"/" + rest + (b"?" + query if query else b"")
    return _with(scope, scope["method"], header(scope, b"host") or b"", target)


def _asked_by_headers(scope: Scope) -> Scope | None:
    """The other proxies describe the request in X-Forwarded-Method, -Host and -Uri; each exactly once."""
    told: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in (b"x-forwarded-method", b"x-forwarded-host", b"x-forwarded-uri"):
            if name in told:
                return None
            told[name] = value
    uri = told.get(b"x-forwarded-uri")
    if uri is None:
        return None
    method = told.get(b"x-forwarded-method", b"GET").decode("latin-1")
    return _with(scope, method, told.get(b"x-forwarded-host") or header(scope, b"host") or b"", uri)


async def _refuse(send: Send, error: EcluseError) -> None:
    """403 in every dialect: nginx passes only 401 and 403 on."""
    await send_problem(send, error, status=403)


async def _wait(send: Send, room: RoomEdge, asked: Scope, *, nginx: bool) -> None:
    """Send the visitor to the waiting page; a program gets the problem. nginx turns 401 + Location into both."""
    query = bytes(asked["query_string"])
    target = bytes(asked["raw_path"]) + (b"?" + query if query else b"")
    back = room.home if asked["method"] in UNSAFE else target.decode("ascii")
    location = f"/_ecluse/rooms/{room.id}?enter=1&to={quote(back, safe='/')}".encode()
    headers: Headers = [(b"location", location), (b"retry-after", b"5")]
    if wants_page(asked) and takes_place(asked):
        await respond(send, 401 if nginx else 303, [*headers, _NO_STORE])
        return
    base = f"/_ecluse/rooms/{room.id}"
    members: dict[str, object] = {
        "room": room.id, "join_url": f"{base}/tickets", "board_url": f"{base}/board.json",
        "ticket_url": f"{base}/ticket", "claim_url": f"{base}/claim",
    }  # fmt: skip
    error = MustWait() if takes_place(asked) else PassNeeded()
    await send_problem(send, error, status=401 if nginx else None, headers=headers, members=members)
