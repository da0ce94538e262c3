"""A feed that is a query on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import yaml
from runs import rows_of, write_small_company

from assets.day import ProjectDay
from assets.ods import land
from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed, Project
from pipeline.sources import FeedReader, probe
from quality.contract import contracts

COLUMNS = ("order_id", "amount", "ordered_at", "note", "is_paid", "tags")
QUERY = f"select {', '.join(COLUMNS)} from orders where ordered_at::date <= :as_of order by order_id"


@pytest.fixture
def crm(server: sqlalchemy.URL) -> Iterator[sqlalchemy.Engine]:
    """A database with three orders, the last of them after the day."""
    engine = sqlalchemy.create_engine(server)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """
            create table orders (
                order_id text, amount numeric(18, 2), ordered_at timestamptz, note text, is_paid boolean, tags jsonb
            );
            insert into orders values
                ('007', 100.00, '2026-11-19 08:30:00+00', '王', true, '{"a": [1]}'),
                ('008', 0.10, '2026-11-20 08:30:00+00', '', null, null),
                ('009', 5, '2026-11-21 08:30:00+00', null, false, null);
            """
        )
    yield engine
    engine.dispose()


def reader(url: sqlalchemy.URL | str, *, query: str = QUERY, **feed: Any) -> FeedReader:
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    return FeedReader(
        Feed(source="crm", database="CRM_URL", query=query, **feed),
        table="orders",
        columns=COLUMNS,
        required=("order_id",),
        landing=Path("landing"),
        as_of=date(2026, 11, 20),
        environment={"CRM_URL": text},
    )


def rows(feed_reader: FeedReader) -> list[dict[str, Any]]:
    with feed_reader:
        return [row for batch in feed_reader.batches() for row in batch.to_pylist()]


def test_rows_are_landed_as_text_with_null_apart_from_blank(crm):
    landed = rows(reader(crm.url))
    assert [tuple(row[column] for column in (*COLUMNS, "_line")) for row in landed] == [
        ("007", "100.00", "2026-11-19 08:30:00+00:00", "王", "true", '{"a":[1]}', 1),
        ("008", "0.10", "2026-11-20 08:30:00+00:00", "", None, None, 2),
    ]


def test_a_bare_postgresql_url_uses_the_driver_that_is_installed(crm):
    assert len(rows(reader(crm.url.set(drivername="postgresql")))) == 2


def test_the_input_is_named_by_variable_and_query_and_known_by_its_rows(crm):
    first, again = reader(crm.url), reader(crm.url)
    assert rows(first) == rows(again)
    assert first.report.inputs == again.report.inputs
    assert first.report.inputs[0].name.startswith("CRM_URL#")
    other = reader(crm.url, query=f"{QUERY} limit 1")
    rows(other)
    assert other.report.inputs[0].name != first.report.inputs[0].name
    assert other.report.inputs[0].sha256 != first.report.inputs[0].sha256


def test_a_mapping_applies_to_a_query(crm):
    landed = rows(
        reader(
            crm.url,
            query="select order_id as nr, note from orders order by 1",
            columns={"order_id": "nr", "is_paid": "note"},
            values={"is_paid": {"王": "yes"}},
            where={"nr": ["007", "009"]},
        )
    )
    assert [(row["order_id"], row["is_paid"], row["_line"]) for row in landed] == [("007", "yes", 1), ("009", None, 3)]


def test_many_rows_are_streamed_in_the_order_of_the_query(crm):
    query = "select n::text as order_id from generate_series(1, 50000) as n order by n desc"
    with reader(crm.url, query=query) as feed_reader:
        batches = list(feed_reader.batches())
    assert [batch.num_rows for batch in batches] == [20_000, 20_000, 10_000]
    assert (batches[0]["order_id"][0].as_py(), batches[-1]["_line"][-1].as_py()) == ("50000", 50_000)


def test_a_query_can_write_nothing(crm):
    with crm.begin() as connection:
        connection.exec_driver_sql("create sequence counter")
    with pytest.raises(SourceError, match="read-only transaction"):
        rows(reader(crm.url, query="select nextval('counter') as order_id"))


def test_a_query_without_rows_stops_the_run_unless_empty_is_allowed(crm):
    nothing = "select order_id from orders where false"
    with pytest.raises(SourceError, match="has no rows"):
        rows(reader(crm.url, query=nothing))
    assert rows(reader(crm.url, query=nothing, allow_empty=True)) == []


def test_a_query_without_a_required_column_is_schema_drift(crm):
    with pytest.raises(SourceError, match=r"no column order_id \(required\); columns found: note"):
        rows(reader(crm.url, query="select note from orders"))


def test_a_query_that_names_a_column_twice_is_refused(crm):
    with pytest.raises(SourceError, match=r"order_id \(columns 1, 2\)"):
        rows(reader(crm.url, query="select order_id, order_id from orders"))


def test_a_table_that_is_not_there_is_not_tried_again(crm):
    with pytest.raises(SourceError, match='relation "orderz" does not exist') as caught:
        rows(reader(crm.url, query="select order_id from orderz"))
    assert not caught.value.transient


def test_a_parameter_other_than_the_day_is_a_mistake_in_sources_yaml(crm):
    with pytest.raises(ConfigurationError, match="has :month; only :as_of is known"):
        rows(reader(crm.url, query="select order_id from orders where note = :month"))


def test_a_database_that_is_down_is_worth_another_try_and_the_password_stays_secret():
    with pytest.raises(SourceError, match="CRM_URL#") as caught:
        rows(reader("postgresql://reader:hunter2@127.0.0.1:1/crm"))
    assert caught.value.transient
    assert "hunter2" not in str(caught.value)


def test_a_database_that_does_not_exist_is_not_tried_again(crm):
    with pytest.raises(SourceError, match="does not exist") as caught:
        rows(reader(crm.url.set(database="no_such_database")))
    assert not caught.value.transient


def test_a_connection_that_breaks_in_the_middle_is_worth_another_try(crm):
    query = "select n::text as order_id, pg_backend_pid()::text as note from generate_series(1, 100000) as n"
    with reader(crm.url, query=query) as feed_reader, crm.connect() as other:
        batches = feed_reader.batches()
        backend = next(batches)["note"][0].as_py()
        other.execute(sqlalchemy.text("select pg_terminate_backend(:pid)"), {"pid": int(backend)})
        with pytest.raises(SourceError) as caught:
            list(batches)
    assert caught.value.transient


def test_a_variable_that_is_not_set_is_a_mistake_in_the_environment():
    with pytest.raises(ConfigurationError, match="CRM_URL is not set"):
        rows(reader(""))


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(ConfigurationError, match=r"no driver for mysql\+pymysql"):
        rows(reader("mysql+pymysql://reader@db.example/crm"))


def test_any_database_that_sqlalchemy_knows_can_be_read(tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table orders (order_id integer, ordered_at text)")
        connection.exec_driver_sql("insert into orders values (7, '2026-11-20'), (8, '2026-11-21')")
    landed = rows(reader(engine.url, query="select order_id from orders where ordered_at <= :as_of"))
    assert [row["order_id"] for row in landed] == ["7"]
    engine.dispose()


def test_a_probe_of_a_query_reads_its_first_rows(crm):
    found = probe(
        Feed(source="crm", database="CRM_URL", query=QUERY, columns={"tags": "labels"}),
        table="orders",
        columns=COLUMNS,
        required=("order_id",),
        landing=Path("landing"),
        as_of=date(2026, 11, 20),
        environment={"CRM_URL": crm.url.render_as_string(hide_password=False)},
    )
    assert (found.rows_read, found.missing) == (2, ["labels"])


# one question, and nothing else


@pytest.mark.parametrize(
    "query",
    [
        "select order_id from orders; drop table orders",
        "select order_id from orders; select 1",
        "select order_id from orders where note = 'a;b';; select 1",
    ],
)
def test_a_second_statement_is_refused_before_the_first_is_asked(crm, query):
    with pytest.raises(ConfigurationError, match="has a second statement"):
        rows(reader(crm.url, query=query))
    assert len(rows(reader(crm.url))) == 2


@pytest.mark.parametrize(
    "query", ["delete from orders", "truncate orders", "copy orders to '/tmp/x'", "call f()", "  "]
)
def test_what_is_no_question_is_refused(crm, query):
    with pytest.raises(ConfigurationError, match="it must be a select"):
        rows(reader(crm.url, query=query))


@pytest.mark.parametrize(
    "query",
    [
        "select order_id from orders where note <> 'a;b' or true;",
        "with kept as (select * from orders) select order_id from kept",
        "(select order_id from orders) union all (select order_id from orders where false) -- ; no statement",
    ],
)
def test_a_semicolon_in_a_text_or_at_the_end_is_no_second_statement(crm, query):
    assert rows(reader(crm.url, query=query))


def test_a_question_that_writes_on_the_way_is_refused_by_the_transaction(crm):
    with pytest.raises(SourceError, match="must not contain data-modifying statements"):
        rows(reader(crm.url, query="with gone as (delete from orders returning order_id) select order_id from gone"))


def test_sqlite_can_write_nothing_either(tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table orders (order_id integer)")
        connection.exec_driver_sql("insert into orders values (7)")
    with pytest.raises(SourceError, match="readonly database"):
        rows(reader(engine.url, query="with x as (select 1) insert into orders select 8 from x returning order_id"))
    engine.dispose()


# a cursor


NEWER = (
    "select order_id, amount, ordered_at from orders where ordered_at > :cursor "
    "and ordered_at < :as_of + interval '1 day' order by order_id"
)
CURSOR = {"column": "ordered_at", "initial": "2026-11-01"}


def project_of(root: Path, database: sqlalchemy.URL, query: str = NEWER, **feed: Any) -> Project:
    """A project whose orders come from the database, from where the day before got to."""
    write_small_company(root, {})
    orders = {"source": "crm", "database": "CRM_URL", "query": query, "cursor": CURSOR} | feed
    orders["absent"] = {"customer_id": "not here", "kind": "not here"}
    (root / "sources.yaml").write_text(yaml.safe_dump({"tables": {"orders": orders | {"currency": "CNY"}}}))
    with (root / ".env").open("a") as file:
        file.write(f"CRM_URL={database.render_as_string(hide_password=False)}\n")
    return Project.read(root)


def landed_on(project: Project, day: date) -> list[str]:
    """The orders landed on a day."""
    land(contracts()["orders"], ProjectDay(project, day))
    return [row["order_id"] for row in rows_of(project.root, "ods.orders", day)]


def test_each_day_asks_for_what_lies_behind_the_day_before_it(crm, tmp_path):
    project = project_of(tmp_path, crm.url)
    assert landed_on(project, date(2026, 11, 19)) == ["007"]
    assert landed_on(project, date(2026, 11, 20)) == ["008"]
    assert landed_on(project, date(2026, 11, 21)) == ["009"]


def test_a_day_that_is_evaluated_again_asks_the_same_again(crm, tmp_path):
    project = project_of(tmp_path, crm.url)
    days = [date(2026, 11, day) for day in (19, 20, 21)]
    first = [landed_on(project, day) for day in days]
    assert [landed_on(project, day) for day in reversed(days)] == first[::-1]


def test_a_day_without_news_is_empty_and_passes_on_how_far_the_one_before_got(crm, tmp_path):
    project = project_of(tmp_path, crm.url)
    assert landed_on(project, date(2026, 11, 19)) == ["007"]
    with crm.begin() as connection:
        connection.exec_driver_sql("update orders set ordered_at = '2026-11-21 08:30:00+00' where order_id = '008'")
    assert landed_on(project, date(2026, 11, 20)) == []
    assert landed_on(project, date(2026, 11, 21)) == ["008", "009"]


def test_another_query_begins_at_the_beginning(crm, tmp_path):
    assert landed_on(project_of(tmp_path, crm.url), date(2026, 11, 19)) == ["007"]
    other = project_of(tmp_path, crm.url, query=NEWER.replace("order by order_id", "order by 1"))
    assert landed_on(other, date(2026, 11, 20)) == ["007", "008"]


def test_a_number_may_be_the_cursor(crm, tmp_path):
    query = "select order_id::int as order_id, amount, ordered_at from orders where ordered_at::date <= :as_of"
    cursor = {"column": "order_id", "initial": 0}
    project = project_of(tmp_path, crm.url, query=f"{query} and order_id::int > :cursor", cursor=cursor)
    assert landed_on(project, date(2026, 11, 19)) == ["7"]
    assert landed_on(project, date(2026, 11, 21)) == ["8", "9"]


def test_a_table_that_is_whole_every_day_can_not_have_a_cursor(crm, tmp_path):
    project = project_of(tmp_path, crm.url, arrives="snapshot")
    with pytest.raises(ConfigurationError, match=r"orders\.cursor: orders arrives as a snapshot"):
        landed_on(project, date(2026, 11, 19))


def test_a_cursor_column_that_is_not_selected_is_named(crm, tmp_path):
    project = project_of(tmp_path, crm.url, cursor={"column": "changed_at", "initial": "2026-11-01"})
    with pytest.raises(SourceError, match=r"no column changed_at \(named in cursor\); columns found: order_id"):
        landed_on(project, date(2026, 11, 19))


def test_a_cursor_without_an_end_would_bring_what_came_later():
    with pytest.raises(ValueError, match="needs a query with :cursor and :as_of"):
        Feed(source="crm", database="CRM_URL", query="select 1 as a where 1 > :cursor", cursor=CURSOR)
