"""A SQL model: one file, one table. The header says what it is, the comment on each column what that holds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from pipeline import ROOT
from pipeline.errors import TuokeError

DIALECT = "duckdb"
SQL_FOLDER = ROOT / "sql"
LAYERS = ("ods", "dwd", "dws", "ads", "dq")
PLAN_SCHEMA, SECRET_SCHEMA = "plan", "secret"

Macros = Mapping[str, "Macro"]


class ModelError(TuokeError):
    """A model file that does not follow the form of a model."""


@dataclass(frozen=True)
class Macro:
    """A named expression that is written out where it is used, so that every engine sees plain SQL."""

    name: str
    parameters: tuple[str, ...]
    body: exp.Expr

    def expand(self, arguments: list[exp.Expr]) -> exp.Expr:
        """The body with the arguments in their places."""
        if len(arguments) != len(self.parameters):
            raise ModelError(f"{self.name}() takes {', '.join(self.parameters)}; found {len(arguments)} arguments")
        values = dict(zip(self.parameters, arguments, strict=True))

        def fill(node: exp.Expr) -> exp.Expr:
            is_parameter = isinstance(node, exp.Column) and not node.table and node.name in values
            return exp.paren(values[node.name]) if is_parameter else node

        return exp.paren(self.body.transform(fill), copy=False)


@dataclass(frozen=True)
class Model:
    """What a model file says."""

    name: str
    description: str
    grain: tuple[str, ...]
    seeds: str
    query: exp.Query
    columns: dict[str, str]
    """Output column -> its description, in order."""
    restricted: frozenset[str] = frozenset()
    """Columns that readers in Postgres may not read; stewards may."""

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Tables of the lake it reads, sorted."""
        return tuple(sorted(name for name in self._tables if name.split(".")[0] in LAYERS))

    @cached_property
    def plan_inputs(self) -> tuple[str, ...]:
        """Tables of the plan it reads, sorted."""
        return tuple(sorted(name for name in self._tables if name.split(".")[0] == PLAN_SCHEMA))

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Tables of the environment it reads, sorted: `secret.keys`, whose only row has the `hash_key`."""
        return tuple(sorted(name for name in self._tables if name.split(".")[0] == SECRET_SCHEMA))

    @cached_property
    def _tables(self) -> set[str]:
        return {f"{table.db}.{table.name}" for table in self.query.find_all(exp.Table) if table.db}

    def bound(self, **parameters: Any) -> exp.Query:
        """The query with its parameters filled in as literals.

        Raises:
            ModelError: a parameter of the query is not given.
        """
        return bind(self.query, parameters, self.name)

    def lineage(self, schema: Mapping[str, Iterable[str]]) -> dict[str, list[tuple[str, str]]]:
        """Output column -> the (table, column) pairs it is made of; `schema` lists the columns of the inputs."""
        key = tuple((name, *schema[name]) for name in sorted(schema))
        if key not in self._lineages:
            self._lineages[key] = self._lineage(schema)
        return self._lineages[key]

    @cached_property
    def _lineages(self) -> dict[tuple[tuple[str, ...], ...], dict[str, list[tuple[str, str]]]]:
        return {}

    def _lineage(self, schema: Mapping[str, Iterable[str]]) -> dict[str, list[tuple[str, str]]]:
        tree: dict[str, dict[str, dict[str, str]]] = {}
        for name, columns in schema.items():
            layer, table = name.split(".")
            tree.setdefault(layer, {})[table] = dict.fromkeys(columns, "text")
        # only the leaves are wanted: trimmed selects on the way to them would be copied for every column
        nodes = lineage(None, self.query, tree, dialect=DIALECT, trim_selects=False)
        return {column: _sources(node) for column, node in nodes.items()}


def bind(query: exp.Expr, parameters: Mapping[str, Any], name: str) -> exp.Expr:
    """`query` with each `$parameter` as a literal of its type; the text of SQL is never put together.

    Raises:
        ModelError: `name` needs a parameter that is not given.
    """

    def fill(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder | exp.Parameter):
            return node
        if node.name not in parameters:
            raise ModelError(f"{name} needs ${node.name}; given: {', '.join(sorted(parameters)) or 'nothing'}")
        return _literal(parameters[node.name])

    return query.transform(fill)


@cache
def standard_macros() -> dict[str, Macro]:
    """The macros of `sql/macros`."""
    return read_macros(SQL_FOLDER / "macros")


def read_macros(folder: Path) -> dict[str, Macro]:
    """The macros of a folder of `create macro` files, by name."""
    macros: dict[str, Macro] = {}
    for path in sorted(folder.glob("*.sql")):
        for statement in sqlglot.parse(path.read_text(encoding="utf-8"), read=DIALECT):
            if statement is None:
                continue
            if not isinstance(statement, exp.Create) or statement.kind != "MACRO":
                raise ModelError(f"{path.name}: only `create macro` belongs here, found {statement.key}")
            signature = statement.this
            name = signature.this.name
            parameters = tuple(parameter.name for parameter in signature.expressions)
            call = sqlglot.parse_one(f"{name}({', '.join(parameters)})", read=DIALECT)
            if not isinstance(call, exp.Anonymous):
                raise ModelError(f"{path.name}: {name} is a function of SQL already; choose another name")
            macros[name] = Macro(name=name, parameters=parameters, body=inline(statement.expression, macros))
    return macros


def snippet(sql: str, /, **parts: Any) -> exp.Expr:
    """A piece of SQL with each `$part` replaced by an expression, or by a value as a literal."""
    return bind(_parsed(sql), parts, sql)


@cache
def _parsed(sql: str) -> exp.Expr:
    """For `bind`, which leaves it as it is."""
    return sqlglot.parse_one(sql, read=DIALECT)


def inline(query: exp.Expr, macros: Macros) -> exp.Expr:
    """`query` with every macro call written out."""

    def expand(node: exp.Expr) -> exp.Expr:
        macro = macros.get(node.name) if isinstance(node, exp.Anonymous) else None
        return macro.expand([inline(argument, macros) for argument in node.expressions]) if macro else node

    return query.transform(expand)


def read_model(path: Path, macros: Macros) -> Model:
    """Read `sql/<layer>/<table>.sql`.

    Raises:
        ModelError: no description, no grain, a column without a comment, or SQL that can't be parsed.
    """
    text = path.read_text(encoding="utf-8")
    name = f"{path.parent.name}.{path.stem}"
    description, fields = _header(text)
    try:
        query = sqlglot.parse_one(text, read=DIALECT)
    except SqlglotError as error:
        raise ModelError(f"{name} can't be parsed: {error}") from error
    if not isinstance(query, exp.Query):
        raise ModelError(f"{name} must be one select, found {query.key}")
    columns = {
        column.alias_or_name: " ".join(comment.strip() for comment in column.comments or []) for column in query.selects
    }
    grain = _listed(fields, "grain")
    restricted = frozenset(_listed(fields, "restricted"))
    _check_form(name, description, grain, columns)
    unknown = sorted(restricted - set(columns))
    if unknown:
        raise ModelError(f"{name}: restricted {', '.join(unknown)} must name output columns")
    return Model(
        name=name,
        description=description,
        grain=grain,
        seeds=fields.get("seed", ""),
        query=inline(query, macros),
        columns=columns,
        restricted=restricted,
    )


def _listed(fields: Mapping[str, str], key: str) -> tuple[str, ...]:
    """The names of a header's line."""
    return tuple(part.strip() for part in fields.get(key, "").split(",") if part.strip())


def _header(text: str) -> tuple[str, dict[str, str]]:
    """The description and the `key: value` lines of the leading comment."""
    description: list[str] = []
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        content = line.removeprefix("--").strip()
        field = re.fullmatch(r"(grain|seed|restricted): (.+)", content)
        if field:
            fields[field[1]] = field[2]
        elif content:
            description.append(content)
    return " ".join(description), fields


def _check_form(name: str, description: str, grain: tuple[str, ...], columns: dict[str, str]) -> None:
    if not description:
        raise ModelError(f"{name} has no description; its first comment line is one")
    if not grain or not set(grain) <= set(columns):
        raise ModelError(f"{name}: grain {grain} must name output columns; columns are {', '.join(columns)}")
    bare = [column for column, comment in columns.items() if not comment]
    if bare:
        raise ModelError(f"{name}: columns {', '.join(bare)} have no comment; write one behind each")


def _literal(value: Any) -> exp.Expr:
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def _sources(node: Any) -> list[tuple[str, str]]:
    found = {
        (f"{leaf.source.db}.{leaf.source.name}", leaf.name.rsplit(".", 1)[-1].strip('"'))
        for leaf in node.walk()
        if isinstance(leaf.source, exp.Table) and leaf.source.db
    }
    return sorted(found)
