"""Runs the command line as people do: as a process."""

import os
import subprocess
import sys
from collections.abc import Mapping

KEYS = {
    "ECLUSE_TEST_KEY": "k" * 40,
    "ECLUSE_TEST_ORIGIN": "o" * 40,
    "ECLUSE_TEST_OPERATOR": "p" * 40,
    "ECLUSE_TEST_HELPER": "h" * 40,
    "ECLUSE_TEST_PASSWORD": "scrypt:14:8:5:mb1HtvlBztEmjt60XiL0Qg:rxcALgaD_9WkRY5WJKYfnL-XuybW2OK7MejXwpkMSIg",
}
"""The secrets that CONFIGURATION names."""
PASSWORD = "quatre mots au hasard"
"""What ECLUSE_TEST_PASSWORD is the hash of."""

CONFIGURATION = """
redis_url = "embedded://"
signing_keys = ["env:ECLUSE_TEST_KEY"]
metrics_port = 0

[[room]]
id = "sarcelles"
paths = ["/sarcelles/"]
origin = "http://127.0.0.1:9"
origin_key = "env:ECLUSE_TEST_ORIGIN"

[[operator]]
name = "astreinte"
role = "operator"
key = "env:ECLUSE_TEST_OPERATOR"
"""


def clean_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without any ECLUSE_ variable, plus `env`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ECLUSE_", "MAKE"))}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "200", **(env or {})}


def ecluse(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `ecluse` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ecluse", *arguments], input=stdin, capture_output=True, text=True, check=False,
        timeout=60, env=clean_environment(env),
    )  # fmt: skip
