"""Visitors say where they can be told of their turn: by JSON or by the forms of a page, with and without mistakes."""

from typing import Any

import pytest

from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole, Whole

NOTIFY = f"{ROOM}/ticket/notify"
BOTH = {"smtp": "env:S", "sender": "a@example.org", "hook_url": "https://sms.example.org/", "hook_key": "env:K"}
MAIL = {"smtp": "env:S", "sender": "a@example.org"}


async def opened(open_whole: OpenWhole, **notify: Any) -> Whole:
    return await open_whole(notify=BOTH | notify)


async def kept(whole: Whole) -> dict[bytes, bytes]:
    """Everything that is kept, by ticket."""
    found = await whole.store.command("HGETALL", whole.lines["salle"].keys.notify)
    pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
    return dict(pairs)


async def test_an_address_is_taken_confirmed_covered_changed_and_deleted(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    nothing = await visitor.get(NOTIFY, accept="application/json")
    assert nothing.status == 200
    assert set(nothing.json()) == {"email", "phone", "near_minutes", "delete_by"}
    assert (nothing.json()["email"], nothing.json()["phone"], nothing.json()["near_minutes"]) == (None, None, 10)
    taken = await visitor.post(NOTIFY, {"email": " amel.b@example.org "}, accept_language="fr")
    assert (taken.status, taken.get("cache-control")) == (200, "no-store")
    assert (taken.json()["email"], taken.json()["phone"]) == ("a•••@example.org", None)
    assert "amel.b" not in taken.text
    assert list((await kept(whole)).values()) == [b"- 1 fr email amel.b@example.org"]
    changed = await visitor.post(NOTIFY, {"phone": "06 12.34-56 78"}, accept_language="en")
    assert (changed.json()["email"], changed.json()["phone"]) == (None, "+33 ••• 78")
    assert list((await kept(whole)).values()) == [b"- 2 en phone +33612345678"]
    gone = await visitor.ask("DELETE", NOTIFY)
    assert (gone.status, gone.body) == (204, b"")
    assert "612345678" not in str(await kept(whole))
    assert (await visitor.get(NOTIFY, accept="application/json")).json()["phone"] is None


@pytest.mark.parametrize(
    "email",
    ["amel", "amel@", "@example.org", "a b@example.org", "amel@example", "amel@example..org", "a@b@example.org", ".a@x.org",
     "a..b@example.org", "a.@example.org", "amel@-example.org", "amel@example.org\r\nBcc: x@y.org", "a@example.org,b@example.org",
     "Amel <amel@example.org>", "é@example.org", "a" * 65 + "@example.org", "a@" + "x" * 250 + ".org", "a@[127.0.0.1]",
     "a@127.0.0.1", "\x00@example.org"],
)  # fmt: skip
async def test_what_is_no_address_is_refused_with_what_to_write_and_loses_nothing(
    open_whole: OpenWhole, email: str
) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    before = await whole.everything()
    answer = await visitor.post(NOTIFY, {"email": email})
    assert (answer.status, answer.problem) == (400, "bad-input")
    assert "name@example.org" in answer.json()["detail"]
    assert await kept(whole) == {}
    assert await whole.everything() == before


@pytest.mark.parametrize(
    ("phone", "to"),
    [("0612345678", "+33612345678"), ("+44 7400 123456", "+447400123456"), ("0044 (7400) 123-456", "+447400123456"),
     ("612345678", None), ("+336", None), ("+0612345678", None), ("06 12 34 56 7a", None), ("+" + "1" * 16, None),
     ("٠٦١٢٣٤٥٦٧٨", None)],
)  # fmt: skip
async def test_a_telephone_number_is_read_as_people_write_it(open_whole: OpenWhole, phone: str, to: str | None) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    answer = await visitor.post(NOTIFY, {"phone": phone})
    assert answer.status == (400 if to is None else 200)
    assert [value.split()[-1].decode() for value in (await kept(whole)).values()] == ([] if to is None else [to])


@pytest.mark.parametrize(
    "fields", [{}, {"email": "  "}, {"email": "a@example.org", "phone": "0612345678"}, {"email": 7}]
)
async def test_one_address_and_one_only_is_asked_for(open_whole: OpenWhole, fields: dict[str, Any]) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    assert (await visitor.post(NOTIFY, fields)).problem == "bad-input"
    assert await kept(whole) == {}


async def test_a_way_that_the_room_does_not_have_is_not_taken(open_whole: OpenWhole) -> None:
    whole = await open_whole(notify=MAIL)
    visitor = await whole.waiting()
    assert (await visitor.post(NOTIFY, {"phone": "0612345678"})).problem == "bad-input"
    assert "phone" not in (await visitor.get(NOTIFY, accept="application/json")).json()
    page = (await visitor.get(ROOM)).text
    assert 'name="email"' in page
    assert 'name="phone"' not in page


async def test_a_room_that_tells_nobody_has_nothing_there_and_does_not_ask(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.waiting()
    for answer in (
        await visitor.get(NOTIFY, accept="application/json"),
        await visitor.post(NOTIFY, {"email": "a@example.org"}),
        await visitor.ask("DELETE", NOTIFY, {"accept": "application/json"}),
    ):
        assert (answer.status, answer.problem) == (404, "not-found")
    assert "ticket/notify" not in (await visitor.get(ROOM)).text


async def test_only_the_holder_of_the_ticket_gives_sees_and_deletes_an_address(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole)
    visitor, stranger = await whole.waiting(), whole.program()
    await visitor.post(NOTIFY, {"email": "amel@example.org"})
    for answer in (
        await stranger.get(NOTIFY),
        await stranger.post(NOTIFY, {"email": "a@example.org"}),
        await stranger.ask("DELETE", NOTIFY),
    ):
        assert (answer.status, answer.problem) == (404, "no-ticket")
    ticket = visitor.ticket
    assert ticket is not None
    forged = {"authorization": f"Bearer {ticket[:-2]}xx"}
    assert (await stranger.ask("DELETE", NOTIFY, forged)).problem == "forged"
    assert len(await kept(whole)) == 1


@pytest.mark.parametrize(
    "elsewhere", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]
)
async def test_another_site_can_neither_give_nor_delete_an_address(
    open_whole: OpenWhole, elsewhere: dict[str, str]
) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    await visitor.post(NOTIFY, {"email": "amel@example.org"})
    before = await kept(whole)
    assert (await visitor.post(NOTIFY, {"email": "evil@example.org"}, **elsewhere)).problem == "cross-site"
    assert (await visitor.post(f"{NOTIFY}/forget", **elsewhere)).problem == "cross-site"
    assert (await visitor.ask("DELETE", NOTIFY, {**elsewhere, "accept": "text/plain"})).problem == "cross-site"
    assert await kept(whole) == before


async def test_changes_addresses_and_room_are_limited_and_the_answer_says_so(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, addresses_max=1)
    visitor, other = await whole.waiting(), await whole.waiting()
    for n in range(5):
        assert (await visitor.post(NOTIFY, {"email": f"a{n}@example.org"})).status == 200
    refused = await visitor.post(NOTIFY, {"email": "a9@example.org"})
    assert (refused.status, refused.problem) == (429, "changed-too-often")
    full = await other.post(NOTIFY, {"email": "b@example.org"})
    assert (full.status, full.problem) == (503, "addresses-full")
    assert await other.state() == "waiting"


async def test_nothing_is_kept_for_somebody_who_is_inside_or_left(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole)
    visitor = await whole.admitted()
    assert (await visitor.post(NOTIFY, {"email": "a@example.org"})).problem == "gone"
    assert await kept(whole) == {}


async def test_a_page_without_script_takes_shows_and_deletes_an_address(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    page = (await visitor.get(f"{ROOM}?to=/rdv%3Fx%3D1")).text
    assert page.count(f'action="{NOTIFY}"') == 3
    assert 'value="/rdv?x=1"' in page
    sent = await visitor.form(NOTIFY, {"email": "amel@example.org", "to": "/rdv?x=1"})
    assert (sent.status, sent.get("location")) == (303, f"{NOTIFY}?to=/rdv%3Fx%3D1")
    shown = await visitor.get(str(sent.get("location")), accept_language="en")
    assert shown.status == 200
    assert shown.get("cache-control") == "no-store"
    assert "a•••@example.org" in shown.text
    assert "amel" not in shown.text
    assert f'action="{NOTIFY}/forget"' in shown.text
    assert f'href="{ROOM}?to=/rdv%3Fx%3D1"' in shown.text
    assert "about 10 minutes" in shown.text
    deleted = await visitor.form(f"{NOTIFY}/forget", {"to": "//evil.example"})
    assert (deleted.status, deleted.get("location")) == (303, f"{NOTIFY}?to=/")
    after = (await visitor.get(str(deleted.get("location")), accept_language="fr")).text
    assert "Aucune adresse" in after
    assert f"{NOTIFY}/forget" not in after


async def test_a_slip_in_a_form_is_shown_where_it_is_with_what_was_typed(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole)
    visitor = await whole.waiting()
    answer = await visitor.form(NOTIFY, {"email": '"><script>@x', "to": "/rdv"}, accept_language="fr")
    assert answer.status == 400
    assert 'aria-invalid="true"' in answer.text
    assert 'aria-describedby="tell-email-mistake"' in answer.text
    assert "&#34;&gt;&lt;script&gt;@x" in answer.text
    assert "<script>@x" not in answer.text
    assert "n’a pas changé" in answer.text
    assert 'value="/rdv"' in answer.text
    assert await kept(whole) == {}


async def test_who_has_no_place_is_not_asked_for_an_address(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole)
    await whole.occupied()
    assert "ticket/notify" not in (await whole.visitor().get(f"{ROOM}?left=1")).text


async def test_a_page_of_a_room_that_tells_its_visitors_costs_no_more_of_redis(open_whole: OpenWhole) -> None:
    told, silent = await opened(open_whole), await open_whole()
    counts = []
    for whole in (told, silent):
        visitor = await whole.waiting()
        room = whole.edges[0].directory.by_id["salle"]
        ran: list[str] = []
        line = room.visits._line
        run = line.run

        async def counted(name: str, *args: Any, ran: list[str] = ran, run: Any = run, **more: Any) -> Any:
            ran.append(name)
            return await run(name, *args, **more)

        line.run = counted  # type: ignore[method-assign]
        await visitor.get(ROOM)
        counts.append(ran)
    assert counts[0] == counts[1]
