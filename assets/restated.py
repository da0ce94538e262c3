"""What can have changed a published figure: the sources of two days, or of two runs of one day, side by side."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import pyarrow.parquet as pq
from sqlglot import exp

from assets.ads.catalogue import Catalogue, Variant, catalogue
from assets.day import ProjectDay
from pipeline.engine import Relation, snippet
from pipeline.erasures import ERASURES_FILE
from pipeline.lake import MissingPartition
from pipeline.warehouse import Sign
from quality.contract import Contract, contracts

CORRECTIONS = "corrections"
"""Begins the names of inputs that are corrections."""
LOOKS_ON = frozenset({"dws.customer_segments", "dws.customer_starts"})
"""Tables that say of a customer of old what has become of it up to the day evaluated."""
ENTRY = ("recorded_at", "recorded_on", "updated_at")
"""Columns that say when a row was entered: nothing that happened."""
LINKS = "dwd.customer_links"

_DIFFERENCES = """
    with joined as (
        select
            list_sort(list_distinct(list_append($moved_days, $day))) as days,
            case
                when $is_gone then 'withdrawn_rows'
                when $is_new and $is_refund then 'refund'
                when $is_new then 'late_data'
                when $has_progressed then 'progress'
                when $is_told_late then 'late_data'
                else 'corrected_rows'
            end as cause
        from now.rows as n
        full join before.rows as b on $same_key
        where case
            when $is_gone then $is_whole
            when $is_new then coalesce($day < $earlier, true)
            else $is_changed
        end
    )
    select j.cause, j.days, count(*) as rows_moved
    from joined as j
    group by j.cause, j.days
    order by j.cause, j.days
"""
_MERGED = """
    select count(*)
    from now.rows as n
    inner join before.rows as b on b.source_customer_id = n.source_customer_id
    where n.customer_id <> b.customer_id
"""


class LakeWitness:
    """Tells what differs between the sources of a day and those an earlier publication was made of."""

    def __init__(self, day: ProjectDay) -> None:
        self.day = day

    def made_of(self) -> list[dict[str, Any]]:
        """Every source table of every figure, and whether the figure looks on."""
        known = catalogue()
        return [
            {"kpi": name, "variant": variant_name, "table_name": table, "looks_on": _looks_on(known, variant)}
            for name, kpi in known.kpis.items()
            for variant_name, variant in kpi.variants.items()
            for table in known.contracts(variant)
        ]

    def tables(self) -> list[dict[str, str]]:
        """What the source tables are called."""
        return [
            {"table_name": name, "table_zh": contract.label.zh, "table_en": contract.label.en}
            for name, contract in contracts().items()
        ]

    def same_day(self, before: Mapping[str, str], now: Mapping[str, str]) -> list[Sign]:
        """Inputs that came, went or changed since the day was run last; the rows of then are not kept."""
        tables = self._tables_of_inputs()
        found = [
            _sign_of_input(name, before, now, tables.get(name))
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        ]
        return sorted(set(found), key=lambda sign: (sign.table_name or "", sign.cause))

    def since(self, earlier: date, tables: Collection[str]) -> list[Sign]:
        """Rows of before an earlier day that came, went or changed since; nothing of a table whose day is not kept."""
        found = [sign for table in sorted(tables) for sign in self._differences(contracts()[table], earlier)]
        found += [sign for table in sorted(tables) for sign in self._sources(table, earlier)]
        return found + (self._merged(earlier) if "customers" in tables else [])

    def _tables_of_inputs(self) -> dict[str, str]:
        found = {}
        for table in contracts():
            deliveries = self.day.read(f"deliveries.{table}")
            found |= {f"{row.source}:{row.input}": table for row in deliveries.itertuples()}
            files = self.day.corrections.files(table, self.day.as_of)
            found |= {f"{CORRECTIONS}:{file.name}": table for file in files}
        return found

    def _differences(self, contract: Contract, earlier: date) -> list[Sign]:
        """The rows of a table by what happened to them, and by the days that concerns."""
        try:
            before = ProjectDay(self.day.project, earlier).relation(contract.gated)
            now = self._since(contract, earlier)
        except MissingPartition:
            return []
        if not now.files:
            return []
        known = set(pq.read_schema(before.files[0]).names) & set(pq.read_schema(now.files[0]).names)
        rows = self._compared(before, now, differences(contract, known, earlier, is_whole=not now.key))
        return [Sign(contract.table, cause, tuple(days), moved) for cause, days, moved in rows]

    def _since(self, contract: Contract, earlier: date) -> Relation:
        """The table now; of increments only what came after the earlier day, for nothing else can have changed it."""
        now = self.day.relation(contract.gated)
        if not now.key:
            return now
        days = [day for day in self.day.lake.days(contract.gated) if earlier < day <= self.day.as_of]
        return Relation(tuple(self.day.lake.file(contract.gated, day) for day in days), now.key)

    def _sources(self, table: str, earlier: date) -> list[Sign]:
        try:
            before = set(ProjectDay(self.day.project, earlier).read(f"deliveries.{table}")["source"])
        except MissingPartition:
            return []
        now = set(self.day.read(f"deliveries.{table}")["source"])
        came, went = bool(now - before), bool(before - now)
        return [Sign(table, "source_added")] * came + [Sign(table, "source_withdrawn")] * went

    def _merged(self, earlier: date) -> list[Sign]:
        try:
            before, now = (self.day.lake.snapshot(LINKS, day) for day in (earlier, self.day.as_of))
        except MissingPartition:
            return []
        [(moved,)] = self._compared(before, now, snippet(_MERGED))
        return [Sign("customers", "merge", rows_moved=moved)] if moved else []

    def _compared(self, before: Relation, now: Relation, query: exp.Expr) -> list[tuple]:
        tables = {"before.rows": before, "now.rows": now}
        with self.day.engine.session(zone=self.day.project.plan.timezone, tables=tables, values={}) as session:
            return session.rows(query)


def differences(contract: Contract, known: Collection[str], earlier: date, *, is_whole: bool) -> exp.Expr:
    """How the rows of `now.rows` differ from those of `before.rows`: cause, days it concerns, number of rows.

    Args:
        contract: The table's.
        known: Columns that both have.
        earlier: What happened on this day or after it could not be known before.
        is_whole: Whether `now.rows` has every row of the table, so that one that is missing is gone.
    """
    columns = [column for column in contract.columns if column.name in known and column.name not in ENTRY]
    moments = [column.name for column in columns if column.type in ("date", "timestamp")]
    moments = [name for name in moments if name not in (contract.event, contract.event_day)]
    required = min(set(contract.key) - contract.optional_key)
    return snippet(
        _DIFFERENCES,
        day=_day(contract.event_day if contract.event_day in known else None),
        moved_days=exp.array(*map(_moved_day, moments)) if moments else snippet("cast([] as date[])"),
        is_gone=snippet("$key is null", key=exp.column(required, "n")),
        is_whole=is_whole,
        is_new=snippet("$key is null", key=exp.column(required, "b")),
        is_changed=_any([_differs(column.name) for column in columns if column.name not in contract.key]),
        is_refund=snippet("n.kind = 'refund'") if "refund_of" in contract.by_name else exp.false(),
        has_progressed=_any([_has_progressed(name, earlier) for name in moments]),
        is_told_late=_any([_is_told_late(name) for name in moments]),
        earlier=earlier,
        same_key=exp.and_(*(_is_same(name, contract) for name in contract.key)),
    )


def _day(column: str | None) -> exp.Expr:
    return snippet("cast(null as date)") if column is None else _either(column)


def _either(column: str) -> exp.Expr:
    """The day a column says, of the row as it is now or else as it was."""
    return snippet("coalesce(cast($now as date), cast($before as date))", **_both(column))


def _moved_day(column: str) -> exp.Expr:
    """The day a moment was moved to, or from where there is none any more."""
    return snippet("case when $differs then $day end", differs=_differs(column), day=_either(column))


def _is_same(key: str, contract: Contract) -> exp.Expr:
    """Whether two rows have a column of the key in common: two blanks are the same, where there may be any."""
    equal = exp.NullSafeEQ if key in contract.optional_key else exp.EQ
    return equal(this=exp.column(key, "n"), expression=exp.column(key, "b"))


def _differs(column: str) -> exp.Expr:
    return exp.NullSafeNEQ(this=exp.column(column, "n"), expression=exp.column(column, "b"))


def _has_progressed(column: str, earlier: date) -> exp.Expr:
    """Whether the row tells of something that happened only after what was published before."""
    return snippet(
        "$differs and cast($now as date) >= $earlier", differs=_differs(column), earlier=earlier, **_both(column)
    )


def _is_told_late(column: str) -> exp.Expr:
    """Whether the row tells of something that had happened by then, and it did not tell."""
    return snippet("$before is null and $now is not null", **_both(column))


def _both(column: str) -> dict[str, exp.Expr]:
    return {"now": exp.column(column, "n"), "before": exp.column(column, "b")}


def _any(conditions: list[exp.Expr]) -> exp.Expr:
    return exp.or_(*conditions) if conditions else exp.false()


def _looks_on(known: Catalogue, variant: Variant) -> bool:
    return any(known.facts[known.fact_of[measure]].table in LOOKS_ON for measure in variant.measures)


def _sign_of_input(name: str, before: Mapping[str, str], now: Mapping[str, str], table: str | None) -> Sign:
    """What it means that an input came, went or changed."""
    if name == ERASURES_FILE:
        return Sign(None, "erasure")
    source = name.split(":")[0]
    if source == CORRECTIONS:
        return Sign(table, "corrected_rows")
    if name in before and name in now:
        return Sign(table, "changed_input")
    if name in now:
        return Sign(table, "late_data" if _delivers(source, before) else "source_added")
    return Sign(table, "withdrawn_rows" if _delivers(source, now) else "source_withdrawn")


def _delivers(source: str, inputs: Mapping[str, str]) -> bool:
    return any(name.split(":")[0] == source for name in inputs)
