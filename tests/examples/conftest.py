"""Each example of docs/integrate.md as a real process, behind a real Écluse run by its own example configuration."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecluse.ports import accepts, free_ports
from tests.deploy.rig import ROOT, replaced, running, status_of

EXAMPLES = ROOT / "docs" / "examples"
ENV = {
    "ECLUSE_KEY": "signing key of the examples' tests",
    "ECLUSE_ORIGIN_KEY": "origin-key-of-the-examples-tests",
    "ECLUSE_OPERATOR_KEY": "operator key of the examples' tests",
    "PYTHONDONTWRITEBYTECODE": "1",
}
COMMANDS = {
    "django": "django-admin runserver --noreload --pythonpath docs/examples --settings django_site.settings 9000",
    "django, asgi": "uvicorn --app-dir docs/examples --port 9000 django_site.asgi:application",
    "fastapi": "uvicorn --app-dir docs/examples --port 9000 fastapi_app:app",
    "flask": "flask --app docs/examples/flask_app.py run --port 9000",
}
"""As docs/integrate.md prints them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A service, and the Écluse before it."""

    gateway: int
    service: int


@pytest.fixture(params=sorted(COMMANDS))
def example(request: pytest.FixtureRequest) -> str:
    """The command that runs one of the examples."""
    return COMMANDS[request.param]


@pytest.fixture
def service(example: str, tmp_path: Path) -> Iterator[int]:
    """The port of an example, run by its own command."""
    (port,) = free_ports(1)
    program, *arguments = replaced(example, ("9000", str(port))).split()
    argv = (str(Path(sys.executable).with_name(program)), *arguments)
    with running(argv, tmp_path / "service.log", env=ENV) as process:
        process.wait_for(lambda: accepts(port))
        yield port


@pytest.fixture
def site(service: int, tmp_path: Path) -> Iterator[Site]:
    """The example behind `ecluse up` with docs/examples/ecluse.toml."""
    config, info = tmp_path / "ecluse.toml", tmp_path / "info.json"
    text = replaced((EXAMPLES / "ecluse.toml").read_text("utf-8"), (":9000", f":{service}"))
    config.write_text(f'state_dir = "{tmp_path}/state"\nmetrics_port = 0\n{text}')
    (gateway,) = free_ports(1)
    argv = (sys.executable, "-m", "ecluse", "up", "--config", str(config), "--port", str(gateway), "--workers", "1",
            "--info", str(info))  # fmt: skip
    with running(argv, tmp_path / "ecluse.log", env=ENV) as process:
        process.wait_for(lambda: info.exists() and status_of(gateway) == 200)
        yield Site(gateway=gateway, service=service)
