"""Invitations: what was signed comes back, and no kind of proof is ever taken for another."""

from dataclasses import replace

import pytest

from ecluse.clock import ManualClock
from ecluse.domain.errors import Expired, Forged, WrongRoom
from ecluse.invitation_tokens import Invitation, InvitationSigner
from ecluse.tokens import SigningKey
from tests.ecluse.test_tokens import KEY, NOW, OLD, PASS, ROOM, STRANGER, TICKET, passes, tickets

INVITATION = Invitation(room=ROOM, lane="urgent", batch="AbCdEfGhI_-", number=499, expires_at=NOW + 60)


def invitations(*keys: SigningKey, now: float = NOW) -> InvitationSigner:
    return InvitationSigner(keys or (KEY,), clock=ManualClock(now))


def test_an_invitation_comes_back_as_it_was_signed_under_any_key_of_the_list() -> None:
    for number in (0, 7, 499):
        one = replace(INVITATION, number=number)
        assert invitations(KEY, OLD).read(invitations(OLD).sign(one), ROOM) == one
    token = invitations().sign(INVITATION)
    assert not set(token) & set(' ",;\\=&?#%/+'), "it fits an address as it is"


def test_every_altered_invitation_is_refused() -> None:
    token = invitations().sign(INVITATION)
    for index in range(len(token)):
        with pytest.raises(Forged):
            invitations().read(token[:index] + chr(ord(token[index]) ^ 1) + token[index + 1 :], ROOM)
    for wrong in (
        "",
        ".",
        token[:-1],
        token + "A",
        token + "=",
        "é" + token,
        token * 3,
        invitations(STRANGER).sign(INVITATION),
    ):
        with pytest.raises(Forged):
            invitations().read(wrong, ROOM)


def test_an_invitation_is_for_its_room_and_its_time() -> None:
    token = invitations().sign(INVITATION)
    with pytest.raises(WrongRoom):
        invitations().read(token, "evry")
    with pytest.raises(Expired):
        invitations(now=NOW + 60).read(token, ROOM)


@pytest.mark.parametrize("keys", [(KEY,), (KEY, OLD), (OLD, KEY)])
def test_an_invitation_is_no_ticket_and_no_pass_and_neither_is_an_invitation(keys: tuple[SigningKey, ...]) -> None:
    for key in keys:
        invitation, ticket, granted = (
            invitations(key).sign(INVITATION),
            tickets(key).sign(TICKET),
            passes(key).sign(PASS),
        )
        for token in (ticket, granted):
            with pytest.raises(Forged):
                invitations(*keys).read(token, ROOM)
        for read in (tickets(*keys).read, passes(*keys).read):
            with pytest.raises(Forged):
                read(invitation, ROOM)
    body = invitations().sign(INVITATION).rpartition(".")[0]
    for token in (tickets().sign(TICKET), passes().sign(PASS)):
        with pytest.raises(Forged):
            invitations().read(f"{body}.{token.rpartition('.')[2]}", ROOM)
