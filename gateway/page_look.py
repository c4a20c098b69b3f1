"""How a room looks to visitors: its colours, logo, texts, lanes and ways around the line, read once at the start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecluse.look_settings import ContactSettings, ThemeSettings
from ecluse.settings import RoomSettings
from gateway.page_files import StaticFile, packed_file

STYLE = "css/ecluse.css"
LOGO = "logo.svg"
Texts = Mapping[str, str]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RoomLook:
    """What the pages of one room have of their own. Texts are by language code. One object per room: equal is same."""

    style: str = STYLE
    logo: str = LOGO
    intro: Texts = field(default_factory=dict)
    footer: Texts = field(default_factory=dict)
    counter: Texts = field(default_factory=dict)
    phone: str | None = None
    help: Texts = field(default_factory=dict)
    link: str | None = None
    link_text: Texts = field(default_factory=dict)
    lanes: tuple[tuple[str, Texts], ...] = ()
    """The lanes to choose from, with their titles; empty where there is nothing to choose."""

    @property
    def has_contact(self) -> bool:
        """Whether there is any way around the line to tell."""
        return bool(self.counter or self.phone or self.help or self.link)


PLAIN_LOOK = RoomLook()


def look_of(settings: RoomSettings) -> RoomLook:
    """The look of a configured room."""
    choices = [lane for lane in settings.lane if lane.open]
    theme, contact = settings.theme or ThemeSettings(), settings.contact or ContactSettings()
    return RoomLook(
        style=f"css/room-{settings.id}.css" if theme.accent else STYLE,
        logo=_logo_name(settings) or LOGO,
        intro=theme.intro,
        footer=theme.footer,
        counter=contact.counter,
        phone=contact.phone,
        help=contact.help,
        link=contact.link,
        link_text=contact.link_text,
        lanes=tuple((lane.id, lane.title) for lane in choices) if len(choices) > 1 else (),
    )


def _logo_name(settings: RoomSettings) -> str | None:
    if settings.theme is None or settings.theme.logo is None:
        return None
    return f"logo-{settings.id}{Path(settings.theme.logo).suffix}"


def own_files(settings: RoomSettings, base: StaticFile) -> dict[str, StaticFile]:
    """The static files of one room: its colours on top of the style `base` (one request, not two), and its logo."""
    theme, files = settings.theme, {}
    if theme is not None and theme.accent is not None:
        files[look_of(settings).style] = packed_file(".css", base.content + _colours(theme))
    name = _logo_name(settings)
    if theme is not None and theme.logo is not None and name is not None:
        path = Path(theme.logo)
        files[name] = packed_file(path.suffix, path.read_bytes())
    return files


def _colours(theme: ThemeSettings) -> bytes:
    return (
        f"\n:root{{--deep:{theme.accent};--link:{theme.accent};--water:{theme.accent}}}"
        f"@media(prefers-color-scheme:dark){{:root{{--deep:#10272f;--link:{theme.dark};--water:{theme.dark}}}}}\n"
    ).encode()
