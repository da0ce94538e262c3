"""Corrections at the gate: for which rows of the day they stand in, and what they change in rows and money.

The session holds them as `gate.corrections`; those that apply become `gate.corrected`, a row each, with the text that
takes the place of what was sent.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from pipeline.corrections import DISMISSED
from pipeline.engine import Session, snippet
from quality.contract import Contract
from quality.ledger import Tally, difference, tally

if TYPE_CHECKING:
    from quality.gate import Gate

GIVEN, CORRECTED = "gate.corrections", "gate.corrected"


@dataclass(frozen=True)
class Change:
    """What corrections change of a day: lines that became rows, and rows and money by currency."""

    lines: int = 0
    money: Tally = field(default_factory=dict)


def held_corrections(given: pa.Table) -> dict[str, pa.Table]:
    """What the session of a gate must hold of the corrections; nothing where there are none."""
    return {GIVEN: given} if given else {}


def correct(session: Session, gate: "Gate", *, is_increment: bool) -> Change:
    """Find the corrections that concern the day of the gate, for it to judge in the place of what was sent."""
    if not gate.is_corrected:
        return Change()
    apply(session, gate.contract, gate.day.as_of, is_increment=is_increment)
    put_in, taken_out = (tally(session, query) for query in gate.corrected_money())
    lines = snippet("select count(*) from gate.corrected where _is_line and _delivered_on = $day", day=gate.day.as_of)
    [(repaired,)] = session.rows(lines)
    return Change(repaired, difference(put_in, taken_out))


def as_sent(contract: Contract, table: str) -> exp.Expr:
    """All columns of a row as they were sent, as one text."""
    columns = [
        exp.PropertyEQ(
            this=exp.to_identifier(column.name, quoted=True),
            expression=exp.column(column.name, table=table, quoted=True),
        )
        for column in contract.columns
    ]
    return exp.cast(exp.func("to_json", exp.Struct(expressions=columns)), "varchar")


def apply(session: Session, contract: Contract, as_of: date, *, is_increment: bool) -> None:
    """Hold the corrections that concern the day as `gate.corrected`.

    Of a snapshot they stand in for every row that says again what was corrected once. Of what arrives as increments
    they are those made on the day itself: a row of an earlier delivery enters now, since its own day is over.
    """
    columns = [exp.column(column.name, table="said", quoted=True) for column in contract.columns]
    query: exp.Query = _in_place(contract, as_of, is_increment).select(*columns)
    if is_increment:
        query = exp.union(query, _earlier(contract, as_of).select(*columns), distinct=False)
    session.keep(CORRECTED, query)


def _in_place(contract: Contract, as_of: date, is_increment: bool) -> exp.Select:
    """Corrections of what is among the day's rows and lines."""
    return snippet(
        """
        select
            there._row_id,
            there._row_id as _sent_row_id,
            there._source,
            there._line,
            $as_of as _delivered_on,
            said._is_line,
            not said._is_line as _is_in_place,
            said._rule_id,
            said._rule_ids,
            there.row_as_sent as _row_as_sent,
            said._corrected_on,
            said._correction
        from $said as said
        inner join $there as there
            on there.sent_hash = said._sent_hash
            and there.occurrence = said._occurrence
            and there.is_line = said._is_line
        where said._verdict <> $dismissed
        """,
        as_of=as_of,
        said=_last_word(as_of, is_increment).subquery(),
        there=_there(contract).subquery(),
        dismissed=DISMISSED,
    )


def _there(contract: Contract) -> exp.Query:
    """Of the day's rows and unreadable lines those that say what was corrected, numbered among their like."""
    rows = exp.select("_row_id", "_source", "_line", as_sent(contract, "o").as_("row_as_sent"))
    lines = exp.select("_row_id", "_source", "_line", exp.column("raw").as_("row_as_sent"))
    both = exp.union(
        rows.select(exp.false().as_("is_line")).from_(f"ods.{contract.table} as o"),
        lines.select(exp.true().as_("is_line")).from_(f"landing.{contract.table}"),
        distinct=False,
    )
    return snippet(
        """
        select
            hashed.*,
            row_number() over (partition by is_line, sent_hash order by _source, _line, _row_id) as occurrence
        from (select there.*, md5(there.row_as_sent) as sent_hash from $both as there) as hashed
        where hashed.sent_hash in (select _sent_hash from gate.corrections)
        """,
        both=both.subquery(),
    )


def _last_word(as_of: date, is_increment: bool) -> exp.Query:
    """The last that was said of each row; of increments today, about rows of today."""
    return snippet(
        """
        select g.* from gate.corrections as g where $concerned
        qualify row_number() over (
            partition by g._is_line, g._sent_hash, g._occurrence
            order by g._corrected_on desc, g._sequence desc, g._row_id
        ) = 1
        """,
        concerned=snippet("g._delivered_on = $as_of", as_of=as_of) if is_increment else exp.true(),
    )


def _earlier(contract: Contract, as_of: date) -> exp.Select:
    """Corrections made today of rows that came on an earlier day; the day's own rows may have their ids again."""
    return snippet(
        """
        select
            case when today._row_id is null then said._row_id
                else said._row_id || '@' || cast(said._delivered_on as varchar) end as _row_id,
            said._row_id as _sent_row_id,
            said._source,
            said._line,
            said._delivered_on,
            said._is_line,
            false as _is_in_place,
            said._rule_id,
            said._rule_ids,
            said._row_as_sent,
            said._corrected_on,
            said._correction
        from (
            select g.* from gate.corrections as g where g._delivered_on < $as_of and g._corrected_on = $as_of
            qualify row_number() over (partition by g._delivered_on, g._row_id order by g._sequence desc) = 1
        ) as said
        left join $today as today on today._row_id = said._row_id
        where said._verdict <> $dismissed
        """,
        as_of=as_of,
        today=exp.union(
            exp.select("_row_id").from_(f"ods.{contract.table}"),
            exp.select("_row_id").from_(f"landing.{contract.table}"),
        ).subquery(),
        dismissed=DISMISSED,
    )
