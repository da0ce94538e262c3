"""What is published, and the SQL that publishing says about it. Nothing here talks to a server.

A table `dws.x` is staged as `stage.dws__x`, its latest day is read through the views `dws.x_current` and, in Chinese,
`dws.x_zh`; where it is partitioned, the day 2026-11-20 lies in `dws.x_20261120`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from psycopg2 import sql
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

from pipeline.errors import ConfigurationError
from pipeline.warehouse.postgres import READER, STEWARD

SCHEMAS = ("ads", "dq", "dws", "meta")
STAGE = "stage"
STAGING_MARK = "Staging of Tuoke"
"""Begins the comment of every staging table; nothing else in the schema is ever dropped."""
AS_OF, PLAN_HASH = "as_of", "plan_hash"
ADDED = {AS_OF: "Day evaluated", PLAN_HASH: "Hash of the plan it was evaluated by"}
ADDED_CHINESE = {AS_OF: "评估日期", PLAN_HASH: "方案指纹"}
NO_LONGER = "不再计算 · No longer computed, known of earlier days alone. "
"""Begins the comment of a column that only days published by an earlier version have."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_LIMIT = 63
"""Bytes PostgreSQL keeps of a name; it cuts the rest off in silence."""
ADDED_LETTERS = len("meta__") + len("_20261120_pkey")
"""What publishing may add to a table's name, at most."""
OWN_TABLES = (
    "meta.publications",
    "meta.plan",
    "ads.alerts",
    "ads.alert_events",
    "ads.restatements",
    "ads.closing_scorecard",
)
"""Tables that are not of a day, and so are none of those a run brings."""
OWN_SUFFIX = re.compile(r"_(current|zh|\d{8})$")
TYPES = {
    "bigint": "bigint",
    "bool": "boolean",
    "boolean": "boolean",
    "date": "date",
    "double precision": "double precision",
    "int": "integer",
    "integer": "integer",
    "jsonb": "jsonb",
    "real": "real",
    "smallint": "smallint",
    "text": "text",
    "timestamp with time zone": "timestamp with time zone",
    "timestamp without time zone": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}
"""Types a column may have -> what the catalogue calls them."""
DECIMAL = re.compile(r"(?:decimal|numeric)\((\d{1,2}), ?(\d{1,2})\)")


@dataclass(frozen=True)
class Column:
    """A column of a published table."""

    name: str
    type: str
    """A PostgreSQL type; held as the catalogue writes it."""
    comment: str
    is_restricted: bool = False
    """Whether it is kept from readers: stewards see it, and the table's owner."""
    chinese: str | None = None
    """What it is called in the Chinese view; None leaves it out."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What its values are called there; one that is not named stays as it is."""
    words_by: str | None = None
    """Another column, where what a value is called depends on it: then `words` are by both, with / between them."""
    holds: Literal["value", "list", "keys"] = "value"
    """Whether it holds one of the words, several with a comma and a blank between them, or JSON whose keys they are."""
    is_kept: bool = False
    """Whether it is no longer computed, and stays for the days that have it; NULL on all others."""

    def __post_init__(self) -> None:
        _check_name(self.name, "column", NAME_LIMIT)
        if self.chinese and len(self.chinese.encode()) > NAME_LIMIT:
            raise ConfigurationError(f"column {self.name} is called {self.chinese!r}, which is over {NAME_LIMIT} bytes")
        if self.name in ADDED:
            raise ConfigurationError(f"column {self.name} is added by publishing; leave it out")
        object.__setattr__(self, "type", _catalogue_type(self.name, self.type))


@dataclass(frozen=True)
class Table:
    """A table of one day: its Parquet files, and what it becomes. `grain` is its key within the day.

    `by_day_partition` is for tables with a row per customer: a day is attached whole instead of inserted.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    files: tuple[Path, ...] = field(repr=False)
    by_day_partition: bool = False
    beside: tuple[str, ...] = ()
    """What belongs to it besides, a function say: names of files in sql/postgres that are safe to repeat."""

    def __post_init__(self) -> None:
        schema, _, bare = self.name.partition(".")
        if schema not in SCHEMAS:
            raise ConfigurationError(f"table {self.name!r} must be in one of the schemas {', '.join(SCHEMAS)}")
        _check_name(bare, "table", NAME_LIMIT - ADDED_LETTERS)
        if OWN_SUFFIX.search(bare) or self.name in OWN_TABLES:
            raise ConfigurationError(f"table name {self.name} is one that publishing gives itself; choose another")
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"{self.name} has a column twice: {', '.join(names)}")
        called = list(self.chinese.values())
        if len(set(called)) < len(called):
            twice = sorted({name for name in called if called.count(name) > 1})
            raise ConfigurationError(f"{self.name} has two columns called {', '.join(twice)} in Chinese; rename one")
        missing = sorted(set(self.grain) - set(names))
        if missing:
            raise ConfigurationError(
                f"the grain of {self.name} names {', '.join(missing)}, which is not a column of it"
            )
        hidden = sorted(self.restricted & set(self.grain))
        if hidden:
            raise ConfigurationError(
                f"{', '.join(hidden)} of {self.name} is restricted, but readers need it to tell the rows apart"
            )

    @property
    def schema(self) -> str:
        """The part before the point."""
        return self.name.split(".")[0]

    @property
    def bare(self) -> str:
        """The part after the point."""
        return self.name.split(".")[1]

    @property
    def staged_name(self) -> str:
        """Where it lies until it is published."""
        return f"{STAGE}.{self.schema}__{self.bare}"

    @property
    def current_name(self) -> str:
        """The view on its latest published day."""
        return f"{self.name}_current"

    @property
    def chinese_name(self) -> str:
        """The view on its latest published day in Chinese."""
        return f"{self.name}_zh"

    @property
    def chinese(self) -> dict[str, str]:
        """Column -> its Chinese name, with the columns that publishing adds; empty where there are none."""
        told = {column.name: column.chinese for column in self.columns if column.chinese}
        return {AS_OF: ADDED_CHINESE[AS_OF], **told, PLAN_HASH: ADDED_CHINESE[PLAN_HASH]} if told else {}

    def day_name(self, as_of: date) -> str:
        """The partition of a day."""
        return f"{self.name}_{as_of:%Y%m%d}"

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key."""
        return (AS_OF, *self.grain)

    @property
    def types(self) -> dict[str, str]:
        """Type by column, with the columns that publishing adds."""
        return {AS_OF: "date", **{column.name: column.type for column in self.columns}, PLAN_HASH: "text"}

    @property
    def computed(self) -> tuple[str, ...]:
        """The columns its files have."""
        return tuple(column.name for column in self.columns if not column.is_kept)

    @property
    def restricted(self) -> frozenset[str]:
        """The columns kept from readers."""
        return frozenset(column.name for column in self.columns if column.is_restricted)

    @property
    def comments(self) -> dict[str, str]:
        """Comment by column, with the columns that publishing adds; in Chinese too where the others are."""
        added = {name: f"{ADDED_CHINESE[name]} · {told}" for name, told in ADDED.items()} if self.chinese else ADDED
        return {column.name: column.comment for column in self.columns} | added


@dataclass(frozen=True)
class Publication:
    """The run that publishes, the day, and what it was made from."""

    run_id: str
    as_of: date
    plan_hash: str
    code_version: str
    inputs: Mapping[str, str]
    plan: Mapping[str, Any] = field(default_factory=dict)
    """What the plan says, with every default."""
    is_closing: bool = False
    """Whether it is the campaign's last word, to be kept for ever."""
    replaces_closing: bool = False
    """Whether it may take the place of one that is."""


@dataclass(frozen=True)
class Standing:
    """A table or view as the server has it: type by column in their order, the primary key, comments, access."""

    types: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    open_columns: frozenset[str] = frozenset()
    """What readers may read."""
    open_to_stewards: frozenset[str] | None = None
    """What stewards may read; None where the server has none."""
    query: str = ""
    """What a view selects."""

    @property
    def exists(self) -> bool:
        """Whether the server has it at all."""
        return bool(self.types)


def check_distinct(tables: Iterable[Table]) -> None:
    """Refuse a list that has a table twice."""
    names = [table.name for table in tables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{', '.join(twice)}: to be published twice; list each table once")


def misfit(table: Table, standing: Standing) -> str | None:
    """Why a table can't take the place of the one that stands; None if it can, also with other columns beside it."""
    if not standing.exists:
        return None
    faults = [
        f"{name} was {standing.types[name]} and is {kind}"
        for name, kind in table.types.items()
        if standing.types.get(name, kind) != kind
    ]
    if standing.key != table.key:
        faults.append(f"its key was ({', '.join(standing.key)}) and is ({', '.join(table.key)})")
    if not faults:
        return None
    return (
        f"{table.name} has changed in a way its published days can't follow: {'; '.join(faults)}. Nothing was changed, "
        "and what is published stays readable. Publish from now on into a database of its own: name another one in "
        "TUOKE_DATABASE_URL, or, with the embedded server, rename the project's folder postgres; put back, it serves "
        "the days published so far"
    )


def fitted(table: Table, standing: Standing) -> Table:
    """The table with the columns beside its own that stand and are no longer computed: a version of Tuoke has left
    them out, or calls them otherwise. Days published with them keep them; on new ones they are NULL.
    """
    kept = [name for name in standing.types if name not in table.types]
    return replace(table, columns=(*table.columns, *(_kept(name, standing) for name in kept))) if kept else table


def _kept(name: str, standing: Standing) -> Column:
    said = (standing.comments.get(name) or "").removeprefix(NO_LONGER)
    return Column(
        name,
        standing.types[name],
        NO_LONGER + said,
        is_restricted=name not in standing.open_columns,
        is_kept=True,
    )


def is_wider(table: Table, standing: Standing) -> bool:
    """Whether it has columns that the one that stands has not."""
    return standing.exists and bool(table.types.keys() - standing.types.keys())


def name_of(qualified: str) -> sql.Identifier:
    """A qualified name, quoted."""
    return sql.Identifier(*qualified.split("."))


def create_staged(table: Table, publication: Publication) -> sql.Composed:
    """The empty staging table; the day and the plan's hash are its defaults, so they need not be sent."""
    return sql.SQL(
        "create {kind} table {staged} ({columns}); "
        "comment on table {staged} is {mark}; "
        "{shut}; "
        "alter table {staged} alter {as_of} set default {day}, alter {plan_hash} set default {hash}"
    ).format(
        # a partition must survive a crash of the server, what is inserted from need not
        kind=sql.SQL("" if table.by_day_partition else "unlogged"),
        staged=name_of(table.staged_name),
        columns=_definitions(table),
        mark=sql.Literal(f"{STAGING_MARK}, run {publication.run_id}"),
        shut=_shut(name_of(table.staged_name)),
        as_of=sql.Identifier(AS_OF),
        day=sql.Literal(publication.as_of),
        plan_hash=sql.Identifier(PLAN_HASH),
        hash=sql.Literal(publication.plan_hash),
    )


def copy_staged(table: Table) -> sql.Composed:
    """The COPY that fills it. Frozen: nobody can look before it is published, and no vacuum has to rewrite it."""
    return sql.SQL("copy {} ({}) from stdin with (format csv, freeze, encoding 'UTF8')").format(
        name_of(table.staged_name), _list(table.computed)
    )


def seal_staged(table: Table, as_of: date) -> sql.Composed:
    """Its key, and what spares a partition the scan when it is attached."""
    return sql.SQL(
        "alter table {staged} alter {as_of} drop default, alter {plan_hash} drop default, "
        "add constraint {key_name} primary key ({key}), add constraint one_day check ({as_of} = {day}); "
        "analyze {staged}"
    ).format(
        staged=name_of(table.staged_name),
        as_of=sql.Identifier(AS_OF),
        plan_hash=sql.Identifier(PLAN_HASH),
        key_name=sql.Identifier(f"{table.schema}__{table.bare}_{as_of:%Y%m%d}_pkey"),
        key=_list(table.key),
        day=sql.Literal(as_of),
    )


def create_published(table: Table) -> sql.Composed:
    """The table readers see."""
    return sql.SQL("create table {} ({}, primary key ({})) {}").format(
        name_of(table.name),
        _definitions(table),
        _list(table.key),
        sql.SQL("partition by list ({})" if table.by_day_partition else "").format(sql.Identifier(AS_OF)),
    )


def add_columns(table: Table, names: Iterable[str]) -> sql.Composed:
    """New columns; NULL on the days published before."""
    added = [sql.SQL("add {} {}").format(sql.Identifier(name), sql.SQL(table.types[name])) for name in names]
    return sql.SQL("alter table {} {}").format(name_of(table.name), sql.SQL(", ").join(added))


def create_current(table: Table, names: Sequence[str]) -> sql.Composed:
    """The view on the latest day on which the table was published; an older day that is run again is not it."""
    return sql.SQL(
        "create or replace view {view} as select {columns} from {table} as t where t.{as_of} = ("
        "select max(p.as_of) from meta.publications as p where jsonb_exists(p.row_counts, {name}))"
    ).format(
        view=name_of(table.current_name),
        columns=sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in names),
        table=name_of(table.name),
        as_of=sql.Identifier(AS_OF),
        name=sql.Literal(table.name),
    )


WORDS_SHOWN = re.compile(r"WHEN '((?:[^']|'')*)'::text THEN '((?:[^']|'')*)'::text")
"""A word in a view's query, as the server writes it."""


def is_relabelled(table: Table, standing: Standing) -> bool:
    """Whether the Chinese view that stands has other columns or other words than it should."""
    shown = [column for column in table.columns if column.chinese]
    wanted = [(value, word) for column in shown for value, word in column.words.items()]
    quoted = [tuple(text.replace("'", "''") for text in pair) for pair in wanted]
    is_told = sorted(WORDS_SHOWN.findall(standing.query)) == sorted(quoted)
    return standing.exists and not (is_told and list(standing.types) == list(table.chinese.values()))


def create_chinese(table: Table) -> sql.Composed:
    """The view on the latest day with Chinese names, and Chinese words for coded values; made anew if it is there."""
    known = {column.name: column for column in table.columns}
    columns = [
        sql.SQL("{} as {}").format(in_words(name, known.get(name)), sql.Identifier(chinese))
        for name, chinese in table.chinese.items()
    ]
    return sql.SQL("drop view if exists {view}; create view {view} as select {columns} from {current} as t").format(
        view=name_of(table.chinese_name), columns=sql.SQL(", ").join(columns), current=name_of(table.current_name)
    )


_SHAPES = {
    "value": "{word}",
    "list": (
        "(select string_agg({word}, '、' order by e.place) "
        "from unnest(string_to_array({column}, ', ')) with ordinality as e (value, place))"
    ),
    "keys": "(select jsonb_object_agg({word}, e.content) from jsonb_each({column}::jsonb) as e (value, content))::text",
}
"""A column in words, by what it holds."""


def in_words(name: str, told: Column | None) -> sql.Composable:
    """A column of what the query calls t, its values in words where it has any."""
    column = sql.SQL("t.{}").format(sql.Identifier(name))
    if told is None or not told.words:
        return column
    value = column if told.holds == "value" else sql.SQL("e.value")
    key = sql.SQL("{}::text").format(value)
    if told.words_by is not None:
        key = sql.SQL("(t.{}::text || '/' || {}::text)").format(sql.Identifier(told.words_by), value)
    cases = [
        sql.SQL("when {} then {}").format(sql.Literal(value), sql.Literal(word)) for value, word in told.words.items()
    ]
    word = sql.SQL("case {key} {cases} else {value}::text end").format(
        key=key, cases=sql.SQL(" ").join(cases), value=value
    )
    return sql.SQL(_SHAPES[told.holds]).format(word=word, column=column)


def describe_table(table: Table, standing: Standing) -> list[sql.Composed]:
    """The comments that are missing or have changed on a table, and readers' access to it."""
    return _describe(_Described("table", table.name, table.comment, table.comments, table.restricted), standing)


def describe_current(table: Table, standing: Standing) -> list[sql.Composed]:
    """The comments that are missing or have changed on its view, and readers' access to it."""
    comment = f"{table.comment} Latest day."
    return _describe(_Described("view", table.current_name, comment, table.comments, table.restricted), standing)


def describe_chinese(table: Table, standing: Standing) -> list[sql.Composed]:
    """The comments that are missing or have changed on its Chinese view, and readers' access to it."""
    comments = {chinese: table.comments[name] for name, chinese in table.chinese.items()}
    restricted = frozenset(table.chinese[name] for name in table.restricted & table.chinese.keys())
    comment = f"{table.comment} Latest day, in Chinese."
    return _describe(_Described("view", table.chinese_name, comment, comments, restricted), standing)


@dataclass(frozen=True)
class _Described:
    """A table or view, with the comment of each of its columns and those kept from readers."""

    kind: Literal["table", "view"]
    name: str
    comment: str
    comments: Mapping[str, str]
    restricted: frozenset[str]


def _describe(told: _Described, standing: Standing) -> list[sql.Composed]:
    said = [
        sql.SQL("comment on column {} is {}").format(sql.Identifier(*told.name.split("."), column), sql.Literal(text))
        for column, text in told.comments.items()
        if standing.comments.get(column) != text
    ]
    if standing.comment != told.comment:
        said.append(
            sql.SQL("comment on {} {} is {}").format(sql.SQL(told.kind), name_of(told.name), sql.Literal(told.comment))
        )
    return said + _access(told, standing)


def _access(told: _Described, standing: Standing) -> list[sql.Composed]:
    """Readers' and stewards' access where it is not what it should be, whoever gave or took it."""
    relation, readers, stewards = name_of(told.name), sql.Identifier(READER), sql.Identifier(STEWARD)
    shown = [column for column in told.comments if column not in told.restricted]
    said = []
    if standing.open_columns != frozenset(shown):
        # a privilege on the whole table would hold for every column of it
        columns = sql.SQL("({})").format(_list(shown)) if told.restricted else sql.SQL("")
        said = [_shut(relation), sql.SQL("grant select {} on {} to {}").format(columns, relation, readers)]
    # what is open to readers is open to stewards, who are readers too
    if told.restricted and standing.open_to_stewards is not None and standing.open_to_stewards != set(told.comments):
        said.append(sql.SQL("grant select on {} to {}").format(relation, stewards))
    return said


def _shut(relation: sql.Identifier) -> sql.Composed:
    """Take from readers what they have, be it by the default privileges of the database."""
    return sql.SQL("revoke all on {} from public, {}").format(relation, sql.Identifier(READER))


def replace_day(table: Table, as_of: date) -> sql.Composed:
    """Put the staged rows in the place of the day's."""
    return sql.SQL(
        "delete from {published} where {as_of} = {day}; "
        "insert into {published} ({columns}) select {columns} from {staged}"
    ).format(
        published=name_of(table.name),
        as_of=sql.Identifier(AS_OF),
        day=sql.Literal(as_of),
        columns=_list(table.types),
        staged=name_of(table.staged_name),
    )


def lock_out_readers(
    own: Iterable[str], chinese: Iterable[Table], views: Iterable[Table], tables: Iterable[Table]
) -> sql.Composed:
    """Wait for those who read views of our own, the Chinese views of some tables, the views of some, or some tables
    themselves, and let no others in. In this order, which is the one a reader takes them in.
    """
    names = [name_of(view) for view in own]
    names += [name_of(table.chinese_name) for table in chinese]
    names += [name_of(table.current_name) for table in views]
    names += [sql.SQL("only {}").format(name_of(table.name)) for table in tables]
    return sql.SQL("lock table {} in access exclusive mode").format(sql.SQL(", ").join(names))


def attach_day(table: Table, as_of: date) -> sql.Composed:
    """Put the staged table in the place of the day's partition."""
    bare_day = table.day_name(as_of).split(".")[1]
    return sql.SQL(
        "drop table if exists {day}; "
        "alter table {staged} set schema {schema}; "
        "alter table {schema}.{moved} rename to {bare_day}; "
        "alter table {published} attach partition {day} for values in ({as_of}); "
        "alter table {day} drop constraint one_day; "
        "comment on table {day} is {comment}"
    ).format(
        day=name_of(table.day_name(as_of)),
        staged=name_of(table.staged_name),
        schema=sql.Identifier(table.schema),
        moved=sql.Identifier(table.staged_name.split(".")[1]),
        bare_day=sql.Identifier(bare_day),
        published=name_of(table.name),
        as_of=sql.Literal(as_of),
        comment=sql.Literal(f"{table.name} as of {as_of}"),
    )


def _definitions(table: Table) -> sql.Composed:
    required = {*table.key, PLAN_HASH}
    return sql.SQL(", ").join(
        sql.SQL("{} {} {}").format(sql.Identifier(name), sql.SQL(kind), sql.SQL("not null" if name in required else ""))
        for name, kind in table.types.items()
    )


def _list(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _check_name(name: str, what: str, limit: int) -> None:
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{what} name {name!r} must be lower-case letters, digits and _, a letter first")
    if len(name) > limit:
        raise ConfigurationError(f"{what} name {name!r} has {len(name)} letters, at most {limit} fit")
    if name in RESERVED_WORDS:
        raise ConfigurationError(f"{what} name {name!r} is a reserved word of SQL; choose another")


def _catalogue_type(column: str, declared: str) -> str:
    kind = declared.strip().lower()
    decimal = DECIMAL.fullmatch(kind)
    if decimal:
        return f"numeric({decimal[1]},{decimal[2]})"
    if kind not in TYPES:
        known = ", ".join(sorted({*TYPES, "numeric(p,s)"}))
        raise ConfigurationError(f"column {column} has the type {declared!r}; types that can be published: {known}")
    return TYPES[kind]
