"""Numbers read kindly and strictly; digests that are the same only where they must be; patterns that cost little."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain.person import Fault, PersonKind, Unreadable, normalised, pattern_mistake, person_digest

PERMIT, PASSPORT, PATTERN = PersonKind
SECRET = b"a person key for the tests of the domain"


@pytest.mark.parametrize(
    "typed",
    [
        "9903123456",
        " 99 03 12 34 56 ",
        "9903-123456",
        "99.03.12.34.56",
        "٩٩٠٣١٢٣٤٥٦",
        "９９０３１２３４５６",
        "99–03—123456",
        "9903\u00a0123456\u200e",
    ],
)
def test_one_number_has_one_spelling_however_it_is_typed(typed: str) -> None:
    assert normalised(typed, PERMIT) == "9903123456"


@pytest.mark.parametrize(
    ("typed", "kind", "fault"),
    [
        ("", PERMIT, Fault.EMPTY), (" - ", PERMIT, Fault.EMPTY), ("9" * 41, PERMIT, Fault.LONG), ("990312345", PERMIT, Fault.DIGITS),
        ("99031234567", PERMIT, Fault.DIGITS), ("990312345A", PERMIT, Fault.DIGITS), ("990312345é", PERMIT, Fault.SIGNS), ("٩٩٠٣²", PERMIT, Fault.DIGITS),
        ("ABCDEF", PASSPORT, Fault.FORM), ("12345", PASSPORT, Fault.FORM), ("1" * 13, PASSPORT, Fault.FORM), ("12AB\x0034", PASSPORT, Fault.SIGNS),
        ("12АВ3456", PASSPORT, Fault.SIGNS), ("9903123456\n1", PERMIT, Fault.DIGITS),
    ],
)  # fmt: skip
def test_what_cannot_be_the_number_is_told_why(typed: str, kind: PersonKind, fault: Fault) -> None:
    with pytest.raises(Unreadable) as refused:
        normalised(typed, kind)
    assert refused.value.fault is fault
    assert str(refused.value)


def test_passports_are_read_in_capitals() -> None:
    assert normalised("20 fv-12345", PASSPORT) == "20FV12345"


def test_a_pattern_is_for_the_whole_number() -> None:
    assert normalised("ab-12", PATTERN, "[A-Z]{2}[0-9]{2}") == "AB12"
    for wrong in ("ab123", "xab12", "ab1"):
        with pytest.raises(Unreadable):
            normalised(wrong, PATTERN, "[A-Z]{2}[0-9]{2}")
    with pytest.raises(Unreadable):
        normalised("ab12x", PATTERN, "AB12|Z")


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    for kind in (PERMIT, PASSPORT):
        try:
            plain = normalised(typed, kind)
        except Unreadable:
            continue
        assert re.fullmatch("[A-Z0-9]{6,12}", plain)
        assert normalised(plain, kind) == plain


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "x" * 201,
        "(",
        "(a+)+",
        "(a|aa)+",
        "(?:a*){20}",
        "a*a*a*a*a*",
        "(a)\\1",
        "(?=a)a",
        "(?<!a)b",
        "(A|[A]){40}",
        "(a{1,9}){1,9}",
        "(?>a+)b",
        "a++b",
    ],
)
def test_a_pattern_that_could_keep_the_gate_busy_is_refused(pattern: str) -> None:
    assert pattern_mistake(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{10}",
        "[0-9]{10}|[A-Z]{2}[0-9]{7}",
        "FR[0-9]{6,12}(?:AB)?",
        "[A-Z]+[0-9]+",
        "([0-9]{3}){3}",
        "^X[0-9]+$",
        ".*[0-9].*",
    ],
)
def test_an_ordinary_pattern_is_taken_and_costs_next_to_nothing(pattern: str) -> None:
    assert pattern_mistake(pattern) is None
    started = time.process_time()
    for worst in ("0" * 40, "A" * 40, "A0" * 20):
        re.fullmatch(pattern, worst)
    assert time.process_time() - started < 5


def test_a_digest_is_the_same_for_one_number_in_one_campaign_of_one_room_under_one_key() -> None:
    one = person_digest(SECRET, "salle", 1_800_000_000_000, "9903123456")
    assert one == person_digest(SECRET, "salle", 1_800_000_000_000, "9903123456")
    others = {
        person_digest(SECRET, "autre", 1_800_000_000_000, "9903123456"), person_digest(SECRET, "salle", 0, "9903123456"),
        person_digest(SECRET, "salle", 1_800_000_000_000, "9903123457"), person_digest(SECRET + b"!", "salle", 1_800_000_000_000, "9903123456"),
    }  # fmt: skip
    assert len(others | {one}) == 5
    assert re.fullmatch("1800000000000-[A-Za-z0-9_-]{22}", one)
    assert "9903123456" not in one
