"""The automatic pace at the gate: the origin's answers are counted, and one request too many is told so kindly."""

import asyncio
import json
from typing import Any

import pytest

from tests.gateway.rig import Origin, read_body
from tests.gateway.whole import OpenWhole, Whole

AUTO: dict[str, Any] = {"pace": "auto", "pace_per_minute": 6000, "burst": 100}


class SlowOrigin:
    """Answers 500 at /broken, and at /slow only once `go` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = asyncio.Event()

    async def __call__(
        self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes
    ) -> None:
        origin.bodies.append(await read_body(reader, head))
        path = head.split(b" ", 2)[1]
        if path == b"/slow":
            self.asked.set()
            await self.go.wait()
        status = b"500 Broken" if path == b"/broken" else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")


async def counted(whole: Whole) -> tuple[int, int]:
    """Attempts and failures as told to the workers."""
    edge = whole.edges[0]
    await edge._tell_flows()
    reports = await whole.lines["salle"].origin_reports()
    (text,) = reports.values()
    attempts, failures, *_ = json.loads(text)
    return attempts, failures


async def test_what_the_origin_answered_is_told_to_the_workers(open_whole: OpenWhole) -> None:
    origin = SlowOrigin()
    whole = await open_whole(answerer=origin, **AUTO)
    visitor = await whole.occupied()
    assert (await visitor.get("/broken")).status == 500
    assert (await visitor.get("/fine")).status == 200
    assert await counted(whole) == (3, 1)
    text = (await visitor.get("/fine")).text
    assert text == "ok"


async def test_over_the_limit_a_visitor_keeps_the_visit_and_reads_that_the_service_is_busy(
    open_whole: OpenWhole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.origin_flow.PATIENCE_SECONDS", 0.05)
    origin = SlowOrigin()
    whole = await open_whole(answerer=origin, **AUTO)
    visitor = await whole.occupied()
    await whole.turn()
    assert whole.edges[0].directory.by_id["salle"].board.automatic
    whole.edges[0].directory.by_id["salle"].flow.limit = 1
    slow = asyncio.create_task(visitor.twin().get("/slow"))
    await origin.asked.wait()
    page = await visitor.get("/next?a=1", accept_language="en")
    assert page.status == 503
    assert page.get("retry-after") == "5"
    assert "The service is busy" in page.text
    assert "You do not go back to the line" in page.text
    assert 'href="/next?a=1"' in page.text
    program = await visitor.get("/next", accept="application/json")
    assert (program.status, program.problem) == (503, "origin-busy")
    form = await visitor.form("/book", {"a": "1"})
    assert form.status == 503
    assert "/book" not in form.text, "a form is never sent again by itself"
    origin.go.set()
    assert (await slow).body == b"ok"
    assert (await visitor.get("/next")).body == b"ok", "the visit went on"
    attempts, failures = await counted(whole)
    assert failures == 3, "refusals are congestion"
    assert attempts == 6


async def test_by_hand_nothing_is_limited(open_whole: OpenWhole) -> None:
    whole = await open_whole(**AUTO | {"pace": "manual"})
    visitor = await whole.occupied()
    await whole.turn()
    whole.edges[0].directory.by_id["salle"].flow.limit = 0
    assert (await visitor.get("/next")).body == b"ok"
