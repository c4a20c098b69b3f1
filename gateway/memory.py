"""Memory after start-up: what was only needed to import and compile goes back to the system."""

import ctypes
import gc
import sys

_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None


def settle_memory() -> None:
    """Collect once, exempt what is left from later collections, return free pages (glibc keeps them: 20 MB here)."""
    gc.collect()
    gc.freeze()
    # Requests leave no cycles behind: look for some a hundred times less often than Python would.
    gc.set_threshold(70_000, 20, 50)
    trim()


def trim() -> None:
    """Return free pages to the system, where the C library can: quick when there is little to do."""
    if _TRIM is not None:
        _TRIM(0)
