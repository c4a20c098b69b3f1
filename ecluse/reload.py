"""SIGHUP: read the configuration again. A process ends and is started anew by whoever supervises it, if the new
configuration is right; if it is wrong, it says so and goes on with the one it has."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from ecluse.settings import ConfigurationError, Settings, load, secrets

log = structlog.get_logger()


def stop_on_hangup(
    config: Path | None, stop: Callable[[], None], check: Callable[[Settings], object] = secrets
) -> None:
    """Call `stop` at SIGHUP, provided that the configuration can be read and `check` does not refuse it.

    Needs a running loop.
    """

    def hung_up() -> None:
        try:
            check(load(config))
        except ConfigurationError as error:
            log.error("configuration_refused", mistakes=error.mistakes)
            return
        log.info("configuration_changed")
        stop()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up)
