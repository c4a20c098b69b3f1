"""Static files: whole, packed, and only the known ones."""

import gzip
import re

import brotli
import pytest

from gateway.page_files import read_static, takes_gzip, without_remarks
from gateway.pages import TEMPLATES

FILES = read_static(TEMPLATES / "static")


def test_static_files_come_whole_with_an_etag_for_each_form() -> None:
    file = FILES.get("css/ecluse.css")
    assert file is not None
    assert file.gzipped is not None
    assert file.brotli is not None
    source = (TEMPLATES / "static/css/ecluse.css").read_bytes()
    assert gzip.decompress(file.gzipped) == brotli.decompress(file.brotli) == file.content == without_remarks(source)
    assert file.content_type == b"text/css; charset=utf-8"
    assert re.fullmatch(rb'"[0-9a-f]{20}"', file.etag)
    assert file.gzip_etag != file.etag


@pytest.mark.parametrize("path", ["", "css", "css/", "../problem.html", "css/../css/ecluse.css", "/css/ecluse.css"])
def test_only_known_static_paths_are_served(path: str) -> None:
    assert FILES.get(path) is None


def test_a_browser_gets_the_smallest_form_it_takes_each_with_its_own_tag() -> None:
    file = FILES["css/ecluse.css"]
    forms = {accepted: file.best(accepted) for accepted in (b"gzip, deflate, br", b"gzip", b"", b"brother, gzip")}
    assert [encoding for _, _, encoding in forms.values()] == [b"br", b"gzip", None, b"gzip"]
    sizes = [len(content) for content, _, _ in forms.values()]
    assert sizes[0] < sizes[1] < sizes[2]
    assert len({tag for _, tag, _ in forms.values()}) == 3


@pytest.mark.parametrize(
    "accepted", [b"gzip", b"br;q=0, gzip", b"gzip;q=0.5", b"GZIP ; q=0.001,br;q=0", b"deflate,gzip;q=1"]
)
def test_gzip_is_sent_to_who_names_it(accepted: bytes) -> None:
    assert takes_gzip(accepted)


@pytest.mark.parametrize(
    "accepted", [b"", b"gzip;q=0", b"gzip; q=0.000, br;q=0", b"deflate, gzip ;q=0. ,x", b"x-gzip", b"gzipless"]
)
def test_gzip_is_not_sent_to_who_refuses_it_or_never_named_it(accepted: bytes) -> None:
    assert not takes_gzip(accepted)


def test_remarks_and_indentation_are_not_sent_and_nothing_else_is_lost() -> None:
    script = b"// why\n/** What. */\nconst a = 'http://x'; // kept\n  /*\n   * Long.\n   */\n  let b = '/* in a string */';\n"
    assert without_remarks(script) == b"const a = 'http://x'; // kept\nlet b = '/* in a string */';\n"
