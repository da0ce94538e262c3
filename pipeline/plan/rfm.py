"""How customers are classified by recency, frequency and monetary value."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.plan.base import Identifier, Label, Range, Strict, used_twice


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


def _whole_scale() -> list[int]:
    return [1, 5]


ScoreRange = Annotated[list[Annotated[int, Field(ge=1, le=5)]], Field(min_length=2, max_length=2)]
"""From the first score to the second, both included."""


class RfmScores(Strict):
    """How the scores 1 to 5 are given.

    `ranks`: by fifths of the customers, equal values equal scores. `cuts`: 1 + the number of quintile cuts a value
    reaches, a cut being a linear quantile plus 1, and recency turned round: the rule of the R package `rfm`.
    """

    method: Literal["ranks", "cuts"] = "ranks"


class ScoreClass(Strict):
    """One class of customers by their scores of recency, frequency and monetary value."""

    id: Identifier
    label: Label
    r: ScoreRange = Field(default_factory=_whole_scale)
    f: ScoreRange = Field(default_factory=_whole_scale)
    m: ScoreRange = Field(default_factory=_whole_scale)

    @field_validator("r", "f", "m")
    @classmethod
    def _ordered(cls, scores: list[int]) -> list[int]:
        if scores[0] > scores[1]:
            raise ValueError(f"{scores} goes from the higher score to the lower; write the lower one first")
        return scores


def usual_score_classes() -> list[ScoreClass]:
    """The ten classes the R package `rfm` publishes its example with, in the order it tries them."""
    return [
        _score_class("champions", "冠军客户", "Champions", [5, 5], [5, 5], [5, 5]),
        _score_class("potential_loyalist", "潜在忠诚客户", "Potential loyalist", [3, 5], [3, 5], [2, 5]),
        _score_class("loyal", "忠诚客户", "Loyal", [2, 4], [2, 4], [2, 4]),
        _score_class("promising", "有望客户", "Promising", [3, 4], [1, 3], [3, 5]),
        _score_class("new", "新近客户", "New", [4, 5], [1, 3], [1, 5]),
        _score_class("cant_lose", "不能流失客户", "Can't lose", [1, 2], [3, 4], [4, 5]),
        _score_class("at_risk", "风险客户", "At risk", [1, 2], [2, 5], [4, 5]),
        _score_class("need_attention", "需关注客户", "Need attention", [1, 3], [3, 5], [3, 5]),
        _score_class("about_to_sleep", "即将沉睡客户", "About to sleep", [2, 3], [1, 3], [1, 4]),
        _score_class("lost", "已流失客户", "Lost", [1, 1], [1, 5], [1, 5]),
    ]


def _score_class(class_id: str, zh: str, en: str, r: list[int], f: list[int], m: list[int]) -> ScoreClass:
    return ScoreClass(id=class_id, label=Label(zh=zh, en=en), r=r, f=f, m=m)


class Rfm(Strict):
    """Recency, frequency, monetary value: the window of F and M, the rules, the grid behind them (I28, I29)."""

    window_months: Annotated[int, Field(gt=0)] = 12
    rules: list[RfmRule] = Field(default_factory=seed_rfm_rules)
    grid: RfmGrid = RfmGrid()
    scores: RfmScores = RfmScores()
    score_classes: list[ScoreClass] = Field(default_factory=usual_score_classes)

    @field_validator("rules")
    @classmethod
    def _ids_differ(cls, rules: list[RfmRule]) -> list[RfmRule]:
        twice = used_twice([rule.id for rule in rules])
        if twice:
            raise ValueError(f"rule ids {twice} are used twice; give each rule its own")
        return rules

    @field_validator("score_classes")
    @classmethod
    def _class_ids_differ(cls, classes: list[ScoreClass]) -> list[ScoreClass]:
        twice = used_twice([score_class.id for score_class in classes])
        if twice:
            raise ValueError(f"ids of score_classes {twice} are used twice; give each class its own")
        return classes
