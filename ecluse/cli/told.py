"""What every command shares: errors told in one clear line each, and a configuration read or refused."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ecluse.settings import Settings

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The TOML file; also ECLUSE_CONFIG.", show_default=False)
]


def fail(message: str, status: int = 1) -> NoReturn:
    """Tell what went wrong on standard error and end the command."""
    sys.stderr.write(f"ecluse: {message}\n")
    raise typer.Exit(status)


def configured(config: Path | None, *, status: int = 2, tells: bool = True) -> "tuple[Path, Settings]":
    """The checked configuration and where it is; every mistake, secrets included, is a line, then exit `status`.

    Where no file is named, there was nothing to check: that is bad usage of any command.
    `tells`: whether something here tells visitors of their turn, and so needs the secrets for that.
    """
    from ecluse.named_secrets import unreadable
    from ecluse.notify_secrets import notify_secrets
    from ecluse.settings import ConfigurationError, load, secrets

    try:
        settings = load(config)
    except ConfigurationError as error:
        named = config or os.environ.get("ECLUSE_CONFIG")
        _refuse([*error.mistakes, *unreadable(error.table, os.environ)], status if named else 2)
    mistakes = []
    for read in (secrets, notify_secrets) if tells else (secrets,):
        try:
            read(settings)
        except ConfigurationError as error:
            mistakes += error.mistakes
    if mistakes:
        _refuse(mistakes, status)
    return (config or Path(os.environ["ECLUSE_CONFIG"])).absolute(), settings


def _refuse(mistakes: list[str], status: int) -> NoReturn:
    for mistake in mistakes:
        sys.stderr.write(f"{mistake}\n")
    raise typer.Exit(status)
