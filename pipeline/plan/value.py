"""What a customer is worth: how value is reckoned, and when there is enough to reckon it from."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.plan.base import Share, Strict


class Value(Strict):
    """How customers are valued (I16), and what must be there before a model of their purchases is believed."""

    measure: Literal["auto", "model", "simple"] = "auto"
    """What counts as the customer's value: what the model expects, the simple product of four factors, or the model
    wherever it can be fitted."""
    margin_rate: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Share of net spend left after the cost of what was sold, for customers the costs of whose orders are unknown."""
    margin_coverage: Share = 0.5
    """Share of net spend whose cost must be known before its margin stands in for the rest, where none is declared."""
    lifetime_years: Annotated[float, Field(gt=0, le=100)] | None = None
    """How long a customer stays; derived from how many left within a year where it is not declared: who bought nothing
    for lifecycle.churned_months has (S3; I24)."""
    longest_lifetime_years: Annotated[float, Field(gt=0)] = 10
    """A derived lifetime is cut here: few leavers in one year say little about the years to come."""
    discount_rate: Annotated[float, Field(ge=0, le=1)] = 0
    """By which what is expected in a year is worth less than today."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Of every interval."""
    holdout_months: Annotated[int, Field(ge=1, le=24)] = 3
    """The last months, kept from the model once to see how well it foretells them."""
    fewest_customers: Annotated[int, Field(ge=10)] = 100
    """Buyers without whom nothing is fitted or derived."""
    fewest_repeaters: Annotated[int, Field(ge=5)] = 50
    """Of them with a second day of purchase."""
    shortest_weeks: Annotated[int, Field(ge=4)] = 26
    """From the first purchase of all to the day; a shorter history doesn't show who comes back."""
    correlation_limit: Share = 0.3
    """Beyond it frequency and amounts hang together more than the model of amounts allows, and that is told."""


class Matrix(Strict):
    """From where on value is high, and profit; the median of the customers who ordered where nothing is declared."""

    value_from: float | None = None
    profit_from: float | None = None
