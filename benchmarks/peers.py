"""What we are measured against, served by the same uvicorn: a bare hello, a bare proxy, and a small origin.

`python -m benchmarks.peers hello|proxy|origin PORT [ORIGIN]`
"""

import asyncio
import socket
import sys
from typing import Any

import uvicorn

from gateway.__main__ import server_config
from gateway.asgi import App, Receive, Scope, Send, respond
from gateway.forwarding import forwarding_headers
from gateway.proxy import Proxy, Upstream

HELLO = (
    b'{"message":"hello, this is a small answer of about one hundred and twenty bytes, as a raw ASGI app gives it."}'
)
KIBIBYTE = b"x" * 1024


async def _lifespan(receive: Receive, send: Send, *, opened: Any = None) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup" and opened is not None:
            await opened()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """The floor: one constant answer."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    await respond(send, 200, [(b"content-type", b"application/json")], HELLO)


async def origin(scope: Scope, receive: Receive, send: Send) -> None:
    """An origin with nothing to do."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    await respond(send, 200, [(b"content-type", b"text/plain")], KIBIBYTE)


def bare_proxy(origin_url: str) -> App:
    """The same aiohttp proxy, saying who asks as any proxy does, without any gate or hygiene."""
    proxy = Proxy()
    upstream = Upstream(origin=origin_url, timeout_seconds=60, body_max_bytes=10**7)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, opened=proxy.open)
            return
        add = forwarding_headers(scope, (), "http")
        await proxy.forward(scope, receive, send, upstream, add=add, set_cookies=[])

    return app


def main() -> None:
    """Serve one of the peers."""
    kind, port = sys.argv[1], int(sys.argv[2])
    app: App = {"hello": hello, "origin": origin}.get(kind) or bare_proxy(sys.argv[3])
    # The hello is the limit of the server as it comes: uvicorn's own protocol, with the same options.
    config = server_config(app, protocol="httptools") if kind == "hello" else server_config(app)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
