"""Static files: whole, packed, and only the known ones."""

import gzip
import re

import pytest

from gateway.page_files import read_static
from gateway.pages import TEMPLATES

FILES = read_static(TEMPLATES / "static")


def test_static_files_come_whole_with_an_etag_for_each_form() -> None:
    file = FILES.get("css/ecluse.css")
    assert file is not None
    assert file.gzipped is not None
    assert gzip.decompress(file.gzipped) == file.content == (TEMPLATES / "static/css/ecluse.css").read_bytes()
    assert file.content_type == b"text/css; charset=utf-8"
    assert re.fullmatch(rb'"[0-9a-f]{20}"', file.etag)
    assert file.gzip_etag != file.etag


@pytest.mark.parametrize("path", ["", "css", "css/", "../problem.html", "css/../css/ecluse.css", "/css/ecluse.css"])
def test_only_known_static_paths_are_served(path: str) -> None:
    assert FILES.get(path) is None
