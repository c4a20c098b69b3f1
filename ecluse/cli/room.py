"""`ecluse room list|show|set|top|invite`: look at rooms and tune them, over the operator API."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecluse.cli.reach import KeyOption, RoomArgument, UrlOption, reached
from ecluse.cli.told import fail

if TYPE_CHECKING:
    from ecluse.cli.operator_api import OperatorApi

app = typer.Typer(help="Look at rooms and tune them.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="As the API gives it.")]
_NUMBERS = {"pace_per_minute": float, "burst": int, "capacity": int}
_CHOICES = {"mode": ("open", "queueing", "paused", "closed"), "pace": ("auto", "manual")}
_REFRESH_SECONDS = 1.0


@app.command("list")
def list_rooms(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Every room in one line each."""
    with reached(url, key) as api:
        rooms = api.rooms()
    if as_json:
        typer.echo(json.dumps({"rooms": rooms}, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from ecluse.cli.room_view import table

    Console().print(table(rooms))


@app.command()
def show(room: RoomArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """One room: its settings, its counts, and who changed what last."""
    with reached(url, key) as api:
        found = api.room(room)
        entries = api.journal(room)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from ecluse.cli.room_view import facts, journal_lines

    for line in [*facts(found), *journal_lines(entries)]:
        typer.echo(line)


@app.command()
def invite(
    room: RoomArgument,
    *,
    lane: Annotated[str, typer.Option("--lane", help="The lane they lead to.")],
    issuer: Annotated[str, typer.Option("--issuer", help="On whose behalf: an association, a service.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; in the journal.")],
    expires_at: Annotated[str, typer.Option("--expires-at", help="Such as 2027-01-15T18:00:00Z.")],
    count: Annotated[int, typer.Option("--count", help="How many, at most 500.")] = 1,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Signed invitations to a lane, each for one place: a link a line, told this once."""
    fields = {"lane": lane, "issuer": issuer, "reason": reason, "expires_at": expires_at, "count": count}
    with reached(url, key) as api:
        found = api.invite(room, fields)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for link in found["links"]:
        typer.echo(link)


@app.command("set")
def set_room(
    room: RoomArgument,
    changes: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE…", help="pace_per_minute=90 mode=paused …")],
    reason: Annotated[str, typer.Option("--reason", help="Why; needed to pause or close.")] = "",
    version: Annotated[
        str | None, typer.Option("--if-version", help="Only if the room still has this version.", show_default=False)
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Change a room, live: pace_per_minute, burst, capacity, mode, pace, notice.LANGUAGE."""
    body = parse_changes(changes)
    if reason:
        body["reason"] = reason
    with reached(url, key) as api:
        after = api.change(room, body, version=version)
    told = ", ".join(f"{name} = {_plain(after.get(name, value))}" for name, value in body.items() if name != "reason")
    typer.echo(f"{room}: {told} (version {after.get('version', '?')})")


@app.command()
def top(
    room: Annotated[str | None, typer.Argument(metavar="[ROOM]", show_default=False)] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Watch the rooms, once a second, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from ecluse.cli.operator_api import OperatorApiError
    from ecluse.cli.room_view import RoomHistory, frame

    with reached(url, key) as api:
        history = RoomHistory()
        console = Console()
        history.add(_chosen(api, room))
        if once or not console.is_terminal:
            console.print(frame(history))
            return
        try:
            with Live(frame(history), console=console, screen=True, auto_refresh=False) as live:
                while True:
                    time.sleep(_REFRESH_SECONDS)
                    try:
                        history.add(_chosen(api, room))
                    except OperatorApiError as error:
                        history.trouble = str(error)
                    live.update(frame(history), refresh=True)
        except KeyboardInterrupt:
            return


def _chosen(api: "OperatorApi", room: str | None) -> list[dict[str, Any]]:
    return api.rooms() if room is None else [api.room(room)]


def parse_changes(words: Sequence[str]) -> dict[str, object]:
    """`FIELD=VALUE` words as the body of a change. What cannot be read ends the command with 2, all of it told."""
    body: dict[str, object] = {}
    notice: dict[str, str] = {}
    mistakes: list[str] = []
    for word in words:
        field, equals, value = word.partition("=")
        if not equals:
            mistakes.append(f"{word!r}: write FIELD=VALUE")
        elif field in _NUMBERS:
            try:
                body[field] = _NUMBERS[field](value)
            except ValueError:
                mistakes.append(f"{field}: {value!r} is not a number" + (" of people" * (field != "pace_per_minute")))
        elif field in _CHOICES:
            if value not in _CHOICES[field]:
                mistakes.append(f"{field}: {value!r} is none of {', '.join(_CHOICES[field])}")
            body[field] = value
        elif field.startswith("notice.") and field != "notice.":
            notice[field.removeprefix("notice.")] = value
        else:
            mistakes.append(f"{field}: unknown; {', '.join([*_NUMBERS, *_CHOICES])} and notice.LANGUAGE can be set")
    if mistakes:
        fail("\n        ".join(mistakes), 2)
    return body | ({"notice": notice} if notice else {})


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
