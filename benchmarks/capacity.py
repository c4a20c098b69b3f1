"""`python -m benchmarks.capacity`: what a crowd asks of cores, network and Redis, from saved figures or those given.

The arithmetic of docs/capacity.md. A core's figures come from `make bench ARGS="--save new.json"` or from the options.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKET_BYTES = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one core and one Redis do. Rates are per CPU-second of a gateway."""

    polls_per_core: float
    joins_per_core: float
    claims_per_core: float
    ticket_bytes: float = _TICKET_BYTES
    board_bytes: float = 1_400.0
    """Of a drawn line, with its head: one in order of arrival has half of that (docs/page.md)."""
    """A packed board with its headers."""
    joins_per_redis: float = 20_000.0
    busy: float = 0.6
    """How far a core is to be filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What is asked of them."""

    waiting: int
    poll_seconds: float
    """Mean time between two looks of a visitor: most are far back."""
    join_seconds: float
    """Within how long everybody arrives."""
    pace_per_minute: float
    cached: float = 0.0
    """Share of the polls that a cache in front answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What it takes."""

    polls_per_second: float
    poll_cores: float
    join_cores: float
    claim_cores: float
    redis_cores: float
    """For the joins; more than one means more than one room, over the shards of a cluster."""
    redis_mb: float
    gigabytes_per_hour: float
    hours_to_serve: float


def needs(crowd: Crowd, figures: Figures) -> Needs:
    """Cores are of gateways, filled to `busy`; bytes are those that leave for visitors, cached or not."""
    polls = crowd.waiting / crowd.poll_seconds
    joins = crowd.waiting / crowd.join_seconds
    claims = crowd.pace_per_minute / 60
    return Needs(
        polls_per_second=polls,
        poll_cores=polls * (1 - crowd.cached) / figures.polls_per_core / figures.busy,
        join_cores=joins / figures.joins_per_core / figures.busy,
        claim_cores=claims / figures.claims_per_core / figures.busy,
        redis_cores=joins / figures.joins_per_redis / figures.busy,
        redis_mb=crowd.waiting * figures.ticket_bytes / 1e6,
        gigabytes_per_hour=polls * figures.board_bytes * 3600 / 1e9,
        hours_to_serve=crowd.waiting / crowd.pace_per_minute / 60,
    )


def figures_in(path: Path) -> Figures:
    """The figures of a saved benchmark. Raises ValueError if it lacks them."""
    try:
        rows = {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}
        return Figures(
            polls_per_core=rows["board"]["rate"],
            joins_per_core=rows["join, page"]["rate"],
            claims_per_core=rows["claim"]["rate"],
            ticket_bytes=rows.get("memory per waiting ticket", {}).get("value", _TICKET_BYTES),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} lacks what is needed: {error!r}") from None


def _arguments(argv: Sequence[str]) -> tuple[Crowd, Figures, float]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("bench", type=Path, help="rows of `make bench`, saved")
    parser.add_argument("--waiting", type=int, default=10_000_000, help="people in line (default %(default)s)")
    parser.add_argument(
        "--poll-seconds", type=float, default=20.0, help="mean time between looks (default %(default)s)"
    )
    parser.add_argument(
        "--join-seconds", type=float, default=600.0, help="everybody arrives within (default %(default)s)"
    )
    parser.add_argument(
        "--pace", type=float, default=6000.0, help="admissions per minute, all rooms (default %(default)s)"
    )
    parser.add_argument("--cached", type=float, default=0.0, help="share of polls that a cache answers, 0 to 1")
    parser.add_argument("--euros-per-gb", type=float, default=0.0, help="what your provider asks for traffic")
    options = parser.parse_args(argv)
    positive = (options.waiting, options.poll_seconds, options.join_seconds, options.pace)
    if min(positive) <= 0 or not 0 <= options.cached <= 1:
        parser.error("numbers must be above 0, and --cached between 0 and 1")
    try:
        figures = figures_in(options.bench)
    except ValueError as error:
        parser.error(str(error))
    crowd = Crowd(
        waiting=options.waiting, poll_seconds=options.poll_seconds, join_seconds=options.join_seconds,
        pace_per_minute=options.pace, cached=options.cached,
    )  # fmt: skip
    return crowd, figures, options.euros_per_gb


def main(argv: Sequence[str] | None = None) -> int:
    """Print what it takes."""
    crowd, figures, euros_per_gb = _arguments(sys.argv[1:] if argv is None else argv)
    found = needs(crowd, figures)
    print(
        f"{crowd.waiting:,} waiting, a look every {crowd.poll_seconds:g} s: "
        f"{found.polls_per_second:,.0f} looks a second"
    )
    print(f"gateway cores: {found.poll_cores:.1f} for looks, {found.join_cores:.1f} while all arrive, "
          f"{found.claim_cores:.2f} for claims")  # fmt: skip
    print(f"Redis: {found.redis_mb:,.0f} MB, {found.redis_cores:.2f} cores while all arrive")
    print(f"traffic: {found.gigabytes_per_hour:,.0f} GB an hour, {found.gigabytes_per_hour * euros_per_gb:,.2f} euros")
    print(f"until everybody was let in: {found.hours_to_serve:,.1f} hours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
