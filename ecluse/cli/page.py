"""`ecluse page preview`: every state of the waiting page in a browser, without a store or a line."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look at the pages visitors see.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at the pages visitors see."""


@app.command()
def preview(
    config: Annotated[
        Path | None, typer.Option("--config", help="Show a room of this configuration.", show_default=False)
    ] = None,
    room: Annotated[str | None, typer.Option("--room", help="Which of its rooms.", show_default=False)] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="Listen here, on 127.0.0.1 only.")] = 8008,
) -> None:
    """Serve every state in every language, light and dark, on a phone and a desk, until Ctrl-C."""
    from ecluse.cli.machine import module

    arguments = ["--port", str(port)]
    arguments += [] if config is None else ["--config", str(config)]
    arguments += [] if room is None else ["--room", room]
    argv = module("gateway.preview", *arguments)
    os.execv(argv[0], argv)  # noqa: S606 - our own interpreter, no shell
