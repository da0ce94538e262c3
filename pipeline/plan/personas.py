"""How groups of customers are found that nobody defined."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.plan.base import Share, Strict, used_twice

Feature = Literal[
    "recency_days",
    "frequency",
    "monetary_amount",
    "order_amount",
    "tenure_days",
    "touches_12m",
    "visits_12m",
    "complaints_12m",
    "logins_12m",
    "margin_rate",
]
"""What customers may be told apart by: columns of `dws.customer_features`."""


def usual_features() -> list[Feature]:
    """What every company that sells knows of its customers."""
    return ["recency_days", "frequency", "monetary_amount", "order_amount", "tenure_days", "touches_12m"]


class Personas(Strict):
    """Groups of customers that are alike in these features: k-means, as many groups as tell them apart best (F129)."""

    features: Annotated[list[Feature], Field(min_length=1)] = Field(default_factory=usual_features)
    least: Annotated[int, Field(ge=2)] = 3
    most: Annotated[int, Field(ge=2, le=20)] = 8
    """Bounds of the number of groups; within them the silhouette decides."""
    customers_least: Annotated[int, Field(ge=10)] = 50
    """Of fewer customers with orders no groups are found."""
    missing_limit: Share = 0.50
    """A feature that more customers lack is left out; where fewer lack it, they count as average in it."""
    better_by: Share = 0.05
    """Another number of groups, or other groups, must be better by this share to replace those of the day before."""
    match_within: Annotated[float, Field(gt=0)] = 1.0
    """A group this near to one of the day before is the same: standard deviations, root mean square over features."""
    marked_from: Annotated[float, Field(gt=0)] = 0.25
    """Standard deviations from the mean of all from which on a feature marks a group."""
    starts: Annotated[int, Field(ge=1)] = 10
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    fit_sample: Annotated[int, Field(ge=1_000)] = 20_000
    """Of more customers the groups are sought among so many, and then fitted to all."""
    silhouette_sample: Annotated[int, Field(ge=500)] = 5_000
    """The silhouette compares each with each: of more customers with so many."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "Personas":
        if self.most < self.least:
            raise ValueError(f"most {self.most} is less than least {self.least}")
        twice = used_twice(self.features)
        if twice:
            raise ValueError(f"features names {', '.join(twice)} twice; keep one")
        return self
