"""Ed25519 keys: who has only the public half verifies and cannot mint; a key is what its PEM says, or a clear mistake."""

import hmac
import sys
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ecluse import signing
from ecluse.clock import ManualClock
from ecluse.domain.errors import Expired, Forged, WrongRoom
from ecluse.settings import ConfigurationError, parse, secrets
from ecluse.signing import SigningKey, b64
from ecluse.tokens import Pass, PassSigner, Ticket, TicketSigner, new_id

NOW = 1_800_000_000
GRANTED = Pass(room="salle", session="AbCdEfGhI_-", lane="main", issued_at=NOW, expires_at=NOW + 60)
# The keys of RFC 8032 §7.1, test 1, and RFC 8037 appendix A, which are the same.
RFC_PRIVATE = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")


def pem(private: Ed25519PrivateKey) -> tuple[str, str]:
    """Private and public half, as openssl writes them."""
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


PRIVATE, PUBLIC = pem(Ed25519PrivateKey.from_private_bytes(RFC_PRIVATE))


def signer(*keys: str) -> PassSigner:
    return PassSigner([SigningKey.from_secret(key) for key in keys], clock=ManualClock(NOW + 1))


def test_the_public_key_and_its_name_are_those_of_the_rfc() -> None:
    public = SigningKey.from_secret(PRIVATE).public
    assert public is not None
    assert public["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert public["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert SigningKey.from_secret(PUBLIC).public == public
    assert SigningKey.from_secret("a shared secret, long enough").public is None


def test_who_has_the_public_key_verifies_and_cannot_mint() -> None:
    token = signer(PRIVATE).sign(GRANTED)
    assert signer(PUBLIC).read(token, "salle") == GRANTED
    with pytest.raises(ValueError, match="signs nothing"):
        signer(PUBLIC).sign(GRANTED)
    with pytest.raises(ValueError, match="public key"):
        TicketSigner([SigningKey.from_secret(PUBLIC)])


def test_another_library_reads_it() -> None:
    token = signer(PRIVATE).sign(GRANTED)
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(token, PUBLIC, algorithms=["EdDSA"], audience="salle", issuer="ecluse", options=options)
    assert claims["sub"] == GRANTED.session
    by_set = jwt.PyJWK(SigningKey.from_secret(PRIVATE).public or {})
    assert jwt.decode(token, by_set, algorithms=["EdDSA"], audience="salle", options=options) == claims


def test_no_altered_re_spelt_or_foreign_pass_is_taken() -> None:
    token = signer(PRIVATE).sign(GRANTED)
    reader = signer(PUBLIC)
    for at in range(0, len(token), 3):
        with pytest.raises(Forged):
            reader.read(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :], "salle")
    other, _ = pem(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    wrong = [
        signer(other).sign(GRANTED),
        signer("a shared secret, long enough").sign(GRANTED),
        token + "=", token[:-1], token.rpartition(".")[0] + ".", token + "A",
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(Forged):
            reader.read(text, "salle")
    with pytest.raises(WrongRoom):
        reader.read(token, "autre")
    with pytest.raises(Expired):
        PassSigner([SigningKey.from_secret(PUBLIC)], clock=ManualClock(NOW + 60)).read(token, "salle")


def test_the_public_key_is_no_shared_secret_for_a_forger() -> None:
    """The classic confusion: an HMAC under the bytes of the public key, named as that key."""
    genuine = signer(PRIVATE).sign(GRANTED)
    _, claims, _ = genuine.split(".")
    kid = SigningKey.from_secret(PUBLIC).kid
    head = b64(f'{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}'.encode()).decode()
    for secret in (PUBLIC.encode(), SigningKey.from_secret(PUBLIC).secret, b"-"):
        for header in (head, genuine.partition(".")[0]):
            body = f"{header}.{claims}"
            forged = b64(hmac.digest(secret, body.encode(), "sha256")).decode()
            with pytest.raises(Forged):
                signer(PUBLIC).read(f"{body}.{forged}", "salle")


def test_both_kinds_of_key_stand_in_one_list_and_tickets_go_on() -> None:
    shared = "a shared secret, long enough"
    old, new = signer(shared).sign(GRANTED), signer(PRIVATE).sign(GRANTED)
    both = signer(PRIVATE, shared)
    assert both.read(old, "salle") == both.read(new, "salle") == GRANTED
    ticket = Ticket(room="salle", lane="main", id=new_id(), number=7, epoch="epoch-01", issued_at=NOW)
    tickets = TicketSigner([SigningKey.from_secret(PRIVATE), SigningKey.from_secret(shared)], clock=ManualClock(NOW))
    assert tickets.read(tickets.sign(ticket), "salle") == ticket


def test_every_wrong_key_is_a_mistake_of_the_configuration_with_its_place() -> None:
    curve = generate_private_key(SECP256R1())
    other = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    table = {
        "signing_keys": ["env:A", "env:B"],
        "room": [{"id": "salle", "origin": "http://127.0.0.1:9", "origin_key": "env:C"}],
    }
    environ = {"A": other, "B": PUBLIC, "C": "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"}
    with pytest.raises(ConfigurationError) as caught:
        secrets(parse(table, environ), environ)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [
        "signing_keys[0]", "signing_keys[1]", "room[0].origin_key",
    ]  # fmt: skip
    assert "openssl genpkey -algorithm ed25519" in caught.value.mistakes[0]
    assert "name the private one" in caught.value.mistakes[1]
    assert "nonsense" not in str(caught.value)


def test_without_the_library_a_key_in_pem_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match="eddsa"):
        SigningKey.from_secret(PRIVATE)


@pytest.mark.parametrize("length", [1, 32, 63, 64, 65, 200])
def test_a_signature_is_the_hmac_of_the_standard_library_for_keys_of_any_length(length: int) -> None:
    secret = bytes(range(length))
    kept = signing.signer(secret)
    for body in (b"", b"body", b"x" * 1000, b"body"):
        assert kept.get_signature(body) == b64(hmac.digest(secret, body, "sha256"))


def test_an_algorithm_that_is_given_another_key_signs_under_that_one() -> None:
    algorithm = signing.signer(b"first").algorithm
    for secret in (b"first", b"second", b"first"):
        assert algorithm.get_signature(secret, b"body") == hmac.digest(secret, b"body", "sha256")
