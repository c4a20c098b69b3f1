"""Which room a request belongs to: by host, then by the longest path prefix. And all that the edge holds of a room."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from ecluse.clock import Clock
from ecluse.codes import PlaceCodes
from ecluse.domain.errors import VisitTooFast
from ecluse.invitation_tokens import InvitationSigner
from ecluse.services import room_of
from ecluse.services.aides import Aides
from ecluse.services.boards import BoardView
from ecluse.services.invitations import Invitations
from ecluse.services.moves import Moves, Signers
from ecluse.services.operations import Operations
from ecluse.services.people import STRETCH_MS, People
from ecluse.services.visits import Admission, Visits
from ecluse.settings import RoomSettings, Secrets, Settings
from ecluse.store.aided import AidedStore
from ecluse.store.client import Store
from ecluse.store.codes import CodeStore
from ecluse.store.invitations import InvitationStore
from ecluse.store.line import Line
from ecluse.store.notify import Addresses
from ecluse.store.rooms import RoomStore
from ecluse.store.tries import Tries
from ecluse.telemetry import Metrics, RequestOutcome, RoomMetrics
from ecluse.tokens import Pass, PassSigner, SigningKey, TicketSigner
from gateway.asgi import Receive, Scope, Send
from gateway.cookies import RoomCookies, cookie
from gateway.origin_flow import OriginFlow
from gateway.page_look import RoomLook, look_of
from gateway.passes import PassDesk
from gateway.proxy import Upstream
from gateway.requests import bearer
from gateway.visit_limit import VisitLimit, visit_limit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEdge:
    """One room, with everything the edge needs to serve it."""

    id: str
    settings: RoomSettings
    board: BoardView
    visits: Visits
    moves: Moves
    aides: Aides
    operations: Operations
    invitations: Invitations
    store: RoomStore
    desk: PassDesk
    cookies: RoomCookies
    upstream: Upstream
    flow: OriginFlow
    visit_limit: VisitLimit | None
    """How often one visit may ask; None: as often as it likes."""
    metrics: RoomMetrics
    look: RoomLook
    addresses: Addresses | None
    """Where visitors are told of their turn, in a room that tells them."""
    home: str
    """Where a visitor goes who came from nowhere in particular."""
    open_prefixes: tuple[bytes, ...]
    lane_prefixes: Sequence[tuple[bytes, str]]
    """Which addresses choose which lane, the longest first."""

    def count_proxied(self, granted: Pass | None) -> None:
        """Count a request that is to go on to the origin. Raises VisitTooFast if the room sets its visits a limit."""
        if self.visit_limit is not None and granted is not None:
            try:
                self.visit_limit.spend(granted.session)
            except VisitTooFast:
                self.metrics.requests[RequestOutcome.TOO_FAST].inc()
                raise
        self.metrics.requests[RequestOutcome.PROXIED].inc()

    def pass_cookie(self, admission: Admission) -> tuple[bytes, bytes]:
        """The cookie that gives a visitor this pass, for as long as it lives."""
        return self.cookies.set_pass(admission.token, self.desk.seconds_left(admission.granted))

    def is_open(self, raw_path: bytes) -> bool:
        """Whether this path is never queued."""
        return bool(self.open_prefixes) and any(covers(prefix, raw_path) for prefix in self.open_prefixes)

    def lane_at(self, target: str) -> str | None:
        """The lane that an address chooses: the one with the longest of its paths; None if it leaves the choice."""
        if not self.lane_prefixes:
            return None
        path = target.partition("?")[0].encode()
        return next((lane for prefix, lane in self.lane_prefixes if covers(prefix, path)), None)

    def holds(self, raw_path: bytes) -> bool:
        """Whether this path belongs to the room."""
        return any(covers(path.encode(), raw_path) for path in self.settings.paths)


def token_of(room: RoomEdge, scope: Scope) -> str | None:
    """What the visitor shows as a ticket of this room: the cookie, else Authorization: Bearer."""
    return cookie(scope, room.cookies.ticket) or bearer(scope)


def covers(prefix: bytes, raw_path: bytes) -> bool:
    """Whether `prefix` is the path or one of its folders: /a covers /a and /a/b, and not /ab."""
    if prefix.endswith(b"/"):
        return raw_path.startswith(prefix) or raw_path == prefix[:-1]
    return raw_path == prefix or raw_path.startswith(prefix + b"/")


def lane_prefixes_of(settings: RoomSettings) -> Sequence[tuple[bytes, str]]:
    """The paths that choose a lane, the longest first."""
    found = [(path.encode(), lane.id) for lane in settings.lane for path in lane.paths]
    return sorted(found, key=lambda entry: len(entry[0]), reverse=True)


Handler = Callable[[RoomEdge, Scope, Receive, Send], Awaitable[None]]
"""Answers one request about a room."""
Table = dict[bytes, dict[str, Handler]]
"""What a part of the edge serves below `/_ecluse/rooms/{room}`: the rest of the path → method → who answers."""


def read_only(handler: Handler) -> dict[str, Handler]:
    """The methods of what is only looked at."""
    return {"GET": handler, "HEAD": handler}


class Directory:
    """All rooms of a configuration."""

    def __init__(self, rooms: Iterable[RoomEdge]) -> None:
        self.by_id = {room.id: room for room in rooms}
        prefixes = [
            (host.encode(), path.encode(), room)
            for room in self.by_id.values()
            for host in room.settings.hosts or [""]
            for path in room.settings.paths
        ]
        # A named host goes before any host, a longer prefix before a shorter one.
        self._prefixes: Sequence[tuple[bytes, bytes, RoomEdge]] = sorted(
            prefixes, key=lambda entry: (entry[0] == b"", -len(entry[1]))
        )

    def find(self, host: bytes, raw_path: bytes) -> RoomEdge | None:
        """The room of a request, or None if nothing here is protected under that address."""
        host = host.lower()
        bare = host.rpartition(b":")[0] if b":" in host and not host.endswith(b"]") else host
        for name, prefix, room in self._prefixes:
            if (name in (b"", host, bare)) and covers(prefix, raw_path):
                return room
        return None

    def hosts(self, public_host: str) -> frozenset[str] | None:
        """The hosts served here; None if some room takes any."""
        names = {public_host}
        for room in self.by_id.values():
            if not room.settings.hosts:
                return None
            names.update(room.settings.hosts)
        return frozenset(names)


def build_directory(settings: Settings, secrets: Secrets, store: Store, metrics: Metrics, clock: Clock) -> Directory:
    """The rooms of a configuration, wired to one store."""
    keys = [SigningKey.from_secret(secret) for secret in secrets.signing_keys]
    ticket_seconds = settings.ticket_hours * 3600
    tickets = TicketSigner(keys, max_age_seconds=ticket_seconds, clock=clock)
    follows = TicketSigner(keys, max_age_seconds=ticket_seconds, clock=clock, purpose="follow")
    passes = PassSigner(keys, clock=clock)
    codes = PlaceCodes(keys)
    inviting = InvitationSigner(keys, clock=clock)

    def edge(config: RoomSettings) -> RoomEdge:
        room = room_of(config)
        line = Line(store, room, keep_ms=ticket_seconds * 1000)
        room_store = RoomStore(store, room)
        board = BoardView(room, room_store, keep_ms=ticket_seconds * 1000)
        people = None
        if config.person is not None:
            tries = Tries(store, room, stretch_ms=STRETCH_MS)
            people = People(room, config.person, secrets.person_keys[config.id], tries, clock=clock)
        visits = Visits(line, board, tickets, passes, people=people, clock=clock)
        moves = Moves(
            line,
            visits,
            codes,
            CodeStore(store, room),
            Signers(tickets=tickets, follows=follows),
            ticket_seconds=ticket_seconds,
            clock=clock,
        )
        origin_key = SigningKey.from_secret(secrets.origin_keys[config.id])
        return RoomEdge(
            id=config.id,
            settings=config,
            board=board,
            visits=visits,
            moves=moves,
            aides=Aides(visits, moves, AidedStore(line), room_store),
            operations=Operations(config, line, room_store, board),
            invitations=Invitations(config, InvitationStore(store, room), room_store, inviting, clock=clock),
            store=room_store,
            desk=PassDesk(visits, PassSigner([origin_key], clock=clock), clock),
            cookies=RoomCookies(config.id, secure=settings.secure, ticket_seconds=ticket_seconds),
            upstream=Upstream(
                origin=config.origin,
                timeout_seconds=config.origin_timeout_seconds,
                body_max_bytes=config.body_max_bytes,
            ),
            flow=OriginFlow(config.auto.target_ms, limits=lambda: board.automatic),
            visit_limit=visit_limit_of(config.visit_requests_per_minute),
            metrics=metrics.room(config.id),
            look=look_of(config),
            addresses=Addresses(line) if config.notify else None,
            home=config.paths[0],
            open_prefixes=tuple(path.encode() for path in config.open_paths),
            lane_prefixes=lane_prefixes_of(config),
        )

    return Directory(edge(config) for config in settings.room)
