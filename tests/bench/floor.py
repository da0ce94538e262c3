"""The floor: what the same bytes cost a machine that does nothing with them.

DuckDB scans the files of the day once, every column as text, and the tables that were published are copied into the
same server again, from CSV text that lies ready, into bare tables.
"""

import io
import json
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.csv
import pyarrow.parquet as pq
import sqlalchemy
from psycopg2 import sql
from stages import Stages

from assets.day import ProjectDay
from assets.models import published
from pipeline.project import Feed, Project
from pipeline.warehouse import Table
from pipeline.warehouse.relations import name_of

SCHEMA = "floor"
CSV = """
    select count(columns(*))
    from read_csv(
        $file, all_varchar = true, header = true, ignore_errors = true, delim = $delimiter, encoding = $encoding
    )
"""
JSON = "select count(columns(*)) from read_json($file, columns = $columns, format = 'newline_delimited')"
BYTES = "select octet_length(content) from read_blob($file)"
# bytes above 127 mean nothing to the scan, and DuckDB has no GB18030 of its own
ENCODINGS = {"utf-8": "utf-8", "gb18030": "latin-1"}


def main(root: Path, as_of: date, url: str, report: Path) -> None:
    """Scan, copy, and report how long each took."""
    project, stages = Project.read(root), Stages()
    day = ProjectDay(project, as_of)
    feeds = [feed for table in project.sources.tables for feed in project.sources.feeds(table)]
    files = [(feed, project.landing / str(feed.file).format(as_of=as_of)) for feed in feeds]
    with stages("scan"), duckdb.connect() as connection:
        for feed, file in files:
            scan(connection, feed, file)
    tables = [entry.table(day) for entry in published()]
    texts = [csv_of(table) for table in tables]
    engine = sqlalchemy.create_engine(url)
    with closing(engine.raw_connection()) as server, server.cursor() as cursor, stages("copy"):
        for table, text in zip(tables, texts, strict=True):
            copy(cursor, table, text)
        server.commit()
    stages.save(report, bytes_in=sum(file.stat().st_size for _, file in files), bytes_out=sum(map(len, texts)))


def scan(connection: duckdb.DuckDBPyConnection, feed: Feed, file: Path) -> None:
    """Read every value of a file; of a workbook, which DuckDB can't read by itself, the bytes."""
    asked = {"file": str(file)}
    match file.name.removesuffix(".gz").rsplit(".", 1)[-1]:
        case "csv":
            query = CSV
            asked |= {"delimiter": feed.delimiter, "encoding": ENCODINGS[feed.encoding]}
        case "jsonl":
            query = JSON
            with file.open(encoding=feed.encoding) as lines:
                asked |= {"columns": dict.fromkeys(json.loads(next(lines)), "VARCHAR")}
        case _:
            query = BYTES
    connection.execute(query, asked).fetchall()


def csv_of(table: Table) -> bytes:
    """A published table as the text it is sent as."""
    text = io.BytesIO()
    columns = [column.name for column in table.columns]
    options = pyarrow.csv.WriteOptions(include_header=False)
    for file in table.files:
        pyarrow.csv.write_csv(pq.read_table(file, columns=columns), text, options)
    return text.getvalue()


def copy(cursor, table: Table, text: bytes) -> None:
    """The text into a new table without key, check or comment."""
    name = name_of(f"{SCHEMA}.{table.schema}__{table.bare}")
    columns = [sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.type)) for c in table.columns]
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SCHEMA)))
    cursor.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(columns)))
    cursor.copy_expert(sql.SQL("copy {} from stdin with (format csv)").format(name), io.BytesIO(text))


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
