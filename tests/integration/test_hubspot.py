"""A HubSpot export, mapped without a line of code: contacts, companies, deals, and what was merged stays merged.

Every figure is held against the same CSV files.
"""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from databases import query
from layouts import Layout, evaluated

from pipeline.warehouse.embedded import EmbeddedServer

AS_OF = date(2023, 12, 31)
SURVIVOR = "78971951"
MERGED = {"76340251", "46897301", "76226001"}

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def crm(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    folder = tmp_path_factory.mktemp("hubspot")
    with evaluated("hubspot", AS_OF, shared=shared, cluster=cluster, folder=folder, prepare=_write_merges) as layout:
        yield layout


def _write_merges(root: Path) -> None:
    """The merges the CRM recorded, as the plan wants them: on the contact that stayed, and in the log of merges."""
    contacts = pd.read_csv(root / "landing" / "contact_data.csv", dtype=str, keep_default_na=False)
    log = pd.read_csv(root / "landing" / "contact_merge_audit_data.csv", dtype=str, keep_default_na=False)
    kept = contacts[contacts["property_hs_merged_object_ids"] != ""]
    pairs = [
        (row["id"], other, "contact")
        for row in kept.to_dict("records")
        for other in row["property_hs_merged_object_ids"].split(";")
    ]
    pairs += [(row["canonical_vid"], row["vid_to_merge"], "log") for row in log.to_dict("records")]
    with (root / "merges.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("customer_id", "other_customer_id", "note"), *pairs])


def test_the_day_is_published(crm: Layout):
    assert crm.outcome.success, crm.outcome.message
    assert query(crm.database, "select as_of from meta.publications") == [(AS_OF,)]


def test_contacts_and_companies_are_customers(crm: Layout):
    records = crm.frame("dwd.customer_records")
    sent = crm.sent("contact_data.csv"), crm.sent("company_data.csv")
    assert records["kind"].value_counts().to_dict() == {"person": len(sent[0]), "company": len(sent[1])}
    assert set(records["customer_id"]) == set(sent[0]["id"]) | set(sent[1]["id"])


def test_contacts_that_were_merged_are_one_customer(crm: Layout):
    links = crm.frame("dwd.customer_links").set_index("source_customer_id")
    golden = links.loc[[SURVIVOR, *sorted(MERGED)], "customer_id"]
    assert golden.nunique() == 1
    assert (links["customer_id"] == golden.iloc[0]).sum() == 1 + len(MERGED)
    assert golden.iloc[0] in set(crm.frame("dwd.customers")["customer_id"])


def test_nobody_else_is_merged_with_anybody(crm: Layout):
    assert len(crm.frame("dwd.customers")) == 22 + 24 - len(MERGED)
    golden = crm.ledger("customers", "golden")
    assert (golden["rows_in"], golden["rows_accepted"], golden["rows_merged"]) == (46, 43, 3)


def test_leads_are_the_deals_that_were_not_deleted(crm: Layout):
    deals = crm.sent("deal_data.csv")
    assert crm.kpi("leads")["value"] == 44 == len(deals)
    by_owner = crm.frame("dws.lead_journey")["staff_id"].value_counts().to_dict()
    assert by_owner == deals.loc[deals["owner_id"] != "", "owner_id"].value_counts().to_dict()


def test_what_people_did_is_told_by_kind(crm: Layout):
    sent = {
        "visit": len(crm.sent("engagement_meeting_data.csv")),
        "call": len(crm.sent("engagement_call_data.csv")),
        "email_open": (crm.sent("email_event_data.csv")["type"] == "OPEN").sum(),
        "service_request": len(crm.sent("ticket_data.csv")),
        "download": 1,
        "consultation": 1,
        "trial": 1,
    }
    assert crm.frame("dwd.interactions")["kind"].value_counts().to_dict() == sent
    started = crm.sent("engagement_meeting_data.csv")["start_time"]
    assert crm.kpi("visits")["value"] == started.between("2019", "2024").sum() == 91


def test_a_form_that_asks_for_nothing_is_left_out_and_counted(crm: Layout):
    entry = crm.ledger("interactions", "ods")
    events = crm.sent("email_event_data.csv")
    assert entry["rows_out_of_scope"] == (events["type"] != "OPEN").sum() + 2
    assert crm.frame("dq.ledger")["is_balanced"].all()


def test_a_ticket_is_answered_when_the_first_agent_replies(crm: Layout):
    answered = crm.frame("dwd.interactions").query("kind == 'service_request'")["answered_at"].notna().sum()
    assert answered == (crm.sent("ticket_data.csv")["property_first_agent_reply_date"] != "").sum() == 4


def test_owners_are_staff(crm: Layout):
    assert set(crm.frame("dwd.staff")["staff_id"]) == set(crm.sent("owner_data.csv")["owner_id"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *[(name, "orders: no source is declared") for name in ("revenue", "aov", "new_customers")],
        *[(name, "expenses: no source is declared") for name in ("cac", "cpl", "roi_revenue")],
        *[(name, "leads.won_at is not mapped") for name in ("won_leads", "win_rate", "lead_conversion_rate")],
        *[(name, "answers: no source is declared") for name in ("csat_mean", "nps")],
    ],
)
def test_what_the_export_can_not_tell_is_withheld_with_the_reason(crm: Layout, name: str, reason: str):
    assert crm.kpi(name)["state"] == "withheld"
    assert pd.isna(crm.kpi(name)["value"])
    assert reason in crm.kpi(name)["reason"]


def test_leads_are_told_with_what_is_missing_of_them(crm: Layout):
    assert (crm.kpi("leads")["state"], crm.kpi("leads")["reason"]) == (
        "provisional",
        "leads: not in the source: channel",
    )
