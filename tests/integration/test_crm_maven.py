"""A CRM's export as it is, mapped without a line of code: the figures, and what can't be told, are those of the files.

Every figure is held against pandas on the same CSV files.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy
from databases import a_database, query
from runs import Outcome, evaluate, frame_of

from pipeline.warehouse.embedded import EmbeddedServer

AS_OF = date(2017, 12, 31)
PROJECT = Path(__file__).with_name("crm_maven")

pytestmark = pytest.mark.shared


@dataclass(frozen=True)
class Export:
    """The project on its day, beside its own files."""

    root: Path
    database: sqlalchemy.URL
    outcome: Outcome
    deals: pd.DataFrame
    """One row per opportunity, with the region of its agent."""

    @property
    def won(self) -> pd.DataFrame:
        return self.deals[self.deals["deal_stage"] == "Won"]


@pytest.fixture(scope="module")
def export(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Export]:
    root = tmp_path_factory.mktemp("crm_maven") / "project"
    shutil.copytree(PROJECT, root)
    shutil.copytree(shared / "crm_maven", root / "landing")
    (root / ".env").write_text("TUOKE_HASH_KEY=key of the tests\n", encoding="utf-8")
    deals = pd.read_csv(root / "landing" / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    teams = pd.read_csv(root / "landing" / "sales_teams.csv")
    with_region = deals.merge(teams, on="sales_agent", validate="many_to_one")
    with a_database(cluster) as database:
        yield Export(root, database, evaluate(root, database, AS_OF), with_region)


def test_the_day_is_published(export: Export):
    assert export.outcome.success, export.outcome.message
    assert query(export.database, "select as_of from meta.publications") == [(AS_OF,)]


def test_what_was_won_is_told_to_the_dollar(export: Export):
    assert kpi(export, "revenue")["value"] == 10_005_534 == export.won["close_value"].sum()
    assert kpi(export, "won_leads")["value"] == 4_238 == len(export.won)


def test_the_win_rate_is_of_deals_that_were_closed(export: Export):
    rate = kpi(export, "win_rate")
    closed = export.deals["deal_stage"].isin(["Won", "Lost"]).sum()
    assert (rate["numerator"], rate["denominator"]) == (4_238, 6_711) == (len(export.won), closed)
    assert rate["value"] == pytest.approx(4_238 / 6_711)


def test_the_sales_cycle_runs_from_the_first_touch_to_the_signature(export: Export):
    days = (export.won["close_date"] - export.won["engage_date"]).dt.days
    cycle = kpi(export, "sales_cycle_days")["value"]
    assert round(cycle, 2) == 51.78
    assert cycle == pytest.approx(days.mean())


@pytest.mark.parametrize(
    ("dimension", "column"),
    [("sales_region", "regional_office"), ("staff", "sales_agent"), ("team", "manager"), ("product", "product")],
)
def test_revenue_by_member_is_that_of_the_files(export: Export, dimension: str, column: str):
    found = by_member(export, "revenue", dimension)
    assert found[found != 0].to_dict() == export.won.groupby(column)["close_value"].sum().to_dict()


def test_revenue_of_the_three_regions_is_as_published(export: Export):
    found = by_member(export, "revenue", "sales_region")
    expected = {"Central": 3_346_293, "East": 3_090_594, "West": 3_568_647}
    assert found[found != 0].to_dict() == expected


@pytest.mark.parametrize(("dimension", "column"), [("staff", "sales_agent"), ("product", "product")])
def test_deals_won_by_member_are_those_of_the_files(export: Export, dimension: str, column: str):
    found = by_member(export, "won_leads", dimension)
    assert found[found != 0].to_dict() == export.won[column].value_counts().to_dict()


@pytest.mark.parametrize("region", ["Central", "East", "West"])
def test_the_win_rate_of_a_region_is_that_of_the_files(export: Export, region: str):
    stages = export.deals.loc[export.deals["regional_office"] == region, "deal_stage"].value_counts()
    rate = by_member(export, "win_rate", "sales_region")[region]
    assert rate == pytest.approx(stages["Won"] / (stages["Won"] + stages["Lost"]))


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        pytest.param("product_listed", 1_480, id="product-written-without-its-blank"),
        pytest.param("customer_id_expected", 1_425, id="account-left-blank"),
        pytest.param("created_at_required", 500, id="never-engaged"),
    ],
)
def test_the_dirt_of_the_files_is_seen(export: Export, rule: str, rows: int):
    statement = (
        "select unexpected_rows, rows_total from dq.expectation_results_current "
        f"where table_name = 'leads' and layer = 'ods' and rule_id = '{rule}'"
    )
    assert query(export.database, statement) == [(rows, 8_800)]


def test_leads_that_were_never_engaged_are_kept_back(export: Export):
    kept_back = frame_of(export.root, "quarantine.leads", AS_OF)
    assert set(kept_back["rule_ids"]) == {"created_at_required"}
    assert len(kept_back) == 500 == (export.deals["deal_stage"] == "Prospecting").sum()


def test_rows_of_other_stages_are_left_out_on_purpose_and_counted(export: Export):
    ledger = frame_of(export.root, "dq.ledger", AS_OF).set_index(["table_name", "layer"])
    assert ledger.loc[("orders", "ods"), ["rows_in", "rows_accepted", "rows_out_of_scope"]].tolist() == [
        8_800,
        4_238,
        4_562,
    ]
    assert ledger["is_balanced"].all()


@pytest.mark.parametrize(
    ("name", "table"),
    [
        *[(name, "expenses") for name in ("cac", "cpl", "roi_revenue", "io_ratio", "total_cost")],
        *[(name, "answers") for name in ("csat_mean", "csat_topbox_rate", "nps", "collaboration_score")],
        *[(name, "interactions") for name in ("visits", "online_participants")],
    ],
)
def test_what_the_files_can_not_tell_is_withheld_with_the_reason(export: Export, name: str, table: str):
    values = frame_of(export.root, "ads.kpi_values", AS_OF)
    own = values[(values["kpi"] == name) & values["is_official"]]
    assert len(own)
    assert set(own["state"]) == {"withheld"}
    assert own[["value", "numerator", "denominator"]].isna().all(axis=None)
    assert own["reason"].str.contains(f"{table}: no source is declared", regex=False).all()


def test_what_the_files_can_tell_is_not_withheld(export: Export):
    for name in ("revenue", "aov", "won_leads", "win_rate", "sales_cycle_days", "new_customers"):
        assert kpi(export, name)["state"] in ("final", "provisional"), name


def kpi(export: Export, name: str) -> dict[str, Any]:
    """The official value over all, for the campaign."""
    [row] = of_campaign(export, name, "total").to_dict("records")
    return row


def by_member(export: Export, name: str, dimension: str) -> pd.Series:
    """The official value of each member, for the campaign."""
    return of_campaign(export, name, dimension).set_index("member")["value"]


def of_campaign(export: Export, name: str, dimension: str) -> pd.DataFrame:
    values = frame_of(export.root, "ads.kpi_values", AS_OF)
    return values[
        (values["kpi"] == name)
        & values["is_official"]
        & (values["period"] == "campaign")
        & (values["dimension"] == dimension)
    ]
