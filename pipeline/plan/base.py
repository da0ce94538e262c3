"""What every part of the plan is made of."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Dimension = Literal["channel", "team", "staff", "region", "sales_region", "product", "activity"]
"""What figures are told by; an activity is one of the campaign's, such as an expo or a webinar."""
Scope = Literal["total", Dimension]
"""The same, and all together."""


def used_twice(ids: list[str]) -> list[str]:
    """The ids that stand more than once, in order."""
    return sorted({one for one in ids if ids.count(one) > 1})


class Strict(BaseModel):
    """No unknown keys, no silent conversion: `completeness: no` is an error, not 0.0."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Label(Strict):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Window(Strict):
    """Days from `starts_on` to `ends_on`, both included."""

    starts_on: date
    ends_on: date

    @model_validator(mode="after")
    def _ordered(self) -> "Window":
        if self.ends_on < self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} is before starts_on {self.starts_on}")
        return self

    @property
    def end(self) -> date:
        """The first day after the window: periods are half-open."""
        return self.ends_on + timedelta(days=1)


class Range(Strict):
    """Half-open: from `least` (included) to `below` (excluded); either end may be open."""

    least: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.least is not None and self.below is not None and self.below <= self.least:
            raise ValueError(f"below {self.below:g} must be greater than least {self.least:g}")
        return self
