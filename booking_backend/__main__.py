"""Runs the booking backend: `python -m booking_backend --database FILE --room ROOM`.

Exit status: 0 after SIGTERM or Ctrl-C (promptly), 1 if the service could not start, 2 for bad usage.
"""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
import uvicorn

from booking_backend.app import create_app
from booking_backend.samples import Sample
from ecluse.settings import read_secret
from ecluse.telemetry import configure_logging
from ecluse.tokens import SigningKey

GRACEFUL_SECONDS = 2
"""How long a request in flight may go on after SIGTERM."""
_DEFAULT_ZONE = "Europe/Paris"
_log = structlog.get_logger("booking")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m booking_backend",
        description="A small appointment service that is reached through its waiting room only.",
        epilog="The pass of each request is verified with the key in ECLUSE_ORIGIN_KEY: the room's origin_key.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file; made and filled if it is new")
    parser.add_argument("--room", required=True, help="the room whose passes open this service")
    parser.add_argument("--seed", type=int, default=1, help="which sample an empty database gets (default %(default)s)")
    parser.add_argument("--counters", type=int, default=1, help="how many counters share each slot of the sample")
    parser.add_argument("--time-zone", default=_DEFAULT_ZONE, help="the office's clock (default %(default)s)")
    parser.add_argument(
        "--key",
        action="append",
        metavar="env:NAME|file:/path",
        help="where the key is (default env:ECLUSE_ORIGIN_KEY); again for an older key that still verifies",
    )
    return parser.parse_args(argv)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        if name != _DEFAULT_ZONE:
            raise ValueError(f"--time-zone {name}: no such time zone on this machine") from None
    _log.warning("time_zone_missing", wanted=name, used="UTC", cure="install tzdata")
    return UTC


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop. Returns 0, 1 if the service could not start, 2 for bad usage."""
    options = _arguments(sys.argv[1:] if argv is None else argv)
    configure_logging("booking")
    try:
        keys = [
            SigningKey.from_secret(read_secret(name, os.environ)) for name in options.key or ["env:ECLUSE_ORIGIN_KEY"]
        ]
        zone = _zone(options.time_zone)
    except ValueError as error:
        sys.stderr.write(f"booking backend: {error}\n")
        return 2
    app = create_app(
        database=options.database,
        room=options.room,
        keys=keys,
        zone=zone,
        sample=Sample(seed=options.seed, counters=options.counters),
    )
    try:
        listener = _listen(options.host, options.port)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"booking backend: cannot listen on {options.host} port {options.port}: {error}\n")
        return 1
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )  # fmt: skip
    server = uvicorn.Server(config)
    # uvicorn raises the signal again once it has shut down; being asked to stop is not a failure.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    port = listener.getsockname()[1]
    _log.info("booking_listening", host=options.host, port=port, room=options.room, database=str(options.database))
    try:
        server.run(sockets=[listener])
    except SystemExit:  # uvicorn's answer to an application that does not start; the log says why
        return 1
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
