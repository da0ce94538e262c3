"""A shop's invoice lines as orders, its cancellations as refunds: the published figures from our own tables.

Every figure is held against pandas on the same file.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from databases import query
from layouts import Layout, evaluated

from pipeline.warehouse.embedded import EmbeddedServer

AS_OF = date(2011, 12, 9)

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def shop(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    folder = tmp_path_factory.mktemp("online_retail")
    with evaluated("online_retail", AS_OF, shared=shared, cluster=cluster, folder=folder) as layout:
        yield layout


@pytest.fixture(scope="module")
def lines(shared: Path) -> pd.DataFrame:
    """The file as it is, with the amount of each line and what kind of invoice it stands on."""
    sent = pd.read_parquet(shared / "online_retail" / "online_retail_I.parquet")
    letter = sent["InvoiceNo"].str[0].where(~sent["InvoiceNo"].str[0].str.isdigit(), "")
    return sent.assign(amount=(sent["Quantity"] * sent["UnitPrice"]).round(2), letter=letter)


def test_the_day_is_published(shop: Layout):
    assert shop.outcome.success, shop.outcome.message
    assert query(shop.database, "select as_of from meta.publications") == [(AS_OF,)]


def test_every_line_is_accounted_for(shop: Layout, lines: pd.DataFrame):
    entry = shop.ledger("orders", "ods")
    assert entry["rows_in"] == 541_909 == len(lines)
    assert entry["rows_out_of_scope"] == 2_515 == (lines["UnitPrice"] == 0).sum()
    sold = lines[lines["UnitPrice"] != 0]
    assert entry["rows_accepted"] == sold["InvoiceNo"].nunique()
    assert entry["rows_added_up"] == len(sold) - sold["InvoiceNo"].nunique()
    assert shop.frame("dq.ledger")["is_balanced"].all()


def test_sales_are_those_published(shop: Layout):
    revenue = shop.kpi("aov")
    assert (revenue["numerator"], revenue["denominator"]) == (8_911_407.90, 18_532)
    assert round(revenue["value"], 2) == 480.87
    assert shop.kpi("new_customers")["value"] == 4_338


def test_a_sale_is_made_of_the_lines_the_publication_counts(shop: Layout):
    sales = shop.frame("dws.sales")
    sold = sales.loc[~sales["is_refund"], "order_id"]
    kept = shop.frame("lines.orders_1")
    assert kept["order_id"].isin(sold).sum() == 397_884


def test_every_order_is_the_sum_of_its_lines_equal_ones_too(shop: Layout, lines: pd.DataFrame):
    known = lines[lines["CustomerID"].notna() & (lines["UnitPrice"] != 0)]
    expected = known.groupby("InvoiceNo")["amount"].sum().round(2)
    found = shop.frame("dwd.orders").set_index("order_id")["amount"].astype(float)
    pd.testing.assert_series_equal(found.sort_index(), expected, check_names=False)
    assert lines.duplicated().sum() == 5_268
    assert known[known.duplicated()]["amount"].sum() > 0


def test_each_order_leads_back_to_its_lines(shop: Layout):
    order = shop.frame("dwd.orders").query("order_id == '536365'").iloc[0]
    kept = shop.frame("lines.orders_1").query("order_id == '536365'")
    assert kept["_line"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert order["_row_id"] == kept["_row_id"].iloc[0]
    assert order["amount"] == sum(map(Decimal, kept["amount"])) == Decimal("139.12")


# lines without a customer


def test_who_is_not_named_is_not_one_customer(shop: Layout, lines: pd.DataFrame):
    nameless = lines["CustomerID"].isna()
    entry = shop.ledger("customers", "ods")
    assert entry["rows_out_of_scope"] == 135_080 == nameless.sum()
    assert entry["rows_accepted"] == 4_372 == lines["CustomerID"].nunique()
    ids = set(shop.frame("dwd.customers")["customer_id"])
    assert ids == set(lines.loc[~nameless, "CustomerID"].astype(int).astype(str))
    assert set(shop.frame("dws.sales")["customer_id"]) <= ids


def test_what_nobody_bought_is_kept_back_with_its_money(shop: Layout, lines: pd.DataFrame):
    nameless = lines[lines["CustomerID"].isna() & (lines["UnitPrice"] != 0)]
    kept_back = shop.frame("quarantine.orders")
    assert kept_back["rule_ids"].str.contains("customer_id_required").all()
    assert len(kept_back) == nameless["InvoiceNo"].nunique()
    entry = shop.ledger("orders", "dwd")
    assert entry["rows_quarantined"] == len(kept_back)
    assert entry["amount_quarantined"] == Decimal(str(round(nameless["amount"].sum(), 2))) == Decimal("1447682.12")
    orders = kept_back["row_as_sent"].str.extract(r'"order_id":"([^"]+)"')[0]
    assert shop.frame("lines.orders_1")["order_id"].isin(orders).sum() == len(nameless) == 135_080 - 2_475


def test_an_adjustment_of_bad_debt_is_neither_sale_nor_refund(shop: Layout):
    broken = shop.frame("quarantine.orders").query("rule_ids.str.contains('kind_allowed')")
    assert sorted(broken["amount"]) == [Decimal("-11062.06"), Decimal("-11062.06"), Decimal("11062.06")]


# cancellations


def test_cancellations_are_refunds(shop: Layout, lines: pd.DataFrame):
    cancelled = lines[lines["letter"] == "C"]
    assert shop.frame("lines.orders_1")["order_id"].str.startswith("C").sum() == 9_288 == len(cancelled)
    known = cancelled[cancelled["CustomerID"].notna()]
    refunds = shop.frame("dws.sales").query("is_refund")
    assert len(refunds) == known["InvoiceNo"].nunique()
    assert float(refunds["net_amount"].sum()) == pytest.approx(known["amount"].sum()) == pytest.approx(-611_342.09)
    assert not refunds["is_first_order"].any()


def test_net_revenue_is_what_was_sold_less_what_was_cancelled(shop: Layout, lines: pd.DataFrame):
    known = lines[lines["CustomerID"].notna()]
    assert shop.kpi("revenue")["value"] == 8_300_065.81 == pytest.approx(known["amount"].sum())


def test_that_a_refund_names_no_order_is_not_held_against_it(shop: Layout):
    statement = (
        "select is_evaluated from dq.expectation_results_current "
        "where table_name = 'orders' and layer = 'ods' and rule_id = 'refund_of_required_when_refund'"
    )
    assert query(shop.database, statement) == [(False,)]


def test_who_only_cancelled_has_not_bought(shop: Layout):
    activity = shop.frame("dws.customer_activity").set_index("customer_id")
    assert (activity["orders"] == 0).sum() == 4_372 - 4_338
    assert activity.loc[activity["orders"] == 0, "net_amount"].max() == 0


# how far the figures can be trusted


def test_what_is_told_is_provisional_and_says_why(shop: Layout):
    assert shop.kpi("revenue")["state"] == "provisional"
    assert shop.kpi("revenue")["reason"] == "orders: completeness 93.2%, asked at least 95.0%"
    assert "customers: not in the source: name, phone" in shop.kpi("new_customers")["reason"]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        *[(name, "expenses") for name in ("cac", "roi_revenue", "io_ratio", "total_cost")],
        *[(name, "leads") for name in ("leads", "win_rate", "sales_cycle_days")],
        *[(name, "answers") for name in ("csat_mean", "nps")],
        ("visits", "interactions"),
    ],
)
def test_what_the_file_can_not_tell_is_withheld_with_the_reason(shop: Layout, name: str, table: str):
    value = shop.kpi(name)
    assert value["state"] == "withheld"
    assert pd.isna(value["value"])
    assert f"{table}: no source is declared" in value["reason"]
