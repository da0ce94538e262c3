"""The quarantine and the way out of it: rows are handed to their owners, mended, taken back, and all balances.

A small company is evaluated once; a test takes a copy of its folder and its database.
"""

import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest
import sqlalchemy
from databases import a_database, query
from runs import (
    DAY,
    PUBLICATION,
    Outcome,
    Rows,
    all_made_of,
    bytes_of,
    checksums,
    customer,
    deliver,
    evaluate,
    gate_of,
    order,
    rows_of,
    write_small_company,
)

from assets.factory import asset_key
from pipeline.commands.handout import read_handout, write_handout
from pipeline.commands.quarantine import (
    Replayed,
    Wanted,
    export_rows,
    keep_verdicts,
    list_rows,
    quarantine_day,
    show_replayed,
)
from pipeline.commands.screen import screen
from pipeline.corrections import DISMISSED, REPAIRED
from pipeline.errors import ConfigurationError
from pipeline.project import Project
from pipeline.warehouse.embedded import EmbeddedServer

NEXT_DAY = DAY + timedelta(days=1)
SECRET = "朱红鹮 Canaria"
FORMULA = "=cmd|' /C calc'!A0"
RAGGED = "O9,C9,2026-11-02 10:00:00,90.00,40.00,CNY,sale,,,\n"

CUSTOMERS: Rows = [
    *[customer(number) for number in range(1, 11)],
    customer(11, name=SECRET, phone="not a phone"),
    customer(12, name=FORMULA, demand_tag=""),
]
ORDERS: Rows = [
    *[order(number) for number in range(1, 6)],
    order(6, amount="待定"),
    order(7, amount="", currency=""),
    order(8, amount="50.00", currency="USD"),
]
MENDED = {
    7: {"amount": "66.60"},
    8: {"amount": "10.00", "currency": "CNY"},
    9: {"currency": "CNY"},
    10: {"order_id": "O9", "customer_id": "C9", "ordered_at": "2026-11-02", "amount": "90"}
    | {"currency": "CNY", "kind": "sale"},
}
"""What the rows of orders in quarantine should have said, by their line."""
REVENUE = (
    "select state, value from ads.kpi_values_current "
    "where kpi = 'revenue' and is_official and period = 'campaign' and dimension = 'total'"
)


@dataclass(frozen=True)
class Company:
    """A project folder and the database it publishes to."""

    root: Path
    database: sqlalchemy.URL

    def evaluate(self, as_of: date = DAY, selection: dg.AssetSelection | None = None) -> Outcome:
        outcome = evaluate(self.root, self.database, as_of, selection=selection)
        assert outcome.success, outcome.message
        return outcome

    def judge(self, *tables: str, as_of: date = DAY) -> None:
        """The gates of these tables and the quarantine, and nothing after them."""
        self.evaluate(as_of, gate_of(*tables) | dg.AssetSelection.assets(asset_key("dq.quarantine")))

    def export(self, table: str, kind: str = "xlsx", as_of: date = DAY) -> Path:
        path = self.root / f"{table}.{kind}"
        export_rows(quarantine_day(Project.read(self.root), as_of), path, Wanted(table), "both", screen(StringIO()))
        return path

    def mend(self, table: str, mended: Callable[[dict[str, Any]], dict[str, str] | None], as_of: date = DAY) -> Path:
        """Hand the rows of a table out and change the cells the function gives; rows it gives None for are left out."""
        path = self.export(table, as_of=as_of)
        rows = [row | change for row in read_handout(path) if (change := mended(row)) is not None]
        write_handout(path, list(rows[0]), rows)
        return path

    def take_back(self, path: Path, verdict: str = REPAIRED, as_of: date = DAY) -> Replayed:
        return keep_verdicts(quarantine_day(Project.read(self.root), as_of), path, verdict)

    def quarantine(self, table: str = "orders", as_of: date = DAY) -> dict[str, dict[str, Any]]:
        """The rows of a table in quarantine by their line."""
        rows = rows_of(self.root, "dq.quarantine", as_of)
        return {row["line"]: row for row in rows if row["table_name"] == table}

    def states(self, table: str = "orders", as_of: date = DAY) -> dict[int, str]:
        return {line: row["state"] for line, row in self.quarantine(table, as_of).items()}

    def amounts(self, as_of: date = DAY) -> dict[str, Decimal]:
        return {row["order_id"]: row["amount"] for row in rows_of(self.root, "dwd.orders", as_of)}

    def ledger(self, table: str = "orders", as_of: date = DAY) -> dict[tuple[str, str], dict[str, Any]]:
        rows = rows_of(self.root, f"dq_ledger.{table}", as_of)
        return {(row["layer"], row["currency"]): row for row in rows}

    def files(self) -> dict[str, bytes]:
        folder = self.root / "corrections"
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


@pytest.fixture(scope="module")
def evaluated(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    root = tmp_path_factory.mktemp("quarantine") / "company"
    write_small_company(root, {"customers": CUSTOMERS, "orders": ORDERS})
    with (root / "landing" / f"orders_{DAY}.csv").open("a", encoding="utf-8") as file:
        file.write(RAGGED)
    with a_database(cluster) as database:
        company = Company(root, database)
        company.evaluate()
        yield company


@pytest.fixture
def company(evaluated: Company, cluster: EmbeddedServer, tmp_path: Path) -> Iterator[Company]:
    """A copy to mend."""
    root = tmp_path / "company"
    shutil.copytree(evaluated.root, root)
    with a_database(cluster, like=evaluated.database) as database:
        yield Company(root, database)


def line(row: dict[str, Any]) -> int:
    return int(row["row_id"].rsplit("-", 1)[1])


class TestWhatReadersSee:
    def test_every_row_kept_back_with_its_rule_its_owner_and_its_words(self, evaluated: Company):
        columns = "line, state, rule_id, message_zh, owner, amount, currency"
        found = query(evaluated.database, f"select {columns} from dq.quarantine_current where table_name = 'orders'")
        owner = "finance-data-owner"
        assert sorted(found) == [
            (7, "open", "amount_type", "金额无法识别", owner, None, "CNY"),
            (8, "open", "amount_required", "金额为必填项", owner, None, None),
            (9, "open", "currency_plan_currency", "币种与方案币种不一致，且没有汇率", owner, Decimal("50.00"), "USD"),
            (10, "open", "ragged_row", "字段数与表头不符", owner, None, None),
        ]

    @pytest.mark.parametrize("name", ["dq.quarantine", "dq.quarantine_current"])
    def test_nobody_who_only_reads_sees_a_row_as_it_was_sent(self, evaluated: Company, name: str):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(evaluated.database, f"select row_as_sent from {name}")
        sent = query(evaluated.database, f"select row_as_sent from {name}", user="tuoke_steward")
        assert any(SECRET in row for (row,) in sent)

    def test_a_list_tells_where_a_row_comes_from_and_not_what_it_says(self, evaluated: Company):
        shown = StringIO()
        list_rows(quarantine_day(Project.read(evaluated.root), None), Wanted(), "both", screen(shown))
        assert "phone_pattern" in shown.getvalue()
        assert "crm-data-owner" in shown.getvalue()
        assert SECRET not in shown.getvalue()
        assert "not a phone" not in shown.getvalue()

    def test_a_list_in_chinese_is_chinese_but_for_what_commands_take(self, evaluated: Company):
        """The names of tables and rules are typed, those of files and rows are as they are."""
        shown = StringIO()
        list_rows(quarantine_day(Project.read(evaluated.root), None), Wanted("customers"), "zh", screen(shown))
        text = shown.getvalue()
        heads = [line.split() for line in text.splitlines() if line.startswith("数据")]
        assert heads == [
            ["数据表", "规则", "问题", "责任人", "待处理"],
            ["数据行", "送达日期", "来源", "行号", "处理状态", "规则"],
        ]
        assert re.search(r"customers 客户 +phone_pattern +联系电话格式不正确 +CRM 数据负责人 +1", text)
        assert re.search(r"行等待责任人处理。", text)
        assert not re.search(r"\b(open|rows|owner|line)\b", text)


class TestExport:
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_comes_back_as_it_went_and_holds_no_formula(self, company: Company, kind: str):
        path = company.export("customers", kind)
        said = {line(row): row for row in read_handout(path)}
        assert said[13]["name"] == FORMULA
        assert said[12]["phone"] == "not a phone"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if kind == "csv":
            assert f",'{FORMULA}," in path.read_text(encoding="utf-8")
        assert company.take_back(path).keys == ()

    def test_a_row_that_says_nothing_shows_the_line_instead(self, company: Company):
        [row] = [row for row in read_handout(company.export("orders")) if row["rule_ids"] == "ragged_row"]
        assert row["line_as_sent"] == RAGGED.strip()
        assert not row["order_id"]


class TestReplay:
    def test_mended_rows_count_in_what_readers_see(self, company: Company):
        """I49: kept back with a reason, and let in once mended."""
        assert query(company.database, REVENUE) == [("withheld", None)]
        replayed = company.take_back(company.mend("orders", lambda row: MENDED[line(row)]))
        assert len(replayed.keys) == 4
        company.evaluate(selection=all_made_of("orders"))
        assert query(company.database, REVENUE) == [("final", 716.6)]
        history = (
            "select state, rule_id, corrected_on from dq.quarantine_current where table_name = 'orders' and line = 7"
        )
        assert query(company.database, history) == [("repaired", "amount_type", DAY)]
        record = "select inputs from meta.publications order by published_at desc limit 1"
        [(inputs,)] = query(company.database, record)
        [made_of] = [name for name in inputs if name.startswith("corrections:")]
        assert made_of.startswith(f"corrections:orders/as_of={DAY}/0001-")

    def test_rows_of_a_file_that_nobody_changed_are_passed_over(self, company: Company):
        replayed = company.take_back(company.mend("orders", lambda row: MENDED[7] if line(row) == 7 else {}))
        assert (len(replayed.keys), replayed.unchanged) == (1, 3)

    def test_the_ledger_says_what_the_corrections_changed(self, company: Company):
        company.take_back(company.mend("orders", lambda row: MENDED[line(row)] if line(row) != 8 else None))
        company.judge("orders")
        ledger = company.ledger()
        landing, yuan, dollars = ledger["ods", "-"], ledger["dwd", "CNY"], ledger["dwd", "USD"]
        assert (landing["rows_in"], landing["rows_quarantined"], landing["rows_repaired"]) == (9, 0, 1)
        assert (yuan["rows_in"], yuan["rows_corrected"], yuan["rows_accepted"]) == (6, 2, 8)
        assert (yuan["amount_in"], yuan["amount_corrected"]) == (500, Decimal("206.60"))
        assert yuan["amount_accepted"] == Decimal("706.60")
        assert (dollars["rows_in"], dollars["rows_corrected"], dollars["amount_corrected"]) == (1, -1, -50)
        assert all(row["is_balanced"] for row in ledger.values())
        assert company.states() == {7: "repaired", 8: "open", 9: "repaired", 10: "repaired"}

    def test_the_same_file_twice_changes_nothing(self, company: Company):
        path = company.mend("orders", lambda row: {"amount": "66.60"})
        company.take_back(path)
        company.judge("orders")
        kept, lake = company.files(), bytes_of(company.root)
        assert company.take_back(path).is_known
        company.judge("orders")
        assert (company.files(), bytes_of(company.root)) == (kept, lake)

    def test_a_row_mended_wrongly_is_rejected_again_by_the_rule_it_breaks_now(self, company: Company):
        path = company.mend("orders", lambda row: {"amount": "-5"} if line(row) == 7 else None)
        replayed = company.take_back(path)
        company.judge("orders")
        row = company.quarantine()[7]
        told = StringIO()
        show_replayed(quarantine_day(Project.read(company.root), DAY), replayed, "en", screen(told))
        assert "1 break amount_minimum_when_sale" in told.getvalue()
        assert f"row_id: {row['row_id']}" in told.getvalue()
        assert (row["state"], row["rule_id"], row["first_rule_id"]) == (
            "rejected_again",
            "amount_minimum_when_sale",
            "amount_type",
        )
        assert "O6" not in company.amounts()
        company.take_back(company.mend("orders", lambda row: {"amount": "5"} if line(row) == 7 else None))
        company.judge("orders")
        assert company.quarantine()[7]["state"] == "repaired"
        assert company.amounts()["O6"] == 5

    def test_a_mended_row_that_repeats_another_merges_into_it(self, company: Company):
        mended = {"order_id": "O5", "amount": "100", "recorded_at": "2026-11-01"}
        company.take_back(company.mend("orders", lambda row: mended if line(row) == 7 else None))
        company.judge("orders")
        assert company.ledger()["dwd", "CNY"]["rows_merged"] == 1
        assert company.states()[7] == "repaired"

    def test_a_row_that_is_dismissed_stays_out_and_no_longer_waits(self, company: Company):
        company.take_back(company.mend("orders", lambda row: {} if line(row) == 7 else None), DISMISSED)
        company.judge("orders")
        assert company.states() == {7: "dismissed", 8: "open", 9: "open", 10: "open"}
        assert "O6" not in company.amounts()
        assert len(read_handout(company.export("orders"))) == 3

    def test_a_table_that_closed_the_gate_is_let_in_once_it_is_mended(self, company: Company):
        deliver(company.root, "orders", [order(n, amount="?" if n <= 6 else "1.00") for n in range(1, 12)])
        assert evaluate(company.root, company.database, selection=gate_of("orders")).exit_code == 3
        company.take_back(company.mend("orders", lambda row: {"amount": "1"}))
        company.judge("orders")
        assert len(company.amounts()) == 11


class TestDays:
    def test_a_snapshot_that_repeats_the_row_needs_no_second_correction(self, company: Company):
        company.take_back(company.mend("customers", lambda row: {"phone": "13911112222", "demand_tag": "设备"}))
        deliver(company.root, "customers", [customer(99), *CUSTOMERS], NEXT_DAY)
        deliver(company.root, "orders", [order(20)], NEXT_DAY)
        company.evaluate(NEXT_DAY, gate_of("customers"))
        kept = {row["customer_id"]: row["phone"] for row in rows_of(company.root, "dwd.customers", NEXT_DAY)}
        assert kept["C11"] == "13911112222"
        rows = rows_of(company.root, "quarantine.customers", NEXT_DAY)
        assert {row["_line"]: row["outcome"] for row in rows} == {13: "accepted", 14: "accepted"}

    def test_a_row_of_an_earlier_increment_enters_on_the_day_it_is_mended(self, company: Company):
        for table in ("customers", "orders"):
            deliver(
                company.root, table, {"customers": CUSTOMERS, "orders": [order(20, customer_id="C1")]}[table], NEXT_DAY
            )
        company.evaluate(NEXT_DAY, gate_of("rates", "orders"))
        before = bytes_of(company.root)
        mended = {"amount": "66.60"}
        company.take_back(
            company.mend("orders", lambda row: mended if line(row) == 7 else None, as_of=NEXT_DAY), as_of=NEXT_DAY
        )
        company.evaluate(NEXT_DAY)
        assert company.amounts(NEXT_DAY) == {"O20": 100, "O6": Decimal("66.60")}
        ledger = company.ledger(as_of=NEXT_DAY)["dwd", "CNY"]
        assert (ledger["rows_in"], ledger["rows_corrected"], ledger["rows_accepted"]) == (1, 1, 2)
        assert {row["delivered_on"] for row in company.quarantine(as_of=NEXT_DAY).values()} == {DAY}
        assert company.states(as_of=NEXT_DAY) == {7: "repaired", 8: "open", 9: "open", 10: "open"}
        assert query(company.database, REVENUE) == [("final", 666.6)]
        company.judge("orders")
        assert bytes_of(company.root) == before, "the day before does not know what was mended after it"

    def test_a_row_that_comes_again_waits_once(self, company: Company):
        """Orders are increments: the day before is known too. A line, or a row without its key, may be another one."""
        deliver_again(company, order(10, order_id="", amount="?"))
        company.judge("rates", "customers", "orders", as_of=NEXT_DAY)
        rows = [row for row in rows_of(company.root, "dq.quarantine", NEXT_DAY) if row["table_name"] == "orders"]
        found = sorted((row["delivered_on"], row["line"], row["state"]) for row in rows)
        assert found == [
            *((DAY, line, "superseded") for line in (7, 8, 9)),
            (DAY, 10, "open"),
            *((NEXT_DAY, line, "open") for line in (7, 8, 9, 10, 11)),
        ]
        customers = [
            row for row in rows_of(company.root, "dq.quarantine", NEXT_DAY) if row["table_name"] == "customers"
        ]
        assert {row["delivered_on"] for row in customers} == {NEXT_DAY}
        assert all(row["is_balanced"] for row in company.ledger(as_of=NEXT_DAY).values())
        assert company.states() == {7: "open", 8: "open", 9: "open", 10: "open"}

    def test_a_row_that_comes_again_mended_is_another_one(self, company: Company):
        deliver(company.root, "orders", [order(20), order(7, amount="", currency="CNY")], NEXT_DAY)
        deliver(company.root, "customers", CUSTOMERS, NEXT_DAY)
        company.judge("rates", "customers", "orders", as_of=NEXT_DAY)
        assert "superseded" not in company.states(as_of=NEXT_DAY).values()

    def test_what_is_said_of_a_row_that_came_again_is_kept_of_its_latest_delivery(self, company: Company):
        path = company.mend("orders", lambda row: {"amount": "66.60"} if line(row) == 7 else None)
        deliver_again(company)
        company.judge("rates", "customers", "orders", as_of=NEXT_DAY)
        replayed = company.take_back(path, as_of=NEXT_DAY)
        assert [delivered_on for delivered_on, _ in replayed.keys] == [NEXT_DAY]
        company.judge("orders", as_of=NEXT_DAY)
        assert company.amounts(NEXT_DAY)["O6"] == Decimal("66.60")
        ledger = company.ledger(as_of=NEXT_DAY)
        assert ledger["dwd", "CNY"]["rows_corrected"] == 0
        assert all(row["is_balanced"] for row in ledger.values())
        rows = rows_of(company.root, "dq.quarantine", NEXT_DAY)
        mine = [
            (row["delivered_on"], row["state"]) for row in rows if row["table_name"] == "orders" and row["line"] == 7
        ]
        assert sorted(mine) == [(DAY, "superseded"), (NEXT_DAY, "repaired")]

    def test_both_deliveries_of_a_row_in_one_file_are_refused(self, company: Company):
        before = read_handout(company.mend("orders", lambda row: {"amount": "1"} if line(row) == 7 else None))
        deliver_again(company)
        company.judge("rates", "customers", "orders", as_of=NEXT_DAY)
        path = company.mend("orders", lambda row: {"amount": "2"} if line(row) == 7 else None, as_of=NEXT_DAY)
        write_handout(path, list(before[0]), [*before, *read_handout(path)])
        with pytest.raises(ConfigurationError, match="twice; keep the one that is right"):
            company.take_back(path, as_of=NEXT_DAY)
        assert company.files() == {}

    def test_the_list_tells_of_the_latest_delivery_and_of_an_earlier_one_that_is_asked_for(self, company: Company):
        deliver_again(company)
        company.judge("rates", "customers", "orders", as_of=NEXT_DAY)
        day, old = quarantine_day(Project.read(company.root), NEXT_DAY), rf"orders_{DAY}\.csv +[789] +superseded"
        shown, asked = StringIO(), StringIO()
        list_rows(day, Wanted("orders"), "en", screen(shown))
        list_rows(day, Wanted("orders", delivered_on=DAY), "en", screen(asked))
        assert (len(re.findall(old, shown.getvalue())), len(re.findall(old, asked.getvalue()))) == (0, 3)
        assert "5 rows wait for their owners" in shown.getvalue()


def deliver_again(company: Company, *rows: dict[str, str]) -> None:
    """The next day's files: those of the day once more, and these orders."""
    for table, file in (("customers", CUSTOMERS), ("orders", [*ORDERS, *rows])):
        deliver(company.root, table, file, NEXT_DAY)
    with (company.root / "landing" / f"orders_{NEXT_DAY}.csv").open("a", encoding="utf-8") as file:
        file.write(RAGGED)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(
            {"row_id": "79c05effbe24-1"}, "row 79c05effbe24-1, .* is not in the quarantine of orders", id="row"
        ),
        pytest.param({"delivered_on": "2026-11-19"}, "delivered on 2026-11-19, is not in the quarantine", id="day"),
        pytest.param({"delivered_on": "soon"}, "delivered_on 'soon'; export the rows again", id="no-day"),
        pytest.param({"table_name": "ordres"}, "says table_name 'ordres'; it must be one of answers", id="table"),
        pytest.param(
            {"amonut": "1"}, "has a column amonut that orders does not have; did you mean amount?", id="column"
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_kept(company: Company, spoil: dict[str, str], said: str):
    path = company.mend("orders", lambda row: {"amount": "1"} | spoil if line(row) == 7 else None)
    with pytest.raises(ConfigurationError, match=said):
        company.take_back(path)
    assert company.files() == {}


def test_a_file_without_a_column_of_the_table_is_refused(company: Company):
    rows = read_handout(company.export("orders"))
    path = company.root / "less.csv"
    write_handout(path, [name for name in rows[0] if name != "paid_on"], rows)
    with pytest.raises(ConfigurationError, match="has no column paid_on of orders"):
        company.take_back(path)


def test_corrections_are_for_this_account_alone(company: Company):
    company.take_back(company.mend("orders", lambda row: {"amount": "1"}))
    folder = company.root / "corrections"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*.parquet")} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_corrections_publishing_again_changes_nothing(company: Company):
    before = checksums(company.database)
    company.evaluate(selection=PUBLICATION)
    assert checksums(company.database) == before
