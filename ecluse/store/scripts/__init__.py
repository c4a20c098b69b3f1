"""One Lua script per step, and the prelude they share; read once, by name."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_INCLUDE = "--include "


@dataclass(frozen=True, slots=True)
class Script:
    """A step as Redis runs it."""

    name: str
    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """The step called `name`, its prelude put in where it says `--include`."""
    folder = files(__name__)
    lines = []
    for line in (folder / f"{name}.lua").read_text(encoding="utf-8").splitlines():
        if line.startswith(_INCLUDE):
            lines.append((folder / line.removeprefix(_INCLUDE)).read_text(encoding="utf-8"))
        else:
            lines.append(line)
    source = "\n".join(lines)
    return Script(name=name, source=source, sha=hashlib.sha1(source.encode()).hexdigest())  # noqa: S324 (Redis names scripts so)
