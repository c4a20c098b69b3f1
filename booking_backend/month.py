"""A month as a table of weeks, Monday first. Pure."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of a year; months can be compared."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that `day` is in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """A month written 2027-01, or None."""
        try:
            return cls.of(date.fromisoformat(f"{text}-01")) if len(text) == 7 else None
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The month as `parse` reads it."""
        return f"{self.year:04}-{self.number:02}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def weeks(self) -> list[list[date | None]]:
        """Its days by week; None where a week reaches into another month."""
        weeks = calendar.Calendar().monthdatescalendar(self.year, self.number)
        return [[day if day.month == self.number else None for day in week] for week in weeks]

    def within(self, first: date, last: date) -> Self:
        """This month, or the nearest one that has days between `first` and `last`."""
        return min(max(self, self.of(first)), self.of(last))

    def before(self, first: date) -> "Month | None":
        """The month before, unless it is all before `first`."""
        other = Month.of(self.first - timedelta(days=1))
        return other if other >= Month.of(first) else None

    def after(self, last: date) -> "Month | None":
        """The month after, unless it is all after `last`."""
        other = Month.of(self.first + timedelta(days=31))
        return other if other <= Month.of(last) else None
