"""What a configuration says of how a room looks to visitors, and of the ways around the line."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ecluse.domain.contrast import TEXT_CONTRAST, Rgb, contrast, readable, rgb, written

PAPER: Rgb = (0xF1, 0xF7, 0xF7)
"""The lightest ground that a room's colour must be read on; white is a little lighter still."""
DARK_CARD: Rgb = (0x17, 0x38, 0x42)
"""The ground of numbers and links in the dark scheme, at its lightest."""
LOGO_MAX_BYTES = 64 * 1024
LOGO_KINDS = (".svg", ".png")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ThemeSettings(_Table):
    """Colours, logo and texts of one room; what is not set is Écluse's own."""

    accent: str | None = None
    accent_dark: str | None = None
    logo: str | None = None
    intro: dict[str, str] = Field(default={}, description="by language code")
    footer: dict[str, str] = Field(default={}, description="by language code")

    @field_validator("accent", "accent_dark")
    @classmethod
    def _colours_are_colours(cls, colour: str | None) -> str | None:
        return None if colour is None else written(rgb(colour))

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        for name, ground, where in (("accent", PAPER, "light"), ("accent_dark", DARK_CARD, "dark")):
            colour = getattr(self, name)
            if colour is None:
                continue
            ratio = contrast(rgb(colour), ground)
            if ratio < TEXT_CONTRAST:
                better = written(readable(rgb(colour), ground))
                raise ValueError(
                    f"{name}: {colour} has a contrast of {ratio:.1f} on the {where} page; text needs {TEXT_CONTRAST}. "
                    f"{better} is the nearest that has it"
                )
        if self.accent_dark is not None and self.accent is None:
            raise ValueError("accent_dark needs accent beside it")
        return self

    @field_validator("logo")
    @classmethod
    def _logo_can_be_served(cls, logo: str | None) -> str | None:
        if logo is None:
            return None
        path = Path(logo)
        if path.suffix not in LOGO_KINDS:
            raise ValueError(f"a logo is a file that ends in {' or '.join(LOGO_KINDS)}")
        try:
            size = path.stat().st_size
        except OSError as error:
            raise ValueError(f"cannot read {logo}: {error.strerror}") from None
        if size > LOGO_MAX_BYTES:
            raise ValueError(f"{logo} has {size} bytes; everybody loads it, so at most {LOGO_MAX_BYTES} are taken")
        return logo

    @property
    def dark(self) -> str | None:
        """The colour of the dark scheme: as set, else made from `accent`."""
        if self.accent_dark is not None or self.accent is None:
            return self.accent_dark
        return written(readable(rgb(self.accent), DARK_CARD))


class ContactSettings(_Table):
    """The ways around the line: for who cannot or need not wait here."""

    counter: dict[str, str] = Field(default={}, description="by language code")
    phone: str | None = Field(default=None, pattern=r"^[0-9+() .-]{3,30}$")
    help: dict[str, str] = Field(default={}, description="by language code")
    link: str | None = Field(default=None, pattern=r"^https?://[^\s\"'<>]+$")
    link_text: dict[str, str] = Field(default={}, description="by language code")
