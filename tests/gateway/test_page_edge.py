"""What the edge serves around the waiting page: the calendar, the statement, a room's own look, the ends of a visit."""

import re
from pathlib import Path

from gateway.calendar import event_file
from tests.gateway.test_openings import START, opened
from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole

EVENT = {"uid": "a@b", "url": "https://rdv.example.fr/", "made_ms": 0, "from_ms": 0, "until_ms": 3_600_000}


async def test_the_next_opening_is_a_calendar_file(open_whole: OpenWhole) -> None:
    whole = await opened(open_whole, START)
    page = (await whole.visitor().get("/")).text
    path = re.search(r'href="([^"]+opening\.ics[^"]*)"', page)
    assert path is not None
    answer = await whole.visitor().get(path[1].replace("&amp;", "&"))
    assert answer.get("content-type") == "text/calendar; charset=utf-8"
    assert 'filename="salle.ics"' in (answer.get("content-disposition") or "")
    lines = answer.text.split("\r\n")
    for said in ("DTSTART:20270115T090000Z", "DTEND:20270115T110000Z", "SUMMARY:Titre de séjour", "TRIGGER:-PT10M"):
        assert said in lines


async def test_a_room_without_hours_has_no_calendar_file(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    assert (await whole.visitor().get(f"{ROOM}/opening.ics")).status == 404


def test_a_calendar_line_is_escaped_and_never_longer_than_seventy_five_bytes() -> None:
    file = event_file(title="Séjour; préfecture, guichet \\ nord\nétage " + "é" * 80, **EVENT)  # type: ignore[arg-type]
    assert b"SUMMARY:S\xc3\xa9jour\\; pr\xc3\xa9fecture\\, guichet \\\\ nord\\n\xc3\xa9tage" in file
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    assert file.replace(b"\r\n ", b"").decode().count("é" * 80) == 2
    assert file.endswith(b"END:VCALENDAR\r\n")


async def test_the_accessibility_statement_says_what_was_not_tested_too_in_the_language_chosen(
    open_whole: OpenWhole,
) -> None:
    whole = await open_whole()
    french = await whole.visitor().get("/_ecluse/accessibility", **{"accept-language": "fr"})
    assert "Ce qui n’a pas été testé" in french.text
    english = await whole.visitor().get("/_ecluse/accessibility?lang=en")
    assert "What was not tested" in english.text
    assert english.cookies["ecluse_lang"][0] == "en"
    await whole.occupied()
    assert 'href="/_ecluse/accessibility"' in (await whole.visitor().get("/")).text


async def test_a_room_has_its_own_colours_logo_and_texts_in_no_more_requests(
    open_whole: OpenWhole, tmp_path: Path
) -> None:
    logo = tmp_path / "ville.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    theme = {
        "accent": "#5b2a86",
        "logo": str(logo),
        "intro": {"fr": "Bienvenue à la mairie."},
        "footer": {"fr": "Mairie"},
    }
    whole = await open_whole(theme=theme)
    await whole.occupied()
    visitor = whole.visitor()
    page = (await visitor.get("/")).text
    assert "Bienvenue à la mairie." in page
    assert '<p lang="fr" dir="auto">Mairie</p>' in page
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert style.endswith("/css/room-salle.css")
    colours = (await visitor.get(style)).text
    assert "--deep:#5b2a86" in colours
    assert "--card: #fff" in colours, "on top of the usual style, in one file"
    image = re.search(r'<img src="([^"]+logo-salle\.svg)"', page)
    assert image is not None
    served = await visitor.get(image[1])
    assert served.body == logo.read_bytes()
    assert "sandbox" in (served.get("content-security-policy") or ""), "somebody else's image runs no script here"


async def test_a_visit_that_is_over_says_so_and_not_that_a_turn_was_missed(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.admitted()
    ticket = visitor.jar["ecluse_ticket_salle"]
    assert (await visitor.get("/done")).body == b"ok"
    visitor.jar = {"ecluse_ticket_salle": ticket}
    page = (await visitor.get(ROOM)).text
    assert 'data-state="ended"' in page
    assert "Votre visite est terminée" in page


async def test_who_presses_enter_too_soon_without_script_is_told_when_to_press_again(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.called(await whole.waiting())
    page = (await visitor.get(f"{ROOM}?wait=4")).text
    assert "4\u00a0secondes" in page
    assert "data-early" not in (await visitor.get(f"{ROOM}?wait=x9")).text
