"""Forward-auth: any proxy asks whether a request may pass; Écluse answers in the words that proxy understands.

Reads only: it takes no place and admits nobody, so a proxy that drops our cookies costs nothing. Who has no pass is
sent to the waiting page, which does both. Never a 5xx to say "wait": an Envoy told to go on after errors
(`failure_mode_allow`) takes any 5xx for one and lets the visitor in.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote

from ecluse.domain.errors import EcluseError, FormNotSent, NotFound, PassNeeded, StoreAway
from ecluse.domain.errors import Waiting as MustWait
from ecluse.telemetry import RequestOutcome
from ecluse.tokens import Pass
from gateway.asgi import Headers, Receive, Scope, Send, header, respond
from gateway.cookies import cookie
from gateway.directory import Directory, RoomEdge
from gateway.hygiene import refusal
from gateway.problems import send_problem
from gateway.requests import UNSAFE, own_address, same_site_path, takes_place, wants_page

PREFIX = b"/_ecluse/verify/"
_OWN = b"/_ecluse/"
DIALECTS = frozenset({b"nginx", b"traefik", b"caddy", b"envoy", b"haproxy", b"apache", b"varnish"})
_NO_STORE = (b"cache-control", b"no-store")
_JOIN_FIRST = "There is a line for this service. Join it at join_url, then wait for your turn at the addresses given."


class Verify:
    """The forward-auth endpoint of all dialects."""

    def __init__(
        self,
        directory: Directory,
        *,
        hosts: frozenset[str] | None,
        trusted: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self._directory = directory
        self._hosts = hosts
        self._trusted = trusted

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
        if room is None or asked["raw_path"].startswith(_OWN):
            # A proxy that asks about our own pages too would send people to the waiting page for ever.
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
        if isinstance(peer, IPv6Address):
            peer = peer.ipv4_mapped or peer
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
                headers.append(room.pass_cookie(renewed))
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
    """Send a person to the waiting page, tell a program: 303 or 429.

    nginx passes on neither; it gets 401, with the status that is meant in Ecluse-Status, and makes the answer itself.
    """
    unsafe, person = asked["method"] in UNSAFE, wants_page(asked) and takes_place(asked)
    headers: Headers = []
    if nginx:
        headers += [(b"ecluse-status", b"303" if person else b"429"), (b"ecluse-room", room.id.encode())]
    if person or nginx:
        # What cannot be a return address is dropped here: it also keeps the header shorter than a proxy's buffer.
        back = room.home if unsafe else same_site_path(own_address(asked), room.home)
        unsent = "&unsent=1" if unsafe else ""
        headers.append((b"location", f"/_ecluse/rooms/{room.id}?enter=1{unsent}&to={quote(back, safe='/')}".encode()))
    if person:
        await respond(send, 401 if nginx else 303, [*headers, _NO_STORE])
        return
    base = f"/_ecluse/rooms/{room.id}"
    error: EcluseError = PassNeeded()
    members: dict[str, object] = {
        "room": room.id, "join_url": f"{base}/tickets", "board_url": f"{base}/board.json",
        "ticket_url": f"{base}/ticket", "claim_url": f"{base}/claim",
    }  # fmt: skip
    if unsafe:
        error = FormNotSent()
    elif takes_place(asked):
        # Unlike the gate, nobody here has been given a place yet.
        error, members["detail"] = MustWait(), _JOIN_FIRST
    headers.append((b"retry-after", b"5"))
    await send_problem(send, error, status=401 if nginx else None, headers=headers, members=members)
