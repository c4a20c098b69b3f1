"""`ecluse demo`: everything on this machine, with a sample service behind the line and a crowd in front of it."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecluse.cli.run import InfoOption, forget, supervise
from ecluse.cli.told import configured, fail
from ecluse.cli.under_make import follow_make

if TYPE_CHECKING:
    from ecluse.supervisor import Child

ROOM = "prefecture"
_PREFIX = "ecluse-demo-"
_KEPT = ("ECLUSE_REDIS_URL", "ECLUSE_LOG")
"""The only variables of ours that the demo heeds: it has a configuration of its own."""

_CONFIGURATION = """\
# The demo's configuration, written anew at each start. Its secrets are random and live in variables only.
redis_url = "embedded://"
public_url = "{url}"
trusted_proxies = []
signing_keys = ["env:ECLUSE_DEMO_SIGNING_KEY"]
port = {port}
metrics_port = 0

[[room]]
id = "{room}"
title = {{ fr = "Renouvellement de titre de séjour", en = "Residence permit renewal" }}
paths = ["/"]
open_paths = ["/static/", "/my/"]
origin = "http://127.0.0.1:{origin_port}"
origin_key = "env:ECLUSE_ORIGIN_KEY"
pace_per_minute = 120
burst = 2
capacity = 60
session_seconds = 300
claim_seconds = 60

[[operator]]
name = "demo"
role = "admin"
key = "env:ECLUSE_OPERATOR_KEY"
"""


def add_to(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(demo)


def demo(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where visitors come.")] = 8000,
    crowd: Annotated[int, typer.Option(min=0, max=100_000, help="Simulated visitors that keep it busy.")] = 300,
    info: InfoOption = None,
) -> None:
    """Show it all on this machine: a sample service, a line in front of it, a crowd, until Ctrl-C."""
    from ecluse.embedded import NoServer
    from ecluse.ports import PortUnavailable
    from ecluse.state_dir import StateDirUnavailable, owned

    follow_make()
    if info is not None:
        forget(info)
    for name in [name for name in os.environ if name.startswith("ECLUSE_") and name not in _KEPT]:
        del os.environ[name]
    _sweep()
    state = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with owned(state):
            _run(state, port, crowd, info)
    except (NoServer, PortUnavailable, StateDirUnavailable) as error:
        fail(str(error))
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _sweep() -> None:
    """Remove the directories of demos that were killed: ours, and locked by nobody."""
    from ecluse.state_dir import StateDirUnavailable, owned

    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError, StateDirUnavailable):
            if left.stat().st_uid == os.getuid() and (left / "lock").is_file():
                with owned(left):
                    shutil.rmtree(left, ignore_errors=True)


def _actors(state: Path, url: str, origin_port: int, crowd: int) -> "tuple[Child, Child]":
    """The origin behind the line, and the crowd in front of it."""
    from ecluse.cli.machine import child_environment, module
    from ecluse.probes import HttpProbe
    from ecluse.supervisor import Child, Restart

    booking = Child(
        name="booking",
        argv=module(
            "booking_backend",
            "--port",
            str(origin_port),
            "--database",
            str(state / "booking.sqlite3"),
            "--room",
            ROOM,
            "--counters",
            "3",
        ),
        env=child_environment(),
        ready=HttpProbe(port=origin_port, path="/healthz"),
    )
    visitors = Child(
        name="crowd",
        argv=module("loadtests.crowd", "--url", url, "--room", ROOM, "--people", str(crowd), "--forever"),
        env=child_environment(),
        restart=Restart.ON_FAILURE,
        essential=False,
    )
    return booking, visitors


def _run(state: Path, port: int, crowd: int, info: Path | None) -> None:
    import secrets

    from ecluse.cli.machine import Machine
    from ecluse.ports import free_ports
    from ecluse.state_dir import record_children

    (origin_port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    operator_key = secrets.token_urlsafe(24)
    os.environ["ECLUSE_DEMO_SIGNING_KEY"] = secrets.token_urlsafe(32)
    os.environ["ECLUSE_ORIGIN_KEY"] = secrets.token_urlsafe(32)
    os.environ["ECLUSE_OPERATOR_KEY"] = operator_key
    config = state / "ecluse.toml"
    text = _CONFIGURATION.format(url=url, port=port, room=ROOM, origin_port=origin_port)
    config.write_text(text, encoding="utf-8")
    config, settings = configured(config)
    booking, visitors = _actors(state, url, origin_port, crowd)
    machine = Machine(config, settings, port=port, workers=None, state=state)
    machine.quiet_server = True

    def tell(pids: Mapping[str, int]) -> None:
        record_children(state, pids)
        if info is not None:
            machine.write_info(info, pids, operator_key=operator_key)

    with closing(machine):
        supervise(
            machine.stages(beside=[booking], after=[visitors] if crowd else []),
            tell,
            panel(
                {
                    "visitors": f"{machine.url}/",
                    "console": machine.console_url,
                    "console key": operator_key,
                    "metrics": "\n".join(machine.metrics_urls),
                    "crowd": f"{crowd} simulated visitors" if crowd else "nobody",
                    "stop": "Ctrl-C",
                }
            ),
            hangup_stops=True,
        )


def panel(rows: Mapping[str, str]) -> str:
    """The rows in a frame as wide as they need: an address is never cut or wrapped."""
    lines = ["Écluse is running", ""]
    for name, value in rows.items():
        first, *others = value.split("\n")
        lines += [f"{name:<12} {first}", *(" " * 13 + other for other in others)]
    width = max(map(len, lines))
    return "\n".join([f"╭{'─' * (width + 2)}╮", *(f"│ {line:<{width}} │" for line in lines), f"╰{'─' * (width + 2)}╯"])
