"""How visitors are answered: a page in their language for a person, a problem for a program."""

import re

import pytest

from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole


def _language(text: str) -> str:
    found = re.search(r'<html lang="([a-z-]+)"', text)
    assert found is not None
    return found[1]


async def test_the_page_speaks_the_visitors_language_and_remembers_the_one_chosen(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = await whole.waiting()
    place = visitor.ticket
    for accepted, told in (("en-GB,fr;q=0.5", "en"), ("fr", "fr"), ("ja", "fr"), ("", "fr"), ("*;q=x,,;", "fr")):
        assert _language((await visitor.get("/rdv", accept_language=accepted)).text) == told
    chosen = await visitor.get(f"{ROOM}?to=/rdv&lang=en", accept_language="fr")
    assert _language(chosen.text) == "en"
    assert chosen.cookies["ecluse_lang"][0] == "en"
    assert "Residence permit" in chosen.text
    assert _language((await visitor.get("/rdv", accept_language="fr")).text) == "en", "the choice is kept"
    assert visitor.ticket == place, "and so is the place"
    easy = await visitor.get(f"{ROOM}?lang=fr-x-facile", accept_language="fr")
    assert _language(easy.text) == "fr-x-facile"
    assert _language((await visitor.get("/rdv", accept_language="fr")).text) == "fr-x-facile", "so is a variety"
    await visitor.get(f"{ROOM}?lang=en")
    unknown = await visitor.get(f"{ROOM}?lang=%3Cscript%3E", accept_language="fr")
    assert _language(unknown.text) == "en"
    assert "<script>" not in unknown.text


async def test_personal_pages_are_never_stored_nor_framed_nor_scripted_from_elsewhere(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = whole.visitor()
    pages = [await visitor.get("/"), await visitor.get(ROOM), await visitor.get("/_ecluse/nothing")]
    for page in pages:
        assert page.get("cache-control") == "no-store"
        policy = page.get("content-security-policy") or ""
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert page.get("x-content-type-options") == "nosniff"
        assert page.get("referrer-policy") == "no-referrer"
        assert not re.search(r"<script(?![^>]* src=)", page.text)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text)


@pytest.mark.parametrize(("mode", "state"), [("paused", "paused"), ("closed", "closed")])
async def test_the_page_of_who_waits_says_that_nobody_is_let_in(open_whole: OpenWhole, mode: str, state: str) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = await whole.waiting()
    await whole.store.command("HSET", whole.lines["salle"].keys.settings, "mode", mode)
    await whole.turn(1.5)
    assert f'data-state="{state}"' in (await visitor.get("/")).text


async def test_each_standing_has_its_page(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = await whole.waiting()
    assert 'data-state="waiting"' in (await visitor.get("/rdv")).text
    await whole.called(visitor)
    called = (await visitor.get("/rdv")).text
    assert 'data-state="called"' in called
    assert re.search(r'data-claim-until="\d{13}"', called)
    await whole.turn(120)
    assert 'data-state="missed"' in (await visitor.get("/rdv")).text
    await visitor.join()
    await whole.called(visitor)
    await whole.turn(120)
    assert 'data-state="gone"' in (await visitor.get(f"{ROOM}?to=/rdv")).text


async def test_the_page_reloads_by_itself_without_script_until_told_not_to(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    visitor = await whole.waiting()
    assert '<noscript><meta http-equiv="refresh"' in (await visitor.get(ROOM)).text
    assert '<meta http-equiv="refresh"' not in (await visitor.get(f"{ROOM}?refresh=off")).text


async def test_who_looks_without_a_ticket_by_head_or_after_leaving_gets_no_place(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    for method, path, accept in (
        ("HEAD", ROOM, "text/html"),
        ("GET", f"{ROOM}?left=1", "text/html"),
        ("GET", ROOM, "*/*"),
    ):
        answer = await whole.visitor().ask(method, path, {"accept": accept})
        assert answer.status == 200
        assert "ecluse_ticket_salle" not in answer.cookies
    assert await whole.count("number") == 0
    assert 'data-state="none"' in (await whole.visitor().get(f"{ROOM}?left=1")).text
    assert "ecluse_ticket_salle" in (await whole.visitor().get(ROOM)).cookies


async def test_the_page_offers_only_return_addresses_of_this_site(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    for target in ("//evil.example", "https://evil.example/", "/%5C%5Cevil.example%0d%0a", "javascript:alert(1)"):
        page = await whole.visitor().get(f"{ROOM}?to={target}")
        assert page.status == 200
        assert "evil.example" not in page.text.replace("%5C%5Cevil.example", "")
        assert "javascript:" not in page.text


async def test_a_problem_is_a_page_for_a_person_and_a_problem_for_a_program(open_whole: OpenWhole) -> None:
    whole = await open_whole(paths=["/p/"])
    person, program = await whole.visitor().get("/nowhere"), await whole.program().get("/nowhere")
    assert person.status == program.status == 404
    assert "Il n" in person.text
    assert program.problem == "not-found"
