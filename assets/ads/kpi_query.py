"""The catalogue as one query: what every KPI is made of, by period and by member of every dimension."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from assets.ads.catalogue import Catalogue, ColumnKind, Fact, Measure, Variant, Window
from pipeline.engine import snippet

TOTAL, ALL, UNKNOWN = "total", "(all)", "(unknown)"
PERIOD = ("period_kind", "period", "period_start", "period_end")
KEYS = (*PERIOD, "dimension", "member")
PERIODS = "plan.periods"

_EXACT = "decimal(38, 6)"
"""Every measure while it is put together: facts fit side by side, and no sum depends on the order of its rows."""
_WINDOWS: Mapping[Window, str] = {
    "within": "$day >= p.period_start and $day < p.period_end",
    "previous": "$day >= p.previous_start and $day < p.previous_end",
    "before": "$day < p.period_start",
}
_READ: Mapping[ColumnKind, str] = {
    "text": "text",
    "flag": "boolean",
    "date": "date",
    # 19 digits, not 18: squares of narrower decimals overflow, since DuckDB multiplies those in 64 bits
    "money": "decimal(19, 2)",
    "number": "decimal(19, 6)",
}


def measured(catalogue: Catalogue) -> exp.Select:
    """Numerator, denominator, observations (n) and moments of every variant, by period, dimension and member.

    Each fact is aggregated by itself before facts meet on a key each has once, so that no join can multiply rows. A
    member any fact knows in a period has a row, and the total always has one.
    """
    keys = exp.union(_spine(), *(exp.select(*KEYS).from_(name) for name in catalogue.facts), distinct=True)
    together = exp.select(*(exp.column(name, "keys") for name in KEYS)).from_("keys")
    for name, fact in catalogue.facts.items():
        # copies of a growing query would take longer than running it
        together.select(*(_filled(column, taken, name) for column, taken in _taken(fact).items()), copy=False)
        together.join(name, on=_same_key(name), join_type="left", copy=False)
    query = exp.select(*KEYS, *_parts(catalogue), *_shared(catalogue)).from_("together")
    for name, fact in catalogue.facts.items():
        query.with_(name, as_=_aggregated(fact), copy=False)
    return query.with_("keys", as_=keys, copy=False).with_("together", as_=together, copy=False)


def part_column(kpi: str, variant: str, part: str) -> str:
    """The column of `measured` that holds a part (numerator, denominator, n, spread, cross, square) of a variant."""
    return f"{kpi} {variant} {part}"


def measure_column(name: str) -> str:
    """The column of `measured` that holds a measure of a shared fact by itself."""
    return f"measure {name}"


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


def _dimension(fact: Fact) -> exp.Expr:
    """Which dimension a row is about: members are never NULL, so it is the one that has a value."""
    if not fact.dimensions:
        return exp.Literal.string(TOTAL)
    case = exp.Case()
    for name in fact.dimensions:
        case = case.when(snippet("$column is not null", column=exp.column(name)), exp.Literal.string(name))
    return case.else_(exp.Literal.string(TOTAL))


def _in_period(fact: Fact) -> exp.Select:
    """The fact's rows, once for each period that holds them."""
    query = exp.select(*(exp.column(name, "p") for name in PERIOD), *members(fact), *read_columns(fact))
    return query.from_(_table(fact.table, "f")).join(_table(PERIODS, "p"), on=in_window(fact))


def read_columns(fact: Fact) -> list[exp.Expr]:
    """The columns measures look at, in types whose sums are exact."""
    return [exp.cast(exp.column(name, "f"), _READ[kind]).as_(name) for name, kind in fact.columns.items()]


def members(fact: Fact) -> list[exp.Expr]:
    """The member of each dimension a row is under; what the source does not name is unknown."""
    return [
        snippet("coalesce($column, $unknown)", column=exp.column(column, "f"), unknown=UNKNOWN).as_(name)
        for name, column in fact.dimensions.items()
    ]


def in_window(fact: Fact) -> exp.Expr:
    """Whether a row f of the fact counts in a period p."""
    if fact.date is None:
        return snippet("true")
    return snippet(_WINDOWS[fact.window], day=exp.column(fact.date, "f"))


def _spine() -> exp.Select:
    """The total of every period, so that one without any rows is still told of."""
    key = (_named(exp.Literal.string(TOTAL), "dimension"), _named(exp.Literal.string(ALL), "member"))
    return exp.select(*PERIOD, *key).from_(_table(PERIODS, "p"))


def _same_key(fact: str) -> exp.Expr:
    same = [exp.EQ(this=exp.column(name, fact), expression=exp.column(name, "keys")) for name in KEYS]
    return exp.and_(*same)


def _filled(name: str, taken: _Taken, fact: str) -> exp.Expr:
    """The one value taken for a key."""
    column = exp.column(name, fact, quoted=True)
    return _named(snippet("coalesce($column, 0)", column=column) if taken.is_zero_without_rows else column, name)


def _parts(catalogue: Catalogue) -> Iterator[exp.Expr]:
    for kpi_name, kpi in catalogue.kpis.items():
        for variant_name, variant in kpi.variants.items():
            for part, expression in _parts_of(catalogue, variant).items():
                yield _named(exp.cast(expression, "double"), part_column(kpi_name, variant_name, part))


def _shared(catalogue: Catalogue) -> Iterator[exp.Expr]:
    """The measures whose rows without a member are missing from the members' figures."""
    for fact in catalogue.facts.values():
        if fact.shared is not None:
            for name in fact.measures:
                yield _named(exp.cast(exp.column(name, quoted=True), "double"), measure_column(name))


def _parts_of(catalogue: Catalogue, variant: Variant) -> dict[str, exp.Expr]:
    observed = _observations(variant.observed, catalogue.measure(variant.observed))
    return variant.parts | {"n": exp.column(observed, quoted=True)}


def _named(expression: exp.Expr, name: str) -> exp.Expr:
    return expression.as_(name, quoted=True)


def _table(name: str, alias: str) -> exp.Table:
    schema, table = name.split(".")
    return exp.table_(table, db=schema, alias=alias)
