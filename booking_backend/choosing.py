"""The first pages: service, site, a month of days, the times of one day."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from booking_backend.answers import see_other, sorry
from booking_backend.forms import row_id, visit_of
from booking_backend.month import Month
from booking_backend.office import Site
from booking_backend.pages import Pages
from booking_backend.slots import Service, Slot
from booking_backend.store import SlotStore
from booking_backend.texts import Words

_MORNING_ENDS = 12


class Choosing:
    """The pages that lead to a time."""

    def __init__(self, store: SlotStore, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    @property
    def routes(self) -> Sequence[Route]:
        """Where each page lives."""
        return [
            Route("/", self.services),
            Route("/services/{service}", self.sites),
            Route("/services/{service}/sites/{site}", self.month),
            Route("/services/{service}/sites/{site}/{day}", self.times),
        ]

    async def services(self, request: Request) -> Response:
        """GET /: what one can come for."""
        return self._pages.page(request, "services.html", services=await self._store.services())

    async def sites(self, request: Request) -> Response:
        """GET /services/{service}: where; a service of one site goes on to its days."""
        service = await self._service(request)
        if service is None:
            return sorry(self._pages, request, "not_found", 404)
        free = await self._store.free_by_site(service.id)
        offered = [(site, free[site.id]) for site in self._store.sites if site.id in free]
        if len(offered) == 1:
            return see_other(f"/services/{service.id}/sites/{offered[0][0].id}")
        return self._pages.page(
            request, "sites.html", service=service, sites=offered, switch_to=f"/services/{service.id}"
        )

    async def month(self, request: Request) -> Response:
        """GET /services/{service}/sites/{site}?month=2027-01: the days of a month, the first free one's if not said."""
        service, site = await self._service(request), self._site(request)
        if service is None or site is None:
            return sorry(self._pages, request, "not_found", 404)
        words = self._pages.words(request)
        free: Counter[date] = Counter()
        for slot in await self._store.slots(service.id, site_id=site.id):
            free[words.day_of(slot.starts_at)] += slot.free
        here = words.day_of(self._store.now)
        first_free = next((day for day in sorted(free) if free[day]), here)
        shown = Month.parse(request.query_params.get("month", "")) or Month.of(first_free)
        shown = shown.within(here, max(free, default=here))
        return self._pages.page(
            request, "month.html", service=service, site=site, month=shown, free=free, first_free=first_free,
            any_free=any(free.values()), before=shown.before(here), after=shown.after(max(free, default=here)),
            moving=await self._moving(request, service), switch_to=f"{_at(service, site)}?month={shown.text}",
        )  # fmt: skip

    async def times(self, request: Request) -> Response:
        """GET /services/{service}/sites/{site}/{day}: the free times of a day."""
        service, site, day = await self._service(request), self._site(request), _day(request.path_params["day"])
        if service is None or site is None or day is None:
            return sorry(self._pages, request, "not_found", 404)
        return await self.free_times(request, service, site, day)

    async def free_times(
        self, request: Request, service: Service, site: Site, day: date, *, refused: str = ""
    ) -> Response:
        """The free times of a day, after a refusal with the reason of it."""
        words = self._pages.words(request)
        span = (words.midnight(day), words.midnight(day + timedelta(days=1)))
        slots = await self._store.slots(service.id, site_id=site.id, starts=span, free=True)
        return self._pages.page(
            request, "times.html", status=409 if refused else 200, service=service, site=site, day=day,
            halves=_halves(slots, words), refused=refused, month=Month.of(day),
            moving=await self._moving(request, service), switch_to=f"{_at(service, site)}/{day.isoformat()}",
        )  # fmt: skip

    async def after_refusal(self, request: Request, slot: Slot, refused: str) -> Response:
        """The other times of the day of a slot that cannot be had."""
        service = next(each for each in await self._store.services() if each.id == slot.service_id)
        site = next(each for each in self._store.sites if each.id == slot.site_id)
        day = self._pages.words(request).day_of(slot.starts_at)
        return await self.free_times(request, service, site, day, refused=refused)

    async def _moving(self, request: Request, service: Service) -> str:
        """The reference of the appointment of this service that the visit moves, or nothing."""
        moved = await self._store.moving(visit_of(request))
        return moved.reference if moved and moved.slot.service_id == service.id else ""

    async def _service(self, request: Request) -> Service | None:
        wanted = row_id(request.path_params["service"])
        return next((each for each in await self._store.services() if each.id == wanted), None)

    def _site(self, request: Request) -> Site | None:
        wanted = row_id(request.path_params["site"])
        return next((each for each in self._store.sites if each.id == wanted), None)


def _at(service: Service, site: Site) -> str:
    return f"/services/{service.id}/sites/{site.id}"


def _halves(slots: Sequence[Slot], words: Words) -> list[tuple[str, list[Slot]]]:
    """The slots of the morning and of the afternoon, each half only if it has any."""

    def half(slot: Slot) -> str:
        return "morning" if int(words.stamp(slot.starts_at)[11:13]) < _MORNING_ENDS else "afternoon"

    return [(name, list(each)) for name, each in groupby(slots, half)]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
