"""The commands that do the work, as a user starts them: as programs, with their output and their exit codes."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psutil
import psycopg2
import pytest
import sqlalchemy
from databases import a_database, query
from runs import DAY, PUBLISHED, customer, deliver, evaluate, order, write_small_company

from pipeline.warehouse.embedded import EmbeddedServer

REPOSITORY = Path(__file__).parents[2]
START = "from pipeline.cli import app; app()"
DAY_BEFORE = DAY - timedelta(days=1)
HASH_KEY = "key of the tests"


def command(*arguments: str | Path) -> list[str]:
    """`tuoke` with these arguments, as a program of its own."""
    return [sys.executable, "-c", START, *map(str, arguments)]


def environment(**variables: str) -> dict[str, str]:
    """The tests' environment without what a developer may have set for Tuoke."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUOKE_", "DAGSTER_"))}
    return kept | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"} | variables


def tuoke_run(root: Path, database: sqlalchemy.URL, *options: str) -> subprocess.CompletedProcess[str]:
    """Evaluate the day into the database."""
    return subprocess.run(
        command("run", root, "--date", DAY.isoformat(), *options),
        env=environment(TUOKE_DATABASE_URL=database.render_as_string(hide_password=False)),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def serving(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command that stays in the foreground, and is killed if the test did not stop it."""
    program = subprocess.Popen(command(*arguments), env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        yield program
    finally:
        for process in (
            [*psutil.Process(program.pid).children(recursive=True), program] if program.poll() is None else []
        ):
            process.kill()
        program.communicate()


def wait_for(pattern: str, program: subprocess.Popen[str]) -> str:
    """The first match of the pattern in what the program prints."""
    for line in program.stdout:
        if found := re.search(pattern, line):
            return found[0]
    raise AssertionError(f"the program ended without printing {pattern}")


@dataclass(frozen=True)
class Company:
    """A project folder and the database it publishes to."""

    root: Path
    database: sqlalchemy.URL

    def tuoke(self, group: str, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of a group, about this company."""
        database = environment(TUOKE_DATABASE_URL=self.database.render_as_string(hide_password=False))
        return subprocess.run(
            command(group, name, self.root, *arguments), env=database, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def late(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company whose day brings an order of July, after a day without it, and two customers a second time."""
    customers = [customer(number) for number in range(1, 41)]
    in_time = [order(number) for number in range(1, 40)]
    root = tmp_path_factory.mktemp("late") / "company"
    write_small_company(root, {"customers": customers, "orders": in_time}, DAY_BEFORE)
    long_ago = {"ordered_at": "2026-07-06 10:00:00", "recorded_at": "2026-11-20 18:00:00", "paid_on": "2026-07-07"}
    deliver(root, "customers", [*customers, *customers[:2]])
    deliver(root, "orders", [*in_time, order(40, **long_ago)])
    with a_database(cluster) as database:
        assert evaluate(root, database, DAY_BEFORE).success
        done = tuoke_run(root, database)
        assert done.returncode == 0, done.stderr
        yield Company(root, database)


def test_alerts_are_listed_taken_on_paused_and_reset(late: Company):
    def alerts(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return late.tuoke("alerts", name, *arguments)

    listed = alerts("list", "--lang", "en")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Source below its quality threshold" in " ".join(listed.stdout.split())
    taken = alerts("acknowledge", "1", "--by", "S0007", "--note", "asked the office")
    assert taken.stdout.endswith("is acknowledged by S0007.\n"), taken.stderr
    assert "by S0007" in " ".join(alerts("list").stdout.split())
    assert "is paused until 2026-12-01" in alerts("pause", "1", "--until", "2026-12-01").stdout
    assert "is reset" in alerts("reset", "1").stdout
    done = {
        ("acknowledge", "2", "--by", "S0007"): r"预警 2（.+）已由 S0007 确认。\n",
        ("pause", "2", "--until", "2026-12-01"): r"预警 2（.+）已暂停提醒，2026-12-01 恢复。\n",
    }
    for arguments, told in done.items():
        assert re.fullmatch(told, alerts(*arguments, "--lang", "zh").stdout)
    chinese = alerts("list", "--lang", "zh").stdout
    assert chinese.splitlines()[1].split() == ["编号", "级别", "状态", "预警事项", "责任人", "响应截止"]
    assert "已确认，确认人" in chinese
    assert not re.search(r"\b(open|acknowledged|paused|resolved|team)\b", chinese)
    refused = alerts("reset", "1")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no alert 1 is open or acknowledged" in " ".join(refused.stderr.split())


def test_a_figure_of_a_period_that_was_over_is_restated_listed_and_signed(late: Company):
    """An order of July that comes only in November changes what was said of the baseline (U09, I58)."""

    def restatements(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return late.tuoke("restatements", name, *arguments)

    [(number, was, now, causes)] = query(
        late.database,
        "select restatement_id, old_value, new_value, causes from ads.restatements "
        "where kpi = 'revenue' and period = 'baseline' and dimension = 'total'",
    )
    assert (was, now, causes) == (0, 100, "late_data")
    listed = restatements("list", "--lang", "en")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert re.search(rf"{number} +Revenue .*baseline +0 +100 +11-19 → 11-20 +late data", listed.stdout), listed.stdout
    chinese = restatements("list", "--lang", "zh").stdout
    assert chinese.splitlines()[1].split()[:5] == ["编号", "指标", "周期", "原数值", "新数值"]
    assert re.search(rf"{number} +销售额 .*基期 +0 +100 +11-19 → 11-20 +迟到数据", chinese), chinese
    signed = restatements("sign", str(number), "--by", "finance", "--note", "a forgotten invoice")
    assert signed.stdout == f"1 signed by finance: {number}.\n", signed.stderr
    refused = restatements("sign", str(number), "--by", "finance")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"no restatement {number} waits to be signed" in " ".join(refused.stderr.split())
    assert "name the numbers" in " ".join(restatements("sign", "--by", "finance").stderr.split())
    assert "signed by finance" in restatements("sign", "--day", DAY.isoformat(), "--by", "finance").stdout
    assert restatements("list").stdout == "No restatement waits to be signed.\n"
    assert restatements("list", "--lang", "zh").stdout == "没有待签认的数据重述。\n"


def test_a_day_is_evaluated_published_and_answered(tmp_path: Path, server: sqlalchemy.URL):
    customers = [customer(number) for number in range(1, 4)]
    root = write_small_company(tmp_path, {"customers": customers, "orders": [order(1), order(2, amount="250.00")]})
    done = tuoke_run(root, server, "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(
        rf"^ +1/(\d+) .*^ +\1/\1 +published, {len(PUBLISHED)} tables", done.stdout, re.MULTILINE | re.DOTALL
    )
    assert re.search(r"^Customers +3 +100\.0% +100\.0% +0\.0%", done.stdout, re.MULTILINE)
    assert re.search(r"^Revenue +350 +– .*final", done.stdout, re.MULTILINE)
    assert "withheld: no source is declared (answers, " in " ".join(done.stdout.split())
    assert re.search(r"^  in +5 +350\.00$", done.stdout, re.MULTILINE)
    assert "balanced" in done.stdout
    assert HASH_KEY not in done.stdout
    [(run_id, day, counts)] = query(server, "select run_id, as_of, row_counts from meta.publications")
    assert (day, set(counts)) == (DAY, set(PUBLISHED))
    with dg.DagsterInstance.from_config(str(root / "dagster")) as instance:
        assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.SUCCESS


def test_a_day_is_told_in_chinese_from_its_first_line_to_its_last(tmp_path: Path, server: sqlalchemy.URL):
    root = write_small_company(tmp_path, {"customers": [customer(1)], "orders": [order(1)]})
    done = tuoke_run(root, server, "--lang", "zh")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"正在评估 {root}，评估日期 {DAY}"
    assert re.fullmatch(r" +1/\d+  \w+\.\w+(，\d+ 张表)? +[\d,]+ 行 +[\d.]+ 秒", lines[1])
    assert lines[-1].strip() == "平衡"
    assert not re.search(r"\b(rows|tables|balanced|final|withheld|target)\b", done.stdout)


def test_a_closed_gate_ends_with_3_and_one_message(tmp_path: Path, server: sqlalchemy.URL):
    root = write_small_company(tmp_path, {"customers": [customer(1), customer(2, phone="12"), customer(3, phone="")]})
    done = tuoke_run(root, server)
    assert done.returncode == 3
    complaint, last = done.stderr.splitlines()
    assert complaint.startswith("customers: 2 of 3 rows are quarantined")
    assert last == f"{DAY}: nothing was published; readers keep what they had."
    assert "Traceback" not in done.stdout
    assert "Data quality" not in done.stdout


def test_the_database_is_open_to_readers_until_it_is_stopped(folder: Path):
    root = write_small_company(folder, {"customers": [customer(1)]})
    with serving("db", root) as program:
        url = wait_for(r"postgresql://tuoke_reader:\S+@127\.0\.0\.1:\d+/tuoke", program)
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("select current_user, inet_server_addr()::text")
            assert cursor.fetchone() == ("tuoke_reader", "127.0.0.1/32")
        connection.close()
        program.send_signal(signal.SIGTERM)
        assert program.stdout.read().splitlines()[-1] == "Stopped."
        assert program.wait() == 0
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)


def test_dagsters_ui_is_open_on_this_machine_only_and_stops_with_all_it_started(tmp_path: Path):
    root = write_small_company(tmp_path, {"customers": [customer(1)]})
    with serving("ui", root) as program:
        url = wait_for(r"http://127\.0\.0\.1:\d+", program)
        started = psutil.Process(program.pid).children(recursive=True)
        assert urllib.request.urlopen(f"{url}/server_info").status == 200
        listening = {
            connection.laddr.ip
            for process in started
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        program.send_signal(signal.SIGINT)
        assert program.stdout.read().splitlines()[-1] == "Stopped."
        assert program.wait() == 0
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    assert (root / "dagster" / "history").is_dir()
