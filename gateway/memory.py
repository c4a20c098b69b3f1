"""Memory after start-up: what was only needed to import and compile goes back to the system."""

import ctypes
import gc
import sys


def settle_memory() -> None:
    """Collect once, exempt what is left from later collections, return free pages (glibc keeps them: 20 MB here)."""
    gc.collect()
    gc.freeze()
    # Requests leave no cycles behind: look for some a hundred times less often than Python would.
    gc.set_threshold(70_000, 20, 50)
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
