"""Contrast of two colours, as WCAG 2.2 defines it, and the nearest colour that has enough of it. Pure."""

import re

Rgb = tuple[int, int, int]
TEXT_CONTRAST = 4.5
"""What text of any size needs (WCAG 2.2, success criterion 1.4.3)."""
_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


def rgb(text: str) -> Rgb:
    """The colour written as #rrggbb. Raises ValueError."""
    found = _HEX.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a colour written as #rrggbb")
    red, green, blue = (int(part, 16) for part in found.groups())
    return red, green, blue


def written(colour: Rgb) -> str:
    """The colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Rgb) -> float:
    """Relative luminance, 0 for black to 1 for white."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """The ratio between two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable(colour: Rgb, ground: Rgb, least: float = TEXT_CONTRAST) -> Rgb:
    """The first colour on the way to black or white (whichever is away from `ground`) that reads on `ground`."""
    goal = 0 if luminance(ground) > 0.18 else 255
    for step in range(101):
        red, green, blue = (round(part + (goal - part) * step / 100) for part in colour)
        if contrast((red, green, blue), ground) >= least:
            return red, green, blue
    return goal, goal, goal
