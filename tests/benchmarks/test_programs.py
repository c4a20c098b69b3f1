"""The benchmark as a program, against real processes: small, but all the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.floors import LIMITS


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_tiny_benchmark_measures_every_http_row_and_saves_it(tmp_path: Path) -> None:
    kept = tmp_path / "rows.json"
    argv = [
        sys.executable,
        "-m",
        "benchmarks",
        "--only",
        "http",
        "--rounds",
        "1",
        "--seconds",
        "0.1",
        "--save",
        str(kept),
    ]
    said = subprocess.run(
        argv, check=False, capture_output=True, text=True, timeout=280, env={**os.environ, "ECLUSE_LOG": "json"}
    )
    assert kept.exists(), said.stderr
    rows = {row["name"]: row["value"] for row in json.loads(kept.read_text(encoding="utf-8"))["rows"]}
    assert {
        "board",
        "ticket state",
        "join, JSON",
        "join, page",
        "claim",
        "gate + proxy, GET",
        "gate + proxy, POST",
    } <= set(rows)
    assert all(value > 0 for value in rows.values())
    assert set(rows) <= set(LIMITS)
