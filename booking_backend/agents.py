"""The agents' pages: sign in, the day's list by counter, check in by reference, no-show, print.

Reached without a pass but with a password; a room lets them past the line by naming `/agents/` in its `open_paths`, or
agents open the service's own address inside the building.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from booking_backend.agents_door import Agent, Door
from booking_backend.answers import see_other
from booking_backend.desk import Arrival, Desk
from booking_backend.forms import read_form, row_id
from booking_backend.pages import Pages
from booking_backend.slots import tidy_reference
from booking_backend.store import SlotStore

COOKIE = "booking_agent"
_log = structlog.get_logger("booking")


class Agents:
    """The pages of those who receive people. Without an agent there are none."""

    def __init__(self, store: SlotStore, pages: Pages, door: Door) -> None:
        self._store = store
        self._pages = pages
        self._door = door
        self._desk = Desk(store)

    @property
    def routes(self) -> Sequence[Route]:
        """Where each page lives."""
        if not self._door.agents:
            return []
        return [
            Route("/agents/", self.day),
            Route("/agents/sign-in", self.sign_in, methods=["POST"]),
            Route("/agents/sign-out", self.sign_out, methods=["POST"]),
            Route("/agents/arrival", self.arrival, methods=["POST"]),
            Route("/agents/check-in", self.check_in, methods=["POST"]),
            *(Route(f"/agents/{path}", self.to_day) for path in ("sign-in", "sign-out", "arrival", "check-in")),
        ]

    def _agent(self, request: Request) -> Agent | None:
        return self._door.inside(request.cookies.get(COOKIE, ""), self._store.now)

    async def day(self, request: Request) -> Response:
        """GET /agents/?site=1&day=2027-01-18: the day's list, or the way to sign in."""
        agent = self._agent(request)
        if agent is None:
            return self._signing_in(request)
        words = self._pages.words(request)
        today = words.day_of(self._store.now)
        day = _day(request.query_params.get("day", "")) or today
        wanted = row_id(request.query_params.get("site", "")) or self._store.sites[0].id
        site = next((each for each in self._store.sites if each.id == wanted), self._store.sites[0])
        span = (words.midnight(day), words.midnight(day + timedelta(days=1)))
        people = await self._desk.expected(site.id, span)
        counters = [(name, list(each)) for name, each in groupby(people, lambda person: person.counter)]
        return self._pages.page(
            request, "agents.html", agent=agent, site=site, sites=self._store.sites, day=day, counters=counters,
            now=self._store.now, before=day - timedelta(days=1), after=day + timedelta(days=1),
            unknown=request.query_params.get("unknown", "")[:30], total=len(people),
            arrived=sum(person.arrival is Arrival.ARRIVED for person in people),
            switch_to=f"/agents/?site={site.id}&day={day.isoformat()}",
        )  # fmt: skip

    def _signing_in(self, request: Request, refused: str = "", status: int = 200) -> Response:
        return self._pages.page(request, "sign_in.html", status=status, refused=refused, switch_to="/agents/")

    async def sign_in(self, request: Request) -> Response:
        """POST (`agent`, `password`): a session until the evening, kept by a cookie that no other site can send."""
        form = await read_form(request)
        name = form.get("agent", "")[:80]
        if not self._door.may_try(name, self._store.now):
            return self._signing_in(request, "too_often", 429)
        agent = await self._door.enter(name, form.get("password", "")[:200], self._store.now)
        if agent is None:
            _log.warning("agent_refused")
            return self._signing_in(request, "wrong_password", 403)
        _log.info("agent_signed_in", agent=agent.name)
        answer = see_other("/agents/")
        secure = request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(COOKIE, agent.session, path="/agents/", httponly=True, samesite="strict", secure=secure)
        return answer

    async def sign_out(self, request: Request) -> Response:
        """POST (`token`): the session ends."""
        agent, _ = await self._acting(request)
        if agent is not None:
            self._door.leave(agent)
        answer = see_other("/agents/")
        answer.delete_cookie(COOKIE, path="/agents/")
        return answer

    async def _acting(self, request: Request) -> tuple[Agent | None, dict[str, str]]:
        """Who does something, and the form; nobody if the form does not come from their own page."""
        form = dict(await read_form(request))
        agent = self._agent(request)
        return (agent if agent is not None and agent.wrote(form.get("token", "")) else None), form

    async def arrival(self, request: Request) -> Response:
        """POST (`reference`, `arrival`: arrived, absent or nothing): note it, and back to the list."""
        agent, form = await self._acting(request)
        if agent is None:
            return self._signing_in(request, "signed_out", 403)
        noted = form.get("arrival", "")
        arrival = Arrival(noted) if noted in set(Arrival) else None
        await self._desk.note(form.get("reference", ""), arrival)
        _log.info("arrival_noted", agent=agent.name, arrival=noted)
        return await self._back(form.get("reference", ""))

    async def check_in(self, request: Request) -> Response:
        """POST (`reference`, typed or read from the code): the person is here."""
        agent, form = await self._acting(request)
        if agent is None:
            return self._signing_in(request, "signed_out", 403)
        reference = tidy_reference(form.get("reference", "")[:60])
        await self._desk.note(reference, Arrival.ARRIVED)
        return await self._back(reference)

    async def _back(self, reference: str) -> Response:
        found = await self._desk.one(reference)
        if found is None:
            return see_other("/agents/?unknown=1")
        day = self._pages.office.day_of(found.starts_at)
        return see_other(f"/agents/?site={found.site_id}&day={day.isoformat()}#{reference}")

    async def to_day(self, request: Request) -> Response:
        """GET of an address that only forms are sent to."""
        return see_other("/agents/")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
