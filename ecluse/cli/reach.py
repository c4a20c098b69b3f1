"""How commands reach the operator interface: the options they share, and errors that end the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ecluse.cli.told import fail

if TYPE_CHECKING:
    from ecluse.cli.operator_api import OperatorApi

UrlOption = Annotated[
    str | None, typer.Option("--url", help="The gateway; also ECLUSE_URL.", show_default="http://127.0.0.1:8000")
]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="An operator key; better in ECLUSE_OPERATOR_KEY.", show_default=False)
]
RoomArgument = Annotated[str, typer.Argument(metavar="ROOM")]


@contextmanager
def reached(url: str | None, key: str | None) -> "Iterator[OperatorApi]":
    """The API for the length of a `with`, whose errors end the command with 1."""
    from ecluse.cli.operator_api import OperatorApi, OperatorApiError

    try:
        yield OperatorApi.from_options(url, key)
    except OperatorApiError as error:
        fail(str(error))
