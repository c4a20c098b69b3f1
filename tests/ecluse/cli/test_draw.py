"""`ecluse draw`."""

import csv
import io
import json
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ecluse.domain import merkle
from ecluse.domain.draw import Beacon, Kind, Record, commitment
from tests.ecluse import relay
from tests.ecluse.cli.commands import ecluse
from tests.ecluse.file_server import serving
from tests.vectors.make_draw import FILE

DRAWS: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["draws"]
DRAND = DRAWS[2]


def published(folder: Path, vector: dict[str, Any], **changed: object) -> Path:
    """The two files as a gateway serves them."""
    (folder / "draw").mkdir(parents=True)
    (folder / "draw" / "tickets.txt").write_text("".join(f"{each}\n" for each in vector["tickets"]))
    (folder / "draw.json").write_text(json.dumps({**vector["record"], **changed}))
    return folder / "draw.json"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server of `tmp_path`."""
    with serving(tmp_path) as address:
        yield address


def test_a_secret_is_kept_and_its_commitment_printed(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    ended = ecluse("draw", "commit", str(file))
    assert ended.returncode == 0, ended.stderr
    secret = bytes.fromhex(file.read_text())
    assert ended.stdout.strip() == sha256(secret).hexdigest() == commitment(secret)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = ecluse("draw", "commit", str(file))
    assert again.returncode == 2
    assert bytes.fromhex(file.read_text()) == secret
    assert ecluse("draw", "commit", str(tmp_path / "nowhere" / "secret")).returncode == 1


@pytest.mark.parametrize("vector", DRAWS, ids=lambda each: f"{each['record']['beacon']['kind']}-{len(each['tickets'])}")
def test_the_line_is_recomputed(vector: dict[str, Any], tmp_path: Path) -> None:
    record = published(tmp_path, vector)
    ended = ecluse("draw", "run", "--record", str(record), "--tickets", str(tmp_path / "draw" / "tickets.txt"))
    assert ended.returncode == 0, ended.stderr
    head, *rows = csv.reader(io.StringIO(ended.stdout))
    assert head == ["rank", "ticket", "place"]
    places = dict(zip(vector["tickets"], vector["places"], strict=True))
    assert [row[1] for row in rows] == vector["line"]
    assert [(int(rank), float(place)) for rank, _, place in rows] == [
        (i, places[each]) for i, each in enumerate(vector["line"], 1)
    ]


def test_no_line_is_computed_from_a_record_that_does_not_hold(tmp_path: Path) -> None:
    record = published(tmp_path, DRAND, root="0" * 64)
    ended = ecluse("draw", "run", "--record", str(record), "--tickets", str(tmp_path / "draw" / "tickets.txt"))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "root" in ended.stderr


def test_there_is_no_line_before_the_draw(tmp_path: Path) -> None:
    early = Record(room="evry", beacon=Beacon(kind=Kind.OPERATOR)).to_document()
    record = published(tmp_path, {"record": early, "tickets": []})
    ended = ecluse("draw", "run", "--record", str(record), "--tickets", str(tmp_path / "draw" / "tickets.txt"))
    assert ended.returncode == 1
    assert "not drawn" in ended.stderr
    seen = ecluse("draw", "verify", str(record))
    assert seen.returncode == 0
    assert "? seed" in seen.stdout


@pytest.mark.parametrize("path", ["/evry", "/evry/", "/evry/draw.json"])
def test_a_published_draw_is_verified_from_the_outside(path: str, site: str, tmp_path: Path) -> None:
    published(tmp_path / "evry", DRAND)
    ticket = DRAND["tickets"][42]
    ended = ecluse("draw", "verify", site + path, "--ticket", ticket)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for claim in ("count", "root", "beacon time", "beacon value", "beacon signature", "seed", "your ticket"):
        assert f"\n✓ {claim} " in ended.stdout
    assert f"{DRAND['line'].index(ticket) + 1} of 100," in ended.stdout
    assert "\n? every ticket is a person " in ended.stdout
    assert "✗" not in ended.stdout


def test_a_draw_that_does_not_hold_says_where_and_fails(tmp_path: Path) -> None:
    beacon = {**DRAND["record"]["beacon"], "round": 1001}
    ended = ecluse("draw", "verify", str(published(tmp_path, DRAND, beacon=beacon)))
    assert ended.returncode == 1
    assert "✗ beacon signature" in ended.stdout
    assert "✓ root" in ended.stdout
    assert "does NOT hold" in ended.stdout


def test_a_ticket_left_out_of_the_list_fails(tmp_path: Path) -> None:
    ended = ecluse("draw", "verify", str(published(tmp_path, DRAND)), "--ticket", "left-out")
    assert ended.returncode == 1
    assert "✗ your ticket" in ended.stdout


def test_the_list_may_be_elsewhere(tmp_path: Path) -> None:
    record = published(tmp_path, DRAND)
    elsewhere = (tmp_path / "draw" / "tickets.txt").rename(tmp_path / "list")
    assert ecluse("draw", "verify", str(record), "--tickets", str(elsewhere)).returncode == 0
    assert ecluse("draw", "verify", str(record)).returncode == 1
    elsewhere.rename(tmp_path / "tickets.txt")
    assert ecluse("draw", "verify", str(record)).returncode == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"<html>", "no JSON"), (b"[" * 100_000, "no JSON"), (b"{}", "no record"), (b"\xff", "not text"), (b" " * (1 << 20) + b" ", "longer")],
    ids=["html", "deep", "empty", "binary", "long"],
)  # fmt: skip
def test_what_is_no_record_is_refused_in_one_line(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "draw.json").write_bytes(content)
    ended = ecluse("draw", "verify", str(tmp_path / "draw.json"))
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_an_address_without_a_draw_is_told_in_one_line(site: str, tmp_path: Path) -> None:
    for target in (
        f"{site}/nowhere",
        "http://127.0.0.1:1/draw.json",
        str(tmp_path / "none.json"),
        "http://[/draw.json",
    ):
        ended = ecluse("draw", "verify", target)
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1, ended.stderr


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    record = published(tmp_path, DRAND)
    (tmp_path / "draw" / "tickets.txt").write_text("<html>\n")
    ended = ecluse("draw", "verify", str(record))
    assert ended.returncode == 1
    assert "line 1 is no ticket id" in ended.stderr


def test_a_chain_of_ones_own_is_checked_with_what_its_relay_says_of_it(site: str, tmp_path: Path) -> None:
    number, ids = 7, sorted(f"ticket-{i:04d}" for i in range(9))
    beacon = Beacon(kind=Kind.DRAND, chain=relay.CHAIN.hash, round=number)
    closed = Record(room="evry", beacon=beacon).close(
        closed_at="2023-11-14T22:13:21Z", n=len(ids), root=merkle.root(ids)
    )
    record = closed.reveal(str(relay.answer(number)["randomness"]), relay.signature(number))
    published(tmp_path, {"record": record.to_document(), "tickets": ids})
    info = {"hash": relay.CHAIN.hash, "public_key": relay.CHAIN.public_key, "period": 3, "genesis_time": relay.GENESIS}
    (tmp_path / "info").write_text(json.dumps(info))
    unknown = ecluse("draw", "verify", site)
    assert unknown.returncode == 1
    assert "none that is known" in unknown.stdout
    ended = ecluse("draw", "verify", site, "--chain", f"{site}/info")
    assert ended.returncode == 0, ended.stdout
    assert "genuine: by drand on round 7" in ended.stdout
    (tmp_path / "info").write_text("{}")
    assert ecluse("draw", "verify", site, "--chain", f"{site}/info").returncode == 1
