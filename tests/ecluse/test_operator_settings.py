"""Operators in a configuration: a key, the hash of a password, or both."""

from typing import Any

import pytest

from ecluse.passwords import PasswordHash
from ecluse.settings import ConfigurationError, parse, secrets
from tests.ecluse.test_settings import LONG, table


def test_an_operator_has_a_key_a_password_or_both() -> None:
    hashed = str(PasswordHash.of("a password of the tests"))
    who: list[dict[str, Any]] = [
        {"name": "a", "key": "env:GOOD"}, {"name": "b", "password": "env:HASH"},
        {"name": "c", "key": "env:GOOD", "password": "env:HASH"},
    ]  # fmt: skip
    found = secrets(
        parse(table(signing_keys=["env:GOOD"], operator=who)), {"GOOD": LONG, "ORIGIN_KEY": LONG, "HASH": hashed}
    )
    assert [(each.name, key) for each, key in found.operator_keys] == [("a", LONG), ("c", LONG)]
    assert [(each.name, text) for each, text in found.operator_passwords] == [("b", hashed), ("c", hashed)]


def test_what_is_wrong_with_operators_is_told_together() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse(table(operator=[{"name": "a"}, {"name": "b", "role": "king", "password": "env:X"}]))
    told = refusal.value.mistakes
    assert [line.partition(": ")[0] for line in told] == ["operator[0]", "operator[1].role"]
    assert "a key, a password, or both" in told[0]
    twice = [{"name": "a", "password": "env:X"}, {"name": "a", "password": "env:Y"}]
    with pytest.raises(ConfigurationError, match="two operators with a password have the same name"):
        parse(table(operator=twice))


def test_a_password_in_place_of_its_hash_is_refused_without_repeating_it() -> None:
    operators = [{"name": "a", "key": "env:NONE", "password": "env:PLAIN"}, {"name": "b", "password": "env:GONE"}]
    settings = parse(table(signing_keys=["env:GOOD"], operator=operators))
    with pytest.raises(ConfigurationError) as refusal:
        secrets(settings, {"GOOD": LONG, "ORIGIN_KEY": LONG, "PLAIN": "the password itself, by mistake"})
    told = refusal.value.mistakes
    assert sorted(line.partition(": ")[0] for line in told) == [
        "operator[0].key", "operator[0].password", "operator[1].password",
    ]  # fmt: skip
    assert "ecluse operator password" in "".join(told)
    assert "by mistake" not in "".join(told)
    with pytest.raises(ConfigurationError) as shown:
        parse(table(operator=[{"name": "a", "password": 12345678}]))
    assert "12345678" not in str(shown.value)
