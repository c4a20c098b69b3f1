"""The device a place moved away from: told so wherever it asks, and given nothing else by accident."""

from ecluse.store.line import Moved
from ecluse.tokens import SigningKey, TicketSigner
from tests.gateway.visitor import HTML, ROOM, Visitor
from tests.gateway.whole import SIGNING_KEY, OpenWhole, Whole


async def moved_away(whole: Whole, left: Visitor) -> Visitor:
    """The place of `left` moves; the visitor that holds it now."""
    signer = TicketSigner([SigningKey.from_secret(SIGNING_KEY)], clock=whole.clock)
    ticket = signer.read(left.ticket, "salle")
    moved = await whole.lines["salle"].move(ticket.id, ticket.issued_at)
    assert isinstance(moved, Moved)
    await whole.refresh()
    copy = signer.sign(ticket._replace(issued_at=moved.moment))
    return Visitor(left.port, {"ecluse_ticket_salle": copy})


async def test_a_device_whose_place_moved_is_told_at_every_address_and_the_other_goes_on(open_whole: OpenWhole) -> None:
    whole = await open_whole(gateways=2)
    await whole.occupied()
    old = await whole.waiting()
    new = await moved_away(whole, old)
    new.port = whole.ports[1]
    told = (await old.get(f"{ROOM}/ticket")).json()
    assert (told["state"], told["code_url"]) == ("moved", f"{ROOM}/code")
    assert told["moved_at"].endswith("Z")
    assert await new.state() == "waiting"
    for path in ("/", ROOM):
        page = await old.get(path)
        assert (page.status, 'data-state="moved"' in page.text) == (200, True)
    await whole.called(new)
    for call in ("claim", "claim/extend"):
        refused = await old.post(f"{ROOM}/{call}")
        assert (refused.status, refused.problem) == (410, "moved")
        assert refused.json()["moved_at"] == told["moved_at"]
    assert (await old.twin().ask("GET", "/", {"accept": "application/json"})).problem == "moved"
    assert await whole.count("admissions") == 1
    assert (await new.claim()).status == 200
    assert (await old.claim()).problem == "moved"


async def test_joining_again_with_a_copy_left_behind_gives_no_second_place_until_it_is_forgotten(
    open_whole: OpenWhole,
) -> None:
    whole = await open_whole()
    await whole.occupied()
    old = await whole.waiting()
    new = await moved_away(whole, old)
    before = await whole.everything()
    again = (await old.join()).json()
    assert again["state"] == "moved"
    left = await old.form(f"{ROOM}/leave", {"to": "/"})
    assert left.status == 303
    assert "ecluse_ticket_salle" not in old.jar
    assert await whole.everything() == before
    assert await new.state() == "waiting"
    assert (await old.join()).json()["state"] == "waiting"


async def test_a_copy_left_behind_does_not_come_back_with_a_redis_that_lost_everything(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    old = await whole.waiting()
    new = await moved_away(whole, old)
    await whole.store.command("FLUSHALL")
    await whole.turn()
    assert (await old.join()).json()["state"] == "moved"
    assert (await new.join()).json()["state"] == "waiting"
    assert (await whole.everything())["line"] == [new.ticket.split("~")[3].encode()]
    assert (await old.twin().ask("DELETE", f"{ROOM}/ticket")).status == 204
    assert (await whole.everything())["line"] == [new.ticket.split("~")[3].encode()]
    await whole.turns(20)
    await whole.called(new)
    assert (await old.claim()).problem == "moved"
    assert (await old.post(f"{ROOM}/claim/extend")).problem == "moved"
    assert (await new.claim()).status == 200


async def test_a_page_that_says_the_place_moved_does_not_reload(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    old = await whole.waiting()
    assert "http-equiv" in (await old.ask("GET", ROOM, {"accept": HTML})).text
    await moved_away(whole, old)
    assert "http-equiv" not in (await old.ask("GET", ROOM, {"accept": HTML})).text
