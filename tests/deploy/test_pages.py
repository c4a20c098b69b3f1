"""What the runbook and deploy/README.md tell people to type: every command, unit and file exists."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from ecluse.cli import app
from ecluse.cli.room import parse_changes
from tests.deploy.rig import DEPLOY, ROOT

PAGES = [ROOT / "docs" / "runbook.md", DEPLOY / "README.md"]
_OURS = re.compile(r"\becluse ((?:check|room|up|gateway|worker|pass)\b[^`\n)]*)")


def commands() -> list[str]:
    return sorted({found.strip() for page in PAGES for found in _OURS.findall(page.read_text())})


@pytest.mark.parametrize("command", commands())
def test_the_command_is_one_that_ecluse_takes(command: str) -> None:
    words = shlex.split(command)
    found: Any = typer.main.get_command(app)
    while hasattr(found, "get_command"):
        name = words.pop(0)
        step = found.get_command(typer.Context(found), name)
        assert step is not None, f"there is no command {name}"
        found = step
    parsed = found.make_context(found.name, words)
    if found.name == "set":
        changes = parse_changes(parsed.params["changes"])
        assert parsed.params["reason"] or changes.get("mode") not in ("paused", "closed"), "a pause needs a reason"


def test_many_commands_were_found() -> None:
    assert len(commands()) > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_unit_it_names_exists(page: Path) -> None:
    named = set(re.findall(r"\becluse-(?!\d)[a-z]+@?(?:\.(?:service|socket))?", page.read_text()))
    units = {path.name for path in (DEPLOY / "systemd").iterdir()}
    stems = units | {name.rpartition(".")[0] for name in units}
    assert named
    assert named - stems == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_it_names_exists(page: Path) -> None:
    text = page.read_text()
    linked = [page.parent / target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)]
    named = [ROOT / path.rstrip("/.") for path in re.findall(r"\bdeploy/[A-Za-z0-9_./-]+", text)]
    made_by_the_reader = ROOT / "deploy" / "compose" / "secrets"
    assert linked
    missing = [
        path for path in (*linked, *named) if not path.exists() and made_by_the_reader not in (path, path.parent)
    ]
    assert missing == []
