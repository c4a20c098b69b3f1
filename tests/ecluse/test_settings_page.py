"""docs/configuration.md: every setting is in it, with its real default, and its sample is a right configuration."""

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from ecluse.auto_settings import AutoSettings
from ecluse.look_settings import ContactSettings, ThemeSettings
from ecluse.opening_settings import DrandSettings
from ecluse.person_settings import PersonSettings
from ecluse.settings import (
    AideSettings,
    LaneSettings,
    NotifySettings,
    OpeningSettings,
    OperatorSettings,
    RoomSettings,
    Settings,
    parse,
)

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SAMPLE = DOCUMENT.partition("```toml\n")[2].partition("```")[0]

SECTIONS: dict[str, type[BaseModel]] = {
    "Top level": Settings, "`[[room]]`": RoomSettings, "`[room.auto]`": AutoSettings, "`[room.opening]`": OpeningSettings,
    "`[room.opening.drand]`": DrandSettings,
    "`[room.theme]`": ThemeSettings, "`[room.contact]`": ContactSettings,
    "`[room.person]`": PersonSettings,
    "`[room.notify]`": NotifySettings,
    "`[[room.lane]]`": LaneSettings,
    "`[[operator]]`": OperatorSettings,
    "`[[helper]]`": AideSettings,
}  # fmt: skip
LIVE = {"pace_per_minute", "burst", "capacity", "mode", "pace", "notice"}


def documented(section: str) -> dict[str, list[str]]:
    """Key → default, meaning, unit, live, from a section's table."""
    text = DOCUMENT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]
    return {row[0].strip("` "): row[1:] for row in rows}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_documented_and_nothing_else_is(section: str) -> None:
    rows = documented(section)
    assert list(rows) == list(SECTIONS[section].model_fields)
    assert all(len(row) == 4 and row[1] for row in rows.values())


@pytest.mark.parametrize("section", SECTIONS)
def test_every_documented_default_is_the_real_one(section: str) -> None:
    for name, field in SECTIONS[section].model_fields.items():
        told = documented(section)[name][0]
        if field.is_required():
            assert told == "required", name
        elif name == "lane" and section == "`[[room]]`":
            assert [lane.id for lane in field.default] == ["main"]
        elif name == "auto":
            assert (told, field.default) == ("its defaults", AutoSettings())
        elif name == "empty_notice":
            assert (told, set(field.default)) == ("a text in French and English", {"fr", "en"})
        elif field.default is None:
            assert told.partition(":")[0] == "none", name
        else:
            assert tomllib.loads(f"default = {told.strip('`')}")["default"] == field.default, name


@pytest.mark.parametrize("section", SECTIONS)
def test_the_settings_said_to_be_live_are_those_an_operator_can_change(section: str) -> None:
    told = {name: row[3] for name, row in documented(section).items()}
    assert set(told.values()) <= {"yes", "restart"}
    assert {name for name, live in told.items() if live == "yes"} == (LIVE if section == "`[[room]]`" else set())


def test_the_sample_configuration_is_right_and_shows_every_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    (tmp_path / "templates").mkdir()
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ECLUSE_{name.upper()}", raising=False)
    settings = parse(tomllib.loads(SAMPLE.replace('"/etc/ecluse/', f'"{tmp_path}/')))
    room = settings.room[0]
    assert room.opening is not None
    assert room.theme is not None
    assert room.contact is not None
    assert room.person is not None
    assert room.notify is not None
    assert room.opening.drand is not None
    tables = (
        room.auto, room.opening, room.opening.drand, room.theme, room.contact, room.person, room.notify, room.lane[0],
    )  # fmt: skip
    for shown in (settings, room, *tables, settings.operator[0]):
        assert shown.model_fields_set == set(type(shown).model_fields)
