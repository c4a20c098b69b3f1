"""What a configuration may say of the number a room asks for."""

from typing import Any

import pytest

from ecluse.settings import ConfigurationError, parse, secrets

ROOM: dict[str, Any] = {"id": "salle", "origin": "http://127.0.0.1:9", "origin_key": "env:ORIGIN"}
KEYS = {"SIGNING": "s" * 20, "ORIGIN": "o" * 20}


def configured(**person: object) -> Any:
    return parse({"signing_keys": ["env:SIGNING"], "room": [ROOM | {"person": person}]}, {})


@pytest.mark.parametrize(
    ("person", "mistake"),
    [
        ({"kind": "passport"}, "room[0].person.key: is missing"),
        ({"kind": "pattern", "key": "env:P"}, "room[0].person: pattern: a regular expression"),
        ({"kind": "pattern", "key": "env:P", "pattern": "(a+)+"}, "may not be repeated without end"),
        ({"kind": "pattern", "key": "env:P", "pattern": "["}, "not a regular expression"),
        ({"kind": "passport", "key": "env:P", "pattern": "a"}, "pattern counts only"),
        ({"kind": "shoe", "key": "env:P"}, "room[0].person.kind"),
        ({"kind": "passport", "key": "env:P", "tries_per_network": 0}, "tries_per_network"),
        ({"kind": "passport", "key": "env:P", "tries_per_number": 1}, "tries_per_number"),
        ({"kind": "passport", "key": "env:P", "salt": "x"}, "unknown key"),
    ],
)
def test_mistakes_are_told_at_the_start(person: dict[str, object], mistake: str) -> None:
    with pytest.raises(ConfigurationError, match=mistake.replace("[", r"\[")):
        configured(**person)


def test_the_key_is_a_secret_of_its_own_and_required() -> None:
    settings = configured(kind="passport", key="env:PERSON")
    with pytest.raises(ConfigurationError, match=r"room\[0\]\.person\.key: set the variable PERSON"):
        secrets(settings, KEYS)
    assert secrets(settings, KEYS | {"PERSON": "p" * 20}).person_keys == {"salle": "p" * 20}
    assert "ppp" not in str(settings)


def test_a_key_written_instead_of_named_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured(kind="passport", key={"a": "the secret itself"}, pattern=7)
    assert "the secret itself" not in str(refused.value)
