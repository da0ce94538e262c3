"""What must hold between tables, and over days: that what a row names is known, that refunds stay within their order.

The gate sees a day of one table; this looks at all that is known on the day. Nothing is kept back for it: an order of a
customer nobody knows was none the less paid. It is counted as a warning, until the missing row comes (I51).
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlglot import exp

from pipeline.engine import Session, snippet
from quality.contract import Contract, Rule, contracts
from quality.rules import message

LAYER = "relations"
LINKS = "dwd.customer_links"


def related_tables() -> list[str]:
    """The tables of dwd that relations look at, sorted."""
    relations = [rule for contract in contracts().values() for rule in contract.relations]
    named = {rule.table for rule in relations} | {rule.arguments.get("table", rule.table) for rule in relations}
    return sorted({LINKS} | {f"dwd.{table}" for table in named})


def relation_results(
    session: Session, delivered: Collection[str], mapped: Mapping[str, frozenset[str]]
) -> list[dict[str, Any]]:
    """Rows of dq.expectation_results; `delivered` are the tables that have a source, `mapped` the columns they fill.

    A relation to a table nobody delivers, or of a column nobody fills, is not evaluated.
    """
    return [
        _result(rule, contract, *_judged(session, rule, contract, delivered, mapped))
        for contract in contracts().values()
        if contract.table in delivered
        for rule in contract.relations
    ]


def _judged(
    session: Session, rule: Rule, contract: Contract, delivered: Collection[str], mapped: Mapping[str, frozenset[str]]
) -> tuple[int, int | None]:
    """Rows looked at, and those that break the rule: None where it can't be told."""
    has_columns = set(rule.columns) <= mapped[contract.table]
    if not has_columns or rule.arguments.get("table", contract.table) not in delivered:
        [(rows,)] = session.rows(exp.select(snippet("count(*)")).from_(f"dwd.{contract.table}"))
        return rows, None
    query = _orphans(rule, contract) if rule.kind == "known" else _exceeding(contract)
    [(rows, broken)] = session.rows(query)
    return rows, int(broken)


def _orphans(rule: Rule, contract: Contract) -> exp.Select:
    """All rows, and those that name what the other table does not have. Of customers any id they ever had will do."""
    table, column = rule.arguments["table"], rule.arguments["column"]
    known, key = (LINKS, "source_customer_id") if table == "customers" else (f"dwd.{table}", column)
    keys = exp.select(exp.column(key, quoted=True).as_("key")).distinct().from_(known).subquery("known")
    x = exp.column(rule.columns[0], "rows", quoted=True)
    is_orphan = snippet("coalesce(sum(case when $x is not null and known.key is null then 1 else 0 end), 0)", x=x)
    return (
        exp.select(snippet("count(*)"), is_orphan)
        .from_(f"dwd.{contract.table} as rows")
        .join(keys, on=exp.column("key", "known").eq(x), join_type="left")
    )


def _exceeding(contract: Contract) -> exp.Select:
    """All refunds, and those of an order that gave back more than it brought, counted in one currency."""
    name = f"dwd.{contract.table}"
    returned = snippet(
        "select refund_of, currency, sum(abs(amount)) as amount, count(*) as refunds from $orders"
        " where kind = 'refund' and refund_of is not null group by refund_of, currency",
        orders=exp.to_table(name),
    )
    query = snippet(
        "select coalesce(sum(r.refunds), 0),"
        " coalesce(sum(case when r.amount > o.amount then r.refunds else 0 end), 0)"
        " from $returned as r left join $orders as o on o.order_id = r.refund_of and o.currency = r.currency"
        " and o.kind = 'sale'",
        returned=returned.subquery(),
        orders=exp.to_table(name),
    )
    return query


def _result(rule: Rule, contract: Contract, total: int, unexpected: int | None) -> dict[str, Any]:
    chinese, english = message(rule, contract)
    return {
        "source": contract.system,
        "table_name": contract.table,
        "layer": LAYER,
        "rule_id": rule.id,
        "dimension": rule.dimension,
        "severity": rule.severity,
        "is_evaluated": unexpected is not None,
        "rows_total": total,
        "unexpected_rows": unexpected,
        "unexpected_rate": unexpected / total if unexpected is not None and total else None,
        "message_zh": chinese,
        "message_en": english,
    }
