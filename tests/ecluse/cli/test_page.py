"""`ecluse page preview`: every state of a configured room on this machine; a template that is wrong is told."""

import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from ecluse.ports import accepts, free_ports
from tests.ecluse.cli.commands import KEYS, clean_environment
from tests.ecluse.small_programs import wait_until

_READ = build_opener(ProxyHandler({}))
_CONFIG = """
signing_keys = ["env:ECLUSE_TEST_KEY"]
templates_dir = {folder!r}
[[room]]
id = "salle"
title = {{ fr = "Ma salle" }}
origin = "http://127.0.0.1:9000"
origin_key = "env:ECLUSE_TEST_ORIGIN"
[room.theme]
accent = "#5b2a86"
"""


def started(tmp_path: Path, port: int) -> subprocess.Popen[str]:
    config = tmp_path / "ecluse.toml"
    config.write_text(_CONFIG.format(folder=str(tmp_path)), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "ecluse", "page", "preview", "--config", str(config), "--port", str(port)],
        env=clean_environment(KEYS), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_configured_room_is_shown_in_every_state(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    child = started(tmp_path, port)
    try:
        wait_until(lambda: accepts(port) or child.poll() is not None, 60)
        base = f"http://127.0.0.1:{port}"
        index = _READ.open(base, timeout=10).read().decode()
        assert all(f"/page/{name}?" in index for name in ("waiting", "called", "closed", "full", "accessibility"))
        page = _READ.open(f"{base}/page/called?lang=fr&scheme=dark", timeout=10).read().decode()
        assert "Ma salle" in page
        assert "css/room-salle.css?scheme=dark" in page
    finally:
        child.terminate()
        child.communicate(timeout=20)


@pytest.mark.parametrize("mistake", ["{% if %}", "{{ no_such_name }}"])
def test_a_template_that_is_wrong_is_told_and_nothing_is_served(tmp_path: Path, mistake: str) -> None:
    (tmp_path / "waiting").mkdir()
    (tmp_path / "waiting/after.html").write_text(mistake)
    child = started(tmp_path, free_ports(1)[0])
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 2
    assert said.strip()
    assert "Traceback" not in said
