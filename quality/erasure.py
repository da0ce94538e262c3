"""Which rows are about a customer whose personal data is erased, and what is left of them.

The row stays under its id, with its money and its times; what its contract classifies as personal is gone, and no
rule looks for it.
"""

import json
import re
from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from pipeline.engine import inline, snippet, standard_macros
from quality.contract import Contract, Rule


def is_about(contract: Contract, ids: Collection[str], *, as_sent: bool = False) -> exp.Expr:
    """True where a row is about one of these customers, never NULL; an id as it was sent is cleaned first."""
    if contract.about is None or not ids:
        return exp.false()
    told = [_told(contract.about.column, as_sent).isin(*sorted(ids))]
    told += [_told(name, as_sent).eq(value) for name, value in contract.about.when.items()]
    return inline(snippet("coalesce($told, false)", told=exp.and_(*told)), standard_macros())


def _told(column: str, as_sent: bool) -> exp.Expr:
    name = exp.column(column, quoted=True)
    return snippet("clean_text($x)", x=name) if as_sent else name


def looks_for_personal(rule: Rule, contract: Contract) -> bool:
    """Whether the rule asks for what an erased row no longer has."""
    return any(contract.by_name[name].personal for name in rule.columns)


def personal_columns(contract: Contract) -> list[str]:
    """The columns that are erased."""
    return [column.name for column in contract.columns if column.personal]


def blanked(rows: pa.Table, columns: Iterable[str], where: pa.Array) -> pa.Table:
    """The rows, with these columns empty where said."""
    for name in columns:
        at = rows.schema.get_field_index(name)
        # a column that was full until now may say of itself that it always is
        field = rows.schema.field(at).with_nullable(True)
        rows = rows.set_column(at, field, pc.if_else(where, pa.scalar(None, field.type), rows.column(at)))
    return rows


def without_personal(row_as_sent: str, contract: Contract) -> str:
    """A row as JSON by column, without what is personal.

    >>> from quality.contract import contracts
    >>> without_personal('{"staff_id":"S1","name":"王小明","role":"sales"}', contracts()["staff"])
    '{"staff_id":"S1","name":null,"role":"sales"}'
    """
    cells = json.loads(row_as_sent) | dict.fromkeys(personal_columns(contract))
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":"))


def names_one_of(raw: str, ids: Iterable[str]) -> bool:
    """Whether a line that is no row holds one of the ids, as a word of its own.

    >>> names_one_of("C1,王小明;x", ["C1"]), names_one_of("C11,王小明", ["C1"])
    (True, False)
    """
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", raw) for name in ids)


def erased_line(row_id: str) -> str:
    """What stands in the place of a line; by the row's id no two lines become the same."""
    return f"(erased: {row_id})"
