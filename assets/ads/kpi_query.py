"""The catalogue as one query: what every KPI is made of, by period and by member of every dimension."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from assets.ads.catalogue import Catalogue, ColumnKind, Fact, Measure, Variant
from pipeline.engine import snippet

TOTAL, ALL, UNKNOWN = "total", "(all)", "(unknown)"
PERIOD = ("period_kind", "period", "period_start", "period_end")
KEYS = (*PERIOD, "dimension", "member")
PERIODS = "plan.periods"

_EXACT = "decimal(38, 6)"
"""Every measure while it is put together: facts fit side by side, and no sum depends on the order of its rows."""
_READ: Mapping[ColumnKind, str] = {
    "text": "text",
    "flag": "boolean",
    "date": "date",
    # 19 digits, not 18: squares of narrower decimals overflow, since DuckDB multiplies those in 64 bits
    "money": "decimal(19, 2)",
    "number": "decimal(19, 6)",
}


def measured(catalogue: Catalogue) -> exp.Select:
    """Numerator, denominator, observations (n) and spread of every variant, by period, dimension and member.

    Each fact is aggregated by itself before facts meet, so that no join can multiply rows. A member any fact knows
    in a period has a row, and the total always has one.
    """
    taken = {name: taken for fact in catalogue.facts.values() for name, taken in _taken(fact).items()}
    merged = exp.union(
        _spine(taken), *(_beside(name, fact, taken) for name, fact in catalogue.facts.items()), distinct=False
    )
    together = (
        exp.select(*KEYS, *(_filled(name, column) for name, column in taken.items())).from_("merged").group_by(*KEYS)
    )
    query = exp.select(*KEYS, *_parts(catalogue)).from_("together")
    for name, fact in catalogue.facts.items():
        query.with_(name, as_=_aggregated(fact), copy=False)
    return query.with_("merged", as_=merged, copy=False).with_("together", as_=together, copy=False)


def part_column(kpi: str, variant: str, part: str) -> str:
    """The column of `measured` that holds a part (numerator, denominator, n, spread) of a variant."""
    return f"{kpi} {variant} {part}"


@dataclass(frozen=True)
class _Taken:
    """What is taken over the rows of a fact, and what it is where there are none."""

    aggregate: exp.Expr
    is_zero_without_rows: bool


def _taken(fact: Fact) -> dict[str, _Taken]:
    """Every measure of a fact, and behind a sum the number of values summed."""
    found = {}
    for name, measure in fact.measures.items():
        found[name] = _Taken(_where(measure.aggregate, measure), measure.without_rows == "zero")
        if isinstance(measure.aggregate, exp.Sum):
            found[_observations(name, measure)] = _Taken(_where(exp.Count(this=measure.aggregate.this), measure), True)
    return found


def _observations(name: str, measure: Measure) -> str:
    """The column that holds how many observations a measure was taken over; a count is its own."""
    return f"{name} rows" if isinstance(measure.aggregate, exp.Sum) else name


def _where(aggregate: exp.AggFunc, measure: Measure) -> exp.Expr:
    kept = aggregate.copy()
    if measure.condition is not None:
        kept = exp.Filter(this=kept, expression=exp.Where(this=measure.condition.copy()))
    return exp.cast(kept, _EXACT)


def _aggregated(fact: Fact) -> exp.Select:
    """A fact's measures by period, and by period and member of each dimension."""
    sets = [(*PERIOD,), *((*PERIOD, dimension) for dimension in fact.dimensions)]
    grouping = exp.GroupingSets(
        expressions=[exp.Tuple(expressions=[exp.column(name) for name in names]) for names in sets]
    )
    member = exp.func("coalesce", *(exp.column(name) for name in fact.dimensions), exp.Literal.string(ALL))
    query = exp.select(*PERIOD, _dimension(fact).as_("dimension"), member.as_("member"))
    query = query.select(*(_named(column.aggregate, name) for name, column in _taken(fact).items()))
    query = query.from_(_in_period(fact).subquery("in_period"))
    query.set("group", exp.Group(expressions=[grouping]))
    return query


def _dimension(fact: Fact) -> exp.Case:
    """Which dimension a row is about: members are never NULL, so it is the one that has a value."""
    case = exp.Case()
    for name in fact.dimensions:
        case = case.when(snippet("$column is not null", column=exp.column(name)), exp.Literal.string(name))
    return case.else_(exp.Literal.string(TOTAL))


def _in_period(fact: Fact) -> exp.Select:
    """The fact's rows, once for each period that holds them."""
    members = [
        snippet("coalesce($column, $unknown)", column=exp.column(column, "f"), unknown=UNKNOWN).as_(name)
        for name, column in fact.dimensions.items()
    ]
    columns = [exp.cast(exp.column(name, "f"), _READ[kind]).as_(name) for name, kind in fact.columns.items()]
    within = snippet("$day >= p.period_start and $day < p.period_end", day=exp.column(fact.date, "f"))
    query = exp.select(*(exp.column(name, "p") for name in PERIOD), *members, *columns)
    return query.from_(_table(fact.table, "f")).join(_table(PERIODS, "p"), on=within)


def _beside(name: str, fact: Fact, every: Iterable[str]) -> exp.Select:
    """A fact's aggregates, with room for those of the others."""
    own = _taken(fact)
    return exp.select(
        *KEYS, *(exp.column(column, quoted=True) if column in own else _nothing(column) for column in every)
    ).from_(name)


def _spine(every: Iterable[str]) -> exp.Select:
    """The total of every period, so that one without any rows is still told of."""
    key = (_named(exp.Literal.string(TOTAL), "dimension"), _named(exp.Literal.string(ALL), "member"))
    return exp.select(*PERIOD, *key, *(_nothing(column) for column in every)).from_(_table(PERIODS, "p"))


def _nothing(column: str) -> exp.Expr:
    return _named(exp.cast(exp.null(), _EXACT), column)


def _filled(name: str, taken: _Taken) -> exp.Expr:
    """The one value taken for a key."""
    template = "coalesce(max($column), 0)" if taken.is_zero_without_rows else "max($column)"
    return _named(snippet(template, column=exp.column(name, quoted=True)), name)


def _parts(catalogue: Catalogue) -> Iterator[exp.Expr]:
    for kpi_name, kpi in catalogue.kpis.items():
        for variant_name, variant in kpi.variants.items():
            for part, expression in _parts_of(catalogue, variant).items():
                yield _named(exp.cast(expression, "double"), part_column(kpi_name, variant_name, part))


def _parts_of(catalogue: Catalogue, variant: Variant) -> dict[str, exp.Expr]:
    observed = _observations(variant.observed, catalogue.measure(variant.observed))
    return variant.parts | {"n": exp.column(observed, quoted=True)}


def _named(expression: exp.Expr, name: str) -> exp.Expr:
    return expression.as_(name, quoted=True)


def _table(name: str, alias: str) -> exp.Table:
    schema, table = name.split(".")
    return exp.table_(table, db=schema, alias=alias)
