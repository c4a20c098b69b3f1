"""The secrets that a configuration with other mistakes names: told together with those, not one run later."""

from collections.abc import Iterator, Mapping
from typing import Any

from ecluse.settings import read_secret

_NAMED = frozenset({"signing_keys", "origin_key", "key", "password", "smtp", "hook_key"})


def unreadable(table: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    """A line for each secret that is named in `table`, which nobody has checked, and cannot be read."""
    mistakes = []
    for where, reference in _references(table, ""):
        try:
            read_secret(reference, environ, least=1)
        except ValueError as error:
            mistakes.append(f"{where}: {error}")
    return mistakes


def _references(node: Any, where: str, *, named: bool = False) -> Iterator[tuple[str, str]]:
    if isinstance(node, str) and named:
        yield where, node
    elif isinstance(node, list):
        for index, each in enumerate(node):
            yield from _references(each, f"{where}[{index}]", named=named)
    elif isinstance(node, dict):
        for key, each in node.items():
            yield from _references(each, f"{where}.{key}" if where else key, named=key in _NAMED)
