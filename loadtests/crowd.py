"""The crowd of the demo: simulated people who really go through the HTTP interface, light enough to run beside it.

    python -m loadtests.crowd --url http://127.0.0.1:8000 --room prefecture --people 300 --forever

Waits for the gateway to come up, prints one line every ten seconds. With --forever, whoever is done is replaced by
somebody new a moment later. Exit status 0 when everybody is done or after SIGTERM, 1 for an unknown room, 2 for
bad usage.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from random import Random
from urllib.parse import urlsplit

import aiohttp
import structlog

from ecluse.telemetry import configure_logging
from loadtests.moves import Answer, Ask, Moves
from loadtests.personas import deck, live, somebody
from loadtests.shapes import opening_spike
from loadtests.site import Site
from loadtests.tally import Tally
from loadtests.visitor import Visitor

MIX: Mapping[str, float] = {"applicant": 0.47, "app": 0.15, "impatient": 0.15, "no-show": 0.20, "leaver": 0.03}
PROGRESS_SECONDS = 10.0
REPLACED_AFTER_SECONDS = 3.0
"""Mean time until somebody new comes for somebody who is done."""
_CONNECTIONS = 200
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_SPIKE_SHARE = 0.75
_SPIKE_SECONDS = 6.0
_STRAGGLERS_SECONDS = 90.0
log = structlog.get_logger("crowd")


class Driver:
    """Carries out moves over one shared connection pool. Cookies belong to the visitors, not to the pool."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_TIMEOUT,
            headers={"User-Agent": "ecluse-crowd"},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def ask(self, request: Ask) -> Answer:
        """Send one request. A request that fails on the way is an answer of status 0."""
        sent_at = time.monotonic()
        try:
            async with self._session.request(
                request.method, self._url + request.path, headers=request.headers, data=request.body,
                allow_redirects=False,
            ) as response:  # fmt: skip
                body = await response.read()
                return Answer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    set_cookies=tuple(response.headers.getall("Set-Cookie", ())),
                    body=body,
                    sent_at=sent_at,
                    received_at=time.monotonic(),
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = f"{type(error).__name__} {error}".strip()
            return Answer(status=0, error=why, sent_at=sent_at, received_at=time.monotonic())

    async def run(self, moves: Moves[str]) -> str:
        """Carry out all moves of a visitor; the outcome."""
        answer: Answer | None = None
        while True:
            try:
                move = moves.send(answer)
            except StopIteration as done:
                return str(done.value)
            if isinstance(move, Ask):
                answer = await self.ask(move)
            else:
                answer = None
                await asyncio.sleep(move.seconds)


class Crowd:
    """All simulated people."""

    def __init__(self, driver: Driver, site: Site, *, people: int, seed: int, forever: bool) -> None:
        self.tally = Tally(on_new_kind=_first_of_a_kind)
        self._driver = driver
        self._site = site
        self._people = people
        self._random = Random(seed)
        self._forever = forever
        self._there: set[Visitor] = set()

    async def run(self) -> None:
        """Let everybody come, and go through; with `forever` until cancelled."""
        times = opening_spike(
            self._people, spike_share=_SPIKE_SHARE, spike_seconds=_SPIKE_SECONDS,
            stragglers_seconds=_STRAGGLERS_SECONDS, random=self._random,
        )  # fmt: skip
        personas = deck(MIX, self._people, self._random)
        progress = asyncio.create_task(self._progress())
        try:
            async with asyncio.TaskGroup() as group:
                for at, persona in zip(times, personas, strict=True):
                    group.create_task(self._someone(at, persona))
        finally:
            progress.cancel()
            self.tell("crowd_gone")

    async def _someone(self, wait_seconds: float, persona: str) -> None:
        """One after another, if `forever`."""
        while True:
            await asyncio.sleep(wait_seconds)
            random = Random(self._random.getrandbits(64))
            visitor = somebody(persona, self._site, self.tally, random)
            self._there.add(visitor)
            try:
                await self._driver.run(live(visitor))
            finally:
                self._there.discard(visitor)
            if not self._forever:
                return
            persona = self._random.choices(list(MIX), list(MIX.values()))[0]
            wait_seconds = self._random.expovariate(1 / REPLACED_AFTER_SECONDS)

    async def _progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            waiting = sum(each.trace.place is not None and each.trace.admitted_at is None for each in self._there)
            self.tell("crowd", waiting=waiting)

    def tell(self, event: str, **now: int) -> None:
        """Print the line of progress: what happened so far, and what is true `now`."""
        events = self.tally.events
        log.info(
            event, arrived=events["arrived"], admitted=events["admitted"], booked=events["booked"],
            missed=events["missed"], left=events["left"],
            unlucky=events["nothing left"] + events["refused"] + events["gave up"], errors=self.tally.errors, **now,
        )  # fmt: skip


def _first_of_a_kind(kind: str, detail: str) -> None:
    log.warning("wrong_answer", kind=kind, detail=detail)


async def _gateway_is_up(driver: Driver, site: Site) -> bool:
    """Wait until the room answers; False if the gateway knows no such room."""
    tries = 0
    while True:
        visitor = Visitor(site, Tally(), Random(0), "scout")
        moves = visitor.board()
        request = next(moves)
        assert isinstance(request, Ask)
        answer = await driver.ask(request)
        if answer.status == 200:
            return True
        if answer.status == 404:
            log.error("unknown_room", room=site.room, cure="name a room of this gateway with --room")
            return False
        if tries % 10 == 0:
            log.info("waiting_for_gateway", status=answer.status, why=answer.error)
        tries += 1
        await asyncio.sleep(1)


async def _main(options: argparse.Namespace) -> int:
    driver = Driver(options.url)
    site = Site(room=options.room, home=options.path)
    try:
        if not await _gateway_is_up(driver, site):
            return 1
        await Crowd(driver, site, people=options.people, seed=options.seed, forever=options.forever).run()
        return 0
    finally:
        await driver.close()


async def _until_told_to_stop(options: argparse.Namespace) -> int:
    task = asyncio.ensure_future(_main(options))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return text


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.crowd", description="Simulated visitors for a room.")
    parser.add_argument("--url", type=_address, required=True, help="the gateway")
    parser.add_argument("--room", required=True, help="the room they queue for")
    parser.add_argument("--path", default="/", help="the protected page they open (default %(default)s)")
    parser.add_argument("--people", type=int, default=300, help="how many are there at once (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which people they are (default %(default)s)")
    parser.add_argument("--forever", action="store_true", help="replace whoever is done by somebody new")
    options = parser.parse_args(argv)
    if options.people < 0:
        parser.error("--people is negative")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the crowd. Returns the exit status."""
    options = _arguments(sys.argv[1:] if argv is None else argv)
    configure_logging("crowd")
    return asyncio.run(_until_told_to_stop(options))


if __name__ == "__main__":
    sys.exit(main())
