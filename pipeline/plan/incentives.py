"""What people, teams and partners earn by what they sell: commission, bonus, rebate (S4 激励, 渠道; F112, F120)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.plan.base import Identifier, Label, Share, Strict


class Step(Strict):
    """The rate from so many times the quota on, in place of the rate below: 1.2 is a fifth beyond it."""

    above: Annotated[float, Field(gt=0)]
    rate: Share


class Incentive(Strict):
    """A part of an amount that is earned, and what it rises to with the quota that is reached.

    Documents say 上浮5% and 总额的10% and leave open of what, or whether points are meant (I63): here every rate is the
    one that is paid, of the amount that `of` names.
    """

    id: Identifier
    label: Label
    dimension: Literal["staff", "team", "channel"] = "staff"
    members: list[str] = []
    """Who takes part; everybody where nobody is named."""
    of: Identifier = "revenue"
    """The KPI it is a part of: an amount of money."""
    rate: Share
    """Below the first step, and where there is no quota."""
    judged_by: Identifier | None = None
    """The KPI the quota is of, where it is not the amount itself."""
    quota: Annotated[float, Field(gt=0)] | None = None
    """Of each member and period, where the plan has no target for it."""
    steps: list[Step] = []
    steps_on: Literal["beyond", "all"] = "beyond"
    """Whether a step's rate is for what lies beyond it, or, once it is reached, for all."""
    period: Literal["month", "quarter", "campaign"] = "month"

    @model_validator(mode="after")
    def _steps_rise(self) -> "Incentive":
        begins = [step.above for step in self.steps]
        if begins != sorted(set(begins)):
            raise ValueError(f"steps of {self.id} begin at {begins}; list each once, from the lowest up")
        if self.judged_by not in (None, self.of) and self.steps and self.steps_on == "beyond":
            raise ValueError(
                f"{self.id} is judged by {self.judged_by} and paid of {self.of}, so no part of it lies beyond a step; "
                "use steps_on: all"
            )
        return self

    @property
    def judged_kpi(self) -> str:
        """The KPI the quota is of."""
        return self.judged_by or self.of
