"""nginx and Caddy as deploy/ configures them, each really started before a gateway, an origin, or nobody."""

import asyncio
import base64
import hashlib
import json
import re
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from tests.deploy.rig import HOST, OPERATOR_KEY

HTML = {"Accept": "text/html,application/xhtml+xml"}
SPOOFED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Uri": "/evil",
    "X-Forwarded-Method": "POST",
    "X-Forwarded-Port": "1",
    "Forwarded": "for=203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "Ecluse-Pass": "forged",
    "Ecluse-Room": "forged",
    "Ecluse-Session": "forged",
}


def at(port: int, path: str, scheme: str = "http") -> URL:
    return URL(f"{scheme}://127.0.0.1:{port}{path}", encoded=True)


async def told(visitor: aiohttp.ClientSession, url: URL, **options: object) -> dict[str, list[str]]:
    """The headers that reached the origin."""
    async with visitor.get(url, **options) as answer:  # type: ignore[arg-type]
        assert answer.status == 200
        headers: dict[str, list[str]] = (await answer.json())["headers"]
        return headers


async def test_a_visitor_gets_the_page_of_the_origin_and_a_pass(visitor: aiohttp.ClientSession, front: int) -> None:
    async with visitor.get(at(front, "/page"), headers=HTML) as answer:
        assert answer.status == 200
        assert (await answer.json())["origin"] == "here"
        assert "ecluse_pass_guichet=" in answer.headers["Set-Cookie"]


async def test_a_visitor_who_must_wait_gets_the_waiting_page(visitor: aiohttp.ClientSession, front: int) -> None:
    async with visitor.get(at(front, "/attente/"), headers=HTML) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ecluse_ticket_attente=" in answer.headers["Set-Cookie"]


async def test_what_a_client_says_about_its_address_is_replaced(visitor: aiohttp.ClientSession, front: int) -> None:
    headers = await told(visitor, at(front, "/open/echo"), headers=SPOOFED)
    assert headers["x-forwarded-for"] == ["127.0.0.2"]
    assert headers["x-forwarded-proto"] == ["http"]
    assert headers["x-forwarded-host"] == [HOST]
    assert headers["ecluse-room"] == ["guichet"]
    assert not {"ecluse-pass", "ecluse-session", "forwarded", "x-real-ip", "x-forwarded-uri"} & headers.keys()


async def test_a_front_pointed_straight_at_the_origin_drops_the_headers_that_are_ours(
    visitor: aiohttp.ClientSession, naked_front: int
) -> None:
    headers = await told(visitor, at(naked_front, "/open/echo"), headers=SPOOFED)
    assert headers["x-forwarded-for"] == ["127.0.0.2"]
    assert not [name for name in headers if name.startswith("ecluse-")]
    for name in ("forwarded", "x-real-ip", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-port"):
        assert name not in headers


async def test_the_path_arrives_as_the_visitor_wrote_it(visitor: aiohttp.ClientSession, front: int) -> None:
    async with visitor.get(at(front, "/open/a%20b,c/%C3%A9?x=1&y=%2F..%2F&y=")) as answer:
        assert (await answer.json())["target"] == "/open/a%20b,c/%C3%A9?x=1&y=%2F..%2F&y="


@pytest.mark.parametrize("path", ["/open/%2e%2e/page", "/open/a%2fb", "/open//page", "/open/;a=b"])
async def test_an_ambiguous_path_is_refused(visitor: aiohttp.ClientSession, front: int, path: str) -> None:
    async with visitor.get(at(front, path)) as answer:
        assert answer.status == 400


async def test_a_body_reaches_the_origin_while_it_is_still_being_sent(
    visitor: aiohttp.ClientSession, front: int
) -> None:
    name = uuid.uuid4().hex

    async def body() -> AsyncIterator[bytes]:
        yield b"a" * 1000
        async with asyncio.timeout(20):
            while True:
                async with visitor.get(at(front, f"/open/arrived/{name}")) as arrived:
                    if await arrived.text() == "1000":
                        break
        yield b"b" * 500

    async with visitor.post(at(front, f"/open/upload/{name}"), data=body()) as answer:
        assert answer.status == 200
        assert await answer.text() == "1500"


async def test_an_answer_reaches_the_visitor_while_it_is_still_being_made(
    visitor: aiohttp.ClientSession, front: int
) -> None:
    name = uuid.uuid4().hex
    async with visitor.get(at(front, f"/open/drip/{name}")) as answer:
        assert await answer.content.readexactly(6) == b"first "
        async with visitor.get(at(front, f"/open/go/{name}")):
            assert await answer.content.read() == b"second"


async def test_a_websocket_passes(visitor: aiohttp.ClientSession, front: int) -> None:
    async with visitor.ws_connect(at(front, "/open/socket", "ws")) as socket:
        await socket.send_str("à vous")
        assert await socket.receive_str(timeout=10) == "à vous"
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes(timeout=10) == b"\x00\xff"


async def next_board(stream: aiohttp.StreamReader) -> dict[str, object]:
    while True:
        line = await stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            board: dict[str, object] = json.loads(line[6:])
            return board


async def test_events_come_one_by_one(visitor: aiohttp.ClientSession, front: int) -> None:
    async with visitor.get(at(front, "/_ecluse/rooms/attente/board/events")) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        before = await next_board(answer.content)
        wanted = 77 if before["pace_per_minute"] != 77 else 78
        async with visitor.patch(
            at(front, "/_ecluse/api/v1/rooms/attente"),
            json={"pace_per_minute": wanted, "reason": "essai"},
            headers={"Authorization": f"Bearer {OPERATOR_KEY}"},
        ) as changed:
            assert changed.status == 200
        async with asyncio.timeout(20):
            while (await next_board(answer.content))["pace_per_minute"] != wanted:
                pass


async def test_forward_auth_is_not_for_visitors(visitor: aiohttp.ClientSession, front: int) -> None:
    async with visitor.get(at(front, "/_ecluse/verify/nginx/x"), headers={"X-Forwarded-Uri": "/page"}) as answer:
        assert answer.status == 404


async def test_a_gateway_explains_an_origin_that_is_away_in_its_own_words(
    visitor: aiohttp.ClientSession, front: int
) -> None:
    async with visitor.get(at(front, "/absent/")) as answer:
        assert answer.status == 502
        assert (await answer.json())["type"] == "/_ecluse/problems/origin-away"


async def test_without_any_gateway_a_page_waits_and_tries_again(
    visitor: aiohttp.ClientSession, lonely_front: int
) -> None:
    async with visitor.get(at(lonely_front, "/page?x=1"), headers=HTML) as answer:
        page = await answer.text()
        assert answer.status == 503
        assert answer.content_type == "text/html"
        assert "Votre place dans la file est conservée" in page
        assert '<meta http-equiv="refresh"' in page
        assert answer.headers["Refresh"] == answer.headers["Retry-After"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert not {"ETag", "Last-Modified"} & set(answer.headers)


async def test_without_any_gateway_a_form_is_said_to_be_unconfirmed_and_the_page_stays(
    visitor: aiohttp.ClientSession, lonely_front: int
) -> None:
    async with visitor.post(at(lonely_front, "/page"), headers=HTML, data={"nom": "Diallo"}) as answer:
        page = await answer.text()
        assert answer.status == 503
        assert "Votre formulaire n’a pas été confirmé" in page
        assert "http-equiv" not in page
        assert "Refresh" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_any_gateway_a_program_gets_a_problem(
    visitor: aiohttp.ClientSession, lonely_front: int, method: str
) -> None:
    async with visitor.request(method, at(lonely_front, "/_ecluse/rooms/guichet/ticket")) as answer:
        assert answer.status == 503
        assert answer.content_type == "application/problem+json"
        assert json.loads(await answer.read())["status"] == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Refresh" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_style_of_the_hold_pages_is_allowed_and_nothing_else(
    visitor: aiohttp.ClientSession, lonely_front: int, method: str
) -> None:
    async with visitor.request(method, at(lonely_front, "/page"), headers=HTML) as answer:
        policy = answer.headers["Content-Security-Policy"]
        style = re.search(r"<style>(.*?)</style>", await answer.text(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy


async def test_not_everybody_comes_back_in_the_same_second(visitor: aiohttp.ClientSession, lonely_front: int) -> None:
    delays = set()
    for _ in range(60):
        async with visitor.get(at(lonely_front, "/page"), headers=HTML) as answer:
            delays.add(int(answer.headers["Retry-After"]))
    # Eight delays, equally likely: fewer than four of them in sixty draws happens once in 10^16 runs.
    assert len(delays) >= 4
    assert min(delays) >= 5
    assert max(delays) <= 25
