"""All pages in one language: its catalogue, its formats, its compiled templates. The home of jinja2 here."""

import json
from collections.abc import Hashable, Mapping, Sequence
from datetime import tzinfo
from functools import cached_property, lru_cache
from pathlib import Path
from types import CodeType
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.bccache import Bucket
from markupsafe import Markup

from ecluse.catalogues import catalogue_of
from ecluse.domain.statistics import chart_heights
from gateway.page_ask import AskPart, AskView, ask_part
from gateway.page_files import STATIC_PREFIX
from gateway.page_languages import locale_of, name_of
from gateway.page_mould import Casting, Mould, hole, pack
from gateway.page_phrases import Phrases
from gateway.page_views import (
    ENTRANCES,
    Entrance,
    NotifyView,
    Own,
    ProblemView,
    SharedPart,
    WaitingView,
    by_language,
    shared_part,
)

__all__ = ["Edition", "SharedCode", "TemplateError"]
MOULDS = 256
"""How many moulds of a language are kept: rooms × states × what may be shown or not."""
CASTINGS = 128
"""How many castings of a language are kept, some 15 kB each: those of a minute or two."""
CAST_FOR = 4
"""For how many askers within a minute a casting is made."""
CAST_CHARS_MOST = 1024
"""How long an address may be for it, escaped: a page says it some twenty times, and a crowd comes from a short one."""


class Moment(NamedTuple):
    """What fills holes in the same way for many who come within a minute from the same address."""

    wait: str
    pace: str
    slots: str
    updated: str
    updated_at: str
    refresh: int
    reloads: str
    opens_in: str
    to: str
    here: str


class SharedCode(BytecodeCache):
    """The compiled templates, once for all languages: they differ in words only, and code is what weighs."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = roots
        self._compiled: dict[str, CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What another language compiled before, if one did."""
        bucket.code = self._compiled.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled now."""
        self._compiled[bucket.key] = bucket.code


class Edition:
    """One language; `codes` are all there are."""

    def __init__(self, shared: SharedCode, code: str, codes: Sequence[str], version: str, zone: tzinfo) -> None:
        self.code = code
        roots = self._roots = shared.roots
        locale, self._catalogue = locale_of(code), catalogue_of(roots, code)
        self.phrases = Phrases(locale, self._catalogue, zone)
        self._mould = lru_cache(maxsize=MOULDS)(self._cast)
        self._castings: dict[tuple[SharedPart, Moment], Casting] = {}
        self._asked: dict[tuple[SharedPart, Moment], int] = {}
        self._alike: dict[Hashable, Casting] = {}
        self._env = Environment(
            # A folder of one's own goes before ours.
            loader=ChoiceLoader([FileSystemLoader(root) for root in reversed(roots)]),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=shared,
        )
        # The extension adds this method at run time, so its stub does not know it.
        self._env.install_gettext_translations(self._catalogue, newstyle=True)  # type: ignore[attr-defined]
        self._env.globals.update(
            lang=code,
            zone=str(zone),
            dir=locale.text_direction,
            languages=[(other, name_of(other)) for other in codes],
            asset=lambda path: f"{STATIC_PREFIX}{version}/{path}",
            number=self.phrases.number,
            raw=self._catalogue.gettext,
            forms=self.phrases.forms,
            own=self._own,
            attribute=attribute,
            script=lambda value: Markup(as_json(value)),  # noqa: S704 - a script module, never HTML
            told=lambda texts: by_language(texts, code),
            wait=self.phrases.wait,
            at=lambda seconds: self.phrases.clock_time(seconds)[0],
            on_the_day=self.phrases.on_the_day,
        )
        # The same for everybody, so made once.
        self._env.globals["draw_words"] = Markup(self.render("open/words.html").decode().strip())  # noqa: S704 - ours

    def compile(self) -> None:
        """Compile every template. Raises TemplateError for the first that is wrong."""
        for name in _names(self._roots):
            self._env.get_template(name)

    @cached_property
    def words(self) -> bytes:
        """The words of the scripts."""
        return b"export default " + self.render("waiting/words.html").strip() + b";\n"

    @cached_property
    def consoles(self) -> Mapping[Entrance, bytes]:
        """The operator console by how it is entered; it has no visitor in it."""
        return {each: self.render("operator/console.html", entrance=each) for each in ENTRANCES}

    @cached_property
    def accessibility(self) -> bytes:
        """What was tested for accessibility."""
        return self.render("accessibility.html")

    def render(self, template: str, /, **values: object) -> bytes:
        """The template filled with `values`."""
        return self._env.get_template(template).render(values).encode()

    def waiting(self, view: WaitingView, *, packed: bool = False, alike: Hashable = None) -> bytes:
        """One visitor's waiting page, as a gzip member if it is to be `packed`; `alike` as in `Pages`."""
        shared, moment = shared_part(view, self.code), self._moment(view)
        if not packed:
            return self._mould(shared).fill(self._visitor_part(view, moment))
        casting = self._casting((shared, moment))
        if casting is None:
            return pack(self._mould(shared).fill(self._visitor_part(view, moment)))
        if alike is not None:
            if len(self._alike) >= CASTINGS:
                del self._alike[next(iter(self._alike))]
            self._alike[alike] = casting
        return casting.fill_packed(self._own_part(view))

    def waiting_alike(self, alike: Hashable, own: Own) -> bytes | None:
        """As in `Pages`."""
        casting = self._alike.get(alike)
        return None if casting is None else casting.fill_packed(self._numbers(own) | {"early": ""})

    def _casting(self, key: tuple[SharedPart, Moment]) -> Casting | None:
        """It costs ten pages, so it is made once several asked for it: an address of one's own does not pay."""
        found = self._castings.get(key)
        if found is None:
            if len(key[1].here) > CAST_CHARS_MOST:
                return None
            if len(self._asked) >= CASTINGS:
                self._asked.clear()
            self._asked[key] = asked = self._asked.get(key, 0) + 1
            if asked < CAST_FOR:
                return None
            if len(self._castings) >= CASTINGS:
                del self._castings[next(iter(self._castings))]
            found = self._castings[key] = self._mould(key[0]).poured(key[1]._asdict())
        return found

    def sheet(self, template: str, view: WaitingView, more: Mapping[str, object]) -> bytes:
        """The template, filled with what a waiting page would say of this place."""
        page = shared_part(view, self.code)
        return self.render(
            template, page=page, look=page.look, said=self._visitor_part(view, self._moment(view)), **more
        )

    def open_data(self, template: str, **values: object) -> bytes:
        """A page about a room for everybody; how it tells days and durations belongs to the language."""
        say = self.phrases
        return self.render(template, told_day=say.day, told_wait=say.about, bars=chart_heights, **values)

    def ask(self, view: AskView) -> bytes:
        """The form of a room that asks first."""
        told = {
            "to": view.return_to,
            "here": page_address(view.room, view.return_to),
            "typed": view.typed,
            "invitation": view.invitation,
        }
        return self._mould(ask_part(view, self.code)).fill(told)

    def problem(self, view: ProblemView) -> bytes:
        """A problem for a person."""
        title, title_lang = by_language(view.title, self.code)
        return self.render("problem.html", view=view, look=view.look, room_title=title, title_lang=title_lang)

    def notify(self, view: NotifyView) -> bytes:
        """The page of an address."""
        title, title_lang = by_language(view.title, self.code)
        until = self.phrases.on_the_day(view.delete_by_ms, view.zone)
        return self.render(
            "notify.html", view=view, look=view.look, room_title=title or view.room, title_lang=title_lang, until=until
        )

    def _cast(self, page: SharedPart | AskPart) -> Mould:
        name = "ask" if isinstance(page, AskPart) else "page"
        return Mould(self._env.get_template(f"waiting/{name}.html").render(page=page, look=page.look, hole=hole))

    def _visitor_part(self, view: WaitingView, moment: Moment) -> dict[str, object]:
        """What fills the holes: only what is looked at differs, so what a state does not show may be empty."""
        return moment._asdict() | self._own_part(view)

    def _moment(self, view: WaitingView) -> Moment:
        say = self.phrases
        updated, updated_at = say.clock_time(view.now_ms // 60_000 * 60, view.hours.zone if view.hours else "")
        return Moment(
            wait=say.wait(view.wait_low_seconds, view.wait_high_seconds),
            pace=say.pace(view.pace_per_minute),
            slots="" if view.slots_left is None else say.slots(view.slots_left, view.ahead),
            updated=updated,
            updated_at=updated_at,
            refresh=view.refresh_seconds,
            reloads=say.reloads(view.refresh_seconds),
            opens_in=say.opens_in(view),
            to=view.return_to,
            here=page_address(view.room, view.return_to),
        )

    def _own_part(self, view: WaitingView) -> dict[str, object]:
        say = self.phrases
        own = self._numbers(Own(view.id, view.place, view.ahead, view.now_ms))
        own["early"] = say.early(view.early_seconds) if view.early_seconds else ""
        if view.claim_until_ms is not None:
            zone = view.hours.zone if view.hours else ""
            until = say.clock_time(view.claim_until_ms // 1000, zone)[0]
            own |= {"claim_until": view.claim_until_ms, "left": say.left(view), "until": until}
        return own

    def _numbers(self, own: Own) -> dict[str, object]:
        say, ahead = self.phrases, own.ahead or 0
        return {
            "id": own.id, "place": own.place, "ahead": ahead, "now": own.now_ms, "number": say.number(ahead + 1),
            "people": say.people(ahead),
        }  # fmt: skip

    def _own(self, texts: Mapping[str, str]) -> tuple[str, str]:
        """A text of a room's own, with the language it is in."""
        return by_language(dict(texts), self.code)


@lru_cache(maxsize=256)
def page_address(room: str, return_to: str) -> str:
    """The address of the waiting page itself, which knows where to go afterwards."""
    return f"/_ecluse/rooms/{room}?to={quote(return_to, safe='/')}"


def attribute(value: object) -> str:
    """JSON for an attribute; autoescape quotes it, and the browser hands it back whole."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_json(value: object) -> str:
    """JSON for a script module; `<` and line separators written so that no reader trips over them."""
    return attribute(value).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _names(roots: Sequence[Path]) -> list[str]:
    """Every template; the booking pages belong to the origin, with texts of their own."""
    paths = {path.relative_to(root) for root in roots for path in root.glob("**/*.html")}
    return sorted(path.as_posix() for path in paths if path.parts[0] != "booking")
