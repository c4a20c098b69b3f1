"""Checks BLS signatures over BLS12-381, 48-byte signatures in G1 under 96-byte keys in G2: drand's newer chains.

A signature S of message m under the key K is genuine if e(S, generator) = e(hash(m), K) for the pairing e
(draft-irtf-cfrg-bls-signature, section 2.7). Only checking, so nothing is secret and nothing runs in constant time.
It is written out because the libraries for it are either compiled or say of themselves that they are experiments; the
tests hold it against published vectors of RFC 9380 and published rounds of drand.
"""

from functools import cache

from ecluse.domain.hash_to_g1 import B, P, Point, hash_to_g1, root, times

Fp2 = tuple[int, int]
"""a + b·i with i² = -1."""
_Point2 = tuple[Fp2, Fp2] | None
_Fp12 = list[Fp2]
"""Six coefficients of powers of w, with w⁶ = 1 + i."""

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_LOOP = 0xD201000000010000
_B2: Fp2 = (B, B)
_ONE: _Fp12 = [(1, 0), *[(0, 0)] * 5]
_GENERATOR = (
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)
_COMPRESSED, _INFINITE, _LARGER = 0x80, 0x40, 0x20


def signed(public_key: bytes, message: bytes, signature: bytes, tag: bytes) -> bool:
    """Whether the signature is genuine; `tag` is the scheme's domain separation. Takes about half a second.

    Raises ValueError for a public key that is none; a malformed signature is simply not genuine.
    """
    key = _key(public_key)
    try:
        point = read_g1(signature)
    except ValueError:
        return False
    hashed = hash_to_g1(message, tag)
    if point is None or hashed is None:
        return False
    opposite = (point[0], P - point[1])
    product = _times12(_miller(opposite, _key(bytes.fromhex(_GENERATOR))), _miller(hashed, key))
    return _pairs_to_one(product)


def read_g1(raw: bytes) -> Point:
    """A compressed point of G1, in the form of ZCash and every BLS library. Raises ValueError for anything else."""
    flags, x = _opened(raw, 48)
    if flags & _INFINITE:
        if x or flags & _LARGER:
            raise ValueError("a point at infinity with coordinates")
        return None
    y = root(x**3 + B)
    if x >= P or y is None:
        raise ValueError("no point of the curve")
    point = (x, y if bool(flags & _LARGER) == (y > P // 2) else P - y)
    if times(ORDER, point) is not None:
        raise ValueError("a point outside the group")
    return point


@cache
def _key(raw: bytes) -> tuple[Fp2, Fp2]:
    """A compressed point of G2 that is not at infinity: a public key. Raises ValueError for anything else."""
    flags, both = _opened(raw, 96)
    i_part, real = divmod(both, 1 << 384)
    x = (real, i_part)
    y = _root2(_plus2(_times2(x, _times2(x, x)), _B2))
    if flags & _INFINITE or max(x) >= P or y is None:
        raise ValueError("no public key: not a point of the curve")
    larger = (y[1] or y[0]) > P // 2
    point = (x, y if bool(flags & _LARGER) == larger else _minus2((0, 0), y))
    if _multiple2(ORDER, point) is not None:
        raise ValueError("no public key: a point outside the group")
    return point


def _opened(raw: bytes, length: int) -> tuple[int, int]:
    """The three flags, and the number below them."""
    if len(raw) != length or not raw[0] & _COMPRESSED:
        raise ValueError(f"not a compressed point of {length} bytes")
    return raw[0] & 0xE0, int.from_bytes(bytes([raw[0] & 0x1F]) + raw[1:], "big")


def _plus2(left: Fp2, right: Fp2) -> Fp2:
    return (left[0] + right[0]) % P, (left[1] + right[1]) % P


def _minus2(left: Fp2, right: Fp2) -> Fp2:
    return (left[0] - right[0]) % P, (left[1] - right[1]) % P


def _times2(left: Fp2, right: Fp2) -> Fp2:
    (a, b), (c, d) = left, right
    return (a * c - b * d) % P, (a * d + b * c) % P


def _over2(above: Fp2, below: Fp2) -> Fp2:
    a, b = below
    inverse = pow(a * a + b * b, -1, P)
    return _times2(above, (a * inverse, -b * inverse))


def _root2(square: Fp2) -> Fp2 | None:
    """A square root in Fp2, by way of the norm; None where there is none."""
    a, b = square
    norm = root(a * a + b * b)
    if norm is None:
        return None
    half = pow(2, -1, P)
    real = root((a + norm) * half) or root((a - norm) * half)
    found = (real, b * half * pow(real, -1, P) % P) if real else (0, root(-a) or 0)
    return found if _times2(found, found) == (a % P, b % P) else None


def _slope2(left: tuple[Fp2, Fp2], right: tuple[Fp2, Fp2]) -> Fp2 | None:
    """The slope of the line through two points, or of the tangent; None where it is vertical."""
    (x1, y1), (x2, y2) = left, right
    if x1 != x2:
        return _over2(_minus2(y2, y1), _minus2(x2, x1))
    if y1 != y2 or y1 == (0, 0):
        return None
    return _over2(_times2((3, 0), _times2(x1, x1)), _plus2(y1, y1))


def _third2(slope: Fp2, left: tuple[Fp2, Fp2], right: tuple[Fp2, Fp2]) -> tuple[Fp2, Fp2]:
    """The sum of two points, by the slope of their line."""
    x = _minus2(_minus2(_times2(slope, slope), left[0]), right[0])
    return x, _minus2(_times2(slope, _minus2(left[0], x)), left[1])


def _multiple2(factor: int, point: tuple[Fp2, Fp2]) -> _Point2:
    total: _Point2 = None
    for bit in bin(factor)[2:]:
        for other in (total, point if bit == "1" else None):
            if total is None or other is None:
                total = total or other
            else:
                slope = _slope2(total, other)
                total = None if slope is None else _third2(slope, total, other)
    return total


def _miller(point: tuple[int, int], key: tuple[Fp2, Fp2]) -> _Fp12:
    """The Miller loop of the ate pairing, for points of the groups.

    The loop's parameter is negative; leaving its sign out inverts every pairing, which no product of 1 notices.
    """
    value, at = _ONE, key
    for bit in bin(_LOOP)[3:]:
        value = _times12(value, value)
        for other in (at, key) if bit == "1" else (at,):
            slope = _slope2(at, other)
            assert slope is not None  # the multiples of a point of prime order meet only after that many
            value = _times12(value, _line(slope, at, point))
            at = _third2(slope, at, other)
    return value


def _line(slope: Fp2, at: tuple[Fp2, Fp2], point: tuple[int, int]) -> _Fp12:
    """The line of this slope through `at`, on the curve over Fp12, taken at `point`; times w³, which the end removes.

    A point (x, y) of G2's curve stands for (x/w², y/w³), so the line is y_P w³ - slope x_P w² + (slope x - y).
    """
    x, y = point
    return [
        _minus2(_times2(slope, at[0]), at[1]), (0, 0), _times2(slope, (-x, 0)), (y, 0), (0, 0), (0, 0),
    ]  # fmt: skip


def _pairs_to_one(value: _Fp12) -> bool:
    """Whether the final exponentiation, to (p⁶-1)(p²+1)(p⁴-p²+1)/ORDER, gives 1.

    The p²-th power scales the coefficients; the p⁶-th turns the signs of the odd ones, so the first factor is a look.
    """
    scale = pow(2, (P - 1) // 6, P)  # (1 + i) to (p²-1)/6, by its norm
    squared = [_times2(each, (pow(scale, k, P), 0)) for k, each in enumerate(value)]
    raised = _power12(_times12(squared, value), (P**4 - P**2 + 1) // ORDER)
    return all(each == (0, 0) for each in raised[1::2])


def _times12(left: _Fp12, right: _Fp12) -> _Fp12:
    real, imaginary = [0] * 11, [0] * 11
    for i, (a, b) in enumerate(left):
        if a or b:
            for j, (c, d) in enumerate(right):
                real[i + j] += a * c - b * d
                imaginary[i + j] += a * d + b * c
    for k in range(6, 11):  # w⁶ = 1 + i
        real[k - 6] += real[k] - imaginary[k]
        imaginary[k - 6] += real[k] + imaginary[k]
    return [(real[k] % P, imaginary[k] % P) for k in range(6)]


def _power12(base: _Fp12, exponent: int) -> _Fp12:
    value = _ONE
    for bit in bin(exponent)[2:]:
        value = _times12(value, value)
        if bit == "1":
            value = _times12(value, base)
    return value
