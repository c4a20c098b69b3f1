"""The agents' pages: who may open them, the day's list, check-in, no-show."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from booking_backend.agents_door import GUESSES_MAX, GUESSES_SECONDS, SESSION_SECONDS, hashed, read_agents
from booking_backend.app import Extras, create_app
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.visitor import FORM, KEY, ROOM, Answer, Visitor, ask, running

PASSWORD = "correct horse battery"
LINE = hashed("guichet-1", PASSWORD)
DAY = "/agents/?site=1&day=2027-01-18"


class Agent:
    """A browser at the counter: no pass, one cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.cookie = app, ""

    def _headers(self, **extra: str) -> list[tuple[bytes, bytes]]:
        sent = {"accept-language": "en", "cookie": self.cookie, **extra}
        return [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]

    async def get(self, path: str) -> Answer:
        return await ask(self.app, "GET", path, headers=self._headers())

    async def post(self, path: str, body: str, **extra: str) -> Answer:
        headers = self._headers(content_type=FORM, **extra)
        return await ask(self.app, "POST", path, headers=headers, body=body.encode())

    async def sign_in(self, password: str = PASSWORD, name: str = "guichet-1") -> Answer:
        answer = await self.post("/agents/sign-in", f"agent={name}&password={password.replace(' ', '+')}")
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    async def token(self) -> str:
        return (await self.get(DAY)).found(r'name="token" value="([^"]+)"')[0]


@pytest.fixture
async def app(database: Path, clock: ManualClock) -> AsyncIterator[ASGIApp]:
    extras = Extras(weeks=3, wanted=OFFICE, agents=read_agents([LINE]))
    made = create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)
    async with running(made) as app:
        yield app


@pytest.fixture
async def agent(app: ASGIApp) -> Agent:
    agent = Agent(app)
    assert (await agent.sign_in()).status == 303
    return agent


async def booked(app: ASGIApp, clock: ManualClock, number: int, slot: int = 1) -> str:
    visitor = Visitor(app, clock, f"visit-{number}")
    order = {"slot_id": slot, "name": f"Person <{number}>", "file_number": f"{number:010d}"}
    return str((await visitor.post_json("/api/bookings", order)).json["reference"])


def rows(page: Answer) -> list[tuple[str, str, str]]:
    """Counter, reference and state of each person."""
    found = []
    for table in page.text.split("<caption>")[1:]:
        counter = table.partition("<")[0]
        found += [
            (counter, *row)
            for row in re.findall(r'<tr id="([^"]+)">.*?<b>([^<]+)</b>', table.partition("</table>")[0], re.DOTALL)
            if row[0]
        ]
        found = [row for row in found if row[2] in ("expected", "arrived", "absent")]
    return found


async def test_the_list_of_the_day_is_by_counter(app: ASGIApp, agent: Agent, clock: ManualClock) -> None:
    references = {await booked(app, clock, number) for number in range(3)}
    await booked(app, clock, 9, slot=4)  # at the other site
    page = await agent.get(DAY)
    assert {reference for _, reference, _ in rows(page)} == references
    assert sorted(counter for counter, _, _ in rows(page)) == ["A", "A", "B"]
    assert "Person &lt;1&gt;" in page.text
    assert "0 of 3 have arrived" in page.text
    assert len(rows(await agent.get("/agents/?site=2&day=2027-01-18"))) == 1
    assert "Nobody is expected" in (await agent.get("/agents/?site=1&day=2027-01-19")).text
    assert (await agent.get("/agents/?site=99&day=nonsense")).status == 200


async def test_a_person_is_checked_in_by_reference_and_by_button_and_it_can_be_undone(
    app: ASGIApp, agent: Agent, clock: ManualClock
) -> None:
    reference, token = await booked(app, clock, 1), await agent.token()
    back = await agent.post("/agents/check-in", f"token={token}&reference={reference.lower()}")
    assert back.headers["location"] == f"{DAY}#{reference}"
    assert rows(await agent.get(DAY)) == [("A", reference, "arrived")]
    await agent.post("/agents/arrival", f"token={token}&reference={reference}&arrival=")
    assert rows(await agent.get(DAY)) == [("A", reference, "expected")]
    unknown = await agent.post("/agents/check-in", f"token={token}&reference=RDV-22222-22222")
    assert "No appointment has this reference" in (await agent.get(unknown.headers["location"])).text


async def test_nobody_is_absent_before_the_time_is_reached(app: ASGIApp, agent: Agent, clock: ManualClock) -> None:
    reference = await booked(app, clock, 1)
    absent = f"token={await agent.token()}&reference={reference}&arrival=absent"
    await agent.post("/agents/arrival", absent)
    assert rows(await agent.get(DAY))[0][2] == "expected"
    assert 'value="absent"' not in (await agent.get(DAY)).text
    clock.now = datetime(2027, 1, 18, 9, 5, tzinfo=PARIS).timestamp()
    await agent.sign_in()
    await agent.post("/agents/arrival", absent.replace(absent[6:28], await agent.token()))
    assert rows(await agent.get(DAY))[0][2] == "absent"


async def test_without_signing_in_nothing_is_shown_or_noted(app: ASGIApp, clock: ManualClock) -> None:
    reference = await booked(app, clock, 1)
    stranger = Agent(app)
    page = await stranger.get(DAY)
    assert "Sign in" in page.text
    assert "Person" not in page.text
    for path in ("/agents/arrival", "/agents/check-in"):
        assert (await stranger.post(path, f"token=x&reference={reference}&arrival=arrived")).status == 403


async def test_a_form_without_the_token_of_the_page_or_from_another_site_notes_nothing(
    app: ASGIApp, agent: Agent, clock: ManualClock
) -> None:
    reference, token = await booked(app, clock, 1), await agent.token()
    assert (await agent.post("/agents/arrival", f"reference={reference}&arrival=arrived")).status == 403
    assert (await agent.post("/agents/arrival", f"token=x&reference={reference}&arrival=arrived")).status == 403
    body = f"token={token}&reference={reference}&arrival=arrived"
    assert (await agent.post("/agents/arrival", body, sec_fetch_site="cross-site")).status == 403
    assert rows(await agent.get(DAY))[0][2] == "expected"


async def test_a_wrong_password_is_refused_and_guesses_are_counted(app: ASGIApp, clock: ManualClock) -> None:
    agent = Agent(app)
    assert [(await agent.sign_in("wrong")).status for _ in range(GUESSES_MAX)] == [403] * GUESSES_MAX
    assert (await agent.sign_in()).status == 429
    clock.advance(GUESSES_SECONDS + 1)
    entered = await agent.sign_in()
    assert entered.status == 303
    assert {"HttpOnly", "SameSite=strict", "Path=/agents/"} <= set(entered.headers["set-cookie"].split("; "))
    assert (await Agent(app).sign_in(name="nobody")).status == 403


async def test_a_session_ends_by_signing_out_and_in_the_evening(app: ASGIApp, agent: Agent, clock: ManualClock) -> None:
    other = Agent(app)
    await other.sign_in()
    await agent.post("/agents/sign-out", f"token={await agent.token()}")
    assert "Sign in" in (await agent.get(DAY)).text
    assert "Sign out" in (await other.get(DAY)).text
    clock.advance(SESSION_SECONDS)
    assert "Sign in" in (await other.get(DAY)).text


async def test_without_agents_there_are_no_such_pages(database: Path, clock: ManualClock) -> None:
    made = create_app(
        database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=Extras(weeks=3, wanted=OFFICE)
    )
    async with running(made) as app:
        assert (await ask(app, "GET", "/agents/")).status == 404
        assert (await ask(app, "GET", "/partners/getManagedMeetingPoints")).status == 404


@pytest.mark.parametrize("line", ["x", "x:argon$a$b", ":scrypt$a$b", "x:scrypt$a"])
def test_a_line_that_is_no_agent_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="hash-password"):
        read_agents([line])
