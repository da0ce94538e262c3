"""The catalogue as one query: what every KPI is made of, by period and by member of every dimension."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from assets.ads.catalogue import PERIOD_COLUMNS, Catalogue, ColumnKind, Fact, Measure, Variant, Window
from pipeline.engine import snippet
from pipeline.plan_tables import WHOLE

TOTAL, ALL = WHOLE
UNKNOWN = "(unknown)"
PERIOD = ("period_kind", "period", "period_start", "period_end")
KEYS = (*PERIOD, "dimension", "member")
PERIODS, TARGETS = "plan.periods", "plan.targets"
BRIEF = ("day", "week")
"""Periods in which a member has a row only of what was observed: of most people most KPIs have nothing on most days."""

_KEY = ("period_no", "dimension", "member")
_DAY = ("period_block", "period_bits")
"""The periods a day is in: the sum of their bits, by block of as many periods as a number has bits."""
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
_Missing = Literal["nothing", "zero", "zero if known"]
"""What a part says of a key it has no row for; one may be known, since the fact has rows for it."""


def measured(catalogue: Catalogue) -> exp.Select:
    """Numerator, denominator, observations (n) and moments of every variant, by period, dimension and member.

    Each fact is aggregated by itself before facts meet on a key each has once, so that no join can multiply rows. A
    member any fact knows in a period has a row, one with a target of its own too, and the total always.

    The rows of a day are in the same periods: they are aggregated by these, and only what comes out is told of each
    period.
    """
    keys = exp.union(_spine(), _aimed(), *(exp.select(*_KEY).from_(name) for name in catalogue.facts), distinct=True)
    together = exp.select(*(exp.column(name, "keys") for name in _KEY)).from_("keys")
    query = exp.select(*(exp.column(name, "p") for name in PERIOD), "dimension", "member")
    query.select(*_parts(catalogue), *_shared(catalogue), copy=False)
    query.from_("together", copy=False).join(_table(PERIODS, "p"), using=["period_no"], copy=False)
    for name, fact in catalogue.facts.items():
        if fact.date is not None:
            query.with_(_quoted(_days_of(name)), as_=_days(fact), copy=False)
        for part_name, part in _parts_of_fact(name, fact).items():
            # copies of a growing query would take longer than running it
            query.with_(_quoted(part_name), as_=part.query, copy=False)
            filled = (_filled(column, missing, part_name, name) for column, missing in part.columns.items())
            together.select(*filled, copy=False)
            together.join(_quoted(part_name), on=_same_key(part_name), join_type="left", copy=False)
    return query.with_("keys", as_=keys, copy=False).with_("together", as_=together, copy=False)


def part_column(kpi: str, variant: str, part: str) -> str:
    """The column of `measured` that holds a part (numerator, denominator, n, spread, cross, square) of a variant."""
    return f"{kpi} {variant} {part}"


def measure_column(name: str) -> str:
    """The column of `measured` that holds a measure of a shared fact by itself."""
    return f"measure {name}"


@dataclass(frozen=True)
class _Part:
    """A query with one row per period, dimension and member, and what its columns say where it has none."""

    query: exp.Select
    columns: Mapping[str, _Missing]


def _parts_of_fact(name: str, fact: Fact) -> dict[str, _Part]:
    """What is taken over the rows of a fact, by the way it is taken; the first part has every key of the fact."""
    summed: dict[str, Measure] = {}
    by_period: dict[str, Measure] = {}
    counted: dict[exp.Expr, dict[str, Measure]] = {}
    for measure_name, measure in fact.measures.items():
        if fact.date is None or set(measure.columns) & set(PERIOD_COLUMNS):
            by_period[measure_name] = measure
        elif measure.is_distinct:
            counted.setdefault(measure.counted, {})[measure_name] = measure
        else:
            summed[measure_name] = measure
    parts = [_summed(name, fact, summed)] if fact.date is not None else []
    parts += [_by_period(fact, by_period)] if by_period else []
    parts += [_counted(name, fact, value, measures) for value, measures in counted.items()]
    return {f"{name} {number}" if number else name: part for number, part in enumerate(parts)}


def _summed(name: str, fact: Fact, measures: Mapping[str, Measure]) -> _Part:
    """Sums and counts, first over the rows that are in the same periods."""
    taken = _taken(measures)
    sums = exp.select(*_DAY, *_under(fact), *(_named(value, column) for column, value in taken.items()))
    sums = _grouped(sums.from_(_of_days(name, fact).subquery("f")), fact, _DAY)
    totals = [_named(exp.Sum(this=exp.column(column, quoted=True)), column) for column in taken]
    query = exp.select(*_KEY, *totals).from_(sums.subquery("s"))
    query = query.join(
        _table(PERIODS, "p"), on=exp.and_("p.period_block = s.period_block", _is_in(exp.column("period_bits", "s")))
    )
    return _Part(query.group_by(*_KEY), _missing(measures))


def _by_period(fact: Fact, measures: Mapping[str, Measure]) -> _Part:
    """What looks at the period itself, or has no date: over each row, once for each period that holds it."""
    taken = _taken(measures)
    query = exp.select("period_no", *_under(fact), *(_named(value, column) for column, value in taken.items()))
    return _Part(_grouped(query.from_(_in_period(fact).subquery("f")), fact, ["period_no"]), _missing(measures))


def _counted(name: str, fact: Fact, value: exp.Expr, measures: Mapping[str, Measure]) -> _Part:
    """How many different values have a row for which a measure's condition holds.

    First the periods in which a value has such rows, then how many values have them in the same periods:
    `count(distinct)` would keep every value again for each measure and period, at several times the time and memory.
    """
    held = [exp.column(measure, quoted=True) for measure in measures]
    periods = [_named(exp.BitwiseOrAgg(this=column), column.name) for column in held]
    seen = exp.select("period_block", *_under(fact), *periods).from_(_held(name, fact, value, measures).subquery("f"))
    seen = _grouped(seen, fact, ["period_block", "counted"])
    alike = exp.select("period_block", "dimension", "member", *held, "count(*) as counted").from_(seen.subquery("f"))
    alike = alike.group_by("period_block", "dimension", "member", *held)
    values = exp.Sum(this=exp.column("counted"))
    counts = [_named(exp.cast(_if(values.copy(), _is_in(column)), _EXACT), column.name) for column in held]
    query = exp.select(*_KEY, *counts).from_(alike.subquery("s"))
    query = query.join(_table(PERIODS, "p"), on="p.period_block = s.period_block").group_by(*_KEY)
    return _Part(query, _missing(measures, unknown="zero if known"))


def _held(name: str, fact: Fact, value: exp.Expr, measures: Mapping[str, Measure]) -> exp.Select:
    """The value counted in each row, and the row's periods for every measure whose condition it fulfils, if for any."""
    periods = {
        measure: snippet("case when $condition then period_bits end", condition=told.condition or exp.true())
        for measure, told in measures.items()
    }
    rows = exp.select("period_block", *fact.dimensions, value.as_("counted"))
    rows = rows.select(*(_named(bits, measure) for measure, bits in periods.items()))
    any_of_them = exp.func("coalesce", *(bits.copy() for bits in periods.values()))
    return rows.from_(_of_days(name, fact).subquery("f")).where(
        snippet("$value is not null and $any is not null", value=value, any=any_of_them)
    )


def _taken(measures: Mapping[str, Measure]) -> dict[str, exp.Expr]:
    """Every measure, and behind a sum the number of values summed."""
    found = {}
    for name, measure in measures.items():
        found[name] = exp.cast(_if(measure.aggregate.copy(), measure.condition), _EXACT)
        if isinstance(measure.aggregate, exp.Sum):
            rows = exp.Count(this=measure.aggregate.this.copy())
            found[_observations(name, measure)] = exp.cast(_if(rows, measure.condition), _EXACT)
    return found


def _missing(measures: Mapping[str, Measure], unknown: _Missing = "nothing") -> dict[str, _Missing]:
    """The same columns, and what they are without rows."""
    found: dict[str, _Missing] = {_observations(name, measure): "zero" for name, measure in measures.items()}
    found.update((name, unknown) for name, measure in measures.items() if measure.without_rows == "unknown")
    return found | {name: "zero" for name, measure in measures.items() if measure.without_rows == "zero"}


def _observations(name: str, measure: Measure) -> str:
    """The column that holds how many observations a measure was taken over; a count is its own."""
    return f"{name} rows" if isinstance(measure.aggregate, exp.Sum) else name


def _if(aggregate: exp.AggFunc, condition: exp.Expr | None) -> exp.Expr:
    """An aggregate over the rows that fulfil a condition."""
    if condition is None:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition.copy()))


def _is_in(bits: exp.Expr) -> exp.Expr:
    """Whether period p is one of those."""
    return snippet("$bits & p.period_bit > 0", bits=bits)


def _grouped(query: exp.Select, fact: Fact, by: Sequence[str]) -> exp.Select:
    """The query over all rows, and by member of each dimension."""
    sets = [by, *((*by, dimension) for dimension in fact.dimensions)]
    grouping = exp.GroupingSets(
        expressions=[exp.Tuple(expressions=[exp.column(name) for name in names]) for names in sets]
    )
    query.set("group", exp.Group(expressions=[grouping]))
    return query


def _under(fact: Fact) -> tuple[exp.Expr, exp.Expr]:
    """Dimension and member of a row by grouping sets: members are never NULL, so it is the one that has a value."""
    if not fact.dimensions:
        return exp.alias_(exp.Literal.string(TOTAL), "dimension"), exp.alias_(exp.Literal.string(ALL), "member")
    dimension = exp.Case()
    for name in fact.dimensions:
        dimension = dimension.when(snippet("$column is not null", column=exp.column(name)), exp.Literal.string(name))
    member = exp.func("coalesce", *(exp.column(name) for name in fact.dimensions), exp.Literal.string(ALL))
    return dimension.else_(exp.Literal.string(TOTAL)).as_("dimension"), member.as_("member")


def _days_of(fact: str) -> str:
    return f"days of {fact}"


def _days(fact: Fact) -> exp.Select:
    """The fact's days and the periods each is in."""
    days = exp.select(fact.date).distinct().from_(exp.to_table(fact.table)).subquery("f")
    bits = snippet("cast(sum(p.period_bit) as bigint)").as_("period_bits")
    query = exp.select(exp.column(fact.date, "f").as_("day"), "p.period_block", bits).from_(days)
    return query.join(_table(PERIODS, "p"), on=in_window(fact)).group_by("day", "p.period_block")


def _of_days(name: str, fact: Fact) -> exp.Select:
    """The fact's rows that are in any period, each with those it is in."""
    query = exp.select(*(exp.column(column, "d") for column in _DAY), *members(fact), *read_columns(fact))
    days = exp.table_(_quoted(_days_of(name)), alias="d")
    return query.from_(_table(fact.table, "f")).join(days, on=exp.column(fact.date, "f").eq(exp.column("day", "d")))


def _in_period(fact: Fact) -> exp.Select:
    """The fact's rows, once for each period that holds them."""
    bounds = [exp.column(name, "p") for name in ("period_no", *PERIOD_COLUMNS)]
    query = exp.select(*bounds, *members(fact), *read_columns(fact))
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
    return exp.select("period_no", *key).from_(_table(PERIODS, "p"))


def _aimed() -> exp.Select:
    """Members with a target of their own: who has reached nothing of it is told of, and who exists nowhere."""
    query = exp.select("p.period_no", "t.dimension", "t.member").from_(_table(TARGETS, "t"))
    query = query.join(_table(PERIODS, "p"), on="p.period_kind = t.period_kind and p.period = t.period")
    return query.where(exp.column("period_kind", "p").isin(*BRIEF).not_())


def _same_key(part: str) -> exp.Expr:
    table = _quoted(part)
    same = [exp.EQ(this=exp.column(name, table), expression=exp.column(name, "keys")) for name in _KEY]
    return exp.and_(*same)


def _filled(name: str, missing: _Missing, part: str, fact: str) -> exp.Expr:
    """The one value taken for a key."""
    column = exp.column(name, part, quoted=True)
    if missing == "nothing":
        return _named(column, name)
    filled = snippet("coalesce($column, 0)", column=column)
    if missing == "zero if known":
        filled = snippet(
            "case when $known is not null then $filled end", known=exp.column("member", fact), filled=filled
        )
    return _named(filled, name)


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


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _named(expression: exp.Expr, name: str) -> exp.Expr:
    return expression.as_(name, quoted=True)


def _table(name: str, alias: str) -> exp.Table:
    schema, table = name.split(".")
    return exp.table_(table, db=schema, alias=alias)
