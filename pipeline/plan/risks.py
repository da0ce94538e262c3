"""The register of risks: what might go wrong, how likely and how bad, and what is done about it (S0 §7, S4)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.plan.base import Identifier, Label, Strict, used_twice

Level = Annotated[int, Field(ge=1, le=5)]
Band = Literal["extreme", "high", "medium", "low"]
Horizon = Literal["short", "medium", "long"]


class Indicator(Strict):
    """A KPI that shows a risk, and the value up to which, or from which, it holds; which of the two the KPI says."""

    kpi: Identifier
    limit: float
    period: Literal["month", "campaign"] = "campaign"


class Measure(Strict):
    """What is done about a risk. The horizon gives the deadline: 30 days, 90 days or a year unless the plan says so."""

    label: Label
    horizon: Horizon = "medium"
    done_on: date | None = None


class Risk(Strict):
    """A risk by likelihood and impact, each 1 to 5."""

    id: Identifier
    kind: Literal["market", "execution", "operation", "external"]
    label: Label
    likelihood: Level | None = None
    likelihood_percent: Annotated[float, Field(gt=0, le=100)] | None = None
    """Instead of a likelihood from 1 to 5: how probable it is."""
    impact: Level | None = None
    impact_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Instead of an impact from 1 to 5: the part of the revenue that would be lost."""
    declared_band: Band | None = None
    """What those who found it called it; kept beside what the rule says."""
    measure: Measure | None = None
    owner: str | None = None
    found_on: date | None = None
    indicator: Indicator | None = None

    @model_validator(mode="after")
    def _levels_are_told_once(self) -> "Risk":
        for name in ("likelihood", "impact"):
            if (getattr(self, name) is None) == (getattr(self, f"{name}_percent") is None):
                raise ValueError(f"risk {self.id} needs {name}, from 1 to 5, or {name}_percent, and not both")
        return self


class Bands(Strict):
    """The score, likelihood times impact, from which on a risk is of a band; what is below `medium` is low (I42)."""

    extreme: Annotated[int, Field(ge=1, le=25)] = 16
    high: Annotated[int, Field(ge=1, le=25)] = 12
    medium: Annotated[int, Field(ge=1, le=25)] = 6

    @model_validator(mode="after")
    def _ordered(self) -> "Bands":
        if not self.medium < self.high < self.extreme:
            raise ValueError(f"bands must rise: medium {self.medium}, high {self.high}, extreme {self.extreme}")
        return self


Edges = Annotated[list[Annotated[float, Field(gt=0, lt=100)]], Field(min_length=4, max_length=4)]


class Deadlines(Strict):
    """Days from the day a risk was found to the end of each horizon (S0 §7(4))."""

    short: Annotated[int, Field(ge=1)] = 30
    medium: Annotated[int, Field(ge=1)] = 90
    long: Annotated[int, Field(ge=1)] = 365


class Risks(Strict):
    """The risks of the campaign, and how they are judged."""

    items: list[Risk] = []
    profile: Literal["strict", "seed_table"] = "strict"
    """strict: by the bands. seed_table: as the table of the source document was labelled, where a score at the lower
    end of medium is low, and the greatest impact promotes a risk by one band (I40, I41)."""
    bands: Bands = Bands()
    likelihood_percent: Edges = [20.0, 40.0, 60.0, 80.0]
    """Up to these a probability in percent is of level 1, 2, 3 and 4 (S4: 1 to 20 is low)."""
    impact_percent: Edges = [5.0, 10.0, 20.0, 30.0]
    """Up to these a loss of revenue in percent is of level 1, 2, 3 and 4 (S4: over 30 is extreme)."""
    deadlines: Deadlines = Deadlines()

    @field_validator("likelihood_percent", "impact_percent")
    @classmethod
    def _rising(cls, edges: list[float]) -> list[float]:
        if sorted(set(edges)) != edges:
            raise ValueError(f"edges must rise, found {edges}")
        return edges

    @model_validator(mode="after")
    def _ids_differ(self) -> "Risks":
        twice = used_twice([risk.id for risk in self.items])
        if twice:
            raise ValueError(f"risks with the same id: {', '.join(twice)}; give each its own")
        return self
