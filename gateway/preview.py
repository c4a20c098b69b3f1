"""`python -m gateway.preview`: every state of the pages in a browser, made of a configuration's rooms. No store.

Only for this machine: it listens on 127.0.0.1 and serves made-up visitors.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import uvicorn

from ecluse.settings import ConfigurationError, RoomSettings, Settings, load
from gateway.asgi import App, Headers, Receive, Scope, Send, respond
from gateway.codes import qr_svg
from gateway.page_files import STATIC_PREFIX, StaticFile
from gateway.page_look import look_of
from gateway.page_preview import LOOK, NAMES, SCENES, TITLE, check_pages, scene_board, scene_page, scene_ticket
from gateway.pages import SECURITY_HEADERS, Pages, TemplateError

HTML = (b"content-type", b"text/html; charset=utf-8")
_JSON = (b"content-type", b"application/json")
_ROOMS = "/_ecluse/rooms/"
_DARK = b"(prefers-color-scheme: dark)"
_SCHEMES = {"dark": b"all", "light": b"not all"}
_STYLE = (
    b"body{font:100%/1.5 system-ui,sans-serif;margin:1rem}iframe{border:1px solid #888;background:#fff}"
    b"figure{display:inline-block;margin:0 1rem 1rem 0;vertical-align:top}"
)
_SIZES = {"phone": 360, "desk": 1024}


class Preview:
    """The pages of all states, framed by an index."""

    def __init__(self, pages: Pages, room: RoomSettings | None = None) -> None:
        self._pages = pages
        self._room: dict[str, Any] = {"look": LOOK, "title": TITLE}
        if room is not None:
            self._room = {"look": look_of(room), "title": room.title or {"en": room.id}}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        fields = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        lang, scheme = fields.get("lang", "fr"), fields.get("scheme", "")
        if path.startswith(STATIC_PREFIX):
            await self._static(scope, send, path.removeprefix(STATIC_PREFIX), scheme)
        elif path.startswith(_ROOMS) and path.removeprefix(_ROOMS).partition("/")[0] in SCENES:
            await self._of_room(send, *path.removeprefix(_ROOMS).split("/", 1))
        elif path.removeprefix("/page/") in NAMES:
            page = scene_page(self._pages, path.removeprefix("/page/"), lang, **self._room)
            if scheme:
                page = page.replace(b'.css"', b'.css?scheme=%s"' % quote(scheme).encode())
            await respond(send, 200, [HTML, *_FRAMED], page)
        elif path == "/preview.css":
            await respond(send, 200, [(b"content-type", b"text/css")], _STYLE)
        elif path == "/":
            await respond(send, 200, [HTML, *_FRAMED], self._index(lang, scheme, fields.get("state")))
        else:
            await respond(send, 404, [(b"content-type", b"text/plain")], b"nothing here")

    async def _static(self, scope: Scope, send: Send, path: str, scheme: str) -> None:
        file: StaticFile | None = self._pages.static(path)
        if file is None:
            await respond(send, 404, [])
            return
        # What the browser's own setting would choose is chosen here instead, so that both can stand side by side.
        content = file.content.replace(_DARK, _SCHEMES[scheme]) if scheme in _SCHEMES else file.content
        await respond(send, 200, [(b"content-type", file.content_type)], content)

    async def _of_room(self, send: Send, scene: str, what: str = "") -> None:
        """The few addresses a page's script asks: always the same answer, so that the page stays as it is."""
        if what == "ticket/qr.svg":
            await respond(send, 200, [(b"content-type", b"image/svg+xml")], qr_svg("https://www.example.org/"))
            return
        answers = {"board.json": scene_board, "ticket": scene_ticket}
        if what not in answers:
            await respond(send, 404, [_JSON], b"{}")
            return
        await respond(send, 200, [_JSON, (b"cache-control", b"no-store")], json.dumps(answers[what](scene)).encode())

    def _index(self, lang: str, scheme: str, only: str | None) -> bytes:
        """Links to choose language and scheme, and each state on a phone and on a desk."""
        link = "<a href='/?lang={}&amp;scheme={}'>{}</a>".format
        chosen = [link(code, quote(scheme), code) for code in self._pages.languages]
        chosen += [link(quote(lang), each, each) for each in _SCHEMES]
        shown = [only] if only in NAMES else list(NAMES)
        frames = ""
        for name in shown:
            page = f"/page/{name}?lang={quote(lang)}&amp;scheme={quote(scheme)}"
            frames += f"<h2 id='{name}'><a href='{page}'>{name}</a></h2>"
            for size, width in _SIZES.items():
                frames += (
                    f"<figure><iframe loading='lazy' title='{name}, {size}' width='{width}' height='740' src='{page}'>"
                    "</iframe></figure>"
                )
        states = " · ".join(f"<a href='#{name}'>{name}</a>" for name in shown)
        return (
            "<!doctype html><html lang='en'><meta charset='utf-8'><title>Écluse: every page</title>"
            "<link rel='stylesheet' href='/preview.css'><h1>Every page</h1>"
            f"<p>{' · '.join(chosen)}</p><p>{states}</p>{frames}"
        ).encode()


_FRAMED: Headers = [
    (
        name,
        value.replace(b"frame-ancestors 'none'", b"frame-ancestors 'self'; frame-src 'self'")
        if name == b"content-security-policy"
        else value,
    )
    for name, value in SECURITY_HEADERS
]
"""The policy of the pages, except that this machine may frame them."""


def preview_app(settings: Settings | None, room: str | None = None) -> App:
    """The preview of a configured room (the first unless named), or of a made-up one."""
    if settings is None:
        return Preview(Pages())
    chosen = next((each for each in settings.room if each.id == room), None if room else settings.room[0])
    if chosen is None:
        raise ConfigurationError([f"there is no room {room!r}"])
    pages = Pages(settings.templates, rooms=settings.room)
    check_pages(pages)
    return Preview(pages, chosen)


def main() -> int:
    """Serve until interrupted. Exit status 2 for a wrong configuration or template."""
    parser = argparse.ArgumentParser(prog="python -m gateway.preview", description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--room")
    parser.add_argument("--port", type=int, default=8008)
    options = parser.parse_args()
    try:
        app = preview_app(None if options.config is None else load(options.config), options.room)
    except (ConfigurationError, TemplateError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print(f"Every page: http://127.0.0.1:{options.port}/ (until Ctrl-C)", flush=True)  # noqa: T201
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", lifespan="off")
    return 0


if __name__ == "__main__":
    sys.exit(main())
