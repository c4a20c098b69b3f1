"""What a configuration says of a room's automatic pace."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AutoSettings(BaseModel):
    """Within which bounds the pace may tune itself. Counts are visits inside at once, times milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target_ms: float = Field(default=1000, ge=10, le=60_000)
    window_min: int = Field(default=2, ge=1, le=1_000_000)
    window_max: int = Field(default=10_000, ge=1, le=10_000_000)
    dry_run: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.window_max < self.window_min:
            raise ValueError("window_max is smaller than window_min")
        return self
