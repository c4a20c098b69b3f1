"""Moulds: holes are filled escaped, every time, and never forgotten."""

import pytest

from gateway.page_mould import Mould, hole, without_marks


def test_every_hole_is_filled_escaped_wherever_it_stands() -> None:
    mould = Mould(f"{hole('a')}-{hole('b')}-{hole('a')}")
    assert mould.fill({"a": "<é>", "b": 2, "unused": 3}) == "&lt;é&gt;-2-&lt;é&gt;".encode()
    assert mould.fill({"a": "x", "b": "y"}) == b"x-y-x"


def test_a_mould_without_holes_is_itself() -> None:
    assert Mould("plain").fill({}) == b"plain"


def test_a_hole_without_a_value_is_an_error_not_an_empty_page() -> None:
    with pytest.raises(KeyError, match="a"):
        Mould(hole("a")).fill({})


def test_written_text_cannot_make_a_hole() -> None:
    assert Mould(without_marks(hole("a"))).fill({}) == b"a\x03"
