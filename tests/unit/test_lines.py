"""Lines of a source that together make one row: what is added up, what is kept, and that each line is accounted for."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from runs import DAY, PLAN, rows_of

from assets.day import ProjectDay
from assets.dwd import pass_gate
from assets.ods import land
from pipeline.errors import ConfigurationError
from pipeline.project import PLAN_FILE, SOURCES_FILE, Project
from quality.contract import contracts

INVOICES = """order_id,customer_id,ordered_at,product,amount,cost_amount
R1,C1,2026-11-02 10:00,chair,10.10,6
R1,C1,2026-11-02 09:59,table,20.20,7
R1,C1,2026-11-02 10:00,chair,10.10,6
R2,C2,2026-11-03 08:00,chair,5,
 R2,C2,2026-11-03 08:00,chair,7.5,3
"""
SOURCE: dict[str, Any] = {
    "source": "erp",
    "file": "invoices.csv",
    "constants": {"currency": "CNY", "kind": "sale"},
    "lines": {"sum": ["amount", "cost_amount"]},
}


def delivered(root: Path, invoices: str, table: str = "orders", **feed: Any) -> ProjectDay:
    """A company whose finance sent these lines and nothing else."""
    (root / "landing").mkdir()
    (root / "landing" / "invoices.csv").write_text(invoices, encoding="utf-8")
    sources = {"tables": {table: SOURCE | feed}}
    (root / SOURCES_FILE).write_text(yaml.safe_dump(sources), encoding="utf-8")
    (root / PLAN_FILE).write_text(yaml.safe_dump(PLAN, allow_unicode=True), encoding="utf-8")
    (root / ".env").write_text("TUOKE_HASH_KEY=key of the tests\n", encoding="utf-8")
    return ProjectDay(Project.read(root), DAY)


def landed(day: ProjectDay) -> list[dict[str, Any]]:
    """The orders made of the lines, as they wait for the gate."""
    land(contracts()["orders"], day)
    return rows_of(day.project.root, "ods.orders")


def judged(day: ProjectDay) -> None:
    """Pass the orders through their gate, after the rates of exchange, of which there are none."""
    land(contracts()["rates"], day)
    for table in ("rates", "orders"):
        pass_gate(contracts()[table], day)


def picked(rows: list[dict[str, Any]], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


def test_the_lines_of_an_order_are_added_up_equal_ones_too(tmp_path: Path):
    rows = landed(delivered(tmp_path, INVOICES))
    assert picked(rows, "order_id", "amount") == [("R1", "40.40"), ("R2", "12.50")]


def test_an_order_has_what_its_lines_agree_on_and_nothing_where_they_differ(tmp_path: Path):
    rows = landed(delivered(tmp_path, INVOICES))
    assert picked(rows, "customer_id", "product") == [("C1", None), ("C2", "chair")]


def test_an_order_was_placed_when_its_first_line_says(tmp_path: Path):
    assert picked(landed(delivered(tmp_path, INVOICES)), "ordered_at", "_line") == [
        ("2026-11-02 10:00", 2),
        ("2026-11-03 08:00", 5),
    ]


def test_a_total_of_which_a_part_is_missing_is_none(tmp_path: Path):
    assert picked(landed(delivered(tmp_path, INVOICES)), "cost_amount") == [("19.00",), (None,)]


def test_an_amount_that_can_not_be_read_keeps_its_order_back(tmp_path: Path):
    day = delivered(tmp_path, INVOICES.replace("20.20", "twenty"))
    assert picked(landed(day), "amount") == [("twenty",), ("12.50",)]
    judged(day)
    assert picked(rows_of(tmp_path, "quarantine.orders"), "rule_id", "_line") == [("amount_type", 2)]
    assert picked(rows_of(tmp_path, "dwd.orders"), "order_id") == [("R2",)]


def test_lines_without_a_number_stay_apart(tmp_path: Path):
    without = ",C3,2026-11-04 10:00,chair,1,\n,C3,2026-11-04 10:00,chair,1,\n"
    assert picked(landed(delivered(tmp_path, INVOICES + without)), "order_id", "_line") == [
        ("R1", 2),
        ("R2", 5),
        (None, 7),
        (None, 8),
    ]


def test_every_line_stays_in_the_lake_as_it_was_sent(tmp_path: Path):
    rows = landed(delivered(tmp_path, INVOICES))
    lines = rows_of(tmp_path, "lines.orders_1")
    assert picked(lines, "order_id", "amount", "_line")[-2:] == [("R2", "5", 5), (" R2", "7.5", 6)]
    first = {line["_row_id"]: line["order_id"] for line in lines}
    assert [first[row["_row_id"]] for row in rows] == ["R1", "R2"]


def test_the_ledger_knows_where_each_line_went(tmp_path: Path):
    day = delivered(tmp_path, INVOICES + "R3,C3,2026-11-04 10:00,gift,0,\n", exclude={"product": ["gift"]})
    landed(day)
    judged(day)
    gate, source = rows_of(tmp_path, "dq_ledger.orders")
    ways = ("rows_in", "rows_accepted", "rows_added_up", "rows_out_of_scope")
    assert picked([source, gate], *ways) == [(6, 2, 3, 1), (2, 2, 0, 0)]
    assert (str(gate["amount_in"]), str(gate["amount_accepted"])) == ("52.90", "52.90")
    assert source["is_balanced"] and gate["is_balanced"]


def test_an_order_delivered_twice_is_not_added_up_twice(tmp_path: Path):
    day = delivered(tmp_path, INVOICES, file="invoices*.csv")
    again = INVOICES.replace("2026-11-03", "2026-11-04").replace("7.5", "4")
    (tmp_path / "landing" / "invoices_2.csv").write_text(again, encoding="utf-8")
    landed(day)
    judged(day)
    orders = rows_of(tmp_path, "dwd.orders")
    assert [(order["order_id"], str(order["amount"])) for order in orders] == [("R1", "40.40"), ("R2", "9.00")]
    assert picked(rows_of(tmp_path, "quarantine.orders"), "rule_id") == [("key_unique",), ("key_unique",)]


def test_the_customers_may_be_those_the_lines_name(tmp_path: Path):
    absent = dict.fromkeys(("created_at", "demand_tag", "phone", "source_channel"), "not kept")
    feed = {"constants": {"kind": "company"}, "lines": {}, "columns": {"name": "customer_id"}, "absent": absent}
    land(contracts()["customers"], delivered(tmp_path, INVOICES, "customers", **feed))
    assert picked(rows_of(tmp_path, "ods.customers"), "customer_id", "kind") == [("C1", "company"), ("C2", "company")]


def test_what_is_no_amount_can_not_be_added_up(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"orders\.lines\.sum: product can't be added up; orders has amount"):
        landed(delivered(tmp_path, INVOICES, lines={"sum": ["product"]}))
