"""Lines of a source that together make one row: an invoice's items, of which the table wants the invoice.

The lines lie in the lake as they were sent, `lines.<table>_<place of the feed>`; the row made of them carries the id
of the first, and the key and the source that all of them have.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from assets.day import ProjectDay
from pipeline.engine import inline, snippet, standard_macros
from pipeline.errors import ConfigurationError
from pipeline.project import Lines
from quality.contract import Column, Contract

SUMMED = ("decimal", "integer")
"""Types whose sum is the same in any order."""


def refuse_sums(contract: Contract, lines: Lines) -> None:
    """Stop at columns that can't be added up.

    Raises:
        ConfigurationError: `lines.sum` names a column that is no amount and no count.
    """
    countable = [column.name for column in contract.columns if column.type in SUMMED]
    wrong = [name for name in lines.sum if name not in countable]
    if wrong:
        raise ConfigurationError(
            f"sources.yaml, {contract.table}.lines.sum: {', '.join(wrong)} can't be added up; "
            f"{contract.table} has {', '.join(countable) or 'no column that can'}"
        )


def rows_of_lines(contract: Contract, lines: Lines, day: ProjectDay, name: str) -> Iterator[pa.RecordBatch]:
    """The rows that the lines in the lake's table `name` make, all text."""
    with TemporaryDirectory(prefix="tuoke-") as folder, day.session([name]) as session:
        file = Path(folder) / "rows.parquet"
        session.write(added_up(contract, lines, name), file, order_by=["_row_id"])
        with pq.ParquetFile(file) as rows:
            yield from rows.iter_batches()


def added_up(contract: Contract, lines: Lines, name: str) -> exp.Query:
    """One row for the lines of one input that share the table's key; a line without a key stays by itself."""
    key = [column.name for column in contract.columns if column.key]
    needed = [snippet("$x is null", x=_col(name)) for name in key if contract.by_name[name].required]
    alone = snippet("case when $keyless then _row_id end", keyless=exp.or_(*needed) if needed else exp.false())
    columns = [_value(column, lines).as_(column.name, quoted=True) for column in contract.columns]
    row_id, line = snippet("arg_min(_row_id, _line)").as_("_row_id"), snippet("min(_line)").as_("_line")
    rows = exp.select(*columns, row_id, "_source", line).from_(_said(contract, name).subquery("said"))
    return inline(rows.group_by(*map(_col, key), alone, "_source"), standard_macros())


def _said(contract: Contract, name: str) -> exp.Select:
    """Every text cleaned, so that a blank more or less makes no other order."""
    texts = [
        snippet("clean_text($x)", x=_col(column.name)).as_(column.name, quoted=True) for column in contract.columns
    ]
    return exp.select(*texts, "_row_id", "_source", "_line").from_(name)


def _value(column: Column, lines: Lines) -> exp.Expr:
    """What the lines of a row say together."""
    x = _col(column.name)
    if column.name in lines.sum:
        # a total of which a part is missing is none, and the text that can't be read tells why
        return snippet(
            "case when count(clean_decimal($x)) = count(*) then cast(sum(clean_decimal($x)) as varchar)"
            " else min(case when clean_decimal($x) is null then $x end) end",
            x=x,
        )
    if column.type in ("date", "timestamp"):
        return snippet("arg_min($x, _line) filter (where $x is not null)", x=x)
    return snippet("case when min($x) = max($x) then min($x) end", x=x)


def _col(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
