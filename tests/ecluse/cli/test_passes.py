"""`ecluse pass inspect`."""

import time
from pathlib import Path

import pytest

from ecluse.tokens import Pass, PassSigner, SigningKey
from tests.ecluse.cli.commands import CONFIGURATION, KEYS, ecluse


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ecluse.toml"
    path.write_text(CONFIGURATION)
    return path


def made(secret: str, *, seconds: int = 600) -> str:
    now = int(time.time())
    granted = Pass(room="sarcelles", session="s1", lane="main", issued_at=now - 10, expires_at=now + seconds)
    return PassSigner([SigningKey.from_secret(secret)]).sign(granted)


def test_header_and_claims_are_printed_without_a_key() -> None:
    ended = ecluse("pass", "inspect", made(KEYS["ECLUSE_TEST_KEY"]))
    assert ended.returncode == 0
    assert '"aud": "sarcelles"' in ended.stdout
    assert '"alg": "HS256"' in ended.stdout
    assert "signature: not checked" in ended.stdout


@pytest.mark.parametrize(
    ("key", "whose"), [("ECLUSE_TEST_KEY", "the signing keys"), ("ECLUSE_TEST_ORIGIN", "the room's origin key")]
)
def test_a_genuine_pass_is_recognised_and_by_which_key(key: str, whose: str, config: Path) -> None:
    ended = ecluse("pass", "inspect", "-", "--config", str(config), env=KEYS, stdin=made(KEYS[key]) + "\n")
    assert ended.returncode == 0, ended.stderr
    assert f"signature: genuine, by {whose}" in ended.stdout


def test_an_expired_pass_is_told_apart_from_a_forged_one(config: Path) -> None:
    ended = ecluse("pass", "inspect", made(KEYS["ECLUSE_TEST_KEY"], seconds=-5), "--config", str(config), env=KEYS)
    assert ended.returncode == 1
    assert "but expired" in ended.stdout


def test_a_pass_of_a_stranger_is_not_genuine(config: Path) -> None:
    ended = ecluse("pass", "inspect", made("x" * 40), "--config", str(config), env=KEYS)
    assert ended.returncode == 1
    assert "not by any key of this configuration" in ended.stdout


@pytest.mark.parametrize("token", ["nonsense", "a.b", "é.é.é", "bm8.bm8.bm8"])
def test_what_is_no_pass_is_refused_in_one_line(token: str) -> None:
    ended = ecluse("pass", "inspect", token)
    assert ended.returncode == 1
    assert ended.stderr.startswith("ecluse: this is not a pass")
    assert len(ended.stderr.splitlines()) == 1
