"""The public holidays of France (Code du travail, L3133-1): the eleven days on which no préfecture opens. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (Meeus, "Astronomical Algorithms", chapter 8)."""
    golden, century, rest = year % 19, year // 100, year % 100
    quarter, left = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - quarter - correction + 15) % 30
    leap, over = divmod(rest, 4)
    weekday = (32 + 2 * left + 2 * leap - epact - over) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def french_holidays(year: int) -> Mapping[date, str]:
    """The holidays of `year` with their French names."""
    sunday = easter(year)
    return {
        date(year, 1, 1): "Jour de l’an",
        sunday + timedelta(days=1): "Lundi de Pâques",
        date(year, 5, 1): "Fête du travail",
        date(year, 5, 8): "Victoire 1945",
        sunday + timedelta(days=39): "Ascension",
        sunday + timedelta(days=50): "Lundi de Pentecôte",
        date(year, 7, 14): "Fête nationale",
        date(year, 8, 15): "Assomption",
        date(year, 11, 1): "Toussaint",
        date(year, 11, 11): "Armistice 1918",
        date(year, 12, 25): "Noël",
    }
