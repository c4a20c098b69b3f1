"""Passwords: only the right one fits its hash, and a hash is spelled in one way."""

import hashlib
from base64 import urlsafe_b64decode

import pytest

from ecluse.passwords import LEAST_CHARS, MOST_CHARS, PasswordHash

PASSWORD = "écluse de la Sarcelle"
HASHED = PasswordHash.of(PASSWORD)


def test_only_the_password_itself_fits() -> None:
    assert HASHED.matches(PASSWORD)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1], str(HASHED), "x" * 10_000, "\ud800" * 12):
        assert not HASHED.matches(wrong)


def test_accents_typed_on_another_keyboard_are_the_same_password() -> None:
    assert HASHED.matches("e\u0301cluse de la Sarcelle")


def test_a_hash_comes_back_as_it_was_spelled_and_holds_nothing_of_the_password() -> None:
    text = str(HASHED)
    assert PasswordHash.read(text) == HASHED
    assert PASSWORD not in text
    assert not set(text) & set("$'\"\\ #;=%")
    assert text != str(PasswordHash.of(PASSWORD))


def test_a_hash_is_scrypt_with_the_parameters_it_says() -> None:
    _, log_cost, block, lanes, salt, digest = str(HASHED).split(":")
    again = hashlib.scrypt(
        PASSWORD.encode(), salt=urlsafe_b64decode(salt + "=="), n=2 ** int(log_cost), r=int(block), p=int(lanes),
        maxmem=2**26, dklen=32,
    )  # fmt: skip
    assert again == urlsafe_b64decode(digest + "=")


def test_a_decoy_takes_the_same_work_and_fits_nothing() -> None:
    decoy = HASHED.decoy()
    assert (decoy.log_cost, decoy.block, decoy.lanes, decoy.salt) == (14, 8, 5, HASHED.salt)
    assert not decoy.matches(PASSWORD)


@pytest.mark.parametrize("password", ["", "x" * (LEAST_CHARS - 1), "x" * (MOST_CHARS + 1)])
def test_a_password_that_is_too_short_or_too_long_has_no_hash(password: str) -> None:
    with pytest.raises(ValueError, match="from 12 to 256 characters"):
        PasswordHash.of(password)


@pytest.mark.parametrize(
    "text",
    ["", PASSWORD, "scrypt:14:8:5", str(HASHED)[:-1], str(HASHED) + "\n", str(HASHED).replace("14:", "13:", 1),
     str(HASHED).replace(":5:", ":99:", 1), str(HASHED).replace("scrypt", "plain"), str(HASHED).replace("14:", "30:", 1)],
    ids=["empty", "a password", "cut short", "a letter less", "a line end", "cheaper", "wider", "of another kind", "dearer"],
)  # fmt: skip
def test_what_is_no_hash_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="ecluse operator password") as refusal:
        PasswordHash.read(text)
    assert not text or text not in str(refusal.value)


def test_a_hash_that_would_take_too_much_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="MB for each try"):
        PasswordHash.read(str(HASHED).replace("14:8:", "17:8:", 1))
