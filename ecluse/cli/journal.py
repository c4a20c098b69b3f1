"""`ecluse journal`: what was done to a room, and whether the record of it is whole."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ecluse.cli.reach import KeyOption, RoomArgument, UrlOption, reached
from ecluse.cli.told import fail

app = typer.Typer(help="Read and check a room's journal.", no_args_is_help=True)


@app.command()
def show(room: RoomArgument, url: UrlOption = None, key: KeyOption = None) -> None:
    """Print the journal as JSON lines, oldest first: a file to keep, and to give to `verify` later."""
    with reached(url, key) as api:
        entries = api.whole_journal(room)
    for entry in entries:
        typer.echo(json.dumps(entry, ensure_ascii=False, sort_keys=True))


@app.command()
def verify(
    room: RoomArgument,
    file: Annotated[Path | None, typer.Option(help="A file made by `show`, rather than the gateway's journal.")] = None,
    head: Annotated[str | None, typer.Option(help="A hash noted earlier, which must still be in the chain.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Recompute the chain of hashes. Exit status 1 if an entry was changed, taken out, put in or reordered."""
    from ecluse.domain.journal import faults

    if file is not None:
        entries = _read(file)
    else:
        with reached(url, key) as api:
            entries = api.whole_journal(room)
    found = faults(entries)
    if head is not None and head not in [entry.get("hash") for entry in entries]:
        found.append(f"no entry has the hash {head}: the journal was cut, or begun anew")
    for fault in found:
        typer.echo(f"✗ {fault}")
    if found:
        raise typer.Exit(1)
    last = entries[-1]["hash"] if entries else "none yet"
    typer.echo(f"✓ {len(entries)} entries, each follows the one before it. Hash of the last: {last}")
    typer.echo("Note this hash elsewhere: a journal that was rewritten as a whole is told only by it (--head).")


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")
    except ValueError as error:
        fail(f"{file}: not JSON lines: {error}")
    if not all(isinstance(entry, dict) for entry in entries):
        fail(f"{file}: not the lines that `ecluse journal show` prints")
    return entries
