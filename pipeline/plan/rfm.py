"""How customers are classified by recency, frequency and monetary value."""

from typing import Annotated

from pydantic import Field, field_validator

from pipeline.plan.base import Identifier, Label, Range, Strict


class RfmRule(Strict):
    """One class of customers by recency (calendar months), frequency (orders) and monetary amount."""

    id: Identifier
    label: Label
    recency_months: Range = Range()
    frequency: Range = Range()
    amount: Range = Range()


class RfmGrid(Strict):
    """Where high meets low for customers that no rule names: recent, frequent, large from these values on."""

    recency_months: Annotated[int, Field(gt=0)] = 3
    frequency: Annotated[int, Field(gt=0)] = 3
    amount: Annotated[float, Field(gt=0)] = 50_000


def seed_rfm_rules() -> list[RfmRule]:
    """The four classes the documents define, by priority (S3 二(二)1; I28, I33)."""
    return [
        RfmRule(
            id="high_value",
            label=Label(zh="高价值客户", en="High value"),
            recency_months=Range(below=3),
            frequency=Range(least=5),
            amount=Range(least=100_000),
        ),
        RfmRule(
            id="potential",
            label=Label(zh="潜力客户", en="Potential"),
            recency_months=Range(least=3, below=6),
            frequency=Range(least=3, below=5),
            amount=Range(least=50_000, below=100_000),
        ),
        RfmRule(
            id="new",
            label=Label(zh="新客户", en="New"),
            recency_months=Range(below=1),
            frequency=Range(least=1, below=3),
            amount=Range(below=50_000),
        ),
        RfmRule(
            id="at_risk",
            label=Label(zh="流失风险客户", en="At risk"),
            recency_months=Range(least=6),
            frequency=Range(least=1, below=3),
            amount=Range(below=50_000),
        ),
    ]


class Rfm(Strict):
    """Recency, frequency, monetary value: the window of F and M, the rules, the grid behind them (I28, I29)."""

    window_months: Annotated[int, Field(gt=0)] = 12
    rules: list[RfmRule] = Field(default_factory=seed_rfm_rules)
    grid: RfmGrid = RfmGrid()

    @field_validator("rules")
    @classmethod
    def _ids_differ(cls, rules: list[RfmRule]) -> list[RfmRule]:
        ids = [rule.id for rule in rules]
        twice = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if twice:
            raise ValueError(f"rule ids {twice} are used twice; give each rule its own")
        return rules
