"""The register of risks: score, band by rule beside the band declared, deadline, and what an indicator says (S0 §7)."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, get_args

import pandas as pd

from assets.ads.kpi_query import TOTAL
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import SAME_IN_CHINESE, period_words, reason_zh, shown, shown_apart
from pipeline.plan import Bands, Label, Measure, Plan, Risk, Risks
from pipeline.plan.risks import Band
from pipeline.tables import TableSpec

BANDS: tuple[Band, ...] = get_args(Band)
"""From worst to best."""
GREATEST = 5
"""Of likelihood and of impact."""
LEVELS: Mapping[Band, str] = {"extreme": "red", "high": "yellow", "medium": "blue"}
"""The bands of S0 as the warning levels of S4; a low risk is none (I43)."""
KINDS = {
    "market": Label(zh="市场风险", en="Market"),
    "execution": Label(zh="执行风险", en="Execution"),
    "operation": Label(zh="运营风险", en="Operation"),
    "external": Label(zh="外部风险", en="External"),
}
BAND_LABELS: Mapping[Band, Label] = {
    "extreme": Label(zh="极高", en="extreme"),
    "high": Label(zh="高", en="high"),
    "medium": Label(zh="中", en="medium"),
    "low": Label(zh="低", en="low"),
}

RISK_REGISTER = TableSpec(
    name="ads.risk_register",
    description="One row per risk of the plan: its score, band by rule and as declared, deadline and indicator.",
    grain=("risk_id",),
    columns={
        "risk_id": ("text", "Risk"),
        "position": ("bigint", "Place by score, worst first; equal scores in the order of impact, then of the id"),
        "risk_kind": ("text", "market, execution, operation or external"),
        "label_zh": ("text", "What might happen, in Chinese"),
        "label_en": ("text", "What might happen, in English"),
        "likelihood": ("bigint", "1 to 5"),
        "impact": ("bigint", "1 to 5"),
        "risk_score": ("bigint", "Likelihood x impact, 1 to 25"),
        "profile": ("text", "Rule that counts: strict or seed_table"),
        "rule_band": ("text", "extreme, high, medium or low by the rule that counts"),
        "strict_band": ("text", "Band by the score alone"),
        "seed_table_band": ("text", "Band as the source's table was labelled: low up to 6, impact 5 promotes by one"),
        "declared_band": ("text", "Band given by those who found the risk; NULL where none is"),
        "is_mismatch": ("boolean", "Whether the declared band is another than the rule's; NULL where none is declared"),
        "alert_level": ("text", "Warning level of the rule's band: red, yellow or blue; NULL for low"),
        "measure_zh": ("text", "What is done about it, in Chinese"),
        "measure_en": ("text", "What is done about it, in English"),
        "horizon": ("text", "short, medium or long"),
        "found_on": ("date", "Day it was found"),
        "due_on": (
            "date",
            "Day the measure is to be done by: 30, 90 or 365 days after; NULL without a day to start from",
        ),
        "done_on": ("date", "Day the measure was done"),
        "is_overdue": ("boolean", "Whether the day is past and the measure not done; NULL where no day is known"),
        "owner": ("text", "Who answers for it; the campaign's owner where the plan names nobody"),
        "kpi": ("text", "KPI that shows it; NULL where the plan names none"),
        "indicator_period": ("text", "Period the KPI is taken for"),
        "indicator_value": ("double precision", "Its official value; NULL where it is withheld or unknown"),
        "indicator_limit": ("double precision", "Value the KPI should not go beyond, on its worse side"),
        "is_holding": ("boolean", "Whether the KPI keeps the limit; NULL where it can't be told"),
        "state": ("text", "State of the KPI: final, provisional or withheld; NULL without one"),
        "reason": ("text", "Why the deadline or the indicator can't be told; NULL when there is nothing to say"),
        "reason_zh": ("text", SAME_IN_CHINESE),
        "sentence_zh": ("text", "Where it stands, in Chinese"),
        "sentence_en": ("text", "Where it stands, in English"),
    },
)


def level_of(percent: float, edges: Sequence[float]) -> int:
    """The level 1 to 5 of a percentage: one more than the edges it is beyond (S4; I43).

    >>> [level_of(percent, [20, 40, 60, 80]) for percent in (1, 20, 20.1, 100)]
    [1, 1, 2, 5]
    """
    return bisect_left(edges, percent) + 1


def strict_band(score: int, bands: Bands) -> Band:
    """The band of a score (S0 §7(3); I42): 16 and more is extreme, 12 high, 6 medium.

    >>> strict_band(12, Bands())
    'high'
    """
    for band in BANDS[:-1]:
        if score >= getattr(bands, band):
            return band
    return BANDS[-1]


def seed_table_band(score: int, impact: int, bands: Bands) -> Band:
    """The band as the source's table has it (I40, I41): medium begins above its bound, impact 5 is worth one more.

    >>> seed_table_band(10, 5, Bands()), seed_table_band(6, 3, Bands())
    ('high', 'low')
    """
    band = BANDS[-1] if score <= bands.medium else strict_band(score, bands)
    return BANDS[max(BANDS.index(band) - 1, 0)] if impact == GREATEST else band


def risk_register(plan: Plan, values: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The table `ads.risk_register` from the plan and `ads.kpi_values`."""
    total = values[values["is_official"] & (values["dimension"] == TOTAL)]
    newest = total.sort_values("period_start").groupby(["kpi", "period_kind"]).tail(1)
    measured = {(row["kpi"], row["period_kind"]): row for row in newest.to_dict("records")}
    rows = [_row(risk, plan, measured, as_of) for risk in plan.risks.items]
    rows.sort(key=lambda row: (-row["risk_score"], -row["impact"], row["risk_id"]))
    watched = {risk.id: risk.indicator for risk in plan.risks.items if risk.indicator}
    shown_by = {risk: measured.get((indicator.kpi, indicator.period)) for risk, indicator in watched.items()}
    told = [
        {**row, "position": place, **_sentences(row, shown_by.get(row["risk_id"]), plan.currency)}
        for place, row in enumerate(rows, start=1)
    ]
    return pd.DataFrame(told, columns=list(RISK_REGISTER.columns)).astype({"is_mismatch": "boolean"})


def _row(risk: Risk, plan: Plan, measured: Mapping[tuple[str, str], dict], as_of: date) -> dict[str, Any]:
    judged = _judged(risk, plan.risks)
    due, deadline_reason = _deadline(risk, plan.risks)
    shown, indicator_reason = _indicator(risk, measured)
    measure = risk.measure
    reason = "; ".join(filter(None, (deadline_reason, indicator_reason))) or None
    return {
        "risk_id": risk.id,
        "risk_kind": risk.kind,
        "label_zh": risk.label.zh,
        "label_en": risk.label.en,
        **judged,
        "measure_zh": measure.label.zh if measure else None,
        "measure_en": measure.label.en if measure else None,
        "horizon": measure.horizon if measure else None,
        "found_on": risk.found_on,
        "due_on": due,
        "done_on": measure.done_on if measure else None,
        "is_overdue": _is_overdue(measure, due, as_of),
        "owner": risk.owner or plan.owners.campaign,
        **shown,
        "reason": reason,
        "reason_zh": reason_zh(reason),
    }


def _is_overdue(measure: Measure | None, due: date | None, as_of: date) -> bool | None:
    """A measure that is done is not; of one without a deadline it can't be told."""
    if measure is not None and measure.done_on is not None and measure.done_on <= as_of:
        return False
    return None if due is None else as_of > due


def _judged(risk: Risk, risks: Risks) -> dict[str, Any]:
    """Score and bands; levels given in percent are turned into 1 to 5 by the plan's edges."""
    likelihood = risk.likelihood or level_of(risk.likelihood_percent or 0, risks.likelihood_percent)
    impact = risk.impact or level_of(risk.impact_percent or 0, risks.impact_percent)
    score = likelihood * impact
    bands = {
        "strict": strict_band(score, risks.bands),
        "seed_table": seed_table_band(score, impact, risks.bands),
    }
    rule_band = bands[risks.profile]
    return {
        "likelihood": likelihood,
        "impact": impact,
        "risk_score": score,
        "profile": risks.profile,
        "rule_band": rule_band,
        "strict_band": bands["strict"],
        "seed_table_band": bands["seed_table"],
        "declared_band": risk.declared_band,
        "is_mismatch": None if risk.declared_band is None else risk.declared_band != rule_band,
        "alert_level": LEVELS.get(rule_band),
    }


def _deadline(risk: Risk, risks: Risks) -> tuple[date | None, str | None]:
    """The day a measure is to be done by, or why there is none (S0 §7(4))."""
    if risk.measure is None:
        return None, "no measure is declared"
    if risk.found_on is None:
        return None, "no day it was found, so no deadline"
    return risk.found_on + timedelta(days=getattr(risks.deadlines, risk.measure.horizon)), None


def _indicator(risk: Risk, measured: Mapping[tuple[str, str], dict]) -> tuple[dict[str, Any], str | None]:
    """What the KPI that shows a risk says, or why it says nothing."""
    if risk.indicator is None:
        return dict.fromkeys(
            ("kpi", "indicator_period", "indicator_value", "indicator_limit", "is_holding", "state")
        ), None
    wanted, row = risk.indicator, measured.get((risk.indicator.kpi, risk.indicator.period))
    value = None if row is None or pd.isna(row["value"]) else float(row["value"])
    told = {
        "kpi": wanted.kpi,
        "indicator_period": row["period"] if row else wanted.period,
        "indicator_value": value,
        "indicator_limit": wanted.limit,
        "is_holding": None if value is None else _holds(value, wanted.limit, row["better"]),
        "state": row["state"] if row else "withheld",
    }
    if value is not None:
        return told, None
    return told, f"{wanted.kpi}: {row['reason'] if row else 'has no value in the period'}"


def _holds(value: float, limit: float, better: str) -> bool:
    return value <= limit if better == "lower" else value >= limit


def _sentences(row: Mapping[str, Any], shown_by: Mapping[str, Any] | None, currency: str) -> dict[str, str]:
    band = BAND_LABELS[row["rule_band"]]
    zh = [f"可能性 {row['likelihood']} × 影响 {row['impact']} = {row['risk_score']}，风险等级：{band.zh}"]
    en = [f"Likelihood {row['likelihood']} × impact {row['impact']} = {row['risk_score']}, {band.en}"]
    if row["is_mismatch"]:
        declared = BAND_LABELS[row["declared_band"]]
        zh.append(f"申报等级为{declared.zh}，与规则不一致")
        en.append(f"declared {declared.en}, which the rule contradicts")
    if row["is_overdue"]:
        zh.append(f"应对措施应于 {row['due_on']} 完成，已逾期")
        en.append(f"the measure was due on {row['due_on']} and is overdue")
    if row["is_holding"] is not None and shown_by is not None:
        indicator = _indicator_words(row, shown_by, currency)
        zh.append(indicator.zh)
        en.append(indicator.en)
    return {"sentence_zh": "；".join(zh) + "。", "sentence_en": "; ".join(en) + "."}


def _indicator_words(row: Mapping[str, Any], shown_by: Mapping[str, Any], currency: str) -> Label:
    """The KPI a risk is watched by, its value, and on which side of the limit it is."""
    numbers = (row["indicator_value"], row["indicator_limit"], shown_by["unit"], currency)
    # exactly at the limit is on the good side of it, so both may be printed alike
    value, limit = shown_apart(*numbers) if numbers[0] != numbers[1] else (shown(*numbers[1:]),) * 2
    side, period = _SIDES[shown_by["better"], row["is_holding"]], period_words(row["indicator_period"])
    return Label(
        zh=f"{shown_by['label_zh']}（{period.zh}）为 {value.zh}，{side.zh} {limit.zh}",
        en=f"{shown_by['label_en']} ({period.en}) is {value.en}, {side.en} {limit.en}",
    )


_SIDES = {
    ("lower", True): Label(zh="未超过上限", en="not above the upper limit of"),
    ("lower", False): Label(zh="已超过上限", en="above the upper limit of"),
    ("higher", True): Label(zh="未低于下限", en="not below the lower limit of"),
    ("higher", False): Label(zh="已低于下限", en="below the lower limit of"),
}
"""By which way is better, and whether the limit holds."""


def risk_register_lineage() -> dict[str, list[tuple[str, str]]]:
    """What the indicators are taken from; the rest is of the plan."""
    judged = [(KPI_VALUES.name, "value"), (KPI_VALUES.name, "better")]
    return {
        "kpi": [(KPI_VALUES.name, "kpi")],
        "indicator_value": [(KPI_VALUES.name, "value")],
        "is_holding": judged,
        "state": [(KPI_VALUES.name, "state")],
    }
