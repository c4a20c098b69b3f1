"""`ecluse draw`: commit to a secret before a draw, recompute a draw, and say what a published draw proves."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecluse.cli.told import fail

if TYPE_CHECKING:
    from ecluse.domain.draw import Record

app = typer.Typer(help="Commit to, recompute and verify draws.", no_args_is_help=True)
_LONGEST_RECORD = 1 << 20
_LONGEST_LIST = 1 << 28
_PATIENCE_SECONDS = 30


@app.callback()
def _group() -> None:
    """Commit to, recompute and verify draws."""


@app.command()
def commit(file: Annotated[Path, typer.Argument(help="Where to write the secret; it must not exist yet.")]) -> None:
    """Make the secret of a draw without a beacon, readable by you alone, and print its commitment."""
    import os
    import secrets

    from ecluse.domain.draw import commitment

    secret = secrets.token_bytes(32)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(secret.hex() + "\n")
    except FileExistsError:
        fail(f"{file} exists: a secret is used once, so choose another name", 2)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    typer.echo(commitment(secret))


@app.command()
def run(
    record: Annotated[Path, typer.Option("--record", metavar="FILE", help="draw.json of a finished draw.")],
    tickets: Annotated[Path, typer.Option("--tickets", metavar="FILE", help="Its tickets.txt.")],
) -> None:
    """Recompute the drawn line and print it as CSV: rank, ticket, place. Exit status 1 if the record does not hold."""
    from ecluse.beacon import CHAINS
    from ecluse.domain.draw import order
    from ecluse.domain.draw_check import Verdict, check

    found, ids = _record(str(record)), _ids(str(tickets))
    if found.seed is None:
        fail(f"the draw is {found.state}, not drawn: there is no order to recompute yet")
    wrong = [finding for finding in check(found, ids, CHAINS) if finding.verdict is Verdict.FAILS]
    if wrong:
        fail("; ".join(f"{finding.claim}: {finding.words}" for finding in wrong))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("rank", "ticket", "place"))
    ordered = order(bytes.fromhex(found.seed), ids)
    out.writerows((rank, ticket, repr(place)) for rank, (place, ticket) in enumerate(ordered, 1))


@app.command()
def verify(
    target: Annotated[str, typer.Argument(metavar="URL|FILE", help="draw.json, or the address of the room.")],
    tickets: Annotated[
        str | None, typer.Option("--tickets", metavar="URL|FILE", help="The list, if it is not beside draw.json.")
    ] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="ID", help="Check where this one stands.")] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            metavar="URL|FILE",
            help="What a relay says of its chain (…/info), if it is not drand's public one.",
        ),
    ] = None,
) -> None:
    """Recompute a published draw: what holds ✓, what does not ✗, what it cannot prove ?. Exit status 1 if any is ✗."""
    from ecluse.beacon import CHAINS, read_chain
    from ecluse.domain.draw_check import check, check_ticket, holds
    from ecluse.domain.errors import BadInput

    place = _draw_place(target)
    record = _record(place)
    ids = [] if record.root is None and tickets is None else _ids(tickets or _list_place(place))
    chains = dict(CHAINS)
    if chain is not None:
        try:
            told = read_chain(_text(chain, _LONGEST_RECORD))
        except BadInput as error:
            fail(f"{chain} describes no chain of drand: {error}")
        chains[told.hash] = told
    findings = check(record, ids, chains)
    if ticket is not None:
        findings += check_ticket(record, ids, ticket)
    typer.echo(f"The draw of {record.room} ({record.state}, {record.beacon.kind.described})")
    width = max(len(finding.claim) for finding in findings)
    for finding in findings:
        typer.echo(f"{finding.verdict} {finding.claim:<{width}}  {finding.words}")
    if not holds(findings):
        typer.echo("This draw does NOT hold.")
        raise typer.Exit(1)
    typer.echo("All that is claimed holds. What is marked ? cannot be proven by the record.")


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _draw_place(target: str) -> str:
    """The address of draw.json, also where that of the room is given."""
    if not _is_address(target) or target.endswith(".json"):
        return target
    return f"{target.rstrip('/')}/draw.json"


def _list_place(place: str) -> str:
    """Where the list belonging to a draw.json is."""
    if _is_address(place):
        return f"{place.rpartition('/')[0]}/draw/tickets.txt"
    beside = Path(place).with_name("tickets.txt")
    return str(beside if beside.exists() else Path(place).parent / "draw" / "tickets.txt")


def _record(place: str) -> "Record":
    import json

    from ecluse.domain.draw import Record
    from ecluse.domain.errors import BadInput

    try:
        return Record.from_document(json.loads(_text(place, _LONGEST_RECORD)))
    except BadInput as error:
        fail(f"{place} is no record of a draw: {error}")
    except (ValueError, RecursionError):
        fail(f"{place} is no JSON")


def _ids(place: str) -> list[str]:
    from ecluse.domain.draw import read_ids
    from ecluse.domain.errors import BadInput

    try:
        return read_ids(_text(place, _LONGEST_LIST))
    except BadInput as error:
        fail(f"{place}: {error}")


def _text(place: str, longest: int) -> str:
    """A file's or an address's content, UTF-8, no longer than `longest` bytes."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        if _is_address(place):
            asked = Request(place, headers={"User-Agent": "ecluse"})  # noqa: S310 - http or https, seen above
            with urlopen(asked, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310
                raw = answer.read(longest + 1)
        else:
            with Path(place).open("rb") as file:
                raw = file.read(longest + 1)
    except HTTPError as error:
        with error:  # it holds the connection
            fail(f"{place} answered {error.code}")
    except (OSError, HTTPException, ValueError) as error:
        fail(f"{place}: {getattr(error, 'reason', None) or getattr(error, 'strerror', None) or error}")
    if len(raw) > longest:
        fail(f"{place} is longer than {longest} bytes")
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        fail(f"{place} is not text")
