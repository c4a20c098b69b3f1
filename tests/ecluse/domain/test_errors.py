"""The map of errors: each class speaks for itself, and keeps what is private private."""

import inspect

import pytest

from ecluse.domain import errors
from ecluse.domain.errors import (
    BadInput,
    EcluseError,
    Expired,
    Forged,
    InvitationQuota,
    PersonInvalid,
    RoomClosed,
    TokenError,
    WrongRoom,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, EcluseError)]


def test_the_map_is_not_empty() -> None:
    assert len(KINDS) > 25


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_public_text_of_its_own(kind: type[EcluseError]) -> None:
    told = vars(kind).get("__doc__")
    assert isinstance(told, str)
    assert told.strip().endswith((".", "Bearer."))
    assert "\n" not in told.strip()


def test_no_two_errors_say_the_same() -> None:
    assert len({kind.__doc__ for kind in KINDS}) == len(KINDS)


SPEAKING = (BadInput, InvitationQuota, PersonInvalid)
"""Those whose argument is meant for whoever asked: it says what was wrong with what they sent."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SPEAKING])
def test_what_goes_to_the_log_is_not_told_to_anybody(kind: type[EcluseError]) -> None:
    error = kind("10.1.2.3 refused the key hunter2")
    assert "hunter2" not in error.public
    assert "hunter2" in str(error)


def test_bad_input_says_what_was_wrong_with_it() -> None:
    assert BadInput("pace_per_minute: a number.").public.endswith("pace_per_minute: a number.")
    assert BadInput().public.endswith("again.")


@pytest.mark.parametrize("kind", [Forged, WrongRoom, Expired])
def test_every_refusal_of_a_proof_is_a_token_error(kind: type[EcluseError]) -> None:
    assert issubclass(kind, TokenError)


def test_what_may_come_back_by_itself_says_when() -> None:
    waits = {kind.__name__: kind.retry_after_seconds for kind in KINDS if kind.retry_after_seconds is not None}
    assert set(waits) == {
        "StoreAway", "OriginAway", "OriginBusy", "OriginSlow", "PersonKeyChanged", "RoomFull", "RoomClosed", "TooManyStreams",
        "TooManyTries", "VisitTooFast",
    }  # fmt: skip
    assert all(1 <= seconds <= 600 for seconds in waits.values())
    assert RoomClosed().retry_after_seconds == 300
