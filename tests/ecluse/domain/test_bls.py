"""BLS signatures, against the vectors of RFC 9380 and what no honest signer sends."""

import pytest

from ecluse.beacon import QUICKNET
from ecluse.domain import bls
from ecluse.domain.hash_to_g1 import P, hash_to_g1, plus, times

TAG = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
GENERATOR = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
KEY = bytes.fromhex(QUICKNET.public_key)


@pytest.mark.parametrize(
    ("message", "x", "y"),
    [
        (
            b"",
            "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
            "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
        ),
        (
            b"abc",
            "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
            "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
        ),
        (
            b"abcdef0123456789",
            "11e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57a6a27200a784cbc248e84f357ce82d98",
            "03a87ae2caf14e8ee52e51fa2ed8eefe80f02457004ba4d486d6aa1f517c0889501dc7413753f9599b099ebcbbd2d709",
        ),
    ],
)
def test_hashing_to_the_curve_gives_the_points_of_rfc_9380(message: bytes, x: str, y: str) -> None:
    assert hash_to_g1(message, TAG) == (int(x, 16), int(y, 16))


def test_multiples_of_a_point_add_up_and_end_at_infinity() -> None:
    point = bls.read_g1(GENERATOR)
    assert plus(times(5, point), times(7, point)) == times(12, point)
    assert times(bls.ORDER, point) is None
    assert plus(times(bls.ORDER - 1, point), point) is None
    assert plus(None, point) == point == plus(point, None)


def test_the_two_signs_of_a_point_are_told_apart() -> None:
    x, y = bls.read_g1(GENERATOR) or (0, 0)
    flipped = bytes([GENERATOR[0] ^ 0x20]) + GENERATOR[1:]
    assert bls.read_g1(flipped) == (x, P - y)


def test_infinity_is_read_in_its_one_form() -> None:
    assert bls.read_g1(bytes([0xC0]) + bytes(47)) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        GENERATOR[:-1],
        GENERATOR + b"\0",
        bytes([GENERATOR[0] & 0x7F]) + GENERATOR[1:],  # said not to be compressed
        bytes([0xC0]) + bytes(46) + b"\1",
        bytes([0xE0]) + bytes(47),
        bytes([0x80]) + bytes(46) + b"\1",  # x = 1: x³ + 4 is no square
        bytes([0x80]) + bytes(47),  # (0, 2), on the curve, of order 3
        (P | 1 << 383).to_bytes(48, "big"),
    ],
    ids=lambda raw: f"{len(raw)}-{raw[:1].hex()}-{raw[-1:].hex()}",
)
def test_what_is_no_point_of_the_group_is_refused_and_signs_nothing(raw: bytes) -> None:
    with pytest.raises(ValueError):
        bls.read_g1(raw)
    assert not bls.signed(KEY, b"message", raw, TAG)


@pytest.mark.parametrize("raw", [b"", KEY[:-1], bytes(96), bytes([0xC0]) + bytes(95), KEY[:48] + bytes(48)])
def test_what_is_no_public_key_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"compressed|public key"):
        bls.signed(raw, b"message", GENERATOR, TAG)


def test_infinity_signs_nothing() -> None:
    assert not bls.signed(KEY, b"message", bytes([0xC0]) + bytes(47), TAG)


def test_a_key_of_the_curve_but_outside_the_group_is_refused() -> None:
    reasons = []
    for x in range(1, 40):
        try:
            bls.signed(bytes([0x80]) + bytes(94) + bytes([x]), b"message", GENERATOR, TAG)
        except ValueError as error:
            reasons.append(str(error).rpartition("a point ")[2])
    assert len(reasons) == 39
    assert "outside the group" in reasons
