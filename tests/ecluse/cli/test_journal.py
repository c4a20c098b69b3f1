"""`ecluse journal show` and `verify`, against a gateway's answers and against kept files."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ecluse.domain.test_journal import chain

ENTRIES = chain(1203)


class Journal(BaseHTTPRequestHandler):
    """The journal, newest first, in pages."""

    def _serve(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        newest = ENTRIES[::-1]
        start = next((n + 1 for n, entry in enumerate(newest) if [entry["id"]] == asked.get("before")), 0)
        body = json.dumps({"entries": newest[start : start + int(asked["limit"][0])]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = _serve

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Journal)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ecluse(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ecluse", "journal", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_whole_journal_is_read_page_by_page_and_verified(url: str) -> None:
    done = ecluse("verify", "salle", "--url", url, "--key", "a-key-of-the-test")
    assert done.returncode == 0, done.stderr
    assert "✓ 1203 entries" in done.stdout
    assert ENTRIES[-1]["hash"] in done.stdout


def test_a_kept_file_is_verified_and_a_changed_line_in_it_is_told(url: str, tmp_path: Path) -> None:
    shown = ecluse("show", "salle", "--url", url, "--key", "a-key-of-the-test").stdout
    file = tmp_path / "journal.jsonl"
    file.write_text(shown, encoding="utf-8")
    assert ecluse("verify", "salle", "--file", str(file)).returncode == 0
    file.write_text(shown.replace("2026-11-23T09:07:00Z", "2026-11-23T09:06:59Z", 1), encoding="utf-8")
    done = ecluse("verify", "salle", "--file", str(file))
    assert done.returncode == 1
    assert "✗ 7-0: was changed after it was written" in done.stdout


def test_a_hash_noted_earlier_must_still_be_in_the_chain(url: str) -> None:
    common = ("verify", "salle", "--url", url, "--key", "a-key-of-the-test", "--head")
    assert ecluse(*common, ENTRIES[500]["hash"]).returncode == 0
    done = ecluse(*common, "0" * 64)
    assert done.returncode == 1
    assert "the journal was cut, or begun anew" in done.stdout


def test_what_is_no_journal_is_refused_plainly(tmp_path: Path) -> None:
    file = tmp_path / "x"
    for text in ("not json", "[1, 2]"):
        file.write_text(text, encoding="utf-8")
        done = ecluse("verify", "salle", "--file", str(file))
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    assert "cannot read" in ecluse("verify", "salle", "--file", str(tmp_path / "absent")).stderr
