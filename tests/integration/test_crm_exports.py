"""Exports of two CRMs in their own layout, mapped without a line of code: the figures are those of the files."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from databases import a_database
from runs import Outcome, evaluate, frame_of

from pipeline.warehouse.embedded import EmbeddedServer

pytestmark = pytest.mark.shared


@dataclass(frozen=True)
class Export:
    """A project on its day, beside its own files."""

    root: Path
    as_of: date
    outcome: Outcome

    def sent(self, file: str) -> pd.DataFrame:
        """A file as it is, all text."""
        return pd.read_csv(self.root / "landing" / file, dtype=str, keep_default_na=False)

    def table(self, name: str) -> pd.DataFrame:
        """A table of the lake."""
        return frame_of(self.root, name, self.as_of)


def evaluated(name: str, as_of: date, shared: Path, cluster: EmbeddedServer, folder: Path) -> Iterator[Export]:
    root = folder / name
    shutil.copytree(Path(__file__).with_name(name), root)
    shutil.copytree(shared / name, root / "landing")
    (root / ".env").write_text("TUOKE_HASH_KEY=key of the tests\n", encoding="utf-8")
    with a_database(cluster) as database:
        yield Export(root, as_of, evaluate(root, database, as_of))


@pytest.fixture(scope="module")
def salesforce(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Export]:
    yield from evaluated("salesforce", date(2019, 12, 31), shared, cluster, tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def hubspot(shared: Path, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Export]:
    yield from evaluated("hubspot", date(2023, 6, 30), shared, cluster, tmp_path_factory.mktemp("exports"))


# --- Salesforce ---


def test_a_day_of_salesforce_is_published(salesforce: Export):
    assert salesforce.outcome.success, salesforce.outcome.message


def test_what_was_won_in_salesforce_is_what_its_opportunities_say(salesforce: Export):
    deals = salesforce.sent("sf_opportunity_data.csv")
    won = deals[(deals["is_won"] == "true") & (deals["amount"] != "")]
    orders = salesforce.table("dwd.orders")
    assert len(won)
    assert sorted(orders["order_id"]) == sorted(won["id"])
    assert float(orders["amount"].sum()) == won["amount"].astype(float).sum()


def test_what_closed_at_midnight_of_the_day_it_was_created_is_kept_back(salesforce: Export):
    deals = salesforce.sent("sf_opportunity_data.csv")
    early = deals[(deals["is_closed"] == "true") & (deals["close_date"] < deals["created_date"])]
    kept = salesforce.table("quarantine.leads")
    broken = kept[kept["rule_ids"].str.contains("_not_before_created_at", na=False)]
    assert len(early) == len(broken) > 0


def test_no_row_of_salesforce_is_lost(salesforce: Export):
    ledger = salesforce.table("dq.ledger")
    landed = ledger[ledger["layer"] == "ods"].set_index("table_name")["rows_in"]
    opportunities = len(salesforce.sent("sf_opportunity_data.csv"))
    assert landed["customers"] == len(salesforce.sent("sf_account_data.csv"))
    # each of the three ways an opportunity may end reads the file by itself
    assert landed["leads"] == len(salesforce.sent("sf_lead_data.csv")) + 3 * opportunities
    assert landed["tasks"] == len(salesforce.sent("sf_task_data.csv"))
    assert ledger["is_balanced"].all()


def test_a_time_of_salesforce_is_in_utc(salesforce: Export):
    [lead] = salesforce.sent("sf_lead_data.csv").to_dict("records")
    own = salesforce.table("dwd.leads").set_index("lead_id").loc[lead["id"]]
    assert own["created_at"] == pd.Timestamp(lead["created_date"], tz="UTC")
    assert own["channel"] == "social"


def test_tasks_of_salesforce_are_due_on_their_day(salesforce: Export):
    tasks = salesforce.table("dwd.tasks").set_index("task_id")
    sent = salesforce.sent("sf_task_data.csv").set_index("id")
    assert len(tasks)
    assert {str(day)[:10] for day in tasks["due_on"]} == {text[:10] for text in sent["activity_date"]}


# --- HubSpot ---


def test_a_day_of_hubspot_is_published(hubspot: Export):
    assert hubspot.outcome.success, hubspot.outcome.message


def test_the_pairs_to_be_linked_are_those_hubspot_merged(hubspot: Export):
    contacts = hubspot.sent("contact_data.csv")
    merged = contacts[contacts["property_hs_merged_object_ids"] != ""]
    pairs = {(row.id, other) for row in merged.itertuples() for other in row.property_hs_merged_object_ids.split(";")}
    kept = pd.read_csv(hubspot.root / "merges.csv", dtype=str)
    assert set(kept.itertuples(index=False, name=None)) == pairs


def test_contacts_that_were_merged_in_hubspot_are_one_customer(hubspot: Export):
    links = hubspot.table("dwd.customer_links").set_index("source_customer_id")["customer_id"]
    pairs = pd.read_csv(hubspot.root / "merges.csv", dtype=str)
    merged = {*pairs["customer_id"], *pairs["other_customer_id"]}
    assert links[sorted(merged)].nunique() == 1
    others = links[~links.index.isin(merged)]
    assert links[sorted(merged)].iloc[0] not in set(others)


def test_companies_and_contacts_of_hubspot_are_customers(hubspot: Export):
    sent = {*hubspot.sent("company_data.csv")["id"], *hubspot.sent("contact_data.csv")["id"]}
    assert set(hubspot.table("ods.customers")["customer_id"]) <= sent
    assert hubspot.table("dwd.customers")["kind"].value_counts().to_dict().keys() == {"company", "person"}


def test_meetings_calls_and_tickets_of_hubspot_are_one_table(hubspot: Export):
    kinds = hubspot.table("dwd.interactions")["kind"].value_counts()
    assert kinds["call"] == len(hubspot.sent("engagement_call_data.csv"))
    assert set(kinds.index) == {"visit", "call", "service_request"}
