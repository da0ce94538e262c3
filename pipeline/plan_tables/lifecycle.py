"""The stages of a customer's life: their limits as days, and as words."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Label, Plan
from pipeline.plan_tables.rows import DATE, DOUBLE, FLAG, INTEGER, TEXT, Row, class_row, months_before, months_en

SCHEME = "lifecycle"

LABELS = {
    "prospect": Label(zh="获客期", en="Prospect"),
    "new": Label(zh="新客期", en="New"),
    "growing": Label(zh="成长期", en="Growing"),
    "mature": Label(zh="成熟期", en="Mature"),
    "at_risk": Label(zh="流失风险期", en="At risk"),
    "silent": Label(zh="沉默期", en="Silent"),
    "churned": Label(zh="已流失", en="Churned"),
}

SCHEMAS = {
    "plan.lifecycle": pa.schema(
        {
            "new_months": INTEGER,
            "new_after": DATE,
            "silent_months": INTEGER,
            "churned_months": INTEGER,
            "is_rhythm_used": FLAG,
            "rhythm_order_days": INTEGER,
            "least_gap_days": INTEGER,
            "at_risk_gaps": DOUBLE,
            "at_risk_gaps_text": TEXT,
            "silent_gaps": DOUBLE,
            "silent_gaps_text": TEXT,
            "is_churn_held_back": FLAG,
            "churned_gaps": DOUBLE,
            "churned_gaps_text": TEXT,
            "trend_months": INTEGER,
            "trend_start": DATE,
            "trend_before_start": DATE,
            "growing_from": DOUBLE,
            "at_risk_fall": DOUBLE,
        }
    ),
}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The limits on a day."""
    limits = plan.segments.lifecycle
    rhythm = limits.rhythm
    row = {
        "new_months": limits.new_months,
        "new_after": months_before(as_of, limits.new_months),
        "silent_months": limits.silent_months,
        "churned_months": limits.churned_months,
        "is_rhythm_used": rhythm.is_used,
        "rhythm_order_days": rhythm.order_days,
        "least_gap_days": rhythm.least_gap_days,
        "at_risk_gaps": rhythm.at_risk_gaps,
        "at_risk_gaps_text": f"{rhythm.at_risk_gaps:g}",
        "silent_gaps": rhythm.silent_gaps,
        "silent_gaps_text": f"{rhythm.silent_gaps:g}",
        "is_churn_held_back": rhythm.is_used and rhythm.holds_churn_back,
        "churned_gaps": rhythm.churned_gaps,
        "churned_gaps_text": f"{rhythm.churned_gaps:g}",
        "trend_months": limits.trend_months,
        "trend_start": months_before(as_of, limits.trend_months),
        "trend_before_start": months_before(as_of, 2 * limits.trend_months),
        "growing_from": limits.growing_from,
        "at_risk_fall": limits.at_risk_fall,
    }
    return {"plan.lifecycle": [row]}


def classes(plan: Plan) -> list[Row]:
    """The stages in the order of a customer's life."""
    definitions = _definitions(plan)
    return [
        class_row(SCHEME, f"{SCHEME}_{stage}", position, f"{SCHEME}_{stage}", label, definitions[stage])
        for position, (stage, label) in enumerate(LABELS.items(), start=1)
    ]


def check(plan: Plan) -> None:
    """What the limits may be is told by the plan itself."""


def _definitions(plan: Plan) -> dict[str, Label]:
    limits = plan.segments.lifecycle
    rhythm, trend = limits.rhythm, limits.trend_months
    rise, fall = f"{limits.growing_from * 100:g}%", f"{limits.at_risk_fall * 100:g}%"
    trend_zh = f"近 {trend} 个月净消费比此前 {trend} 个月"
    trend_en = f"net spend of the last {months_en(trend)} against the {months_en(trend)} before"
    return {
        "prospect": Label(zh="还没有下过单。", en="Has not ordered yet."),
        "new": Label(
            zh=f"首次下单不满 {limits.new_months} 个月。",
            en=f"First order less than {months_en(limits.new_months)} ago.",
        ),
        "growing": Label(zh=f"{trend_zh}增长至少 {rise}。", en=f"Rise of at least {rise} of {trend_en}."),
        "mature": Label(zh="按平时的节奏下单，消费没有明显升降。", en="Orders as usual, and spends about as before."),
        "at_risk": Label(
            zh=_joined(f"{trend_zh}下降至少 {fall}", _gaps_zh(plan, rhythm.at_risk_gaps), "，或") + "。",
            en=_joined(f"Fall of at least {fall} of {trend_en}", _gaps_en(plan, rhythm.at_risk_gaps), ", or ") + ".",
        ),
        "silent": Label(
            zh=_joined(
                f"满 {limits.silent_months} 个月未下单", _gaps_zh(plan, rhythm.silent_gaps), "；有固定节奏的客户"
            )
            + "。",
            en=_joined(
                f"No order for {months_en(limits.silent_months)}",
                _gaps_en(plan, rhythm.silent_gaps),
                "; of customers with a rhythm: ",
            )
            + ".",
        ),
        "churned": _churned(plan),
    }


def _churned(plan: Plan) -> Label:
    months, rhythm = plan.segments.lifecycle.churned_months, plan.segments.lifecycle.rhythm
    zh, en = f"满 {months} 个月未下单", f"No order for {months_en(months)}"
    if not (rhythm.is_used and rhythm.holds_churn_back):
        return Label(zh=f"{zh}。", en=f"{en}.")
    return Label(
        zh=f"{zh}，且{_gaps_zh(plan, rhythm.churned_gaps)}。",
        en=f"{en}, and, of customers with a rhythm, {_gaps_en(plan, rhythm.churned_gaps)}.",
    )


def _joined(first: str, second: str, joint: str) -> str:
    return f"{first}{joint}{second}" if second else first


def _gaps_zh(plan: Plan, gaps: float) -> str:
    return f"达到自身平均下单间隔的 {gaps:g} 倍未下单" if plan.segments.lifecycle.rhythm.is_used else ""


def _gaps_en(plan: Plan, gaps: float) -> str:
    return f"no order for {gaps:g} of their own mean gaps" if plan.segments.lifecycle.rhythm.is_used else ""
