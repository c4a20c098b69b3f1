"""`make shots`: every page as a picture, phone and desk, light and dark, French and Arabic, and one sheet of all.

Pictures of another language or state only: `python -m tests.browser.shots --lang fr --only called`.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, sync_playwright

from ecluse.catalogues import TEMPLATES, codes_in
from tests.browser.conftest import ARGUMENTS, chromium
from tests.browser.preview import NAMES, served_preview

ROOT = Path(__file__).resolve().parents[2]
SIZES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 1, "is_mobile": True},
    "desk": {"viewport": {"width": 1280, "height": 800}},
}


def taken(browser: Browser, base: str, folder: Path, langs: list[str], names: list[str]) -> Iterator[Path]:
    """Take every picture."""
    for size, options in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", **options)
            page = context.new_page()
            for lang in langs:
                for name in names:
                    page.goto(f"{base}/page/{name}?lang={lang}")
                    page.locator("main[data-script], main:not([data-room])").wait_for()
                    path = folder / f"{name}-{lang}-{scheme}-{size}.png"
                    page.screenshot(path=path, full_page=True)
                    yield path
            context.close()


def sheet(folder: Path, paths: list[Path]) -> Path:
    """One page with all pictures, to look through."""
    figures = "".join(
        f'<figure><a href="{path.name}"><img src="{path.name}" alt=""></a><figcaption>{escape(path.stem)}</figcaption></figure>'
        for path in sorted(paths)
    )
    style = "body{font:14px system-ui;display:flex;flex-wrap:wrap;gap:12px}figure{margin:0}img{height:420px;border:1px solid #999}"
    index = folder / "index.html"
    index.write_text(f"<!doctype html><meta charset=utf-8><title>Shots</title><style>{style}</style>{figures}", "utf-8")
    return index


def main() -> int:
    """Take the pictures; exit status 1 if a page could not be shown."""
    parser = argparse.ArgumentParser(prog="make shots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "reports" / "shots")
    parser.add_argument("--lang", action="append", choices=codes_in([TEMPLATES]))
    parser.add_argument("--only", action="append", choices=NAMES)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    try:
        with served_preview() as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *sandbox])
            langs, names = options.lang or ["fr", "ar"], options.only or list(NAMES)
            paths = list(taken(browser, base, options.folder, langs, names))
            browser.close()
    except Error as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(paths)} pictures: {sheet(options.folder, paths)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
