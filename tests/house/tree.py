"""The files of this checkout, for the tests that read the house itself."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("ecluse", "gateway", "queue_worker", "booking_backend", "loadtests", "benchmarks")
_MADE = {"__pycache__", "dist", "build", "reports", "node_modules"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or would be committed."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        listed = subprocess.run(
            [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return tuple(sorted(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()))
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    """What git would list, near enough, where the checkout came without it."""
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in _MADE and (not path.name.startswith(".") or path.name == ".ci"):
                yield from _walk(path)
        else:
            yield path


def named(*suffixes: str) -> list[Path]:
    """The files with one of these suffixes, without what others wrote (vendor)."""
    return [path for path in files() if path.suffix in suffixes and "vendor" not in path.parts]


def shown(path: Path) -> str:
    """The path as people say it."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), shown(path))


def text(path: Path) -> str:
    """The content of a text file; empty for a picture."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
