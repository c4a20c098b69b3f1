"""How a message leaves: over a real SMTP server, and over a real web server with a signature."""

from collections.abc import Iterator

import pytest

from ecluse.clock import ManualClock
from ecluse.domain.notify import Address, Way
from ecluse.ports import free_ports
from queue_worker.hook import Hook, signature
from queue_worker.mail import Mailer
from queue_worker.messages import Message, Messages
from queue_worker.outcomes import Failed, Refused
from tests.queue_worker.receivers import HookServer, Mailbox, hook_server, mail_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
SENDER = "Préfecture <ne-pas-repondre@rdv.example.fr>"
TITLE = {"fr": "Titre de séjour", "en": "Residence permit"}
KEY = "a key of the web hook's tests"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[HookServer]:
    with hook_server() as found:
        yield found


def message(lang: str = "fr", *, way: Way = Way.EMAIL, to: str = "amel@example.org", near: bool = False) -> Message:
    messages = Messages("salle", TITLE, "https://rdv.example.fr")
    address = Address(way=way, to=to, lang=lang)
    return messages.near(address, "AbCdEfGhI_-", 540.0) if near else messages.called(address, "AbCdEfGhI_-")


async def test_a_mail_reaches_the_visitor_in_their_language_and_holds_no_proof_of_a_place(box: Mailbox) -> None:
    mailer = Mailer(f"smtp://127.0.0.1:{box.port}", SENDER)
    for lang, said in (("fr", "C’est votre tour"), ("en", "It is your turn!")):
        await mailer.send(message(lang))
        mail = box.mails[-1]
        text = mail.get_content().replace("\r\n", "\n")
        assert said in mail["Subject"]
        assert said in text
        assert TITLE[lang] in mail["Subject"]
        assert "\nhttps://rdv.example.fr/_ecluse/rooms/salle\n" in text, "an address that is the same for everybody"
        assert "AbCdEfGhI_-" in text, "the public id, which claims nothing"
        assert "1~salle" not in text
        assert mail.get_content_type() == "text/plain"
    assert box.recipients == ["amel@example.org"] * 2
    assert mail["From"] == SENDER
    assert mail["To"] == "amel@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@rdv.example.fr>")
    assert mail["Content-Language"] == "en"


async def test_a_mail_of_a_turn_that_is_near_says_in_how_many_minutes(box: Mailbox) -> None:
    await Mailer(f"smtp://127.0.0.1:{box.port}", SENDER).send(message("fr", near=True))
    assert "environ 9 minutes" in box.mails[0]["Subject"]
    await Mailer(f"smtp://127.0.0.1:{box.port}", SENDER).send(message("xx", near=True))
    assert "about 9 minutes" in box.mails[1]["Subject"], "a language that is not there falls back to English"


def test_a_private_variety_writes_in_its_own_words_and_takes_the_title_of_its_base() -> None:
    written = message("fr-x-facile", near=True)
    assert written.subject == "C’est bientôt votre tour : dans 9 minutes environ. Titre de séjour"
    assert "Prenez le même appareil" in written.body


@pytest.mark.parametrize(
    ("said", "raised"), [("550 no such user", Refused), ("452 full", Failed), ("421 later", Failed)]
)
async def test_a_mail_that_is_refused_for_good_is_told_from_one_to_repeat(
    box: Mailbox, said: str, raised: type[Exception]
) -> None:
    box.answers = [said]
    with pytest.raises(raised) as caught:
        await Mailer(f"smtp://127.0.0.1:{box.port}", SENDER).send(message())
    assert "example.org" not in str(caught.value), "what is logged names nobody"
    assert box.mails == []


async def test_a_mail_server_that_is_away_is_a_failure_to_repeat() -> None:
    with pytest.raises(Failed):
        await Mailer(f"smtp://127.0.0.1:{free_ports(1)[0]}", SENDER).send(message())


async def test_a_password_is_given_where_there_is_one() -> None:
    with mail_server(login=True) as box:
        with pytest.raises((Refused, Failed)):
            await Mailer(f"smtp://127.0.0.1:{box.port}", SENDER).send(message())
        await Mailer(f"smtp://ecluse:secret%2Dword@127.0.0.1:{box.port}", SENDER).send(message())
        with pytest.raises(Failed):
            await Mailer(f"smtp://ecluse:wrong@127.0.0.1:{box.port}", SENDER).send(message())
        assert (len(box.mails), box.logins[0]) == (1, b"ecluse")


async def test_a_password_never_travels_in_the_clear_to_another_machine() -> None:
    assert Mailer("smtp://u:p@mail.example.org", SENDER)._start_tls is True
    assert Mailer("smtp://u:p@127.0.0.1", SENDER)._start_tls is None
    assert Mailer("smtp://mail.example.org", SENDER)._start_tls is None
    assert Mailer("smtps://u:p@mail.example.org", SENDER)._port == 465
    # This server offers no encryption; a name that is not known to be this machine gets no password.
    with mail_server(login=True) as box:
        mailer = Mailer(f"smtp://ecluse:secret%2Dword@127.0.0.1:{box.port}", SENDER)
        mailer._start_tls = True
        with pytest.raises(Failed):
            await mailer.send(message())
        assert box.logins == []


async def test_a_hook_is_posted_with_all_that_a_gateway_needs_and_a_signature_of_it(receiver: HookServer) -> None:
    clock = ManualClock()
    await Hook("salle", receiver.url, KEY, clock=clock).send(message("en", way=Way.PHONE, to="+33612345678"))
    (post,) = receiver.posts
    assert post.json == {
        "room": "salle", "event": "called", "to": "+33612345678", "lang": "en", "sent_at": "2027-01-15T08:00:00Z",
        "text": "Residence permit: It is your turn! https://rdv.example.fr/_ecluse/rooms/salle",
    }  # fmt: skip
    assert post.headers["content-type"] == "application/json"
    assert post.headers["ecluse-signature"] == signature(KEY, 1_800_000_000, post.body)


@pytest.mark.parametrize(
    ("status", "raised"),
    [(500, Failed), (503, Failed), (429, Failed), (408, Failed), (400, Refused), (401, Refused), (301, Refused),
     (307, Refused)],
)  # fmt: skip
async def test_a_hook_that_is_refused_for_good_is_told_from_one_to_repeat_and_no_redirect_is_followed(
    receiver: HookServer, status: int, raised: type[Exception]
) -> None:
    receiver.statuses = [status]
    with pytest.raises(raised, match=f"HTTP {status}"):
        await Hook("salle", receiver.url, KEY).send(message(way=Way.PHONE, to="+33612345678"))
    assert len(receiver.posts) == 1


async def test_a_hook_that_nobody_answers_is_a_failure_to_repeat() -> None:
    hook = Hook("salle", f"http://127.0.0.1:{free_ports(1)[0]}/", KEY)
    with pytest.raises(Failed):
        await hook.send(message(way=Way.PHONE, to="+33612345678"))
