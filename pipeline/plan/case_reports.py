"""The reports of a case: before and after, targets and what was reached, what to keep and what to mend (S0 §6, S1)."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.plan.base import Identifier, Label, Share, Strict

IndicatorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
"""A KPI, by its official variant, or KPI.variant."""
Section = Literal["result", "process", "input_output"]
Module = Literal["strategy", "teamwork", "resources"]
Days = Annotated[int, Field(ge=0, le=366)]


class ReviewModule(Strict):
    """A part of the review: the KPIs it goes by, and who answers for it; the campaign's owner where nobody does."""

    kpis: list[Identifier] = Field(min_length=1)
    owner: str | None = None


class DueDays(Strict):
    """Days after the review by which a problem is to be mended; far is one that misses its target by much."""

    far: Days = 14
    near: Days = 30


def usual_before_after() -> list[IndicatorName]:
    """The lines of the case table (S0 §6); the cost of a customer stands before what was spent (I56)."""
    return [
        "new_customers",
        "leads",
        "lead_conversion_rate",
        "aov",
        "csat_mean",
        "revenue",
        "cac",
        "roi_revenue",
        "total_cost.labour",
        "total_cost.marketing",
        "total_cost",
    ]


def usual_attainment() -> dict[Section, list[IndicatorName]]:
    """The dimensions of S1 表2, with the indicators that plans have targets for."""
    return {
        "result": ["new_customers", "revenue", "high_value_share", "aov", "csat_mean", "nps"],
        "process": ["visits", "lead_conversion_rate", "quality_lead_share", "first_touch_hours", "sales_cycle_days"],
        "input_output": ["cac", "io_ratio", "roi_revenue", "total_cost"],
    }


def usual_review() -> dict[Module, ReviewModule]:
    """The modules of S1 表3: whether the strategy works, how people work together, what becomes of money and time."""
    return {
        "strategy": ReviewModule(kpis=["lead_conversion_rate", "quality_lead_share", "high_value_share", "aov"]),
        "teamwork": ReviewModule(
            kpis=["first_touch_hours", "task_completion_rate", "collaboration_score", "visit_completion_rate"]
        ),
        "resources": ReviewModule(kpis=["cac", "cpl", "io_ratio", "development_days"]),
    }


def usual_cases() -> list[IndicatorName]:
    """What cases are chosen by (S0 §6.1): conversion, cost of a lead and of a customer, return, worth of customers."""
    return ["lead_conversion_rate", "cpl", "cac", "roi_revenue", "high_value_share"]


def usual_advice() -> dict[Identifier, Label]:
    """What to do where a KPI of the usual review misses its target; where to look, never why it is so (I55)."""
    return {
        "lead_conversion_rate": Label(
            zh="在转化漏斗中找出流失最多的环节，逐条复盘该环节的线索",
            en="Find the step of the funnel that loses most, and go through the leads lost there",
        ),
        "quality_lead_share": Label(
            zh="按渠道比较线索质量等级，把投入移向 A、B 级较多的渠道",
            en="Compare grades of leads by channel, and shift money to channels with more of A and B",
        ),
        "high_value_share": Label(
            zh="对照高价值客户的行业与区域，调整目标客户名单",
            en="Hold the target list against the industries and regions of high-value customers",
        ),
        "aov": Label(
            zh="按产品查看客单价，试行组合报价", en="Look at order values by product, and try offers that combine them"
        ),
        "first_touch_hours": Label(
            zh="按团队查看首次触达耗时，超时线索当日改派",
            en="Look at hours to first touch by team, and reassign late leads the same day",
        ),
        "task_completion_rate": Label(
            zh="每周核对逾期任务，逐项落实责任人与新期限",
            en="Go through overdue tasks weekly, and settle who does each by when",
        ),
        "collaboration_score": Label(
            zh="由评分较低的团队列出衔接不畅的环节，双方约定交接标准",
            en="Let teams with low ratings name where handovers fail, and agree on how they are done",
        ),
        "visit_completion_rate": Label(
            zh="核对未完成的拜访，重新排期或改为线上会面",
            en="Go through visits not made, and set a new date or meet online",
        ),
        "cac": Label(
            zh="在渠道记分卡中比较获客成本，按建议占比调整预算",
            en="Compare the cost of a customer in the channel scorecard, and shift the budget as advised there",
        ),
        "cpl": Label(
            zh="在渠道记分卡中比较线索成本，减少有效线索少的投放",
            en="Compare the cost of leads by channel, and cut spending that brings few valid ones",
        ),
        "io_ratio": Label(
            zh="先停投入高于产出的活动，再把预算移向产出较高的渠道",
            en="Stop activities that cost more than they bring, then shift the budget to channels that bring more",
        ),
        "development_days": Label(
            zh="按阶段查看耗时，为停留最久的阶段设定时限",
            en="Look at the time each stage takes, and set a limit for the longest",
        ),
    }


class CaseReports(Strict):
    """What the reports of a case are made of, and when a problem is to be mended."""

    before_after: list[IndicatorName] = Field(default_factory=usual_before_after)
    before_after_of: list[Literal["total", "team", "channel"]] = ["total", "team"]
    unit_cost: Identifier = "cac"
    """Spending is judged by it: more of it is no problem while a customer costs less (I56)."""
    attainment: dict[Section, list[IndicatorName]] = Field(default_factory=usual_attainment)
    review: dict[Module, ReviewModule] = Field(default_factory=usual_review)
    cases: list[IndicatorName] = Field(default_factory=usual_cases)
    cases_of: list[Literal["team", "staff"]] = ["team", "staff"]
    cases_least: Annotated[int, Field(ge=2)] = 20
    """Observations a figure needs before a case is made of it: one customer alone is all of high value or none."""
    advice: dict[Identifier, Label] = Field(default_factory=usual_advice)
    far_from_target: Share = 0.8
    """A figure that reaches less than this part of its target is far from it."""
    due_days: DueDays = DueDays()
