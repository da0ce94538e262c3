"""What a day's evaluation says: how good the data is, how the campaign stands, who the customers are."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assets.ads.catalogue import catalogue
from assets.ads.kpi_query import TOTAL
from assets.ads.kpi_values import KPI_VALUES
from assets.day import ProjectDay
from pipeline.commands.screen import (
    BAD,
    FAINT,
    LOUD,
    NOTHING,
    POOR,
    STATE_STYLES,
    Lang,
    count,
    figure,
    label,
    plain_table,
    share,
)
from pipeline.project import Project
from quality.contract import contracts
from quality.ledger import COUNTED, LEDGER
from quality.scorecard import SCORECARD, states

SEGMENTS = "ads.segment_summary"
DIMENSIONS = ("completeness", "accuracy", "duplicates", "timeliness")
STATUS_STYLES = {"below_threshold": POOR, "below_floor": BAD, "not_assessed": FAINT}
STATUS_MARKS = {"below_threshold": " !", "below_floor": " !!"}


def show_answer(project: Project, as_of: date, lang: Lang, console: Console) -> None:
    """Print the scorecards, the segments and the ledger of a day that was evaluated."""
    for part in answer(ProjectDay(project, as_of), lang):
        console.print()
        console.print(part)


def answer(day: ProjectDay, lang: Lang) -> list[RenderableType]:
    """The parts of the answer, in the order they are read."""
    quality, kpis = day.read(SCORECARD.name), day.read(KPI_VALUES.name)
    absent = [table for table in contracts() if not day.project.sources.feeds(table)]
    return [
        quality_table(quality, absent, lang),
        kpi_table(kpis, day.project.plan.currency, lang),
        segment_table(day.read(SEGMENTS), lang),
        Text("\n".join(ledger_lines(day.read(LEDGER.name), day.project.plan.currency))),
    ]


# --- how good the data is ---------------------------------------------------------------------------------------------


def quality_table(scorecard: pd.DataFrame, absent: Sequence[str], lang: Lang) -> RenderableType:
    """The four rates of what each source sent, and how far figures made of it can be trusted."""
    sent = scorecard[scorecard["layer"] == "ods"].set_index(["table_name", "dimension"])
    asked = sent.groupby("dimension")[["threshold", "better"]].first()
    heads = {name: f"{name} {_limit(asked.loc[name])}" for name in DIMENSIONS}
    figures = ("rows", *heads.values())
    table = plain_table("source", *figures, "state", title="Data quality, as sent", right=figures)
    trusted = states(scorecard, absent)
    for name, contract in contracts().items():
        rows = sent.loc[name]
        table.add_row(
            label(contract.label.zh, contract.label.en, lang),
            count(rows.loc["accuracy", "rows_total"]),
            *(_rate_cell(rows.loc[dimension]) for dimension in DIMENSIONS),
            _state_cell(trusted[name].state),
        )
    reasons = [f"{source.state}: {source.reason}" for source in trusted.values() if source.reason]
    return _with_notes(table, reasons)


def _limit(dimension: pd.Series) -> str:
    return f"{'≤' if dimension['better'] == 'lower' else '≥'} {dimension['threshold']:.0%}"


def _rate_cell(row: pd.Series) -> Text:
    return Text(share(row["rate"]) + STATUS_MARKS.get(row["status"], ""), style=STATUS_STYLES.get(row["status"], ""))


def _state_cell(state: str) -> Text:
    return Text(state, style=STATE_STYLES[state])


def _with_notes(table: Table, notes: Sequence[str]) -> RenderableType:
    return Group(table, *(Text(f"  {note}", style=FAINT) for note in notes))


# --- how the campaign stands ------------------------------------------------------------------------------------------


def kpi_table(kpis: pd.DataFrame, currency: str, lang: Lang) -> RenderableType:
    """The official KPIs over all, for the campaign to date; before it starts, for the baseline."""
    total = kpis[kpis["is_official"] & (kpis["dimension"] == TOTAL)]
    period = next(kind for kind in ("campaign", "baseline") if kind in set(total["period_kind"]))
    order = {kpi: place for place, kpi in enumerate(catalogue().kpis)}
    rows = total[total["period_kind"] == period].sort_values("kpi", key=lambda kpi: kpi.map(order)).to_dict("records")
    until = rows[0]["period_end"] - pd.Timedelta(days=1)
    table = plain_table(
        "KPI", "actual", "target", "attained", "score", "state",
        title=f"KPI scorecard, {period} {rows[0]['period_start']:%Y-%m-%d} to {until:%Y-%m-%d}, amounts in {currency}",
        right=("actual", "target", "attained", "score"),
    )  # fmt: skip
    for row in rows:
        table.add_row(
            label(row["label_zh"], row["label_en"], lang),
            figure(row["value"], row["unit"]),
            figure(row["target"], row["unit"]),
            share(row["attainment_rate"]),
            NOTHING if pd.isna(row["score"]) else f"{row['score']:.0f}",
            _state_cell(row["state"]),
        )
    return _with_notes(table, list(_reasons(rows, lang)))


def _reasons(rows: Sequence[dict[str, Any]], lang: Lang) -> Iterator[str]:
    """Each reason once, with the KPIs it holds for."""
    shared: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if not pd.isna(row["reason"]):
            name = row["label_en"] if lang == "both" else label(row["label_zh"], row["label_en"], lang)
            shared.setdefault((row["state"], row["reason"]), []).append(name)
    for (state, reason), names in shared.items():
        yield f"{state}: {reason} ({', '.join(names)})"


# --- who the customers are --------------------------------------------------------------------------------------------


def segment_table(segments: pd.DataFrame, lang: Lang) -> RenderableType:
    """Every class of customers with its size, its spend and what to do about it."""
    table = plain_table(
        "customers", "number", "share", "of spend", "orders each", "per order", "what to do",
        title="Customer segments",
        right=("number", "share", "of spend", "orders each", "per order"),
    )  # fmt: skip
    ordered = segments.sort_values(["scheme", "position"], ascending=[False, True])
    for scheme, rows in ordered.groupby("scheme", sort=False):
        table.add_row(Text(scheme.upper(), style=LOUD))
        for row in rows.to_dict("records"):
            table.add_row(
                label(row["label_zh"], row["label_en"], lang),
                count(row["customers"]),
                share(row["customer_share"]),
                share(row["spend_share"]),
                NOTHING if pd.isna(row["mean_frequency"]) else f"{row['mean_frequency']:.1f}",
                figure(row["mean_order_amount"], "currency"),
                _play(row, lang),
            )
    return table


def _play(row: dict[str, Any], lang: Lang) -> str:
    if pd.isna(row["strategy_en"]):
        return NOTHING
    return row["strategy_zh"] if lang == "zh" else row["strategy_en"]


# --- where everything went --------------------------------------------------------------------------------------------


def ledger_lines(ledger: pd.DataFrame, currency: str) -> Iterator[str]:
    """Rows, and money by currency, from the sources to the tables: what came in and all the ways it went."""
    landing, gate = ledger[ledger["layer"] == "ods"], ledger[ledger["layer"] == "dwd"]
    went = {way: int(gate[f"rows_{way}"].sum()) for way in COUNTED}
    for way in ("quarantined", "out_of_scope"):
        went[way] += int(landing[f"rows_{way}"].sum())
    yield _equation("Ledger, rows", int(landing["rows_in"].sum()), went)
    named = gate["currency"] == currency
    for title, rows in ((f"Ledger, {currency}", gate[named]), ("Ledger, money in other or no currency", gate[~named])):
        money = {way: rows[f"amount_{way}"].sum() for way in COUNTED}
        if rows["amount_in"].sum():
            yield _equation(title, rows["amount_in"].sum(), money)


def _equation(title: str, came: int | Decimal, went: dict[str, int | Decimal]) -> str:
    parts = " + ".join(f"{went[way]:,} {way.replace('_', ' ')}" for way in COUNTED)
    verdict = "balanced" if came == sum(went.values()) else "NOT BALANCED"
    return f"{title}: {came:,} in = {parts} ({verdict})"
