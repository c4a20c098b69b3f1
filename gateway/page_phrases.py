"""What a page says in one language besides the words of its templates: numbers, durations, times, sentences."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache, partial
from gettext import GNUTranslations
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from babel.units import format_unit

from gateway.page_languages import zone_called
from gateway.page_views import WaitingView, WaitSpan, span_of, whole_minutes

_FROM_FIVE_DIGITS = ("es", "pl")
"""Languages that write 4322, and group digits from 10 000 on, as browsers do; Babel does not know that."""


class Phrases:
    """The sentences with something in them."""

    def __init__(self, locale: Locale, catalogue: GNUTranslations, zone: tzinfo) -> None:
        self.locale = locale
        self._zone = zone
        self._plain = 10_000 if locale.language in _FROM_FIVE_DIGITS else 0
        in_threes = locale.decimal_formats[None].grouping == (3, 3)
        self._grouped: Callable[[int], str] = lru_cache(maxsize=4096)(partial(format_decimal, locale=locale))
        self._between = format_decimal(1000, locale=locale)[1:-3] if in_threes else ""
        self._text, self._plural = catalogue.gettext, catalogue.ngettext
        self.pace: Callable[[float], str] = lru_cache(maxsize=64)(self._pace)
        self.reloads: Callable[[int], str] = lru_cache(maxsize=64)(self._reloads)
        self._span = lru_cache(maxsize=1024)(self._told_span)
        self.clock_time: Callable[..., tuple[str, str]] = lru_cache(maxsize=256)(self._clock_time)
        self.on_the_day: Callable[[int, str], tuple[str, str]] = lru_cache(maxsize=64)(self._on_the_day)
        self._amount = lru_cache(maxsize=1024)(self._unit)

    def day(self, date: str) -> str:
        """A day, given as 2026-12-24."""
        return format_date(datetime.fromisoformat(date), "full", locale=self.locale)

    def about(self, seconds: int) -> str:
        """A duration to the nearest minute, or second below one."""
        return self._amount(seconds, "second") if seconds < 60 else self._amount(round(seconds / 60), "minute")

    def number(self, value: int) -> str:
        """A number as it is written: what Babel says, at a fraction of its time where digits stand in threes."""
        if value < self._plain:
            return str(value)
        return f"{value:,}".replace(",", self._between) if self._between else self._grouped(value)

    def people(self, ahead: int) -> str:
        """How many are ahead."""
        text, plural = self._text, self._plural
        if not ahead:
            return text("Nobody is ahead of you: you are next.")
        said = plural("%(number)s person is ahead of you.", "%(number)s people are ahead of you.", ahead)
        return said % {"number": self.number(ahead)}

    def _reloads(self, seconds: int) -> str:
        """That the page reloads by itself."""
        plural = self._plural
        said = plural(
            "This page reloads by itself every %(number)s second.",
            "This page reloads by itself every %(number)s seconds.",
            seconds,
        )
        return said % {"number": self.number(seconds)}

    def wait(self, low_seconds: float | None, high_seconds: float | None) -> str:
        """How long it may take."""
        return self._span(*whole_minutes(low_seconds, high_seconds))

    def _told_span(self, low_minutes: int | None, high_minutes: int | None) -> str:
        text = self._text
        span: WaitSpan = span_of(low_minutes, high_minutes)
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

    def slots(self, left: int, ahead: int | None) -> str:
        """How many slots are left, and what that means for somebody this far back."""
        text, plural = self._text, self._plural
        if left == 0:
            return text("No slot is left for now.")
        said = plural("%(number)s slot is left for now.", "%(number)s slots are left for now.", left)
        return said % {"number": self.number(left)} + (f" {self.beyond}" if ahead is not None and ahead >= left else "")

    @property
    def beyond(self) -> str:
        """That somebody this far back will hardly get a slot."""
        text = self._text
        return text("There are more people ahead of you: you are probably beyond today’s slots.")

    def _pace(self, per_minute: float) -> str:
        """How many are let in."""
        text = self._text
        if per_minute < 1:
            return text("%(number)s per hour") % {"number": self.number(round(per_minute * 60))}
        return text("%(number)s per minute") % {"number": self.number(round(per_minute))}

    def opens_in(self, view: WaitingView) -> str:
        """How long until the opening, rounded up: nobody is told to come back too late."""
        if view.hours is None or view.hours.opens_at_ms is None:
            return ""
        minutes = math.ceil(max(0, view.hours.opens_at_ms - view.now_ms) / 60_000)
        low, unit = minutes, "minute"
        if minutes >= 48 * 60:
            low, unit = math.ceil(minutes / 1440), "day"
        elif minutes > 120:
            low, unit = math.ceil(minutes / 60), "hour"
        text = self._text
        return text("In about %(time)s.") % {"time": self._amount(low, unit)}

    def left(self, view: WaitingView) -> str:
        """The time left to enter, rounded down: a person told "2 minutes" has at least two."""
        if view.claim_until_ms is None:
            return ""
        seconds = max(0, view.claim_until_ms - view.now_ms) // 1000
        return self._amount(seconds // 60, "minute") if seconds >= 60 else self._amount(seconds, "second")

    def early(self, seconds: int) -> str:
        """That Enter was pressed a moment too soon."""
        text = self._text
        return text(
            "Your turn is kept, but for a moment nobody more can be let in. Press the button again in %(time)s."
        ) % {"time": self._amount(seconds, "second")}

    def forms(self, singular: str, plural: str) -> dict[str, str]:
        """Every plural form of a message by CLDR category, which is what Intl.PluralRules says in a browser."""
        found: dict[str, str] = {}
        for count in (*range(200), 1000, 1_000_000):
            found.setdefault(self.locale.plural_form(count), self._plural(singular, plural, count))
        return found

    def _unit(self, value: int, unit: Literal["second", "minute", "hour", "day"]) -> str:
        return format_unit(value, f"duration-{unit}", "long", locale=self.locale)

    def _clock_time(self, unix_seconds: int, zone: str = "") -> tuple[str, str]:
        """The time of day as people read it, on the clocks of `zone`, and the same instant for machines."""
        at = datetime.fromtimestamp(unix_seconds, UTC)
        return self._clock(at, zone_called(zone) if zone else self._zone), _stamp(at)

    def _on_the_day(self, unix_ms: int, zone: str) -> tuple[str, str]:
        """A day and its time on the clocks of `zone`, and the same instant for machines."""
        at, clocks, text = datetime.fromtimestamp(unix_ms / 1000, UTC), zone_called(zone), self._text
        words = {"day": format_date(at.astimezone(clocks), "full", locale=self.locale), "time": self._clock(at, clocks)}
        return text("%(day)s at %(time)s") % words, _stamp(at)

    def _clock(self, at: datetime, clocks: tzinfo) -> str:
        """Hours and minutes. Named are only the clocks that stand in for those of a zone that the system lacks."""
        said = format_time(at, "short", tzinfo=clocks, locale=self.locale)
        return f"{said} UTC" if clocks is UTC else said


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
