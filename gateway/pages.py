"""Pages: every HTML answer of the edge, and the static files they use, read once and kept in memory.

The only module that knows jinja2. Texts are English in the templates and looked up in `templates/locales`; numbers,
durations and times follow the language. Nothing here knows a store: a page is a pure function of its view.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ecluse.domain.statistics import chart_heights
from gateway.asgi import Headers
from gateway.page_files import STATIC_PREFIX, StaticFile, read_static
from gateway.page_languages import accepted, catalogue, zone_called
from gateway.page_mould import Mould, hole
from gateway.page_views import ProblemView, SharedPart, WaitingView, WaitSpan, by_language, shared_part, wait_span

__all__ = ["SECURITY_HEADERS", "STATIC_PREFIX", "Pages", "ProblemView", "StaticFile", "WaitSpan", "WaitingView"]

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SECURITY_HEADERS: Headers = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), interest-cohort=()"),
    (b"x-robots-tag", b"noindex"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Cookie, Accept-Language"),
]
"""What every page carries, besides its content type (SECURITY.md §6.2)."""
_ACCEPT_MAX_CHARS = 500


class Pages:
    """Every page in every language found under `templates_dir`/locales; build it once per process."""

    def __init__(
        self, templates_dir: Path | None = None, *, default_lang: str = "fr", timezone: str = "Europe/Paris"
    ) -> None:
        root = templates_dir or TEMPLATES
        self._files = read_static(root / "static")
        codes = sorted(path.parent.parent.name for path in root.glob("locales/*/LC_MESSAGES/ecluse.po"))
        if default_lang not in codes:
            raise ValueError(f"there is no catalogue for the language {default_lang!r} in {root / 'locales'}")
        self._default = default_lang
        zone = zone_called(timezone)
        self._languages = {code: _Language(root, code, codes, self._files, zone) for code in codes}
        self._accepted = lru_cache(maxsize=1024)(self._best_accepted)

    @property
    def languages(self) -> list[str]:
        """The codes of the languages there are."""
        return list(self._languages)

    def negotiate(self, accept_language: str | None, cookie: str | None, query: str | None) -> str:
        """The language to answer in: the `lang` asked for, else the one kept in the cookie, else the best accepted.

        `cookie` and `query` are the bare values, not the header and not the query string.
        """
        for chosen in (query, cookie):
            if chosen in self._languages:
                return chosen
        return self._accepted((accept_language or "")[:_ACCEPT_MAX_CHARS])

    def _best_accepted(self, header: str) -> str:
        by_name = {code.lower(): code for code in self._languages}
        for wanted in accepted(header):
            found = negotiate_locale([wanted], list(by_name), sep="-")
            if found:
                return by_name[found.lower()]
        return self._default

    def waiting(self, view: WaitingView) -> bytes:
        """The waiting page of one visitor."""
        return self._language(view.lang).waiting(view)

    def problem(self, view: ProblemView) -> bytes:
        """A problem as a page: what happened, what to do, and a way to try again."""
        return self._language(view.lang).problem(view)

    def problem_doc(self, slug: str, title: str, detail: str, status: int) -> bytes:
        """The page behind a problem's `type`; for developers, in English."""
        return self._language("en").render(
            "operator/problem_doc.html", slug=slug, name=title, detail=detail, status=status
        )

    def console(self, lang: str) -> bytes:
        """The operator console; the same bytes for everybody."""
        return self._language(lang).console

    def open_data(self, lang: str, template: str, **values: object) -> bytes:
        """A page about a room for everybody: its draw, its statistics."""
        return self._language(lang).open_data(template, **values)

    def static(self, path: str) -> StaticFile | None:
        """The file served under `STATIC_PREFIX` + `path`, or None. Only what was there at start-up."""
        return self._files.get(path)

    def _language(self, code: str) -> "_Language":
        return self._languages.get(code) or self._languages[self._default]


class _Language:
    """One language: its catalogue, its formats, its compiled templates."""

    def __init__(self, root: Path, code: str, codes: list[str], files: Mapping[str, StaticFile], zone: tzinfo) -> None:
        self.code = code
        self.locale = Locale.parse(code, sep="-")
        self._catalogue = catalogue(root / "locales" / code / "LC_MESSAGES" / "ecluse.po", code)
        self._zone = zone
        self.number = lru_cache(maxsize=4096)(self._number)
        self.clock_time = lru_cache(maxsize=256)(self._clock_time)
        self._mould = lru_cache(maxsize=64)(self._cast)
        self._amount = lru_cache(maxsize=1024)(self._unit)
        self._env = Environment(
            loader=FileSystemLoader(root),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        # The extension adds this method at run time, so its stub does not know it.
        self._env.install_gettext_translations(self._catalogue, newstyle=True)  # type: ignore[attr-defined]
        self._env.globals.update(
            lang=code,
            dir=self.locale.text_direction,
            languages=[(other, Locale.parse(other, sep="-").get_display_name() or other) for other in codes],
            asset=lambda path: f"{STATIC_PREFIX}{path}?v={files[path].etag[1:11].decode()}",
            number=self.number,
            raw=self._catalogue.gettext,
            forms=self._forms,
            attribute=_attribute,
            on_the_day=lru_cache(maxsize=64)(self._on_the_day),
        )
        # The booking pages belong to the origin, with texts of their own.
        paths = [path.relative_to(root) for path in root.glob("**/*.html")]
        names = [path.as_posix() for path in paths if path.parts[0] != "booking"]
        self._templates: dict[str, Template] = {name: self._env.get_template(name) for name in names}
        # The same for everybody, so made once: the words handed to the scripts, and the whole console.
        self._env.globals["waiting_words"] = Markup(self._templates["waiting/words.html"].render().strip())  # noqa: S704
        self._env.globals["draw_words"] = Markup(self._templates["open/words.html"].render().strip())  # noqa: S704
        self.console = self.render("operator/console.html")

    def render(self, template: str, /, **values: object) -> bytes:
        """The template filled with `values`."""
        return self._templates[template].render(values).encode()

    def open_data(self, template: str, **values: object) -> bytes:
        """A page about a room; how it tells days and durations belongs to the language."""
        return self.render(template, told_day=self._told_day, told_wait=self._told_wait, bars=chart_heights, **values)

    def _told_day(self, date: str) -> str:
        return format_date(datetime.fromisoformat(date), "full", locale=self.locale)

    def _told_wait(self, seconds: int) -> str:
        return self._amount(seconds, "second") if seconds < 60 else self._amount(round(seconds / 60), "minute")

    def waiting(self, view: WaitingView) -> bytes:
        """One visitor's waiting page."""
        return self._mould(shared_part(view, self.code)).fill(self._visitor_part(view))

    def _cast(self, page: SharedPart) -> Mould:
        return Mould(self._templates["waiting/page.html"].render(page=page, hole=hole))

    def _visitor_part(self, view: WaitingView) -> dict[str, object]:
        """What fills the holes: only what is looked at differs, so what a state does not show may be empty."""
        text, plural = self._catalogue.gettext, self._catalogue.ngettext
        ahead = view.ahead or 0
        updated, updated_at = self.clock_time(view.now_ms // 1000)
        people = plural("%(number)s person is ahead of you.", "%(number)s people are ahead of you.", ahead)
        seconds = view.refresh_seconds
        reloads = plural(
            "This page reloads by itself every %(number)s second.",
            "This page reloads by itself every %(number)s seconds.",
            seconds,
        )
        return {
            "id": view.id,
            "place": view.place,
            "ahead": ahead,
            "now": view.now_ms,
            "claim_until": view.claim_until_ms,
            "number": self.number(ahead + 1),
            "people": people % {"number": self.number(ahead)}
            if ahead
            else text("Nobody is ahead of you: you are next."),
            "wait": self._wait(wait_span(view.wait_low_seconds, view.wait_high_seconds)),
            "pace": self._pace(view.pace_per_minute),
            "updated": updated,
            "updated_at": updated_at,
            "left": self._left(view),
            "until": self.clock_time(view.claim_until_ms // 1000)[0] if view.claim_until_ms is not None else "",
            "refresh": seconds,
            "reloads": reloads % {"number": self.number(seconds)},
            "opens_in": self._opens_in(view),
            "to": view.return_to,
            "here": f"/_ecluse/rooms/{view.room}?to={quote(view.return_to, safe='/')}",
        }

    def problem(self, view: ProblemView) -> bytes:
        """A problem for a person."""
        title, title_lang = by_language(view.title, self.code)
        return self.render("problem.html", view=view, room_title=title, title_lang=title_lang)

    def _wait(self, span: WaitSpan) -> str:
        text = self._catalogue.gettext
        low, high = self._amount(span.low, span.low_unit), self._amount(span.high, span.high_unit)
        match span.kind:
            case "unknown":
                return text("Estimated wait: the first estimate appears once people have been let in.")
            case "under":
                return text("Estimated wait: less than %(high)s.") % {"high": high}
            case "about":
                return text("Estimated wait: about %(high)s.") % {"high": high}
            case "over":
                return text("Estimated wait: more than %(low)s.") % {"low": low}
            case "between":
                # "between 6 and 12 minutes": the unit is said once where both ends share it.
                low = self.number(span.low) if span.low_unit == span.high_unit else low
                return text("Estimated wait: between %(low)s and %(high)s.") % {"low": low, "high": high}

    def _pace(self, per_minute: float) -> str:
        text = self._catalogue.gettext
        if per_minute < 1:
            return text("%(number)s per hour") % {"number": self.number(round(per_minute * 60))}
        return text("%(number)s per minute") % {"number": self.number(round(per_minute))}

    def _opens_in(self, view: WaitingView) -> str:
        """How long until the opening, rounded up: nobody is told to come back too late."""
        if view.hours is None or view.hours.opens_at_ms is None:
            return ""
        minutes = math.ceil(max(0, view.hours.opens_at_ms - view.now_ms) / 60_000)
        low, unit = (minutes, "minute") if minutes <= 120 else (minutes // 60, "hour")
        text = self._catalogue.gettext
        return text("In about %(time)s.") % {"time": self._amount(low, unit)}

    def _left(self, view: WaitingView) -> str:
        """The time left to enter, rounded down: a person told "2 minutes" has at least two."""
        if view.claim_until_ms is None:
            return ""
        seconds = max(0, view.claim_until_ms - view.now_ms) // 1000
        return self._amount(seconds // 60, "minute") if seconds >= 60 else self._amount(seconds, "second")

    def _number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def _unit(self, value: int, unit: Literal["second", "minute", "hour"]) -> str:
        return format_unit(value, f"duration-{unit}", "long", locale=self.locale)

    def _clock_time(self, unix_seconds: int) -> tuple[str, str]:
        """The time of day with its zone for reading, and the same instant for machines."""
        at = datetime.fromtimestamp(unix_seconds, UTC)
        return format_time(at, "long", tzinfo=self._zone, locale=self.locale), at.isoformat().replace("+00:00", "Z")

    def _on_the_day(self, unix_ms: int, zone: str) -> tuple[str, str]:
        """A day and its time on the clocks of `zone`, and the same instant for machines."""
        at = datetime.fromtimestamp(unix_ms / 1000, UTC)
        words = {"day": format_date(at.astimezone(zone_called(zone)), "full", locale=self.locale),
                 "time": format_time(at, "short", tzinfo=zone_called(zone), locale=self.locale)}  # fmt: skip
        text = self._catalogue.gettext
        return text("%(day)s at %(time)s") % words, at.isoformat().replace("+00:00", "Z")

    def _forms(self, singular: str, plural: str) -> dict[str, str]:
        """Every plural form of a message by CLDR category, which is what Intl.PluralRules says in a browser."""
        found: dict[str, str] = {}
        for count in (*range(200), 1000, 1_000_000):
            found.setdefault(self.locale.plural_form(count), self._catalogue.ngettext(singular, plural, count))
        return found


def _attribute(value: object) -> str:
    """JSON for an attribute; autoescape quotes it, and the browser hands it back whole."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
