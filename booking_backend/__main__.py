"""Runs the booking backend: `python -m booking_backend --database FILE --room ROOM`, or its fill and migrate commands.

Exit status: 0 after SIGTERM or Ctrl-C (promptly), 1 if the service could not start, 2 for bad usage.
"""

import argparse
import asyncio
import getpass
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from booking_backend.agents_door import hashed, read_agents
from booking_backend.app import Extras, create_app
from booking_backend.engine import BadUrl, try_file
from booking_backend.fragile import FragileServer
from booking_backend.mailing import MailServer
from booking_backend.migrating import WrongSchema
from booking_backend.options import DEFAULT_ZONE, arguments, limits_of
from booking_backend.prefecture import Filling
from booking_backend.slots import Busy
from booking_backend.store import SlotStore
from ecluse.settings import read_secret
from ecluse.telemetry import configure_logging
from ecluse.tokens import SigningKey

GRACEFUL_SECONDS = 2
"""How long a request in flight may go on after SIGTERM."""
PASSWORD_MIN_CHARS = 12
_BACKLOG = 2048
_log = structlog.get_logger("booking")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        if name != DEFAULT_ZONE:
            raise ValueError(f"--time-zone {name}: no such time zone on this machine") from None
    _log.warning("time_zone_missing", wanted=name, used="UTC", cure="install tzdata")
    return UTC


def _told(text: str) -> str:
    """A file or URL; one with a password is better told by variable or file than in the list of processes."""
    return read_secret(text, os.environ) if text.startswith(("env:", "file:/")) else text


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=backlog)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop, or fill or migrate a database. Returns the exit status."""
    options = arguments(sys.argv[1:] if argv is None else argv)
    configure_logging("booking")
    try:
        if "database" in options:
            options.database = _told(options.database)
        return {"serve": _serve, "fill": _fill, "migrate": _migrate, "hash-password": _hash}[options.command](options)
    except (ValueError, BadUrl) as error:
        sys.stderr.write(f"booking backend: {error}\n")
        return 2


def _mail(options: argparse.Namespace) -> MailServer | None:
    return MailServer.from_url(_told(options.smtp), options.mail_from) if options.smtp else None


def _app(options: argparse.Namespace) -> ASGIApp:
    keys = [SigningKey.from_secret(read_secret(name, os.environ)) for name in options.key or ["env:ECLUSE_ORIGIN_KEY"]]
    return create_app(
        database=options.database,
        room=options.room,
        keys=keys,
        zone=_zone(options.time_zone),
        extras=Extras(
            wanted=Filling(seed=options.seed, counters=options.counters),
            mail=_mail(options),
            person_key=read_secret(options.person_key, os.environ) if options.person_key is not None else "",
            partner_tokens=[read_secret(each, os.environ) for each in options.partner_token],
            public_url=options.public_url,
            agents=read_agents(_told(options.agents).splitlines()),
        ),
    )


def _serve(options: argparse.Namespace) -> int:
    app, limits = _app(options), limits_of(options)
    if options.fragile and "://" in options.database:
        raise ValueError("--fragile works on a SQLite file")
    try:
        listener = _listen(options.host, options.port, limits.backlog if options.fragile else _BACKLOG)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"booking backend: cannot listen on {options.host} port {options.port}: {error}\n")
        return 1
    # The servers raise the signal again once they have shut down; being asked to stop is not a failure.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    port = listener.getsockname()[1]
    _log.info("booking_listening", host=options.host, port=port, room=options.room, fragile=options.fragile)
    if options.fragile:
        return FragileServer(app, listener, limits, options.database).run()
    return _run(app, listener)


def _run(app: ASGIApp, listener: socket.socket) -> int:
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )  # fmt: skip
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except SystemExit:  # uvicorn's answer to an application that does not start; the log says why
        return 1
    return 0 if server.started else 1


def _fill(options: argparse.Namespace) -> int:
    zone, wanted = _zone(options.time_zone), Filling(seed=options.seed, counters=options.counters, weeks=options.weeks)

    async def fill(store: SlotStore) -> None:
        added = await store.prepare(zone=zone, wanted=wanted, weeks=options.weeks)
        sys.stdout.write(f"{added} slots added, {await store.slots_left()} places can be booked now\n")

    return _with_store(options.database, fill)


def _migrate(options: argparse.Namespace) -> int:
    return _with_store(options.database, SlotStore.migrate)


def _hash(options: argparse.Namespace) -> int:
    password = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < PASSWORD_MIN_CHARS:
        raise ValueError(f"the password is too short: at least {PASSWORD_MIN_CHARS} characters")
    sys.stdout.write(hashed(options.name, password) + "\n")
    return 0


def _with_store(database: str, work: Callable[[SlotStore], Awaitable[None]]) -> int:
    async def run() -> None:
        store = SlotStore(database)
        try:
            await work(store)
        finally:
            await store.close()

    try:
        try_file(database)
        asyncio.run(run())
    except (WrongSchema, sqlite3.Error, SQLAlchemyError, Busy) as error:
        sys.stderr.write(f"booking backend: the database cannot be used: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
