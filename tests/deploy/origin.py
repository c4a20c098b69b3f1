"""A stranger behind the line, as a plain ASGI application: it tells what it was sent, and streams when told to go on.

Run by uvicorn as a process of its own. `/open/…` paths need no pass in the tests' configuration.
"""

import asyncio
import json
from collections import defaultdict
from typing import Any

_arrived: dict[str, int] = defaultdict(int)
_go: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await _echo(receive, send)
    elif scope["type"] == "http":
        _, _, rest = scope["path"].partition("/open/")
        verb, _, name = rest.partition("/")
        if verb == "upload":
            await _upload(name, receive, send)
        elif verb == "drip":
            await _drip(name, send)
        elif verb == "go":
            _go[name].set()
            await _answer(send, b"going")
        elif verb == "arrived":
            await _answer(send, str(_arrived[name]).encode())
        else:
            await _answer(send, _told(scope), b"application/json")


def _told(scope: Any) -> bytes:
    headers: dict[str, list[str]] = defaultdict(list)
    for name, value in scope["headers"]:
        headers[name.decode()].append(value.decode())
    query = scope["query_string"].decode()
    target = scope["raw_path"].decode() + (f"?{query}" if query else "")
    return json.dumps({"origin": "here", "target": target, "headers": headers}).encode()


async def _answer(send: Any, body: bytes, kind: bytes = b"text/plain") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


async def _upload(name: str, receive: Any, send: Any) -> None:
    more = True
    while more:
        message = await receive()
        _arrived[name] += len(message.get("body", b""))
        more = message.get("more_body", False)
    await _answer(send, str(_arrived[name]).encode())


async def _drip(name: str, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    await _go[name].wait()
    await send({"type": "http.response.body", "body": b"second"})


async def _echo(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", **{name: message.get(name) for name in ("text", "bytes")}})
