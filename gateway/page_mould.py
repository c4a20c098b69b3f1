"""Moulds: a page rendered once with holes for what differs between visitors, then filled by joining strings.

Rendering a template costs about a millisecond; filling a mould about a tenth of that, at the rate at which people join.
"""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

_HOLE = re.compile("\x02([a-z_]+)\x03")


def hole(name: str) -> Markup:
    """The mark that a template leaves where `name` goes."""
    return Markup(f"\x02{name}\x03")  # noqa: S704 - a constant of the template


def without_marks(text: str) -> str:
    """`text` without the character that opens a hole, so that what people write cannot make one."""
    return text.replace("\x02", "")


class Mould:
    """A page with holes."""

    def __init__(self, html: str) -> None:
        self._parts = _HOLE.split(html)
        self._holes = self._parts[1::2]
        self._names = frozenset(self._holes)

    def fill(self, values: Mapping[str, object]) -> bytes:
        """The page with every hole filled from `values`, escaped. Raises KeyError for a hole without a value."""
        filled = {name: str(escape(values[name])) for name in self._names}
        pieces = self._parts.copy()
        pieces[1::2] = [filled[name] for name in self._holes]
        return "".join(pieces).encode()
