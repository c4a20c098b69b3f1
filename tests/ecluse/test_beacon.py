"""The deciding value from drand: real rounds are taken, anything else is refused with its reason."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ecluse import beacon
from ecluse.beacon import QUICKNET
from ecluse.domain.draw import Kind
from ecluse.domain.errors import BadInput
from ecluse.ports import free_ports
from tests.ecluse.file_server import serving
from tests.vectors.make_draw import SIGNATURE

ROUNDS = {
    1000: SIGNATURE,
    657413: "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
}
"""Published rounds of quicknet."""
RANDOMNESS = {
    1000: "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    657413: "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587",
}


def answer(number: int = 1000, **changed: object) -> str:
    whole = {"round": number, "randomness": RANDOMNESS[number], "signature": ROUNDS[number], **changed}
    return json.dumps({name: each for name, each in whole.items() if each is not None})


@pytest.mark.parametrize("number", ROUNDS)
def test_a_published_round_is_genuine(number: int) -> None:
    found = beacon.read_round(answer(number), number)
    assert (found.number, found.randomness, found.signature) == (number, RANDOMNESS[number], ROUNDS[number])


def test_the_signature_of_one_round_is_not_that_of_another() -> None:
    assert not QUICKNET.signed(1001, bytes.fromhex(SIGNATURE))
    with pytest.raises(BadInput, match="not genuine"):
        beacon.read_round(answer(1000, round=1001), 1001)


def test_a_valid_point_that_is_no_signature_is_not_genuine() -> None:
    flipped = bytes([bytes.fromhex(SIGNATURE)[0] ^ 0x20]) + bytes.fromhex(SIGNATURE)[1:]
    made_up = answer(signature=flipped.hex(), randomness=sha256(flipped).hexdigest())
    with pytest.raises(BadInput, match="not genuine"):
        beacon.read_round(made_up, 1000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ("[]", "not an object"),
        (answer(round=None), "another round"),
        (answer(round=True), "another round"),
        (answer(round="1000"), "another round"),
        (answer(657413), "another round"),
        (answer(signature=None), "not in hex"),
        (answer(signature=SIGNATURE.upper()), "not in hex"),
        (answer(signature=7), "not in hex"),
        (answer(randomness=None), "64 hex"),
        (answer(randomness="0" * 63), "64 hex"),
        (answer(randomness="0" * 64), "not the SHA-256"),
        (answer(signature=ROUNDS[657413]), "not the SHA-256"),
    ],
)
def test_an_answer_that_is_not_the_round_is_refused_for_its_reason(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        beacon.read_round(text, 1000)


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (0, 1),
        (QUICKNET.genesis, 1),
        (QUICKNET.genesis + 0.001, 2),
        (QUICKNET.genesis + 3, 2),
        (QUICKNET.genesis + 3.5, 3),
    ],
)
def test_the_round_announced_is_the_first_at_or_after_the_time(at: float, number: int) -> None:
    assert QUICKNET.round_after(at) == number
    assert QUICKNET.time_of(number) >= at
    assert number == 1 or QUICKNET.time_of(number - 1) < at


def test_a_beacon_is_announced_without_its_value() -> None:
    found = beacon.announced(QUICKNET.time_of(1000))
    assert (found.kind, found.chain, found.round) == (Kind.DRAND, QUICKNET.hash, 1000)
    assert found.value is None


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[str]:
    """A relay on this machine that has round 1000 only, and talks too much about 657413."""
    folder = tmp_path / QUICKNET.hash / "public"
    folder.mkdir(parents=True)
    (folder / "1000").write_text(answer())
    (folder / "657413").write_text(answer(657413) + " " * 5000)
    with serving(tmp_path) as address:
        yield address


def nobody() -> str:
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def test_the_next_relay_is_asked_where_one_is_away(relay: str) -> None:
    assert beacon.fetch_round(1000, endpoints=[nobody(), relay + "/"]).randomness == RANDOMNESS[1000]


def test_a_round_that_nobody_has_is_not_there(relay: str) -> None:
    with pytest.raises(OSError, match="404"):
        beacon.fetch_round(1001, endpoints=[relay])
    with pytest.raises(OSError, match="refused"):
        beacon.fetch_round(1000, endpoints=[nobody()])
    with pytest.raises(OSError, match="no relay"):
        beacon.fetch_round(1000, endpoints=[])


def test_an_endless_answer_is_not_read_to_its_end(relay: str) -> None:
    with pytest.raises(BadInput, match="too long"):
        beacon.fetch_round(657413, endpoints=[relay])


def test_only_the_web_is_asked() -> None:
    with pytest.raises(BadInput, match="http"):
        beacon.fetch_round(1000, endpoints=["file:///etc"])
