"""`python -m benchmarks`: every figure in one table; exit status 1 if one is not where it must be."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.exactness import exactness_rows
from benchmarks.http_rows import http_rows
from benchmarks.scale import scale_rows
from benchmarks.table import Row, lines


async def _all(options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    parts = options.only.split(",") if options.only else ["http", "scale", "exactness"]
    if "http" in parts:
        print("HTTP: requests per CPU-second of one gateway process …", flush=True)
        rows += await http_rows(options.rounds, options.seconds)
    if "scale" in parts:
        print("Scale: a thousand against a million waiting …", flush=True)
        rows += await scale_rows(options.rounds, options.seconds)
    if "exactness" in parts:
        for absent in (0.0, 0.5):
            print(f"Exactness: {options.window:.0f} s of 2,000 visitors hammering, {absent:.0%} absent …", flush=True)
            rows += await exactness_rows(options.window, absent_share=absent)
    return rows


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of each HTTP row (median)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--window", type=float, default=60.0, help="length of the exactness runs, in seconds")
    parser.add_argument("--only", help="http, scale, exactness; comma-separated")
    parser.add_argument("--save", type=Path, help="write the rows as JSON")
    options = parser.parse_args()
    started = time.monotonic()
    # A generator slower than the server would measure itself.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(_all(options))
    print("\n" + "\n".join(lines(rows)) + f"\n\n{time.monotonic() - started:.0f} s")
    if options.save:
        saved = [{"name": row.name, "value": row.value, "unit": row.unit, "spread": row.spread} for row in rows]
        options.save.write_text(json.dumps(saved, indent=1), encoding="utf-8")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
