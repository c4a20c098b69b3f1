"""Moulds: holes are filled escaped, every time, and never forgotten."""

import gzip
import zlib

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


@pytest.mark.parametrize(
    "between", ["", "short", "a solid part that is long enough to be packed once and for all " * 3]
)
def test_a_casting_packs_the_same_page_that_it_fills(between: str) -> None:
    casting = Mould(f"{hole('to')}{between}<b>{hole('id')}</b>{between}{hole('to')}é{hole('id')}").poured(
        {"to": "/?a&b"}
    )
    for name in ("", "AbC", "<&é>" * 50):
        page = casting.fill({"id": name})
        assert page.startswith(b"/?a&amp;b")
        assert casting.fill_packed({"id": name}) != page
        assert gzip.decompress(casting.fill_packed({"id": name})) == page


def test_a_casting_without_holes_is_packed_too() -> None:
    assert gzip.decompress(Mould("plain").poured({}).fill_packed({})) == b"plain"


def test_what_is_poured_cannot_make_a_hole() -> None:
    assert Mould(f"{hole('to')}-{hole('id')}").poured({"to": hole("id")}).fill({"id": "x"}) == b"id\x03-x"


def test_a_damaged_page_is_noticed_by_whoever_unpacks_it() -> None:
    packed = bytearray(Mould(f"<p>{hole('id')}</p>").poured({}).fill_packed({"id": "AbC"}))
    packed[packed.index(b"AbC")] ^= 1
    with pytest.raises((gzip.BadGzipFile, zlib.error), match="CRC"):
        gzip.decompress(bytes(packed))
