"""ODS: every source table as it was sent, all text, with the line each row stood on."""

import statistics
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dagster import AssetExecutionContext
from sqlglot import exp

from assets.day import ProjectDay, TuokeProject, told
from assets.factory import (
    NOT_DELIVERED,
    Columns,
    Lineage,
    asset_key,
    column_lineage,
    column_schema,
    daily_partitions,
    passed,
    team,
)
from assets.ods.columns import COLUMNS, column_rows, drift_metadata, drifts, steady_result, steady_spec
from assets.ods.lines import refuse_sums, rows_of_lines
from pipeline.errors import ConfigurationError, GateClosed
from pipeline.project import Feed, Lines, Project
from pipeline.sources import FeedReader, FeedReport, UnreadableRow, query_name
from pipeline.tables import TableSpec
from quality.contract import Contract
from quality.erasure import blanked, erased_line, is_about, names_one_of, personal_columns

DELIVERED = "delivered"
ACCEPT_DROP_TAG = "tuoke/accept_drop"
RETRIES = dg.RetryPolicy(max_retries=2, delay=1, backoff=dg.Backoff.EXPONENTIAL)

DELIVERIES = TableSpec(
    name="deliveries",
    description="The files and queries a source table was read from on the day.",
    grain=("source", "input"),
    columns={
        "source": ("text", "System it comes from"),
        "input": ("text", "File, or name of the query"),
        "sha256": ("text", "Hash of the content"),
        "size": ("bigint", "Bytes"),
    },
)

UNREADABLE = TableSpec(
    name="landing",
    description="Lines of a source that could not be read as rows.",
    grain=("_row_id",),
    columns={
        "_row_id": ("text", "Stable id of the line"),
        "_source": ("text", "System and file"),
        "_line": ("bigint", "Line in the file"),
        "delivered_on": ("date", "Day it was delivered"),
        "rule_id": ("text", "What is wrong with it"),
        "raw": ("text", "The line as sent"),
        "message": ("text", "What is wrong, in words"),
    },
)

LANDED = TableSpec(
    name="landed",
    description="How many rows of a source table were read, landed, added up, left out by the mapping, or unreadable.",
    grain=("table_name",),
    columns={
        "table_name": ("text", "Canonical table"),
        "rows_read": ("bigint", "Rows the source holds"),
        "rows_landed": ("bigint", "Rows in ods"),
        "rows_added_up": ("bigint", "Lines that went into the row of another line"),
        "rows_out_of_scope": ("bigint", "Rows the mapping leaves out on purpose"),
        "rows_unreadable": ("bigint", "Lines that are no rows"),
    },
)

CURSORS = TableSpec(
    name="cursors",
    description="How far the queries of a source table got: the next day asks for what lies behind.",
    grain=("source", "input", "column_name"),
    columns={
        "source": ("text", "System it comes from"),
        "input": ("text", "Name of the query"),
        "column_name": ("text", "Column whose values only grow"),
        "cursor": ("text", "Kind and text of its largest value so far"),
    },
)

MAPPED = TableSpec(
    name="mapped",
    description="The canonical columns a table's sources fill.",
    grain=("column_name", "source"),
    columns={
        "column_name": ("text", "Canonical column"),
        "source": ("text", "System and file that fill it, as each row names them"),
    },
)

LINEAGE_COLUMNS = {
    "_row_id": ("text", "Stable id of the row: its source and line"),
    "_source": ("text", "System and file the row comes from"),
    "_line": ("bigint", "Line the row stands on in its file"),
}


@dataclass
class Landing:
    """What one day's feeds of a table brought."""

    reports: list[FeedReport]

    def total(self, name: str) -> int:
        """Sum of a count over the feeds."""
        return sum(getattr(report, name) for report in self.reports)

    @property
    def unreadable(self) -> list[UnreadableRow]:
        """Lines of all feeds that are no rows."""
        return [row for report in self.reports for row in report.unreadable]


def source_key(system: str) -> dg.AssetKey:
    """The external asset of a source system: where lineage starts."""
    return dg.AssetKey(["source", system])


def source_assets(project: Project) -> list[dg.AssetSpec]:
    """One external asset per source system, with the place each table is read from."""
    return [
        dg.AssetSpec(
            source_key(system),
            group_name="sources",
            description=f"The {system} system, outside Tuoke. Feeds {', '.join(tables)}.",
            owners=[team(project.plan.owners.data)],
            kinds={"source"},
            metadata={table: _places(project.sources.feeds(table), system) for table in tables},
        )
        for system, tables in project.sources.systems.items()
    ]


def _places(feeds: list[Feed], system: str) -> str:
    places = [feed.file or f"query on {feed.database}" for feed in feeds if feed.source == system]
    return ", ".join(dict.fromkeys(places))


def ods_asset(contract: Contract, project: Project) -> dg.AssetsDefinition:
    """The landing of one source table as one asset. A table no source delivers is empty, and nothing to check."""
    name = f"ods.{contract.table}"
    feeds = project.sources.feeds(contract.table)
    systems = sorted({feed.source for feed in feeds})
    said = "As sent, all text." if feeds else NOT_DELIVERED
    schema = column_schema(ods_columns(contract), [column.name for column in contract.columns if column.personal])
    delivered = dg.AssetCheckSpec(
        DELIVERED,
        asset=asset_key(name),
        description="There are rows, and about as many as usual.",
        blocking=True,
    )

    @dg.asset(
        key=asset_key(name),
        group_name="ods",
        description=f"{contract.description} {said}",
        owners=[team(contract.owner)],
        kinds={"parquet"},
        deps=[source_key(system) for system in systems],
        partitions_def=daily_partitions(project.plan),
        retry_policy=RETRIES,
        metadata=schema,
        check_specs=[delivered, steady_spec(contract.table)] if feeds else [],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> Iterator[dg.MaterializeResult]:
        day = tuoke.day(context.partition_key)
        with told():
            landing = land(contract, day)
            check_volume(contract, day, landing, accepted_drops(context))
            found = [report.columns_found for report in landing.reports]
            changes = drifts(day.lake, contract.table, day.as_of, feeds, found)
        checks = [passed(DELIVERED, asset_key(name), day, landing.total("rows_landed"))]
        rows = landing.total("rows_landed")
        yield dg.MaterializeResult(
            metadata={
                **schema,
                **column_lineage(_lineage(contract, feeds, landing)),
                "dagster/row_count": rows,
                "rows_read": landing.total("rows_read"),
                "rows_added_up": landing.total("rows_added_up"),
                "rows_out_of_scope": landing.total("rows_filtered"),
                "rows_unreadable": len(landing.unreadable),
                "inputs": [file.name for report in landing.reports for file in report.inputs],
                "columns_unused": sorted({column for report in landing.reports for column in report.columns_unused}),
                **drift_metadata(changes),
            },
            check_results=[*checks, steady_result(contract.table, day.as_of, changes)] if feeds else [],
        )

    return table


def ods_columns(contract: Contract) -> Columns:
    """The columns of the contract, all text, and where each row comes from."""
    return {column.name: ("text", column.description) for column in contract.columns} | LINEAGE_COLUMNS


def _lineage(contract: Contract, feeds: list[Feed], landing: Landing) -> Lineage:
    """The sources' own columns, under the names they have there; what the mapping states comes from nowhere."""
    picked = [
        (column, (f"source.{feed.source}", source))
        for feed, report in zip(feeds, landing.reports, strict=True)
        for column, sources in report.made_of.items()
        for source in sources
    ]
    return {name: sorted({source for column, source in picked if column == name}) for name in contract.by_name}


def accepted_drops(context: AssetExecutionContext) -> set[str]:
    """The tables for which the person who started the run accepts far fewer rows than usual."""
    return set(filter(None, context.run.tags.get(ACCEPT_DROP_TAG, "").split(",")))


def land(contract: Contract, day: ProjectDay) -> Landing:
    """Read a table's feeds into the lake; a table without feeds lands empty.

    Raises:
        SourceError: a feed can't be read as declared; the lake keeps what it had.
    """
    feeds = day.project.sources.feeds(contract.table)
    reports: list[FeedReport] = []
    names = [column.name for column in contract.columns]
    schema = pa.schema([*((name, pa.string()) for name in [*names, "_row_id", "_source"]), ("_line", pa.int64())])
    # a dictionary of values that are all different only takes time and space
    repeating = [name for name in schema.names if name not in (*contract.key, "_row_id", "_line")]
    with (
        day.lake.write(f"ods.{contract.table}", day.as_of) as file,
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeating) as writer,
    ):
        for place, feed in enumerate(feeds, start=1):
            reader = feed_reader(feed, contract, day)
            with reader:
                if feed.lines is None:
                    _write_behind(without_erased(reader.batches(), contract, day), writer)
                else:
                    _add_up(feed.lines, contract, day, reader, f"lines.{contract.table}_{place}", writer)
            reports.append(reader.report)
    landing = Landing(reports)
    _write_reports(contract, day, landing, feeds)
    return landing


def _add_up(
    lines: Lines, contract: Contract, day: ProjectDay, reader: FeedReader, name: str, writer: pq.ParquetWriter
) -> None:
    """Keep a feed's lines in the lake as `name`, and write the rows they make."""
    refuse_sums(contract, lines)
    with day.lake.write(name, day.as_of) as file, pq.ParquetWriter(file, reader.schema, compression="zstd") as kept:
        _write_behind(without_erased(reader.batches(), contract, day), kept)
    rows = 0
    for batch in rows_of_lines(contract, lines, day, name):
        writer.write_batch(batch.cast(writer.schema))
        rows += batch.num_rows
    reader.report.rows_added_up = reader.report.rows_landed - rows
    reader.report.rows_landed = rows


def without_erased(batches: Iterable[pa.RecordBatch], contract: Contract, day: ProjectDay) -> Iterable[pa.RecordBatch]:
    """The rows without what is personal of customers who are erased: it never comes into the lake again."""
    if contract.about is None or not day.erasures.ids:
        return batches
    return (_erased(batch, contract, day) for batch in batches)


def _erased(batch: pa.RecordBatch, contract: Contract, day: ProjectDay) -> pa.RecordBatch:
    rows = pa.Table.from_batches([batch])
    about = exp.select("_row_id").from_("landing.rows").where(is_about(contract, day.erasures.ids, as_sent=True))
    with day.engine.session(zone=day.project.plan.timezone, tables={}, values={"landing.rows": rows}) as session:
        row_ids = pa.array([row_id for (row_id,) in session.rows(about)], pa.string())
    erased = blanked(rows, personal_columns(contract), pc.is_in(rows["_row_id"], row_ids))
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in erased.columns], schema=batch.schema)


def _write_behind(batches: Iterable[pa.RecordBatch], writer: pq.ParquetWriter) -> None:
    """Write batches in their order, each while the next is read."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        written: Future[None] | None = None
        for batch in batches:
            if written is not None:
                written.result()
            written = thread.submit(writer.write_batch, batch)
        if written is not None:
            written.result()


def feed_reader(feed: Feed, contract: Contract, day: ProjectDay) -> FeedReader:
    """A reader of one feed on one day, from where the days before got to."""
    refuse_cursor(feed, contract, day)
    return FeedReader(
        feed,
        table=contract.table,
        columns=[column.name for column in contract.columns],
        required=contract.required,
        landing=day.project.landing,
        as_of=day.as_of,
        environment=day.project.environment,
        kinds={column.name: column.type for column in contract.columns},
        cursor=_cursor_before(feed, contract, day),
    )


def refuse_cursor(feed: Feed, contract: Contract, day: ProjectDay) -> None:
    """Stop where only what is new is asked of a table that must be whole every day.

    Raises:
        ConfigurationError: the feed has a cursor and the table arrives as a snapshot.
    """
    if feed.cursor is not None and day.arrives(contract.table) != "increment":
        raise ConfigurationError(
            f"sources.yaml, {contract.table}.cursor: {contract.table} arrives as a snapshot, every row every day; "
            "remove the cursor, or set arrives: increment"
        )


def _cursor_before(feed: Feed, contract: Contract, day: ProjectDay) -> str | None:
    """How far the last day before this one got with the same query, whenever it was evaluated."""
    name = f"{CURSORS.name}.{contract.table}"
    earlier = [known for known in day.lake.days(name) if known < day.as_of]
    if feed.cursor is None or not earlier:
        return None
    known = pq.read_table(day.lake.file(name, earlier[-1])).to_pylist()
    same = (feed.source, query_name(feed), feed.cursor.column)
    return next((row["cursor"] for row in known if (row["source"], row["input"], row["column_name"]) == same), None)


def _write_reports(contract: Contract, day: ProjectDay, landing: Landing, feeds: list[Feed]) -> None:
    unreadable = [
        {
            "_row_id": r.row_id,
            "_source": r.source,
            "_line": r.line,
            "delivered_on": day.as_of,
            "rule_id": r.rule_id,
            "raw": erased_line(r.row_id) if names_one_of(r.raw, day.erasures.ids) else r.raw,
            "message": r.message,
        }
        for r in landing.unreadable
    ]
    inputs = [
        {"source": feed.source, "input": file.name, "sha256": file.sha256, "size": file.size}
        for feed, report in zip(feeds, landing.reports, strict=True)
        for file in report.inputs
    ]
    counts = {
        "table_name": contract.table,
        "rows_read": landing.total("rows_read"),
        "rows_landed": landing.total("rows_landed"),
        "rows_added_up": landing.total("rows_added_up"),
        "rows_out_of_scope": landing.total("rows_filtered"),
        "rows_unreadable": len(landing.unreadable),
    }
    headers = column_rows(feeds, [report.columns_found for report in landing.reports])
    day.write(COLUMNS, headers, f"{COLUMNS.name}.{contract.table}")
    filled = {
        (column, f"{feed.source}:{file.name}")
        for feed, report in zip(feeds, landing.reports, strict=True)
        for file in report.inputs
        for column in report.columns_filled
    }
    cursors = [
        {"source": feed.source, "input": file.name, "column_name": feed.cursor.column, "cursor": report.cursor}
        for feed, report in zip(feeds, landing.reports, strict=True)
        for file in report.inputs
        if feed.cursor is not None and report.cursor is not None
    ]
    if any(feed.cursor is not None for feed in feeds):
        day.write(CURSORS, cursors, f"{CURSORS.name}.{contract.table}")
    mapped = [{"column_name": column, "source": source} for column, source in sorted(filled)]
    day.write(MAPPED, mapped, f"mapped.{contract.table}")
    day.write(UNREADABLE, unreadable, f"landing.{contract.table}")
    day.write(DELIVERIES, inputs, f"deliveries.{contract.table}")
    day.write(LANDED, [counts], f"landed.{contract.table}")


def check_volume(contract: Contract, day: ProjectDay, landing: Landing, accepted: set[str]) -> None:
    """A table that lost nearly all its rows against the week before is a broken export, not a bad week.

    Raises:
        GateClosed: the drop is larger than the plan's limit and nobody accepted it.
    """
    name = f"ods.{contract.table}"
    week = [d for d in day.lake.days(name) if day.as_of - timedelta(days=7) <= d < day.as_of]
    if not landing.reports or not week or day.arrives(contract.table) == "increment" or contract.table in accepted:
        return
    usual = statistics.median(pq.read_metadata(day.lake.file(name, d)).num_rows for d in week)
    rows = landing.total("rows_landed")
    limit = day.project.plan.quality.volume_drop_limit
    if usual and rows < usual * (1 - limit):
        raise GateClosed(
            f"{contract.table} has {rows:,} rows on {day.as_of}, the median of the week before is {usual:,.0f}: "
            f"a drop of more than {limit:.0%}. If that is right, run the day with --accept-drop {contract.table}"
        )
