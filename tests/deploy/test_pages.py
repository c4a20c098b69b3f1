"""What the runbook and deploy/README.md tell people to type: every command, unit and file exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from ecluse.cli import app
from ecluse.cli.room import parse_changes
from tests.deploy.rig import DEPLOY, ROOT

PAGES = [ROOT / "docs" / "runbook.md", DEPLOY / "README.md"]
_OURS = re.compile(
    r"(?:^|[\s(`])((?:/opt/ecluse[a-z-]*/bin/python -m )?(?:/opt/ecluse[a-z-]*/bin/)?ecluse (?:check|room|up|pass|draw|gateway|worker)[^`\n)]*)"
)


def commands() -> Iterator[str]:
    for page in PAGES:
        for found in _OURS.findall(page.read_text()):
            yield re.sub(r"^.*?\becluse (?=\w)", "", found.strip().replace("/opt/ecluse", ""))


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_the_command_is_one_that_ecluse_takes(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)
    if words[-1] == "…":
        words.append("show")
        words.remove("…")
        words.append("sarcelles")
    found: click.Command = typer.main.get_command(app)
    context = click.Context(found)
    while isinstance(found, click.Group):
        name = words.pop(0)
        step = found.get_command(context, name)
        assert step is not None, f"there is no command {name}"
        context, found = click.Context(step, parent=context), step
    parsed = found.make_context(found.name, words, parent=context.parent)
    if found.name == "set":
        assert parse_changes(parsed.params["changes"])
        if parsed.params["changes"][0] in ("mode=paused", "mode=closed"):
            assert parsed.params["reason"], "a pause needs a reason"


def test_many_commands_were_found() -> None:
    assert len(set(commands())) > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_unit_it_names_exists(page: Path) -> None:
    named = set(re.findall(r"\becluse-[a-z]+@?(?:\.(?:service|socket))?", page.read_text()))
    units = {path.name for path in (DEPLOY / "systemd").iterdir()}
    stems = units | {name.rpartition(".")[0] for name in units} | {"ecluse-next", "ecluse-before"}
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
