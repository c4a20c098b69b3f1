"""`ecluse operator password`: the hash that a configuration names in place of a password."""

import getpass
import sys

import typer

from ecluse.cli.told import fail

app = typer.Typer(help="Who operates: passwords.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Who operates: passwords."""


@app.command()
def password() -> None:
    """Ask for a password, without showing it, and print its hash; or read it as one line of standard input."""
    from ecluse.passwords import PasswordHash

    typed = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        hashed = PasswordHash.of(typed)
    except ValueError as error:
        fail(str(error), 2)
    typer.echo(str(hashed))


def _asked() -> str:
    """A password typed twice."""
    typed = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != typed:
        fail("the two are not the same", 2)
    return typed
