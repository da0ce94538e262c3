"""What insight rules look at: one observation per channel, budget, risk, … with figures, codes and words by name.

What a rule may name is listed here, with the table it is evidence of; rules themselves are YAML.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from assets.ads.alert_signals import ALERT_SIGNALS, BUDGET
from assets.ads.catalogue import catalogue
from assets.ads.channel_scorecard import CHANNEL_SCORECARD
from assets.ads.claims import CLAIMS, TASKS, claimed_unit
from assets.ads.kpi_query import ALL, TOTAL, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.risk_register import RISK_REGISTER
from assets.ads.wording import both, period_words, quality_words, source_words
from pipeline.plan import Label, Plan
from pipeline.plan_tables.periods import due_by, share_over
from quality.contract import contracts
from quality.scorecard import SCORECARD

FUNNEL, WIN_BACK = "ads.funnel_wide", "dws.win_back"
Row = Mapping[str, Any]
Figure = tuple[float | None, str]
"""A figure, None where it is unknown, and its unit."""
Code = str | frozenset[str] | None
"""A coded value, or several; None where it is unknown."""


@dataclass(frozen=True)
class Observation:
    """One thing rules may fire on."""

    dimension: str
    member: str
    keys: Mapping[str, str]
    """The columns of the evidence, and their values, that lead to its row."""
    figures: Mapping[str, Figure]
    codes: Mapping[str, Code] = field(default_factory=dict)
    words: Mapping[str, Label] = field(default_factory=dict)
    owner: str | None = None
    left_out: Label | None = None
    """The cost its figures are without, since it names no member."""
    without: frozenset[str] = frozenset()
    """The figures that are without it."""


@dataclass(frozen=True)
class Day:
    """The day's tables that rules look at."""

    plan: Plan
    as_of: date
    kpis: pd.DataFrame
    channels: pd.DataFrame
    budget: pd.DataFrame
    risks: pd.DataFrame
    alerts: pd.DataFrame
    funnel: pd.DataFrame
    quality: pd.DataFrame
    win_back: pd.DataFrame
    """Customers waiting by step: step_id, step_zh, step_en, customers, overdue_customers, spend."""
    claims: pd.DataFrame
    tasks: pd.DataFrame

    def unit_cost_change(self, period: str, dimension: str, member: str) -> float | None:
        """Cost per customer against the baseline; of what has none of its own, that of all (I56)."""
        has_own = dimension in ("channel", "team") and not member.startswith("(")
        keys = (dimension, member) if has_own else (TOTAL, ALL)
        now, before = (self.unit_costs.get((name, *keys)) for name in (period, "baseline"))
        return now / before - 1 if now is not None and before else None

    @cached_property
    def unit_costs(self) -> Mapping[tuple[str, str, str], float]:
        """(period, dimension, member) -> official cost per new customer, where it is known."""
        rows = self.kpis[(self.kpis["kpi"] == "cac") & self.kpis["is_official"] & self.kpis["value"].notna()]
        keys = zip(rows["period"], rows["dimension"], rows["member"], strict=True)
        return dict(zip(keys, rows["value"].astype(float), strict=True))


@dataclass(frozen=True)
class Source:
    """A kind of observation: the table it is evidence of, and what its observations have by name."""

    table: str
    observations: Callable[[Day], Iterator[Observation]]
    figures: frozenset[str]
    codes: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset({"label"})


def number(value: Any) -> float | None:
    """A cell as a number; None where it is empty."""
    return None if value is None or pd.isna(value) else float(value)


def _code(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _label(row: Row, name: str = "label") -> Label:
    return Label(zh=str(row[f"{name}_zh"]), en=str(row[f"{name}_en"]))


def _told(row: Row) -> dict[str, Label]:
    return {"told": _label(row, "sentence")} if isinstance(row["sentence_zh"], str) else {}


# --- KPIs -------------------------------------------------------------------------------------------------------------


def _of_kpis(day: Day) -> Iterator[Observation]:
    """The campaign to date: official figures of all, of channels and of teams, against target and baseline."""
    rows = day.kpis[day.kpis["is_official"] & day.kpis["dimension"].isin([TOTAL, "channel", "team"])]
    keys = ["kpi", "dimension", "member"]
    baseline = rows[rows["period"] == "baseline"].set_index(keys)[["value", "period_start", "period_end"]]
    before = {key: row for key, row in zip(baseline.index, baseline.to_dict("records"), strict=True)}
    unit_costs = day.unit_costs
    for row in rows[rows["period"] == "campaign"].to_dict("records"):
        key = (row["kpi"], row["dimension"], row["member"])
        due = _due(row, day)
        value = number(row["value"])
        reached = _reached(value, due, row["better"])
        mine, was = (unit_costs.get((name, *key[1:])) for name in ("campaign", "baseline"))
        is_all = row["dimension"] == TOTAL
        yield Observation(
            dimension=row["dimension"],
            member=row["member"],
            keys={"period": "campaign", **dict(zip(keys, key, strict=True)), "variant": row["variant"]},
            figures={
                "value": (value, row["unit"]),
                "target": (number(row["target"]), row["unit"]),
                "due": (due, row["unit"]),
                "reached": (reached, "rate"),
                "gap": (None if reached is None else 1 - reached, "rate"),
                "excess": (value / due - 1 if value is not None and due else None, "change"),
                "change": (_daily_change(row, before.get(key)), "change"),
                "unit_cost_change": (mine / was - 1 if mine is not None and was else None, "change"),
            },
            # without a target there is nothing to be behind
            codes={
                "kpi": row["kpi"],
                "dimension": row["dimension"],
                "better": row["better"],
                "has_target": "no" if due is None else "yes",
                "may_be_chance": "yes" if _holds(row, due) else "no",
            },
            words={
                "label": _label(row),
                "whose": Label(zh="总体", en="All") if is_all else both(row["member"]),
            },
            left_out=_left_out(row),
            without=frozenset({"value"}),
        )


def _due(row: Row, day: Day) -> float | None:
    """What a KPI should be by now: of what adds up its milestones, or else the even part of its target."""
    target = number(row["target"])
    if target is None or row["kpi"] not in catalogue().quantities:
        return target
    window, end = day.plan.campaign, pd.Timestamp(row["period_end"]).date()
    declared = day.plan.target(row["kpi"])
    if declared is None or not declared.milestones:
        return target * share_over(window.starts_on, window.end, end)
    return due_by(declared.of(target, is_part=True), window, end)


def _holds(row: Row, due: float | None) -> bool:
    """Whether the interval of a figure holds what is due: then nobody can tell that it is not reached."""
    lower, upper = number(row["lower"]), number(row["upper"])
    return None not in (due, lower, upper) and lower <= due <= upper


def _days(row: Row) -> int:
    return (pd.Timestamp(row["period_end"]) - pd.Timestamp(row["period_start"])).days


def _reached(value: float | None, due: float | None, better: str) -> float | None:
    """The part of what is due that is reached; where less is better, due / value."""
    if value is None or due is None:
        return None
    part, whole = (due, value) if better == "lower" else (value, due)
    return part / whole if whole > 0 else None


def _daily_change(row: Row, before: Row | None) -> float | None:
    """Against the baseline; of what adds up by the day, for the two may differ in length (I26)."""
    value, was = number(row["value"]), number(before["value"]) if before else None
    if value is None or was is None or was <= 0 or before is None:
        return None
    days = (_days(row), _days(before)) if row["kpi"] in catalogue().quantities else (1, 1)
    return (value / days[0]) / (was / days[1]) - 1


# --- money ------------------------------------------------------------------------------------------------------------

_CHANNEL = {
    "spend": ("cost_amount", "currency"),
    "leads": ("leads", "count"),
    "new_customers": ("new_customers", "count"),
    "new_customer_share": ("new_customer_share", "rate"),
    "conversion": ("lead_conversion_rate", "rate"),
    "high_value_share": ("high_value_share", "rate"),
    "precision": ("audience_precision", "rate"),
    "cac": ("cac_amount", "currency"),
    "cac_before": ("cac_before_amount", "currency"),
    "cac_change": ("cac_change_rate", "change"),
    "value_score": ("value_score", "score"),
    "weight": ("effective_weight", "rate"),
    "advised_share": ("advised_share", "rate"),
    "shift": ("advised_change", "change"),
}


_UNIT_COSTS = frozenset({"spend", "cac", "cac_before"})
"""Figures of a channel that are made of cost."""


def _left_out(row: Row) -> Label | None:
    return _label(row, "left_out") if isinstance(row["left_out_zh"], str) else None


NOT_MOVED = Label(zh="份额不作调整。", en="Its share is not moved.")


def _of_channels(day: Day) -> Iterator[Observation]:
    """Every channel over the campaign."""
    rows = day.channels[(day.channels["period_kind"] == "campaign") & (day.channels["channel"] != UNKNOWN)]
    for row in rows.to_dict("records"):
        fired = row["fired_rules"].split(", ") if isinstance(row["fired_rules"], str) else []
        yield Observation(
            dimension="channel",
            member=row["channel"],
            keys={"period": row["period"], "channel": row["channel"]},
            figures={name: (number(row[column]), unit) for name, (column, unit) in _CHANNEL.items()},
            codes={"fired": frozenset(fired), "budget_state": row["budget_state"]},
            words={
                "label": _label(row, "channel"),
                "advised_reason": _label(row, "advised_reason") if _code(row["advised_reason_zh"]) else NOT_MOVED,
            },
            left_out=_left_out(row),
            without=_UNIT_COSTS,
        )


_BASES = {False: Label(zh="预算", en="budgeted"), True: Label(zh="截至当日计划", en="planned so far")}
"""What `planned_so_far` is called: of an ended period it is the whole budget."""


def _of_budget(day: Day) -> Iterator[Observation]:
    """The campaign's budget and that of the newest month, but for single lines."""
    rows = day.budget[day.budget["dimension"] != "line"]
    newest = rows.loc[rows["period_kind"] == "month", "period_start"].max()
    rows = rows[(rows["period_kind"] == "campaign") | (rows["period_start"] == newest)]
    for row in rows.to_dict("records"):
        change = day.unit_cost_change(row["period"], row["dimension"], row["member"])
        status = None if row["state"] == "withheld" else _code(row["to_date_status"]) or "none"
        yield Observation(
            dimension=row["dimension"],
            member=row["member"],
            keys={name: row[name] for name in ("period", "dimension", "member")},
            figures={
                "planned": (number(row["planned_amount"]), "currency"),
                "actual": (number(row["actual_amount"]), "currency"),
                "over": (number(row["variance_amount"]), "currency"),
                "planned_so_far": (number(row["planned_to_date_amount"]), "currency"),
                "over_so_far": (number(row["to_date_variance_amount"]), "currency"),
                "utilisation": (number(row["utilisation_rate"]), "rate"),
                "unit_cost_change": (change, "change"),
            },
            codes={"status": status, "dimension": row["dimension"], "period_kind": row["period_kind"]},
            words={
                "label": _label(row),
                "period": period_words(row["period"]),
                "base": _BASES[bool(row["is_running"])],
            },
        )


# --- risks and alerts -------------------------------------------------------------------------------------------------


def _of_risks(day: Day) -> Iterator[Observation]:
    """Every risk of the register."""
    for row in day.risks.to_dict("records"):
        unit = catalogue().kpis[row["kpi"]].unit if isinstance(row["kpi"], str) else "score"
        holding = "none" if not isinstance(row["kpi"], str) else _yes_no(row["is_holding"])
        late = (day.as_of - pd.Timestamp(row["due_on"]).date()).days if not pd.isna(row["due_on"]) else None
        measure = (
            _label(row, "measure")
            if isinstance(row["measure_zh"], str)
            else Label(zh="尚未制定", en="none is declared")
        )
        yield Observation(
            dimension="risk",
            member=row["risk_id"],
            keys={"risk_id": row["risk_id"]},
            figures={
                "risk_score": (number(row["risk_score"]), "count"),
                "value": (number(row["indicator_value"]), unit),
                "limit": (number(row["indicator_limit"]), unit),
                "late_days": (None if late is None else float(late), "count"),
            },
            codes={"holding": holding, "overdue": _yes_no(row["is_overdue"]), "band": row["rule_band"]},
            words={"label": _label(row), "measure": measure},
            owner=row["owner"],
        )


def _yes_no(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else "yes" if value else "no"


def _of_alerts(day: Day) -> Iterator[Observation]:
    """Signals of KPIs: those of sources, the budget and risks are looked at where they come from."""
    for row in day.alerts[day.alerts["watched"] == "kpi"].to_dict("records"):
        unit = catalogue().kpis[row["subject"]].unit
        level = None if not row["is_judged"] else row["alert_level"] if row["is_raised"] else "none"
        yield Observation(
            dimension=row["dimension"],
            member=row["member"],
            keys={"signal_id": row["signal_id"]},
            figures={
                "value": (number(row["value"]), unit),
                "limit": (number(row["limit_value"]), unit),
                "days_breached": (number(row["days_breached"]), "count"),
            },
            codes={"kpi": row["subject"], "level": level, "signal_kind": row["signal_kind"]},
            words={"label": _label(row), **_told(row)},
            owner=row["owner"],
        )


# --- work -------------------------------------------------------------------------------------------------------------


def _of_funnel(day: Day) -> Iterator[Observation]:
    """The campaign's funnel in all, by channel and by team."""
    for row in day.funnel[day.funnel["period_kind"] == "campaign"].to_dict("records"):
        step = _label(row, "drop") if isinstance(row["drop_zh"], str) else None
        yield Observation(
            dimension=row["dimension"],
            member=row["member"],
            keys={name: row[name] for name in ("period", "dimension", "member")},
            figures={
                "drop_rate": (number(row["drop_rate"]) or 0.0, "rate"),
                "drop_leads": (number(row["drop_leads"]) or 0.0, "count"),
                "waiting": (number(row["drop_waiting_leads"]) or 0.0, "count"),
                "created": (number(row["created_leads"]), "count"),
                "won": (number(row["won_leads"]), "count"),
            },
            codes={"dimension": row["dimension"], "node": _code(row["drop_node"]) or "none"},
            words={"label": both(row["member"]), **({"step": step} if step else {})},
        )


def _of_quality(day: Day) -> Iterator[Observation]:
    """Every rate of a source that has a standard, as it was sent."""
    rows = day.quality[(day.quality["layer"] == "ods") & day.quality["threshold"].notna()]
    for row in rows.to_dict("records"):
        contract, measure = contracts()[row["table_name"]], row["dimension"]
        rate, threshold = number(row["rate"]), number(row["threshold"])
        yield Observation(
            dimension="source",
            member=row["table_name"],
            keys={"table_name": row["table_name"], "dimension": measure, "layer": "ods"},
            figures={
                "rate": (rate, "rate"),
                "threshold": (threshold, "rate"),
                "floor": (number(row["floor"]), "rate"),
                "gap": (None if rate is None or threshold is None else abs(rate - threshold), "rate"),
            },
            codes={"status": None if row["status"] == "not_assessed" else row["status"], "measure": measure},
            words={"label": source_words(row["table_name"]), "measured": quality_words(measure)},
            owner=contract.owner,
        )


def _of_win_back(day: Day) -> Iterator[Observation]:
    """Every step of winning back for which customers wait."""
    for row in day.win_back.to_dict("records"):
        yield Observation(
            dimension="step",
            member=row["step_id"],
            keys={"state": "open", "step_id": row["step_id"]},
            figures={
                "customers": (number(row["customers"]), "count"),
                "overdue_customers": (number(row["overdue_customers"]), "count"),
                "spend": (number(row["spend"]), "currency"),
            },
            words={"label": _label(row, "step")},
        )


def _of_claims(day: Day) -> Iterator[Observation]:
    """Every claim by its worst figure; one that can't be told is not judged."""
    rows = day.claims[day.claims["verdict"] == day.claims["claim_verdict"]]
    for row in rows.drop_duplicates("claim_id").to_dict("records"):
        unit = claimed_unit(row)
        yield Observation(
            dimension="claim",
            member=row["claim_id"],
            keys={"claim_id": row["claim_id"], "figure_no": str(row["figure_no"])},
            figures={
                "claimed": (number(row["claimed_number"]), unit),
                "computed": (number(row["computed_number"]), unit),
                "difference": (number(row["difference"]), unit),
            },
            codes={
                "verdict": None if row["claim_verdict"] == "not_told" else row["claim_verdict"],
                "assertion": row["assertion"],
            },
            words={"label": both(row["claim_source"]), **_told(row)},
        )


def _of_tasks(day: Day) -> Iterator[Observation]:
    """Every team by its tasks; those of nobody's team together."""
    tasks = day.tasks.assign(team=day.tasks["team_id"].fillna(UNKNOWN))
    for team, rows in tasks.groupby("team", sort=True):
        overdue = rows["task_state"] == "overdue"
        yield Observation(
            dimension="team",
            member=str(team),
            keys={"team_id": str(team)},
            figures={
                "tasks": (float(len(rows)), "count"),
                "overdue": (float(overdue.sum()), "count"),
                "late_days": (number(rows.loc[overdue, "late_days"].max()) or 0.0, "count"),
                "carried_wrongly": (float((rows["carry_state"] == "differs").sum()), "count"),
            },
            words={"label": both(str(team))},
        )


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


SOURCES: Mapping[str, Source] = {
    "kpi": Source(
        KPI_VALUES.name,
        _of_kpis,
        _names("value", "target", "due", "reached", "gap", "excess", "change", "unit_cost_change"),
        _names("kpi", "dimension", "better", "has_target", "may_be_chance"),
        _names("label", "whose"),
    ),
    "channel": Source(
        CHANNEL_SCORECARD.name,
        _of_channels,
        frozenset(_CHANNEL),
        _names("fired", "budget_state"),
        _names("label", "advised_reason"),
    ),
    "budget": Source(
        BUDGET,
        _of_budget,
        _names("planned", "actual", "over", "planned_so_far", "over_so_far", "utilisation", "unit_cost_change"),
        _names("status", "dimension", "period_kind"),
        _names("label", "period", "base"),
    ),
    "risk": Source(
        RISK_REGISTER.name,
        _of_risks,
        _names("risk_score", "value", "limit", "late_days"),
        _names("holding", "overdue", "band"),
        _names("label", "measure"),
    ),
    "alert": Source(
        ALERT_SIGNALS.name,
        _of_alerts,
        _names("value", "limit", "days_breached"),
        _names("kpi", "level", "signal_kind"),
        _names("label", "told"),
    ),
    "funnel": Source(
        FUNNEL,
        _of_funnel,
        _names("drop_rate", "drop_leads", "waiting", "created", "won"),
        _names("dimension", "node"),
        _names("label", "step"),
    ),
    "quality": Source(
        SCORECARD.name,
        _of_quality,
        _names("rate", "threshold", "floor", "gap"),
        _names("status", "measure"),
        _names("label", "measured"),
    ),
    "win_back": Source(WIN_BACK, _of_win_back, _names("customers", "overdue_customers", "spend")),
    "claim": Source(
        CLAIMS.name,
        _of_claims,
        _names("claimed", "computed", "difference"),
        _names("verdict", "assertion"),
        _names("label", "told"),
    ),
    "task": Source(TASKS, _of_tasks, _names("tasks", "overdue", "late_days", "carried_wrongly")),
}
"""By what a rule is about."""
