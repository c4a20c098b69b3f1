"""The proxies of deploy/forward-auth, each really started before a service that it protects with Écluse's help."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import urljoin

import aiohttp
import pytest

from ecluse.embedded import running_server
from ecluse.ports import free_ports
from ecluse.tokens import Pass, PassSigner, SigningKey
from tests.deploy.asking_fronts import (
    ASKING,
    ORIGIN_KEY,
    ROOM,
    SESSION_SECONDS,
    SIGNING_KEY,
    Asked,
    running_asked,
    running_service,
)
from tests.deploy.rig import HOST
from tests.deploy.test_fronts import HTML, SPOOFED, at

OURS = f"/_ecluse/rooms/{ROOM}"
COOKIE = f"ecluse_pass_{ROOM}"
JSON = {"Accept": "application/json"}
SIGNER = PassSigner([SigningKey.from_secret(SIGNING_KEY)])
PASSES = PassSigner([SigningKey.from_secret(ORIGIN_KEY)])
FORGED = {**SPOOFED, "Ecluse-Status": "200", "Ecluse-Set-Cookie": "a=b"}


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    directory = tmp_path_factory.mktemp("asked")
    with running_server(directory) as server, running_asked(directory, server.url) as running:
        yield running


@pytest.fixture(scope="session", params=sorted(ASKING))
def asking(request: pytest.FixtureRequest) -> str:
    """Which proxy."""
    return str(request.param)


@pytest.fixture(scope="session")
def asker(asking: str, asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a proxy that asks Écluse."""
    with ASKING[asking](tmp_path_factory.mktemp(asking), asked) as port:
        yield port


@pytest.fixture(scope="session")
def lonely_asker(asking: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a proxy whose service is there and whose Écluse is not."""
    directory = tmp_path_factory.mktemp(asking)
    with running_service(directory) as service:
        nobody = Asked(gateway=free_ports(1)[0], service=service)
        with ASKING[asking](directory, nobody) as port:
            yield port


def fresh(seconds: int = SESSION_SECONDS, session: str = "A" * 11, room: str = ROOM) -> str:
    """A genuine pass, good for so long."""
    now = int(time.time())
    return SIGNER.sign(Pass(room=room, session=session, lane="main", issued_at=now - 1, expires_at=now + seconds))


async def page_of(visitor: aiohttp.ClientSession, port: int, path: str) -> tuple[str, str, dict[str, str]]:
    """Where a browser without a pass ends up: address, page and the cookies it was given."""
    cookies: dict[str, str] = {}
    for _ in range(4):
        kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
        async with visitor.get(at(port, path), headers={**HTML, **FORGED, **kept}, allow_redirects=False) as answer:
            cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
            if answer.status == 200:
                return path, await answer.text(), cookies
            assert answer.status == 303, answer
            assert answer.headers["Location"].startswith("/"), "nobody is sent to another host"
            path = urljoin(path, answer.headers["Location"])
    pytest.fail(f"sent round in circles: {path}")


async def enter(visitor: aiohttp.ClientSession, port: int, path: str) -> str:
    """The pass of somebody who waited, was called and pressed Enter."""
    _, page, cookies = await page_of(visitor, port, path)
    assert "data-state=" in page, "the waiting page"
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    async with asyncio.timeout(30):
        while True:
            async with visitor.post(at(port, f"{OURS}/claim"), headers={**JSON, **kept}) as answer:
                if answer.status == 200:
                    return answer.cookies[COOKIE].value
            await asyncio.sleep(0.1)


async def told(visitor: aiohttp.ClientSession, port: int, path: str, token: str) -> dict[str, list[str]]:
    """The headers that reached the service from somebody who holds a pass and lies about everything else."""
    held = {"Cookie": f"{COOKIE}={token}"}
    async with visitor.get(at(port, path), headers={**HTML, **FORGED, **held}, allow_redirects=False) as answer:
        assert answer.status == 200, await answer.text()
        found = await answer.json()
        assert found["target"] == path
        headers: dict[str, list[str]] = found["headers"]
        return headers


async def test_a_person_waits_is_let_in_and_reaches_the_service_with_a_proof(
    visitor: aiohttp.ClientSession, asker: int
) -> None:
    path = "/rdv?x=1&y=%C3%A9"
    token = await enter(visitor, asker, path)
    headers = await told(visitor, asker, path, token)
    (proof,) = headers["ecluse-pass"]
    claims = PASSES.read(proof, ROOM)
    assert claims.session == SIGNER.read(token, ROOM).session
    assert 0 < claims.expires_at - claims.issued_at <= 60
    assert (headers["ecluse-room"], headers["host"]) == ([ROOM], [HOST])


async def test_what_the_client_says_under_our_names_never_arrives(visitor: aiohttp.ClientSession, asker: int) -> None:
    for path, token in (("/rdv", fresh()), ("/open/echo", "")):
        headers = await told(visitor, asker, path, token)
        flat = json.dumps({name: values for name, values in headers.items() if name != "cookie"})
        for lie in ("forged", "203.0.113.9", "evil", "gopher"):
            assert lie not in flat, headers
        assert headers["x-forwarded-for"] == ["127.0.0.2"]
        assert headers.get("x-real-ip", ["127.0.0.2"]) == ["127.0.0.2"]
        assert not {"ecluse-status", "forwarded"} & headers.keys()
        assert ("ecluse-pass" in headers) == (path == "/rdv")


async def test_an_address_arrives_as_it_was_written(visitor: aiohttp.ClientSession, asker: int) -> None:
    await told(visitor, asker, "/rdv/a%20b,c/%C3%A9?x=1&y=%2F..%2F&y=", fresh())


@pytest.mark.parametrize("path", ["/open/%2e%2e/rdv", "/open/..%2frdv", "/rdv//x", "/open/;/../rdv", "/%72dv"])
async def test_an_address_that_can_be_read_in_two_ways_arrives_nowhere(
    visitor: aiohttp.ClientSession, asking: str, asker: int, path: str
) -> None:
    for token in ("", fresh()):
        async with visitor.get(at(asker, path), headers={**JSON, "Cookie": f"{COOKIE}={token}"}) as answer:
            if asking == "traefik" and answer.status == 200:
                # Traefik makes a plain address of it, then asks about that, and sends on what it asked about.
                assert (await answer.json())["target"] in (("/rdv", "/rdv/x", "/open/rdv") if token else ("/open/rdv",))
                continue
            assert 400 <= answer.status < 500
            assert '"origin"' not in await answer.text()


async def test_a_program_without_a_pass_is_told_when_and_where_to_come_back(
    visitor: aiohttp.ClientSession, asker: int
) -> None:
    async with visitor.get(at(asker, "/rdv"), headers={**JSON, **FORGED}, allow_redirects=False) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.content_type == "application/problem+json"
        problem = json.loads(await answer.read())
        assert (problem["type"], problem["status"]) == ("/_ecluse/problems/waiting", 429)
        assert problem["claim_url"] == f"{OURS}/claim"


@pytest.mark.parametrize("accept", [HTML, JSON])
async def test_a_form_without_a_pass_is_not_passed_on_and_its_sender_is_told(
    visitor: aiohttp.ClientSession, asker: int, accept: dict[str, str]
) -> None:
    form = {"data": b"nom=Diallo", "allow_redirects": False}
    async with visitor.post(at(asker, "/rdv"), headers=accept, **form) as answer:  # type: ignore[arg-type]
        text = await answer.text()
        assert answer.status in (303, 429)
        if answer.status == 303:
            _, text, _ = await page_of(visitor, asker, answer.headers["Location"])
    assert "formulaire n’a pas été envoyé" in text or "problems/" in text
    assert ("problems/" in text) == (accept is JSON)


async def in_pieces() -> AsyncIterator[bytes]:
    """A body whose length is not said beforehand."""
    for _ in range(20):
        yield b"x" * 10_000


async def test_who_holds_a_pass_sends_a_form_whole_and_nobody_elses_goes_astray(
    visitor: aiohttp.ClientSession, asker: int
) -> None:
    held = {"Cookie": f"{COOKIE}={fresh()}"}
    for body in (b"x" * 200_000, in_pieces()):
        path = f"/rdv/open/upload/{time.monotonic_ns()}"
        async with visitor.post(at(asker, path), headers=held, data=body) as answer:
            assert (answer.status, await answer.text()) == (200, "200000")
        # What was left of a body on a connection to Écluse would be read as the beginning of the next question.
        async with visitor.post(at(asker, path), headers=JSON, data=b"GET /open/echo HTTP/1.1") as refused:
            assert refused.status == 429
        for _ in range(3):
            await told(visitor, asker, "/open/echo", "")


async def test_a_client_cannot_slip_in_a_cookie_for_itself(visitor: aiohttp.ClientSession, asker: int) -> None:
    slipped = {"Ecluse-Set-Cookie": "a=b", "Set-Cookie": "a=b", "Cookie": f"{COOKIE}={fresh()}"}
    for path in ("/rdv", "/open/echo"):
        async with visitor.get(at(asker, path), headers={**HTML, **slipped}) as answer:
            assert answer.status == 200
            assert not answer.headers.getall("Set-Cookie", [])


async def test_who_holds_a_pass_opens_a_websocket(visitor: aiohttp.ClientSession, asker: int) -> None:
    held = {"Cookie": f"{COOKIE}={fresh()}"}
    async with visitor.ws_connect(at(asker, "/rdv/socket", "ws"), headers=held) as socket:
        await socket.send_str("à vous")
        assert await socket.receive_str(timeout=10) == "à vous"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await visitor.ws_connect(at(asker, "/rdv/socket", "ws"))


async def test_no_other_pass_opens_the_door(visitor: aiohttp.ClientSession, asker: int) -> None:
    genuine = fresh()
    head, claims, _ = genuine.split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    other_key = PassSigner([SigningKey.from_secret(ORIGIN_KEY)])
    wrong = [
        fresh(-1), fresh(room="autre"), other_key.sign(SIGNER.read(genuine, ROOM)), f"{none}.{claims}.", f"{head}.{claims}.",
        f"{genuine}A", genuine[:-3], "x", f"{genuine}; {COOKIE}=x",
    ]  # fmt: skip
    for token in wrong:
        async with visitor.get(at(asker, "/rdv"), headers={**JSON, "Cookie": f"{COOKIE}={token}"}) as answer:
            assert answer.status == 429, token


async def test_a_visit_that_goes_on_gets_a_new_pass(visitor: aiohttp.ClientSession, asker: int) -> None:
    claims = SIGNER.read(await enter(visitor, asker, "/rdv"), ROOM)
    older = SIGNER.sign(replace(claims, expires_at=int(time.time()) + SESSION_SECONDS // 3))
    async with visitor.get(at(asker, "/rdv"), headers={**HTML, "Cookie": f"{COOKIE}={older}"}) as answer:
        assert (await answer.json())["origin"] == "here"
        renewed = SIGNER.read(answer.cookies[COOKIE].value, ROOM)
    assert renewed.session == claims.session
    assert renewed.expires_at > int(time.time()) + SESSION_SECONDS // 2


async def test_the_question_is_not_for_visitors(visitor: aiohttp.ClientSession, asker: int) -> None:
    held = {"Cookie": f"{COOKIE}={fresh()}", "X-Forwarded-Uri": "/rdv"}
    for path in ("/_ecluse/verify/nginx", "/_ecluse/verify/", "/_ecluse/verify/envoy/rdv", "/_ecluse/%76erify/caddy"):
        async with visitor.get(at(asker, path), headers={**JSON, **held}) as answer:
            assert 400 <= answer.status < 500, path
            assert not [name for name in answer.headers if name.lower().startswith("ecluse-")], path


@pytest.mark.parametrize("accept", [HTML, JSON])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_ecluse_nobody_new_gets_through(
    visitor: aiohttp.ClientSession, lonely_asker: int, accept: dict[str, str], method: str
) -> None:
    for path in ("/rdv", "/open/echo", f"{OURS}/ticket"):
        async with visitor.request(method, at(lonely_asker, path), headers={**accept, **FORGED}) as answer:
            assert answer.status in (500, 502, 503)
            assert '"origin"' not in await answer.text()


async def test_without_ecluse_a_proxy_that_asks_lets_nobody_through_and_one_that_reads_passes_does(
    visitor: aiohttp.ClientSession, asking: str, lonely_asker: int
) -> None:
    async with visitor.get(at(lonely_asker, "/rdv"), headers={"Cookie": f"{COOKIE}={fresh()}"}) as answer:
        assert (answer.status == 200) == (asking == "haproxy")
