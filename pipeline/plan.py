"""The evaluation plan: what the campaign wants, how it is measured, who answers for it.

Nothing here is filled in silently. A target is a number or the words `no target` (I61); a definition the
documents contradict each other on is a field with its own name (requirements, Part 1b).
"""

import hashlib
import json
import re
from datetime import date, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NO_TARGET = "no target"

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
ProjectFile = Annotated[str, Field(pattern=r"^[^/\\.][^/\\]*[.]csv$")]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class Strict(BaseModel):
    """No unknown keys, no silent conversion: `completeness: no` is an error, not 0.0."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Label(Strict):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Window(Strict):
    """Days from `starts_on` to `ends_on`, both included."""

    starts_on: date
    ends_on: date

    @model_validator(mode="after")
    def _ordered(self) -> "Window":
        if self.ends_on < self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} is before starts_on {self.starts_on}")
        return self

    @property
    def end(self) -> date:
        """The first day after the window: periods are half-open."""
        return self.ends_on + timedelta(days=1)


class Campaign(Window):
    """The campaign under evaluation."""

    id: Identifier
    name: Label


class Channel(Strict):
    """An acquisition channel; `weight` is its planned share of the budget, absent where the plan has none (I03)."""

    id: Identifier
    label: Label
    weight: Share | None = None


class Target(Strict):
    """Where an indicator should be at the end of the campaign.

    `floor` is the value that scores 0: the level not worth points when more is better (0 unless stated), the
    worst bearable one when less is better (then it must be stated). `milestones` split an additive target by month.
    """

    value: float
    floor: float | None = None
    milestones: dict[Month, float] = {}

    @model_validator(mode="after")
    def _milestones_add_up(self) -> "Target":
        total = sum(self.milestones.values())
        if self.milestones and abs(total - self.value) > 1e-9:
            raise ValueError(f"milestones add up to {total:g}, the target is {self.value:g}; make them agree")
        return self


class Model(Strict):
    """A composite score: the weight of each indicator, and what to do when the weights miss 100 % (I01, I02)."""

    label: Label
    weights: dict[str, Share] = Field(min_length=1)
    policy: Literal["normalise", "residual", "strict"] = "normalise"
    residual_to: str | None = None

    @model_validator(mode="after")
    def _policy_holds(self) -> "Model":
        total = round(sum(self.weights.values()), 9)
        if self.policy == "strict" and total != 1:
            raise ValueError(f"weights add up to {total:.0%} under policy strict; make them 100 % or use normalise")
        if self.policy == "residual" and (self.residual_to is None or total > 1):
            raise ValueError(
                f"policy residual needs residual_to and weights of at most 100 %, "
                f"found {self.residual_to!r} and {total:.0%}"
            )
        if total == 0:
            raise ValueError("all weights are 0; give at least one indicator a weight")
        return self

    @property
    def effective_weights(self) -> dict[str, float]:
        """Weights that add up to one, after the policy."""
        weights = dict(self.weights)
        total = sum(weights.values())
        if self.policy == "residual" and self.residual_to is not None:
            weights[self.residual_to] = weights.get(self.residual_to, 0.0) + 1 - total
            return weights
        return {kpi: weight / total for kpi, weight in weights.items()}


class Range(Strict):
    """Half-open: from `least` (included) to `below` (excluded); either end may be open."""

    least: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.least is not None and self.below is not None and self.below <= self.least:
            raise ValueError(f"below {self.below:g} must be greater than least {self.least:g}")
        return self


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


class Abc(Strict):
    """Cumulative share of spend at which class A ends, and class B (S3 二(二)1; I34)."""

    a_until: Share = 0.70
    b_until: Share = 0.90


class Segments(Strict):
    """How customers are classified."""

    rfm: Rfm = Rfm()
    abc: Abc = Abc()


class Play(Strict):
    """What to do about a segment, with what, and who does it (S3 二(四)1)."""

    strategy: Label
    resource: Label
    owner: str


class ValidLead(Strict):
    """What makes a lead valid (I23)."""

    contactable: bool = True
    demand_tag: bool = True
    minimum_score: Annotated[float, Field(ge=0, le=100)] | None = None


class Definitions(Strict):
    """One choice for each term the documents use in several senses."""

    high_value: Literal["rfm", "grade"] = "rfm"
    high_value_grades: list[str] = []
    valid_lead: ValidLead = ValidLead()
    not_reached: list[str] = ["未接通", "无人接听", "关机", "停机", "空号", "占线", "no answer", "busy", "wrong number"]
    """Outcomes of a call, as the sources word them, by which nobody was reached."""
    official: dict[Identifier, str] = {}
    """The variant of an indicator that counts, where the catalogue's own choice is not wanted."""


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


BlockColumn = Literal[
    "name", "name_start", "phone", "email", "credit_code", "address", "numbers", "street", "region", "birth_year"
]
"""What of two customers may be compared to decide whether a closer look is worth it."""


def usual_blocks() -> list[list[BlockColumn]]:
    """Pairs worth a closer look, for persons and companies alike."""
    return [
        ["phone"],
        ["email"],
        ["credit_code"],
        ["address"],
        ["name", "region"],
        ["name", "birth_year"],
        ["name_start", "numbers"],
        ["region", "numbers"],
        ["region", "birth_year"],
    ]


Survivor = Literal["newest", "oldest", "most_frequent", "longest"]

USUAL_SURVIVORS: dict[str, Survivor] = {
    "kind": "most_frequent",
    "credit_code": "most_frequent",
    "birth_year": "most_frequent",
    "gender": "most_frequent",
    "source_channel": "oldest",
    "referred_by": "oldest",
    "created_at": "oldest",
}
"""Of several values of one customer the one that counts; of every other column the newest that is not empty."""


class Identity(Strict):
    """When two records are one customer, and which of their values count (F021, F035, I45)."""

    is_enabled: bool = True
    """Whether records are compared beyond exact keys."""
    threshold: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Least probability at which two records are linked."""
    blocks: list[Annotated[list[BlockColumn], Field(min_length=1)]] = Field(default_factory=usual_blocks)
    """Two records are compared if they agree in all columns of at least one of these."""
    largest_block: Annotated[int, Field(ge=2)] = 50
    """Records that share the columns of a block; where there are more, the block tells nothing and is left out."""
    shared_by_at_most: Annotated[int, Field(ge=1)] = 10
    """A phone, an e-mail or an address that more names than these share belongs to none of them."""
    largest_cluster: Annotated[int, Field(ge=2)] = 20
    """Records of one customer; where there are more, only exact links are believed."""
    must_link: ProjectFile | None = None
    cannot_link: ProjectFile | None = None
    """CSV files in the project folder with the columns customer_id, other_customer_id and note."""
    survivorship: dict[Identifier, Survivor] = {}
    """Column -> which of several values counts, where another than the usual one is wanted."""

    def survivor(self, column: str) -> Survivor:
        """Which of several values of a column counts."""
        return (USUAL_SURVIVORS | self.survivorship).get(column, "newest")


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


class Periods(Strict):
    """How many days, ISO weeks and months back each scorecard reaches, the running one included."""

    days: Annotated[int, Field(ge=1, le=400)] = 7
    weeks: Annotated[int, Field(ge=1, le=60)] = 4
    months: Annotated[int, Field(ge=1, le=36)] = 3


class Retention(Strict):
    """How long published days are kept: this many days, and every month's last day."""

    days: Annotated[int, Field(ge=1)] = 35
    month_ends: bool = True


class Owners(Strict):
    """Who answers for what; shown as the owner of the tables in Dagster."""

    data: str = Field(min_length=1)
    campaign: str = Field(min_length=1)

    @field_validator("data", "campaign")
    @classmethod
    def _is_owner(cls, owner: str) -> str:
        if not re.fullmatch(r"(?:team:)?[^@]*[^@\s:]|[\w.+-]+@[\w-]+(?:[.][\w-]+)+", owner):
            raise ValueError("must be an e-mail address, or the name of a team, which has no @")
        return owner


class Plan(Strict):
    """plan.yaml."""

    campaign: Campaign
    baseline: Window
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    owners: Owners
    targets: dict[Identifier, Target | Literal["no target"]]
    models: dict[Literal["M0", "M1", "M2", "M3"], Model] = {}
    official_model: Literal["M0", "M1", "M2", "M3"] = "M1"
    score_cap: Annotated[float, Field(ge=100, le=200)] = 100
    channels: list[Channel] = []
    products: list[str] = []
    """What the company sells, by the names its systems should use; empty where any name will do."""
    segments: Segments = Segments()
    playbook: dict[Identifier, Play] = {}
    definitions: Definitions = Definitions()
    quality: Quality = Quality()
    cleaning: Cleaning = Cleaning()
    identity: Identity = Identity()
    periods: Periods = Periods()
    retention: Retention = Retention()

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {zone!r}; use a name such as Asia/Shanghai") from error
        return zone

    @model_validator(mode="after")
    def _windows_are_apart(self) -> "Plan":
        if self.baseline.ends_on >= self.campaign.starts_on:
            raise ValueError(
                f"baseline ends {self.baseline.ends_on}, the campaign starts {self.campaign.starts_on}; "
                "the baseline must be over before the campaign starts"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """Where a day begins."""
        return ZoneInfo(self.timezone)

    @property
    def plan_hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the plan with every default written out."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def target(self, kpi: str) -> Target | None:
        """The declared target of an indicator, None where the plan says there is none."""
        target = self.targets.get(kpi, NO_TARGET)
        return target if isinstance(target, Target) else None
