"""A run that make started ends when make is interrupted, stopped or killed."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ecluse.small_programs import alive, descendants, wait_until

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("make") is None, reason="needs make and /proc"
)
SCRIPT = """
import time
from ecluse.cli.under_make import follow_make
follow_make()
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_make_alone_ends_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec {sys.executable} {tmp_path}/script.py\n")
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        ["make", "-C", str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True, env=env
    ) as make:
        assert make.stdout is not None
        while make.stdout.readline() not in ("up\n", ""):
            pass
        children = descendants(make.pid)
        assert children
        make.send_signal(number)
        wait_until(lambda: not any(alive(child) for child in children))


def test_without_make_nothing_is_followed() -> None:
    script = """
import threading
from ecluse.cli.under_make import follow_make
follow_make()
print(threading.active_count())
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert ended.stdout == "1\n"
