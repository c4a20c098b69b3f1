"""One worker process: `python -m queue_worker --config FILE`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ecluse.notify_secrets import NotifySecrets, notify_secrets
from ecluse.reload import stop_on_hangup
from ecluse.settings import ConfigurationError, Settings, load
from ecluse.store.client import Store
from ecluse.store.safety import check_server
from ecluse.telemetry import Metrics, configure_logging
from queue_worker.loop import Worker

if TYPE_CHECKING:
    from queue_worker.notify import RoomNotify

log = structlog.get_logger()


async def _run(settings: Settings, telling: Mapping[str, NotifySecrets], metrics: Metrics, config: Path | None) -> None:
    store = Store.at(settings.redis_url)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    stop_on_hangup(config, stop.set, notify_secrets)  # a worker has, and needs, no other secret
    try:
        for warning in await check_server(store):
            log.warning("store_setting", advice=warning)
        log.info("worker_started", rooms=[room.id for room in settings.room])
        await Worker(settings, store, metrics, _notify(settings, telling, store, metrics)).run(stop)
    finally:
        await store.close()


def _notify(
    settings: Settings, telling: Mapping[str, NotifySecrets], store: Store, metrics: Metrics
) -> "Sequence[RoomNotify]":
    if not telling:
        return ()
    # Catalogues and mail cost memory that a worker without such a room need not pay.
    from queue_worker.notify import notify_of  # noqa: PLC0415

    return notify_of(settings, telling, store, metrics)


def main() -> int:
    """Run until SIGTERM. Exit status 2 for a wrong configuration or a store that could lose the line."""
    parser = argparse.ArgumentParser(prog="python -m queue_worker", description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--metrics-port", type=int, help="0: none")
    options = parser.parse_args()
    configure_logging("worker")
    try:
        settings = load(options.config)
        telling = notify_secrets(settings)
        metrics = Metrics()
        if options.metrics_port:
            metrics.serve_metrics(options.metrics_port)
        asyncio.run(_run(settings, telling, metrics, options.config))
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
