"""The keys of tickets and passes: the first signs, all verify, a removed one is gone; and looking at a pass unverified."""

import hashlib

import pytest

from ecluse.clock import ManualClock
from ecluse.domain.errors import Forged
from ecluse.tokens import SigningKey, SignInSigner, inspect
from tests.ecluse.test_tokens import (
    CLAIMS,
    KEY,
    OLD,
    PASS,
    ROOM,
    STRANGER,
    TICKET,
    b64,
    header_of,
    jws,
    passes,
    tickets,
)


def test_tokens_under_another_key_are_forged() -> None:
    with pytest.raises(Forged):
        tickets(KEY).read(tickets(STRANGER).sign(TICKET), ROOM)
    with pytest.raises(Forged):
        passes(KEY).read(passes(STRANGER).sign(PASS), ROOM)


def test_the_first_key_signs_and_every_key_of_the_list_verifies() -> None:
    assert inspect(passes(KEY, OLD).sign(PASS))[0]["kid"] == KEY.kid
    assert passes(KEY, OLD).read(passes(OLD).sign(PASS), ROOM) == PASS
    assert tickets(KEY, OLD).read(tickets(OLD).sign(TICKET), ROOM) == TICKET
    assert passes(OLD).read(passes(OLD, KEY).sign(PASS), ROOM) == PASS


def test_a_removed_key_verifies_nothing_more() -> None:
    with pytest.raises(Forged):
        passes(KEY).read(passes(OLD, KEY).sign(PASS), ROOM)
    with pytest.raises(Forged):
        tickets(KEY).read(tickets(OLD, KEY).sign(TICKET), ROOM)


def test_a_pass_under_one_key_with_the_name_of_another_is_forged() -> None:
    with pytest.raises(Forged):
        passes(KEY, OLD).read(jws(header_of(KEY), CLAIMS, OLD.secret), ROOM)


def test_the_name_of_a_key_tells_nothing_of_it_and_is_the_same_everywhere() -> None:
    again = SigningKey.from_secret(KEY.secret.decode())
    assert (again.kid, again.secret) == (KEY.kid, KEY.secret)
    assert len({KEY.kid, OLD.kid, STRANGER.kid}) == 3
    assert not hashlib.sha256(KEY.secret).hexdigest().startswith(KEY.kid)


def test_inspecting_shows_header_and_claims_without_a_key() -> None:
    assert inspect(passes(STRANGER).sign(PASS)) == (header_of(STRANGER), CLAIMS)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "W10.W10.x", "e30.W10.x", "\ud800.."]
)
def test_inspecting_something_else_is_refused(text: str) -> None:
    with pytest.raises(Forged):
        inspect(text)


def test_inspecting_a_deeply_nested_text_is_refused() -> None:
    deep = b64(b"[" * 200_000)
    with pytest.raises(Forged):
        inspect(f"{deep}.{deep}.x")


def test_a_ticket_without_a_person_is_spelled_as_before_there_were_any() -> None:
    token = tickets().sign(TICKET)
    assert token.startswith("1~sarcelles~main~AbCdEfGhI_-~n~2822894198560~q1w2e3r4~1800000000.")
    named = tickets().sign(TICKET._replace(person=f"0-{'A' * 22}"))
    assert named.startswith("2~sarcelles~main~AbCdEfGhI_-~n~2822894198560~q1w2e3r4~1800000000~0-AAAA")
    assert len(named) < 200


def test_who_signed_in_for_one_purpose_did_not_for_another() -> None:
    at = ManualClock(1_800_000_000)
    helping, console = SignInSigner([KEY], clock=at), SignInSigner([KEY], clock=at, purpose="console")
    assert console.read(console.sign("somebody", 1_800_000_009)) == "somebody"
    for one, other in ((helping, console), (console, helping)):
        with pytest.raises(Forged):
            other.read(one.sign("somebody", 1_800_000_009))
    for token in (tickets().sign(TICKET), passes().sign(PASS)):
        with pytest.raises(Forged):
            console.read(token)
