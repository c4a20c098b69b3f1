"""pass.json against our own code and against PyJWT, an implementation that shares none of it."""

import json
import time
from typing import Any

import jwt
import pytest

from ecluse.clock import ManualClock
from ecluse.domain.errors import Expired, Forged, WrongRoom
from ecluse.tokens import Pass, PassSigner, SigningKey
from tests.vectors import make

VECTORS: dict[str, Any] = json.loads(make.FILE.read_text(encoding="utf-8"))
REASONS = {"forged": Forged, "wrong-room": WrongRoom, "expired": Expired}
valid = pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["about"])
invalid = pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["about"])


@pytest.fixture
def signer() -> PassSigner:
    return PassSigner([SigningKey.from_secret(VECTORS["secret"])], clock=ManualClock(VECTORS["now"]))


def by_pyjwt(token: str) -> dict[str, Any]:
    """The claims as PyJWT verifies them, all but the times, which it compares with the real clock."""
    found: dict[str, Any] = jwt.decode(
        token, VECTORS["secret"], algorithms=["HS256"], audience=VECTORS["room"], issuer="ecluse",
        options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    return found


def test_the_committed_file_is_what_the_script_writes() -> None:
    assert make.FILE.read_text(encoding="utf-8") == make.text()


@valid
def test_we_read_every_valid_pass(vector: dict[str, Any], signer: PassSigner) -> None:
    claims = vector["claims"]
    granted = signer.read(vector["token"], VECTORS["room"])
    assert granted == Pass(
        room=claims["aud"], session=claims["sub"], lane=claims["lane"], issued_at=claims["iat"],
        expires_at=claims["exp"], person=claims.get("person"),
    )  # fmt: skip


@valid
def test_we_sign_every_valid_pass_to_the_byte(vector: dict[str, Any], signer: PassSigner) -> None:
    assert signer.sign(signer.read(vector["token"], VECTORS["room"])) == vector["token"]


@valid
def test_pyjwt_reads_every_valid_pass(vector: dict[str, Any]) -> None:
    assert jwt.get_unverified_header(vector["token"]) == vector["header"]
    assert by_pyjwt(vector["token"]) == vector["claims"]


@invalid
def test_we_refuse_every_invalid_pass_for_its_reason(vector: dict[str, Any], signer: PassSigner) -> None:
    with pytest.raises(REASONS[vector["reason"]]):
        signer.read(vector["token"], VECTORS["room"])


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS["invalid"] if vector["reason"] == "wrong-room" or "key" in vector["about"]
               or "signature" in vector["about"] or "algorithm" in vector["about"] or "somebody" in vector["about"]],
    ids=lambda vector: vector["about"],
)  # fmt: skip
def test_pyjwt_refuses_what_is_forged_or_for_another_room(vector: dict[str, Any]) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        by_pyjwt(vector["token"])


def test_pyjwt_refuses_what_is_expired_by_the_real_clock() -> None:
    now = int(time.time())
    key = VECTORS["secret"]
    for expires_in, taken in ((60, True), (-60, False)):
        granted = Pass(room="r", session="s", lane="main", issued_at=now - 120, expires_at=now + expires_in)
        token = PassSigner([SigningKey.from_secret(key)]).sign(granted)
        if taken:
            assert jwt.decode(token, key, algorithms=["HS256"], audience="r")["sub"] == "s"
        else:
            with pytest.raises(jwt.ExpiredSignatureError):
                jwt.decode(token, key, algorithms=["HS256"], audience="r")


@pytest.mark.parametrize("vector", VECTORS["strict"], ids=lambda vector: vector["about"][:30])
def test_we_refuse_every_other_spelling_of_a_signature(vector: dict[str, Any], signer: PassSigner) -> None:
    with pytest.raises(Forged):
        signer.read(vector["token"], VECTORS["room"])


def test_the_name_of_the_key_is_made_as_documented() -> None:
    assert SigningKey.from_secret(VECTORS["secret"]).kid == make.kid(VECTORS["secret"]) == VECTORS["kid"]
