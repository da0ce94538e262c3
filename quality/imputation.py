"""Values for what is missing: by a rule the plan declares, where few enough are missing (F031, F032, I48)."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
from sqlglot import exp

from pipeline.engine import Session, snippet
from pipeline.plan import Fill
from quality.contract import Column, Contract
from quality.regions import region_of

SQL_TYPES = {"text": "varchar", "integer": "bigint", "double": "double", "boolean": "boolean"}
"""Types whose values may be filled."""


class Filler:
    """Works out what the missing values of a relation's columns become."""

    def __init__(self, session: Session, relation: str, contract: Contract) -> None:
        self._session, self._relation, self._contract = session, relation, contract

    def filled(self, fills: Iterable[Fill], into: str) -> None:
        """Hold the rows as the table `into`, with `_fill_x` beside each column x: NULL where nothing is known."""
        rows = exp.select("rows.*").from_(f"{self._relation} as rows")
        for fill in fills:
            kind = SQL_TYPES[self._contract.by_name[fill.column].type]
            overall, by_group = self._values(fill)
            value: exp.Expr = exp.cast(exp.convert(overall), kind)
            if by_group:
                known = f"by_{fill.column}"
                self._session.hold(f"treatment.{known}", _lookup(by_group))
                key = exp.cast(exp.column(fill.by, "rows", quoted=True), "varchar")
                rows = rows.join(f"treatment.{known} as {known}", on=exp.column("key", known).eq(key), join_type="left")
                value = snippet("coalesce($x, $overall)", x=exp.cast(exp.column("value", known), kind), overall=value)
            rows = rows.select(value.as_(f"_fill_{fill.column}", quoted=True))
        self._session.keep(into, rows)

    def _values(self, fill: Fill) -> tuple[Any, Mapping[str, Any]]:
        """The value for all, and those by another column's value."""
        column = self._contract.by_name[fill.column]
        if fill.rule == "value":
            return fill.value, {}
        if fill.rule == "lookup":
            return None, fill.values
        if fill.rule == "place":
            return None, self._known(fill, region_of)
        [(overall,)] = self._session.rows(self._usual(fill, [])) or [(None,)]
        by = [exp.cast(_col(fill.by), "varchar")] if fill.by else []
        groups = self._session.rows(self._usual(fill, by)) if by else []
        return _as(column, overall), {key: _as(column, value) for key, value in sorted(groups)}

    def _known(self, fill: Fill, tell: Callable[[str], str | None]) -> dict[str, str]:
        """What the texts beside missing values tell, each looked at once."""
        texts = exp.select(_col(fill.by)).distinct().from_(self._relation)
        texts = texts.where(exp.and_(_is_missing(fill.column), exp.not_(_is_missing(fill.by))))
        found = ((text, tell(text)) for (text,) in self._session.rows(texts))
        return {text: told for text, told in sorted(found) if told}

    def _usual(self, fill: Fill, by: list[exp.Expr]) -> exp.Select:
        """Group, if any, and its most frequent value, median or mean; of equally frequent values the least."""
        groups = [group.as_("key") for group in by]
        present = exp.select(*groups, _col(fill.column).as_("x")).from_(self._relation)
        present = present.where(exp.not_(_is_missing(fill.column))).subquery("present")
        keys = [exp.column("key")] if by else []
        if fill.rule != "mode":
            usual = exp.select(*keys, snippet("median(x)" if fill.rule == "median" else "avg(x)")).from_(present)
            return usual.group_by(*keys).where(snippet("key is not null")) if keys else usual
        counted = exp.select(*keys, "x", snippet("count(*)").as_("times")).from_(present).group_by(*keys, "x")
        place = exp.Window(
            this=exp.RowNumber(),
            partition_by=keys,
            order=exp.Order(expressions=[exp.Ordered(this=_col("times"), desc=True), exp.Ordered(this=_col("x"))]),
        )
        ranked = exp.select(*keys, "x", place.as_("place")).from_(counted.subquery("counted"))
        first = exp.select(*keys, "x").from_(ranked.subquery("ranked")).where(snippet("place = 1"))
        return first.where(snippet("key is not null")) if keys else first


def _lookup(values: Mapping[str, Any]) -> pa.Table:
    return pa.table({"key": pa.array(values, pa.string()), "value": pa.array(list(values.values()))})


def _as(column: Column, value: Any) -> Any:
    """A median or mean of whole numbers is a whole number, a half the one above."""
    return math.floor(value + 0.5) if column.type == "integer" and value is not None else value


def _is_missing(name: str) -> exp.Expr:
    return _col(name).is_(exp.null())


def _col(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
