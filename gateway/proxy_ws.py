"""The WebSocket bridge: one visitor, one origin, messages and close codes both ways (RFC 6455).

Pings are answered on each side by its own library. Compression is not offered to the origin, so a message costs what
its length says.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import aiohttp
from aiohttp import WSMsgType

from ecluse.domain.errors import EcluseError, OriginAway, OriginSlow
from gateway.asgi import Headers, Receive, Scope, Send
from gateway.forwarding import request_headers
from gateway.hygiene import denying
from gateway.problems import send_problem
from gateway.proxy import Upstream, target

MESSAGE_BYTES_MAX = 1024 * 1024
CLOSE_SECONDS = 5.0
"""How long a side may take to answer a close."""
RECHECK_SECONDS = 1.0
"""How long after the end of a visit its WebSocket may live on."""

_NORMAL, _GOING_AWAY, _POLICY, _TOO_BIG, _ORIGIN_FAILED = 1000, 1001, 1008, 1009, 1011
_NOT_ON_THE_WIRE = frozenset({None, 1005, 1006, 1015})

Origin = aiohttp.ClientWebSocketResponse
StillAllowed = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a bridge ends: what each side is told. None for the side that ended it."""

    to_visitor: tuple[int, str] | None
    to_origin: tuple[int, str] | None


def _sendable(code: int | None, otherwise: int) -> int:
    return otherwise if code is None or code in _NOT_ON_THE_WIRE else code


def _subprotocols(scope: Scope) -> list[str]:
    return [str(name) for name in scope.get("subprotocols", ())]


async def forward_websocket(  # noqa: PLR0913 - what the gate decided, by name
    session: aiohttp.ClientSession,
    scope: Scope,
    receive: Receive,
    send: Send,
    upstream: Upstream,
    *,
    add: Headers,
    still_allowed: StillAllowed | None = None,
) -> None:
    """Join a visitor's WebSocket to the origin's, until either ends or `still_allowed` says no (close code 1008).

    `session` is `Proxy.session`. The origin is asked first: if it refuses, the visitor gets its status (4xx) or a
    problem (502, 504) in place of the handshake.
    """
    if (await receive())["type"] != "websocket.connect":
        return
    try:
        origin = await _connect(session, scope, upstream, add)
    except aiohttp.WSServerHandshakeError as error:
        status = error.status if 400 <= error.status < 500 else None
        await send_problem(denying(scope, send), OriginAway(f"handshake refused: {error.status}"), status=status)
        return
    except EcluseError as error:
        await send_problem(denying(scope, send), error)
        return
    ending = _Ending(None, (_GOING_AWAY, ""))
    try:
        await send({"type": "websocket.accept", "subprotocol": origin.protocol, "headers": []})
        ending = await _first_to_end(
            _visitor_to_origin(receive, origin), _origin_to_visitor(origin, send), _visit_over(still_allowed)
        )
        if ending.to_visitor is not None:
            code, reason = ending.to_visitor
            await send({"type": "websocket.close", "code": code, "reason": reason})
    except OSError:
        pass  # the visitor is gone already; the origin is told below
    finally:
        if ending.to_origin is not None:
            code, reason = ending.to_origin
            await origin.close(code=code, message=reason.encode())


async def _connect(session: aiohttp.ClientSession, scope: Scope, upstream: Upstream, add: Headers) -> Origin:
    """Shake hands with the origin. Raises OriginAway, OriginSlow, AmbiguousRequest or WSServerHandshakeError."""
    url = target(scope, upstream.origin)
    headers = request_headers(scope["headers"], add)
    try:
        async with asyncio.timeout(upstream.timeout_seconds):
            return await session.ws_connect(
                url,
                protocols=_subprotocols(scope),
                headers=headers,
                max_msg_size=MESSAGE_BYTES_MAX + 1,  # aiohttp refuses what reaches it
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                autoclose=False,  # the origin's own code is sent back to it, not 1000
            )
    except aiohttp.WSServerHandshakeError:
        raise
    except TimeoutError as error:
        if isinstance(error, aiohttp.ClientError):
            raise OriginAway(repr(error)) from error
        raise OriginSlow("WebSocket handshake") from error
    except (aiohttp.ClientError, OSError) as error:
        raise OriginAway(repr(error)) from error


async def _visitor_to_origin(receive: Receive, origin: Origin) -> _Ending:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            code = message.get("code")
            return _Ending(
                None, (_sendable(code, _NORMAL if code == 1005 else _GOING_AWAY), message.get("reason") or "")
            )
        text = message.get("text")
        piece: bytes = message["bytes"] if text is None else text.encode()
        if len(piece) > MESSAGE_BYTES_MAX:
            return _Ending((_TOO_BIG, ""), (_TOO_BIG, ""))
        try:
            await origin.send_frame(piece, WSMsgType.BINARY if text is None else WSMsgType.TEXT)
        except ConnectionError:
            return _Ending((_ORIGIN_FAILED, ""), (_GOING_AWAY, ""))


async def _origin_to_visitor(origin: Origin, send: Send) -> _Ending:
    while True:
        message = await origin.receive()
        if message.type is WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        elif message.type is WSMsgType.CLOSE:
            told = (_sendable(message.data, _NORMAL), message.extra or "")
            return _Ending(told, told)
        else:
            too_big = origin.close_code == _TOO_BIG
            return _Ending((_TOO_BIG if too_big else _ORIGIN_FAILED, ""), (_GOING_AWAY, ""))


async def _visit_over(still_allowed: StillAllowed | None) -> _Ending:
    if still_allowed is None:
        await asyncio.get_running_loop().create_future()
    else:
        while still_allowed():  # noqa: ASYNC110 - a visit ends by the clock; nobody could set an event
            await asyncio.sleep(RECHECK_SECONDS)
    return _Ending((_POLICY, "the visit is over"), (_GOING_AWAY, ""))


async def _first_to_end(*ways: Coroutine[None, None, _Ending]) -> _Ending:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
