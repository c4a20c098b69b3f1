"""Pages of those who wait: found again by what they have in common, and yet each visitor's own."""

import gzip
import re

import pytest

from ecluse.services.places import Outlook
from ecluse.services.visits import Place
from ecluse.store.line import Waiting
from ecluse.tokens import Ticket
from gateway.page_views import Own
from gateway.pages import Pages
from gateway.waiting_views import Sight, likeness
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import OpenWhole, Whole

BEYOND = "il n’y aura probablement plus de créneau"
_NOW = re.compile(r"\b1[0-9]{12}\b")


@pytest.fixture
def found_again(monkeypatch: pytest.MonkeyPatch) -> list[Own]:
    """Whose pages were found without a view."""
    found: list[Own] = []
    alike = Pages.waiting_alike

    def counted(self: Pages, lang: str, key: object, own: Own) -> bytes | None:
        page = alike(self, lang, key, own)
        if page is not None:
            found.append(own)
        return page

    monkeypatch.setattr(Pages, "waiting_alike", counted)
    return found


async def packed(visitor: Visitor) -> str:
    answer = await visitor.ask("GET", ROOM, {"accept-encoding": "gzip"})
    assert answer.get("content-encoding") == "gzip"
    return gzip.decompress(answer.body).decode()


async def crowd(whole: Whole, size: int) -> list[Visitor]:
    await whole.occupied()
    visitors = [await whole.waiting() for _ in range(size)]
    await whole.turn(0.25)
    return visitors


async def test_a_page_found_again_is_the_one_that_a_view_would_make(
    open_whole: OpenWhole, found_again: list[Own]
) -> None:
    whole = await open_whole(pace_per_minute=60, burst=1)
    for visitor in await crowd(whole, 30):
        page = _NOW.sub("now", await packed(visitor))
        assert page == _NOW.sub("now", (await visitor.ask("GET", ROOM)).text)
    assert len(found_again) >= 4
    assert len({own.id for own in found_again}) == len(found_again)


async def test_a_new_board_brings_new_pages(open_whole: OpenWhole, found_again: list[Own]) -> None:
    whole = await open_whole(pace_per_minute=60, burst=1)
    visitors = await crowd(whole, 30)
    for visitor in visitors:
        assert "Le guichet 3 est" not in await packed(visitor)
    assert found_again
    await (
        whole.edges[0]
        .directory.by_id["salle"]
        .operations.change({"notice": {"fr": "Le guichet 3 est en panne."}}, who="astreinte", version=None)
    )
    await whole.turn(1.0)
    for visitor in visitors:
        assert "Le guichet 3 est en panne." in await packed(visitor)


async def test_those_beyond_the_slots_are_told_so_and_those_before_are_not(
    open_whole: OpenWhole, found_again: list[Own]
) -> None:
    whole = await open_whole(pace_per_minute=60, burst=1)
    visitors = await crowd(whole, 30)
    await whole.edges[0].directory.by_id["salle"].operations.set_slots_left(15, who="astreinte")
    await whole.turn(1.0)
    told = [(await visitor.ask("GET", ROOM)).text.count(BEYOND) for visitor in visitors]
    assert len(set(told)) > 1, "some are beyond, some are not"
    assert [(await packed(visitor)).count(BEYOND) for visitor in visitors] == told
    assert len(found_again) >= 6


async def test_those_who_are_told_the_same_wait_are_alike_whatever_their_minutes(open_whole: OpenWhole) -> None:
    whole = await open_whole(pace_per_minute=60, burst=1)
    room = whole.edges[0].directory.by_id["salle"]
    await whole.turn(0.25)
    ticket = Ticket(
        room="salle", lane="main", id="a" * 11, number=9_000, epoch="e" * 8, issued_at=1, drawn=False, person=None
    )
    place = Place(ticket=ticket, token="", standing=Waiting(9_000))
    waits = [(7_300, 11_000), (7_500, 11_500), (7_300, 14_500)]
    found = [
        likeness(room, place, Sight(1, False, 9_000, Outlook(9_000, low, high, low), 40), "/") for low, high in waits
    ]
    assert found[0] == found[1] != found[2]
