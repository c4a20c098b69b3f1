"""Bringing a database to the schema of this program: the migrations in `migrations/`, run by Alembic.

The one module that imports Alembic besides the migrations themselves.
"""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

FOLDER = Path(__file__).resolve().parent / "migrations"
_ONE_AT_A_TIME = 0x6563_6C75
"""Advisory lock: of several processes that start at once, one migrates and the others find it done."""


class WrongSchema(Exception):
    """The database is not at the schema of this program; the message says what to do."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def head() -> str:
    """The schema this program works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def migrate(connection: AsyncConnection) -> None:
    """Run what is missing, inside the caller's write transaction. Raises WrongSchema for one it does not know."""
    _quietly()
    await connection.run_sync(_migrate)


async def check(connection: AsyncConnection) -> None:
    """Raises WrongSchema unless the database is exactly at the schema of this program."""
    _quietly()
    found = await connection.run_sync(_found)
    if found != head():
        raise WrongSchema(
            f"the database is at schema {found or 'none'}, this program works with {head()}: "
            "run `ecluse booking migrate`"
        )


def _quietly() -> None:
    """Alembic's reports of routine are not for whoever runs this program."""
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    found = _found(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise WrongSchema(f"the database is at schema {found}, which this program does not know: it is a newer one's")
    if found is None and connection.dialect.has_table(connection, "booking"):
        raise WrongSchema("the database was made before schemas had names: start with a new file")
    if found == head():
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _found(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
