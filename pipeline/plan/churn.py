"""Who is about to leave: twelve indicators, what each weighs, and what is done to win a customer back."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from pipeline.plan.base import Identifier, Label, Share, Strict

IndicatorId = Literal[
    "overdue",
    "order_frequency_fall",
    "order_value_fall",
    "activity_fall",
    "login_fall",
    "complaint_rise",
    "unanswered",
    "nps_low",
    "csat_low",
    "payment_delay",
    "refund_share",
    "breadth",
]
INDICATORS: tuple[IndicatorId, ...] = get_args(IndicatorId)

Score = Annotated[float, Field(ge=0, le=100)]


class Indicator(Strict):
    """No risk at `calm`, full risk at `alarm`, in proportion between them; a weight of 0 leaves it out."""

    weight: Annotated[float, Field(ge=0, le=1000)]
    calm: float
    alarm: float

    @model_validator(mode="after")
    def _limits_differ(self) -> "Indicator":
        if self.calm == self.alarm:
            raise ValueError(f"calm and alarm are both {self.calm:g}; risk must have room to rise between them")
        return self


def usual_indicators() -> dict[IndicatorId, Indicator]:
    """The twelve of the early warning, two of which the documents name (S4 流失预警干预; S2 §04; I39)."""
    return {
        "overdue": Indicator(weight=0.25, calm=1.0, alarm=2.5),
        "order_frequency_fall": Indicator(weight=0.15, calm=0.25, alarm=1.0),
        "order_value_fall": Indicator(weight=0.08, calm=0.1, alarm=0.6),
        "activity_fall": Indicator(weight=0.10, calm=0.25, alarm=1.0),
        "login_fall": Indicator(weight=0.07, calm=0.25, alarm=1.0),
        "complaint_rise": Indicator(weight=0.08, calm=0.0, alarm=2.0),
        "unanswered": Indicator(weight=0.05, calm=0.0, alarm=0.5),
        "nps_low": Indicator(weight=0.05, calm=8.0, alarm=3.0),
        "csat_low": Indicator(weight=0.05, calm=0.75, alarm=0.25),
        "payment_delay": Indicator(weight=0.05, calm=5.0, alarm=30.0),
        "refund_share": Indicator(weight=0.04, calm=0.0, alarm=0.3),
        "breadth": Indicator(weight=0.03, calm=3.0, alarm=1.0),
    }


class Churn(Strict):
    """The early warning: a score of 0 to 100 out of the indicators that can be told of a customer (F144, F147; I39)."""

    recent_months: Annotated[int, Field(ge=1, le=24)] = 3
    before_months: Annotated[int, Field(ge=1, le=60)] = 9
    """How many months before the recent ones they are compared with."""
    least_events: Annotated[int, Field(ge=1)] = 2
    """Orders, contacts or requests from which on a comparison says anything."""
    answer_hours: Annotated[int, Field(ge=1)] = 48
    """A request that was not answered within so many hours counts as unanswered."""
    warned_from: Score = 50.0
    watched_from: Score = 30.0
    least_told_share: Share = 0.30
    """Least weight of the indicators that can be told, of all weight; with less there is no score."""
    indicators: dict[IndicatorId, Indicator] = Field(default_factory=usual_indicators)

    @field_validator("indicators", mode="before")
    @classmethod
    def _over_the_usual(cls, given: Any) -> Any:
        """An indicator, or one number of it, may be given alone: the rest stays as it is."""
        if not isinstance(given, Mapping):
            return given
        usual = {name: indicator.model_dump() for name, indicator in usual_indicators().items()}
        for name, indicator in given.items():
            own = indicator.model_dump() if isinstance(indicator, Indicator) else indicator
            usual[name] = usual.get(name, {}) | own if isinstance(own, Mapping) else own
        return usual

    @model_validator(mode="after")
    def _can_be_applied(self) -> "Churn":
        if self.watched_from >= self.warned_from:
            raise ValueError(f"watched_from {self.watched_from:g} must be less than warned_from {self.warned_from:g}")
        if not any(indicator.weight for indicator in self.indicators.values()):
            raise ValueError("all indicators weigh 0; give at least one a weight")
        return self


class WinBackStep(Strict):
    """Who tries to win a customer back, how soon after the step before, and what may be offered."""

    id: Identifier
    label: Label
    role: Label
    is_customers_owner: bool = False
    """Whether it falls to the member of staff who looks after the customer."""
    within_days: Annotated[int, Field(ge=1)]
    offer: Label


def seed_steps() -> list[WinBackStep]:
    """The three steps the documents name (S4 流失预警干预; F145)."""
    return [
        WinBackStep(
            id="service_call",
            label=Label(zh="客服回访", en="Call by customer service"),
            role=Label(zh="客服", en="Customer service"),
            within_days=3,
            offer=Label(zh="回访了解原因，赠送老客户专属优惠券", en="Ask for the reason; a coupon for old customers"),
        ),
        WinBackStep(
            id="account_manager",
            label=Label(zh="业务经理介入", en="Account manager steps in"),
            role=Label(zh="业务经理", en="Account manager"),
            is_customers_owner=True,
            within_days=7,
            offer=Label(zh="上门沟通，按需求定制方案与价格", en="A visit; a solution and a price made to measure"),
        ),
        WinBackStep(
            id="executive",
            label=Label(zh="高管出面", en="An executive steps in"),
            role=Label(zh="高管", en="Executive"),
            within_days=14,
            offer=Label(
                zh="高层会谈，落实服务改进与长期合作条款", en="A talk at the top; better service, lasting terms"
            ),
        ),
    ]


class WinBack(Strict):
    """Who is worth winning back, by which steps, and until when a new order is their success (F145, F146)."""

    steps: list[WinBackStep] = Field(default_factory=seed_steps, min_length=1, max_length=9)
    contact_kinds: list[Literal["call", "visit"]] = Field(default=["call", "visit"], min_length=1)
    """Contacts that count as a step, where somebody was reached (`definitions.not_reached`)."""
    success_days: Annotated[int, Field(ge=1)] = 90
    """A new order so many days after the first contact, or sooner, is the steps' success."""
    within_months: Annotated[int, Field(ge=1, le=120)] = 12
    """Who has been gone for longer is left alone; results stay as long on the list."""
    least_amount: Annotated[float, Field(ge=0)] = 0.0
    """Net spend of the year before the warning that a customer must exceed to be worth it."""

    @field_validator("steps")
    @classmethod
    def _ids_differ(cls, steps: list[WinBackStep]) -> list[WinBackStep]:
        ids = [step.id for step in steps]
        twice = sorted({step_id for step_id in ids if ids.count(step_id) > 1})
        if twice:
            raise ValueError(f"step ids {twice} are used twice; give each step its own")
        return steps
