"""Runs one program that never outlives its parent: a launcher, run by its path, that becomes the program.

    python -I -S process.py PARENT_PID PROGRAM [ARGUMENT …]

On Linux it asks the kernel to kill it when its parent dies (prctl(2), PR_SET_PDEATHSIG), then becomes the program;
the request survives exec. Being a program of its own, it needs no `preexec_fn`, which is unsafe beside threads.
The kernel watches the parent's *thread*: start children from the main one. Elsewhere it only becomes the program, and
the supervisor finds what a killed predecessor left by its record of children (`ecluse.state_dir`).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def bound_command(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command line that runs `argv` bound to the life of this process."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *argv)


def die_with_parent(parent_pid: int, number: int = signal.SIGKILL) -> None:
    """Ask the kernel for signal `number` when `parent_pid`, our parent, dies. Exits if it already has.

    Does nothing on systems without prctl.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    # The parent may have died before the request was made: then nobody would ever tell us.
    if os.getppid() != parent_pid:
        sys.exit(1)


def _become(parent_pid: int, argv: list[str]) -> None:
    die_with_parent(parent_pid)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"cannot run {argv[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
