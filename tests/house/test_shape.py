"""The shape of files and functions, and the words nothing may be called."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import PROGRAMS, ROOT, named, parsed, shown

FILE_LINES = 300
FUNCTION_LINES = 60
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "misc", "common", "handle", "handler"}
EMPTY_VERBS = {"process", "do"}
"""No start for the name of a function: they say that something happens, not what. (As a noun, a process is a program.)"""
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(path: Path) -> Iterator[Named]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, Named):
            yield node


def lines(node: Named) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def own_lines(node: Named) -> int:
    """The lines of a function without those of the functions and classes that it makes."""
    return lines(node) - sum(lines(each) for each in ast.iter_child_nodes(node) if isinstance(each, Named))


def words(name: str) -> list[str]:
    """The words of a snake_case or CamelCase name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    sources = named(".py", ".lua", ".js", ".html", ".css", ".sh")
    assert len(sources) > 100
    long = {shown(path): n for path in sources if (n := len(path.read_text("utf-8").splitlines())) > FILE_LINES}
    assert long == {}


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{shown(path)}:{node.lineno} {node.name}"
        for path in named(".py")
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef) and own_lines(node) > FUNCTION_LINES
    ]
    assert long == []


def test_nothing_has_a_name_that_says_nothing() -> None:
    empty = [shown(path) for path in named(".py", ".js", ".lua") if EMPTY_NAMES & set(words(path.stem))]
    for path in named(".py"):
        for node in definitions(path):
            found = words(node.name)
            verb = found[0] if found and not isinstance(node, ast.ClassDef) else ""
            if EMPTY_NAMES & set(found) or verb in EMPTY_VERBS or found == ["data"]:
                empty.append(f"{shown(path)}:{node.lineno} {node.name}")
    assert empty == []


def test_every_module_of_the_programs_says_what_it_is() -> None:
    modules = [path for path in named(".py") if path.relative_to(ROOT).parts[0] in PROGRAMS]
    assert len(modules) > 60
    assert [shown(path) for path in modules if not ast.get_docstring(parsed(path))] == []


def test_every_lua_step_has_a_header_that_names_its_arguments_and_replies() -> None:
    steps = [path for path in named(".lua") if not path.name.startswith("_")]
    assert len(steps) >= 10
    for path in steps:
        head = path.read_text("utf-8").split("\n\n")[0]
        assert head.startswith("#!lua"), shown(path)
        assert f"\n-- {path.stem}: " in head, shown(path)
        assert "-- Reply  " in path.read_text("utf-8"), shown(path)
