"""`python -m benchmarks`: every figure in one table; exit status 1 if one is not where it must be."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.exactness import exactness_rows
from benchmarks.floors import judged
from benchmarks.http_rows import http_rows
from benchmarks.scale import scale_rows
from benchmarks.servers import server_rows
from benchmarks.steps import start_row, step_rows
from benchmarks.streams import stream_rows
from benchmarks.table import Row, lines

PARTS = ("http", "servers", "streams", "steps", "scale", "exactness")
SHORT_SECONDS, SHORT_ROUNDS = 0.4, 3


async def _all(options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    parts = options.only.split(",") if options.only else PARTS
    if "http" in parts:
        print("HTTP: requests per CPU-second of one gateway process …", flush=True)
        rows += await http_rows(options.rounds, options.seconds)
    if options.short:
        return [*rows, await start_row(options.rounds)]
    if "servers" in parts:
        print("Servers: nginx and HAProxy beside the gateway …", flush=True)
        rows += await server_rows(options.rounds, options.seconds)
    if "streams" in parts:
        print("Streams: ten thousand at once …", flush=True)
        rows += await stream_rows(options.seconds)
    if "steps" in parts:
        print("Steps: start-up, a join in Redis, a draw of a million …", flush=True)
        rows += await step_rows(options.rounds)
    if "scale" in parts:
        print("Scale: a thousand against a million waiting …", flush=True)
        rows += await scale_rows(options.rounds, options.seconds)
    if "exactness" in parts:
        for absent in (0.0, 0.5):
            print(f"Exactness: {options.window:.0f} s of 2,000 visitors hammering, {absent:.0%} absent …", flush=True)
            rows += await exactness_rows(options.window, absent_share=absent)
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of each HTTP row (median)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--window", type=float, default=60.0, help="length of the exactness runs, in seconds")
    parser.add_argument("--only", help=f"some of: {', '.join(PARTS)}; comma-separated")
    parser.add_argument("--short", action="store_true", help="a minute, with wider limits: for checking a change")
    parser.add_argument("--save", type=Path, help="write the rows as JSON")
    options = parser.parse_args()
    if options.only and not set(options.only.split(",")) <= set(PARTS):
        parser.error(f"--only takes some of: {', '.join(PARTS)}")
    if options.short:
        options.only, options.rounds, options.seconds = "http", SHORT_ROUNDS, SHORT_SECONDS
    return options


def main() -> int:
    """Run what was asked for and print the table."""
    options = _arguments()
    started = time.monotonic()
    # A generator slower than the server would measure itself.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = judged(runner.run(_all(options)), short=options.short)
    print("\n" + "\n".join(lines(rows)) + f"\n\n{time.monotonic() - started:.0f} s")
    if options.save:
        saved = [
            {"name": row.name, "value": row.value, "unit": row.unit, "spread": row.spread, "rate": row.rate}
            for row in rows
        ]
        options.save.write_text(json.dumps({"rows": saved}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
