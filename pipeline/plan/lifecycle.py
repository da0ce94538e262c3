"""Where a customer stands between the first contact and the last order."""

from typing import Annotated

from pydantic import Field, model_validator

from pipeline.plan.base import Share, Strict

Months = Annotated[int, Field(ge=1, le=120)]
Gaps = Annotated[float, Field(gt=0)]


class Rhythm(Strict):
    """A customer's own rhythm: the mean of the gaps between order days, and how many of them are too long a silence."""

    is_used: bool = True
    """False: only the calendar tells who is at risk or silent."""
    order_days: Annotated[int, Field(ge=2)] = 3
    """Days with orders from which on a customer has a rhythm."""
    least_gap_days: Annotated[int, Field(ge=1)] = 14
    """A shorter mean gap counts as this: who buys every day is not silent after two."""
    at_risk_gaps: Gaps = 1.5
    silent_gaps: Gaps = 2.0
    holds_churn_back: bool = False
    """True: who buys seldom is churned only after `churned_gaps` of the own gaps, if that is later."""
    churned_gaps: Gaps = 3.0

    @model_validator(mode="after")
    def _ordered(self) -> "Rhythm":
        if not self.at_risk_gaps < self.silent_gaps < self.churned_gaps:
            raise ValueError(
                f"at_risk_gaps {self.at_risk_gaps:g}, silent_gaps {self.silent_gaps:g}, churned_gaps "
                f"{self.churned_gaps:g} must rise: a customer is at risk before silent, and silent before churned"
            )
        return self


class Lifecycle(Strict):
    """The limits between the stages, in calendar months (S2 §04; S3 一(三), 二(五); F142, F146; I24)."""

    new_months: Months = 3
    churned_months: Months = 6
    silent_months: Months = 3
    """For customers without a rhythm of their own."""
    rhythm: Rhythm = Rhythm()
    trend_months: Annotated[int, Field(ge=1, le=24)] = 6
    """Net spend of so many months is compared with that of as many before."""
    growing_from: Annotated[float, Field(gt=0)] = 0.20
    at_risk_fall: Annotated[Share, Field(gt=0)] = 0.50

    @model_validator(mode="after")
    def _silent_before_churned(self) -> "Lifecycle":
        if self.silent_months >= self.churned_months:
            raise ValueError(
                f"silent_months {self.silent_months} must be less than churned_months {self.churned_months}"
            )
        return self
