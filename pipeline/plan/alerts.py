"""What is worth a warning, how grave it is, and who has to answer for how long (S4, S0 §5.3)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.plan.base import Identifier, Label, Scope, Strict, used_twice

AlertLevel = Literal["red", "yellow", "blue"]
LEVELS: tuple[AlertLevel, ...] = ("red", "yellow", "blue")
"""From worst to mildest."""


class AlertRule(Strict):
    """One thing that is watched: a KPI, a dimension of data quality, the budget, or the register of risks."""

    id: Identifier
    label: Label | None = None
    kpi: Identifier | None = None
    quality: Literal["any", "completeness", "accuracy", "duplicates", "timeliness", "volume", "freshness"] | None = None
    """Below its threshold a source is yellow, below its floor red; which way is worse the dimension says (I47)."""
    budget: Literal["any", "total", "line", "category", "channel", "team"] | None = None
    """Overspent is yellow, spending worth a warning or without a budget blue, unless limits of the utilisation are
    given; any is all but single lines."""
    risk: Literal["indicator", "overdue"] | None = None
    """An indicator beyond its limit has the level of the risk's band, a measure past its deadline is yellow."""
    period: Literal["day", "week", "month", "campaign"] = "campaign"
    dimension: Scope = "total"
    """Of a KPI: each of its members is watched."""
    measure: Literal["value", "attainment"] = "value"
    """Of a KPI: what the limits are about; attainment is the share of the target that is reached."""
    comparison: Literal["above", "below"] | None = None
    """On which side of a limit it is breached; of a KPI its worse side unless said."""
    blue: float | None = None
    yellow: float | None = None
    red: float | None = None
    days: Annotated[int, Field(ge=1, le=60)] = 1
    """Days evaluated in a row on which it must be breached before it is raised."""
    indicator: Literal["leading", "lagging"] = "lagging"
    owner: str | None = None

    @model_validator(mode="after")
    def _watches_one_thing(self) -> "AlertRule":
        watched = [name for name in ("kpi", "quality", "budget", "risk") if getattr(self, name) is not None]
        if len(watched) != 1:
            raise ValueError(
                f"alert {self.id} watches {', '.join(watched) or 'nothing'}; name one of kpi, quality, budget, risk"
            )
        if self.kpi is not None and not self.limits:
            raise ValueError(f"alert {self.id} has no limit; give it one of blue, yellow and red")
        if self.limits and watched[0] in ("quality", "risk"):
            raise ValueError(
                f"alert {self.id} has limits of its own; remove them, those of {watched[0]} stand elsewhere in the plan"
            )
        return self

    @model_validator(mode="after")
    def _limits_get_worse(self) -> "AlertRule":
        limits = list(self.limits.values())
        falling, rising = sorted(set(limits), reverse=True), sorted(set(limits))
        told = {"above": [falling], "below": [rising], None: [falling, rising]}[self.comparison]
        if limits not in told:
            raise ValueError(
                f"alert {self.id}: red must be worse than yellow and yellow than blue, found {self.limits}"
            )
        return self

    @property
    def limits(self) -> dict[AlertLevel, float]:
        """The limit of each level, worst first."""
        found = {level: getattr(self, level) for level in LEVELS}
        return {level: limit for level, limit in found.items() if limit is not None}


class ResponseHours(Strict):
    """Hours within which an alert is to be answered (S4: a red one within two)."""

    red: Annotated[float, Field(gt=0)] = 2
    yellow: Annotated[float, Field(gt=0)] = 24
    blue: Annotated[float, Field(gt=0)] = 72


def usual_rules() -> list[AlertRule]:
    """What is watched where a plan says nothing: sources, spending, and the indicators and deadlines of risks."""
    return [
        AlertRule(
            id="source_quality",
            label=Label(zh="数据源质量未达标", en="Source below its quality threshold"),
            quality="any",
            indicator="leading",
        ),
        AlertRule(
            id="overspending",
            label=Label(zh="预算将尽或超支", en="Budget nearly spent or overspent"),
            budget="any",
            indicator="leading",
        ),
        AlertRule(
            id="risk_indicator",
            label=Label(zh="风险监测指标突破限值", en="Risk indicator beyond its limit"),
            risk="indicator",
            indicator="leading",
        ),
        AlertRule(id="risk_overdue", label=Label(zh="风险措施逾期", en="Risk measure overdue"), risk="overdue"),
    ]


class Alerts(Strict):
    """The rules. A plan that has some says all: nothing of the usual ones is added."""

    rules: list[AlertRule] = Field(default_factory=usual_rules)
    response_hours: ResponseHours = ResponseHours()

    @model_validator(mode="after")
    def _ids_differ(self) -> "Alerts":
        twice = used_twice([rule.id for rule in self.rules])
        if twice:
            raise ValueError(f"alerts with the same id: {', '.join(twice)}; give each its own")
        return self
