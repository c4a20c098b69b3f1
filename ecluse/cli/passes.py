"""`ecluse pass inspect`: what a pass says, and whether it is genuine."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ecluse.cli.told import ConfigOption, configured, fail

app = typer.Typer(help="Look at passes.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at passes."""


@app.command()
def inspect(
    token: Annotated[str, typer.Argument(help="The pass; - reads it from standard input.")],
    config: ConfigOption = None,
) -> None:
    """Print a pass's header and claims; with a configuration, say whether it is genuine (exit status 1 if not)."""
    import json

    from ecluse.domain.errors import Forged
    from ecluse.tokens import inspect as read_unverified

    token = (sys.stdin.read() if token == "-" else token).strip()  # noqa: S105 - not a password
    try:
        header, claims = read_unverified(token)
    except Forged:
        fail("this is not a pass: a pass is three base64url parts joined by dots")
    typer.echo(json.dumps({"header": header, "claims": claims}, indent=2, ensure_ascii=False))
    if config is None and "ECLUSE_CONFIG" not in os.environ:
        typer.echo("signature: not checked (give --config to check it)")
        return
    verdict, genuine = _verdict(token, str(claims.get("aud")), config)
    typer.echo(f"signature: {verdict}")
    if not genuine:
        raise typer.Exit(1)


def _verdict(token: str, room: str, config: Path | None) -> tuple[str, bool]:
    """What to say about the signature, and whether the pass opens the room now."""
    from ecluse.domain.errors import Expired, Forged
    from ecluse.settings import secrets
    from ecluse.tokens import PassSigner, SigningKey

    _, settings = configured(config)
    found = secrets(settings)
    signing = [SigningKey.from_secret(secret) for secret in found.signing_keys]
    candidates = {"the signing keys": signing}
    if room in found.origin_keys:
        candidates["the room's origin key"] = [SigningKey.from_secret(found.origin_keys[room])]
    for whose, keys in candidates.items():
        try:
            PassSigner(keys).read(token, room)
        except Expired:
            return f"genuine, by {whose}, but expired", False
        except Forged:
            continue
        return f"genuine, by {whose}", True
    return "not by any key of this configuration", False
