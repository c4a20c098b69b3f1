"""The short code of a place: what a person can read aloud, copy from paper and type on a phone. Pure.

Eleven symbols of Crockford's base 32 (no I, L, O or U) carry 55 bits; a twelfth checks them (Luhn's method modulo 32:
every single wrong symbol is noticed). Written in three groups of four.
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BITS = 55
_SYMBOLS = BITS // 5
_LIKE = str.maketrans("OIL", "011")
_BETWEEN = str.maketrans("", "", " -\u2010\u2011\u2013\u00a0\u202f.")


def code_of(number: int) -> str:
    """The code that spells a number of BITS bits."""
    symbols = "".join(ALPHABET[number >> 5 * at & 31] for at in reversed(range(_SYMBOLS)))
    return symbols + _check(symbols)


def read_code(text: str) -> str | None:
    """The code somebody typed, in its one spelling, or None if a symbol must be wrong.

    Case, spaces and hyphens do not matter; the letters O, I and L are read as the digits they look like.
    """
    if len(text) > 40:
        return None
    symbols = text.translate(_BETWEEN).upper().translate(_LIKE)
    if len(symbols) != _SYMBOLS + 1 or not set(symbols) <= set(ALPHABET):
        return None
    return symbols if _check(symbols[:-1]) == symbols[-1] else None


def grouped(code: str) -> str:
    """A code as people read it: 7K3M-QX2P-9TC4."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def _check(symbols: str) -> str:
    total = 0
    for at, symbol in enumerate(reversed(symbols)):
        weighed = ALPHABET.index(symbol) * (2 - at % 2)
        total += weighed // 32 + weighed % 32
    return ALPHABET[-total % 32]
