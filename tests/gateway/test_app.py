"""The gateway as a whole: start and end, probes, addresses of its own, and what is told when something breaks."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ecluse.clock import ManualClock
from ecluse.ports import free_ports
from ecluse.settings import Secrets
from ecluse.signing import SigningKey
from ecluse.telemetry import Metrics
from gateway.app import _REPORT_TURNS, create_app
from gateway.jwks import public_keys
from gateway.problems import BY_SLUG
from tests.gateway.rig import Connect, Serve
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import SALLE, OpenWhole, configured, eventually


class Unreliable(ManualClock):
    """A clock that fails once told to."""

    broken = False
    failures = 0

    def __call__(self) -> float:
        if self.broken:
            self.failures += 1
            raise RuntimeError("the secret inside")
        return super().__call__()


async def test_it_opens_nothing_before_it_starts_and_closes_all_at_its_end(redis_url: str) -> None:
    settings, secrets = configured(redis_url, [SALLE | {"origin": "http://127.0.0.1:1"}])
    before = len(asyncio.all_tasks())
    app = create_app(settings, secrets, metrics=Metrics())
    assert len(asyncio.all_tasks()) == before
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: list[str] = []

    async def send(message: Any) -> None:
        said.append(message["type"])

    await told.put({"type": "lifespan.startup"})
    await told.put({"type": "lifespan.shutdown"})
    await app({"type": "lifespan"}, told.get, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(asyncio.all_tasks()) == before


async def test_it_is_alive_and_ready(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    for probe in ("healthz", "readyz"):
        answer = await whole.program().get(f"/_ecluse/{probe}")
        assert (answer.status, answer.get("cache-control")) == (200, "no-store")
        assert (await whole.program().ask("HEAD", f"/_ecluse/{probe}")).status == 200
        assert (await whole.program().post(f"/_ecluse/{probe}")).problem == "method-not-allowed"
    ready = (await whole.program().get("/_ecluse/readyz")).json()
    assert ready == {"status": "ready", "checks": {"store": "ok", "clock": "ok", "boards": "stale: salle"}}
    await whole.turn()
    assert (await whole.program().get("/_ecluse/readyz")).json()["checks"]["boards"] == "ok"


async def test_a_probe_by_address_is_answered_where_every_room_names_its_host(open_whole: OpenWhole) -> None:
    whole = await open_whole(hosts=["rdv.example.fr"])
    address = {"host": "10.0.0.7:8000"}
    for probe in ("healthz", "readyz"):
        assert (await whole.program().ask("GET", f"/_ecluse/{probe}", address)).status == 200
        assert (await whole.program().ask("GET", f"/_ecluse/{probe}/x", address)).status == 404
    assert (await whole.program().ask("GET", "/a/", address)).status == 421
    assert (await whole.program().ask("GET", "/_ecluse/healthz", {"host": "a b"})).status == 400


async def test_boards_are_kept_fresh_whatever_failed_meanwhile(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    inside = await whole.occupied()
    edge = whole.edges[0]
    await whole.store.command("CONFIG", "SET", "maxmemory", "1")
    try:
        assert (await inside.get("/")).body == b"ok"
        assert edge.directory.by_id["salle"].flow.report() is not None
        assert (await inside.get("/")).body == b"ok"
        await edge._turn(_REPORT_TURNS)
    finally:
        await whole.store.command("CONFIG", "SET", "maxmemory", "0")
    clock = Unreliable(whole.clock())
    edge._clock, clock.broken = clock, True

    async def failed() -> bool:
        return clock.failures > 0

    await eventually(failed)
    edge._clock = whole.clock
    await whole.waiting()
    whole.advance(0.25)
    await whole.ticks["salle"].turn()

    async def is_fresh() -> bool:
        return bool((await whole.program().get(f"{ROOM}/board.json")).json()["waiting"] == 1)

    await eventually(is_fresh)


async def test_it_is_not_ready_with_a_clock_astray(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    whole.advance(45)
    answer = await whole.program().get("/_ecluse/readyz")
    assert answer.status == 503
    assert answer.json()["checks"]["clock"].startswith("4")
    assert (await whole.program().get("/_ecluse/healthz")).status == 200


async def test_it_starts_without_a_store_and_says_that_it_is_not_ready(serve_edge: Serve) -> None:
    (nobody,) = free_ports(1)
    settings, secrets = configured(f"redis://127.0.0.1:{nobody}/0", [SALLE | {"origin": f"http://127.0.0.1:{nobody}"}])
    app = create_app(settings, secrets, metrics=Metrics())
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()

    async def run() -> None:
        await app({"type": "lifespan"}, to_app.get, from_app.put)

    life = asyncio.create_task(run())
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    program = Visitor(await serve_edge(app), accept="application/json")
    ready = await program.get("/_ecluse/readyz")
    assert (ready.status, ready.json()["checks"]["store"]) == (503, "cannot be reached")
    assert (await program.get("/_ecluse/healthz")).status == 200
    assert (await program.get("/rdv")).problem == "store-away"
    await to_app.put({"type": "lifespan.shutdown"})
    await life


@pytest.mark.parametrize(
    "path",
    [
        "/_ecluse/", "/_ecluse/x", "/_ecluse/rooms/salle/x", "/_ecluse/rooms/salle/", "/_ecluse/rooms/salle/ticket/x",
        "/_ecluse/rooms/salle/board.json/", "/_ecluse/rooms/salle/ticket/style.css", "/_ecluse/problems/x",
        "/_ecluse/static/x", "/_ecluse/static/js/", "/_ecluse/console", "/_ecluse/docs", "/_ecluse/metrics",
        "/_ecluse/api/v2/rooms", "/_ecluse/healthz/",
    ],
)  # fmt: skip
async def test_an_unknown_address_of_ours_is_a_problem(open_whole: OpenWhole, path: str) -> None:
    whole = await open_whole()
    await whole.occupied()
    seen = len(whole.origin.heads)
    answer = await whole.program().get(path)
    assert (answer.status, answer.problem) == (404, "not-found")
    assert (await whole.visitor().get(path)).status == 404
    assert len(whole.origin.heads) == seen, "our own addresses never reach the origin"


async def test_a_method_that_an_address_does_not_take_is_told_which_it_takes(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    for method, tail, allowed in (
        ("POST", "/board.json", "GET, HEAD"), ("GET", "/tickets", "POST"), ("GET", "/claim", "POST"),
        ("HEAD", "/claim", "POST"), ("PUT", "/ticket", "GET, HEAD, DELETE"), ("GET", "/leave", "POST"), ("OPTIONS", "/claim", "POST"),
    ):  # fmt: skip
        answer = await whole.program().ask(method, ROOM + tail)
        assert (answer.status, answer.get("allow")) == (405, allowed), tail


async def test_every_problem_type_leads_to_its_page(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    for slug in BY_SLUG:
        page = await whole.visitor().get(f"/_ecluse/problems/{slug}")
        assert page.status == 200
        assert slug in page.text


async def test_nothing_of_an_unforeseen_failure_is_told_and_the_door_stays_shut(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    inside, waiting = await whole.occupied(), await whole.waiting()
    seen = len(whole.origin.heads)
    clock = Unreliable(whole.clock())
    edge = whole.edges[0]
    room = edge.directory.by_id["salle"]
    room.visits._clock = room.desk._clock = clock
    room.visits._passes._clock = room.visits._tickets._clock = clock
    clock.broken = True
    for visitor, path in ((inside, "/"), (waiting, f"{ROOM}/ticket"), (whole.visitor(), "/"), (whole.program(), "/")):
        answer = await visitor.get(path)
        assert answer.status == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert (await whole.program().get("/")).problem == "internal"
    assert len(whole.origin.heads) == seen
    clock.broken = False
    assert (await inside.get("/")).body == b"ok"


async def test_scripts_and_styles_are_kept_by_browsers_and_told_once(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = whole.visitor()
    path = "/_ecluse/static/js/waiting.js"
    plain = await visitor.get(path)
    folder = path.replace("static/", f"static/{whole.edges[0]._pages.version}/")
    versioned = await visitor.get(folder, accept_encoding="gzip")
    assert plain.status == versioned.status == 200
    assert "max-age=3600" in (plain.get("cache-control") or "")
    assert "immutable" in (versioned.get("cache-control") or "")
    assert versioned.get("content-encoding") == "gzip"
    assert (await visitor.get(path, if_none_match=plain.get("etag") or "")).status == 304
    assert (await visitor.get("/_ecluse/jwks.json")).json() == {"keys": []}
    assert (await visitor.get("/_ecluse/console/")).status == 200
    for escape in ("../pages.py", "%2e%2e/x", "js/../../x", "/etc/passwd"):
        assert (await visitor.get(f"/_ecluse/static/{escape}")).status in (400, 404)


async def test_a_websocket_to_our_own_addresses_is_refused(open_whole: OpenWhole, connect: Connect) -> None:
    whole = await open_whole()
    raw = await connect(whole.ports[0])
    await raw.send(
        f"GET {ROOM}/board/events HTTP/1.1\r\nHost: rdv.example.fr\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 404 " in await raw.head()


async def test_the_public_keys_of_signed_passes_are_published(open_whole: OpenWhole) -> None:
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = SigningKey.from_secret(private)
    whole = await open_whole()
    secrets = Secrets(signing_keys=["a shared secret, long enough", private], origin_keys={}, operator_keys=[])
    answer = await Visitor(await whole.serve(public_keys(secrets))).get("/_ecluse/jwks.json")
    assert answer.get("content-type") == "application/jwk-set+json"
    assert answer.json() == {"keys": [key.public]}
    assert set(answer.json()["keys"][0]) == {"crv", "kty", "x", "kid", "alg", "use"}, "and nothing secret"
