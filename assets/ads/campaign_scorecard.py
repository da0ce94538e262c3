"""Every campaign activity judged to this day: whom it was for, what it cost, what came of it, and what to do next.

Covers S3 三(三): F077, F094, F189, U11.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from assets.ads.catalogue import catalogue
from assets.ads.figures import money, percent
from assets.ads.intervals import per_event_interval, total_interval, wilson_interval
from assets.ads.kpi_values import one_to, with_scores
from assets.ads.source_trust import source_states, unmapped_columns
from assets.ads.wording import SAME_IN_CHINESE, reason_zh
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import ActivityCards, Label, Plan, Target
from pipeline.tables import TableSpec
from quality.scorecard import SCORECARD, STATES, SourceState

ACTIVITIES = "dws.activities"
NUMBER, MONEY, TEXT, COUNT, DATE = "double precision", "numeric(18,2)", "text", "bigint", "date"


class Judged(NamedTuple):
    """A figure that may have a target."""

    kpi: str
    is_of_all: bool
    """Whether the target of the whole is one for an activity: of no quantity, of nothing that bears shared costs."""
    usual: Target | None = None
    """What it is held against where the plan sets no target."""


JUDGED = {
    "conversion_rate": Judged("lead_conversion_rate", is_of_all=True),
    "new_customers": Judged("new_customers", is_of_all=False),
    "cac": Judged("cac", is_of_all=False),
    "io_ratio": Judged("io_ratio", is_of_all=False),
    "participation_rate": Judged("participation_rate", is_of_all=True, usual=Target(value=1.0)),
}
FROM_LEADS = ("leads", "leads.campaign_id")
NEEDS = {
    "targets": FROM_LEADS,
    "conversions": (*FROM_LEADS, "leads.won_at"),
    "new_customers": (*FROM_LEADS, "orders", "customers"),
    "output_amount": (*FROM_LEADS, "orders"),
    "input_amount": ("expenses", "expenses.campaign_id"),
    "participants": ("interactions", "interactions.campaign_id"),
}
"""Sources and columns without which a figure is not known."""
NAMES = {
    "name": "campaign_name",
    "kind": "campaign_kind",
    "staff_id": "owner_id",
    "leads": "targets",
    "won_leads": "conversions",
}
"""What columns of the activities are called here."""


def _interval(name: str, what: str) -> dict[str, tuple[str, str]]:
    return {
        f"{name}_lower": (NUMBER, f"Lower end of the 95 % interval of {what}"),
        f"{name}_upper": (NUMBER, f"Upper end of the 95 % interval of {what}"),
    }


def _aim(name: str, what: str) -> dict[str, tuple[str, str]]:
    return {
        f"{name}_target": (
            NUMBER,
            f"Target of {what}: its own, else of rates that of the whole; NULL where the plan sets none",
        ),
        f"{name}_attainment_rate": (NUMBER, f"{what.capitalize()} / its target, not capped"),
        f"{name}_score": (NUMBER, f"Score of {what}: 0 at the floor, 100 at the target, capped by the plan"),
    }


CAMPAIGN_SCORECARD = TableSpec(
    name="ads.campaign_scorecard",
    description="One row per campaign activity: whom it was for, what it cost, what came of it so far, what to do.",
    grain=("campaign_id",),
    columns={
        "campaign_id": (TEXT, "Campaign activity"),
        "campaign_name": (TEXT, "What it is called"),
        "campaign_kind": (TEXT, "Kind of activity"),
        "channel": (TEXT, "Channel"),
        "segment": (TEXT, "Whom it is for"),
        "owner_id": (TEXT, "Member of staff who answers for it"),
        "starts_on": (DATE, "First day"),
        "ends_on": (DATE, "Last day; NULL while it has no end"),
        "activity_state": (TEXT, "planned, running or ended"),
        # as wide as it was first published: days that are there keep their type
        "input_amount": ("numeric(38,2)", "What it cost; NULL where nothing is booked for it, which is not 0"),
        "targets": (COUNT, "Leads it brought"),
        "conversions": (COUNT, "Leads of these that were won"),
        "conversion_rate": (NUMBER, "Conversions / targets, 0-1; NULL without targets"),
        **_interval("conversion_rate", "the conversion rate"),
        **_aim("conversion_rate", "the conversion rate"),
        "new_customers": (COUNT, "Customers whose first order came from it"),
        **_aim("new_customers", "new customers"),
        "cac_amount": (MONEY, "Cost per new customer, by what is booked for it"),
        **_interval("cac", "the cost per new customer"),
        **_aim("cac", "the cost per new customer"),
        "output_amount": (MONEY, "Revenue that came from it, refunds taken off"),
        "io_ratio": (NUMBER, "Revenue per unit of cost; NULL where no cost is booked"),
        **_interval("io_ratio", "the revenue per unit of cost"),
        **_aim("io_ratio", "the revenue per unit of cost"),
        "io_text": (TEXT, "The same as it is printed, 1:X"),
        "currency": (TEXT, "Currency of the amounts"),
        "expected_participants": (COUNT, "Participants expected"),
        "participants": (COUNT, "Different customers and leads who took part"),
        "participation_rate": (NUMBER, "Participants / expected; NULL where none were expected"),
        **_aim("participation_rate", "the participation"),
        "advice_id": (
            TEXT,
            "Rule the advice is by: not_begun, withheld, no_cost, won_nobody, running, below_cost, few_came or keep",
        ),
        "advice_zh": (TEXT, "Advice in Chinese, by rule"),
        "advice_en": (TEXT, "Advice in English, by rule"),
        "state": (TEXT, "final, provisional or withheld, as the worst source; what that one tells is NULL if withheld"),
        "reason": (TEXT, "Why it is not final"),
        "reason_zh": (TEXT, SAME_IN_CHINESE),
    },
)

ADVICE = {
    "not_begun": Label(zh="活动尚未开始。", en="It has not begun."),
    "withheld": Label(
        zh="所用数据不足以评价，原因见状态说明。",
        en="What it would be judged by is withheld; the reason stands beside it.",
    ),
    "no_cost": Label(
        zh="没有登记成本，投入产出无法计算；请补登费用。",
        en="No cost is booked for it, so its return is unknown: enter what it cost.",
    ),
    "won_nobody": Label(
        zh="已结束，线索 {targets:,} 条，没有成交：先查线索去向，再决定是否重办。",
        en="It is over, with {targets:,} leads and none won: see what became of them before it is held again.",
    ),
    "running": Label(
        zh="进行中，已成交 {conversions:,} 单；结束后再评价。",
        en="Still running, {conversions:,} won so far: judge it when it is over.",
    ),
    "below_cost": Label(
        zh="产出仅为投入的 {ratio:.2f} 倍，低于方案下限 {least:.2f} 倍：缩减投入或更换做法。",
        en="It earned {ratio:.2f} times its cost, less than the {least:.2f} the plan asks for: spend less on it, or do "
        "it differently.",
    ),
    "few_came": Label(
        zh="实到为预期的 {came}：下次先改进邀约。", en="{came} of those expected came: invite better next time."
    ),
    "keep": Label(
        zh="每投入 1 元产出 {ratio:.2f} 元：可继续举办。",
        en="It earned {ratio:.2f} per unit of cost: worth holding again.",
    ),
}


def campaign_scorecard(
    activities: pd.DataFrame,
    plan: Plan,
    as_of: pd.Timestamp,
    *,
    states: Mapping[str, SourceState],
    unmapped: frozenset[str],
) -> pd.DataFrame:
    """The table `ads.campaign_scorecard`.

    Args:
        activities: The rows of `dws.activities`.
        plan: Its targets for activities, and for the whole where these are alike.
        as_of: The day evaluated.
        states: How far each contract can be trusted.
        unmapped: Columns `table.column` that the company's sources do not have.
    """
    trust = {name: _trust(needs, states, unmapped) for name, needs in NEEDS.items()}
    rows = activities.rename(columns=NAMES).reset_index(drop=True)
    rows = rows.assign(activity_state=_begun(rows, as_of))
    for name, told in trust.items():
        rows[name] = rows[name].astype(float) if told.state != STATES[-1] else np.nan
    rows = _measured(rows)
    for name, judged in JUDGED.items():
        rows = rows.join(_held(rows, name, judged, plan))
    rows = rows.join(_advice(rows, trust, plan.scorecards.activities))
    together = _trust(tuple(dict.fromkeys(["campaigns", *chain(*NEEDS.values())])), states, unmapped)
    worst, reason = together.state, together.reason
    return _typed(rows.assign(state=worst, reason=reason, reason_zh=reason_zh(reason)))


def _trust(needs: tuple[str, ...], states: Mapping[str, SourceState], unmapped: frozenset[str]) -> SourceState:
    """How far a figure can be trusted: as its worst source, and not at all without a column it needs."""
    found = {need: states[need] for need in needs if need in states}
    reasons = [f"{name}: {told.reason or told.state}" for name, told in found.items() if told.state != STATES[0]]
    reasons += [f"{need} is not mapped" for need in needs if need in unmapped]
    worst = max((told.state for told in found.values()), key=STATES.index)
    return SourceState(STATES[-1] if unmapped & set(needs) else worst, "; ".join(reasons) or None)


def _begun(rows: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    starts, ends = pd.to_datetime(rows["starts_on"]), pd.to_datetime(rows["ends_on"])
    begun = pd.Series("running", rows.index, dtype=object).mask(ends < as_of, "ended")
    return begun.mask(starts > as_of, "planned")


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """What is divided, with its interval; nothing where there is nothing to divide by."""
    names = ("targets", "expected_participants", "input_amount", "new_customers")
    leads, expected, spent, customers = (_not_0(rows[name]) for name in names)
    won = rows["conversions"]
    told = {"conversion_rate": won / leads, "cac": rows["input_amount"] / customers}
    told |= {"io_ratio": rows["output_amount"] / spent, "participation_rate": rows["participants"] / expected}
    squares = rows["output_squared"].astype(float)
    bounds = {
        "conversion_rate": wilson_interval(won.to_numpy(), leads.to_numpy()),
        "cac": per_event_interval(rows["input_amount"].to_numpy(), customers.to_numpy()),
        "io_ratio": total_interval(rows["output_amount"].to_numpy(), spent.to_numpy(), squares.to_numpy()),
    }
    ends = {f"{name}_lower": lower for name, (lower, _) in bounds.items()}
    ends |= {f"{name}_upper": upper for name, (_, upper) in bounds.items()}
    text = told["io_ratio"].map(one_to, na_action="ignore").astype(object)
    return rows.assign(**told, **ends, io_text=text)


def _not_0(column: pd.Series) -> pd.Series:
    numbers = column.astype(float)
    return numbers.where(numbers != 0)


def _held(rows: pd.DataFrame, name: str, judged: Judged, plan: Plan) -> pd.DataFrame:
    """A figure against its target: the activity's own, else that of the whole where one is alike."""
    kpi, target = catalogue().kpis[judged.kpi], plan.target(judged.kpi)
    own = target.by.get("activity", {}) if target else {}
    of_all = (target if judged.is_of_all else None) or judged.usual
    aims = [
        target.of(own[activity], is_part=kpi.is_quantity) if activity in own else of_all
        for activity in rows["campaign_id"]
    ]
    held = pd.DataFrame(
        {
            "value": rows[name].astype(float),
            "target": pd.Series([aim.value if aim else np.nan for aim in aims], rows.index, dtype=float),
            "floor": pd.Series([aim.floor if aim else np.nan for aim in aims], rows.index, dtype=float),
            "better": kpi.better,
        }
    )
    told = with_scores(held, plan.score_cap)[["target", "attainment_rate", "score"]]
    return told.add_prefix(f"{name}_")


def _advice(rows: pd.DataFrame, trust: Mapping[str, SourceState], limits: ActivityCards) -> pd.DataFrame:
    """The first rule that holds, and what it says."""
    is_over = rows["activity_state"] == "ended"
    is_withheld = any(trust[name].state == STATES[-1] for name in ("conversions", "input_amount", "output_amount"))
    cases = {
        "not_begun": rows["activity_state"] == "planned",
        "withheld": pd.Series(is_withheld, rows.index),
        "no_cost": rows["input_amount"].isna(),
        "won_nobody": is_over & (rows["conversions"] == 0),
        "running": ~is_over,
        "below_cost": rows["io_ratio"] < limits.output_least,
        "few_came": rows["participation_rate"] < limits.participation_least,
    }
    rule = pd.Series("keep", rows.index, dtype=object)
    for name, holds in reversed(cases.items()):
        rule = rule.mask(holds, name)
    said = [_said(name, row, limits) for name, row in zip(rule, rows.to_dict("records"), strict=True)]
    words = {f"advice_{lang}": [getattr(label, lang) for label in said] for lang in ("zh", "en")}
    return pd.DataFrame({"advice_id": rule, **words}, index=rows.index, dtype=object)


def _said(rule: str, row: Mapping[str, Any], limits: ActivityCards) -> Label:
    counts = {name: 0 if pd.isna(row[name]) else int(row[name]) for name in ("targets", "conversions")}
    figures = {"ratio": row["io_ratio"], "least": limits.output_least, "came": percent(row["participation_rate"])}
    return Label(**{lang: getattr(ADVICE[rule], lang).format(**counts, **figures) for lang in ("zh", "en")})


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    named = rows.rename(columns={"cac": "cac_amount"})
    kinds = {name: kind for name, (kind, _) in CAMPAIGN_SCORECARD.columns.items()}
    counts = {name: named[name].astype(float).round().astype("Int64") for name in kinds if kinds[name] == COUNT}
    amounts = {name: money(named[name]) for name in kinds if kinds[name].startswith("numeric")}
    return named.assign(**counts, **amounts)[list(kinds)]


def compute_campaign_scorecard(day: ProjectDay) -> pd.DataFrame:
    """`ads.campaign_scorecard` of a day."""
    return campaign_scorecard(
        day.read(ACTIVITIES),
        day.project.plan,
        pd.Timestamp(day.as_of),
        states=source_states(day),
        unmapped=unmapped_columns(day),
    )


def campaign_scorecard_lineage() -> Lineage:
    """What an activity is and what came of it is in its row; how far it can be trusted comes from the sources."""
    return dict(_lineage())


def _lineage() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    source_of = {ours: theirs for theirs, ours in NAMES.items()}
    made_of = {
        "activity_state": ("starts_on", "ends_on"),
        "conversion_rate": ("leads", "won_leads"),
        "cac": ("input_amount", "new_customers"),
        "io": ("input_amount", "output_amount"),
        "participation_rate": ("participants", "expected_participants"),
        "new_customers": ("new_customers",),
        "advice": ("ends_on", "leads", "won_leads", "input_amount", "output_amount", "participants"),
    }
    judged = {"state": "status", "reason": "reason", "reason_zh": "reason"}
    for name in CAMPAIGN_SCORECARD.columns:
        if name in judged:
            yield name, [(SCORECARD.name, judged[name])]
            continue
        made = next(
            (columns for start, columns in made_of.items() if name.startswith(start)), (source_of.get(name, name),)
        )
        yield name, [(ACTIVITIES, column) for column in made]
