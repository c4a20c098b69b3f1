"""One home for each library, and no way around the pure ASGI edge."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, named, parsed, shown

SHIPPED = ("ecluse", "gateway", "queue_worker", "booking_backend")
HOMES = {
    "redis": ("ecluse/store/",),
    "hiredis": ("ecluse/store/",),
    "itsdangerous": ("ecluse/signing.py",),
    "cryptography": ("ecluse/signing.py",),
    "aiohttp": ("gateway/proxy.py", "gateway/proxy_ws.py", "queue_worker/hook.py"),
    "jinja2": ("gateway/page_edition.py", "booking_backend/pages.py"),
    "brotli": ("gateway/page_files.py",),
    "isal": ("gateway/page_mould.py",),
    "prometheus_client": ("ecluse/telemetry.py",),
    "matplotlib": ("ecluse/simulation/plot.py",),
    "sqlalchemy": ("booking_backend/",),
    "alembic": ("booking_backend/migrating.py", "booking_backend/migrations/"),
    "aiosmtplib": ("queue_worker/mail.py", "booking_backend/mailing.py"),
    "segno": ("booking_backend/confirmations.py", "gateway/codes.py"),
    "h11": ("booking_backend/fragile.py",),
    "typer": ("ecluse/cli/",),
    "rich": ("ecluse/cli/",),
}


def imports(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each module imported, wherever in the file, and the names taken from it."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ()
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, tuple(alias.name for alias in node.names)


def shipped() -> list[Path]:
    return [path for path in named(".py") if path.relative_to(ROOT).parts[0] in SHIPPED]


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_in_its_home_only(library: str) -> None:
    users = {shown(path) for path in shipped() for name, _ in imports(path) if name.partition(".")[0] == library}
    assert users
    assert {user for user in users if not user.startswith(HOMES[library])} == set()


def test_nothing_builds_on_the_slow_middleware() -> None:
    users = [
        shown(path)
        for path in named(".py")
        for name, taken in imports(path)
        if "BaseHTTPMiddleware" in taken or name == "starlette.middleware.base"
    ]
    assert users == []


def test_no_module_reads_the_environment_while_it_is_imported() -> None:
    """Neither `os.environ` nor `os.getenv` in the body of a module or class."""
    early = []
    for path in shipped():
        todo: list[ast.AST] = list(parsed(path).body)
        while todo:
            node = todo.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
                early.append(f"{shown(path)}:{node.lineno}")
            todo.extend(ast.iter_child_nodes(node))
    assert early == []
