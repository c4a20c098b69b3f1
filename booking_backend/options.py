"""The command line: `python -m booking_backend [serve | fill | migrate | hash-password]`; without a word it serves."""

import argparse
from collections.abc import Sequence

from booking_backend.fragile import Limits
from booking_backend.prefecture import WEEKS

DEFAULT_ZONE = "Europe/Paris"
_DATABASE = "SQLite file, made and filled if it is new; or postgresql://user@host/name; or env:NAME, file:/path of one"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """What was asked for; its `command` is serve, fill or migrate. Exits with status 2 for bad usage."""
    command = argv[0] if argv and argv[0] in _COMMANDS else "serve"
    parser = _COMMANDS[command]()
    options = parser.parse_args(argv[1:] if argv and argv[0] == command else argv)
    options.command = command
    return options


def _serve() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m booking_backend",
        description="A small appointment service that is reached through its waiting room only. "
        "Other commands: fill, migrate, hash-password (each with --help).",
        epilog="The pass of each request is verified with the key in ECLUSE_ORIGIN_KEY: the room's origin_key.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument("--database", required=True, help=_DATABASE)
    parser.add_argument("--room", required=True, help="the room whose passes open this service")
    _add_filling(parser)
    parser.add_argument(
        "--key",
        action="append",
        metavar="env:NAME|file:/path",
        help="where the key is (default env:ECLUSE_ORIGIN_KEY); again for an older key that still verifies",
    )
    parser.add_argument(
        "--person-key", metavar="env:NAME|file:/path", help="the person.key of a nominative room: "
        "only who took the place in line can book (default: any file number)",
    )  # fmt: skip
    parser.add_argument(
        "--smtp", default="", metavar="URL", help="send confirmations: smtp://host:port, smtps://user:password@host, "
        "or env:NAME, file:/path of one (default: no mail)",
    )  # fmt: skip
    parser.add_argument("--mail-from", default="", metavar="ADDRESS", help="who the mail is from")
    parser.add_argument(
        "--partner-token",
        action="append",
        default=[],
        metavar="env:NAME|file:/path",
        help="the token of a booking hub, which may then ask under /partners/; again for another",
    )
    parser.add_argument(
        "--public-url", default="", help="what addresses told to partners begin with; leads there who has no pass"
    )
    parser.add_argument(
        "--agents", default="", metavar="env:NAME|file:/path",
        help="who may open /agents/: lines that hash-password prints (default: nobody)",
    )  # fmt: skip
    _add_fragile(parser)
    return parser


def _add_filling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="which préfecture an empty database gets (default 1)")
    parser.add_argument("--counters", type=int, default=1, help="multiplies the places of each slot (default 1)")
    parser.add_argument("--time-zone", default=DEFAULT_ZONE, help="the office's clock (default %(default)s)")


def _add_fragile(parser: argparse.ArgumentParser) -> None:
    limits = Limits()
    group = parser.add_argument_group(
        "fragile mode",
        "Serve the way an old module does, to show or to measure how one falls over; see docs/booking.md.",
    )
    group.add_argument(
        "--fragile", action="store_true", help="blocking workers, few connections, real work per request"
    )
    for name, kind, help_text in (
        ("workers", int, "threads, each with one request at a time"),
        ("cost-ms", float, "processor time each request costs, in milliseconds"),
        ("backlog", int, "connections the kernel keeps waiting for a worker"),
        ("connections", int, "database connections shared by all workers"),
        ("connection-wait-seconds", float, "how long a worker waits for one; then 500"),
        ("request-seconds", float, "how long a request may take; then 504, and its connection is lost for a while"),
        ("connection-idle-seconds", float, "how long a lost connection stays lost"),
        ("memory-kb", int, "memory each request holds while it is served"),
    ):
        default = getattr(limits, name.replace("-", "_"))
        group.add_argument(f"--{name}", type=kind, default=default, help=f"{help_text} (default {default})")


def limits_of(options: argparse.Namespace) -> Limits:
    """The limits of fragile mode. Raises ValueError for one that makes no sense."""
    return Limits(**{name: getattr(options, name) for name in Limits.__dataclass_fields__})


def _fill() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m booking_backend fill",
        description="Fill an empty database with a realistic préfecture, the same for the same seed and day; "
        "add the slots of days that came since to one that is filled.",
    )
    parser.add_argument("--database", required=True, help=_DATABASE)
    _add_filling(parser)
    parser.add_argument("--weeks", type=int, default=WEEKS, help="how far ahead (default %(default)s)")
    return parser


def _migrate() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m booking_backend migrate",
        description="Bring a database to the schema of this program. "
        "A SQLite file is brought there at each start, too.",
    )
    parser.add_argument("--database", required=True, help=_DATABASE)
    return parser


def _hash_password() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m booking_backend hash-password",
        description="Print the line that lets an agent sign in; the password is asked for, or read from the input.",
    )
    parser.add_argument("name", help="the agent's name")
    return parser


_COMMANDS = {"serve": _serve, "fill": _fill, "migrate": _migrate, "hash-password": _hash_password}
