"""What can have changed a figure (U09): the sources of two days side by side, and the inputs of two runs."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from runs import write_small_company

from assets.ads.catalogue import catalogue
from assets.day import ProjectDay
from assets.restated import LINKS, LakeWitness
from pipeline.project import Project
from pipeline.warehouse import Sign
from quality.contract import Contract, contracts

THEN, NOW = date(2026, 11, 10), date(2026, 11, 20)
SHANGHAI = timezone(timedelta(hours=8))
TYPES = {"text": "string", "double": "float64", "integer": "Int64", "boolean": "boolean"}

Lake = Callable[..., LakeWitness]


def at(day: str) -> datetime:
    """Nine in the morning."""
    return datetime.fromisoformat(day).replace(hour=9, tzinfo=SHANGHAI)


def order(number: int, day: str, **fields: Any) -> dict[str, Any]:
    usual = {"order_id": f"O{number}", "customer_id": f"C{number}", "kind": "sale", "amount": 100.0, "currency": "CNY"}
    return usual | {"ordered_at": at(day), "ordered_on": date.fromisoformat(day)} | fields


def lead(number: int, day: str, **fields: Any) -> dict[str, Any]:
    created = {"created_at": at(day), "created_on": date.fromisoformat(day)}
    return {"lead_id": f"L{number}", "channel": "search"} | created | fields


def link(source: str, customer: str) -> dict[str, Any]:
    return {"source_customer_id": source, "customer_id": customer}


def frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows in the types the gate writes, as far as they are looked at here."""
    moments = {"timestamp": "datetime64[us, UTC]", "date": "object"}
    types = {
        column.name: TYPES.get(column.type) or moments.get(column.type, "float64")
        for column in contracts()[table].columns
    }
    written = pd.DataFrame(rows, columns=list(dict.fromkeys([*types, *(name for row in rows for name in row)])))
    for name, kind in types.items():
        if kind.startswith("datetime"):
            written[name] = pd.to_datetime(written[name], utc=True)
        elif kind != "object":
            written[name] = written[name].astype(kind)
    return written


def gate_writes(day: ProjectDay, contract: Contract) -> None:
    """No row, but every column, on both days."""
    for as_of in (THEN, NOW):
        with day.lake.write(contract.gated, as_of) as file:
            empty = frame(contract.table, [])
            empty.assign(**{contract.event_day: pd.NaT} if contract.event_day else {}).to_parquet(file)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A witness of the later day, of a company with these rows in tables of two days."""
    root = write_small_company(tmp_path / "company", {"orders": [], "leads": [], "customers": []})
    project = Project.read(root)

    def write(table: str, days: Mapping[date, list[dict[str, Any]]]) -> LakeWitness:
        for as_of, rows in days.items():
            day = ProjectDay(project, as_of)
            with day.lake.write(f"dwd.{table}", as_of) as file:
                (frame(table, rows) if table in contracts() else pd.DataFrame(rows)).to_parquet(file)
            with day.lake.write(f"deliveries.{table}", as_of) as file:
                pd.DataFrame({"source": ["erp"], "input": [f"{table}_{as_of}.csv"]}).to_parquet(file)
        return LakeWitness(ProjectDay(project, NOW))

    return write


def test_an_order_of_old_that_comes_only_now_is_late_and_one_of_today_is_not(lake: Lake):
    witness = lake("orders", {THEN: [order(1, "2026-10-05")], NOW: [order(2, "2026-10-30"), order(3, "2026-11-15")]})
    assert witness.since(THEN, {"orders"}) == [Sign("orders", "late_data", (date(2026, 10, 30),), 1)]


def test_a_refund_that_is_entered_late_is_a_refund(lake: Lake):
    refund = order(2, "2026-10-30", kind="refund", refund_of="O1", amount=-100.0)
    witness = lake("orders", {THEN: [order(1, "2026-10-05")], NOW: [refund]})
    assert witness.since(THEN, {"orders"}) == [Sign("orders", "refund", (date(2026, 10, 30),), 1)]


def test_an_order_sent_again_counts_only_where_it_says_otherwise(lake: Lake):
    again = [order(1, "2026-10-05"), order(2, "2026-10-06", amount=90.0)]
    witness = lake("orders", {THEN: [order(1, "2026-10-05"), order(2, "2026-10-06")], NOW: again})
    assert witness.since(THEN, {"orders"}) == [Sign("orders", "corrected_rows", (date(2026, 10, 6),), 1)]


def test_orders_that_are_not_sent_again_are_still_there(lake: Lake):
    assert lake("orders", {THEN: [order(1, "2026-10-05")], NOW: []}).since(THEN, {"orders"}) == []


def test_a_lead_that_is_no_longer_in_the_snapshot_is_withdrawn(lake: Lake):
    witness = lake("leads", {THEN: [lead(1, "2026-10-05"), lead(2, "2026-10-06")], NOW: [lead(1, "2026-10-05")]})
    assert witness.since(THEN, {"leads"}) == [Sign("leads", "withdrawn_rows", (date(2026, 10, 6),), 1)]


def test_a_lead_that_was_won_since_has_progressed_and_one_won_before_is_told_late(lake: Lake):
    before = [lead(1, "2026-10-05"), lead(2, "2026-10-06"), lead(3, "2026-10-07", channel="social")]
    now = [lead(1, "2026-10-05", won_at=at("2026-11-12")), lead(2, "2026-10-06", won_at=at("2026-10-28"))]
    witness = lake("leads", {THEN: before, NOW: [*now, lead(3, "2026-10-07")]})
    assert witness.since(THEN, {"leads"}) == [
        Sign("leads", "corrected_rows", (date(2026, 10, 7),), 1),
        Sign("leads", "late_data", (date(2026, 10, 6), date(2026, 10, 28)), 1),
        Sign("leads", "progress", (date(2026, 10, 5), date(2026, 11, 12)), 1),
    ]


def test_ids_that_lead_to_another_customer_now_are_merged_and_new_ones_are_not(lake: Lake):
    witness = lake("customers", {THEN: [], NOW: []})
    gate_writes(witness.day, contracts()["customers"])
    links = {
        THEN: [link("C1", "C1"), link("C2", "C2")],
        NOW: [link("C1", "C1"), link("C2", "C1"), link("C3", "C1")],
    }
    lake(LINKS.split(".")[1], links)
    assert witness.since(THEN, {"customers"}) == [Sign("customers", "merge", rows_moved=1)]


def test_nothing_is_told_of_a_day_that_is_not_kept(lake: Lake):
    assert lake("orders", {NOW: [order(1, "2026-10-05")]}).since(THEN, {"orders"}) == []


@pytest.mark.parametrize("table", contracts())
def test_every_source_table_can_be_compared_and_equals_itself(lake: Lake, table: str):
    witness = lake(table, {THEN: [], NOW: []})
    gate_writes(witness.day, contracts()[table])
    lake(LINKS.split(".")[1], {THEN: [link("C1", "C1")], NOW: [link("C1", "C1")]})
    assert witness.since(THEN, {table}) == []


def test_inputs_of_a_day_that_came_changed_or_went(lake: Lake):
    for table in contracts():
        witness = lake(table, {NOW: []})
    was = {"erp:orders_2026-11-20.csv": "a1", "erp:leads_2026-11-20.csv": "b1", "shop:orders.csv": "c1"}
    now = {"erp:orders_2026-11-20.csv": "a2", "erp:leads_2026-11-20.csv": "b1", "erp:staff_2026-11-20.csv": "d1"}
    now |= {"corrections:orders/as_of=2026-11-20/0001-ab.parquet": "e1", "erasures.csv": "f1"}
    assert witness.same_day(was, now) == [
        Sign(None, "corrected_rows"),
        Sign(None, "erasure"),
        Sign(None, "source_withdrawn"),
        Sign("orders", "changed_input"),
        Sign("staff", "late_data"),
    ]


def test_every_figure_of_the_catalogue_says_what_it_is_made_of(lake: Lake):
    made_of = lake("orders", {}).made_of()
    assert {(row["kpi"], row["variant"]) for row in made_of} == {
        (name, variant) for name, kpi in catalogue().kpis.items() for variant in kpi.variants
    }
    looks_on = {row["kpi"] for row in made_of if row["looks_on"]}
    assert "retention_rate" in looks_on and "revenue" not in looks_on
