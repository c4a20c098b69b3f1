"""The PostgreSQL of these tests leaves nothing running behind."""

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.booking_backend.postgres import Postgres
from tests.ecluse.small_programs import wait_until

_STARTER = """
import signal
from tests.booking_backend.postgres import Postgres, binaries
server = Postgres(binaries())
server.wait()
print(server.home, flush=True)
signal.pause()
"""


def running_in(folder: Path) -> list[str]:
    """The processes at work in a folder: a server and all its children stay in its data directory."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (each / "cwd").readlink().is_relative_to(folder):
                found.append(each.name)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ends orphans on Linux only")
def test_a_server_ends_with_the_tests_even_if_they_are_killed(postgres: Postgres) -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", _STARTER], stdout=subprocess.PIPE, text=True, cwd=root) as tests:
        assert tests.stdout is not None
        home = Path(tests.stdout.readline().strip())
        try:
            assert home.is_dir()
            assert running_in(home)
        finally:
            tests.kill()
    wait_until(lambda: not running_in(home), 20)
    shutil.rmtree(home)
