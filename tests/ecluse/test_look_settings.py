"""How a room looks: colours that can be read, a logo that can be served, and mistakes told with a way out."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain.contrast import TEXT_CONTRAST, contrast, readable, rgb
from ecluse.look_settings import DARK_CARD, LOGO_MAX_BYTES, PAPER, ThemeSettings
from ecluse.settings import ConfigurationError, parse

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
ROOM: dict[str, Any] = {"id": "salle", "origin": "http://127.0.0.1:9000", "origin_key": "env:ORIGIN"}


def mistakes(**room: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as told:
        parse({"signing_keys": ["env:KEY"], "room": [ROOM | room]}, {})
    return told.value.mistakes


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert contrast(rgb("#FF0000"), rgb("#ff0000")) == pytest.approx(1)


@given(COLOURS, st.sampled_from([PAPER, DARK_CARD]))
def test_any_colour_has_a_neighbour_that_can_be_read(
    colour: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    assert contrast(readable(colour, ground), ground) >= TEXT_CONTRAST


def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can() -> None:
    (told,) = mistakes(theme={"accent": "#ffcc00"})
    assert told.startswith("room[0].theme: accent: #ffcc00 has a contrast of 1.4 on the light page; text needs 4.5. #")
    better = told.partition("needs 4.5. ")[2][:7]
    assert ThemeSettings(accent=better).accent == better
    assert "on the dark page" in mistakes(theme={"accent": "#000091", "accent_dark": "#000091"})[0]
    assert "not a colour written as #rrggbb" in mistakes(theme={"accent": "red"})[0]


def test_the_colour_of_the_dark_scheme_is_made_where_none_is_named() -> None:
    dark = ThemeSettings(accent="#000091").dark
    assert dark is not None
    assert contrast(rgb(dark), DARK_CARD) >= TEXT_CONTRAST
    assert ThemeSettings(accent="#000091", accent_dark="#a0a0ff").dark == "#a0a0ff"


def test_a_logo_must_be_a_small_image_that_is_there(tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    big.write_bytes(bytes(LOGO_MAX_BYTES + 1))
    assert "cannot read" in mistakes(theme={"logo": str(tmp_path / "none.svg")})[0]
    assert "at most 65536" in mistakes(theme={"logo": str(big)})[0]
    assert "ends in .svg or .png" in mistakes(theme={"logo": "/etc/passwd"})[0]


def test_a_folder_of_templates_must_be_there() -> None:
    with pytest.raises(ConfigurationError, match="templates_dir: there is no such folder"):
        parse({"signing_keys": ["env:KEY"], "room": [ROOM], "templates_dir": "/no/such/folder"}, {})


def test_a_link_around_the_line_is_a_web_address_and_a_phone_a_number() -> None:
    told = mistakes(contact={"link": "javascript:alert(1)", "phone": "call us"})
    assert [line.partition(":")[0] for line in told] == ["room[0].contact.phone", "room[0].contact.link"]
