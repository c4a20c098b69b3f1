"""Codes of places over HTTP: shown, typed, followed, moved; and hard to guess."""

import asyncio
import dataclasses
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.attempts import NETWORKS_KEPT, WRONG_AT_ONCE, Attempts, network_of
from tests.gateway.visitor import ROOM, Visitor
from tests.gateway.whole import OpenWhole, Whole


async def code_of(visitor: Visitor) -> str:
    answer = await visitor.post(f"{ROOM}/ticket/code")
    assert answer.status == 200, answer
    return str(answer.json()["code"])


@pytest.fixture
async def whole(open_whole: OpenWhole) -> Whole:
    opened = await open_whole(gateways=2)
    await opened.occupied()
    return opened


async def test_a_place_has_one_code_which_any_gateway_shows_again(whole: Whole) -> None:
    holder = await whole.waiting()
    first = (await holder.post(f"{ROOM}/ticket/code")).json()
    assert set(first) == {"code", "expires_at", "url", "qr_url"}
    assert first["url"].endswith(f"{ROOM}/code#{first['code']}")
    assert await code_of(holder.twin(whole.ports[1])) == first["code"]
    assert await code_of(await whole.waiting()) != first["code"]
    kept = [key for key in await whole.store.command("KEYS", "*") if b":code:" in key]
    assert len(kept) == 2
    dumped = b"".join([*kept, *[await whole.store.command("GET", key) for key in kept]])
    assert first["code"].replace("-", "").encode() not in dumped
    assert holder.ticket.rpartition(".")[2].encode() not in dumped
    assert all([0 < await whole.store.command("TTL", key) <= 86_400 for key in kept])


async def test_no_code_without_a_place_that_is_still_to_come(whole: Whole) -> None:
    assert (await whole.program().post(f"{ROOM}/ticket/code")).problem == "no-ticket"
    inside = await whole.admitted()
    assert (await inside.post(f"{ROOM}/ticket/code")).problem == "inside"
    gone = await whole.waiting()
    await gone.twin().ask("DELETE", f"{ROOM}/ticket")
    assert (await gone.post(f"{ROOM}/ticket/code")).problem == "gone"
    assert (await gone.ask("POST", f"{ROOM}/ticket/code", {"sec-fetch-site": "cross-site"})).status == 403


async def test_a_code_lets_another_device_follow_and_not_claim(whole: Whole) -> None:
    holder = await whole.waiting()
    code = await code_of(holder)
    follower = whole.visitor(1)
    answer = await follower.form(f"{ROOM}/code", {"code": code.lower().replace("-", " ")})
    assert (answer.status, answer.get("location")) == (303, f"{ROOM}/follow")
    page = await follower.get(f"{ROOM}/follow", accept_language="en")
    assert "You follow a place" in page.text
    assert "This place is number <b>1</b> in line" in page.text
    await whole.called(holder)
    assert "It is the turn of this place!" in (await follower.get(f"{ROOM}/follow", accept_language="en")).text
    refused = await follower.post(f"{ROOM}/claim")
    assert refused.problem == "no-ticket"
    follow = follower.jar["ecluse_follow_salle"]
    for jar in ({"ecluse_ticket_salle": follow}, {"ecluse_pass_salle": follow}):
        thief = Visitor(whole.ports[0], jar, accept="application/json")
        assert (await thief.claim()).problem in ("forged", "no-ticket")
    assert (await holder.claim()).status == 200
    assert "Somebody has entered with this place" in (await follower.get(f"{ROOM}/follow", accept_language="en")).text


async def test_a_program_is_told_where_the_place_of_a_code_stands(whole: Whole) -> None:
    holder = await whole.waiting()
    found = (await whole.program().post(f"{ROOM}/code", {"code": await code_of(holder)})).json()
    assert (found["state"], found["ahead"], found["id"]) == ("waiting", 0, holder.ticket.split("~")[3])


async def test_a_place_moves_to_another_device_and_the_old_one_is_told(whole: Whole) -> None:
    _, holder, last = [await whole.waiting() for _ in range(3)]
    before = await whole.everything()
    other = whole.visitor(1)
    await other.form(f"{ROOM}/code", {"code": await code_of(holder)})
    moved = await other.form(f"{ROOM}/code/move", {})
    assert moved.status == 303
    assert "ecluse_follow_salle" not in other.jar
    await whole.refresh()
    assert await holder.state() == "moved"
    assert [await other.state(), await last.state()] == ["waiting", "waiting"]
    assert (await other.get(f"{ROOM}/ticket")).json()["ahead"] == 1
    assert await whole.everything() == before
    assert (await holder.post(f"{ROOM}/ticket/code")).problem == "moved"
    await whole.called(other)
    assert (await holder.claim()).problem == "moved"
    assert (await other.claim()).status == 200


async def test_the_gateway_that_moved_a_place_knows_so_at_once_in_every_part(whole: Whole) -> None:
    holder, other = await whole.waiting(), whole.program()
    code = await code_of(holder)
    await whole.turn()
    assert await holder.state() == "waiting", "told from memory: the board has this place"
    assert (await other.post(f"{ROOM}/code/move", {"code": code})).status == 200
    assert await holder.state() == "moved"
    room = whole.edges[0].directory.by_id["salle"]
    assert room.moves._visits is room.visits
    assert room.visits.board is room.board


async def test_who_was_robbed_of_the_place_takes_it_back_with_the_same_code(whole: Whole) -> None:
    owner = await whole.waiting()
    code = await code_of(owner)
    thief = whole.program()
    assert (await thief.post(f"{ROOM}/code/move", {"code": code})).status == 200
    assert await code_of(thief) == code
    await whole.refresh()
    assert await owner.state() == "moved"
    back = await owner.post(f"{ROOM}/code/move", {"code": code})
    assert (back.status, back.json()["state"]) == (200, "waiting")
    await whole.refresh()
    assert [await owner.state(), await thief.state()] == ["waiting", "moved"]


async def test_the_place_a_device_had_is_given_up_for_the_one_that_moves_to_it(whole: Whole) -> None:
    holder, other = await whole.waiting(), await whole.waiting()
    own = other.twin()
    await other.form(f"{ROOM}/code", {"code": await code_of(holder)})
    assert "This device has a place of its own" in (await other.get(f"{ROOM}/follow", accept_language="en")).text
    await other.form(f"{ROOM}/code/move", {})
    assert (await whole.everything())["line"] == [holder.ticket.split("~")[3].encode()]
    assert await own.state() == "gone"


async def test_who_types_the_code_of_the_own_place_comes_back_to_it(whole: Whole) -> None:
    holder = await whole.waiting()
    answer = await holder.form(f"{ROOM}/code", {"code": await code_of(holder)})
    assert (answer.status, answer.get("location")) == (303, ROOM)


async def test_a_place_that_was_used_or_given_up_moves_no_more(whole: Whole) -> None:
    holder = await whole.called(await whole.waiting())
    code = await code_of(holder)
    assert (await holder.claim()).status == 200
    assert (await whole.program().post(f"{ROOM}/code/move", {"code": code})).problem == "inside"
    assert (await holder.claim()).status == 200
    gone = await whole.waiting()
    code = await code_of(gone)
    await gone.ask("DELETE", f"{ROOM}/ticket")
    assert (await whole.program().post(f"{ROOM}/code/move", {"code": code})).problem == "gone"


async def test_two_hundred_devices_that_move_and_claim_at_once_are_one_holder_and_one_admission(whole: Whole) -> None:
    holder = await whole.called(await whole.waiting())
    code = await code_of(holder)

    async def one(index: int) -> bool:
        if index % 4 == 0:
            return (await holder.twin(whole.ports[index % 2]).claim()).status == 200
        other = whole.program(index % 2)
        moved = await other.post(f"{ROOM}/code/move", {"code": code})
        return moved.status == 200 and (await other.claim()).status == 200

    before = await whole.count("admissions")
    admitted = await asyncio.gather(*(one(index) for index in range(200)))
    assert await whole.count("admissions") == before + 1
    assert any(admitted)
    assert all(index % 4 == 0 for index, won in enumerate(admitted) if won) or sum(admitted) == 1


async def test_a_mistyped_code_is_told_from_a_wrong_one_and_costs_no_try(whole: Whole) -> None:
    code = (await code_of(await whole.waiting())).replace("-", "")
    typed = ("1" if code[3] != "1" else "2").join((code[:3], code[4:]))
    visitor = whole.program()
    for _ in range(WRONG_AT_ONCE + 5):
        assert (await visitor.post(f"{ROOM}/code", {"code": typed})).problem == "mistyped-code"
    page = await whole.visitor().form(f"{ROOM}/code", {"code": typed}, accept_language="en")
    assert (page.status, "check each character" in page.text) == (422, True)
    assert (await visitor.post(f"{ROOM}/code", {"code": code})).status == 200


async def test_guessing_codes_is_stopped_for_the_network_that_does_it(open_whole: OpenWhole) -> None:
    whole = await open_whole(settings={"trusted_proxies": ["127.0.0.1/32"]})
    await whole.occupied()
    code = await code_of(await whole.waiting())
    guesser = whole.program()

    async def guess(address: str, text: str = "0000-0000-0000") -> Any:
        return await guesser.post(f"{ROOM}/code", {"code": text}, x_forwarded_for=address)

    for last in range(WRONG_AT_ONCE):
        assert (await guess(f"203.0.113.{last}")).problem == "unknown-code"
    stopped = await guess("203.0.113.99", code)
    assert (stopped.status, stopped.problem) == (429, "too-many-tries")
    assert int(stopped.get("retry-after") or 0) >= 1
    assert (await guesser.post(f"{ROOM}/code/move", {"code": code}, x_forwarded_for="203.0.113.7")).status == 429
    assert (await guess("198.51.100.1", code)).status == 200
    whole.advance(31)
    assert (await guess("203.0.113.99", code)).status == 200


def test_networks_are_what_one_subscriber_has_and_their_number_is_bounded() -> None:
    assert network_of("203.0.113.77") == network_of("203.0.113.1") != network_of("203.0.114.1")
    assert network_of("2001:db8:1:200::1") == network_of("2001:db8:1:2ff:9::2") != network_of("2001:db8:1:300::1")
    assert network_of("unknown") == "unknown"
    attempts = Attempts((), lambda: 1000.0)
    for number in range(NETWORKS_KEPT + 50):
        attempts.count({"client": (f"10.{number >> 8}.{number & 255}.1", 1), "headers": []})
    assert len(attempts._free_at) == NETWORKS_KEPT


async def test_a_place_that_moves_too_often_is_told_to_wait(whole: Whole) -> None:
    holder = await whole.waiting()
    code = await code_of(holder)
    answers = [await whole.program().post(f"{ROOM}/code/move", {"code": code}) for _ in range(9)]
    assert [answer.status for answer in answers if answer.status != 200][-1] == 429
    assert answers[-1].problem == "too-many-tries"


async def test_another_site_can_neither_follow_nor_move(whole: Whole) -> None:
    code = await code_of(await whole.waiting())
    other = whole.program()
    for path in ("code", "code/move", "follow/forget"):
        answer = await other.post(f"{ROOM}/{path}", {"code": code}, sec_fetch_site="cross-site")
        assert answer.problem == "cross-site"


async def test_the_ticket_to_print_shows_code_picture_and_where_to_go_in_both_languages(whole: Whole) -> None:
    holder = await whole.waiting()
    code = await code_of(holder)
    for lang, words in (("en", "Your place in line"), ("fr", "Votre place dans la file")):
        page = await holder.get(f"{ROOM}/ticket/print?lang={lang}")
        assert page.status == 200
        assert page.get("cache-control") == "no-store"
        assert page.get("referrer-policy") == "no-referrer"
        assert all(text in page.text for text in (words, code, f"{ROOM}/ticket/qr.svg", f"{ROOM}/code<"))
    picture = await holder.get(f"{ROOM}/ticket/qr.svg")
    assert (picture.status, picture.get("content-type")) == (200, "image/svg+xml")
    assert picture.get("cache-control") == "no-store"
    assert picture.body.startswith(b"<svg")
    assert (await whole.program().get(f"{ROOM}/ticket/qr.svg")).problem == "no-ticket"


async def test_no_code_comes_into_a_log_line_or_an_address(whole: Whole) -> None:
    with capture_logs() as logs:
        holder = await whole.waiting()
        code = await code_of(holder)
        other = whole.visitor(1)
        answers = [
            await other.form(f"{ROOM}/code", {"code": code}),
            await other.get(f"{ROOM}/follow", accept_language="en"),
        ]
        answers += [await other.form(f"{ROOM}/code", {"code": "zzz"}), await other.form(f"{ROOM}/code/move", {})]
    plain = code.replace("-", "")
    assert not any(text in str(logs) for text in (code, plain))
    assert not any(text in (answer.get("location") or "") for answer in answers for text in (code, plain))
    assert not any(text in answers[1].text for text in (code, plain))


async def test_a_code_shown_under_the_key_before_still_opens_the_place(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    code = await code_of(await whole.waiting())
    later = dataclasses.replace(
        whole,
        secrets=whole.secrets.model_copy(update={"signing_keys": ["another key, newer than it", *whole.secrets.signing_keys]}),
        edges=[], apps=[], ports=[], ticks={}, lines={},
    )  # fmt: skip
    await later.start(1)
    assert (await later.program().post(f"{ROOM}/code", {"code": code})).status == 200


async def test_a_person_without_a_place_that_can_move_is_shown_what_became_of_it(whole: Whole) -> None:
    holder = await whole.waiting()
    other, follower = whole.visitor(1), whole.visitor()
    code = await code_of(holder)
    await follower.form(f"{ROOM}/code", {"code": code})
    await other.form(f"{ROOM}/code", {"code": code})
    await other.form(f"{ROOM}/code/move", {})
    await whole.refresh()
    for visitor in (holder, whole.visitor()):
        answer = await visitor.get(f"{ROOM}/ticket/print")
        assert (answer.status, answer.get("location")) == (303, f"{ROOM}?left=1")
    assert 'data-state="moved"' in (await holder.get(f"{ROOM}?left=1")).text
    await whole.called(other)
    assert (await other.claim()).status == 200
    answer = await follower.form(f"{ROOM}/code/move", {})
    assert (answer.status, answer.get("location")) == (303, f"{ROOM}/follow")
    assert "move the place" not in (await follower.get(f"{ROOM}/follow", accept_language="en")).text.lower()
