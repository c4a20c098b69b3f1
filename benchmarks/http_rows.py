"""Requests per CPU-second of one gateway process, beside a bare ASGI answer and a bare proxy on the same server."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from statistics import median

from benchmarks.generator import MakeRequest, Tally, hammer
from benchmarks.stage import Stage, a_ticket, answers, cpu_seconds, resident_mb
from benchmarks.table import Row
from ecluse.catalogues import TEMPLATES, codes_in
from ecluse.domain.room import Room
from ecluse.ports import free_ports
from ecluse.store.client import Store
from ecluse.store.line import Line
from ecluse.tokens import new_id

ROOM = "bench"
_AS_A_BROWSER = ("accept: text/html", "accept-encoding: gzip, deflate, br", "accept-language: fr")
Measure = Callable[[], Awaitable[float]]


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, *headers: str) -> bytes:
    """An unsafe request without a body."""
    return get(path, "content-length: 0", *headers, method="POST")


def _form(*headers: str) -> bytes:
    body = b"name=Amina+Diallo&file_number=9900112233&slot=42"
    kind = "content-type: application/x-www-form-urlencoded"
    return get("/page", f"content-length: {len(body)}", kind, *headers, method="POST") + body


async def per_cpu_second(pid: int, port: int, make: MakeRequest, seconds: float, expect: bytes) -> float:
    """Answers per CPU-second of the process `pid`. Fails loudly if one is not as expected."""
    before = cpu_seconds(pid)
    tally: Tally = await hammer(port, make, seconds=seconds, expect=expect)
    if tally.unexpected:
        shown = tally.first_unexpected.decode("latin-1")
        raise RuntimeError(f"{tally.unexpected} of {tally.answers} answers were not {expect!r}; the first:\n{shown}")
    return tally.answers / max(cpu_seconds(pid) - before, 1e-3)


class HttpStage:
    """One gateway, one hello, one bare proxy and one origin, with the line that the rows need."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        self._stage = stage
        self._seconds = seconds
        self._ports = free_ports(4)
        self._ids: dict[str, int] = {}
        self._store: Store | None = None

    async def open(self) -> None:
        """Start everything, and put a thousand in line."""
        stage = self._stage
        hello, proxy, origin, gateway = self._ports
        redis = await stage.redis()
        self._ids = {
            "redis": redis,
            "hello": stage.python("benchmarks.peers", "hello", str(hello)),
            "proxy": stage.python("benchmarks.peers", "proxy", str(proxy), f"http://127.0.0.1:{origin}"),
            "origin": stage.python("benchmarks.peers", "origin", str(origin)),
        }
        for port in (hello, proxy, origin):
            await answers(port)
        config = stage.config(ROOM, origin, gateway)
        self._ids["gateway"] = await stage.gateway(config, gateway)
        self._store = Store.at(f"redis://127.0.0.1:{stage.redis_port}/0")
        self.line = Line(
            self._store, Room(id=ROOM, notice={}, pace_per_minute=100_000, burst=10_000, claim_ms=3_600_000)
        )
        # Faster than any configuration may be, so that the pace is never what limits the claims.
        await self._store.command("HSET", self.line.keys.settings, "pace_per_minute", "1e9")
        await fill(self.line, 1000)
        await one_turn(self.line)
        await asyncio.sleep(0.6)

    async def close(self) -> None:
        """Close our own connection; the stage ends the processes."""
        if self._store is not None:
            await self._store.close()

    @property
    def gateway(self) -> tuple[int, int]:
        """Process id and port of the gateway."""
        return self._ids["gateway"], self._ports[3]

    @property
    def origin_port(self) -> int:
        """Where the origin is."""
        return self._ports[2]

    async def one_more(self) -> None:
        """Put one more in line, so that the next board is another one."""
        await fill(self.line, 1)

    def resident_mb(self) -> float:
        """Memory of the gateway process."""
        return resident_mb(self._ids["gateway"])

    async def every_language(self) -> float:
        """Memory of the gateway process once somebody has read a page in each language."""
        for code in codes_in([TEMPLATES]):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._ports[3])
            writer.write(get(f"/?lang={code}", "accept: text/html", "connection: close"))
            await reader.read()
            writer.close()
        return self.resident_mb()

    async def hello(self) -> float:
        """The floor."""
        request = get("/")
        return await per_cpu_second(self._ids["hello"], self._ports[0], lambda: request, self._seconds, b"HTTP/1.1 200")

    async def _gateway(self, make: MakeRequest, expect: bytes = b"HTTP/1.1 200") -> float:
        return await per_cpu_second(self._ids["gateway"], self._ports[3], make, self._seconds, expect)

    async def board(self) -> float:
        """The public board."""
        request = get(f"/_ecluse/rooms/{ROOM}/board.json", "accept-encoding: gzip")
        return await self._gateway(lambda: request)

    async def ticket(self) -> float:
        """The state of a waiting ticket, each request another one."""
        requests = itertools.cycle(await self._waiting_tickets(f"/_ecluse/rooms/{ROOM}/ticket"))
        await one_turn(self.line)
        await asyncio.sleep(0.6)
        return await self._gateway(lambda: next(requests))

    async def _waiting_tickets(self, path: str, *headers: str) -> list[bytes]:
        epoch = (await self.line.enter(new_id(), "main", "unused00", at_once=False)).epoch  # type: ignore[union-attr]
        found = []
        for _ in range(500):
            number = (await self.line.enter(new_id(), "main", epoch, at_once=False)).number  # type: ignore[union-attr]
            token, _ = a_ticket(ROOM, number, epoch)
            found.append(get(path, f"cookie: ecluse_ticket_{ROOM}={token}", *headers))
        return found

    async def join(self) -> float:
        """A JSON join: a new ticket each, Redis included."""
        request = post(f"/_ecluse/rooms/{ROOM}/tickets")
        return await self._gateway(lambda: request, b"HTTP/1.1 201")

    async def waiting_page(self) -> float:
        """The waiting page of somebody who waits, packed; each request another one."""
        requests = itertools.cycle(await self._waiting_tickets("/page", *_AS_A_BROWSER))
        await one_turn(self.line)
        await asyncio.sleep(0.6)
        return await self._gateway(lambda: next(requests))

    async def join_page(self) -> float:
        """Open the protected page as a browser does: a new ticket and the waiting page each, Redis included."""
        request = get("/", "accept: text/html", "sec-fetch-dest: document", "accept-encoding: gzip")
        return await self._gateway(lambda: request)

    async def claim(self) -> float:
        """A claim: each the first of its ticket, so every one is an admission."""
        wanted = int(12_000 * self._seconds)
        requests = await self._called_tickets(wanted)
        supply = iter(requests)
        last = requests[-1]
        return await self._gateway(lambda: next(supply, last))

    async def _called_tickets(self, how_many: int) -> list[bytes]:
        """Tickets put straight among the called, as `call` would leave them."""
        assert self._store is not None
        # Of another epoch, so that the gateway must ask the line: the board does not know that they were called.
        epoch = "called00"
        requests: list[bytes] = []
        words: list[str | int] = []
        for number in range(how_many):
            token, ticket_id = a_ticket(ROOM, number + 1, epoch)
            requests.append(
                post(
                    f"/_ecluse/rooms/{ROOM}/claim", f"cookie: ecluse_ticket_{ROOM}={token}", "accept: application/json"
                )
            )
            words += [4_000_000_000_000, ticket_id]
        for at in range(0, len(words), 2000):
            await self._store.command("ZADD", f"ecluse:{{{ROOM}}}:called", *words[at : at + 2000])
        return requests

    async def bare_proxy(self) -> float:
        """The proxy without a gate: 1 KiB from the origin."""
        return await self._bare(get("/page"))

    async def bare_post(self) -> float:
        """The same with a small form."""
        return await self._bare(_form())

    async def _bare(self, request: bytes) -> float:
        return await per_cpu_second(self._ids["proxy"], self._ports[1], lambda: request, self._seconds, b"HTTP/1.1 200")

    async def gated_proxy(self) -> float:
        """The same through the gate, with the pass of a visit checked."""
        request = get("/page", f"cookie: {await self.a_pass()}")
        return await self._gateway(lambda: request)

    async def gated_post(self) -> float:
        """A small form through the gate."""
        request = _form(f"cookie: {await self.a_pass()}")
        return await self._gateway(lambda: request)

    async def a_pass(self) -> str:
        """The cookie of somebody inside."""
        token, ticket_id = a_ticket(ROOM, 1, "called00")
        assert self._store is not None
        await self._store.command("ZADD", f"ecluse:{{{ROOM}}}:called", 4_000_000_000_000, ticket_id)
        return await self._claimed(token)

    async def _claimed(self, token: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ports[3])
        writer.write(post(f"/_ecluse/rooms/{ROOM}/claim", f"authorization: Bearer {token}", "connection: close"))
        answer = await reader.read()
        writer.close()
        granted = json.loads(answer.partition(b"\r\n\r\n")[2])["pass"]
        return f"ecluse_pass_{ROOM}={granted}"


async def fill(line: Line, how_many: int) -> None:
    """Put that many in line through `enter`."""
    for at in range(0, how_many, 500):
        enters = (line.enter(new_id(), "main", "bench000", at_once=False) for _ in range(min(500, how_many - at)))
        await asyncio.gather(*enters)


async def one_turn(line: Line) -> None:
    """Put up a board without calling anybody."""
    from ecluse.services.ticks import RoomTicks  # noqa: PLC0415

    ticks = RoomTicks(line)
    ticks._call = _nobody  # type: ignore[method-assign]
    await ticks.turn()


async def _nobody(*_: object, **__: object) -> dict[str, int]:
    return {}


async def http_rows(rounds: int, seconds: float) -> list[Row]:
    """Every HTTP row: medians of interleaved rounds, ratio to the limit measured in the same round."""
    with Stage() as stage:
        http = HttpStage(stage, seconds)
        await http.open()
        at_rest, all_read = http.resident_mb(), await http.every_language()
        kinds: dict[str, Measure] = {
            "hello": http.hello, "board": http.board, "ticket state": http.ticket, "join, JSON": http.join,
            "join, page": http.join_page, "waiting page": http.waiting_page, "claim": http.claim,
            "bare proxy": http.bare_proxy,
            "gate + proxy, GET": http.gated_proxy, "bare POST": http.bare_post, "gate + proxy, POST": http.gated_post,
        }  # fmt: skip
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, measure in kinds.items():
                await one_turn(http.line)
                await asyncio.sleep(0.3)
                found[name].append(await measure())
        memory = http.resident_mb()
        await http.close()
    limits = {"gate + proxy, GET": "bare proxy", "gate + proxy, POST": "bare POST"}
    rows = []
    for name, rates in found.items():
        if name in ("hello", *limits.values()):
            continue
        limit = limits.get(name, "hello")
        ratios = sorted(mine / peer for mine, peer in zip(rates, found[limit], strict=True))
        rows.append(
            Row(
                name=name,
                value=median(ratios),
                spread=(ratios[0], ratios[-1]),
                unit=f"× {limit}",
                note=f"{median(rates):,.0f} requests per CPU-second",
                rate=median(rates),
            )
        )
    rows.append(Row(name="gateway memory", value=at_rest, unit="MB resident", note="started, at rest"))
    rows.append(Row(name="gateway memory, all languages", value=all_read, unit="MB resident"))
    rows.append(Row(name="gateway memory after it all", value=memory, unit="MB resident"))
    return rows
