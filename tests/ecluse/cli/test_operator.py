"""`ecluse operator password`."""

import os
import pty
import subprocess
import sys

from ecluse.passwords import PasswordHash
from tests.ecluse.cli.commands import clean_environment, ecluse

PASSWORD = "quatre mots au hasard"


def test_a_password_on_standard_input_becomes_its_hash() -> None:
    ended = ecluse("operator", "password", stdin=f"{PASSWORD}\n")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert PasswordHash.read(ended.stdout.strip()).matches(PASSWORD)


def test_a_password_that_is_too_short_is_refused() -> None:
    ended = ecluse("operator", "password", stdin="court\n")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "ecluse: a password has from 12 to 256 characters\n"


def at_a_terminal(*lines: str) -> tuple[int, str, str]:
    """Exit status, standard output, and what the terminal showed, when somebody types these lines."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "ecluse", "operator", "password"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True, env=clean_environment(),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    for line in lines:
        asked = len(shown)
        while not shown[asked:].rstrip(b" ").endswith(b":"):
            shown += os.read(ours, 1024)
        os.write(ours, line.encode() + b"\n")
    told, _ = command.communicate(timeout=60)
    try:
        while more := os.read(ours, 1024):
            shown += more
    except OSError:
        pass  # the terminal is gone with its last program
    os.close(ours)
    return command.returncode, told.decode(), shown.decode()


def test_a_password_at_a_terminal_is_asked_twice_and_never_shown() -> None:
    status, told, shown = at_a_terminal(PASSWORD, PASSWORD)
    assert status == 0
    assert PasswordHash.read(told.strip()).matches(PASSWORD)
    assert "Password: " in shown
    assert PASSWORD not in shown


def test_two_different_passwords_at_a_terminal_are_refused() -> None:
    status, told, shown = at_a_terminal(PASSWORD, f"{PASSWORD}!")
    assert (status, told) == (2, "")
    assert "the two are not the same" in shown
