"""What a day's evaluation says: how good the data is, how the campaign stands, what to do, who the customers are."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assets.ads.catalogue import catalogue
from assets.ads.kpi_query import TOTAL
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import period_words, reason_zh
from assets.chinese import chinese
from assets.day import ProjectDay
from pipeline.commands.screen import (
    BAD,
    FAINT,
    GOOD,
    LOUD,
    NOTHING,
    POOR,
    STATE_STYLES,
    Lang,
    count,
    figure,
    in_one,
    label,
    listed,
    note,
    noted,
    plain_table,
    share,
)
from pipeline.commands.words import owner_name, state_name
from pipeline.plan import Label, Plan
from pipeline.project import Project
from quality.contract import contracts
from quality.ledger import COUNTED, LEDGER
from quality.scorecard import SCORECARD, states

SEGMENTS, ACTIONS = "ads.segment_summary", "ads.actions"
FIRST_ACTIONS = 5
"""As many as a screen has room for beside the rest."""
TOLD_SCHEMES = {
    "rfm": Label(zh="RFM 分层", en="RFM"),
    "abc": Label(zh="ABC 分类", en="ABC"),
    "tier": Label(zh="客户等级", en="Tiers"),
    "lifecycle": Label(zh="生命周期", en="Lifecycle"),
}
"""Those a manager asks for first; all stand in the table."""
CAME = ("in", "corrected")
WENT = tuple(way for way in COUNTED if way != "repaired")
WAYS = {
    "in": "收到",
    "corrected": "更正补入",
    "accepted": "接受",
    "late": "迟到",
    "quarantined": "隔离",
    "merged": "合并",
    "added_up": "汇总",
    "out_of_scope": "范围外",
}
DIMENSIONS = {"completeness": "complete", "accuracy": "accurate", "duplicates": "repeated", "timeliness": "in time"}
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
        *action_tables(day.read(ACTIONS), day.project.plan, lang),
        segment_table(day.read(SEGMENTS), lang),
        ledger_table(day.read(LEDGER.name), day.project.plan.currency, lang),
    ]


# --- how good the data is ---------------------------------------------------------------------------------------------


def quality_table(scorecard: pd.DataFrame, absent: Sequence[str], lang: Lang) -> RenderableType:
    """The four rates of what each source sent, and how far figures made of it can be trusted."""
    sent = scorecard[scorecard["layer"] == "ods"].set_index(["table_name", "dimension"])
    heads = {name: in_one(chinese().words["dimension"][name], head, lang) for name, head in DIMENSIONS.items()}
    figures = tuple(_head(sent.xs(name, level="dimension"), head) for name, head in heads.items())
    figures = (in_one("行数", "rows", lang), *figures)
    source, state = in_one("来源", "source", lang), in_one("状态", "state", lang)
    title = in_one("数据质量（按送达数据）", "Data quality, as sent", lang)
    table = plain_table(source, *figures, state, title=title, right=figures)
    trusted = states(scorecard, absent)
    for name, contract in contracts().items():
        rows = sent.loc[name]
        table.add_row(
            label(contract.label.zh, contract.label.en, lang),
            count(rows.loc["accuracy", "rows_total"]),
            *(_rate_cell(rows.loc[dimension]) for dimension in DIMENSIONS),
            _state_cell(trusted[name].state, lang),
        )
    reasons = (
        (in_one(contracts()[name].label.zh, name, lang), source.state, _reason(source.reason, lang))
        for name, source in trusted.items()
        if source.reason
    )
    return _with_notes(table, reasons, lang)


def _head(rates: pd.DataFrame, head: str) -> str:
    """A rate's name, with what is asked of it where that is the same of every source."""
    asked = {f"{'≤' if row.better == 'lower' else '≥'} {row.threshold:.0%}" for row in rates.itertuples()}
    return f"{head}\n{asked.pop()}" if len(asked) == 1 else head


def _rate_cell(row: pd.Series) -> Text:
    return Text(share(row["rate"]) + STATUS_MARKS.get(row["status"], ""), style=STATUS_STYLES.get(row["status"], ""))


def _state_cell(state: str, lang: Lang) -> Text:
    return Text(state_name(state, lang), style=STATE_STYLES[state])


def _reason(reason: str, lang: Lang) -> str:
    return in_one(reason_zh(reason) or "", reason, lang)


def _with_notes(table: Table, reasons: Iterable[tuple[str, str, str]], lang: Lang) -> RenderableType:
    """Below the table each reason once, with the rows it holds for; given are name, state and reason of each row."""
    shared: dict[tuple[str, str], list[str]] = {}
    for name, state, reason in reasons:
        shared.setdefault((state, reason), []).append(name)
    told = (
        noted(state_name(state, lang), reason, lang) + in_one("（{}）", " ({})", lang).format(listed(names, lang))
        for (state, reason), names in shared.items()
    )
    return Group(table, *map(note, told))


# --- how the campaign stands ------------------------------------------------------------------------------------------


def kpi_table(kpis: pd.DataFrame, currency: str, lang: Lang) -> RenderableType:
    """The official KPIs over all, for the campaign to date; before it starts, for the baseline."""
    total = kpis[kpis["is_official"] & (kpis["dimension"] == TOTAL)]
    period = next(kind for kind in ("campaign", "baseline") if kind in set(total["period_kind"]))
    order = {kpi: place for place, kpi in enumerate(catalogue().kpis)}
    rows = total[total["period_kind"] == period].sort_values("kpi", key=lambda kpi: kpi.map(order)).to_dict("records")
    until = rows[0]["period_end"] - pd.Timedelta(days=1)
    since, words = f"{rows[0]['period_start']:%Y-%m-%d}", period_words(period)
    title = in_one(
        f"指标记分卡，{words.zh} {since} 至 {until:%Y-%m-%d}，金额单位 {currency}",
        f"KPI scorecard, {words.en} {since} to {until:%Y-%m-%d}, amounts in {currency}",
        lang,
    )
    heads = in_one("指标 实际 目标 达成率 得分 状态", "KPI actual target attained score state", lang).split()
    table = plain_table(*heads, title=title, right=tuple(heads[1:5]))
    for row in rows:
        table.add_row(
            label(row["label_zh"], row["label_en"], lang),
            figure(row["value"], row["unit"], lang),
            _target(row, lang),
            share(row["attainment_rate"]),
            NOTHING if pd.isna(row["score"]) else f"{row['score']:.0f}",
            _state_cell(row["state"], lang),
        )
    told = (
        (in_one(row["label_zh"], row["label_en"], lang), row["state"], _reason(row["reason"], lang))
        for row in rows
        if not pd.isna(row["reason"])
    )
    return _with_notes(table, told, lang)


def _target(row: dict[str, Any], lang: Lang) -> str:
    """The target, marked where less is better."""
    shown = figure(row["target"], row["unit"], lang)
    return f"≤ {shown}" if row["better"] == "lower" and shown != NOTHING else shown


# --- what to do -------------------------------------------------------------------------------------------------------


def action_tables(actions: pd.DataFrame, plan: Plan, lang: Lang) -> list[RenderableType]:
    """The most urgent of what was found, with who answers for it and until when; nothing where nothing was."""
    if actions.empty:
        return []
    said = in_one("sentence_zh", "sentence_en", lang)
    heads = in_one("发现,责任人,截止日", "to act on,owner,due", lang).split(",")
    table = plain_table(*heads, title=in_one("待办行动", "What to act on", lang))
    table.expand, table.columns[0].ratio = True, 1
    for row in actions.sort_values("position").head(FIRST_ACTIONS).to_dict("records"):
        style = BAD if row["is_overdue"] else ""
        table.add_row(row[said], owner_name(row["owner"], plan, lang), Text(f"{row['due_on']:%Y-%m-%d}", style=style))
    more = len(actions) - FIRST_ACTIONS
    told = in_one(
        f"另有 {more} 项，以及各项的建议，见 {ACTIONS}_zh",
        f"{ACTIONS} has {more} more, and what to do about each",
        lang,
    )
    return [Group(table, note(told))] if more > 0 else [table]


# --- who the customers are --------------------------------------------------------------------------------------------


def segment_table(segments: pd.DataFrame, lang: Lang) -> RenderableType:
    """The classes of customers with their size, their spend and what to do about them, scheme by scheme."""
    heads = in_one(
        "客户,人数,占比,消费占比,单数 × 单价,建议策略",
        "customers,number,share,of spend,orders × value,what to do",
        lang,
    ).split(",")
    table = plain_table(*heads, title=in_one("客户分层", "Customer segments", lang), right=tuple(heads[1:5]))
    table.expand, table.columns[-1].ratio, table.columns[-1].min_width = True, 1, 24
    for scheme, title in TOLD_SCHEMES.items():
        rows = segments[segments["scheme"] == scheme].sort_values("position")
        if rows.empty:
            continue
        table.add_row(Text(label(title.zh, title.en, lang), style=LOUD))
        for row in rows.to_dict("records"):
            table.add_row(
                label(row["label_zh"], row["label_en"], lang),
                count(row["customers"]),
                share(row["customer_share"]),
                share(row["spend_share"]),
                _orders(row),
                _play(row, lang),
            )
    others = sorted(set(segments["scheme"]) - set(TOLD_SCHEMES))
    named = [in_one(chinese().words["scheme"].get(scheme, scheme), scheme, lang) for scheme in others]
    told = in_one(f"{SEGMENTS}_zh 另有{listed(named, 'zh')}", f"{SEGMENTS} also tells of {listed(named, 'en')}", lang)
    return Group(table, note(told)) if others else table


def _orders(row: dict[str, Any]) -> str:
    """Orders of each customer, times the mean amount of one."""
    if pd.isna(row["mean_order_amount"]):
        return NOTHING
    return f"{row['mean_frequency']:.1f} × {figure(row['mean_order_amount'], 'currency')}"


def _play(row: dict[str, Any], lang: Lang) -> str:
    if pd.isna(row["strategy_en"]):
        return NOTHING
    return row["strategy_zh"] if lang == "zh" else row["strategy_en"]


# --- where everything went --------------------------------------------------------------------------------------------


def ledger_table(ledger: pd.DataFrame, currency: str, lang: Lang = "en") -> RenderableType:
    """Rows, and money by currency, from the sources to the tables: what came in and all the ways it went."""
    sums = {in_one("行数", "rows", lang): _rows(ledger)}
    gate = ledger[ledger["layer"] == "dwd"]
    named = gate["currency"] == currency
    apart = in_one("其他或无币种", "other or no currency", lang)
    for title, entries in ((currency, gate[named]), (apart, gate[~named])):
        if entries["amount_in"].any():
            sums[title] = {way: entries[f"amount_{way}"].sum() for way in (*CAME, *WENT)}
    table = plain_table("", *sums, title=in_one("数据收支台账", "Ledger", lang), right=tuple(sums))
    for way in (*CAME, *WENT):
        if way == "corrected" and not any(found[way] for found in sums.values()):
            continue
        sign = {"in": "  ", WENT[0]: "= "}.get(way, "+ ")
        table.add_row(
            sign + in_one(WAYS[way], way.replace("_", " "), lang), *(f"{found[way]:,}" for found in sums.values())
        )
    is_balanced = all(sum(found[way] for way in CAME) == sum(found[way] for way in WENT) for found in sums.values())
    verdict = (
        Text(in_one("  平衡", "  balanced", lang), style=GOOD)
        if is_balanced
        else Text(in_one("  不平衡", "  NOT BALANCED", lang), style=BAD)
    )
    return Group(table, verdict)


def _rows(ledger: pd.DataFrame) -> dict[str, int]:
    """What a source sent is known at landing, what became of a row that was landed at the gate."""
    landing, gate = ledger[ledger["layer"] == "ods"], ledger[ledger["layer"] == "dwd"]
    rows = {way: int(gate[f"rows_{way}"].sum()) for way in WENT}
    for way in ("quarantined", "added_up", "out_of_scope"):
        rows[way] += int(landing[f"rows_{way}"].sum())
    # a line that was repaired came at landing: only rows of earlier days come from corrections alone
    corrected = int(gate["rows_corrected"].sum() - landing["rows_repaired"].sum())
    return {"in": int(landing["rows_in"].sum()), "corrected": corrected, **rows}
