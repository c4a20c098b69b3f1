"""The same bench of lines as the store's tests have, and draws in many pieces."""

import pytest

from ecluse.services import openings
from tests.ecluse.store.conftest import open_bench

__all__ = ["open_bench"]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw of a few tickets takes many pieces."""
    for name in ("READ_PIECE", "ROOT_PIECE", "PLACE_PIECE"):
        monkeypatch.setattr(openings, name, 7)
