"""What a configuration says of the number a nominative room asks for."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ecluse.domain.person import PersonKind, pattern_mistake


class PersonSettings(BaseModel):
    """One place per person, known by a digest of their number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: PersonKind
    key: str
    pattern: str = ""
    label: dict[str, str] = {}
    help: dict[str, str] = {}
    tries_per_network: int = Field(default=120, ge=1, le=60_000)
    tries_per_number: int = Field(default=10, ge=2, le=60_000)

    @model_validator(mode="after")
    def _pattern_fits_kind(self) -> Self:
        if self.kind is not PersonKind.PATTERN:
            if self.pattern:
                raise ValueError('pattern counts only with kind = "pattern"')
        elif mistake := pattern_mistake(self.pattern):
            raise ValueError(f"pattern: {mistake}")
        return self
