"""What of each record is compared: names and addresses as anybody writes them, contacts that are somebody's own."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from pipeline.engine import Session, inline, snippet, standard_macros
from pipeline.plan import Identity

FEATURES = "main.identity_features"
SIMPLIFIED = "identity.simplified"
FOLDED = "identity.folded"
OWN = "identity.own"

WRITTEN = ("name", "address", "region")
"""Columns that may be written in traditional characters."""
SHARED = ("phone", "email", "address")
"""Columns whose values may be a household's, an office's, a call centre's."""
PAIRS_PER_RECORD = 2
"""As many pairs a block may bring on average, so that the work grows with the records and not with their square."""


def chinese_texts(records: str) -> exp.Query:
    """The texts of a relation that hold Chinese characters, and so may hold traditional ones."""
    texts = [
        snippet(
            "select $x as written from $records as records where regexp_matches($x, '[\\x{2E80}-\\x{9FFF}]')",
            x=exp.column(name),
            records=exp.to_table(records),
        )
        for name in WRITTEN
    ]
    return exp.union(*texts, distinct=True)


def simplified(written: pd.Series) -> pa.Table:
    """Each text that simplified characters change, beside what becomes of it."""
    from opencc import OpenCC

    texts = sorted(written)
    folded = OpenCC("t2s").convert("\n".join(texts)).split("\n") if texts else []
    changed = [(text, other) for text, other in zip(texts, folded, strict=True) if text != other]
    columns = {"written": 0, "simplified": 1}
    return pa.table({name: pa.array([pair[place] for pair in changed], pa.string()) for name, place in columns.items()})


def keep_features(session: Session, records: str, rules: Identity) -> None:
    """Hold `identity.features`: one row per record of the relation, in the order of their ids.

    The session must hold `identity.simplified`. A contact or an address that more names share than the plan allows is
    nobody's own and left out. Every block of the plan is a column with its key, NULL where too many records share it.
    """
    session.keep(FOLDED, inline(_folded(records), standard_macros()))
    session.keep(OWN, _own(rules.shared_by_at_most))
    session.keep(FEATURES, _with_blocks(rules))


def block_column(place: int) -> str:
    """The column that holds the key of the plan's block at this place."""
    return f"block_{place}"


def _folded(records: str) -> exp.Query:
    """The records' columns in the form in which they are compared."""
    names = ("customer_id", "kind", "phone", "email", "credit_code", "birth_year", "gender")
    simple = [
        snippet("coalesce($simple, $x)", simple=exp.column("simplified", f"{name}_text"), x=exp.column(name, "r"))
        for name in WRITTEN
    ]
    read = exp.select(
        *[exp.column(name, "r") for name in names],
        *[text.as_(name) for name, text in zip(WRITTEN, simple, strict=True)],
    ).from_(f"{records} as r")
    for name in WRITTEN:
        on = exp.column("written", f"{name}_text").eq(exp.column(name, "r"))
        read = read.join(f"{SIMPLIFIED} as {name}_text", on=on, join_type="left")
    return snippet(
        "select customer_id, kind, gender, phone, lower(email) as email, upper(credit_code) as credit_code,"
        " cast(birth_year as varchar) as birth_year, name_key(name) as name, plain_words(region) as region,"
        " sorted_words(address_words(address)) as address, numbers_of(address_words(address)) as numbers,"
        " letters_of(plain_words(address)) as street from $read as read",
        read=read.subquery(),
    )


def _own(names: int) -> exp.Query:
    """The folded records, each contact and address only where it can be somebody's own."""
    others = ("customer_id", "kind", "gender", "credit_code", "birth_year", "name", "region", "numbers", "street")
    query = exp.select(*[exp.column(name, "f") for name in others]).from_(f"{FOLDED} as f")
    for name in SHARED:
        crowd, value = f"{name}_crowd", exp.column(name, "f")
        crowded = snippet(
            "select $x as crowded from $folded as folded where $x is not null group by $x"
            " having count(distinct name) > $names",
            x=exp.column(name),
            folded=exp.to_table(FOLDED),
            names=names,
        )
        is_crowded = exp.column("crowded", crowd)
        own = snippet("case when $crowded is null then $x end", crowded=is_crowded, x=value).as_(name)
        query = query.select(own).join(crowded.subquery(crowd), on=is_crowded.eq(value), join_type="left")
    return query


def _with_blocks(rules: Identity) -> exp.Query:
    query = exp.select("own.*").from_(f"{OWN} as own")
    for place, columns in enumerate(rules.blocks):
        name = block_column(place)
        few = _few(columns, rules.largest_block).subquery(name)
        query = query.select(exp.column("block_key", name).as_(name))
        query = query.join(few, on=exp.column("block_key", name).eq(_key(columns, "own")), join_type="left")
    return query.order_by(exp.column("customer_id", "own"))


def _few(columns: Sequence[str], largest: int) -> exp.Query:
    """The keys of a block that few records share, rarest first, as long as they bring no more pairs than allowed."""
    return snippet(
        "select block_key from ("
        "select block_key, size, sum(size * (size - 1) / 2) over (order by size) as pairs from ("
        "select $key as block_key, count(*) as size from $own as own where $key is not null group by $key) as sized"
        ") as added where size between 2 and $largest and pairs <= $allowed * (select count(*) from $own)",
        key=_key(columns, "own"),
        own=exp.to_table(OWN),
        largest=largest,
        allowed=PAIRS_PER_RECORD,
    )


def _key(columns: Sequence[str], table: str) -> exp.Expr:
    """The columns in one text; NULL where one is not there."""
    key: exp.Expr = _part(columns[0], table)
    for name in columns[1:]:
        key = snippet("$left || '|' || $right", left=key, right=_part(name, table))
    return key


def _part(name: str, table: str) -> exp.Expr:
    """A column; `name_start` is how the name begins, the family name where it is written first."""
    if name != "name_start":
        return exp.column(name, table)
    return snippet(
        "case when regexp_matches($x, '^[a-z0-9]') then substr($x, 1, 3) else substr($x, 1, 1) end",
        x=exp.column("name", table),
    )
