"""The edge in this process, for pages that need a clock which only the test moves."""

from tests.gateway.conftest import open_whole, serve_edge, stack, start_origin

__all__ = ["open_whole", "serve_edge", "stack", "start_origin"]
