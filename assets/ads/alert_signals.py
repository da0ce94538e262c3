"""What is breached on the day: the rules of the plan held against KPIs, sources, the budget and the risks (F046, F176).

The table is of the day and says nothing of who has seen it: that is kept in Postgres, as `ads.alerts`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from assets.ads.kpi_query import TOTAL
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.risk_register import RISK_REGISTER
from assets.ads.wording import (
    SAME_IN_CHINESE,
    both,
    period_words,
    quality_words,
    reason_zh,
    shown_apart,
    source_words,
)
from assets.chinese import UNKNOWN_MEMBERS, chinese
from pipeline.plan import AlertRule, Label, Plan
from pipeline.tables import TableSpec
from quality.scorecard import SCORECARD

BUDGET = "ads.budget_variance"
QUALITY_LEVELS = {"below_floor": "red", "below_threshold": "yellow"}
BUDGET_LEVELS = {"overspent": "yellow", "warning": "blue", "unbudgeted": "blue"}
LOW_RISK = "blue"
"""Level of a broken indicator or an overdue measure whose risk is of a band that warns of nothing by itself."""
SIDES = {"above": ("高于", "above"), "below": ("低于", "below")}

ALERT_SIGNALS = TableSpec(
    name="ads.alert_signals",
    description="One row per rule and member that is breached on the day, or of which the day can't tell.",
    grain=("signal_id",),
    columns={
        "signal_id": ("text", "Rule, dimension and member: the same from day to day"),
        "rule_id": ("text", "Rule of the plan"),
        "watched": ("text", "kpi, quality, budget or risk"),
        "subject": ("text", "KPI, dimension of quality, budget, or risk"),
        "period": ("text", "Period looked at; the day for sources and risks"),
        "dimension": ("text", "total, channel, team, line, source ..."),
        "member": ("text", "Member of the dimension"),
        "is_judged": ("boolean", "False where the value is withheld or unknown: what was open stays open"),
        "alert_level": ("text", "red, yellow or blue; NULL where it can't be judged"),
        "value": ("double precision", "Value found"),
        "limit_value": ("double precision", "Limit of the level; NULL where the plan has no number for it"),
        "comparison": ("text", "above or below: the side on which the limit is breached"),
        "signal_kind": ("text", "leading: warns before results suffer; lagging: results have"),
        "label_zh": ("text", "What the alert is about, in Chinese"),
        "label_en": ("text", "What the alert is about, in English"),
        "breached_since": ("date", "First of the evaluated days on which it was breached without a break"),
        "days_breached": ("bigint", "Number of those days"),
        "days_asked": ("bigint", "Number from which on the rule raises it"),
        "is_raised": ("boolean", "Whether it is breached for long enough"),
        "owner": ("text", "Who answers for it"),
        "response_hours": ("double precision", "Hours within which it is to be answered"),
        "reason": ("text", "Why it can't be judged; NULL when it can"),
        "reason_zh": ("text", SAME_IN_CHINESE),
        "sentence_zh": ("text", "What is wrong, in Chinese, in numbers"),
        "sentence_en": ("text", "What is wrong, in English, in numbers"),
    },
)


@dataclass(frozen=True)
class Sources:
    """The day's tables that rules look at."""

    kpis: pd.DataFrame
    quality: pd.DataFrame
    budget: pd.DataFrame
    risks: pd.DataFrame
    before: pd.DataFrame
    """`ads.alert_signals` of the evaluated day before; empty where there is none."""


def alert_signals(plan: Plan, found: Sources, as_of: date) -> pd.DataFrame:
    """The table `ads.alert_signals`."""
    before = {row["signal_id"]: row for row in found.before.to_dict("records")}
    rows = [
        _completed(row, rule, plan, before, as_of)
        for rule in plan.alerts.rules
        for row in _WATCHES[_watched(rule)](rule, found, plan, as_of)
    ]
    columns = list(ALERT_SIGNALS.columns)
    return pd.DataFrame(rows, columns=columns).sort_values("signal_id", kind="stable", ignore_index=True)


def _watched(rule: AlertRule) -> str:
    return next(name for name in _WATCHES if getattr(rule, name) is not None)


def _completed(
    row: dict[str, Any], rule: AlertRule, plan: Plan, before: Mapping[str, Mapping[str, Any]], as_of: date
) -> dict[str, Any]:
    """A breach with what the rule, and the day before, add to it; what can't be judged keeps what it was."""
    signal_id = "/".join((rule.id, row["subject"], row["dimension"], row["member"]))
    last, level = before.get(signal_id), row["alert_level"]
    days = int(last["days_breached"]) if last else 0
    since = pd.Timestamp(last["breached_since"]).date() if last and days else None
    is_judged = level is not None
    days += is_judged
    label = rule.label or row["label"]
    return {
        **row,
        "reason_zh": reason_zh(row["reason"]),
        "signal_id": signal_id,
        "rule_id": rule.id,
        "watched": _watched(rule),
        "is_judged": is_judged,
        "signal_kind": rule.indicator,
        "label_zh": label.zh,
        "label_en": label.en,
        "breached_since": since or (as_of if is_judged else None),
        "days_breached": days,
        "days_asked": rule.days,
        "is_raised": is_judged and days >= rule.days,
        "owner": rule.owner or row["owner"] or (plan.owners.data if rule.quality else plan.owners.campaign),
        "response_hours": float(getattr(plan.alerts.response_hours, level)) if is_judged else None,
    }


def breached(value: float, limits: Mapping[str, float], comparison: str) -> tuple[str, float] | None:
    """The worst level whose limit a value is beyond, and that limit; exactly at it is within (I47).

    >>> breached(12.0, {"red": 20.0, "yellow": 10.0}, "above")
    ('yellow', 10.0)
    """
    for level, limit in limits.items():
        if value > limit if comparison == "above" else value < limit:
            return level, limit
    return None


def _row(subject: str, period: str, dimension: str, member: str, label: Label, **told: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("alert_level", "value", "limit_value", "comparison", "reason", "owner"))
    empty |= {"sentence_zh": None, "sentence_en": None}
    return {
        "subject": subject,
        "period": period,
        "dimension": dimension,
        "member": member,
        "label": label,
        **empty,
        **told,
    }


# --- KPIs -------------------------------------------------------------------------------------------------------------


def _of_kpi(rule: AlertRule, found: Sources, plan: Plan, as_of: date) -> Iterator[dict[str, Any]]:
    """Each member of the dimension in the newest period of its kind."""
    rows = found.kpis
    rows = rows[rows["is_official"] & (rows["kpi"] == rule.kpi) & (rows["dimension"] == rule.dimension)]
    rows = rows[rows["period_kind"] == rule.period]
    for row in rows[rows["period_start"] == rows["period_start"].max()].to_dict("records"):
        figure = row["value"] if rule.measure == "value" else row["attainment_rate"]
        words = Label(zh=row["label_zh"], en=row["label_en"])
        keys = (str(rule.kpi), row["period"], row["dimension"], row["member"], words)
        if pd.isna(figure):
            yield _row(*keys, reason=row["reason"] if isinstance(row["reason"], str) else "no value")
            continue
        comparison = rule.comparison or ("above" if row["better"] == "lower" else "below")
        beyond = breached(float(figure), rule.limits, comparison)
        if beyond:
            level, limit = beyond
            unit = row["unit"] if rule.measure == "value" else "rate"
            numbers = shown_apart(float(figure), limit, unit, plan.currency)
            yield _row(
                *keys,
                alert_level=level,
                value=figure,
                limit_value=limit,
                comparison=comparison,
                **_without(
                    row, _limited(words, _member(row, plan), SIDES[comparison], numbers, period_words(row["period"]))
                ),
            )


def _nobody() -> dict[str, Label]:
    return {member: Label(zh=zh, en=member) for member, zh in chinese().members[UNKNOWN_MEMBERS].items()}


def _member(row: Mapping[str, Any], plan: Plan) -> Label | None:
    """Whose figure it is, where it is not everybody's."""
    if row["dimension"] == TOTAL:
        return None
    channels = {channel.id: channel.label for channel in plan.channels} if row["dimension"] == "channel" else {}
    return (channels | _nobody()).get(row["member"], both(str(row["member"])))


def _without(row: Mapping[str, Any], sentences: dict[str, str]) -> dict[str, str]:
    """The sentences, and what the figure leaves out."""
    if not isinstance(row["left_out_zh"], str):
        return sentences
    return {
        "sentence_zh": f"{sentences['sentence_zh']}该数值{row['left_out_zh']}。",
        "sentence_en": f"{sentences['sentence_en']} The figure is {row['left_out_en']}.",
    }


def _limited(
    words: Label, member: Label | None, side: tuple[str, str], numbers: tuple[Label, Label], period: Label
) -> dict[str, str]:
    whose_zh, whose_en = (f"（{member.zh}）", f" of {member.en}") if member else ("", "")
    value, limit = numbers
    return {
        "sentence_zh": f"{words.zh}{whose_zh}为 {value.zh}，{side[0]}限值 {limit.zh}（{period.zh}）。",
        "sentence_en": f"{words.en}{whose_en} is {value.en}, {side[1]} the limit of {limit.en} ({period.en}).",
    }


# --- sources ----------------------------------------------------------------------------------------------------------


def _of_quality(rule: AlertRule, found: Sources, plan: Plan, as_of: date) -> Iterator[dict[str, Any]]:
    """Each rate of each source as it was sent; a rate nobody could assess is not judged."""
    rows = found.quality
    rows = rows[(rows["layer"] == "ods") & rows["threshold"].notna()]
    if rule.quality != "any":
        rows = rows[rows["dimension"] == rule.quality]
    for row in rows.to_dict("records"):
        words = quality_words(row["dimension"])
        keys = (row["dimension"], as_of.isoformat(), "source", row["table_name"], words)
        level = QUALITY_LEVELS.get(row["status"])
        if row["status"] == "not_assessed":
            yield _row(*keys, reason=row["reason"])
        elif level:
            yield _row(*keys, **_quality_told(row, level))


def _quality_told(row: Mapping[str, Any], level: str) -> dict[str, Any]:
    limit = row["floor"] if level == "red" else row["threshold"]
    comparison = "above" if row["better"] == "lower" else "below"
    side, source, measure = SIDES[comparison], source_words(row["table_name"]), quality_words(row["dimension"])
    return {
        "alert_level": level,
        "value": row["rate"],
        "limit_value": limit,
        "comparison": comparison,
        "sentence_zh": f"{source.zh}的{measure.zh}为 {row['rate']:.1%}，{side[0]}要求的 {limit:.1%}。",
        "sentence_en": f"{measure.en} of {source.en} is {row['rate']:.1%}, {side[1]} the {limit:.1%} asked for.",
    }


# --- the budget -------------------------------------------------------------------------------------------------------


def _of_budget(rule: AlertRule, found: Sources, plan: Plan, as_of: date) -> Iterator[dict[str, Any]]:
    """The members of the newest period of its kind that have a budget, or money spent without one."""
    rows = found.budget[found.budget["period_kind"] == rule.period]
    rows = rows[rows["period_start"] == rows["period_start"].max()]
    wanted = rows["dimension"] != "line" if rule.budget == "any" else rows["dimension"] == rule.budget
    for row in rows[wanted].to_dict("records"):
        keys = ("budget", row["period"], row["dimension"], row["member"], Label(zh=row["label_zh"], en=row["label_en"]))
        if row["state"] == "withheld":
            yield _row(*keys, reason=row["reason_en"])
        elif told := _budget_told(rule, row):
            yield _row(*keys, **told)


def _budget_told(rule: AlertRule, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Limits are about the part of the whole budget that is used; without them the plan for the days so far counts."""
    if not isinstance(row["to_date_status"], str):
        return None
    used, limit = 1 + float(row["to_date_variance_rate"]), None
    if rule.limits:
        used = float(row["utilisation_rate"])
        beyond = None if pd.isna(used) else breached(used, rule.limits, rule.comparison or "above")
        level, limit = beyond or (None, None)
    else:
        level = BUDGET_LEVELS.get(row["to_date_status"])
    if level is None:
        return None
    return {
        "alert_level": level,
        "value": None if pd.isna(used) else used,
        "limit_value": limit,
        "comparison": rule.comparison or "above",
        "sentence_zh": f"{row['label_zh']}（{row['period']}）：{row['sentence_zh']}",
        "sentence_en": f"{row['label_en']} ({row['period']}): {row['sentence_en']}",
    }


# --- risks ------------------------------------------------------------------------------------------------------------


def _of_risk(rule: AlertRule, found: Sources, plan: Plan, as_of: date) -> Iterator[dict[str, Any]]:
    """Risks whose indicator is beyond its limit or whose measure is overdue: as urgent as the risk (F176, I43)."""
    for row in found.risks.to_dict("records"):
        words = Label(zh=row["label_zh"], en=row["label_en"])
        keys = (str(rule.risk), as_of.isoformat(), "risk", row["risk_id"], words)
        told = {
            "owner": row["owner"],
            "sentence_zh": f"{row['label_zh']}：{row['sentence_zh']}",
            "sentence_en": f"{row['label_en']}: {row['sentence_en']}",
        }
        level = row["alert_level"] if isinstance(row["alert_level"], str) else LOW_RISK
        if rule.risk == "overdue":
            if row["is_overdue"] is True:
                yield _row(*keys, alert_level=level, **told)
        elif row["is_holding"] is False:
            figures = {"value": row["indicator_value"], "limit_value": row["indicator_limit"]}
            yield _row(*keys, alert_level=level, **figures, **told)
        elif isinstance(row["kpi"], str) and row["is_holding"] is None:
            yield _row(*keys, reason=row["reason"], owner=row["owner"])


_WATCHES = {"kpi": _of_kpi, "quality": _of_quality, "budget": _of_budget, "risk": _of_risk}


def alert_signals_lineage() -> dict[str, list[tuple[str, str]]]:
    """What levels and values are judged by."""
    return {
        "value": [
            (KPI_VALUES.name, "value"),
            (SCORECARD.name, "rate"),
            (BUDGET, "utilisation_rate"),
            (BUDGET, "to_date_variance_rate"),
            (RISK_REGISTER.name, "indicator_value"),
        ],
        "alert_level": [
            (KPI_VALUES.name, "value"),
            (SCORECARD.name, "status"),
            (BUDGET, "to_date_status"),
            (RISK_REGISTER.name, "alert_level"),
        ],
    }
