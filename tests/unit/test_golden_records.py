"""The golden record: column by column the value that counts, whatever the order of the records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from assets.dwd.identity.survivors import GOLDEN, golden_records
from pipeline.engine import DuckDBEngine
from pipeline.plan import Identity, Survivor
from quality.contract import contracts

CUSTOMERS = contracts()["customers"]
ZONE = ZoneInfo("Asia/Shanghai")
ARROW = {"text": pa.string(), "integer": pa.int64(), "timestamp": pa.timestamp("us", tz="UTC")}


def golden(*records: dict[str, Any], ids: Mapping[str, str] = {}, **survivorship: Survivor) -> list[dict[str, Any]]:
    """The golden records of records that are all one customer, A, unless `ids` says otherwise."""
    rows = [
        {"customer_id": chr(ord("A") + place), "created_at": "2026-01-01", "updated_at": f"2026-02-{place + 1:02}"}
        | row
        for place, row in enumerate(records)
    ]
    columns = {
        column.name: pa.array([_value(row.get(column.name), column.type) for row in rows], ARROW[column.type])
        for column in CUSTOMERS.columns
    }
    own = [row["customer_id"] for row in rows]
    to = [ids.get(customer, "A") if ids else "A" for customer in own]
    tables = {
        CUSTOMERS.gated: pa.table(
            columns
            | {
                "_is_late": [False] * len(rows),
                "_warnings": pa.nulls(len(rows), pa.string()),
                "_row_id": [f"row {x}" for x in own],
            }
        ),
        GOLDEN: pa.table(
            {"customer_id": own, "golden_id": to, "cluster_size": [to.count(customer) for customer in to]}
        ),
    }
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone=str(ZONE), tables={}, values=tables) as session:
        found = session.frame(golden_records(CUSTOMERS, Identity(survivorship=survivorship).survivor))
    return found.sort_values("customer_id").to_dict("records")


def _value(value: Any, kind: str) -> Any:
    return datetime.fromisoformat(value).replace(tzinfo=ZONE) if kind == "timestamp" and value else value


def test_the_newest_value_counts():
    [customer] = golden({"phone": "1"}, {"phone": "3", "updated_at": "2026-05-01"}, {"phone": "2"})
    assert (customer["customer_id"], customer["phone"], customer["_row_id"]) == ("A", "3", "row B")


def test_what_is_not_there_never_counts():
    [customer] = golden({"email": "a@x.cn"}, {"email": None, "updated_at": "2026-05-01"})
    assert customer["email"] == "a@x.cn"


def test_a_customer_is_as_old_as_its_oldest_record():
    [customer] = golden({"created_at": "2026-01-05"}, {"created_at": "2024-12-31"})
    assert customer["created_at"].date().isoformat() == "2024-12-31"
    assert customer["created_on"].date().isoformat() == "2024-12-31"


@pytest.mark.parametrize(
    ("rule", "kept"), [("newest", "丙"), ("oldest", "甲甲甲"), ("longest", "甲甲甲"), ("most_frequent", "乙")]
)
def test_the_plan_says_which_name_counts(rule: Survivor, kept: str):
    names = ["甲甲甲", "乙", "乙", "丙"]
    [customer] = golden(*[{"name": name} for name in names], name=rule)
    assert customer["name"] == kept


def test_the_channel_a_customer_first_came_through_stays():
    first, later = {"source_channel": "expo", "created_at": "2025-01-01"}, {"source_channel": "search"}
    assert [row["source_channel"] for row in golden(later, first)] == ["expo"]


def test_of_values_told_equally_often_the_newest_counts():
    [customer] = golden({"birth_year": 1980}, {"birth_year": 1981}, {"birth_year": None})
    assert customer["birth_year"] == 1981


def test_records_changed_at_the_same_moment_are_ordered_by_their_id():
    rows = [{"name": name, "updated_at": "2026-02-01"} for name in ("甲", "乙")]
    assert golden(*rows)[0]["name"] == "甲"


def test_a_customer_with_one_record_has_its_values_under_the_golden_id():
    found = golden({"name": "甲"}, {"name": "乙"}, ids={"A": "A", "B": "Z"})
    assert [(row["customer_id"], row["name"], row["_row_id"]) for row in found] == [
        ("A", "甲", "row A"),
        ("Z", "乙", "row B"),
    ]
