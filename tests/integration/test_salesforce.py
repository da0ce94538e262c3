"""A Salesforce export, mapped without a line of code: what its files tell, and what they can't.

Every figure is held against the same CSV files.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from databases import query
from layouts import Layout, evaluated
from runs import all_needed_for

from pipeline.warehouse.embedded import EmbeddedServer

AS_OF = date(2019, 12, 31)

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def crm(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    folder = tmp_path_factory.mktemp("salesforce")
    with evaluated("salesforce", AS_OF, shared=shared, cluster=cluster, folder=folder) as layout:
        yield layout


@pytest.fixture(scope="module")
def undeleted(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """The same company, had it not deleted its opportunities: in this export it has deleted every one."""

    def restore(root: Path) -> None:
        file = root / "landing" / "sf_opportunity_data.csv"
        deals = pd.read_csv(file, dtype=str, keep_default_na=False)
        deals.assign(is_deleted="false").to_csv(file, index=False)

    folder = tmp_path_factory.mktemp("salesforce_undeleted")
    looked_at = all_needed_for("ads.kpi_values")
    with evaluated(
        "salesforce", AS_OF, shared=shared, cluster=cluster, folder=folder, prepare=restore, selection=looked_at
    ) as layout:
        yield layout


def test_the_day_is_published(crm: Layout):
    assert crm.outcome.success, crm.outcome.message
    assert query(crm.database, "select as_of from meta.publications") == [(AS_OF,)]


def test_revenue_is_what_was_ordered(crm: Layout):
    ordered = crm.sent("sf_order_data.csv")["total_amount"].astype(float)
    assert crm.kpi("revenue")["value"] == 54_800.60 == ordered.sum()
    assert crm.kpi("aov")["denominator"] == 10 == len(ordered)


def test_revenue_is_provisional_while_the_accounts_it_came_from_are_deleted(crm: Layout):
    revenue = crm.kpi("revenue")
    assert revenue["state"] == "provisional"
    assert "reference_customer_id 0.0%, asked at least 95.0%" in revenue["reason"]


def test_an_account_is_no_worse_for_what_only_contacts_have(crm: Layout):
    accounts = crm.sent("sf_account_data.csv").query("is_deleted == 'false'")
    customers = crm.frame("dwd.customers").set_index("customer_id")
    companies = customers[customers["kind"] == "company"]
    assert companies["name"].to_dict() == dict(zip(accounts["id"], accounts["name"], strict=True))
    assert companies["created_at"].isna().all()
    assert customers.loc[customers["kind"] == "person", "created_at"].notna().all()


def test_a_contact_without_a_name_is_kept_back(crm: Layout):
    [nameless] = crm.sent("sf_contact_data.csv").query("name == ''")["id"]
    assert list(crm.kept_back("customers").values()) == [["name_required", "source_channel_required"]]
    assert nameless not in set(crm.frame("dwd.customers")["customer_id"])


def test_what_was_deleted_is_left_out_and_counted(crm: Layout):
    assert crm.ledger("leads", "ods")["rows_in"] == 1 + 3 * 10
    assert crm.ledger("leads", "ods")["rows_out_of_scope"] == 3 * 10
    assert crm.ledger("customers", "ods")["rows_out_of_scope"] == 9
    assert crm.frame("dq.ledger")["is_balanced"].all()


def test_a_lead_says_where_it_came_from_and_that_it_was_converted(crm: Layout):
    [lead] = crm.frame("dws.lead_journey").to_dict("records")
    [sent] = crm.sent("sf_lead_data.csv").to_dict("records")
    assert (lead["channel"], lead["campaign_id"]) == ("online_ads", sent["source_last_utm_campaign_c"])
    assert lead["created_at"] == pd.Timestamp(sent["created_date"], tz="UTC")
    assert (lead["last_stage"], lead["customer_id"]) == ("qualified", sent["converted_account_id"])


def test_meetings_are_visits_and_calls_are_calls(crm: Layout):
    sent = crm.sent("sf_event_data.csv")["type"].value_counts()
    assert crm.frame("dwd.interactions")["kind"].value_counts().to_dict() == {
        "call": sent["Call"],
        "visit": sent["Meeting"],
    }
    assert crm.kpi("visits")["value"] == sent["Meeting"] == 4


def test_tasks_were_done_when_they_were_completed(crm: Layout):
    tasks = crm.frame("dwd.tasks")
    assert len(tasks) == 10
    assert (tasks["done_on"] == tasks["due_on"]).all()


def test_who_has_no_role_is_in_no_team(crm: Layout):
    users = crm.sent("sf_user_data.csv").query("is_active == 'true' and _fivetran_active == 'true'")
    assert list(crm.kept_back("staff").values()) == [["team_id_required"]]
    with_role = users[users["user_role_id"] != ""]
    assert set(crm.frame("dwd.staff")["team_id"]) == set(with_role["user_role_id"])


def test_new_customers_are_told_with_what_is_missing_of_them(crm: Layout):
    found = crm.kpi("new_customers")
    ordering = crm.sent("sf_order_data.csv")["account_id"].nunique()
    assert (found["value"], found["state"]) == (ordering, "provisional")
    assert "customers: completeness 80.0%" in found["reason"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *[(name, "expenses: no source is declared") for name in ("cac", "cpl", "roi_revenue", "total_cost")],
        *[(name, "answers: no source is declared") for name in ("csat_mean", "nps", "collaboration_score")],
        *[(name, "leads.first_touch_at is not mapped") for name in ("reached_leads", "sales_cycle_days")],
        ("valid_leads", "leads.demand_tag or customers.demand_tag is not mapped"),
    ],
)
def test_what_the_export_can_not_tell_is_withheld_with_the_reason(crm: Layout, name: str, reason: str):
    assert crm.kpi(name)["state"] == "withheld"
    assert pd.isna(crm.kpi(name)["value"])
    assert reason in crm.kpi(name)["reason"]


# opportunities


def test_opportunities_are_won_lost_or_open(undeleted: Layout):
    assert undeleted.outcome.success, undeleted.outcome.message
    deals = undeleted.sent("sf_opportunity_data.csv")
    leads = undeleted.frame("dwd.leads").set_index("lead_id")
    kept = deals[deals["id"].isin(leads.index)]
    assert leads.loc[kept["id"], "won_at"].notna().tolist() == (kept["is_won"] == "true").tolist()
    is_lost = (kept["is_closed"] == "true") & (kept["is_won"] == "false")
    assert leads.loc[kept["id"], "lost_at"].notna().tolist() == is_lost.tolist()


def test_an_opportunity_closed_on_a_day_before_it_was_entered_is_kept_back(undeleted: Layout):
    deals = undeleted.sent("sf_opportunity_data.csv").query("is_closed == 'true'")
    backdated = deals[deals["close_date"].str[:10] < deals["created_date"].str[:10]]
    assert len(backdated) == 1
    assert list(undeleted.kept_back("leads").values()) == [["won_at_not_before_created_at"]]
    assert backdated["id"].iloc[0] not in set(undeleted.frame("dwd.leads")["lead_id"])
    same_day = deals[deals["close_date"].str[:10] == deals["created_date"].str[:10]]
    assert len(same_day) == 6
    assert set(same_day["id"]) < set(undeleted.frame("dwd.leads")["lead_id"])


def test_the_win_rate_is_of_opportunities_that_were_closed(undeleted: Layout):
    journeys = undeleted.frame("dws.lead_journey")
    assert (journeys["is_won"].sum(), journeys["is_lost"].sum()) == (4, 4)
    baseline = undeleted.frame("ads.kpi_values").query(
        "kpi == 'win_rate' and period == 'baseline' and dimension == 'total' and is_official"
    )
    assert baseline[["numerator", "denominator"]].values.tolist() == [[4, 8]]
