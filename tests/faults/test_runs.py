"""What may go wrong with a day, from its files to what readers see: a small company, evaluated for real.

The company is evaluated once; a test takes a copy of its folder and of its database, breaks something in it, and
evaluates what that touches.
"""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
import great_expectations.expectations as gxe
import pytest
import sqlalchemy
import yaml
from databases import a_database, query
from runs import (
    DAY,
    PLAN,
    PUBLICATION,
    Outcome,
    Rows,
    all_made_of,
    bytes_of,
    checksums,
    customer,
    deliver,
    evaluate,
    frame_of,
    gate_of,
    order,
    rows_of,
    write_small_company,
)
from sqlglot import exp

from assets.models import models
from pipeline.project import PLAN_FILE, SOURCES_FILE
from pipeline.urls import normalise_url
from pipeline.warehouse import Warehouse
from pipeline.warehouse.embedded import EmbeddedServer
from pipeline.warehouse.publishing import Patience
from quality import staged
from quality.gate import Gate
from quality.quarantine import QUARANTINE

NEXT_DAY = DAY + timedelta(days=1)

FORMULA = "=cmd|' /C calc'!A0"
SCRIPT = "<script>alert('1')</script>"
METACHARACTERS = """x'; drop table dws.customer_segments; -- %s {0} \\N"""
CANARY = {
    "name": "朱红鹮 Canaria",
    "phone": "13912344321",
    "email": "nipponia@canary.example",
    "address": "朱鹮路 4711 号",
}
"""A person that must not be seen anywhere but in the lake."""

CUSTOMERS: Rows = [
    *[customer(number) for number in range(1, 11)],
    customer(11, name=FORMULA),
    customer(12, name=SCRIPT, industry="@SUM(A1)"),
    customer(13, name=METACHARACTERS),
    customer(14, kind="person", gender="other", **CANARY),
    customer(15, kind="person", phone="not a phone", name=CANARY["name"]),
]
ORDERS: Rows = [
    *[order(number) for number in range(1, 15)],
    order(21, recorded_at="2026-11-02 19:00:00", amount="1.00"),  # an earlier version of the next
    order(21, recorded_at="2026-11-02 21:00:00", amount="2.00"),
    order(22, amount="3.00"),  # as late as the next, and different
    order(22, amount="4.00"),
    order(23),  # twice the same
    order(23),
    order(24, order_id=""),
    order(25, order_id=" \u3000"),
    order(26, order_id="O26", customer_id="C14"),
]


@dataclass(frozen=True)
class Company:
    """A project folder and the database it publishes to."""

    root: Path
    database: sqlalchemy.URL

    def evaluate(self, as_of: date = DAY, **how: Any) -> Outcome:
        return evaluate(self.root, self.database, as_of, **how)

    def deliver(self, table: str, rows: Rows, as_of: date = DAY) -> Path:
        return deliver(self.root, table, rows, as_of)

    def plan(self, **changes: Any) -> None:
        text = yaml.safe_dump(PLAN | changes, allow_unicode=True)
        (self.root / PLAN_FILE).write_text(text, encoding="utf-8")

    def published_days(self) -> list[date]:
        return [day for (day,) in query(self.database, "select as_of from meta.publications order by published_at")]

    def staging(self) -> list[tuple]:
        tables = "select relname from pg_class where relkind = 'r' and relnamespace = 'stage'::regnamespace"
        return query(self.database, tables)


@dataclass(frozen=True)
class Evaluated(Company):
    """A company whose day was evaluated, with everything that was said meanwhile."""

    outcome: Outcome
    spoken: str
    """Standard output and error, and Python's log."""
    events: str
    """Dagster's log of events, metadata included."""


@pytest.fixture(scope="module")
def evaluated(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluated]:
    root = tmp_path_factory.mktemp("runs") / "company"
    write_small_company(root, {"customers": CUSTOMERS, "orders": ORDERS})
    heard = StringIO()
    everything = logging.StreamHandler(heard)
    logging.getLogger().addHandler(everything)
    with a_database(cluster) as database, dg.DagsterInstance.ephemeral() as instance:
        with redirect_stdout(heard), redirect_stderr(heard):
            outcome = evaluate(root, database, instance=instance, log_level="DEBUG")
        logging.getLogger().removeHandler(everything)
        entries = [json.loads(dg.serialize_value(entry)) for entry in instance.all_logs(outcome.run_id)]
        events = json.dumps(entries, ensure_ascii=False)
        yield Evaluated(root, database, outcome, heard.getvalue(), events)


@pytest.fixture
def company(evaluated: Evaluated, cluster: EmbeddedServer, tmp_path: Path) -> Iterator[Company]:
    """A copy to break."""
    root = tmp_path / "company"
    shutil.copytree(evaluated.root, root)
    with a_database(cluster, like=evaluated.database) as database:
        yield Company(root, database)


@pytest.fixture
def untouched(company: Company) -> Iterator[None]:
    """Readers see at the end what they saw before, and no staging table is left."""
    before = checksums(company.database)
    yield
    assert checksums(company.database) == before
    assert company.published_days() == [DAY]
    assert company.staging() == []


def test_the_company_is_published(evaluated: Evaluated):
    assert evaluated.outcome.success, evaluated.outcome.message
    assert evaluated.published_days() == [DAY]


@pytest.mark.usefixtures("untouched")
class TestNothingIsPublished:
    def test_where_a_file_is_missing(self, company: Company):
        company.deliver("customers", CUSTOMERS, NEXT_DAY)
        outcome = company.evaluate(NEXT_DAY)
        assert outcome.exit_code == 1
        assert list(outcome.said) == ["ods__orders"]
        assert "orders_2026-11-21.csv is not in" in outcome.message
        assert outcome.retried == ("ods__orders",)
        assert query(company.database, "select distinct as_of from dws.customer_segments_current") == [(DAY,)]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            pytest.param("", "orders_2026-11-20.csv is empty (0 bytes)", id="zero-bytes"),
            pytest.param("order_id,customer_id,ordered_at,amount,currency,kind\n", "has no rows", id="header-only"),
            pytest.param(
                "order_id,customer_id,ordered_at,amount,currency,document\n1,C1,2026-11-02,1,CNY,sale\n",
                "orders_2026-11-20.csv has no column kind",
                id="renamed-column",
            ),
            pytest.param(
                "order_id,customer_id,ordered_at,amount,currency,kind,kind\n1,C1,2026-11-02,1,CNY,sale,sale\n",
                "kind",
                id="column-twice",
            ),
        ],
    )
    def test_where_a_file_is_not_as_agreed(self, company: Company, content: str, said: str):
        landed = bytes_of(company.root)
        (company.root / "landing" / f"orders_{DAY}.csv").write_text(content, encoding="utf-8")
        outcome = company.evaluate(selection=all_made_of("orders"))
        assert outcome.exit_code == 1
        assert list(outcome.said) == ["ods__orders"]
        assert said in outcome.message
        assert outcome.retried == ()
        assert bytes_of(company.root) == landed

    def test_where_nine_tenths_of_a_table_are_gone(self, company: Company):
        with_a_week_before(company, "customers")
        company.deliver("customers", CUSTOMERS[:1])
        outcome = company.evaluate(selection=all_made_of("customers"))
        assert outcome.exit_code == 3
        assert "customers has 1 rows on 2026-11-20, the median of the week before is 15" in outcome.message
        assert "--accept-drop customers" in outcome.message

    def test_where_more_than_the_limit_is_quarantined(self, company: Company):
        company.deliver("orders", [order(number, amount="?" if number <= 6 else "1.00") for number in range(1, 12)])
        outcome = company.evaluate(selection=all_made_of("orders"))
        assert outcome.exit_code == 3
        assert (
            "orders: 6 of 11 rows are quarantined, the plan allows 50%; most break amount_type (6)" in outcome.message
        )
        assert len(rows_of(company.root, "quarantine.orders")) == 6, "who mends the rows must be able to see them"

    def test_where_a_rule_can_not_be_evaluated(self, company: Company, monkeypatch: pytest.MonkeyPatch):
        judged = bytes_of(company.root)
        monkeypatch.setattr(
            "quality.gate.expectation", lambda *_, **__: gxe.ExpectColumnValuesToNotBeNull(column="gone")
        )
        outcome = company.evaluate(selection=all_made_of("orders"))
        assert outcome.exit_code == 3
        assert "could not be evaluated; the data was not judged by it" in outcome.message
        results = "dq_results/orders/as_of=2026-11-20/part-0.parquet"
        assert bytes_of(company.root)[results] == judged[results]

    def test_where_a_rule_of_a_staged_table_can_not_be_evaluated(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ):
        rule = {"of_nothing": gxe.ExpectColumnValuesToNotBeNull(column="gone")}
        monkeypatch.setitem(staged._OWN, "ads.segment_summary", lambda: rule)
        outcome = company.evaluate(selection=PUBLICATION)
        assert outcome.exit_code == 3
        assert "ads.segment_summary: rule of_nothing could not be evaluated" in outcome.message

    def test_where_a_staged_table_breaks_a_rule(self, company: Company, monkeypatch: pytest.MonkeyPatch):
        rule = {"share_range": gxe.ExpectColumnValuesToBeBetween(column="customer_share", max_value=0.001)}
        monkeypatch.setitem(staged._OWN, "ads.segment_summary", lambda: rule)
        outcome = company.evaluate(selection=PUBLICATION)
        assert outcome.exit_code == 3
        assert outcome.retried == ()
        assert "ads.segment_summary as staged breaks share_range" in outcome.message

    def test_where_a_row_is_lost_on_the_way(self, company: Company, monkeypatch: pytest.MonkeyPatch):
        accepted = Gate.accepted

        def all_but_one(gate: Gate) -> exp.Select:
            return accepted(gate).where("order_id <> 'O1'")

        monkeypatch.setattr(Gate, "accepted", all_but_one)
        outcome = company.evaluate(selection=all_made_of("orders"))
        assert outcome.exit_code == 1
        assert "the ledger of orders (dwd, CNY) does not balance" in outcome.message

    def test_where_a_model_loses_a_row(self, company: Company, monkeypatch: pytest.MonkeyPatch):
        sales = models()["dws.sales"]
        leaking = replace(sales, query=sales.query.copy().where("o.order_id <> 'O1'"))
        monkeypatch.setattr("pipeline.definitions.models", lambda: models() | {sales.name: leaking})
        outcome = company.evaluate(selection=all_made_of("orders"))
        assert outcome.exit_code == 1
        assert "the ledger of orders (dws, CNY) does not balance" in outcome.message

    def test_where_the_server_is_down(self, company: Company, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("pipeline.warehouse.Patience", lambda: Patience(connections=2, pause=0.01))
        nobody = sqlalchemy.make_url("postgresql://tuoke:s3cret-canary@127.0.0.1:1/tuoke")
        kept = bytes_of(company.root)
        outcome = evaluate(company.root, nobody, selection=PUBLICATION)
        assert outcome.exit_code == 1
        assert "check TUOKE_DATABASE_URL and that the server runs" in outcome.message
        assert "s3cret" not in outcome.message
        assert bytes_of(company.root) == kept

    def test_where_the_password_is_wrong(
        self,
        company: Company,
        cluster: EmbeddedServer,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ):
        served = Warehouse(cluster.url(), cluster).serve().render_as_string(hide_password=False)
        outcome = evaluate(
            company.root, normalise_url(served).set(password="s3cret-canary"), selection=PUBLICATION, log_level="DEBUG"
        )
        assert outcome.exit_code == 1
        assert "password authentication failed" in outcome.message
        assert outcome.retried == ()
        assert "s3cret" not in outcome.message + caplog.text


def with_a_week_before(company: Company, table: str) -> None:
    """Three days before on which the table was as large as it is, and one on which nearly nothing came."""
    lake = company.root / "lake" / "ods" / table
    for days in (1, 2, 3):
        shutil.copytree(lake / f"as_of={DAY}", lake / f"as_of={DAY - timedelta(days)}")
    exception = company.root / "lake" / "ods" / "staff" / f"as_of={DAY}"
    shutil.copytree(exception, lake / f"as_of={DAY - timedelta(days=4)}")


def test_a_drop_that_was_accepted_is_let_in(company: Company):
    with_a_week_before(company, "customers")
    company.deliver("customers", CUSTOMERS[:1])
    outcome = company.evaluate(selection=gate_of("customers"), accept_drop=["customers"])
    assert outcome.success, outcome.message
    assert [row["customer_id"] for row in rows_of(company.root, "dwd.customers")] == ["C1"]


def test_the_same_files_again_give_the_same_lake_and_the_same_tables(company: Company):
    lake, tables = bytes_of(company.root), checksums(company.database)
    outcome = company.evaluate(selection=all_made_of("customers", "orders"))
    assert outcome.success, outcome.message
    assert bytes_of(company.root) == lake
    assert checksums(company.database) == tables
    assert company.published_days() == [DAY, DAY]


class TestValues:
    def test_of_two_versions_of_an_order_the_later_one_counts(self, evaluated: Evaluated):
        amounts = {row["order_id"]: row["amount"] for row in rows_of(evaluated.root, "dwd.orders")}
        assert amounts["O21"] == 2

    def test_of_conflicting_rows_one_wins_and_the_others_are_told(self, evaluated: Evaluated):
        kept = [row["order_id"] for row in rows_of(evaluated.root, "dwd.orders")]
        merged = [row for row in rows_of(evaluated.root, "quarantine.orders") if row["outcome"] == "merged"]
        assert sorted(set(kept)) == sorted(kept)
        assert {row["rule_id"] for row in merged} == {"key_unique"}
        assert len(merged) == 3

    def test_blank_keys_are_quarantined_and_not_each_others_duplicates(self, evaluated: Evaluated):
        blank = [row for row in rows_of(evaluated.root, "quarantine.orders") if row["outcome"] == "quarantined"]
        assert [row["rule_ids"] for row in blank] == ["order_id_required", "order_id_required"]

    @pytest.mark.parametrize("name", [FORMULA, SCRIPT, METACHARACTERS], ids=["formula", "script", "metacharacters"])
    def test_what_looks_like_code_is_kept_as_it_is(self, evaluated: Evaluated, name: str):
        names = query(evaluated.database, "select display_name from dws.customer_segments_current")
        assert (name,) in names

    def test_a_cell_that_begins_like_a_formula_is_kept_as_it_is(self, evaluated: Evaluated):
        assert ("@SUM(A1)",) in query(evaluated.database, "select industry from dws.customer_segments_current")


class TestRulesWithoutFigures:
    def test_are_counted_by_reason_in_the_metadata(self, evaluated: Evaluated):
        assert evaluated.outcome.success, evaluated.outcome.message
        assert "not_judged" in evaluated.events
        assert "risk_breached: ads.risk_register has nothing to look at" in evaluated.events


class TestPersonalData:
    @pytest.mark.parametrize("what", CANARY)
    def test_is_said_nowhere(self, evaluated: Evaluated, what: str):
        assert "Days since the last order" in evaluated.events
        assert CANARY[what] not in evaluated.spoken
        assert CANARY[what] not in evaluated.events

    def test_is_in_no_table_of_the_database_but_the_quarantine_where_readers_do_not_see_it(self, evaluated: Evaluated):
        found = [relation for relation in relations_of(evaluated) if _holds_canary(evaluated, relation)]
        assert found == ["dq.quarantine", "dq.quarantine_current", "dq.quarantine_zh"]
        open_to_readers = [name for name in QUARANTINE.columns if name != "row_as_sent"]
        rows = query(evaluated.database, f"select {', '.join(open_to_readers)} from dq.quarantine")
        assert not any(part in str(row) for row in rows for part in CANARY.values())

    def test_is_in_no_table_of_the_lake_but_those_behind_the_gate(self, evaluated: Evaluated):
        holding = {
            name.split("/")[0]
            for name in bytes_of(evaluated.root)
            if CANARY["name"] in str(rows_of(evaluated.root, ".".join(name.split("/")[:2])))
        }
        assert holding == {"ods", "dwd", "quarantine", "dq"}

    def test_of_people_only_the_first_character_is_shown(self, evaluated: Evaluated):
        shown = "select display_name from dws.customer_segments_current where customer_id = 'C14'"
        assert query(evaluated.database, shown) == [("朱*",)]


def relations_of(company: Company) -> list[str]:
    """Every table and view that is not the server's own."""
    tables = (
        "select format('%I.%I', table_schema, table_name) from information_schema.tables "
        "where table_schema not in ('pg_catalog', 'information_schema')"
    )
    return [name for (name,) in query(company.database, tables, user="postgres")]


def _holds_canary(company: Company, relation: str) -> bool:
    rows = query(company.database, f"select t::text from {relation} as t", user="postgres")
    return any(part in row for (row,) in rows for part in CANARY.values())


class TestThresholds:
    @pytest.mark.parametrize(
        ("rows", "blank", "status"),
        [
            pytest.param(20, 1, "met", id="exactly-at-the-threshold"),
            pytest.param(20, 2, "below_threshold", id="below-it"),
            pytest.param(20, 4, "below_threshold", id="exactly-at-the-floor"),
            pytest.param(20, 5, "below_floor", id="below-the-floor"),
            pytest.param(1, 0, "met", id="one-row"),
        ],
    )
    def test_a_limit_belongs_to_the_better_side(self, company: Company, rows: int, blank: int, status: str):
        delivered = [order(number, currency="" if number < blank else "CNY") for number in range(rows)]
        company.deliver("orders", delivered)
        outcome = company.evaluate(selection=gate_of("orders"))
        assert outcome.success, outcome.message
        score = completeness(company)
        assert (score["rows_total"], score["rows_good"]) == (rows, rows - blank)
        assert score["status"] == status

    def test_exactly_the_limit_may_be_quarantined(self, company: Company):
        company.deliver("orders", [order(number, amount="?" if number <= 6 else "1.00") for number in range(1, 13)])
        assert company.evaluate(selection=gate_of("orders")).success

    def test_no_rows_are_neither_good_nor_bad(self, company: Company):
        sources = yaml.safe_load((company.root / SOURCES_FILE).read_text(encoding="utf-8"))
        sources["tables"]["orders"]["allow_empty"] = True
        (company.root / SOURCES_FILE).write_text(yaml.safe_dump(sources), encoding="utf-8")
        company.deliver("orders", [])
        outcome = company.evaluate(selection=all_made_of("orders"))
        assert outcome.success, outcome.message
        score = completeness(company)
        assert (score["rows_total"], score["status"], score["reason"]) == (0, "not_assessed", "no rows")
        kpis = frame_of(company.root, "ads.kpi_values")
        assert not kpis["value"].isin([float("inf"), float("-inf")]).any()
        aov = kpis[(kpis["kpi"] == "aov") & (kpis["period"] == "campaign") & (kpis["dimension"] == "total")].iloc[0]
        assert aov[["n", "reason"]].tolist() == [0, "orders: no rows; denominator is 0"]


def completeness(company: Company) -> dict[str, Any]:
    """The row of the scorecard about orders as they were sent."""
    [score] = [
        score
        for score in rows_of(company.root, "dq_scores.orders")
        if (score["layer"], score["dimension"]) == ("ods", "completeness")
    ]
    return score
