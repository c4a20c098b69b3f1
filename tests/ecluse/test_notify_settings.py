"""How a configuration says that visitors are told: what is understood, what is refused, and that no secret is shown."""

from typing import Any

import pytest

from ecluse.domain.notify import Way, near_ahead
from ecluse.notify_secrets import notify_secrets
from ecluse.settings import ConfigurationError, parse

MAIL = {"smtp": "env:SMTP", "sender": "Préfecture <a@example.org>"}
HOOK = {"hook_url": "https://sms.example.org/ecluse", "hook_key": "env:HOOK"}


def _parsed(**notify: Any) -> Any:
    room = {"id": "salle", "origin": "http://127.0.0.1:1", "origin_key": "env:ORIGIN", "notify": notify}
    return parse({"signing_keys": ["env:SIGNING"], "room": [room]}, {})


@pytest.mark.parametrize(
    ("notify", "ways"), [(MAIL, (Way.EMAIL,)), (HOOK, (Way.PHONE,)), (MAIL | HOOK, (Way.EMAIL, Way.PHONE))]
)
def test_a_room_offers_the_ways_it_has(notify: dict[str, str], ways: tuple[Way, ...]) -> None:
    assert _parsed(**notify).room[0].notify.ways == ways


@pytest.mark.parametrize(
    ("notify", "words"),
    [
        ({}, "needs smtp or hook_url"),
        ({"smtp": "env:S"}, "smtp and sender go together"),
        ({"sender": "a@example.org"}, "needs smtp or hook_url"),
        (HOOK | {"sender": "a@example.org"}, "smtp and sender go together"),
        ({"hook_url": "https://x.example"}, "hook_url and hook_key go together"),
        (MAIL | {"hook_key": "env:K"}, "hook_url and hook_key go together"),
        (MAIL | {"sender": "nobody"}, "write the sender as"),
        (MAIL | {"sender": "A <a@example.org>\r\nBcc: b@example.org"}, "write the sender as"),
        (HOOK | {"hook_url": "ftp://x.example"}, "write the web hook as"),
        (HOOK | {"hook_url": "https://user:word@x.example/"}, "write the web hook as"),
        (MAIL | {"phone_prefix": "33"}, "write the prefix"),
        (MAIL | {"near_minutes": 0}, "greater than or equal to 1"),
        (MAIL | {"adresses_max": 5}, "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_place(notify: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"room\[0\]\.notify") as caught:
        _parsed(**notify)
    assert words in str(caught.value)


def test_a_password_written_where_only_its_name_belongs_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        notify_secrets(_parsed(**MAIL | {"smtp": "smtp://u:hunter2@mail.example.org"}), {})
    assert "hunter2" not in str(caught.value)
    assert "never written in the file" in str(caught.value)


def test_secrets_are_read_for_the_rooms_that_need_them_and_all_mistakes_told_together() -> None:
    settings = _parsed(**MAIL | HOOK)
    found = notify_secrets(settings, {"SMTP": "smtp://mx", "HOOK": "h" * 20})
    assert (found["salle"].smtp_url, found["salle"].hook_key) == ("smtp://mx", "h" * 20)
    with pytest.raises(ConfigurationError) as caught:
        notify_secrets(settings, {"HOOK": "short"})
    assert len(caught.value.mistakes) == 2
    plain = parse({"signing_keys": ["env:A"], "room": [{"id": "a", "origin": "http://b", "origin_key": "env:B"}]}, {})
    assert notify_secrets(plain, {}) == {}


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org:587",
        "http://mail.example.org",
        "smtp://",
        "smtp://u@h",
        "smtp://h:x",
        "smtp://h:0",
        "smtp://h/p",
    ],
)
def test_the_address_of_a_mail_server_is_checked_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"room\[0\]\.notify\.smtp: ") as caught:
        notify_secrets(_parsed(**MAIL), {"SMTP": url})
    assert url not in str(caught.value).replace("smtp://user:password@host:587", "")


def test_a_turn_is_near_when_the_median_wait_is_so_many_minutes() -> None:
    assert [near_ahead(speed, 10) for speed in (0.0, 0.05, 0.1, 1.0, 12.0)] == [-1, -1, 0, 9, 119]
