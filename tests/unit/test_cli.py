"""The commands of `tuoke`: what they write, what they refuse, what they say."""

import csv
import doctest
import io
import re
import socket
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
import time_machine
import yaml
from models import a_plan
from rich.cells import cell_len
from rich.console import Console, RenderableType
from typer.testing import CliRunner, Result

from assets.ads.catalogue import catalogue
from assets.ads.plan_faults import plan_faults
from assets.day import EXIT_CODE, ProjectDay
from assets.ods import ACCEPT_DROP_TAG, land
from pipeline.cli import app
from pipeline.commands import evaluate as evaluating
from pipeline.commands import screen
from pipeline.commands.answer import action_tables, kpi_table, ledger_table, quality_table, segment_table
from pipeline.commands.check import sources_table
from pipeline.commands.evaluate import DayFailed, check_day, evaluate
from pipeline.commands.folder import plan_text, sources_text, write_folder
from pipeline.commands.history import OpenEventLog, open_history
from pipeline.commands.looks import look_at
from pipeline.commands.progress import table_of
from pipeline.definitions import JOB
from pipeline.demo import SMALL, write_company
from pipeline.errors import ConfigurationError
from pipeline.plan import (
    NO_TARGET,
    Alerts,
    Budget,
    CaseReports,
    Definitions,
    Label,
    Owners,
    Periods,
    Plan,
    Quality,
    Retention,
    Risks,
    Segments,
)
from pipeline.project import Project, Sources
from quality.contract import RATES, contracts
from quality.ledger import COUNTED
from quality.scorecard import not_delivered

TODAY = date(2026, 11, 22)
DAY = date(2026, 11, 20)


def tuoke(*arguments: str | Path) -> Result:
    """What a command prints and how it ends."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(result: Result) -> str:
    """Both streams, blanks and line ends aside: tables fold long cells."""
    return " ".join((result.stdout + result.stderr).split())


def printed(part: RenderableType, width: int = 120) -> str:
    """A part of the answer as it is read."""
    text = io.StringIO()
    Console(file=text, width=width, markup=False).print(part)
    return text.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new project folder."""
    write_folder(tmp_path / "my-company", TODAY)
    return tmp_path / "my-company"


def declare(folder: Path, **tables: Any) -> None:
    """Let sources.yaml declare these tables and no others."""
    (folder / "sources.yaml").write_text(yaml.safe_dump({"tables": tables}, allow_unicode=True), encoding="utf-8")


def deliver(folder: Path, name: str, *rows: dict[str, str]) -> None:
    """Put a file into the landing folder."""
    with open(folder / "landing" / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


STAFF = {"staff_id": "S1", "team_id": "T1", "joined_on": "2026-01-05"}
STAFF_FEED = {"source": "hr", "file": "staff_{as_of}.csv"}


# --- init -------------------------------------------------------------------------------------------------------------


def test_init_writes_a_folder_that_is_valid_as_written(tmp_path: Path):
    result = tuoke("init", tmp_path / "my-company")
    assert result.exit_code == 0
    assert Project.read(tmp_path / "my-company").sources.systems == {}
    assert tuoke("check", tmp_path / "my-company").exit_code == 0


def test_init_refuses_to_overwrite_and_leaves_what_is_there(tmp_path: Path):
    (tmp_path / "plan.yaml").write_text("mine\n", encoding="utf-8")
    result = tuoke("init", tmp_path)
    assert result.exit_code == 2
    assert "plan.yaml already" in said(result)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.yaml"]
    assert (tmp_path / "plan.yaml").read_text(encoding="utf-8") == "mine\n"


def test_init_writes_a_key_that_is_random_and_private(tmp_path: Path):
    keys = []
    for name in ("one", "two"):
        write_folder(tmp_path / name, TODAY)
        assert stat.S_IMODE((tmp_path / name / ".env").stat().st_mode) == 0o600
        keys.append(Project.read(tmp_path / name).hash_key)
    assert keys[0] != keys[1]
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_the_blocks_of_the_sources_template_map_every_column_once_uncommented():
    text = re.sub(r"^(  \w+:) absent$", r"\1", sources_text(), flags=re.MULTILINE)
    tables, comments = text.split("\ntables:\n")[1], re.compile(r"^  # (?=  )", re.MULTILINE)
    declared = Sources.model_validate({"tables": yaml.safe_load(comments.sub("  ", tables))})
    for table, contract in contracts().items():
        [feed] = declared.feeds(table)
        assert feed.source == contract.system
        assert list(feed.columns) == list(contract.by_name)


def uncommented(*names: str) -> dict[str, Any]:
    """Parts of the plan template that are commented out."""
    blocks = re.findall(rf"^# ((?:{'|'.join(names)}):.*\n(?:#   .*\n)*)", plan_text(TODAY), re.MULTILINE)
    assert len(blocks) == len(names)
    return yaml.safe_load("".join(re.sub("^# ", "", block, flags=re.MULTILINE) for block in blocks))


def plan_with(parts: dict[str, Any]) -> Plan:
    """The plan of the template with these parts in it."""
    return Plan.model_validate(yaml.safe_load(plan_text(TODAY)) | parts)


def test_the_plan_template_shows_the_values_that_hold_without_it():
    plan = plan_with(
        uncommented("segments", "definitions", "quality", "budget", "risks", "alerts", "periods", "retention")
    )
    assert (plan.segments, plan.definitions) == (Segments(), Definitions())
    assert (plan.budget, plan.risks, plan.alerts) == (Budget(), Risks(), Alerts())
    assert (plan.periods, plan.retention) == (Periods(), Retention())
    rates = {name: getattr(plan.quality, name) for name in RATES}
    assert plan.quality == Quality(**rates)
    assert all(contract.thresholds == rates for contract in contracts().values())


def test_the_plan_template_shows_how_claims_are_checked_and_actions_found_without_it():
    plan = plan_with(uncommented("claims", "actions"))
    assert (plan.claims, plan.actions) == (Plan.model_fields["claims"].default, Plan.model_fields["actions"].default)


def test_the_plan_template_shows_how_channels_and_people_are_judged_without_it():
    assert plan_with(uncommented("scorecards")).scorecards == Plan.model_fields["scorecards"].default


def test_the_plan_template_shows_how_leads_are_graded_without_it():
    assert plan_with(uncommented("lead_grades")).lead_grades == Plan.model_fields["lead_grades"].default


def test_the_plan_template_shows_what_case_reports_are_made_of_without_it():
    assert plan_with(uncommented("case_reports")).case_reports == CaseReports()


def test_the_model_and_the_playbook_the_plan_template_suggests_are_valid():
    plan = plan_with(uncommented("models", "official_model", "score_cap", "playbook"))
    assert sum(plan.models[plan.official_model].effective_weights.values()) == 1
    assert plan_faults(catalogue(), plan) == []


def test_the_plan_template_invents_no_target_and_forgets_no_kpi():
    targets = yaml.safe_load(plan_text(TODAY))["targets"]
    assert targets == dict.fromkeys(catalogue().kpis, NO_TARGET)


@pytest.mark.parametrize(
    ("today", "starts_on", "ends_on", "baseline"),
    [
        pytest.param(
            date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 31), date(2025, 10, 1), id="first-day-of-a-year"
        ),
        pytest.param(
            date(2026, 12, 31), date(2026, 10, 1), date(2026, 12, 31), date(2026, 7, 1), id="last-day-of-a-year"
        ),
        pytest.param(date(2028, 2, 29), date(2028, 1, 1), date(2028, 3, 31), date(2027, 10, 1), id="leap-day"),
    ],
)
def test_the_plan_template_starts_from_the_running_quarter(today: date, starts_on: date, ends_on: date, baseline: date):
    plan = Plan.model_validate(yaml.safe_load(plan_text(today)))
    assert (plan.campaign.starts_on, plan.campaign.ends_on) == (starts_on, ends_on)
    assert plan.baseline.starts_on == baseline
    assert plan.baseline.end == starts_on


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_says_what_a_source_fills_and_what_it_lacks(folder: Path):
    declare(folder, staff=STAFF_FEED)
    deliver(folder, f"staff_{DAY}.csv", STAFF | {"Kantine": "ja"})
    result = tuoke("check", folder, "--date", DAY)
    assert result.exit_code == 0, result.stderr
    assert "hr staff 员工 staff_2026-11-20.csv 3 of 11 1 of 1 06:00 30 d" in said(result)
    assert "not filled name, role, team_name" in said(result)
    assert "not used Kantine" in said(result)
    assert "customers 客户" in said(result)
    assert "orders: no source revenue, aov" in said(result)


def test_check_counts_what_the_gate_can_read_of_the_first_ten_rows_and_shows_no_value(folder: Path):
    declare(folder, staff=STAFF_FEED)
    rows = [
        STAFF | {"staff_id": f"S{number}", "daily_cost_amount": "1,200.00", "name": "王小明"} for number in range(12)
    ]
    rows[3]["joined_on"], rows[4]["daily_cost_amount"], rows[5]["daily_cost_amount"] = "secret-day", "canary", ""
    deliver(folder, f"staff_{DAY}.csv", *rows)
    result = tuoke("check", folder, "--date", DAY)
    assert result.exit_code == 0, result.stderr
    assert "17 of 19" in said(result)
    assert "can't be read joined_on 9 of 10, daily_cost_amount 8 of 9" in said(result)
    assert "first rows joined_on 9/10, daily_cost_amount 8/9" in said(result)
    assert "personal name" in said(result)
    assert not [value for value in ("secret-day", "canary", "王小明", "1,200") if value in said(result)]


def test_check_reads_values_as_the_feed_says_they_are_meant(folder: Path):
    feed = STAFF_FEED | {"dates": {"joined_on": "%d/%m/%Y"}, "currency": "USD"}
    declare(folder, staff=feed)
    deliver(folder, f"staff_{DAY}.csv", STAFF | {"joined_on": "05/01/2026"}, STAFF | {"joined_on": "01/13/2026"})
    result = tuoke("check", folder, "--date", DAY)
    assert result.exit_code == 0, result.stderr
    assert "joined_on 1/2" in said(result)


def test_check_tells_what_came_and_went_since_the_last_delivery(folder: Path):
    declare(folder, staff=STAFF_FEED)
    deliver(folder, "staff_2026-11-19.csv", STAFF | {"fax": "1", "role": "x"})
    land(contracts()["staff"], ProjectDay(Project.read(folder), date(2026, 11, 19)))
    deliver(folder, f"staff_{DAY}.csv", STAFF | {"role": "x", "vip": "1"})
    result = tuoke("check", folder, "--date", DAY)
    assert "new since 2026-11-19 vip gone since 2026-11-19 fax" in said(result)


def test_check_fits_a_screen_of_a_hundred_columns(folder: Path):
    write_company(folder.parent / "demo", scale=SMALL)
    looks = list(look_at(ProjectDay(Project.read(folder.parent / "demo"), DAY)))
    lines = printed(sources_table(looks, DAY), width=100).splitlines()
    assert max(map(cell_len, lines)) <= 100
    assert len(lines) < 75


def test_check_writes_nothing(folder: Path):
    declare(folder, staff=STAFF_FEED)
    deliver(folder, f"staff_{DAY}.csv", STAFF)
    before = sorted(folder.rglob("*"))
    assert tuoke("check", folder, "--date", DAY).exit_code == 0
    assert sorted(folder.rglob("*")) == before


def test_check_names_a_missing_required_column_and_fails(folder: Path):
    declare(folder, staff=STAFF_FEED | {"columns": {"team_id": "Team"}})
    deliver(folder, f"staff_{DAY}.csv", STAFF)
    result = tuoke("check", folder, "--date", DAY)
    assert result.exit_code == 2
    assert "has no column Team (mapped to team_id)" in said(result)


def test_check_names_every_problem_at_once(folder: Path):
    declare(folder, staff=STAFF_FEED, custmers=STAFF_FEED)
    (folder / ".env").unlink()
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    (folder / "plan.yaml").write_text(plan.replace("  cac: no target", "  cac: {value: 500}"), encoding="utf-8")
    result = tuoke("check", folder, "--date", DAY)
    assert result.exit_code == 2
    for problem in (
        "4 to mend",
        "tables.custmers: no such table; did you mean customers?",
        "targets.cac.floor: missing",
        "TUOKE_HASH_KEY is not set",
        "staff_2026-11-20.csv is not in",
    ):
        assert problem in said(result)


def test_check_tells_which_sections_of_the_plan_are_left_at_their_default(folder: Path):
    """A file that was cut off within a comment is valid: that it says less than it did must be seen."""
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    (folder / "plan.yaml").write_text(plan + "products: [scale, printer]", encoding="utf-8")
    whole = said(tuoke("check", folder, "--date", DAY))
    (folder / "plan.yaml").write_text(plan + "# products: [sca", encoding="utf-8")
    cut_off = said(tuoke("check", folder, "--date", DAY))
    sections = [re.search("at its default (.*?)plan hash", told)[1] for told in (whole, cut_off)]
    assert "products" not in sections[0]
    assert "products" in sections[1]
    assert all("risks" in told and "channels" not in told for told in sections)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        pytest.param(10, "leads 20 by team (18 together)", id="less"),
        pytest.param(12, "leads 20 by team,", id="all-of-it"),
    ],
)
def test_check_tells_what_the_parts_of_a_target_come_to(folder: Path, second: int, told: str):
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    parts = f"  leads: {{value: 20, by: {{team: {{A: 8, B: {second}}}}}}}"
    plan = plan.replace("  leads: no target", parts).replace("  nps: no target", "  nps: {value: 30, floor: 0}")
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    assert told in said(tuoke("check", folder, "--date", DAY))


def test_check_does_not_promise_every_kpi_above_what_must_be_mended(tmp_path: Path):
    write_company(tmp_path / "demo", scale=SMALL)
    assert "Every KPI can be computed. Ready" in said(tuoke("check", tmp_path / "demo", "--date", DAY))
    (tmp_path / "demo" / ".env").unlink()
    result = tuoke("check", tmp_path / "demo", "--date", DAY)
    assert result.exit_code == 2
    assert "Every KPI" not in said(result)


def test_check_looks_at_yesterday_unless_told_otherwise(folder: Path):
    with time_machine.travel(datetime(2026, 11, 21, 17, tzinfo=UTC), tick=False):
        # in Shanghai the 22nd has begun
        assert "Sources on 2026-11-21" in tuoke("check", folder).stdout


def test_check_says_that_the_users_own_server_cant_be_reached(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUOKE_DATABASE_URL", "postgresql://tuoke:canary@127.0.0.1:1/tuoke")
    result = tuoke("check", folder, "--date", DAY)
    assert result.exit_code == 2
    assert re.search("TUOKE_DATABASE_URL: .*Connection refused.*check TUOKE_DATABASE_URL", said(result))
    assert "canary" not in said(result)


# --- run: what is refused before anything is read ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "message"),
    [
        pytest.param("2026-06-30", "2026-06-30 is before the plan's first day, 2026-07-01", id="before-the-baseline"),
        pytest.param("2026-11-22", "2026-11-22 is not over yet in Asia/Shanghai, where it is 2026-11-22", id="today"),
        pytest.param("2027-01-01", "2027-01-01 is not over yet", id="in-the-future"),
        pytest.param("2026-02-30", "outside expected range", id="no-day-at-all"),
    ],
)
def test_run_refuses_a_day_that_cant_be_evaluated(folder: Path, day: str, message: str):
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        result = tuoke("run", folder, "--date", day)
    assert result.exit_code == 2
    assert message in said(result)


def test_a_day_ends_where_the_plan_says_it_does(folder: Path):
    plan = Project.read(folder).plan
    check_day(plan, DAY, datetime(2026, 11, 20, 16, 0, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match="not over yet"):
        check_day(plan, DAY, datetime(2026, 11, 20, 15, 59, tzinfo=UTC))


def test_run_refuses_a_folder_that_is_not_there(tmp_path: Path):
    result = tuoke("run", tmp_path / "nowhere", "--date", DAY)
    assert result.exit_code == 2
    assert "`tuoke init nowhere` writes one" in said(result)


def test_run_refuses_a_company_without_sources(folder: Path):
    result = tuoke("run", folder, "--date", DAY)
    assert result.exit_code == 2
    assert "no table has a source yet" in said(result)


def test_run_refuses_to_accept_a_drop_of_an_unknown_table(folder: Path):
    result = tuoke("run", folder, "--date", DAY, "--accept-drop", "custmers")
    assert result.exit_code == 2
    assert (
        "--accept-drop custmers: no such table; there are answers, benchmarks, budgets, campaigns, customers"
        in said(result)
    )


def test_run_refuses_a_plan_that_cant_be_computed(folder: Path):
    declare(folder, staff=STAFF_FEED)
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    (folder / "plan.yaml").write_text(plan.replace("  nps: no target", "  npss: no target"), encoding="utf-8")
    result = tuoke("run", folder, "--date", DAY)
    assert result.exit_code == 2
    assert "plan.yaml, targets.npss: no KPI 'npss'; did you mean nps?" in said(result)


def test_demo_leaves_a_folder_alone_that_is_no_demo(folder: Path):
    result = tuoke("demo", "--folder", folder, "--fresh")
    assert result.exit_code == 2
    assert "is no demo company: truth.json is missing" in said(result)
    assert (folder / "plan.yaml").exists()


def test_demo_writes_its_company_once_and_anew_when_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    evaluated = []
    monkeypatch.setattr("pipeline.cli._run", lambda folder, day, *_: evaluated.append((folder, day)))
    demo = tmp_path / "demo"
    assert tuoke("demo", "--folder", demo).exit_code == 0
    truth = (demo / "truth.json").read_bytes()
    (demo / "truth.json").write_bytes(b"{}")
    (demo / "postgres").mkdir()
    assert tuoke("demo", "--folder", demo).exit_code == 0
    assert (demo / "truth.json").read_bytes() == b"{}"
    assert tuoke("demo", "--folder", demo, "--fresh").exit_code == 0
    assert (demo / "truth.json").read_bytes() == truth
    assert (demo / "postgres").exists()
    assert evaluated == [(demo, DAY)] * 3


# --- run: steps, failures, exit codes ---------------------------------------------------------------------------------


def a_day_of(*assets: dg.AssetsDefinition) -> dg.Definitions:
    """Definitions whose daily job builds these assets."""
    return dg.Definitions(
        assets=assets,
        jobs=[dg.define_asset_job(JOB, selection=dg.AssetSelection.all())],
        executor=dg.in_process_executor,
    )


DAYS = dg.DailyPartitionsDefinition("2026-07-01", timezone="Asia/Shanghai")


def step(name: str, *, rows: int = 0, fails: Exception | None = None, once: bool = False) -> dg.AssetsDefinition:
    """A table that is built, or that fails: always, or only the first time."""

    @dg.asset(key=name.split("."), partitions_def=DAYS, retry_policy=dg.RetryPolicy(max_retries=1) if once else None)
    def table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        if fails is not None and not (once and context.retry_number):
            raise fails
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return table


def told_failure(message: str, exit_code: int, *, retried: bool = False) -> dg.Failure:
    """A failure as the assets raise it for whatever a user can mend."""
    return dg.Failure(description=message, metadata={EXIT_CODE: exit_code}, allow_retries=retried)


@pytest.fixture
def evaluated(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """Evaluates a day that consists of the given steps."""
    home = tmp_path_factory.getbasetemp() / "dagster"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("DAGSTER_HOME", str(home))

    def run(*assets: dg.AssetsDefinition, **how: Any) -> str:
        monkeypatch.setattr(evaluating, "definitions_of", lambda project: a_day_of(*assets))
        return evaluate(Project.read(folder), DAY, **how)

    return run


def test_a_run_tells_each_step_with_its_rows(evaluated, capsys: pytest.CaptureFixture[str]):
    evaluated(step("ods.orders", rows=8_010), step("dwd.orders", rows=7_943))
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\s+[\d.]+ s$", "", line) for line in lines] == [
        "  1/2  dwd.orders                              7,943 rows",
        "  2/2  ods.orders                              8,010 rows",
    ]


def test_a_run_is_kept_in_dagsters_history_with_its_day_and_tags(evaluated):
    run_id = evaluated(step("ods.orders"), accept_drop=["orders", "leads"])
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags["dagster/partition"] == str(DAY)
    assert run.tags[ACCEPT_DROP_TAG] == "orders,leads"


FAILED, MISCONFIGURED = told_failure("orders.csv is not there", 1), told_failure("no such encoding", 2)
CLOSED = told_failure("60 % are quarantined", 3)


@pytest.mark.parametrize(
    ("failures", "exit_code"),
    [
        pytest.param([FAILED], 1, id="failed"),
        pytest.param([MISCONFIGURED], 2, id="configuration"),
        pytest.param([CLOSED], 3, id="gate-closed"),
        pytest.param([CLOSED, FAILED], 1, id="gravest-counts"),
    ],
)
def test_a_failed_day_ends_with_what_its_steps_said(evaluated, failures: list[dg.Failure], exit_code: int):
    with pytest.raises(DayFailed) as failed:
        evaluated(*(step(f"ods.t{number}", fails=failure) for number, failure in enumerate(failures)))
    assert failed.value.exit_code == exit_code
    *messages, last = str(failed.value).splitlines()
    assert messages == [failure.description for failure in failures]
    assert last == "2026-11-20: nothing was published; readers keep what they had."


def test_an_unforeseen_error_is_told_in_a_line_and_called_ours(evaluated):
    with pytest.raises(DayFailed) as failed:
        evaluated(step("dws.sales", fails=ZeroDivisionError("division by zero")))
    assert failed.value.exit_code == 1
    assert str(failed.value).startswith("dws.sales: ZeroDivisionError: division by zero\nThis is a fault of Tuoke")
    assert "Traceback" not in str(failed.value)


def test_another_try_is_told_with_its_reason(evaluated, capsys: pytest.CaptureFixture[str]):
    evaluated(step("ods.orders", fails=told_failure("orders.csv is not there", 1, retried=True), once=True))
    assert "ods.orders: orders.csv is not there; trying again" in capsys.readouterr().out


def test_a_run_that_is_interrupted_is_no_failure_of_the_day(evaluated):
    with pytest.raises(KeyboardInterrupt):
        evaluated(step("ods.orders", fails=dg.DagsterExecutionInterruptedError()))


def test_an_instance_folder_that_cant_be_written_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"file can't be written to .*set DAGSTER_HOME to another folder"):
        evaluate(Project.read(folder), DAY)


def test_an_instance_of_its_own_is_made_with_our_settings(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(evaluating, "definitions_of", lambda project: a_day_of(step("ods.orders")))
    evaluate(Project.read(folder), DAY)
    settings = yaml.safe_load((folder / "dagster" / "dagster.yaml").read_text(encoding="utf-8"))
    assert settings["telemetry"] == {"enabled": False}


def test_an_instance_that_keeps_its_history_elsewhere_is_left_to_do_so(tmp_path: Path):
    with open_history(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, OpenEventLog)
    (tmp_path / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {tmp_path / 'elsewhere'}}}}}", "utf-8")
    with open_history(tmp_path) as instance:
        assert not isinstance(instance.event_log_storage, OpenEventLog)
    assert (tmp_path / "elsewhere" / "history").is_dir()


def test_every_check_is_told_of_the_materialization_it_looked_at(tmp_path: Path):
    days = dg.DailyPartitionsDefinition("2026-11-01")
    key = dg.AssetKey("orders")

    @dg.asset(key=key, partitions_def=days, check_specs=[dg.AssetCheckSpec(name, asset=key) for name in ("a", "b")])
    def orders() -> dg.MaterializeResult:
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name=name, passed=True) for name in ("a", "b")]
        )

    with open_history(tmp_path) as instance:
        for _ in range(2):
            run = dg.materialize([orders], partition_key="2026-11-20", instance=instance)
            looked_at = [found.target_materialization_data.run_id for found in run.get_asset_check_evaluations()]
            assert looked_at == [run.run_id, run.run_id]


@pytest.mark.parametrize(
    ("name", "table"),
    [("ods__customers", "ods.customers"), ("dws__customer_rfm", "dws.customer_rfm"), ("publish", "published")],
)
def test_a_step_is_shown_as_the_table_it_builds(name: str, table: str):
    assert table_of(name) == table


# --- the answer -------------------------------------------------------------------------------------------------------


def scores(**rates: float | None) -> pd.DataFrame:
    """A scorecard of which only the orders were delivered, with these rates."""
    rows = [
        row for contract in contracts().values() for row in not_delivered(contract, Quality(), "no source is declared")
    ]
    for row in rows:
        if row["table_name"] == "orders" and row["layer"] == "ods" and row["dimension"] in rates:
            status = "below_floor" if row["dimension"] == "accuracy" else "below_threshold"
            row.update(rate=rates[row["dimension"]], status=status, reason=None, rows_total=1_200)
    return pd.DataFrame(rows)


def test_the_quality_table_marks_what_misses_its_threshold_and_says_what_follows():
    absent = [table for table in contracts() if table != "orders"]
    text = printed(quality_table(scores(completeness=0.9, accuracy=0.5), absent, "en"))
    assert re.search(r"^Orders +1,200 +90\.0% ! +50\.0% !! +– +– +withheld", text, re.MULTILINE)
    assert "withheld: accuracy 50.0%, asked at least 80.0% (orders)" in text
    assert re.search(r"^Leads .* withheld", text, re.MULTILINE)


def kpi(name: str, **cells: Any) -> dict[str, Any]:
    """A row of ads.kpi_values for the whole campaign."""
    known = catalogue().kpis[name]
    row = {"kpi": name, "is_official": True, "period_kind": "campaign", "dimension": "total", "unit": known.unit}
    row |= {
        "period_start": pd.Timestamp("2026-09-01"),
        "period_end": pd.Timestamp("2026-11-21"),
        "better": known.better,
    }
    row |= {"label_zh": known.label.zh, "label_en": known.label.en, "state": "final", "reason": None}
    return row | {"value": None, "target": None, "attainment_rate": None, "score": None} | cells


def action(position: int, **cells: Any) -> dict[str, Any]:
    told = {"sentence_zh": f"渠道 {position} 的成本偏高。", "sentence_en": f"Channel {position} costs too much."}
    due = {"owner": "team:sales", "due_on": pd.Timestamp(2026, 11, 27), "is_overdue": False}
    return {"position": position} | told | due | cells


def test_the_most_urgent_actions_come_first_and_the_others_are_counted():
    [table] = action_tables(pd.DataFrame([action(position) for position in (7, 3, 1, 2, 6, 5, 4)]), a_plan(), "en")
    lines = [" ".join(line.split()) for line in printed(table).splitlines()]
    shown = [f"Channel {number} costs too much. sales 2026-11-27" for number in range(1, 6)]
    assert lines[-6:] == [*shown, "ads.actions has 2 more, and what to do about each"]


@pytest.mark.parametrize(("lang", "said"), [("zh", "渠道 1 的成本偏高。"), ("both", "Channel 1 costs too much.")])
def test_an_action_is_told_in_the_language_asked_for(lang: str, said: str):
    [table] = action_tables(pd.DataFrame([action(1)]), a_plan(), lang)
    assert said in printed(table)


@pytest.mark.parametrize(("lang", "said"), [("zh", "销售部"), ("both", "Sales team")])
def test_an_owner_is_called_what_the_plan_calls_it(lang: str, said: str):
    names = {"team:sales": Label(zh="销售部", en="Sales team")}
    plan = a_plan(owners=Owners(data="data", campaign="team:sales", names=names))
    [table] = action_tables(pd.DataFrame([action(1)]), plan, lang)
    assert said in printed(table)
    assert "team:sales" not in printed(table)


def test_where_there_is_nothing_to_act_on_nothing_is_printed():
    assert action_tables(pd.DataFrame(columns=list(action(1))), a_plan(), "en") == []


def test_the_kpi_table_shows_each_unit_as_it_is_read():
    rows = [
        kpi("revenue", value=31_265_116.4, target=36e6, attainment_rate=0.868, score=86.8),
        kpi("cac", value=18_924.1, target=16_000.0, attainment_rate=1.183, score=88.0),
        kpi("io_ratio", value=6.53),
        kpi("lead_conversion_rate", value=0.112),
        kpi("first_touch_hours", value=5.26),
    ]
    text = printed(kpi_table(pd.DataFrame(rows), "CNY", "both"))
    assert "campaign 2026-09-01 to 2026-11-20, amounts in CNY" in text
    assert re.search(r"销售额 Revenue +31,265,116 +36,000,000 +86\.8% +87 +final", text)
    assert re.search(r"客户获取成本 Customer acquisition cost +18,924 +≤ 16,000 +118\.3% +88 +final", text)
    assert re.search(r"Input to output +1:6\.5 +– +– +– +final", text)
    assert re.search(r"Lead conversion rate +11\.2% +–", text)
    assert re.search(r"Hours to first touch +5\.3 h", text)


def test_the_kpi_table_keeps_the_catalogues_order_and_only_official_totals():
    rows = [kpi("nps", value=31.0), kpi("leads", value=10.0), kpi("cac", value=1.0, is_official=False)]
    rows.append(kpi("leads", value=3.0, dimension="channel"))
    text = printed(kpi_table(pd.DataFrame(rows), "CNY", "en"))
    assert re.findall(r"^(?:Leads|Net promoter score|Customer acq\w+)", text, re.MULTILINE) == [
        "Leads",
        "Net promoter score",
    ]


def test_a_withheld_kpi_shows_no_number_and_kpis_that_share_a_reason_tell_it_once():
    withheld = {"state": "withheld", "reason": "answers: no source is declared"}
    rows = [kpi("leads", value=2_079.0), kpi("nps", **withheld), kpi("csat_mean", **withheld)]
    text = printed(kpi_table(pd.DataFrame(rows), "CNY", "en"))
    assert re.search(r"Net promoter score +– +– +– +– +withheld", text)
    reason = "withheld: answers: no source is declared (Mean satisfaction, Net promoter score)"
    assert text.count("no source is declared") == 1
    assert reason in " ".join(text.split())


def test_before_the_campaign_starts_the_baseline_is_shown():
    text = printed(kpi_table(pd.DataFrame([kpi("leads", value=7.0, period_kind="baseline")]), "CNY", "zh"))
    assert "指标记分卡，基期 2026-09-01 至 2026-11-20，金额单位 CNY" in " ".join(text.split())
    assert re.search(r"^线索数 +7 ", text, re.MULTILINE)


def test_the_segment_table_lists_each_scheme_in_its_order():
    def segment(scheme: str, position: int, name: str, **cells: Any) -> dict[str, Any]:
        row = {
            "scheme": scheme,
            "position": position,
            "label_zh": name,
            "label_en": name,
            "customers": 10,
            "spend_share": 0.5,
        }
        row |= {"customer_share": 0.25, "mean_frequency": 2.5, "mean_order_amount": 1_234.5}
        return row | {"strategy_zh": "专属经理", "strategy_en": "A manager"} | cells

    rows = [segment("abc", 1, "A"), segment("rfm", 2, "New"), segment("rfm", 1, "High")]
    rows.append(segment("rfm", 3, "None", customers=0, mean_frequency=None, mean_order_amount=None, strategy_en=None))
    text = printed(segment_table(pd.DataFrame(rows), "en"))
    assert re.findall(r"^(RFM|ABC|High|New|None|A)\b", text, re.MULTILINE) == ["RFM", "High", "New", "None", "ABC", "A"]
    assert re.search(r"High +10 +25\.0% +50\.0% +2\.5 × 1,23[45] +A manager", text)
    assert re.search(r"None +0 +25\.0% +50\.0% +– +–", text)
    assert "专属经理" in printed(segment_table(pd.DataFrame(rows), "zh"))
    others = [*rows, segment("group", 1, "Young"), segment("churn", 1, "Calm")]
    text = printed(segment_table(pd.DataFrame(others), "en"))
    assert "Young" not in text
    assert "ads.segment_summary also tells of churn, group" in text


def ledger(**changed: Any) -> pd.DataFrame:
    """The ledger of one table: ten rows sent, one unreadable, one left out, eight through the gate."""
    ways = ("in", "corrected", *COUNTED)
    none = {f"rows_{way}": 0 for way in ways} | {f"amount_{way}": Decimal("0.00") for way in ways}
    landing = none | {"layer": "ods", "currency": "-", "rows_in": 10, "rows_accepted": 8, "rows_quarantined": 1}
    gate = none | {"layer": "dwd", "currency": "CNY", "rows_in": 8, "rows_accepted": 6, "rows_late": 1}
    gate |= {"rows_merged": 1, "amount_in": Decimal("800.50"), "amount_accepted": Decimal("700.50")}
    gate |= {"amount_late": Decimal("100.00")}
    return pd.DataFrame([landing | {"rows_out_of_scope": 1}, gate | changed])


def test_the_ledger_adds_up_from_source_to_table():
    text = printed(ledger_table(ledger(), "CNY"))
    lines = [line.split() for line in text.splitlines()[3:]]
    assert lines == [
        ["in", "10", "800.50"],
        ["=", "accepted", "6", "700.50"],
        ["+", "late", "1", "100.00"],
        ["+", "quarantined", "1", "0.00"],
        ["+", "merged", "1", "0.00"],
        ["+", "added", "up", "0", "0.00"],
        ["+", "out", "of", "scope", "1", "0.00"],
        ["balanced"],
    ]


def test_a_line_that_was_repaired_came_at_landing_and_is_not_counted_again():
    rows = ledger(
        rows_corrected=1, rows_accepted=7, amount_corrected=Decimal("20.00"), amount_accepted=Decimal("720.50")
    )
    rows.loc[rows["layer"] == "ods", ["rows_quarantined", "rows_repaired"]] = [0, 1]
    lines = [line.split() for line in printed(ledger_table(rows, "CNY")).splitlines()[3:]]
    assert lines[:3] == [["in", "10", "800.50"], ["+", "corrected", "0", "20.00"], ["=", "accepted", "7", "720.50"]]
    assert lines[-1] == ["balanced"]


@pytest.mark.parametrize("lost", [{"rows_accepted": 5}, {"amount_accepted": Decimal("700.49")}], ids=["row", "cent"])
def test_a_ledger_that_lost_something_says_so(lost: dict[str, Any]):
    assert "NOT BALANCED" in printed(ledger_table(ledger(**lost), "CNY"))


def test_in_chinese_nothing_printed_is_english():
    """What is not a name of a table, a unit of money or the name of a class."""
    withheld = {"state": "withheld", "reason": "answers: no source is declared"}
    rows = [kpi("first_touch_hours", value=-5.26, target=4.0), kpi("nps", **withheld)]
    segment = {"scheme": "rfm", "position": 1, "label_zh": "新客户", "label_en": "New", "customers": 1}
    segment |= {"customer_share": 1.0, "spend_share": 1.0, "mean_frequency": 1.0, "mean_order_amount": 2.0}
    segments = [segment | {"strategy_zh": "回访", "strategy_en": "Call"}]
    segments.append(segments[0] | {"scheme": "churn"})
    absent = [table for table in contracts() if table != "orders"]
    parts = [
        quality_table(scores(completeness=0.9, accuracy=0.5), absent, "zh"),
        kpi_table(pd.DataFrame(rows), "CNY", "zh"),
        *action_tables(pd.DataFrame([action(number, owner="销售部") for number in range(1, 8)]), a_plan(), "zh"),
        segment_table(pd.DataFrame(segments), "zh"),
        ledger_table(ledger(), "CNY", "zh"),
        ledger_table(ledger(rows_accepted=5, currency="USD"), "CNY", "zh"),
    ]
    text = "\n".join(map(printed, parts))
    assert "−5.3 小时" in text
    assert set(re.findall("[A-Za-z_.]{2,}", text)) <= {"CNY", "RFM", "ads.actions_zh", "ads.segment_summary_zh"}


def test_money_in_another_currency_stands_apart():
    text = printed(ledger_table(ledger(currency="USD"), "CNY"))
    assert "other or no currency" in text
    assert "CNY" not in text


def test_figures_survive_a_narrow_terminal():
    wide = ledger(amount_in=Decimal("219443957.47"), amount_accepted=Decimal("219443857.47"))
    assert "219,443,957.47" in printed(ledger_table(wide, "CNY"), width=80)


# --- the screen -------------------------------------------------------------------------------------------------------


def test_the_examples_in_the_docstrings_of_the_screen_hold():
    assert doctest.testmod(screen).failed == 0


def test_help_names_every_command():
    result = tuoke("--help")
    assert result.exit_code == 0
    for command in ("demo", "init", "check", "run", "ui", "db"):
        assert re.search(rf"\b{command}\b", result.stdout)


def test_help_needs_none_of_the_heavy_libraries():
    heavy = {"dagster", "great_expectations", "pandas", "duckdb", "sqlalchemy", "pydantic_settings"}
    look = f"import sys, pipeline.cli; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", look], check=True)


def test_ui_refuses_a_port_that_is_taken(folder: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = tuoke("ui", folder, "--port", other.getsockname()[1])
    assert result.exit_code == 2
    assert "is taken by another program; choose another with --port" in said(result)


def test_db_refuses_a_project_that_has_its_own_server(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUOKE_DATABASE_URL", "postgresql://tuoke@db.example/tuoke")
    result = tuoke("db", folder)
    assert result.exit_code == 2
    assert "there is no embedded server to open" in said(result)
