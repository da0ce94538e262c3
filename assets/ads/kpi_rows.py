"""From a KPI back to the rows it is made of: the rows of its facts, and the lines those were delivered on."""

from collections.abc import Iterator, Mapping

import pandas as pd
from sqlglot import exp

from assets.ads.catalogue import Catalogue, Fact, Measure, Variant
from assets.ads.expressions import names
from assets.ads.kpi_query import ALL, TOTAL, in_window, members, read_columns
from pipeline.engine import Session, snippet

ROWS = ("measure", "fact_table", "row_key", "member", "day", "amount", "counted")
"""A row of a measure: its key in the fact, its day, what it adds, and what is counted as different things."""
EXACT = "decimal(38, 6)"


def measure_rows(
    session: Session, kpis: Catalogue, variant: Variant, *, period: Mapping[str, str], dimension: str, member: str
) -> pd.DataFrame:
    """Every row of every measure of a variant, in one period, of one member; one row per measure and fact row."""
    pieces = [
        session.frame(rows_query(kpis.facts[kpis.fact_of[name]], name, period, dimension, member))
        for name in counted_measures(variant)
    ]
    rows = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(ROWS))
    return rows.sort_values(["measure", "row_key", "day"], kind="stable", ignore_index=True)


def counted_measures(variant: Variant) -> list[str]:
    """Measures of numerator and denominator; those of the interval are not the value's."""
    parts = (variant.parts[part] for part in ("numerator", "denominator") if part in variant.parts)
    return list(dict.fromkeys(name for part in parts for name in names(part)))


def rows_query(fact: Fact, name: str, period: Mapping[str, str], dimension: str, member: str) -> exp.Select:
    """The rows that one measure of a fact is taken over."""
    measure = fact.measures[name]
    key = exp.column(fact.rows.column, "f") if fact.rows else exp.null()
    day = exp.column(fact.date, "f") if fact.date else exp.null()
    inner = exp.select(
        *(exp.column(column, "p") for column in ("period", "period_start", "period_end")),
        *members(fact),
        *read_columns(fact),
        exp.cast(key, "text").as_("row_key"),
        exp.cast(day, "date").as_("row_day"),
    )
    schema, table = fact.table.split(".")
    inner = inner.from_(exp.table_(table, db=schema, alias="f"))
    inner = inner.join(exp.table_("periods", db="plan", alias="p"), on=in_window(fact))
    inner = inner.where(
        snippet("p.period_kind = $kind and p.period = $label", kind=period["period_kind"], label=period["period"])
    )
    query = exp.select(
        exp.Literal.string(name).as_("measure"),
        exp.Literal.string(fact.table).as_("fact_table"),
        exp.column("row_key"),
        (exp.column(dimension) if dimension in fact.dimensions else exp.Literal.string(ALL)).as_("member"),
        exp.column("row_day").as_("day"),
        _amount(measure).as_("amount"),
        _counted(measure).as_("counted"),
    ).from_(inner.subquery("rows"))
    for condition in _conditions(fact, measure, dimension, member):
        query = query.where(condition)
    return query


def _conditions(fact: Fact, measure: Measure, dimension: str, member: str) -> Iterator[exp.Expr]:
    if measure.condition is not None:
        yield measure.condition.copy()
    if dimension != TOTAL:
        yield snippet("$column = $member", column=exp.column(dimension), member=member)
    said = measure.aggregate.this
    if not isinstance(said, exp.Star | exp.Distinct):
        yield exp.Not(this=exp.Is(this=said.copy(), expression=exp.null()))
    elif isinstance(said, exp.Distinct):
        yield exp.Not(this=exp.Is(this=said.expressions[0].copy(), expression=exp.null()))


def _amount(measure: Measure) -> exp.Expr:
    """What a row adds to a sum; a row that is counted adds one, of different things nothing is added."""
    if isinstance(measure.aggregate, exp.Sum):
        return exp.cast(exp.cast(measure.aggregate.this.copy(), EXACT), "double")
    return exp.cast(exp.null() if measure.is_distinct else exp.Literal.number(1), "double")


def _counted(measure: Measure) -> exp.Expr:
    """What different things are told apart by."""
    if not measure.is_distinct:
        return exp.cast(exp.null(), "text")
    return exp.cast(measure.aggregate.this.expressions[0].copy(), "text")


def recomputed(kpis: Catalogue, variant: Variant, rows: pd.DataFrame) -> dict[str, float | None]:
    """Numerator, denominator and value out of the listed rows alone."""
    totals = {name: _total(kpis.measure(name), rows.loc[rows["measure"] == name]) for name in counted_measures(variant)}
    parts = {
        part: evaluated(variant.parts[part], totals) for part in ("numerator", "denominator") if part in variant.parts
    }
    numerator, denominator = parts["numerator"], parts.get("denominator")
    if variant.denominator is None:
        value = numerator
    else:
        value = numerator / denominator if numerator is not None and denominator else None
    return {"numerator": numerator, "denominator": denominator, "value": value}


def _total(measure: Measure, rows: pd.DataFrame) -> float | None:
    if rows.empty and measure.without_rows == "unknown":
        return None
    return float(rows["counted"].nunique() if measure.is_distinct else rows["amount"].sum())


def evaluated(expression: exp.Expr, totals: Mapping[str, float | None]) -> float | None:
    """An arithmetic expression over measures; None as soon as one of them is unknown."""
    if isinstance(expression, exp.Paren):
        return evaluated(expression.this, totals)
    if isinstance(expression, exp.Column):
        return totals[expression.name]
    if isinstance(expression, exp.Literal):
        return float(expression.this)
    if isinstance(expression, exp.Neg):
        only = evaluated(expression.this, totals)
        return None if only is None else -only
    left, right = evaluated(expression.left, totals), evaluated(expression.right, totals)
    if left is None or right is None:
        return None
    if isinstance(expression, exp.Add):
        return left + right
    return left - right if isinstance(expression, exp.Sub) else left * right


def line_query(key: str, contract: str, wanted: str) -> exp.Select:
    """The lines behind keys of a contract's table: their system, file and line; the table `wanted` holds the keys."""
    schema, table = wanted.split(".")
    query = exp.select("w.row_key", "d._row_id as row_id", "o._source as source", "o._line as line").distinct()
    same_key = exp.EQ(this=exp.column(key, "d"), expression=exp.column("row_key", "w"))
    return (
        query.from_(exp.table_(table, db=schema, alias="w"))
        .join(exp.table_(contract, db="dwd", alias="d"), on=same_key)
        .join(exp.table_(contract, db="ods", alias="o"), on="o._row_id = d._row_id", join_type="left")
    )
