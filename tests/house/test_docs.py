"""What the documents say can be done: commands and targets exist, links lead somewhere, every decision is listed."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ecluse.cli import app
from ecluse.settings import parse
from tests.house.tree import ROOT, files, shown

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:^|[ /(=])ecluse ((?:[a-z]+ ?)+[^|;&)#`]*)")
_TARGET = re.compile(r"(?:^|[ `])make ([a-z]+)\b")


def prose(path: Path) -> str:
    return _BLOCK.sub("", path.read_text("utf-8"))


def code(path: Path) -> Iterator[str]:
    """Every line of a shell block, and every piece of inline code."""
    whole = path.read_text("utf-8")
    for language, block in _BLOCK.findall(whole):
        if language in ("sh", "console", "bash"):
            yield from block.replace("\\\n", " ").splitlines()
    yield from _CODE.findall(prose(path))


def mistake(command: str) -> str | None:
    """Why this command line of ours cannot be meant, or None."""
    try:
        arguments = shlex.split(command)
    except ValueError:
        return "is cut off"
    here = typer.main.get_command(app)
    while arguments and hasattr(here, "commands"):
        if arguments[0].startswith("-"):
            break
        if arguments[0] not in here.commands:
            return f"has no {arguments[0]}"
        here = here.commands[arguments.pop(0)]
    known = {name for parameter in here.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in arguments:
        option = word.partition("=")[0]
        if option.startswith("--") and option not in {*known, "--help"} and not here.context_settings:
            return f"has no {option}"
    return None


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as forges make them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_documents_to_read() -> None:
    assert {"README.md", "CHANGELOG.md", "docs/README.md", "docs/runbook.md"} <= set(map(shown, DOCUMENTS))
    assert any(_COMMAND.search(line) for line in code(ROOT / "README.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=shown)
def test_every_command_in_a_document_exists(path: Path) -> None:
    wrong = [
        f"ecluse {found.strip()}: {why}"
        for line in code(path)
        for found in _COMMAND.findall(line)
        if (why := mistake(found))
    ]
    assert wrong == []


def test_the_configuration_on_the_front_page_is_right() -> None:
    (block,) = (
        block for language, block in _BLOCK.findall((ROOT / "README.md").read_text("utf-8")) if language == "toml"
    )
    settings = parse(tomllib.loads(block))
    assert [room.id for room in settings.room] == ["sarcelles"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=shown)
def test_every_make_target_in_a_document_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {name for line in code(path) for name in _TARGET.findall(line)} <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=shown)
def test_every_link_in_a_document_leads_somewhere(path: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_decisions_are_numbered_without_gaps_and_all_listed() -> None:
    found = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [path.name[:5] for path in found] == [f"{number:04}-" for number in range(1, len(found) + 1)]
    listed = (ROOT / "docs" / "README.md").read_text("utf-8")
    for path in found:
        assert f"(adr/{path.name})" in listed
        assert re.match(rf"# {path.name[:4]}\. \w", path.read_text("utf-8")), path.name
