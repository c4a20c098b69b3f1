"""The directory a supervisor keeps its state in: one supervisor at a time, and nothing left of a killed one."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_RECORD = "children.json"
_GONE_SECONDS = 5.0


class StateDirUnavailable(Exception):
    """The state directory cannot be used; the message says why and what to do, in one line."""


@contextmanager
def owned(directory: Path) -> Iterator[Path]:
    """`directory`, made if missing, ours alone while the context lasts. Raises StateDirUnavailable.

    Children recorded there by a supervisor that was killed are ended first (needed where the kernel does not do it).
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateDirUnavailable(f"cannot use the state directory {directory}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateDirUnavailable(
                f"another ecluse runs with the state directory {directory}: stop it, or set another state_dir"
            ) from None
        end_leftovers(directory)
        yield directory
        (directory / _RECORD).unlink(missing_ok=True)
    finally:
        os.close(lock)


def record_children(directory: Path, pids: Mapping[str, int]) -> None:
    """Note which processes are ours, with their command lines, for a successor to find."""
    write_whole(directory / _RECORD, json.dumps({str(pid): command_line(pid) for pid in pids.values()}))


def end_leftovers(directory: Path) -> list[int]:
    """Kill the recorded processes that still run the recorded command; returns their ids."""
    try:
        recorded = json.loads((directory / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    found = [int(pid) for pid, command in recorded.items() if command and command_line(int(pid)) == command]
    for pid in found:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    give_up_at = time.monotonic() + _GONE_SECONDS
    while any(command_line(pid) for pid in found) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return found


def command_line(pid: int) -> str:
    """The command line of a running process, or an empty string: process ids are used again, command lines tell."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    asked = subprocess.run(  # noqa: S603
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - ps is on PATH of every system without /proc
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip()


def write_whole(path: Path, text: str) -> None:
    """Write a file that only its owner reads, so that a reader sees all of it or none."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        partial.unlink()
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
