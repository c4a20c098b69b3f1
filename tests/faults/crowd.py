"""A crowd of waiting pages over real HTTP: each polls the board, and presents its ticket again as `waiting.js` does."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from ecluse.domain.board import Marks, poll_seconds
from ecluse.domain.healing import FRONT_SECONDS, return_seconds
from tests.gateway.visitor import HOST, ROOM

HEADERS = {"host": HOST, "accept": "application/json"}


@dataclass
class Page:
    """One waiting page, and what became of it."""

    base: str
    random: Random
    id: str = ""
    number: int = 0
    ticket: str = ""
    state: str = "new"
    ahead: int = 0
    epoch: str = ""
    admissions: list[float] = field(default_factory=list)
    """When it was let in: more than one would be one too many."""
    returned: float | None = None
    """When its ticket was presented again after the line was lost."""
    overtaken: bool = False
    """Whether the line had gone past its place by the time it was back."""


class Crowd:
    """Pages that act by themselves until told to stop."""

    def __init__(self, ports: list[int], session: aiohttp.ClientSession) -> None:
        self.session, self.bases = session, [f"http://127.0.0.1:{port}" for port in ports]
        self.pages: list[Page] = []
        self.running: list[asyncio.Task[None]] = []
        self._joining = asyncio.Semaphore(50)

    async def ask(self, page: Page, method: str, path: str) -> tuple[int, Any]:
        headers = HEADERS | ({"authorization": f"Bearer {page.ticket}"} if page.ticket else {})
        async with self.session.request(method, page.base + ROOM + path, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def join(self, how_many: int) -> list[Page]:
        """So many people take a place, in this order as nearly as can be."""
        pages = [Page(self.bases[i % len(self.bases)], Random(i)) for i in range(how_many)]

        async def one(page: Page) -> None:
            async with self._joining:
                assert await self.present(page) == 201

        await asyncio.gather(*map(one, pages))
        self.pages += pages
        return sorted(pages, key=lambda page: page.number)

    async def present(self, page: Page) -> int:
        """Take a place, or bring it back."""
        status, document = await self.ask(page, "POST", "/tickets")
        if status in (200, 201):
            page.id, page.number = document["id"], document["number"]
            page.state, page.ahead, page.ticket = document["state"], document["ahead"], document["ticket"]
            page.epoch = page.ticket.split("~")[-2] if page.ticket.count("~") >= 6 else page.epoch
        return status

    def wake(self, page: Page) -> None:
        self.running.append(asyncio.create_task(self._follow(page)))

    async def stop(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        for task in self.running:
            if task.done() and not task.cancelled() and task.exception() is not None:
                raise task.exception() or AssertionError

    async def _follow(self, page: Page) -> None:
        epoch = page.epoch
        seconds = page.random.random() * 3
        while page.state != "admitted":
            await asyncio.sleep(seconds * (0.8 + 0.4 * page.random.random()))
            _, board = await self.ask(page, "GET", "/board.json")
            if board["epoch"] != epoch:
                spread = board.get("healing", {}).get("spread_seconds", FRONT_SECONDS)
                ahead = page.ahead if page.state == "waiting" else 0
                wait = ahead / max(board["lanes"]["main"]["calls_per_minute"]["p50"], 0.01) * 60
                await asyncio.sleep(page.random.random() * return_seconds(wait, spread))
                assert await self.present(page) == 200
                page.returned, epoch = asyncio.get_running_loop().time(), board["epoch"]
                _, board = await self.ask(page, "GET", "/board.json")
                page.overtaken = page.number <= board["lanes"]["main"]["serving"] and page.state == "waiting"
            seconds = await self._look(page, board)

    async def _look(self, page: Page, board: dict[str, Any]) -> float:
        lane = board["lanes"]["main"]
        if page.state == "waiting" and page.number > lane["serving"]:
            page.ahead = Marks([tuple(mark) for mark in lane["marks"]], lane["waiting"]).ahead_of(page.number)
            return poll_seconds(page.ahead, lane["calls_per_minute"]["p50"])
        status, found = await self.ask(page, "GET", "/ticket")
        assert status == 200, (status, found)
        page.state = found["state"]
        if page.state == "called":
            status, found = await self.ask(page, "POST", "/claim")
            if status == 200:
                page.state = "admitted"
                page.admissions.append(asyncio.get_running_loop().time())
            assert status in (200, 425), (status, found)
            return 1.0
        return float(found["next_poll_seconds"])
