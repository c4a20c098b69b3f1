"""The code of a place: said, heard and typed without mistake, or the mistake is noticed."""

from hypothesis import given
from hypothesis import strategies as st

from ecluse.codes import PlaceCodes
from ecluse.domain.code import ALPHABET, BITS, code_of, grouped, read_code
from ecluse.tokens import SigningKey, new_id

numbers = st.integers(0, 2**BITS - 1)


@given(numbers)
def test_a_code_is_read_as_it_was_written_whatever_case_spaces_and_hyphens(number: int) -> None:
    code = code_of(number)
    assert len(code) == 12
    for text in (code, grouped(code), grouped(code).lower(), " ".join(code), code.replace("0", "o").replace("1", "l")):
        assert read_code(text) == code


@given(numbers, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_every_single_wrong_symbol_is_noticed(number: int, at: int, symbol: str) -> None:
    code = code_of(number)
    wrong = code[:at] + symbol + code[at + 1 :]
    assert read_code(wrong) == (code if wrong == code else None)


def test_what_is_no_code_is_none() -> None:
    assert [read_code(text) for text in ("", "ABC", "U" * 12, "é" * 12, "0" * 13, "0" * 5000)] == [None] * 6


def test_each_place_has_one_code_that_nobody_without_the_key_can_tell() -> None:
    old, new = SigningKey.from_secret("an old key of this test"), SigningKey.from_secret("a new key of this test")
    codes, rotated = PlaceCodes([old]), PlaceCodes([new, old])
    ids = [new_id() for _ in range(500)]
    assert len({codes.of("salle", name) for name in ids}) == 500
    assert codes.of("salle", ids[0]) == PlaceCodes([old]).of("salle", ids[0])
    assert codes.of("salle", ids[0]) not in (rotated.of("salle", ids[0]), codes.of("autre", ids[0]))
    code = codes.of("salle", ids[0])
    assert codes.names("salle", code)[0] in rotated.names("salle", code)
    assert codes.names("autre", code) != codes.names("salle", code)
    assert code not in "".join(codes.names("salle", code))
