"""Queries on a source's own database: read only, streamed, in one transaction."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy
import sqlglot
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlglot.errors import TokenError
from sqlglot.tokens import TokenType

from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import ROWS_PER_CHUNK, Chunk, InputFile, distinct, numbered, text_batch
from pipeline.urls import normalise_url

CONNECT_SECONDS = 10
TRANSIENT_STATES = ("08", "40001", "40P01", "53", "55P03", "57P")
"""SQLSTATEs, or their beginnings, that another try may not meet again."""
LASTING = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry", "access denied")
"""What servers say to a connection that no other try will get: a driver gives no SQLSTATE then."""

QUOTED = re.compile(r"(?P<mark>[\"'])(?P<words>.*?)(?P=mark)")


READ_ONLY = {
    "sqlite": "pragma query_only = on",
    "mysql": "set session transaction read only",
    "mariadb": "set session transaction read only",
    "oracle": "set transaction read only",
}
"""What makes a session unable to write, where a driver has no option for it."""
DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
"""Databases that the SQL library knows under another name."""
QUERIES = (TokenType.SELECT, TokenType.WITH, TokenType.VALUES, TokenType.TABLE, TokenType.L_PAREN)

CURSOR_KINDS = {
    "int": int,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "str": str,
}
"""Kinds of value a cursor may have -> how to read one from its text."""


@dataclass
class QueryInput:
    """One query of a feed; `cursor` is how far the days before got, as `latest` told it."""

    feed: Feed
    url: sqlalchemy.URL
    as_of: date
    cursor: str | None = None
    has_header: bool = True
    _digest: Any = field(default_factory=hashlib.sha256)
    _size: int = 0

    @property
    def latest(self) -> str | None:
        """The cursor after the rows that were read: `kind:text`; None while there never was a row."""
        return self.cursor

    @property
    def name(self) -> str:
        """The variable that names the database, and which query: two queries of one database are two inputs."""
        return query_name(self.feed)

    def chunks(self) -> Iterator[Chunk]:
        """The query's rows in the order they come, numbered from 1; at least one chunk.

        Raises:
            SourceError: the database can't be reached (worth another try) or refuses the query.
        """
        engine = self._engine()
        try:
            yield from self._stream(engine)
        except DBAPIError as error:
            raise self._failure(error) from None
        except SQLAlchemyError as error:
            raise SourceError(f"{self.name}: {error}; correct the query in sources.yaml") from error
        finally:
            engine.dispose()

    def fingerprint(self) -> InputFile:
        """Name, and hash and size of the rows as text, in the order they came."""
        return InputFile(self.name, self._digest.hexdigest(), self._size)

    def _engine(self) -> sqlalchemy.Engine:
        is_psycopg = self.url.get_backend_name() == "postgresql" and "psycopg" in self.url.get_driver_name()
        options = {"connect_timeout": CONNECT_SECONDS, "application_name": "tuoke"} if is_psycopg else {}
        try:
            return sqlalchemy.create_engine(self.url, poolclass=NullPool, connect_args=options, hide_parameters=True)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise ConfigurationError(
                f"no driver for {self.url.drivername} ({error}), which {self.feed.database} asks for; install one"
            ) from error

    def _stream(self, engine: sqlalchemy.Engine) -> Iterator[Chunk]:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            elif connection.dialect.name in READ_ONLY:
                connection.exec_driver_sql(READ_ONLY[connection.dialect.name])
            streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS_PER_CHUNK)
            result = streamed.execute(self._statement())
            columns = distinct(list(result.keys()), self.name)
            yield Chunk(text_batch(columns, []), numbered(1, 0))
            line = 1
            cursor_at = self._cursor_place(columns)
            for rows in result.partitions(ROWS_PER_CHUNK):
                if cursor_at is not None:
                    self._advance([row[cursor_at] for row in rows])
                chunk = Chunk(text_batch(columns, rows), numbered(line, len(rows)))
                self._count(chunk)
                yield chunk
                line += len(rows)

    def _statement(self) -> sqlalchemy.TextClause:
        statement = sqlalchemy.text(str(self.feed.query))
        known = {"as_of": sqlalchemy.bindparam("as_of", self.as_of, sqlalchemy.Date)}
        if self.feed.cursor is not None:
            known["cursor"] = sqlalchemy.bindparam("cursor", self._start())
        asked = set(statement.compile().params)
        unknown = sorted(asked - set(known))
        if unknown:
            raise ConfigurationError(
                f"the query on {self.feed.database} has :{unknown[0]}; only :{' and :'.join(known)} "
                f"{'are' if len(known) > 1 else 'is'} known. Write \\:{unknown[0]} if it is part of a text"
            )
        return statement.bindparams(*(known[name] for name in sorted(asked)))

    def _start(self) -> Any:
        """The value that rows must lie behind."""
        if self.cursor is None:
            return self.feed.cursor.initial if self.feed.cursor else None
        kind, _, text = self.cursor.partition(":")
        return CURSOR_KINDS[kind](text)

    def _cursor_place(self, columns: list[str]) -> int | None:
        if self.feed.cursor is None:
            return None
        if self.feed.cursor.column not in columns:
            raise SourceError(
                f"{self.name} has no column {self.feed.cursor.column} (named in cursor); columns found: "
                f"{', '.join(columns)}. Select it too, or correct cursor in sources.yaml"
            )
        return columns.index(self.feed.cursor.column)

    def _advance(self, values: list[Any]) -> None:
        """Remember the largest value seen; a row without one moves nothing."""
        seen = [value for value in values if value is not None]
        if not seen:
            return
        latest = max(seen)
        kind = type(latest).__name__
        if kind not in CURSOR_KINDS:
            raise SourceError(
                f"{self.name}: {self.feed.cursor.column if self.feed.cursor else ''} is a {kind}, which can't be a "
                f"cursor; known are {', '.join(CURSOR_KINDS)}. Cast it in the query"
            )
        start = self._start()
        if self.cursor is not None and type(start) is type(latest):
            latest = max(start, latest)
        text = latest.isoformat() if isinstance(latest, date) else str(latest)
        self.cursor = f"{kind}:{text}"

    def _known(self, quoted: re.Match[str]) -> str:
        """What a server quotes, unless it is a value of a row: known are the words of the query and of the URL."""
        known = f"{self.feed.query} {self.url.render_as_string()}"
        return quoted[0] if quoted["words"] in known else f"{quoted['mark']}…{quoted['mark']}"

    def _count(self, chunk: Chunk) -> None:
        for column in chunk.rows.columns:
            text = "\x1f".join("\0" if value is None else value for value in column.to_pylist()).encode()
            self._digest.update(text)
            self._size += len(text)

    def _failure(self, error: DBAPIError) -> SourceError:
        diagnosis = getattr(error.orig, "diag", None)
        # without what comes after it: details repeat rows
        told = getattr(diagnosis, "message_primary", None) or str(error.orig)
        told = QUOTED.sub(self._known, " ".join(told.split()))
        if self.url.password:
            told = told.replace(str(self.url.password), "***")
        transient = is_transient(error)
        remedy = "try again later" if transient else f"correct the query, or the URL in {self.feed.database}"
        place = "/".join(filter(None, (self.url.host, self.url.database)))
        return SourceError(f"{self.name} on {place}: {told}; {remedy}", transient=transient)


def query_name(feed: Feed) -> str:
    """What a feed's query is called: its variable, and a part of the query's hash."""
    return f"{feed.database}#{hashlib.sha256(str(feed.query).encode()).hexdigest()[:8]}"


def is_transient(error: DBAPIError) -> bool:
    """Whether another try may do better."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state:
        return state.startswith(TRANSIENT_STATES)
    is_connecting = isinstance(error, OperationalError) and error.statement is None
    is_lasting = any(words in str(error.orig).lower() for words in LASTING)
    return (is_connecting or error.connection_invalidated) and not is_lasting


def database_input(feed: Feed, as_of: date, environment: Mapping[str, str], cursor: str | None = None) -> QueryInput:
    """The query of a feed on a day.

    Raises:
        ConfigurationError: the environment does not have the variable, it holds no URL, or the query is no query.
    """
    assert feed.database is not None
    url = environment.get(feed.database)
    if not url:
        raise ConfigurationError(
            f"{feed.database} is not set in .env or the environment; it must hold the database's URL"
        )
    found = QueryInput(feed, normalise_url(url), as_of, cursor)
    refuse_other_statements(str(feed.query), found.url.get_backend_name(), feed.database)
    return found


def refuse_other_statements(query: str, backend: str, database: str) -> None:
    """Whatever is asked of a source's database is one question.

    Raises:
        ConfigurationError: there is a second statement, or the first asks nothing.
    """
    dialect = DIALECTS.get(backend, backend)
    try:
        tokens = sqlglot.tokenize(query, read=dialect if dialect in sqlglot.Dialect.classes else None)
    except TokenError as error:
        raise ConfigurationError(
            f"the query on {database} can't be read ({' '.join(str(error).split())}); correct it in sources.yaml"
        ) from None
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise ConfigurationError(
            f"the query on {database} has a second statement; keep the one that asks, each feed reads one query"
        )
    if not tokens or tokens[0].token_type not in QUERIES:
        begins = tokens[0].text if tokens else "nothing"
        raise ConfigurationError(f"the query on {database} begins with {begins!r}; it must be a select")
