"""The launcher becomes the program, or says why not."""

import subprocess
import sys

import pytest

from ecluse import process
from ecluse.process import bound_command


def test_the_launcher_becomes_the_program_with_its_arguments() -> None:
    script = "import os, sys; print(os.getpid(), sys.argv[1:])"
    with subprocess.Popen(
        bound_command((sys.executable, "-c", script, "a b", "--x")), stdout=subprocess.PIPE, text=True
    ) as run:
        out, _ = run.communicate()
    assert out == f"{run.pid} ['a b', '--x']\n"


def test_a_missing_program_is_one_clear_line() -> None:
    run = subprocess.run(bound_command(("/no/such/program",)), capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (127, "cannot run /no/such/program: No such file or directory\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ends orphans on Linux only")
def test_a_parent_that_died_before_the_launcher_was_ready_is_noticed() -> None:
    command = [sys.executable, "-I", "-S", process.__file__, "1", sys.executable, "-c", "print('ran')"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (1, "")
