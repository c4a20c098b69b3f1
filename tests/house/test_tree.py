"""Nothing of the machine somebody worked on is in the tree, and the locks are safe."""

import re

import pytest

from tests.house.tree import ROOT, files, shown, text

LOCKS = ("requirements.lock", "requirements-dev.lock", "deploy/dev/uv.lock")
LEAST = {"starlette": "1.0.1", "h11": "0.16.0", "jinja2": "3.1.6", "aiohttp": "3.14.0", "uvicorn": "0.54.0"}
"""Below these a request could be smuggled, a template could run code, or memory be exhausted; see also SECURITY notes
of each project. Raise a number when an advisory says so."""
_PINNED = re.compile(r"^([a-z0-9._-]+)==([0-9][^ ;\\]*)", re.MULTILINE)
# Written in two halves, so that this file does not find itself.
_LOCAL = re.compile("|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + r"me/\w", "/tmp/br" + "ief", "/Us" + "ers/"]))
_REGISTRY = re.compile(
    "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "--" + "index-url", "--extra" + "-index"])
)


def pinned(lock: str) -> dict[str, str]:
    return dict(_PINNED.findall((ROOT / lock).read_text("utf-8")))


def version(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number))


def test_no_path_of_somebodys_machine_is_in_the_tree() -> None:
    assert len(files()) > 200
    assert [shown(path) for path in files() if _LOCAL.search(text(path))] == []


def test_no_registry_is_named() -> None:
    assert [shown(path) for path in files() if _REGISTRY.search(text(path))] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text("utf-8").strip())
    assert entries
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
@pytest.mark.parametrize("package", LEAST)
def test_a_lock_has_no_version_known_to_be_unsafe(lock: str, package: str) -> None:
    assert version(pinned(lock)[package]) >= version(LEAST[package])


def test_what_runs_is_what_is_tested() -> None:
    """The development lock holds the runtime lock, version for version."""
    tested = pinned("requirements-dev.lock")
    assert {name: tested.get(name) for name in pinned("requirements.lock")} == pinned("requirements.lock")
