"""`ecluse up`, and one kind of process alone: `gateway`, `worker`, `booking`."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecluse.cli.told import ConfigOption, configured, fail

if TYPE_CHECKING:
    from ecluse.supervisor import Child

PortOption = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65_535, help="Listen here instead; 0: any free port.", show_default=False),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, max=64, help="Gateway processes.", show_default=False)
]
InfoOption = Annotated[
    Path | None,
    typer.Option("--info", metavar="FILE", help="Write addresses and process ids there once ready, as JSON."),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command()(up)
    app.command()(gateway)
    app.command()(worker)
    passing_on = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(context_settings=passing_on, add_help_option=False)(booking)


def up(
    config: ConfigOption = None, port: PortOption = None, workers: WorkersOption = None, info: InfoOption = None
) -> None:
    """Run everything a configuration needs on this machine, until Ctrl-C or SIGTERM."""
    from ecluse.cli.machine import Machine
    from ecluse.embedded import NoServer
    from ecluse.ports import PortUnavailable
    from ecluse.state_dir import StateDirUnavailable, owned, record_children

    path, settings = configured(config)
    if info is not None:
        forget(info)
    try:
        with owned(Path(settings.state_dir).absolute()) as state:
            machine = Machine(path, settings, port=port, workers=workers, state=state)

            def tell(pids: Mapping[str, int]) -> None:
                record_children(state, pids)
                if info is not None:
                    machine.write_info(info, pids)

            with closing(machine):
                supervise(machine.stages(), tell, f"Écluse is ready: {machine.url}  console: {machine.console_url}")
    except (NoServer, PortUnavailable, StateDirUnavailable) as error:
        fail(str(error))


def gateway(config: ConfigOption = None, port: PortOption = None, workers: WorkersOption = None) -> None:
    """Run gateways alone, sharing one port; the worker runs elsewhere."""
    from ecluse.cli.machine import Machine
    from ecluse.ports import PortUnavailable

    path, settings = configured(config, tells=False)
    _refuse_embedded(settings.redis_url)
    try:
        machine = Machine(path, settings, port=port, workers=workers, state=None)
    except PortUnavailable as error:
        fail(str(error))
    with closing(machine):
        supervise([machine.gateways()], lambda _pids: None, f"The gateway is ready: {machine.url}")


def worker(
    config: ConfigOption = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Metrics here instead; 0: any.", show_default=False)
    ] = None,
) -> None:
    """Run one queue worker alone; any number may run at once."""
    from ecluse.cli.machine import module

    path, settings = configured(config)
    _refuse_embedded(settings.redis_url)
    port = settings.metrics_port if metrics_port is None else metrics_port
    argv = module("queue_worker", "--config", str(path), "--metrics-port", str(port))
    os.execv(argv[0], argv)  # noqa: S606 - our own interpreter, no shell


def booking(context: typer.Context) -> None:
    """Run the booking backend alone; every option is its own (--help lists them)."""
    from ecluse.cli.machine import module

    argv = module("booking_backend", *context.args)
    os.execv(argv[0], argv)  # noqa: S606 - our own interpreter, no shell


def supervise(
    stages: "Sequence[Sequence[Child]]",
    tell: Callable[[Mapping[str, int]], None],
    welcome: str,
    *,
    hangup_stops: bool = False,
) -> None:
    """Run the children until told to stop; `tell` and `welcome` come once all are ready.

    Exit status 1 if a child cannot be brought up.
    """
    import asyncio

    from ecluse.output import Output
    from ecluse.supervisor import ChildFailed, Supervisor

    output = Output()
    welcomed = False

    def ready(pids: Mapping[str, int]) -> None:
        nonlocal welcomed
        try:
            tell(pids)
        except OSError as error:
            output.warn(f"ecluse: cannot write {error.filename}: {error.strerror}")
        if not welcomed:
            welcomed = True
            output.say(welcome)

    try:
        asyncio.run(Supervisor(stages, output=output, on_ready=ready, hangup_stops=hangup_stops).run())
        output.say("Écluse stopped.")
    except ChildFailed as error:
        output.warn(f"ecluse: {error}")
        raise typer.Exit(1) from None
    finally:
        output.close()


def forget(info: Path) -> None:
    """Remove what an earlier run told, so that a reader waits for us."""
    try:
        info.unlink(missing_ok=True)
    except OSError as error:
        fail(f"cannot write {info}: {error.strerror}", 2)
    if not info.absolute().parent.is_dir():
        fail(f"cannot write {info}: there is no directory {info.absolute().parent}", 2)


def _refuse_embedded(redis_url: str) -> None:
    if redis_url.startswith("embedded:"):
        sys.stderr.write("redis_url: embedded:// works with `ecluse up` only; name a Redis that all parts reach\n")
        raise typer.Exit(2)
