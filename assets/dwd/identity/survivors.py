"""The golden record: of the values a customer's records hold, column by column the one that counts."""

from collections.abc import Callable

from sqlglot import exp

from pipeline.engine import snippet
from pipeline.plan import Survivor
from quality.contract import Contract

GOLDEN = "identity.golden"
"""Session table with the customer_id, golden_id and cluster_size of every record."""

_HELD = "_held_"


def golden_records(contract: Contract, survivor: Callable[[str], Survivor]) -> exp.Query:
    """One row per golden id, in the columns of the contract's records.

    A value that is not there never wins against one that is. A customer of one record has that record's values.
    """
    records = snippet(
        "select records.*, golden.golden_id, golden.cluster_size from $records as records"
        " inner join $golden as golden on golden.customer_id = records.customer_id",
        records=exp.to_table(contract.gated),
        golden=exp.to_table(GOLDEN),
    )
    columns = [*map(_column, _values(contract)), *_own(contract)]
    alone = exp.select(_golden_id(contract), *columns).from_(records.subquery("records"))
    together = exp.select(_golden_id(contract), *columns).from_(_chosen(contract, records, survivor).subquery("chosen"))
    return exp.union(
        alone.where(snippet("cluster_size = 1")), together.where(snippet("newest_first = 1")), distinct=False
    )


def _values(contract: Contract) -> list[str]:
    return [name for name in contract.by_name if name not in contract.key]


def _chosen(contract: Contract, records: exp.Query, survivor: Callable[[str], Survivor]) -> exp.Select:
    """The records of customers that have several, each with the values that count and its place by age."""
    counts = [
        snippet("count($x) over (partition by golden_id, $x)", x=_column(name)).as_(f"{_HELD}{name}")
        for name in _values(contract)
        if survivor(name) == "most_frequent"
    ]
    several = exp.select("*", *counts).from_(records.subquery("records")).where(snippet("cluster_size > 1"))
    first = [_first(_column(name), _order(name, survivor(name))).as_(name, quoted=True) for name in _values(contract)]
    place = snippet("row_number() over (partition by golden_id order by customer_id)")
    place.set("order", exp.Order(expressions=_newest_first()))
    return exp.select("golden_id", *first, place.as_("newest_first"), "_is_late", "_warnings", "_row_id").from_(
        several.subquery("several")
    )


def _first(value: exp.Expr, order: list[exp.Ordered]) -> exp.Expr:
    window = snippet(
        "first_value($x) over (partition by golden_id order by customer_id"
        " rows between unbounded preceding and unbounded following)",
        x=value,
    )
    window.set("order", exp.Order(expressions=order))
    return window


def _order(name: str, survivor: Survivor) -> list[exp.Ordered]:
    """A total order of a customer's records, the one whose value counts first; what is not there comes last."""
    if survivor == "longest":
        return [_descending(snippet("length(cast($x as varchar))", x=_column(name))), *_newest_first()]
    if survivor == "most_frequent":
        return [_descending(_column(f"{_HELD}{name}")), *_newest_first()]
    is_absent = exp.Ordered(this=snippet("case when $x is null then 1 else 0 end", x=_column(name)))
    return [is_absent, *(_oldest_first() if survivor == "oldest" else _newest_first())]


def _newest_first() -> list[exp.Ordered]:
    return [_descending(snippet("coalesce(updated_at, created_at)")), exp.Ordered(this=_column("customer_id"))]


def _oldest_first() -> list[exp.Ordered]:
    created = exp.Ordered(this=_column("created_at"), nulls_first=False)
    return [created, exp.Ordered(this=_column("customer_id"))]


def _descending(value: exp.Expr) -> exp.Ordered:
    return exp.Ordered(this=value, desc=True, nulls_first=False)


def _golden_id(contract: Contract) -> exp.Expr:
    [key] = contract.key
    return exp.column("golden_id").as_(key, quoted=True)


def _own(contract: Contract) -> list[exp.Expr]:
    """What the gate knows of a row: the day of its event, whether it came late, what it warned of, which row it was."""
    day = [exp.cast(_column(contract.event), "date").as_(contract.event_day)] if _has_day(contract) else []
    return [*day, exp.column("_is_late"), exp.column("_warnings"), exp.column("_row_id")]


def _has_day(contract: Contract) -> bool:
    return contract.event_day not in contract.by_name


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
