"""What closes the gate, and how values are brought into one form."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.plan.base import Identifier, Share, Strict


class Threshold(Strict):
    """Below `threshold` a source is provisional, below `floor` withheld. For duplicates both are upper limits."""

    threshold: Share
    floor: Share


class Freshness(Strict):
    """How many days behind the day evaluated a table's newest row may be: figures are provisional, or withheld."""

    days: Annotated[int, Field(ge=0)]
    floor_days: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _floor_is_later(self) -> "Freshness":
        if self.floor_days < self.days:
            raise ValueError(f"floor_days {self.floor_days} is less than days {self.days}; older rows are worse")
        return self


class Quality(Strict):
    """What closes the gate, and thresholds where the plan asks for others than the contracts promise (I44 to I48)."""

    completeness: Threshold | None = None
    accuracy: Threshold | None = None
    duplicates: Threshold | None = None
    timeliness: Threshold | None = None
    quarantine_limit: Share = 0.50
    """A table of which a larger share is quarantined closes the gate."""
    volume_drop_limit: Share = 0.90
    """A snapshot that lost more than this share against its 7-day median closes the gate."""
    volume_change_limit: Share = 0.50
    """A snapshot that shrank, or of which more than this share is new, against its 7-day median is provisional."""
    references: Threshold = Threshold(threshold=0.95, floor=0.0)
    """Rows whose ids name what is there. By default nothing is withheld for it: money of a customer who is in no file
    was none the less paid; a plan that asks for more says so."""
    freshness: dict[Identifier, Freshness] = {}
    """By table; one that is not named may be as old as it is."""

    @model_validator(mode="after")
    def _floors_are_worse(self) -> "Quality":
        for name in ("completeness", "accuracy", "timeliness"):
            limit: Threshold | None = getattr(self, name)
            if limit and limit.floor > limit.threshold:
                raise ValueError(f"{name}.floor {limit.floor:g} is above its threshold {limit.threshold:g}")
        if self.duplicates and self.duplicates.floor < self.duplicates.threshold:
            raise ValueError(
                f"duplicates.floor {self.duplicates.floor:g} is below its threshold {self.duplicates.threshold:g}; "
                "duplicates are better when fewer"
            )
        return self


class Fill(Strict):
    """What a missing value of a column becomes: one value, the most frequent, the median or the mean (of the rows that
    share a value of the column `by`, if one is named), a value looked up by another column's, the place it tells of.
    """

    table: Identifier
    column: Identifier
    rule: Literal["value", "mode", "median", "mean", "lookup", "place"]
    by: Identifier | None = None
    value: str | int | float | bool | None = None
    values: dict[str, str | int | float | bool] = {}

    @model_validator(mode="after")
    def _says_all_it_needs(self) -> "Fill":
        if (self.value is not None) != (self.rule == "value"):
            raise ValueError("rule value needs a value, and no other rule has one")
        if bool(self.values) != (self.rule == "lookup"):
            raise ValueError("rule lookup needs values, and no other rule has them")
        if self.rule in ("lookup", "place") and self.by is None:
            raise ValueError(f"rule {self.rule} needs by: the column to go by")
        if self.rule == "value" and self.by is not None:
            raise ValueError("rule value goes by no other column; remove by")
        return self


class Outlier(Strict):
    """A column whose values may stand out, and what becomes of them: flagged alone, brought to the limit, emptied."""

    table: Identifier
    column: Identifier
    threshold: Annotated[float, Field(gt=0)] = 3.5
    """Modified z-score from which on a value stands out."""
    action: Literal["flag", "cap", "null"] = "flag"


def usual_missing_words() -> dict[str, list[str]]:
    """What the documents name (S3 四(一)), and how systems put it; nothing that may be a name or a code."""
    return {
        "not_provided": [
            "客户未提供",
            "客户未填写",
            "客户拒绝提供",
            "客户不愿提供",
            "未提供",
            "Not provided",
            "not provided",
        ],
        "system_error": ["系统接口异常", "接口异常", "系统异常", "接口超时", "Interface error", "interface error"],
    }


class Cleaning(Strict):
    """How values are brought into one form."""

    regions: Literal["gb2260", "own"] = "gb2260"
    """Regions as 省-市 by GB/T 2260, or the company's own, which nothing is done to."""
    industries: Literal["gb4754", "own"] = "gb4754"
    """Industries as sections of GB/T 4754, or the company's own."""
    missing_words: dict[Identifier, list[str]] = Field(default_factory=usual_missing_words)
    """Reason -> what sources write instead of a value; such a value is missing, and the reason is counted (F033)."""
    fill_limit: Share = 0.05
    """A column of which a larger share is missing is not filled, but marked as to be verified (F032, I48)."""
    fill: list[Fill] = []
    outliers: list[Outlier] = []

    @model_validator(mode="after")
    def _one_rule_a_column(self) -> "Cleaning":
        for name, rules in (("fill", self.fill), ("outliers", self.outliers)):
            columns = [f"{rule.table}.{rule.column}" for rule in rules]
            twice = sorted({column for column in columns if columns.count(column) > 1})
            if twice:
                raise ValueError(f"{name} has two rules for {', '.join(twice)}; keep one")
        return self
