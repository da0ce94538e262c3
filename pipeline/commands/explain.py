"""One published figure taken apart: its formula, what it is made of, how far to trust it, and the lines behind it."""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console, RenderableType

from assets.ads.catalogue import Catalogue, Fact, Variant, catalogue
from assets.ads.expressions import names
from assets.ads.intervals import METHODS
from assets.ads.kpi_query import ALL, PERIOD, PERIODS, TOTAL
from assets.ads.kpi_rows import line_query, measure_rows, recomputed
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.source_trust import source_states
from assets.ads.wording import period_words, reason_zh
from assets.chinese import chinese
from assets.day import ProjectDay
from pipeline.commands.kpis import check_kpi
from pipeline.commands.screen import (
    MINUS,
    NOTHING,
    Lang,
    count,
    figure,
    in_one,
    label,
    note,
    noted,
    place,
    plain_table,
    told_grid,
)
from pipeline.commands.words import state_name
from pipeline.engine import Relation, Session
from pipeline.errors import ConfigurationError
from pipeline.plan import Plan
from pipeline.plan_tables import plan_tables
from pipeline.project import Project
from quality.contract import contracts
from quality.scorecard import SourceState

SHOWN = 8
"""Rows of each measure on the screen; --csv has all."""
NAMED = 40
"""Members named where one is asked for that is not there."""
PART_NAMES = {"numerator": "分子", "denominator": "分母", "": "–"}
COLUMNS = ("part", "measure", "fact_table", "row_key", "day", "amount", "counted", "source", "line", "row_id")


@dataclass(frozen=True)
class Asked:
    """Which figure: of a KPI's variant, in a period, of a member of a dimension."""

    kpi: str
    variant: str | None = None
    period: str = "campaign"
    dimension: str = TOTAL
    member: str = ALL


def explain(
    project: Project, as_of: date | None, asked: Asked, file: Path | None, lang: Lang, console: Console
) -> None:
    """Print a published figure with its parts and the first of its lines; write all of them where a file is named.

    Raises:
        ConfigurationError: there is no such figure, or the file can't be written.
    """
    check_kpi(asked.kpi)
    day = evaluated_day(project, as_of)
    row = published_row(day, asked)
    variant = catalogue().kpis[asked.kpi].variants[row["variant"]]
    rows = evidence(day, variant, row)
    _show_figure(day, row, variant, lang, console)
    _show_rows(rows, lang, console)
    _warn_of_change(variant, row, rows, lang, console)
    if file is not None:
        write_rows(rows, file)
        written = f"{count(len(rows))} rows written to {place(file)}"
        console.print(in_one(f"已将 {count(len(rows))} 行写入 {place(file)}", written, lang))


def evaluated_day(project: Project, as_of: date | None) -> ProjectDay:
    """The day that is asked for, or the latest there is.

    Raises:
        ConfigurationError: it was not evaluated.
    """
    days = ProjectDay(project, as_of or date.max).lake.days(KPI_VALUES.name)
    if not days or (as_of is not None and as_of not in days):
        if not days:
            raise ConfigurationError(f"no day of {place(project.root)} was evaluated yet; run one first")
        raise ConfigurationError(f"{as_of} was not evaluated; the latest day that was is {days[-1]}")
    return ProjectDay(project, as_of or days[-1])


def published_row(day: ProjectDay, asked: Asked) -> Mapping[str, object]:
    """The row of `ads.kpi_values` that is asked for.

    Raises:
        ConfigurationError: there is none; what there is instead.
    """
    values = day.read(KPI_VALUES.name)
    found = values.loc[values["kpi"] == asked.kpi]
    found = found.loc[found["is_official"]] if asked.variant is None else _held(found, "variant", asked.variant)
    for column, wanted in (("dimension", asked.dimension), ("period", asked.period), ("member", asked.member)):
        found = _held(found, column, wanted)
    return found.iloc[0].to_dict()


def _held(rows: pd.DataFrame, column: str, wanted: str) -> pd.DataFrame:
    found = rows.loc[rows[column] == wanted]
    if found.empty:
        names = sorted(map(str, rows[column].unique()))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        known = ", ".join(names[:NAMED]) + more
        raise ConfigurationError(f"no {column} {wanted!r} among the published values of the KPI; there are {known}")
    return found


def evidence(day: ProjectDay, variant: Variant, row: Mapping[str, object]) -> pd.DataFrame:
    """The rows behind a figure with the system, file and line each was delivered on."""
    kpis = catalogue()
    facts = {name: kpis.facts[kpis.fact_of[name]] for name in variant.measures}
    plan = plan_tables(day.project.plan, day.as_of, additive=kpis.quantities)
    key = {name: str(row[name]) for name in ("period_kind", "period")}
    periods = _as_published(plan[PERIODS], row)
    with day.engine.session(
        zone=day.project.plan.timezone, tables=_tables(day, facts.values()), values={PERIODS: periods}
    ) as session:
        rows = measure_rows(
            session, kpis, variant, period=key, dimension=str(row["dimension"]), member=str(row["member"])
        )
        # one fact after the other: each comes from lines of its own source
        pieces = [_with_lines(session, fact, rows) for fact in _different(facts)]
    return _with_parts(kpis, variant, pd.concat(pieces, ignore_index=True))


def _as_published(periods: pa.Table, row: Mapping[str, object]) -> pa.Table:
    """The one period of a figure with the bounds it was published with; the plan may have moved them since."""
    mine = (pc.field("period_kind") == row["period_kind"]) & (pc.field("period") == row["period"])
    today = next(iter(periods.filter(mine).to_pylist()), dict.fromkeys(periods.column_names))
    return pa.Table.from_pylist([today | {name: row[name] for name in PERIOD}], schema=periods.schema)


def _different(facts: Mapping[str, Fact]) -> list[tuple[Fact, list[str]]]:
    found: dict[int, tuple[Fact, list[str]]] = {}
    for name, fact in facts.items():
        found.setdefault(id(fact), (fact, []))[1].append(name)
    return list(found.values())


def _tables(day: ProjectDay, facts: Iterable[Fact]) -> dict[str, Relation]:
    tables = {}
    for fact in facts:
        tables[fact.table] = day.relation(fact.table)
        if fact.rows is not None:
            contract = fact.rows.contract
            tables[f"dwd.{contract}"] = day.relation(f"dwd.{contract}")
            # a line keeps its place on the day it came; a later day repeats it, or leaves it where it was
            ods = day.lake.days(f"ods.{contract}")
            tables[f"ods.{contract}"] = Relation(
                files=tuple(day.lake.file(f"ods.{contract}", known) for known in ods if known <= day.as_of)
            )
    return tables


def _with_lines(session: Session, measured: tuple[Fact, list[str]], rows: pd.DataFrame) -> pd.DataFrame:
    fact, measures = measured
    mine = rows.loc[rows["measure"].isin(measures)]
    if fact.rows is None:
        return mine.assign(row_id=None, source="plan.yaml", line=None)
    keys = pa.table({"row_key": pa.array(sorted(mine["row_key"].dropna().unique()), pa.string())})
    wanted = f"held.{measures[0]}"
    session.hold(wanted, keys)
    lines = session.frame(line_query(fact.rows.key, fact.rows.contract, wanted))
    # a line that was sent again on another day is the same line
    lines = lines.sort_values(["row_key", "row_id", "source", "line"]).drop_duplicates("row_key")
    return mine.merge(lines, on="row_key", how="left", validate="many_to_one")


def _with_parts(kpis: Catalogue, variant: Variant, rows: pd.DataFrame) -> pd.DataFrame:
    """Which part of the quotient a row belongs to; one that belongs to both is listed once."""
    told = {
        name: "+".join(
            part
            for part in ("numerator", "denominator")
            if part in variant.parts and name in names(variant.parts[part])
        )
        for name in kpis.fact_of
    }
    rows = rows.assign(part=rows["measure"].map(told))
    return rows.sort_values(["measure", "row_key", "day"], kind="stable", ignore_index=True)[list(COLUMNS)]


def _show_figure(day: ProjectDay, row: Mapping, variant: Variant, lang: Lang, console: Console) -> None:
    kpi, unit = catalogue().kpis[str(row["kpi"])], str(row["unit"])
    formula = variant.formula or kpi.formula
    dimension = in_one(chinese().words["dimension"][str(row["dimension"])], str(row["dimension"]), lang)
    where = "" if row["dimension"] == TOTAL else f" · {dimension} {member_name(row, day.project.plan, lang)}"
    period = in_one(period_words(str(row["period"])).zh, str(row["period"]), lang)
    console.print(f"{row['kpi']}.{row['variant']} · {period}{where} · {day.as_of}", style="bold")
    quotient = variant.numerator + (f" / ({variant.denominator})" if variant.denominator else "")
    interval = interval_told(row, unit, METHODS[kpi.interval], lang)
    told = {
        ("名称", "name"): label(str(row["label_zh"]), str(row["label_en"]), lang),
        ("公式", "formula"): label(formula.zh, formula.en, lang),
        ("计算式", "computed"): quotient,
        ("数值", "value"): figure(row["value"], unit, lang),
        ("分子", "numerator"): _plain(row["numerator"]),
        ("分母", "denominator"): _plain(row["denominator"]),
        ("样本数", "n"): _plain(row["n"]),
        ("区间", "interval"): interval,
        ("目标值", "target"): figure(row["target"], unit, lang),
        **_benchmark(row, unit, lang),
        **_left_out(row, lang),
        ("状态", "state"): _state_told(str(row["state"]), row["reason"], lang),
    }
    console.print(told_grid({in_one(*heads, lang): words for heads, words in told.items()}))
    for source, state in _source_states(day, variant).items():
        name = in_one(contracts()[source].label.zh, source, lang)
        console.print(note(noted(name, _state_told(state.state, state.reason, lang), lang)))
    console.print()


def _benchmark(row: Mapping[str, object], unit: str, lang: Lang) -> dict[tuple[str, str], str]:
    """What others reach, and who says so of when."""
    if row["benchmark"] is None or pd.isna(row["benchmark"]):
        return {}
    told = f"{figure(row['benchmark'], unit, lang)} ({row['benchmark_source']}, {row['benchmark_period']})"
    return {("行业基准", "benchmark"): told}


def member_name(row: Mapping[str, object], plan: Plan, lang: Lang) -> str:
    """A member of a dimension; in Chinese what the plan calls it."""
    words = chinese().spoken("member", ("dimension",), plan).words
    return in_one(words.get(f"{row['dimension']}/{row['member']}", str(row["member"])), str(row["member"]), lang)


def _left_out(row: Mapping, lang: Lang) -> dict[tuple[str, str], str]:
    """What is for all members and not in the figure of one; days evaluated by an older version don't tell."""
    zh, en = row.get("left_out_zh"), row.get("left_out_en")
    return {("未计入", "left out"): label(zh, en, lang)} if isinstance(zh, str) and isinstance(en, str) else {}


def interval_told(row: Mapping[str, object], unit: str, method: tuple[str, str], lang: Lang) -> str:
    """The ends of an interval and how it is computed; of a KPI without one a dash."""
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        return NOTHING
    ends = [figure(row[end], unit, lang) for end in ("lower", "upper")]
    return in_one(" 至 ", " to ", lang).join(ends) + f"  {label(*method, lang)}"


def _state_told(state: str, reason: object, lang: Lang) -> str:
    name = state_name(state, lang)
    return noted(name, in_one(reason_zh(reason) or "", reason, lang), lang) if isinstance(reason, str) else name


def _source_states(day: ProjectDay, variant: Variant) -> dict[str, SourceState]:
    states = source_states(day)
    return {name: states[name] for name in catalogue().contracts(variant)}


def _plain(value: object) -> str:
    return NOTHING if value is None or pd.isna(value) else f"{value:,.2f}".removesuffix(".00").replace("-", MINUS)


def _show_rows(rows: pd.DataFrame, lang: Lang, console: Console) -> None:
    for (part, measure), group in rows.groupby(["part", "measure"], sort=True):
        console.print(_rows_table(str(part), str(measure), group, lang))
        console.print()


def _warn_of_change(variant: Variant, row: Mapping, rows: pd.DataFrame, lang: Lang, console: Console) -> None:
    """Say so where the rows, read by the plan of today, don't make what was published."""
    made = recomputed(catalogue(), variant, rows)
    parts = [part for part in ("numerator", "denominator") if pd.notna(row[part])]
    differ = {part: made[part] for part in parts if _is_off(made[part], row[part])}
    if not differ:
        return
    told = "、".join(f"{PART_NAMES[part]} {_plain(value)}" for part, value in differ.items())
    told_en = ", ".join(f"{part} {_plain(value)}" for part, value in differ.items())
    console.print(
        in_one(
            f"以上数据行算得{told}，与发布值不同：该日评估之后方案或程序已变更。请恢复当时的方案，或重新运行该日。",
            f"These rows make {told_en}, which is not what was published: the plan or the program was changed after "
            "the day was evaluated. Put the plan of then back, or run the day again.",
            lang,
        ),
        style="yellow",
    )


def _is_off(made: float | None, published: float) -> bool:
    return made is None or not math.isclose(made, published, rel_tol=1e-9, abs_tol=1e-6)


def _rows_table(part: str, measure: str, rows: pd.DataFrame, lang: Lang) -> RenderableType:
    """The first rows of a measure; what is counted once, ids of customers say, is no amount."""
    is_counted = rows["amount"].isna().all()
    total = rows["counted"].nunique() if is_counted else rows["amount"].sum()
    heads = {
        "row": in_one("数据行", "row", lang),
        "day": in_one("日期", "day", lang),
        "said": in_one("计数对象", "counted", lang) if is_counted else in_one("数额", "amount", lang),
        "from": in_one("来源", "from", lang),
        "line": in_one("行号", "line", lang),
    }
    parts = in_one("、".join(PART_NAMES[name] for name in part.split("+")), part, lang)
    title = in_one(
        f"{measure}（{parts}）：{count(len(rows))} 行，合计 {_plain(total)}",
        f"{measure} ({parts}): {count(len(rows))} rows, {_plain(total)}",
        lang,
    )
    right = (heads["line"],) if is_counted else (heads["said"], heads["line"])
    table = plain_table(*heads.values(), title=title, right=right)
    for row in rows.head(SHOWN).itertuples():
        said = _plain(row.amount) if pd.notna(row.amount) else str(row.counted)
        day = "" if pd.isna(row.day) else f"{row.day:%Y-%m-%d}"
        table.add_row(str(row.row_key or ""), day, said, str(row.source or NOTHING), _plain(row.line))
    if len(rows) > SHOWN:
        more = count(len(rows) - SHOWN)
        table.add_row("…", "", "", in_one(f"另有 {more} 行", f"and {more} more", lang), "")
    return table


def write_rows(rows: pd.DataFrame, file: Path) -> None:
    """Write the rows behind a figure; ids and amounts, nothing that tells who anybody is.

    Raises:
        ConfigurationError: the file can't be written.
    """
    try:
        rows.to_csv(file, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_MINIMAL, date_format="%Y-%m-%d")
    except OSError as error:
        raise ConfigurationError(f"{file} can't be written: {error.strerror or error}") from None
