"""Pages: what a visitor reads in every state, in every language, and what they can never be made to carry."""

import dataclasses
import gzip
import re
from typing import Any, get_args

import pytest

from gateway.page_preview import LOOK
from gateway.page_views import ENTRANCES, PageState
from gateway.pages import SECURITY_HEADERS, Pages, ProblemView, WaitingView
from gateway.problems import BY_SLUG

STATES: tuple[str, ...] = get_args(PageState)
HOURS_ONLY = {"prequeue", "drawing", "over"}
NEVER_BY_SCRIPT = {"full"}
"""Sections that are only there where they are shown."""
NOW_MS = 1_800_000_000_000
PLAIN = WaitingView(
    room="sarcelles",
    title={"fr": "Titre de séjour", "en": "Residence permit"},
    lang="en",
    phase="open",
    state="waiting",
    ahead=12,
    wait_low_seconds=370,
    wait_high_seconds=700,
    pace_per_minute=120,
    notice={},
    claim_until_ms=None,
    now_ms=NOW_MS,
    return_to="/sarcelles/",
    lane="main",
    place=1013,
    id="AAAAAAAAAAA",
    stale=False,
    refresh_seconds=30,
    form_not_sent=False,
)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


def show(pages: Pages, **changes: Any) -> str:
    return pages.waiting(dataclasses.replace(PLAIN, **changes)).decode()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("state", STATES)
def test_each_state_shows_its_own_section_and_hides_the_others(pages: Pages, state: str, lang: str) -> None:
    page = show(pages, state=state, lang=lang)
    shown = re.findall(r'<section data-when="(\w+)"(?! hidden)', page)
    assert shown == [state]
    hidden_too = {state} | set(STATES) - NEVER_BY_SCRIPT - (set() if state in HOURS_ONLY else HOURS_ONLY)
    assert set(re.findall(r'<section data-when="(\w+)"', page)) == hidden_too
    assert f'<html lang="{lang}" dir="ltr">' in page
    assert "\x02" not in page


@pytest.mark.parametrize("reason", ["pace", "full", "lanes", "shows", "unknown", "of a later version"])
def test_a_wait_that_became_longer_is_explained_in_a_sentence(pages: Pages, reason: str) -> None:
    sentence = re.search(r'<p class="note" data-slot="why"( hidden)?>([^<]*)</p>', show(pages, slower=reason))
    assert sentence is not None
    assert sentence[1] is None
    assert sentence[2].startswith("The wait became longer: ")
    nothing = re.search(r'<p class="note" data-slot="why"( hidden)?>([^<]*)</p>', show(pages))
    assert nothing is not None
    assert nothing.groups() == (" hidden", "")


def test_a_waiting_visitor_reads_position_range_pace_and_time(pages: Pages) -> None:
    page = show(pages)
    for said in (
        "<title>(13) Residence permit</title>",
        "You are number <b>13</b> in line",
        "12 people are ahead of you.",
        "Estimated wait: between 6 and 12 minutes.",
        "120 per minute",
        'datetime="2027-01-15T08:00:00Z"',
    ):
        assert said in page


def test_numbers_and_plurals_follow_the_language(pages: Pages) -> None:
    assert "1\u202f234 personnes sont devant vous." in show(pages, lang="fr", ahead=1234)
    assert "1 person is ahead of you." in show(pages, ahead=1)
    assert "Nobody is ahead of you" in show(pages, ahead=0)
    assert "12 par heure" in show(pages, lang="fr", pace_per_minute=0.2)


def test_a_place_not_yet_counted_promises_no_number(pages: Pages) -> None:
    page = show(pages, ahead=None, wait_low_seconds=None, wait_high_seconds=None)
    assert "<title>Residence permit</title>" in page
    assert "data-ahead" not in page
    assert "the first estimate appears" in page
    assert '<p data-slot="counting">' in page


def test_a_page_never_carries_what_another_visitor_was_shown(pages: Pages) -> None:
    show(pages, id="BBBBBBBBBBB", ahead=77_776, place=5555.5, return_to="/sarcelles/secret")
    page = show(pages)
    for other in ("BBBBBBBBBBB", "77776", "77,776", "77,777", "5555.5", "secret"):
        assert other not in page


def test_a_called_visitor_gets_a_form_that_enters_and_one_for_more_time(pages: Pages) -> None:
    page = show(pages, state="called", claim_until_ms=NOW_MS + 170_000)
    assert "<title>Your turn! – Residence permit</title>" in page
    assert '<form method="post" action="/_ecluse/rooms/sarcelles/claim" data-form="claim">' in page
    assert '<form method="post" action="/_ecluse/rooms/sarcelles/claim/extend"' in page
    assert "Time left to enter: 2 minutes." in page
    assert f'data-claim-until="{NOW_MS + 170_000}"' in page
    assert "45 seconds" in show(pages, state="called", claim_until_ms=NOW_MS + 45_900)


def test_without_script_the_page_reloads_until_told_to_stop(pages: Pages) -> None:
    page = show(pages)
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page
    assert 'href="/_ecluse/rooms/sarcelles?to=/sarcelles/&amp;lang=en&amp;refresh=off"' in page
    stopped = show(pages, refresh_seconds=0)
    assert "http-equiv" not in stopped
    assert "This page does not reload by itself." in stopped


def test_an_unsent_form_is_said_to_be_unsent(pages: Pages) -> None:
    assert "Your form was not sent" in show(pages, form_not_sent=True)
    assert "Your form was not sent" not in show(pages)


def test_what_people_write_is_never_markup(pages: Pages) -> None:
    hostile = "\"><script>alert('x')</script>&"
    page = show(
        pages,
        title={"en": hostile},
        notice={"en": hostile},
        return_to="/a?" + hostile,
        id=hostile,
        lane=hostile,
        epoch="e",
    )
    assert "<script>" not in page
    assert "alert('x')" not in page
    assert 'value="/a?&#34;&gt;&lt;script&gt;' in page
    assert 'href="/_ecluse/rooms/sarcelles?to=/a%3F%22%3E%3Cscript%3E' in page


def test_a_notice_cannot_open_a_hole_in_the_mould(pages: Pages) -> None:
    page = show(pages, notice={"en": "a \x02to\x03 b \x02none\x03"})
    assert "a to\x03 b none\x03" in page


def test_a_notice_in_another_language_says_which(pages: Pages) -> None:
    assert '<p data-slot="notice-text" lang="fr" dir="auto">Bonjour</p>' in show(pages, notice={"fr": "Bonjour"})
    assert 'data-slot="notice" hidden' in show(pages, notice={"fr": ""})


def test_a_room_without_title_goes_by_its_name(pages: Pages) -> None:
    assert "<title>(13) sarcelles</title>" in show(pages, title={})


def test_a_language_without_catalogue_gets_the_default(pages: Pages) -> None:
    assert '<html lang="fr"' in show(pages, lang="tlh")


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("slug", sorted(BY_SLUG))
def test_every_problem_has_a_page_that_says_what_to_do(pages: Pages, slug: str, lang: str) -> None:
    status = BY_SLUG[slug][1].status
    page = pages.problem(
        ProblemView(slug=slug, lang=lang, status=status, detail="<i>why</i>", title={}, retry_to="/a?b=1&c=2")
    ).decode()
    assert f'<html lang="{lang}"' in page
    assert f"{status} {slug}" in page
    assert '<a class="button main" href="/a?b=1&amp;c=2">' in page
    assert "<i>" not in page
    assert "http-equiv" not in page


def test_a_holding_page_keeps_trying_by_itself(pages: Pages) -> None:
    view = ProblemView(slug="store-away", lang="en", status=503, title={}, retry_to="/a", refresh_seconds=8)
    page = pages.problem(view).decode()
    assert '<noscript><meta http-equiv="refresh" content="8;url=/a"></noscript>' in page
    assert "data-retry-seconds" in page
    assert "Stop trying by itself" in page


def test_a_problem_without_a_way_back_offers_none(pages: Pages) -> None:
    page = pages.problem(ProblemView(slug="unknown-room", lang="en", status=404, title={}, refresh_seconds=8)).decode()
    assert "button main" not in page
    assert "http-equiv" not in page


def test_the_page_behind_a_problem_type_names_it(pages: Pages) -> None:
    page = pages.problem_doc("not-called", "Not called yet", "It is not <your> turn.", 425).decode()
    for said in ('<html lang="en"', "/_ecluse/problems/not-called", "425", "It is not &lt;your&gt; turn."):
        assert said in page


def test_no_page_needs_what_the_policy_forbids(pages: Pages) -> None:
    policy = dict(SECURITY_HEADERS)[b"content-security-policy"]
    assert b"unsafe" not in policy
    assert b"frame-ancestors 'none'" in policy
    every = [show(pages, state=state) for state in STATES]
    every += [pages.console(lang, entrance).decode() for lang in pages.languages for entrance in ENTRANCES]
    for page in every:
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<base|<iframe", page)
        assert all('src="/_ecluse/static/' in tag for tag in re.findall(r"<(?:script|img)[^>]*>", page))


def test_every_file_a_page_names_is_served(pages: Pages) -> None:
    named: set[str] = set()
    for page in (show(pages), pages.console("fr").decode()):
        named |= set(re.findall(r'/_ecluse/static/([^"?]+)', page))
    here = f"{pages.version}/"
    assert {"css/ecluse.css", "js/waiting.js", "js/line.js", "js/console.js", "logo.svg"} <= {
        path.removeprefix(here) for path in named
    }
    assert all(path.startswith(here) and pages.static(path) for path in named)


def test_slots_left_are_told_and_what_that_means_for_somebody_far_back(pages: Pages) -> None:
    assert "35 slots are left for now.</p>" in show(pages, slots_left=35)
    assert "you are probably beyond today’s slots." in show(pages, slots_left=12)
    assert "No slot is left for now." in show(pages, slots_left=0)
    assert '<p class="slots" data-slot="slots" hidden>' in show(pages)


def test_who_pressed_enter_a_moment_too_soon_is_told_that_the_turn_is_kept(pages: Pages) -> None:
    page = show(pages, state="called", claim_until_ms=NOW_MS + 60_000, early_seconds=4)
    assert "Press the button again in 4 seconds." in page
    assert "data-early" not in show(pages, state="called", claim_until_ms=NOW_MS + 60_000)


@pytest.mark.parametrize("state", STATES)
def test_the_ways_around_the_line_are_told_in_every_state(pages: Pages, state: str) -> None:
    page = show(pages, state=state, look=LOOK, lang="fr")
    for said in ("lundi à jeudi", 'href="tel:0123456789"', "Point d’accueil", 'href="https://www.example.org/aide"'):
        assert said in page
    assert "contact" not in show(pages, state=state)


def test_a_room_with_lanes_lets_who_joins_choose_one_without_script(pages: Pages) -> None:
    page = show(pages, state="none", look=LOOK)
    assert re.findall(r'name="lane" value="(\w+)"', page) == ["renewal", "first"]
    assert 'name="lane"' not in show(pages, state="none")


@pytest.mark.parametrize(
    ("accept", "cookie", "query", "lang"),
    [
        (None, None, None, "fr"),
        ("en-GB,en;q=0.9", None, None, "en"),
        ("de, en;q=0.5, fr;q=0.7", None, None, "fr"),
        ("fr;q=0, en;q=0.1", None, None, "en"),
        ("*", None, None, "fr"),
        ("EN", None, None, "en"),
        ("is", None, None, "fr"),
        ("en", "fr", None, "fr"),
        ("en", "fr", "en", "en"),
        ("en", "xx", "../etc", "en"),
        ("en;q=nope, ;;, fr-CH", None, None, "fr"),
        ("x" * 10_000, None, None, "fr"),
    ],
)
def test_the_language_is_the_one_asked_for_then_kept_then_accepted(
    pages: Pages, accept: str | None, cookie: str | None, query: str | None, lang: str
) -> None:
    assert pages.negotiate(accept, cookie, query) == lang


def test_a_default_language_without_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="no catalogue for the language 'tlh'"):
        Pages(default_lang="tlh")


@pytest.mark.parametrize("lang", ["en", "ar", "ta"])
def test_every_visitor_unpacks_the_page_that_others_read_plain(pages: Pages, lang: str) -> None:
    for number, to in enumerate(("/", "/", "/", "/?a&b", "/?a&b", "/"), start=1):
        view = dataclasses.replace(PLAIN, lang=lang, id=f"ticket-{number}", ahead=number * 999, return_to=to)
        assert gzip.decompress(pages.waiting(view, packed=True)) == pages.waiting(view)
