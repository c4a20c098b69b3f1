"""Letters through a real mail server; and without one, nothing of a booking is lost."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from booking_backend.app import Extras, create_app
from booking_backend.mailing import Letter, MailServer, Postbox
from ecluse.clock import ManualClock
from ecluse.ports import free_ports
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.visitor import KEY, ROOM, Visitor, running

AMINA = {"name": "Amina Diallo", "file_number": "75A1234567", "email": "amina@example.org"}


class MailBox:
    """A mail server that keeps what it gets, after refusing the first `refusals`."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.letters: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def take(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        found["X-To"] = envelope.rcpt_tos[0]
        self.letters.put_nowait(found)
        return "250 OK"

    handle_DATA = take  # the name that the server calls

    async def letter(self) -> EmailMessage:
        return await asyncio.wait_for(self.letters.get(), 20)


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[MailBox, MailServer]]:
    box = MailBox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield box, MailServer(host="127.0.0.1", port=port, sender="rdv@example.fr")
    server.close()
    await server.wait_closed()


async def test_who_gives_an_address_gets_letters_of_what_happens_to_the_appointment(
    mailbox: tuple[MailBox, MailServer], database: Path, clock: ManualClock
) -> None:
    box, server = mailbox
    extras = Extras(weeks=3, wanted=OFFICE, mail=server)
    async with running(
        create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)
    ) as app:
        visitor = Visitor(app, clock)
        [slot, *_] = await visitor.free_slots()
        form = await visitor.hold(slot["id"])
        assert 'name="email"' in (await visitor.get(form)).text
        assert (await visitor.post(f"{form}/details", {**AMINA, "email": "amina@"})).status == 422
        done = await visitor.post(f"{form}/confirm", AMINA)
        assert "amina@example.org" in done.text
        reference = done.headers["content-location"].rpartition("/")[2]
        letter = await box.letter()
        assert letter["X-To"] == "amina@example.org"
        assert letter["Subject"] == "Appointment confirmed: Monday, 18 January 2027 at 09:00"
        assert letter["Auto-Submitted"] == "auto-generated"
        body = letter.get_body()
        assert body is not None
        assert f"Reference: {reference}" in body.get_content()
        [calendar] = list(letter.iter_attachments())
        assert calendar.get_content_type() == "text/calendar"
        assert reference in calendar.get_content()
        await visitor.post("/my/cancellation", {"reference": reference, "file_number": AMINA["file_number"]})
        letter = await box.letter()
        assert letter["Subject"].startswith("Appointment cancelled:")
        assert list(letter.iter_attachments()) == []


async def test_a_mail_server_that_is_away_fails_no_booking(database: Path, clock: ManualClock) -> None:
    (nowhere,) = free_ports(1)
    extras = Extras(weeks=3, wanted=OFFICE, mail=MailServer(host="127.0.0.1", port=nowhere, sender="rdv@example.fr"))
    async with running(
        create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)
    ) as app:
        visitor = Visitor(app, clock)
        [slot, *_] = await visitor.free_slots()
        assert (await visitor.post(f"{await visitor.hold(slot['id'])}/confirm", AMINA)).status == 201


async def test_a_letter_refused_for_the_moment_is_sent_again(mailbox: tuple[MailBox, MailServer]) -> None:
    box, server = mailbox
    box.refusals = 2
    postbox = Postbox(server, retry_seconds=0)
    running_box = asyncio.create_task(postbox.run())
    postbox.post(Letter(to="a@example.org", to_name="Amina, “the first”", subject="é", text="Oui\n", lang="fr"))
    letter = await box.letter()
    assert letter["Subject"] == "é"
    assert "Amina, “the first”" in letter["To"]
    await postbox.close()
    running_box.cancel()


async def test_without_a_mail_server_no_address_is_asked_for(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    assert 'name="email"' not in (await visitor.get(await visitor.hold(slot["id"]))).text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, None, None, False)),
        ("smtps://u%40x:p%2Fw@mail.example", ("mail.example", 465, "u@x", "p/w", True)),
        ("smtp://mail.example:587", ("mail.example", 587, None, None, False)),
    ],
)
def test_a_mail_server_is_named_by_url(url: str, expected: tuple[object, ...]) -> None:
    server = MailServer.from_url(url, "rdv@example.fr")
    assert (server.host, server.port, server.user, server.password, server.tls) == expected


@pytest.mark.parametrize(("url", "sender"), [("http://x", "a@b"), ("smtp://", "a@b"), ("smtp://x", "nobody")])
def test_a_mail_server_that_cannot_be_is_refused(url: str, sender: str) -> None:
    with pytest.raises(ValueError, match="--"):
        MailServer.from_url(url, sender)
