"""Pages: every HTML answer of the edge, and the static files they use, read once and kept in memory.

Texts are English in the templates and looked up in `templates/locales`; numbers, durations and times follow the
language. Nothing here knows a store: a page is a pure function of its view.
"""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from babel import negotiate_locale

from ecluse.catalogues import codes_in, with_base
from ecluse.settings import RoomSettings
from gateway.page_ask import AskView
from gateway.page_edition import Edition, SharedCode, TemplateError
from gateway.page_files import STATIC_PREFIX, StaticFile, packed_file, read_static
from gateway.page_headers import SECURITY_HEADERS
from gateway.page_languages import accepted, zone_called
from gateway.page_look import STYLE, own_files
from gateway.page_views import Entrance, NotifyView, Own, ProblemView, WaitingView, WaitSpan

__all__ = [
    "SECURITY_HEADERS",
    "STATIC_PREFIX",
    "NotifyView",
    "Pages",
    "ProblemView",
    "StaticFile",
    "TemplateError",
    "WaitSpan",
    "WaitingView",
]

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_ACCEPT_MAX_CHARS = 500


class Pages:
    """Every page in every language there is a catalogue for; build it once per process.

    A language costs two megabytes, so each is built when somebody first reads it; only the default one at once.
    What is in `templates_dir` goes before ours, file by file. `rooms` bring their colours and logos.
    """

    def __init__(
        self,
        templates_dir: Path | None = None,
        *,
        rooms: Sequence[RoomSettings] = (),
        default_lang: str = "fr",
        timezone: str = "Europe/Paris",
    ) -> None:
        roots = [TEMPLATES] if templates_dir is None else [TEMPLATES, templates_dir]
        self._files = read_static(*(root / "static" for root in roots))
        for room in rooms:
            self._files |= own_files(room, self._files[STYLE])
        codes = codes_in(roots)
        if default_lang not in codes:
            raise ValueError(f"there is no catalogue for the language {default_lang!r} in {roots[-1] / 'locales'}")
        self._default = default_lang
        self.languages = codes
        """The codes of the languages there are."""
        self.version = self._version(roots)
        self._shared, self._zone = SharedCode(roots), zone_called(timezone)
        self._editions: dict[str, Edition] = {}
        self._edition(default_lang).compile()
        self._accepted = lru_cache(maxsize=1024)(self._best_accepted)

    def _version(self, roots: Sequence[Path]) -> str:
        """The folder that the static files are served under; another one whenever anything in them may differ.

        Scripts name each other relatively, so a folder keeps those of one version together.
        """
        seen = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            seen.update(name.encode() + file.etag)
        for root in roots:
            for path in sorted((*root.glob("locales/*/LC_MESSAGES/ecluse.po"), *root.glob("waiting/words.html"))):
                seen.update(path.read_bytes())
        return f"v-{seen.hexdigest()[:10]}"

    def negotiate(self, accept_language: str | None, cookie: str | None, query: str | None) -> str:
        """The language to answer in: the `lang` asked for, else the one kept in the cookie, else the best accepted.

        `cookie` and `query` are the bare values, not the header and not the query string.
        """
        for chosen in (query, cookie):
            if chosen in self.languages:
                return chosen
        return self._accepted((accept_language or "")[:_ACCEPT_MAX_CHARS])

    def _best_accepted(self, header: str) -> str:
        # A private variety is for whoever chose it: no browser asks for it by itself.
        by_name = {code.lower(): code for code in self.languages if with_base(code) == (code,)}
        for wanted in accepted(header):
            found = negotiate_locale([wanted], list(by_name), sep="-")
            if found:
                return by_name[found.lower()]
        return self._default

    def waiting(self, view: WaitingView, *, packed: bool = False, alike: Hashable = None) -> bytes:
        """The waiting page of one visitor, as a gzip member if it is to be `packed`.

        `alike` stands for all in `view` that is not the visitor's own: see `waiting_alike`.
        """
        return self._edition(view.lang).waiting(view, packed=packed, alike=alike)

    def waiting_alike(self, lang: str, alike: Hashable, own: Own) -> bytes | None:
        """The packed page of a visitor whose view was `alike` those of others, without that view; None if none is."""
        return self._edition(lang).waiting_alike(alike, own)

    def sheet(self, template: str, view: WaitingView, more: Mapping[str, object]) -> bytes:
        """A page of its own about one place; `more` is what only this template takes."""
        return self._edition(view.lang).sheet(template, view, more)

    def desk(self, lang: str, template: str, **values: object) -> bytes:
        """A page of helpers, of no room in particular."""
        return self._edition(lang).render(template, **values)

    def ask(self, view: AskView) -> bytes:
        """What a room asks before it gives a place."""
        return self._edition(view.lang).ask(view)

    def problem(self, view: ProblemView) -> bytes:
        """A problem as a page: what happened, what to do, and a way to try again."""
        return self._edition(view.lang).problem(view)

    def notify(self, view: NotifyView) -> bytes:
        """Where a visitor sees, gives or deletes the address at which they are told of their turn."""
        return self._edition(view.lang).notify(view)

    def problem_doc(self, slug: str, title: str, detail: str, status: int) -> bytes:
        """The page behind a problem's `type`; for developers, in English."""
        return self._edition("en").render(
            "operator/problem_doc.html", slug=slug, name=title, detail=detail, status=status
        )

    def console(self, lang: str, entrance: Entrance = "key") -> bytes:
        """The operator console; the same bytes for all who come in by the same `entrance`."""
        return self._edition(lang).consoles[entrance]

    def accessibility(self, lang: str) -> bytes:
        """What was tested for accessibility, and what was not."""
        return self._edition(lang).accessibility

    def open_data(self, lang: str, template: str, **values: object) -> bytes:
        """A page about a room for everybody: its draw, its statistics."""
        return self._edition(lang).open_data(template, **values)

    def static(self, path: str) -> StaticFile | None:
        """The file served under `STATIC_PREFIX` + `path`, or None. Only what was there at start-up.

        A first folder `v-…` is the version, this one or another: during an upgrade both are asked for.
        """
        first, _, rest = path.partition("/")
        name = rest if first.startswith("v-") else path
        return self._files.get(name) or self._words(name)

    def _words(self, name: str) -> StaticFile | None:
        """The words of the scripts in one language, packed when they are first asked for."""
        code = name.removeprefix("js/words-").removesuffix(".js")
        if name != f"js/words-{code}.js" or code not in self.languages:
            return None
        file = self._files[name] = packed_file(".js", self._edition(code).words)
        return file

    def _edition(self, code: str) -> Edition:
        """The edition of a language; the default one where there is no such language."""
        if code not in self._editions:
            code = code if code in self.languages else self._default
            if code not in self._editions:
                self._editions[code] = Edition(self._shared, code, self.languages, self.version, self._zone)
        return self._editions[code]
