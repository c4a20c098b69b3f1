"""`ecluse check`: is this configuration right, secrets included?"""

import typer

from ecluse.cli.told import ConfigOption, configured


def add_to(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(check)


def check(config: ConfigOption = None) -> None:
    """Check a configuration and its secrets. Every mistake is a line; exit status 1 if there is one."""
    path, settings = configured(config, status=1)
    for room in settings.room:
        hosts = ", ".join(room.hosts) or "any host"
        limit = f"at most {room.capacity} visits" if room.capacity else "no limit on visits"
        typer.echo(
            f"room {room.id}: {hosts}, {' '.join(room.paths)} -> {room.origin}; "
            f"{room.pace_per_minute:g} a minute, burst {room.burst}, {limit}, {room.mode}"
        )
    keys, operators = len(settings.signing_keys), len(settings.operator)
    typer.echo(f"{path.name}: OK ({keys} signing key{'s'[: keys != 1]}, {operators} operator{'s'[: operators != 1]})")
