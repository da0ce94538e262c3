"""How good a lead is before anybody knows what becomes of it: parts, weights and where a grade begins (F087)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.plan.base import Strict

FormField = Literal["name", "phone", "email", "company", "demand_tag", "product"]
Weight = Annotated[float, Field(ge=0, le=1000)]
Points = Annotated[float, Field(ge=0, le=100)]


class PartWeights(Strict):
    """What each part weighs; one that can't be told of a lead is left out, and the others share its weight."""

    source: Weight = 0.40
    """The score the source sent."""
    fit: Weight = 0.25
    """Whether the campaign is meant for the customer, by `definitions.audience`."""
    form: Weight = 0.15
    """How much of the form is filled in."""
    behaviour: Weight = 0.20
    """How often the lead came by itself."""


class GradeCuts(Strict):
    """Points from which on a lead is of a grade; below `c` it is D."""

    a: Points = 65
    b: Points = 50
    c: Points = 35

    @model_validator(mode="after")
    def _falling(self) -> "GradeCuts":
        if not self.a > self.b > self.c:
            raise ValueError(f"grades must fall from a to c: a {self.a:g}, b {self.b:g}, c {self.c:g}")
        return self


class LeadGrades(Strict):
    """The grade of a lead, A to D, by 0 to 100 points."""

    weights: PartWeights = PartWeights()
    form: list[FormField] = ["name", "phone", "email", "company", "demand_tag", "product"]
    """Fields a good form has; one that no lead has is asked of none."""
    days: Annotated[int, Field(ge=1, le=365)] = 30
    """Contacts count so many days before and after the lead was entered, and never after it was decided."""
    full_contacts: Annotated[int, Field(ge=1, le=100)] = 3
    """Contacts worth all the points."""
    cuts: GradeCuts = GradeCuts()
    least_told: Annotated[float, Field(gt=0, le=1)] = 0.3
    """The part of the weights that must be told of a lead; a form that is filled in makes no good lead by itself."""

    @model_validator(mode="after")
    def _something_weighs(self) -> "LeadGrades":
        if not any(self.weights.model_dump().values()):
            raise ValueError("all weights are 0; give at least one part a weight")
        return self
