"""One gateway process: `python -m gateway --config FILE [--fd N | --port N]`; several share one socket."""

import sys

SPARED = ("greenlet", "opentelemetry", "rich", "watchfiles")
"""What structlog, redis-py and uvicorn load where they find it: eight megabytes that no gateway process ever uses."""
if __name__ == "__main__":
    sys.modules.update(dict.fromkeys(SPARED, None))  # type: ignore[arg-type]

import argparse
import asyncio
import socket
import typing
from pathlib import Path

import uvicorn

from ecluse.reload import stop_on_hangup
from ecluse.settings import ConfigurationError, Settings, load, secrets
from ecluse.telemetry import Metrics, configure_logging
from gateway.app import create_app
from gateway.asgi import App
from gateway.pages import Pages, TemplateError
from gateway.protocol import EdgeProtocol

GRACE_SECONDS = 3
"""How long open requests may go on after SIGTERM; streams are ended."""


def server_config(app: App, *, protocol: type[asyncio.Protocol] | str = EdgeProtocol) -> uvicorn.Config:
    """How uvicorn runs the edge: hardened parser, no access log, no proxy or server headers."""
    return uvicorn.Config(
        app,
        http=protocol,
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=1024 * 1024,
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=4096,
    )


def _socket(settings: Settings, fd: int | None, port: int | None) -> socket.socket:
    if fd is not None:
        return socket.socket(fileno=fd)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, port or settings.port))
    listener.listen(4096)
    return listener


def main() -> int:
    """Run until SIGTERM. Exit status 2 for a wrong configuration."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--fd", type=int, help="a listening socket that was inherited")
    parser.add_argument("--port", type=int)
    parser.add_argument("--index", type=int, default=0, help="which of several processes this is")
    parser.add_argument("--metrics-port", type=int, help="0: none")
    options = parser.parse_args()
    configure_logging(f"gateway-{options.index}")
    try:
        settings = load(options.config)
        app_secrets = secrets(settings)
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    # redis-py has seven hundred, which only type checkers read.
    typing.clear_overloads()
    metrics = Metrics()
    if options.metrics_port:
        metrics.serve_metrics(options.metrics_port)
    try:
        app = create_app(settings, app_secrets, metrics=metrics)
        if settings.templates is not None and options.index == 0:
            from gateway.page_preview import check_pages  # noqa: PLC0415 - only for templates of one's own

            check_pages(Pages(settings.templates, rooms=settings.room))
    except (TemplateError, LookupError, ValueError, OSError) as error:
        print(f"templates_dir: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    server = uvicorn.Server(server_config(app))
    listener = _socket(settings, options.fd, options.port)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, listener, options.config))
    return 0


async def _serve(server: uvicorn.Server, listener: socket.socket, config: Path | None) -> None:
    def stop() -> None:
        server.should_exit = True

    stop_on_hangup(config, stop)
    await server.serve(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
