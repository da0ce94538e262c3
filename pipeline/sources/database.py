"""Queries on a source's own database: read only, streamed, in one transaction."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import ROWS_PER_CHUNK, Chunk, InputFile, distinct, numbered, text_batch
from pipeline.urls import normalise_url

CONNECT_SECONDS = 10
TRANSIENT_STATES = ("08", "40001", "40P01", "53", "55P03", "57P")
"""SQLSTATEs, or their beginnings, that another try may not meet again."""
LASTING = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry", "access denied")
"""What servers say to a connection that no other try will get: a driver gives no SQLSTATE then."""


@dataclass
class QueryInput:
    """One query of a feed."""

    feed: Feed
    url: sqlalchemy.URL
    as_of: date
    has_header: bool = True
    _digest: Any = field(default_factory=hashlib.sha256)
    _size: int = 0

    @property
    def name(self) -> str:
        """The variable that names the database, and which query: two queries of one database are two inputs."""
        return f"{self.feed.database}#{hashlib.sha256(str(self.feed.query).encode()).hexdigest()[:8]}"

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
            streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS_PER_CHUNK)
            result = streamed.execute(self._statement())
            columns = distinct(list(result.keys()), self.name)
            yield Chunk(text_batch(columns, []), numbered(1, 0))
            line = 1
            for rows in result.partitions(ROWS_PER_CHUNK):
                chunk = Chunk(text_batch(columns, rows), numbered(line, len(rows)))
                self._count(chunk)
                yield chunk
                line += len(rows)

    def _statement(self) -> sqlalchemy.TextClause:
        statement = sqlalchemy.text(str(self.feed.query))
        unknown = sorted(set(statement.compile().params) - {"as_of"})
        if unknown:
            raise ConfigurationError(
                f"the query on {self.feed.database} has :{unknown[0]}; only :as_of is known. "
                f"Write \\:{unknown[0]} if it is part of a text"
            )
        day = sqlalchemy.bindparam("as_of", self.as_of, sqlalchemy.Date)
        return statement.bindparams(day) if "as_of" in statement.compile().params else statement

    def _count(self, chunk: Chunk) -> None:
        for column in chunk.rows.columns:
            text = "\x1f".join("\0" if value is None else value for value in column.to_pylist()).encode()
            self._digest.update(text)
            self._size += len(text)

    def _failure(self, error: DBAPIError) -> SourceError:
        told = " ".join(str(error.orig).split())
        if self.url.password:
            told = told.replace(str(self.url.password), "***")
        transient = is_transient(error)
        remedy = "try again later" if transient else f"correct the query, or the URL in {self.feed.database}"
        place = "/".join(filter(None, (self.url.host, self.url.database)))
        return SourceError(f"{self.name} on {place}: {told}; {remedy}", transient=transient)


def is_transient(error: DBAPIError) -> bool:
    """Whether another try may do better."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state:
        return state.startswith(TRANSIENT_STATES)
    is_connecting = isinstance(error, OperationalError) and error.statement is None
    is_lasting = any(words in str(error.orig).lower() for words in LASTING)
    return (is_connecting or error.connection_invalidated) and not is_lasting


def database_input(feed: Feed, as_of: date, environment: Mapping[str, str]) -> QueryInput:
    """The query of a feed on a day.

    Raises:
        ConfigurationError: the environment does not have the variable, or it holds no URL.
    """
    assert feed.database is not None
    url = environment.get(feed.database)
    if not url:
        raise ConfigurationError(
            f"{feed.database} is not set in .env or the environment; it must hold the database's URL"
        )
    return QueryInput(feed, normalise_url(url), as_of)
