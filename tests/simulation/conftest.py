"""The bench of lines over the private server that the store's tests have."""

from tests.ecluse.store.conftest import open_bench

__all__ = ["open_bench"]
