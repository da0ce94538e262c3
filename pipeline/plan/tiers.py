"""How customers are rated VIP, potential or base, and when they move."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.plan.base import Share, Strict

ASSUMED_FALL = -0.30
"""How far net spend falls before a tier is lost, where the plan does not say it: as far as it must rise (I38)."""
Points = Annotated[float, Field(ge=0, le=100)]


class TierWeights(Strict):
    """What the parts of the score weigh; they are brought to 100 %, also where a part can't be told."""

    contribution: Share = 0.5
    strategic: Share = 0.2
    growth: Share = 0.3

    @model_validator(mode="after")
    def _something_counts(self) -> "TierWeights":
        if self.contribution + self.strategic + self.growth == 0:
            raise ValueError("all weights are 0; give at least one part a weight")
        return self


class CutOffs(Strict):
    """The least scores of the upper two tiers."""

    vip: Points = 80
    potential: Points = 50

    @model_validator(mode="after")
    def _ordered(self) -> "CutOffs":
        if self.potential >= self.vip:
            raise ValueError(f"potential {self.potential:g} must be less than vip {self.vip:g}")
        return self


class Strategic(Strict):
    """What makes a customer strategic: any of these; `class_a` is class A by spend (S3 二(二)1)."""

    grades: list[str] = []
    company_sizes: list[str] = []
    industries: list[str] = []
    class_a: bool = True

    @property
    def lists(self) -> dict[str, list[str]]:
        """The declared values by the customers' column they stand in."""
        declared = {"grade": self.grades, "company_size": self.company_sizes, "industry": self.industries}
        return {column: values for column, values in declared.items() if values}


class Tiers(Strict):
    """The score, its cut-offs, and the quarterly re-rating (S4 客户分级; I37, I38).

    Who is rated for the first time gets the tier of the score. After that a tier is left upwards where the score
    reaches a higher cut-off and net spend of 12 months rose by `upgrade` against the 12 months before; downwards where
    the score is more than `margin` points below the cut-off, net spend fell by `downgrade`, and that was so at
    `warnings` re-ratings before. How far spend must fall is not said by the documents: it is for the plan to say.
    """

    weights: TierWeights = TierWeights()
    strategic: Strategic = Strategic()
    growth_months: Annotated[int, Field(ge=1, le=12)] = 6
    cut_offs: CutOffs = CutOffs()
    margin: Points = 5
    upgrade: Annotated[float, Field(ge=0)] = 0.30
    downgrade: Annotated[float, Field(ge=-1, le=0)] | None = None
    """None where the plan does not say it: `ASSUMED_FALL`, and the definition of the tiers says that it is assumed."""
    warnings: Annotated[int, Field(ge=0, le=4)] = 1
    months: Literal[1, 2, 3, 4, 6, 12] = 3
    rated_since: date | None = None
    """The first re-rating is on or after this day; without one it follows the first order."""

    @property
    def fall(self) -> float:
        """How far net spend must fall, declared or assumed; below 0."""
        return ASSUMED_FALL if self.downgrade is None else self.downgrade
