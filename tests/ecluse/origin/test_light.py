"""An integrator imports one light thing."""

import subprocess
import sys

HEAVY = ("redis", "aiohttp", "starlette", "uvicorn", "pydantic", "jinja2", "sqlalchemy", "structlog", "prometheus_client",
         "typer", "babel", "asyncio")  # fmt: skip
PROGRAM = """
import sys
before = set(sys.modules)
import ecluse.origin
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_importing_it_loads_itsdangerous_and_nothing_else_of_others() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, *HEAVY], capture_output=True, text=True, check=True)
    loaded, heavy = ended.stdout.splitlines()
    assert loaded.split() == ["ecluse", "itsdangerous"]
    assert heavy == ""
