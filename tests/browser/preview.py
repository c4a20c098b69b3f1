"""The preview of every page, served to a browser from a thread, with an Arabic made from the messages."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from ecluse.ports import free_ports
from gateway.page_preview import NAMES
from gateway.pages import Pages
from gateway.preview import Preview
from tests.gateway.test_page_locales import messages

LATIN, ARABIC = "abcdefghijklmnopqrstuvwxyz", "ابجدهوزحطيكلمنسعفصقرشتثخذض"


def in_arabic_letters(text: str) -> str:
    """Text that runs from right to left and means nothing; what stands for a value stays."""
    out, rest = "", text
    while rest:
        before, mark, after = rest.partition("%(")
        out += before.lower().translate(str.maketrans(LATIN, ARABIC))
        name, _, rest = after.partition(")s")
        out += f"%({name})s" if mark else ""
    return out


def arabic_layer(root: Path) -> Path:
    """A folder for `templates_dir` that holds nothing but a generated Arabic catalogue."""
    catalogue = Catalog(locale="ar", fuzzy=False)
    for message in set(messages()):
        one = in_arabic_letters(message[0] if isinstance(message, tuple) else message)
        catalogue.add(message, (one,) * 6 if isinstance(message, tuple) else one)
    folder = root / "locales/ar/LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "ecluse.po").open("wb") as file:
        write_po(file, catalogue)
    return root


@contextmanager
def served_preview(layer: Path | None = None) -> Iterator[str]:
    """The address of a preview; with a `layer`, its texts go before ours."""
    (port,) = free_ports(1)
    app = Preview(Pages(layer))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


__all__ = ["NAMES", "arabic_layer", "in_arabic_letters", "served_preview"]
