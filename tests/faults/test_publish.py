"""What may go wrong while a day is published, done to a real server: killed processes, lost connections, full disks."""

import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import connection as Connection

from pipeline.errors import AlreadyRunning, ConfigurationError, WarehouseError
from pipeline.plan import Retention
from pipeline.warehouse import Column, Patience, Publication, Table, Warehouse, normalise_url
from pipeline.warehouse.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 20)
DAY_BEFORE = date(2026, 11, 19)
BRISK = Patience(run=30, readers=0.5, queue=0.3, connections=3, pause=0.05)
STATE = """
    select
        (select count(*) from dws.customer_segments_current),
        (select min(version) from dws.customer_segments_current),
        (select max(version) from dws.customer_segments_current),
        (select count(*) from ads.kpi_scorecard_current),
        (select min(version) from ads.kpi_scorecard_current),
        (select max(version) from ads.kpi_scorecard_current)
"""
FORBIDDEN = [
    "insert into ads.kpi_scorecard values ('2026-11-20', 'x', 1, 'x')",
    "delete from dws.customer_segments",
    "update ads.kpi_scorecard_current set version = 9",
    "truncate meta.publications",
    "select * from dws.customer_segments_20261120",
    "select * from stage.dws__customer_segments",
    "create table public.mine (n integer)",
    "create table dws.mine (n integer)",
    "create schema mine",
    "select pg_read_file('/etc/passwd')",
    "copy ads.kpi_scorecard to program 'cat'",
    "drop view ads.kpi_scorecard_current",
    "set role postgres",
]
OLD = (10, 1, 1, 5, 1, 1)
NEW = (20, 2, 2, 10, 2, 2)

Answer = Callable[..., list[Table]]
Run = Callable[..., Publication]


def pass_all(engine: sqlalchemy.Engine, staged: object) -> None:
    """A gate that is open."""


def publish(url: sqlalchemy.URL, tables: list[Table], run: Publication, patience: Patience = BRISK, **other) -> None:
    arguments = {"audit": pass_all, "retention": Retention(), **other}
    Warehouse(url, patience=patience).publish(tables, run, **arguments)


@contextmanager
def session(url: sqlalchemy.URL, **other: str) -> Iterator[Connection]:
    """A session on the server, of the owner unless told otherwise."""
    arguments = {"host": url.query["host"], "port": url.port, "user": url.username, "dbname": url.database}
    connection = psycopg2.connect(**{**arguments, **other})
    yield connection
    connection.close()


def read(url: sqlalchemy.URL, query: str = STATE, user: str = "tuoke_reader") -> tuple:
    """The one row a reader gets."""
    with session(url, user=user) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def staged(url: sqlalchemy.URL) -> int:
    """How many tables lie in the staging schema."""
    return read(url, "select count(*) from pg_class where relnamespace = 'stage'::regnamespace and relkind = 'r'")[0]


def in_background(call: Callable[[], None]) -> Callable[[], None]:
    """Start a call in a thread; what is returned waits for it and raises what it raised."""
    raised: list[BaseException] = []

    def body() -> None:
        try:
            call()
        except (WarehouseError, AssertionError) as error:
            raised.append(error)

    thread = threading.Thread(target=body)
    thread.start()

    def wait() -> None:
        thread.join(timeout=30)
        assert not thread.is_alive()
        for error in raised:
            raise error

    return wait


class Gate:
    """An audit that tells when it is reached and waits until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, engine: sqlalchemy.Engine, staged: object) -> None:
        self.reached.set()
        assert self.open.wait(20)


class TestKilled:
    @pytest.mark.parametrize(
        ("moment", "pattern", "expected"),
        [
            pytest.param("before", "pg_advisory_lock", OLD, id="before-it-began"),
            pytest.param("within", "", OLD, id="while-copying"),
            pytest.param("before", "primary key", OLD, id="with-rows-copied"),
            pytest.param("audit", "", OLD, id="in-the-audit"),
            pytest.param("after", "^delete from", OLD, id="with-scores-replaced"),
            pytest.param("before", "insert into meta.publications", OLD, id="with-segments-replaced"),
            pytest.param("after", "insert into meta.publications", OLD, id="before-the-commit"),
            pytest.param("before", "bool_or\\(is_closing", NEW, id="after-the-commit"),
        ],
    )
    def test_readers_see_the_old_or_the_new_day_and_the_next_run_mends_the_rest(
        self,
        moment: str,
        pattern: str,
        expected: tuple[int, ...],
        server: sqlalchemy.URL,
        answer: Answer,
        run: Run,
        tmp_path: Path,
    ):
        publish(server, answer(1), run())
        work = tmp_path / "work.pickle"
        work.write_bytes(pickle.dumps((answer(2, customers=20), run())))
        script = Path(__file__).with_name("killed_publisher.py")
        url = server.render_as_string(hide_password=False)
        killed = subprocess.run(
            [sys.executable, script, url, work, moment, pattern],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        assert killed.returncode == -9
        assert read(server) == expected
        publish(server, answer(2, customers=20), run())
        assert read(server) == NEW
        assert staged(server) == 0
        assert read(server, "select count(*) from dws.customer_segments") == (20,)


class TestTogether:
    def test_two_runs_of_one_day_follow_each_other(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        first, second = answer(1, customers=20), answer(2, customers=20)
        gate = Gate()
        one = in_background(lambda: publish(server, first, run(), audit=gate))
        assert gate.reached.wait(20)
        other = in_background(lambda: publish(server, second, run()))
        time.sleep(0.3)
        gate.open.set()
        one()
        other()
        assert read(server) == NEW
        assert read(server, "select count(*) from dws.customer_segments") == (20,)

    def test_a_run_that_waited_long_enough_leaves_the_other_alone(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        gate = Gate()
        tables = answer(1)
        one = in_background(lambda: publish(server, tables, run(run_id="morning"), audit=gate))
        assert gate.reached.wait(20)
        with pytest.raises(AlreadyRunning, match=r"tuoke/morning \(since .*\) is publishing"):
            publish(server, answer(2), run(), patience=replace(BRISK, run=0.2))
        gate.open.set()
        one()
        assert read(server) == OLD

    def test_runs_of_several_days_are_all_published(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        days = [date(2026, 11, day) for day in (17, 18, 19, 20)]
        tables = {day: answer(day.day) for day in days}
        for wait in [in_background(lambda day=day: publish(server, tables[day], run(day))) for day in days]:
            wait()
        for table, rows in (("dws.customer_segments", 10), ("ads.kpi_scorecard", 5)):
            counted = f"select as_of, version, count(*) as n from {table} group by as_of, version"
            query = f"select array_agg((as_of, version, n)::text order by as_of) from ({counted})"
            assert read(server, query) == ([f"({day},{day.day},{rows})" for day in days],)

    def test_an_older_day_run_again_never_becomes_the_current_one(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        publish(server, answer(7), run(DAY_BEFORE))
        publish(server, answer(1), run(DAY))
        publish(server, answer(8), run(DAY_BEFORE))
        assert read(server) == OLD
        query = "select distinct version from dws.customer_segments where as_of = '2026-11-19'"
        assert read(server, query) == (8,)


class TestLostConnections:
    def test_a_server_that_is_down_is_asked_a_bounded_number_of_times(
        self, answer: Answer, run: Run, caplog: pytest.LogCaptureFixture
    ):
        url = normalise_url("postgresql://tuoke:s3cret@127.0.0.1:9/tuoke")
        with pytest.raises(WarehouseError, match=r"publishing 2026-11-20: .*refused.*check") as caught:
            publish(url, answer(1), run())
        assert len([record for record in caplog.records if "trying again" in record.message]) == BRISK.connections - 1
        assert "s3cret" not in f"{caught.value}{caplog.text}"

    def test_a_connection_cut_while_copying_is_made_again(
        self, server: sqlalchemy.URL, answer: Answer, run: Run, caplog: pytest.LogCaptureFixture
    ):
        publish(server, answer(1), run())
        tables = answer(2, customers=300_000)
        wait = in_background(lambda: publish(server, tables, run()))
        wait_for(server, "select count(*) = 1 from pg_stat_progress_copy where tuples_processed > 0")
        assert read(server) == OLD
        assert read(server, "select bool_or(pg_terminate_backend(pid)) from pg_stat_progress_copy", "postgres")[0]
        wait()
        assert read(server) == (300_000, 2, 2, 150_000, 2, 2)
        assert "trying again" in caplog.text
        assert "customer_id-" not in caplog.text

    def test_a_server_that_crashes_while_a_day_is_audited_has_it_published_after_all(
        self, embedded_server: EmbeddedServer, answer: Answer, run: Run
    ):
        crashes = iter([True, False])

        def audit(engine: sqlalchemy.Engine, staged: object) -> None:
            if next(crashes):
                os.kill(int((embedded_server.data / "postmaster.pid").read_text().splitlines()[0]), 9)
                time.sleep(0.3)

        warehouse = Warehouse(embedded_server.url(), embedded_server, BRISK)
        warehouse.publish(answer(1), run(), audit=audit, retention=Retention())
        assert read(embedded_server.url()) == OLD


class TestTriedAgain:
    @pytest.mark.parametrize(
        ("code", "attempts"),
        [
            pytest.param("40P01", 3, id="deadlock"),
            pytest.param("40001", 3, id="serialization-failure"),
            pytest.param("53300", 3, id="too-many-connections"),
            pytest.param("22012", 1, id="division-by-zero"),
            pytest.param("23505", 1, id="duplicate-key"),
            pytest.param("42P01", 1, id="missing-table"),
            pytest.param("53100", 1, id="full-disk"),
        ],
    )
    def test_only_what_may_pass_by_itself(
        self, code: str, attempts: int, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        made: list[str] = []

        def audit(engine: sqlalchemy.Engine, staged: object) -> None:
            made.append(code)
            with engine.connect() as connection:
                connection.exec_driver_sql(f"do $$ begin raise exception 'made' using errcode = '{code}'; end $$")

        with pytest.raises(WarehouseError, match=rf"publishing 2026-11-20: made.* \[{code}\]"):
            publish(server, answer(1), run(), audit=audit)
        assert len(made) == attempts
        assert staged(server) == 0


@pytest.fixture
def reader_url(cluster: EmbeddedServer) -> sqlalchemy.URL:
    """The reader's URL over TCP, where passwords count."""
    return normalise_url(Warehouse(cluster.url(), cluster).serve().render_as_string(hide_password=False))


class TestRefused:
    def test_a_wrong_password_is_not_tried_again_nor_told(
        self, reader_url: sqlalchemy.URL, answer: Answer, run: Run, caplog: pytest.LogCaptureFixture
    ):
        url = reader_url.set(password="s3cret-guess")
        with pytest.raises(WarehouseError, match="password authentication failed") as caught:
            publish(url, answer(1), run())
        assert "trying again" not in caplog.text
        assert "s3cret" not in f"{caught.value}{caught.value.__cause__}{caplog.text}"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param({"username": "nobody_here"}, 'role "nobody_here" does not exist', id="role"),
            pytest.param({"database": "nothing_here"}, 'database "nothing_here" does not exist', id="database"),
        ],
    )
    def test_what_is_missing_is_named_at_once(
        self,
        change: dict[str, str],
        said: str,
        server: sqlalchemy.URL,
        answer: Answer,
        run: Run,
        caplog: pytest.LogCaptureFixture,
    ):
        with pytest.raises(WarehouseError, match=said):
            publish(server.set(**change), answer(1), run())
        assert "trying again" not in caplog.text

    def test_a_role_without_rights_is_told_so_at_once(
        self, server: sqlalchemy.URL, answer: Answer, run: Run, caplog: pytest.LogCaptureFixture
    ):
        publish(server, answer(1), run())
        with pytest.raises(WarehouseError, match=r"\[(42501|25006)\]"):
            publish(server.set(username="tuoke_reader"), answer(2), run())
        assert "trying again" not in caplog.text
        assert read(server) == OLD


class TestReaders:
    def test_a_reader_in_a_transaction_makes_a_run_again_wait_and_then_give_up(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        publish(server, answer(1), run())
        with session(server, user="tuoke_reader", application_name="dashboard") as reader, reader.cursor() as cursor:
            cursor.execute("select count(*) from dws.customer_segments")
            with pytest.raises(WarehouseError, match=r"dashboard \(process \d+, since .* held a table .* nothing was"):
                publish(server, answer(2, customers=20), run())
            assert read(server) == OLD
            assert staged(server) == 0
        publish(server, answer(2, customers=20), run())
        assert read(server) == NEW

    def test_new_readers_wait_no_longer_than_the_run_that_waits(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(server, answer(1), run())
        tables = answer(2)
        with session(server) as reader, reader.cursor() as cursor:
            cursor.execute("select count(*) from dws.customer_segments")
            wait = in_background(lambda: publish(server, tables, run(), patience=replace(BRISK, readers=3)))
            wait_for(server, "select count(*) = 1 from pg_locks where not granted")
            for _ in range(5):
                began = time.monotonic()
                assert read(server) == OLD
                assert time.monotonic() - began < BRISK.queue + 0.3
            with pytest.raises(WarehouseError, match="held a table"):
                wait()

    def test_a_reader_that_ends_in_time_only_delays_a_run(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(server, answer(1), run(DAY_BEFORE))
        tables = answer(2, customers=20)
        with session(server, user="tuoke_reader") as reader, reader.cursor() as cursor:
            cursor.execute("select count(*) from dws.customer_segments_current")
            wait = in_background(lambda: publish(server, tables, run(), patience=replace(BRISK, readers=20)))
            wait_for(server, "select count(*) = 1 from pg_locks where not granted")
            time.sleep(2 * BRISK.queue)
            reader.commit()
            wait()
        assert read(server) == NEW

    def test_a_reader_that_looks_all_the_time_sees_only_whole_days(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        versions = {1: answer(1, customers=4000), 2: answer(2, customers=6000)}
        whole = {(4000, 1, 1, 2000, 1, 1), (6000, 2, 2, 3000, 2, 2)}
        publish(server, versions[1], run())
        seen: list[tuple] = []
        done = threading.Event()

        def look() -> None:
            with session(server, user="tuoke_reader") as reader, reader.cursor() as cursor:
                reader.autocommit = True
                while not done.is_set():
                    cursor.execute(STATE)
                    seen.append(cursor.fetchone())

        readers = [in_background(look) for _ in range(2)]
        for version in (2, 1, 2, 1, 2, 1):
            publish(server, versions[version], run(), patience=replace(BRISK, readers=20))
        publish(server, versions[2], run(date(2026, 11, 21)))
        done.set()
        for wait in readers:
            wait()
        assert set(seen) == whole
        assert len(seen) > 50

    def test_a_transaction_that_began_before_finds_its_tables_whole(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        publish(server, answer(1), run())
        with session(server, user="tuoke_reader") as reader, reader.cursor() as cursor:
            reader.set_session(isolation_level="REPEATABLE READ")
            cursor.execute("select 1")
            publish(server, answer(2, customers=20), run())
            cursor.execute("select count(*) from dws.customer_segments_current")
            assert cursor.fetchone() in {(10,), (20,)}
            cursor.execute("select count(*) from ads.kpi_scorecard_current")
            assert cursor.fetchone() == (5,)

    def test_the_reader_can_do_nothing_else(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(server, answer(1), run())
        with session(server) as owner, owner.cursor() as cursor:
            cursor.execute("create table stage.dws__customer_segments (n integer)")
            owner.commit()
        with session(server, user="tuoke_reader") as reader, reader.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
            reader.commit()
            for attempt in FORBIDDEN:
                with pytest.raises(InsufficientPrivilege):
                    cursor.execute(attempt)
                reader.rollback()

    def test_the_reader_reads_what_is_published_and_nothing_else(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        publish(server, answer(1), run())
        query = """
            select array_agg(table_schema || '.' || table_name order by table_schema, table_name)
            from information_schema.table_privileges
            where table_schema not in ('pg_catalog', 'information_schema')
        """
        assert read(server, query) == (
            [
                "ads.kpi_scorecard",
                "ads.kpi_scorecard_current",
                "dws.customer_segments",
                "dws.customer_segments_current",
                "meta.plan",
                "meta.publications",
            ],
        )
        with session(server, user="tuoke_reader") as reader, reader.cursor() as cursor:
            cursor.execute("show default_transaction_read_only")
            assert cursor.fetchone() == ("on",)


def with_restricted(table: Table, *columns: str) -> Table:
    """The same table, these columns kept from readers."""
    return replace(table, columns=tuple(replace(c, is_restricted=c.name in columns) for c in table.columns))


class TestRestrictedColumns:
    @pytest.fixture(params=["dws.customer_segments", "ads.kpi_scorecard"], ids=["by-day", "small"])
    def table(self, request: pytest.FixtureRequest, answer: Answer) -> Table:
        return next(table for table in answer(1) if table.name == request.param)

    @pytest.fixture
    def hidden(self, table: Table, server: sqlalchemy.URL, run: Run) -> Table:
        """Published with its version kept from readers."""
        publish(server, [with_restricted(table, "version")], run())
        return table

    def may(self, url: sqlalchemy.URL, user: str, query: str) -> bool:
        """Whether the server lets the role ask this."""
        try:
            read(url, query, user=user)
        except InsufficientPrivilege:
            return False
        return True

    def test_a_reader_sees_the_others(self, hidden: Table, server: sqlalchemy.URL):
        for name in (hidden.name, hidden.current_name):
            assert self.may(server, "tuoke_reader", f"select count(*), max(plan_hash) from {name}")
            assert not self.may(server, "tuoke_reader", f"select version from {name}")
            assert not self.may(server, "tuoke_reader", f"select * from {name}")
            assert not self.may(server, "tuoke_reader", f"select count(*) from {name} where version = 1")
            assert not self.may(server, "tuoke_reader", f"select count(t::text) from {name} as t")

    def test_a_reader_sees_no_samples_of_them_in_statistics(self, hidden: Table, server: sqlalchemy.URL):
        seen = "select count(*) from pg_stats where schemaname in ('dws', 'ads') and attname = 'version'"
        assert read(server, seen, user="postgres")[0] > 0
        assert read(server, seen, user="tuoke_reader") == (0,)

    def test_a_steward_sees_them_all_and_changes_nothing(self, hidden: Table, server: sqlalchemy.URL):
        for name in (hidden.name, hidden.current_name, "meta.publications"):
            assert self.may(server, "tuoke_steward", f"select * from {name}")
        with session(server, user="tuoke_steward") as steward, steward.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
            steward.commit()
            with pytest.raises(InsufficientPrivilege):
                cursor.execute(f"update {hidden.name} set version = 9")

    def test_a_column_that_was_open_can_be_closed_and_opened_again(
        self, table: Table, server: sqlalchemy.URL, run: Run
    ):
        for columns, is_open in [((), True), (("version",), False), ((), True)]:
            publish(server, [with_restricted(table, *columns)], run())
            for name in (table.name, table.current_name):
                assert self.may(server, "tuoke_reader", f"select version from {name}") is is_open
                assert self.may(server, "tuoke_reader", f"select plan_hash from {name}")

    def test_a_new_column_is_seen_unless_it_is_restricted(
        self, hidden: Table, server: sqlalchemy.URL, run: Run, tmp_path: Path
    ):
        frame = pq.read_table(hidden.files[0])
        for name in ("note", "phone"):
            frame = frame.append_column(name, pa.array(["x"] * frame.num_rows))
        pq.write_table(frame, tmp_path / "wider")
        columns = (*hidden.columns, Column("note", "text", "x"), Column("phone", "text", "x"))
        wider = replace(hidden, columns=columns, files=(tmp_path / "wider",))
        publish(server, [with_restricted(wider, "version", "phone")], run())
        for name in (hidden.name, hidden.current_name):
            assert self.may(server, "tuoke_reader", f"select note from {name}")
            assert not self.may(server, "tuoke_reader", f"select phone from {name}")

    def test_what_a_database_gives_everybody_by_default_is_taken_back(
        self, table: Table, server: sqlalchemy.URL, run: Run
    ):
        with session(server) as owner, owner.cursor() as cursor:
            cursor.execute("alter default privileges grant select on tables to tuoke_reader, public")
            owner.commit()
        publish(server, [with_restricted(table, "version")], run())
        readable = """
            select array_agg(c.oid::regclass::text || '.' || a.attname)
            from pg_class as c
            inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where
                c.relnamespace::regnamespace::text in ('dws', 'ads', 'dq', 'stage')
                and c.relkind in ('r', 'p', 'v')
                and has_column_privilege('tuoke_reader', c.oid, a.attnum, 'select')
        """
        assert set(read(server, readable)[0]) == {
            f"{name}.{column}" for name in (table.name, table.current_name) for column in table.types
        } - {f"{table.name}.version", f"{table.current_name}.version"}

    def test_an_owner_who_may_make_no_roles_publishes_without_stewards(
        self, embedded_server: EmbeddedServer, table: Table, run: Run
    ):
        with session(embedded_server.url()) as admin, admin.cursor() as cursor:
            cursor.execute(
                "create role tuoke_reader login; create role owner login; alter database tuoke owner to owner"
            )
            admin.commit()
        url = embedded_server.url().set(username="owner")
        publish(url, [with_restricted(table, "version")], run())
        assert read(url, "select to_regrole('tuoke_steward')") == (None,)
        assert not self.may(url, "tuoke_reader", f"select version from {table.name}")

    def test_the_key_of_a_table_is_never_restricted(self, table: Table):
        with pytest.raises(ConfigurationError, match="readers need it to tell the rows apart"):
            with_restricted(table, *table.grain)


class TestFullDisk:
    def test_a_full_disk_leaves_the_old_day_and_no_staging(self, cluster: EmbeddedServer, answer: Answer, run: Run):
        with small_disk(cluster) as url:
            publish(url, answer(1), run())
            tables = answer(2, customers=300_000)
            with pytest.raises(WarehouseError, match=r"No space left on device \[53100\]; free space"):
                publish(url, tables, run())
            assert read(url) == OLD
            assert staged(url) == 0
            publish(url, answer(2, customers=20), run())
            assert read(url) == NEW


@contextmanager
def small_disk(cluster: EmbeddedServer) -> Iterator[sqlalchemy.URL]:
    """A database whose tables lie on a file system of 24 MB."""
    with tempfile.TemporaryDirectory(prefix="tuoke-test-") as folder:
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=False)
        if mount.returncode != 0:
            pytest.skip("mounting a small file system needs rights that are missing here")
        os.chown(folder, cluster.data.stat().st_uid, -1)
        with session(cluster.url("postgres")) as owner, owner.cursor() as cursor:
            owner.autocommit = True
            cursor.execute("create tablespace small location %s", [folder])
            cursor.execute("create database small tablespace small")
            try:
                yield cluster.url("small")
            finally:
                cursor.execute("drop database small with (force)")
                cursor.execute("drop tablespace small")
                subprocess.run(["umount", folder], check=True)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ('dws.x"; drop table dws.y; --', "must be lower-case letters"),
            ("dws." + "客户" * 20, "must be lower-case letters"),
            ("dws.Segments", "must be lower-case letters"),
            ("dws." + "x" * 44, "has 44 letters, at most 43 fit"),
            ("dws.user", "reserved word"),
            ("public.x", "one of the schemas ads, dq, dws, meta"),
            ("pg_catalog.pg_class", "one of the schemas"),
            ("x", "one of the schemas"),
            ("dws.x.y", "must be lower-case letters"),
            ("dws.x_current", "publishing gives itself"),
            ("dws.x_20261120", "publishing gives itself"),
            ("meta.publications", "publishing gives itself"),
            ("meta.plan", "publishing gives itself"),
        ],
    )
    def test_a_table_name_that_does_not_fit_is_refused(self, name: str, said: str):
        with pytest.raises(ConfigurationError, match=said):
            Table(name, "x", (Column("a", "text", "x"),), ("a",), ())

    @pytest.mark.parametrize(
        ("name", "kind", "said"),
        [
            ('a" text); drop table x; --', "text", "must be lower-case letters"),
            ("客户", "text", "must be lower-case letters"),
            ("a" * 64, "text", "has 64 letters, at most 63 fit"),
            ("order", "text", "reserved word"),
            ("as_of", "date", "added by publishing"),
            ("a", "text); drop table x; --", "types that can be published"),
            ("a", "numeric", "types that can be published"),
        ],
    )
    def test_a_column_that_does_not_fit_is_refused(self, name: str, kind: str, said: str):
        with pytest.raises(ConfigurationError, match=said):
            Column(name, kind, "x")

    def test_longest_names_are_kept_whole(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        tables = [replace(table, name=f"{table.schema}.{'x' * 43}") for table in answer(1)]
        publish(server, tables, run())
        publish(server, tables, run())
        assert read(server, f"select count(*) from dws.{'x' * 43}_current") == (10,)

    def test_a_table_to_be_published_twice_is_refused(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        with pytest.raises(ConfigurationError, match=r"dws.customer_segments: to be published twice"):
            publish(server, [*answer(1), *answer(2)[:1]], run())


def wait_for(url: sqlalchemy.URL, query: str) -> None:
    """Wait until a query of the owner gives true."""
    deadline = time.monotonic() + 20
    with session(url) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while time.monotonic() < deadline:
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.002)
    raise AssertionError(query)
