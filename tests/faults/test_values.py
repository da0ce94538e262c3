"""What may be wrong with values, from the file to what readers see: a small company, evaluated for real."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from databases import a_database, query
from runs import customer, evaluate, frame_of, order, rows_of, write_small_company
from sent import row

from pipeline.warehouse.embedded import EmbeddedServer

LONG = "长" * 300_000
"""Nearly a megabyte."""
CUSTOMERS = [
    *[customer(number, industry="互联网", region="深圳") for number in range(1, 41)],
    customer(41, customer_id="Ｃ１", phone="138 0000 0001", name="客户 1", updated_at="2026-10-01"),
    customer(42, customer_id="C\u200b2", phone="+86 13800000002", name="客户 2", updated_at="2026-10-01"),
    customer(43, owner_id="110101199003070011", industry="客户未提供", region="廣東省深圳市"),
    customer(44, owner_id="007", industry="教育", region="朝阳区"),
    customer(45, name="😀 \u202e公司\u202c", industry="教育", address=LONG),
]
ORDERS = [
    *[order(number) for number in range(1, 5)],
    order(11, ordered_at="2026-02-30 10:00:00"),
    order(12, ordered_at="0000-00-00"),
    order(13, ordered_at="9999-12-31"),
    order(14, ordered_at="0001-01-01"),
    order(15, ordered_at="03/05/2026"),
    order(16, customer_id="C1", ordered_at="2026-11-02T02:00:00Z", recorded_at="2026年11月2日 下午6点"),
    order(17, customer_id="C1", ordered_at="46328.5", recorded_at=""),
    order(21, customer_id="C1", currency=""),
    order(22, customer_id="C1", currency="USD", amount="1000.00"),
    order(28, customer_id="C1", currency="JPY", amount="1000.00"),
    order(29, customer_id="C1", currency="USD", ordered_at="2026-10-31 10:00:00", recorded_at=""),
    order(23, customer_id="nobody"),
    order(24, customer_id="C1", amount="1.25万"),
    order(25, customer_id="C1", kind="refund", refund_of="O1", amount="(30.00)"),
    order(26, customer_id="C1", kind="refund", refund_of="O999", amount="-10"),
    order(27, customer_id="C2", kind="refund", refund_of="O2", amount="100.01"),
]

RATES = [
    row("rates", day="2026-11-01", currency="USD", rate="7.10"),
    row("rates", day="2026-11-03", currency="USD", rate="7.20"),
]
FILL = [{"table": "customers", "column": "industry", "rule": "mode", "by": "region"}]
OUTLIERS = [{"table": "orders", "column": "amount"}]


@dataclass(frozen=True)
class Evaluated:
    """A company after its day."""

    root: Path
    database: sqlalchemy.URL

    def quarantined(self, table: str) -> dict[str, str]:
        """Line's key -> the rule that kept it back."""
        rows = rows_of(self.root, f"quarantine.{table}")
        key = "customer_id" if table == "customers" else "order_id"
        return {json.loads(row["row_as_sent"])[key]: row["rule_id"] for row in rows if row["outcome"] == "quarantined"}


@pytest.fixture(scope="module")
def evaluated(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluated]:
    root = tmp_path_factory.mktemp("values") / "company"
    write_small_company(
        root, {"customers": CUSTOMERS, "orders": ORDERS, "rates": RATES}, cleaning={"fill": FILL, "outliers": OUTLIERS}
    )
    with a_database(cluster) as database:
        outcome = evaluate(root, database)
        assert outcome.success, outcome.message
        yield Evaluated(root, database)


def customers(evaluated: Evaluated) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in rows_of(evaluated.root, "dwd.customers")}


def orders(evaluated: Evaluated) -> dict[str, dict[str, Any]]:
    return {row["order_id"]: row for row in rows_of(evaluated.root, "dwd.orders")}


def test_ids_written_in_another_width_or_with_invisible_characters_are_one_customer(evaluated: Evaluated):
    assert set(customers(evaluated)) == {f"C{number}" for number in [*range(1, 41), 43, 44, 45]}


def test_eighteen_digits_and_leading_zeros_stay(evaluated: Evaluated):
    found = customers(evaluated)
    assert (found["C43"]["owner_id"], found["C44"]["owner_id"]) == ("110101199003070011", "007")


def test_days_there_never_were_are_kept_back_and_no_order_of_day_and_month_is_guessed(evaluated: Evaluated):
    kept = evaluated.quarantined("orders")
    assert {name: kept[name] for name in ("O11", "O12", "O13", "O14", "O15")} == dict.fromkeys(
        ("O11", "O12", "O13", "O14", "O15"), "ordered_at_type"
    )


def test_moments_of_other_zones_and_of_workbooks_are_days_of_the_plan(evaluated: Evaluated):
    found = orders(evaluated)
    assert found["O16"]["ordered_at"] == datetime(2026, 11, 2, 2, tzinfo=UTC)
    assert (str(found["O16"]["ordered_on"]), str(found["O17"]["ordered_on"])) == ("2026-11-02", "2026-11-02")


def test_emoji_stay_marks_of_direction_go_and_long_text_is_kept(evaluated: Evaluated):
    found = customers(evaluated)["C45"]
    assert found["name"] == "😀 公司"
    assert found["address"] == LONG


def test_amounts_without_a_currency_or_a_rate_for_it_are_kept_back_and_never_added(evaluated: Evaluated):
    kept = evaluated.quarantined("orders")
    assert kept["O21"] == "currency_required"
    assert kept["O28"] == "currency_plan_currency"
    assert kept["O29"] == "currency_rate_known"
    assert not {"O21", "O28", "O29"} & set(frame_of(evaluated.root, "dws.sales")["order_id"])


def test_an_amount_of_another_currency_counts_by_the_rate_of_its_day(evaluated: Evaluated):
    booked = orders(evaluated)["O22"]
    assert (str(booked["amount"]), booked["currency"]) == ("1000.00", "USD")
    [sale] = [row for row in rows_of(evaluated.root, "dws.sales") if row["order_id"] == "O22"]
    assert (str(sale["net_amount"]), sale["currency"]) == ("7100.00", "CNY")
    by_currency = query(
        evaluated.database,
        "select layer, currency, amount_in from dq.ledger_current"
        " where table_name = 'orders' and currency = 'USD' and layer in ('dwd', 'dws') order by layer",
    )
    assert by_currency == [("dwd", "USD", Decimal("1100.00")), ("dws", "USD", Decimal("1000.00"))]


def test_amounts_are_exact_whatever_unit_or_sign_they_are_written_with(evaluated: Evaluated):
    found = orders(evaluated)
    assert [str(found[name]["amount"]) for name in ("O24", "O25", "O26")] == ["12500.00", "-30.00", "-10.00"]


def test_rows_that_name_what_nobody_knows_are_let_in_and_counted(evaluated: Evaluated):
    found = query(
        evaluated.database,
        "select rule_id, unexpected_rows from dq.expectation_results_current"
        " where table_name = 'orders' and layer = 'relations' and unexpected_rows > 0 order by rule_id",
    )
    assert found == [("customer_id_known", 1), ("refund_of_known", 1), ("refunds_within_order", 1)]


def test_an_order_of_nobody_is_a_sale_without_a_customer_record(evaluated: Evaluated):
    sales = frame_of(evaluated.root, "dws.sales").set_index("order_id")
    assert not sales.loc["O23", "has_customer_record"]
    assert sales.loc["O25", "refund_of"] == "O1"


def test_a_filled_cell_is_marked_and_told_with_the_reason_it_was_missing(evaluated: Evaluated):
    found = customers(evaluated)["C43"]
    assert (found["industry"], found["_filled"]) == ("I 信息传输、软件和信息技术服务业", "industry")
    told = query(
        evaluated.database,
        "select table_name, action, rows_affected, rows_changed, reasons from dq.treated_values_current"
        " where column_name = 'industry' order by table_name",
    )
    assert told == [("customer_records", "none", 1, 0, "not_provided 1"), ("customers", "filled", 1, 1, None)]


def test_a_region_nobody_can_place_stays_as_it_was_sent(evaluated: Evaluated):
    found = customers(evaluated)
    assert (found["C43"]["region"], found["C44"]["region"]) == ("广东省-深圳市", "朝阳区")
