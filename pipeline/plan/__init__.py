"""The evaluation plan: what the campaign wants, how it is measured, who answers for it.

Nothing here is filled in silently. A target is a number or the words `no target` (I61); a definition the
documents contradict each other on is a field with its own name (requirements, Part 1b).
"""

import hashlib
import json
import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from pipeline.errors import ConfigurationError
from pipeline.plan.actions import Actions, Bounds, InsightRule
from pipeline.plan.alerts import AlertRule, Alerts, ResponseHours
from pipeline.plan.base import Dimension, Identifier, Label, Range, Scope, Share, Strict, Window, used_twice
from pipeline.plan.budget import Budget
from pipeline.plan.case_reports import CaseReports, DueDays, ReviewModule
from pipeline.plan.claims import AssertedFigure, Cause, Claim, Claims
from pipeline.plan.groups import GroupRule, Groups
from pipeline.plan.identity import Identity, Survivor
from pipeline.plan.incentives import Incentive, Step
from pipeline.plan.lead_grades import GradeCuts, LeadGrades, PartWeights
from pipeline.plan.market import Market
from pipeline.plan.personas import Personas
from pipeline.plan.policies import Policy, PolicyPart, usual_policies
from pipeline.plan.quality import Cleaning, Fill, Freshness, Outlier, Quality, Threshold, usual_missing_words
from pipeline.plan.rfm import Rfm, RfmGrid, RfmRule, RfmScores, ScoreClass
from pipeline.plan.risks import Bands, Deadlines, Indicator, Measure, Risk, Risks
from pipeline.plan.scorecards import (
    ActivityCards,
    Appraisal,
    ChannelCards,
    PeopleCards,
    Rating,
    Reallocation,
    Scorecards,
)
from pipeline.plan.segments import Abc, Play, Segments, usual_playbook
from pipeline.plan.tags import Area, BrandLoyal, Cycle, NoveltySeeking, PriceSensitive, Tags
from pipeline.plan.tiers import CutOffs, Strategic, Tiers, TierWeights
from pipeline.plan.value import Matrix, Value

__all__ = [
    "NOT_MEASURED_BY",
    "NO_TARGET",
    "Abc",
    "Actions",
    "ActivityCards",
    "AlertRule",
    "Alerts",
    "Appraisal",
    "Area",
    "AssertedFigure",
    "Bands",
    "Bounds",
    "BrandLoyal",
    "Budget",
    "Campaign",
    "CaseReports",
    "Cause",
    "Channel",
    "ChannelCards",
    "Claim",
    "Claims",
    "Cleaning",
    "CutOffs",
    "Cycle",
    "Deadlines",
    "Definitions",
    "Dimension",
    "DueDays",
    "Fill",
    "Freshness",
    "Goals",
    "GradeCuts",
    "GroupRule",
    "Groups",
    "Identifier",
    "Identity",
    "Incentive",
    "Indicator",
    "InsightRule",
    "Label",
    "LeadGrades",
    "Market",
    "Matrix",
    "Measure",
    "Model",
    "NoveltySeeking",
    "Outlier",
    "Owners",
    "PartWeights",
    "PeopleCards",
    "Periods",
    "Personas",
    "Plan",
    "Play",
    "Policy",
    "PolicyPart",
    "PriceSensitive",
    "Quality",
    "Range",
    "Rating",
    "Reallocation",
    "ResponseHours",
    "Retention",
    "ReviewModule",
    "Rfm",
    "RfmGrid",
    "RfmRule",
    "RfmScores",
    "Risk",
    "Risks",
    "Scope",
    "ScoreClass",
    "Scorecards",
    "Segments",
    "Share",
    "Step",
    "Strategic",
    "Strict",
    "Survivor",
    "Tags",
    "Target",
    "Threshold",
    "TierWeights",
    "Tiers",
    "ValidLead",
    "Value",
    "Window",
    "usual_missing_words",
]

NO_TARGET = "no target"
NOT_MEASURED_BY = frozenset(
    {
        "owners",
        "targets",
        "models",
        "official_model",
        "score_cap",
        "channels",
        "playbook",
        "risks",
        "alerts",
        "claims",
        "actions",
        "periods",
        "scorecards",
        "case_reports",
        "goals",
        "incentives",
        "policies",
        "retention",
    }
)
"""Sections that say what figures should be, which are shown, and what to make of them: no KPI's value rests on them."""

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class Campaign(Window):
    """The campaign under evaluation."""

    id: Identifier
    name: Label


class Channel(Strict):
    """An acquisition channel; `weight` is its planned share of the budget, absent where the plan has none (I03).

    `budget` is outside for a channel that is not paid from the shares, such as referral: it never has one.
    """

    id: Identifier
    label: Label
    weight: Share | None = None
    budget: Literal["share", "outside"] = "share"

    @model_validator(mode="after")
    def _outside_has_no_share(self) -> "Channel":
        if self.budget == "outside" and self.weight is not None:
            raise ValueError(f"{self.id} is outside the budget and has weight {self.weight:g}; remove one of the two")
        return self


class Target(Strict):
    """Where an indicator should be at the end of the campaign.

    `floor` is the value that scores 0: the level not worth points when more is better (0 unless stated), the
    worst bearable one when less is better (then it must be stated). `milestones` split an additive target by month.
    `by` says what members of a dimension aim at by themselves, such as a team its part of the new customers.
    """

    value: float
    floor: float | None = None
    milestones: dict[Month, float] = {}
    by: dict[Dimension, dict[str, float]] = {}

    @model_validator(mode="after")
    def _milestones_add_up(self) -> "Target":
        total = sum(self.milestones.values())
        if self.milestones and abs(total - self.value) > 1e-9:
            raise ValueError(f"milestones add up to {total:g}, the target is {self.value:g}; make them agree")
        return self

    def of(self, value: float, *, is_part: bool) -> "Target":
        """What a member aims at. A part of the whole has the milestones and floor that go with it; a level of its own
        has the floor of all."""
        share = value / self.value if is_part and self.value else 1.0
        months = {month: share * part for month, part in self.milestones.items()} if is_part else {}
        floor = None if self.floor is None else share * self.floor
        return Target.model_construct(value=value, floor=floor, milestones=months, by={})


class Goals(Strict):
    """What a goal may ask for and still be within reach."""

    stretch: Annotated[float, Field(gt=0)] = 1.0
    """How much better than the baseline: 1 is twice as much, or half where less is better."""


class Model(Strict):
    """A composite score: the weight of each indicator, and what to do when the weights miss 100 % (I01, I02)."""

    label: Label
    weights: dict[str, Share] = Field(min_length=1)
    groups: dict[Identifier, list[str]] = {}
    """The parts of each dimension: what it weighs is what they weigh together (I05)."""
    policy: Literal["normalise", "residual", "strict"] = "normalise"
    residual_to: str | None = None

    @model_validator(mode="after")
    def _groups_are_of_parts(self) -> "Model":
        known = {*self.weights, self.residual_to}
        grouped = [part for parts in self.groups.values() for part in parts]
        strange = sorted(set(grouped) - known)
        if strange:
            raise ValueError(f"groups name {', '.join(strange)}, which the model gives no weight; remove it")
        twice = sorted({part for part in grouped if grouped.count(part) > 1})
        if twice:
            raise ValueError(f"groups name {', '.join(twice)} twice; a part is of one dimension")
        if taken := sorted(set(self.groups) & known):
            raise ValueError(f"groups are called {', '.join(taken)}, as a part is; give the dimension another name")
        return self

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


class ValidLead(Strict):
    """What makes a lead valid (I23)."""

    contactable: bool = True
    demand_tag: bool = True
    minimum_score: Annotated[float, Field(ge=0, le=100)] | None = None
    repeat_days: Annotated[int, Field(ge=0)] | None = 90
    """Leads of one person that follow on each other within so many days are one: the one that was won counts, else the
    first. None: each counts."""


class Definitions(Strict):
    """One choice for each term the documents use in several senses."""

    high_value: Literal["rfm", "grade", "company", "spend", "tier"] = "rfm"
    """By the RFM class high_value, a grade of the CRM, being a company, net spend of 12 months, or tier VIP (I22)."""
    high_value_grades: list[str] = []
    high_value_spend: Annotated[float, Field(gt=0)] | None = None
    """Net spend of 12 months from which on a customer is of high value, where that decides."""
    valid_lead: ValidLead = ValidLead()
    not_reached: list[str] = ["未接通", "无人接听", "关机", "停机", "空号", "占线", "no answer", "busy", "wrong number"]
    """Outcomes of a call, as the sources word them, by which nobody was reached."""
    service_hours: Annotated[float, Field(gt=0)] = 2
    """Within so many hours a complaint or a request for service is to be answered (S2 §05)."""
    repeat_contact_days: Annotated[int, Field(ge=0)] = 7
    """A call or visit up to so many days after one by another member of staff is a repeated contact (S1 表3)."""
    visit_tasks: list[str] = ["客户拜访", "拜访", "上门拜访", "visit", "customer visit"]
    """Kinds of task that are visits to customers, as the source words them."""
    audience: Market = Market()
    """Customers the campaign is meant for: precision and the coverage of industries are about them (I19, I60)."""
    new_markets: Market = Market()
    """Markets the company was not in before (I18)."""
    shared_cost_limit: Annotated[float, Field(ge=0, le=1)] = 0.05
    """So much of the cost (or budget) may name no channel, or no team, before figures of channels (teams) made of it
    are no longer held against targets for the whole: wages that are booked for nobody are for all."""
    official: dict[Identifier, str] = {}
    """The variant of an indicator that counts, where the catalogue's own choice is not wanted."""

    @model_validator(mode="after")
    def _high_value_can_be_told(self) -> "Definitions":
        if self.high_value == "spend" and self.high_value_spend is None:
            raise ValueError("high_value is spend, so state high_value_spend: the net spend of 12 months it takes")
        return self


class Periods(Strict):
    """How many days, ISO weeks, months and calendar quarters back each scorecard reaches, the running one included, and
    in how many months customers began who are followed from month to month."""

    days: Annotated[int, Field(ge=1, le=400)] = 7
    weeks: Annotated[int, Field(ge=1, le=60)] = 4
    months: Annotated[int, Field(ge=1, le=36)] = 3
    quarters: Annotated[int, Field(ge=0, le=12)] = 1
    cohorts: Annotated[int, Field(ge=0, le=60)] = 12


class Retention(Strict):
    """How long published days are kept: this many days, every month's last day, and for ever the closing snapshot.

    That is the answer of the day `closing_days` after the campaign's end, when what belongs to it has come in (I58).
    """

    days: Annotated[int, Field(ge=1)] = 35
    month_ends: bool = True
    closing_days: Annotated[int, Field(ge=0, le=366)] = 30


class Owners(Strict):
    """Who answers for what; shown as the owner of the tables in Dagster."""

    data: str = Field(min_length=1)
    campaign: str = Field(min_length=1)
    names: dict[str, Label] = {}
    """What owners are called where managers read them, whichever part of the plan names them."""

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
    playbook: dict[Identifier, Play] = Field(default_factory=usual_playbook)
    """By segment. A plan that has one says all: nothing of the usual one is added to it."""
    definitions: Definitions = Definitions()
    quality: Quality = Quality()
    cleaning: Cleaning = Cleaning()
    identity: Identity = Identity()
    budget: Budget = Budget()
    risks: Risks = Risks()
    alerts: Alerts = Alerts()
    claims: Claims = Claims()
    actions: Actions = Actions()
    periods: Periods = Periods()
    scorecards: Scorecards = Scorecards()
    lead_grades: LeadGrades = LeadGrades()
    case_reports: CaseReports = CaseReports()
    goals: Goals = Goals()
    incentives: list[Incentive] = []
    policies: list[Policy] = Field(default_factory=usual_policies)
    """What is to be divided how, by name; nothing is computed with them, and one may contradict another."""
    retention: Retention = Retention()

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {zone!r}; use a name such as Asia/Shanghai") from error
        return zone

    @field_validator("incentives")
    @classmethod
    def _incentives_have_their_own_ids(cls, incentives: list[Incentive]) -> list[Incentive]:
        if twice := used_twice([incentive.id for incentive in incentives]):
            raise ValueError(f"ids used twice: {', '.join(twice)}; give each its own")
        return incentives

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
    def closes_on(self) -> date:
        """The day whose answer is the campaign's last word."""
        return self.campaign.ends_on + timedelta(days=self.retention.closing_days)

    @property
    def plan_hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the plan with every default written out."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def plays(self, segments: Collection[str]) -> dict[str, Play]:
        """What to do about these segments; of the usual playbook what speaks of others is left out.

        Raises:
            ConfigurationError: the plan's own playbook speaks of others.
        """
        strange = sorted(set(self.playbook) - set(segments))
        if strange and "playbook" in self.model_fields_set:
            raise ConfigurationError(
                f"plan.yaml playbook: no segment {', '.join(strange)}; segments are {', '.join(segments)}"
            )
        return {segment: play for segment, play in self.playbook.items() if segment in segments}

    def target(self, kpi: str) -> Target | None:
        """The declared target of an indicator, None where the plan says there is none."""
        target = self.targets.get(kpi, NO_TARGET)
        return target if isinstance(target, Target) else None
