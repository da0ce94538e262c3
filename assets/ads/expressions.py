"""The little SQL a catalogue may hold: aggregates over a fact's columns, conditions on a row, sums of measures."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

DIALECT = "duckdb"

_NAMES = (exp.Column, exp.Identifier)
_ARITHMETIC = (exp.Literal, exp.Paren, exp.Add, exp.Sub, exp.Mul, exp.Neg)
_COMPARISON = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Is)
_LOGIC = (exp.And, exp.Or, exp.Not, exp.Boolean, exp.Null, exp.Case, exp.If, exp.Coalesce)
_ROW = (*_NAMES, *_ARITHMETIC, *_COMPARISON, *_LOGIC)


def parse_aggregate(text: str) -> exp.AggFunc:
    """`sum(...)` or `count(...)` over expressions of a row.

    Only what adds up may be measured: a mean is the quotient of two measures, which keeps both to be seen.

    Raises:
        ValueError: anything else.
    """
    parsed = _parse(text)
    if not isinstance(parsed, exp.Sum | exp.Count):
        raise ValueError("a measure is one sum(...) or count(...); conditions go under where, quotients into the KPI")
    _check(parsed, (*_ROW, exp.Distinct, exp.Star) if isinstance(parsed, exp.Count) else _ROW)
    if parsed.expressions or any(len(distinct.expressions) != 1 for distinct in parsed.find_all(exp.Distinct)):
        raise ValueError(f"{parsed.sql(DIALECT)} counts several things at once; name one")
    return parsed


def parse_condition(text: str) -> exp.Expr:
    """What a row must fulfil to be measured.

    Raises:
        ValueError: not one expression over columns of the row.
    """
    parsed = _parse(text)
    _check(exp.Paren(this=parsed), _ROW)
    return parsed


def parse_arithmetic(text: str) -> exp.Expr:
    """Measures added, subtracted, or multiplied by numbers.

    Raises:
        ValueError: anything else; a division too, since numerator and denominator are shown apart.
    """
    parsed = _parse(text)
    _check(exp.Paren(this=parsed), (*_NAMES, *_ARITHMETIC))
    if any(literal.is_string for literal in parsed.find_all(exp.Literal)):
        raise ValueError("text is no quantity; use names of measures and numbers")
    return parsed


def names(expression: exp.Expr) -> list[str]:
    """Names of the columns in an expression, each once, in order."""
    return list(dict.fromkeys(column.name for column in expression.find_all(exp.Column, bfs=False)))


def _parse(text: str) -> exp.Expr:
    try:
        parsed = sqlglot.parse(text, read=DIALECT)
    except ParseError as error:
        raise ValueError(f"not an SQL expression: {error.errors[0]['description']}") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise ValueError(f"one expression is wanted, found {len([part for part in parsed if part])}")
    return parsed[0]


def _check(root: exp.Expr, allowed: tuple[type[exp.Expr], ...]) -> None:
    """Every part below `root` is of an allowed kind, and columns stand without a table."""
    for node in root.walk():
        if node is not root and not isinstance(node, allowed):
            raise ValueError(f"{node.sql(DIALECT)} is not allowed here ({node.key})")
        if isinstance(node, exp.Column) and node.table:
            raise ValueError(f"write {node.name} for {node.sql(DIALECT)}: only the fact's own columns can be named")
