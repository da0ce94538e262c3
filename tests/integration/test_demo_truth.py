"""The demo company on its day: all that was put wrong on purpose is found, nothing else is, and the sums are right."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from databases import query
from runs import DAY, PUBLISHED, frame_of, rows_of

from assets.ads.catalogue import Kpi, catalogue
from assets.models import published
from pipeline.definitions import definitions_of
from pipeline.project import Project
from quality.contract import contracts

if TYPE_CHECKING:
    from conftest import Demo

TABLES = [table for table in contracts() if table != "rates"]
CAMPAIGN = (date(2026, 9, 1), date(2026, 11, 20))
DIMENSIONS = ("channel", "team", "staff", "region", "sales_region", "product", "activity")
UNREADABLE = ("ragged_row", "nul_byte")
Found = dict[int, set[str]]
"""Line -> rules."""


def test_the_day_is_published(demo: "Demo"):
    assert demo.outcome.success, demo.outcome.message


# --- every defect, and no other ---


@pytest.mark.parametrize("table", TABLES)
def test_each_quarantined_row_breaks_the_rule_it_was_made_to_break_and_no_other(demo: "Demo", table: str):
    found = {row["_line"]: set(row["rule_ids"].split(",")) for row in kept_back(demo, table, "quarantined")}
    assert without_copies(table, found) == injected(demo, table, "quarantined", but=UNREADABLE)


@pytest.mark.parametrize("table", TABLES)
def test_each_line_that_is_no_row_is_told_with_what_is_wrong_with_it(demo: "Demo", table: str):
    found = {row["_line"]: {row["rule_id"]} for row in rows_of(demo.root, f"landing.{table}")}
    assert found == injected(demo, table, "quarantined", only=UNREADABLE)


@pytest.mark.parametrize("table", TABLES)
def test_each_copy_and_its_original_are_merged_by_the_key_they_share(demo: "Demo", table: str):
    """Which of two equal rows is the copy nobody can tell; that older versions lose, the money in the ledger shows."""
    found = {
        (frozenset((row["_line"], line_of(row["merged_into"]))), row["rule_id"])
        for row in kept_back(demo, table, "merged")
    }
    assert found == {
        (frozenset((defect.line, defect.twin)), defect.rule)
        for defect in demo.truth.defects
        if defect.table == table and defect.action == "merged"
    }


@pytest.mark.parametrize("table", TABLES)
def test_each_late_row_is_let_in_and_marked(demo: "Demo", table: str):
    late = {line_of(row["_row_id"]) for row in rows_of(demo.root, contracts()[table].gated) if row["_is_late"]}
    assert late == injected(demo, table, "late").keys()


@pytest.mark.parametrize("table", TABLES)
def test_each_rule_counts_as_many_rows_as_were_made_to_break_it(demo: "Demo", table: str):
    made = Counter(
        defect.rule
        for defect in demo.truth.defects
        if defect.table == table and defect.action in ("quarantined", "late") and defect.rule not in UNREADABLE
    )
    counted = {
        row["rule_id"]: row["unexpected_rows"]
        for row in rows_of(demo.root, "dq.expectation_results")
        if row["table_name"] == table and row["layer"] == "ods" and row["dimension"] != "uniqueness"
    }
    warnings = {rule.id for rule in contracts()[table].rules if not rule.is_rated}
    assert {rule: rows for rule, rows in counted.items() if rows and rule not in warnings} == made


def test_after_the_gate_no_rule_is_broken(demo: "Demo"):
    after = [row for row in rows_of(demo.root, "dq.expectation_results") if row["layer"] == "dwd"]
    assert {row["table_name"] for row in after} == set(TABLES)
    assert {row["unexpected_rows"] for row in after} == {0}


def injected(demo: "Demo", table: str, action: str, *, only: tuple[str, ...] = (), but: tuple[str, ...] = ()) -> Found:
    return {
        defect.line: {defect.rule}
        for defect in demo.truth.defects
        if defect.table == table
        and defect.action == action
        and (not only or defect.rule in only)
        and defect.rule not in but
    }


def kept_back(demo: "Demo", table: str, outcome: str) -> list[dict[str, Any]]:
    return [row for row in rows_of(demo.root, f"quarantine.{table}") if row["outcome"] == outcome]


def without_copies(table: str, found: Found) -> Found:
    """A row that is wrong may have been copied before it was spoilt."""
    copies = {rule.id for rule in contracts()[table].rules if rule.dimension == "uniqueness"}
    return {line: rules - copies for line, rules in found.items()}


def line_of(row_id: str) -> int:
    return int(row_id.rsplit("-", 1)[1])


# --- the ledger ---


@pytest.mark.parametrize("table", TABLES)
def test_the_ledger_counts_every_row(demo: "Demo", table: str):
    truth = demo.truth.rows[table]
    landing, gate = entries(demo, table)
    assert landing["rows_in"].item() == truth.delivered
    assert landing["rows_accepted"].item() == gate["rows_in"].sum()
    assert landing["rows_quarantined"].item() + gate["rows_quarantined"].sum() == truth.quarantined
    assert gate["rows_accepted"].sum() == truth.accepted
    assert gate["rows_late"].sum() == truth.late
    assert gate["rows_merged"].sum() == truth.merged


@pytest.mark.parametrize("table", ["leads", "orders", "expenses", "budgets"])
@pytest.mark.parametrize("way", ["delivered", "accepted", "late", "quarantined", "merged"])
def test_the_ledger_counts_every_fen(demo: "Demo", table: str, way: str):
    _, gate = entries(demo, table)
    column = "amount_in" if way == "delivered" else f"amount_{way}"
    assert sum(gate[column], Decimal(0)) == getattr(demo.truth.money[table], way)


def entries(demo: "Demo", table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table's ledger: at landing, and at the gate by currency."""
    ledger = frame_of(demo.root, "dq.ledger")
    own = ledger[ledger["table_name"] == table]
    return own[own["layer"] == "ods"], own[own["layer"] == "dwd"]


# --- what readers see ---


def test_every_table_has_the_columns_it_says_it_has(demo: "Demo"):
    specs = definitions_of(Project.read(demo.root)).resolve_all_asset_specs()
    for spec in specs:
        if spec.key.path[0] in ("ods", "dwd", "dws", "ads", "dq"):
            said = [column.name for column in spec.metadata["dagster/column_schema"].columns]
            assert said == list(frame_of(demo.root, ".".join(spec.key.path)).columns), spec.key


@pytest.mark.parametrize("table", published(), ids=PUBLISHED)
def test_readers_see_what_the_lake_holds(demo: "Demo", table: Any):
    held = rows_of(demo.root, table.name)
    columns = [name for name in table.columns if name not in table.restricted]
    held = [{name: row[name] for name in columns} for row in held]
    shown = query(demo.database, f"select {', '.join(columns)} from {table.name}_current")
    key = [columns.index(name) for name in table.grain]
    in_order = sorted((tuple(row.values()) for row in held), key=lambda row: [row[place] for place in key])
    assert sorted(shown, key=lambda row: [row[place] for place in key]) == in_order


def test_the_publication_is_on_record_with_its_inputs(demo: "Demo"):
    [(as_of, rows, inputs)] = query(demo.database, "select as_of, row_counts, inputs from meta.publications")
    assert as_of == DAY
    assert rows == {name: len(rows_of(demo.root, name)) for name in PUBLISHED}
    systems = {"customers": "crm", "orders": "finance", "answers": "survey", "staff": "hr", "campaigns": "marketing"}
    for table, system in systems.items():
        assert f"{system}:{demo.truth.files[table]}" in inputs


def test_only_the_survey_is_not_to_be_trusted(demo: "Demo"):
    scores = frame_of(demo.root, "dq.quality_scorecard")
    sent = scores[(scores["layer"] == "ods") & (scores["status"] != "met") & scores["threshold"].notna()]
    missed = set(zip(sent["table_name"], sent["dimension"], sent["status"], strict=True))
    assert {(table, dimension) for table, dimension, status in missed if status == "below_threshold"} == {
        ("answers", "completeness"),
        ("answers", "accuracy"),
    }
    assert {status for _, _, status in missed} <= {"below_threshold", "not_assessed"}


def test_only_what_is_made_of_the_survey_is_provisional(demo: "Demo"):
    values = frame_of(demo.root, "ads.kpi_values")
    for kpi, rows in values.groupby("kpi"):
        expected = "provisional" if asks_people(catalogue().kpis[kpi]) else "final"
        # what nothing is recorded of, as the cost of a channel on most days, is withheld for that alone
        unknown = rows["reason"].str.contains("is unknown: it has no rows", na=False)
        assert set(rows.loc[~unknown, "state"]) <= {expected}, kpi
        assert set(rows.loc[unknown, "state"]) <= {"withheld"}, kpi
        assert kpi == "market_share" or (~unknown & (rows["dimension"] == "total")).any(), kpi


def asks_people(kpi: Kpi) -> bool:
    """Whether a KPI is made of answers."""
    measures = [name for variant in kpi.variants.values() for name in variant.measures]
    return any("answers" in catalogue().facts[catalogue().fact_of[name]].contracts for name in measures)


# --- the figures ---


def test_revenue_is_what_finance_booked_in_the_campaign(demo: "Demo"):
    orders = frame_of(demo.root, "dwd.orders")
    within = orders[orders["ordered_on"].between(*map(pd.Timestamp, CAMPAIGN))]
    sign = within["kind"].map({"sale": 1, "refund": -1})
    assert total(demo, "revenue") == pytest.approx(float((within["amount"].abs() * sign).sum()))


def test_cost_is_what_finance_spent_in_the_campaign(demo: "Demo"):
    expenses = frame_of(demo.root, "dwd.expenses")
    within = expenses[expenses["spent_on"].between(*map(pd.Timestamp, CAMPAIGN))]
    assert total(demo, "total_cost") == pytest.approx(float(within["amount"].sum()))


def test_leads_are_those_created_in_the_campaign(demo: "Demo"):
    leads = frame_of(demo.root, "dwd.leads")
    assert total(demo, "leads") == leads["created_on"].between(*map(pd.Timestamp, CAMPAIGN)).sum()


@pytest.mark.parametrize("kpi", sorted(catalogue().additive))
def test_what_adds_up_over_members_adds_up_to_the_total(demo: "Demo", kpi: str):
    values = frame_of(demo.root, "ads.kpi_values")
    own = values[values["kpi"] == kpi]
    whole = own[own["dimension"] == "total"].set_index(["variant", "period_kind", "period"])["value"]
    by_dimension = own[own["dimension"] != "total"].groupby(["dimension", "variant", "period_kind", "period"])
    sums = by_dimension["value"].sum()
    assert len(sums)
    for (_, *period), parts in sums.items():
        assert parts == pytest.approx(whole[tuple(period)]), period


def test_every_customer_is_in_one_class_of_each_scheme(demo: "Demo"):
    customers = demo.truth.rows["customers"].accepted - demo.truth.rows["customers"].linked
    summary = frame_of(demo.root, "ads.segment_summary")
    for _, rows in summary.groupby("scheme"):
        assert rows["customers"].sum() == customers
        assert rows["customer_share"].sum() == pytest.approx(1)
        assert rows["spend_share"].sum() == pytest.approx(1)
    assert len(rows_of(demo.root, "dws.customer_segments")) == customers


def test_leads_of_a_better_grade_are_won_more_often(demo: "Demo"):
    """F087: grades are made of what is known before the end, and of the decided leads the better ones are won."""
    leads = frame_of(demo.root, "dws.lead_grades")
    decided = leads[leads["is_won"] | leads["is_lost"]]
    rates = decided.groupby("grade")["is_won"].mean()
    assert list(rates.index) == ["A", "B", "C", "D"]
    assert rates.is_monotonic_decreasing
    assert len(leads) == len(rows_of(demo.root, "dwd.leads"))


def test_every_id_a_customer_was_sent_under_leads_to_one_customer(demo: "Demo"):
    links = {row["source_customer_id"]: row["customer_id"] for row in rows_of(demo.root, "dwd.customer_links")}
    golden = {row["customer_id"] for row in rows_of(demo.root, "dwd.customers")}
    assert set(links.values()) == golden
    assert all(links[customer] == customer for customer in golden)


def test_each_customer_sent_under_another_id_is_found(demo: "Demo"):
    customer = {line_of(row["_row_id"]): row["customer_id"] for row in rows_of(demo.root, "dwd.customer_links")}
    linked = [defect for defect in demo.truth.defects if defect.action == "linked"]
    assert len({defect.rule for defect in linked}) == 3
    assert [defect for defect in linked if customer[defect.line] != customer[defect.twin]] == []


def test_what_is_told_of_changes_are_ids_and_words_of_our_own(demo: "Demo"):
    told = frame_of(demo.root, "dq.identity_changes")
    links = frame_of(demo.root, "dwd.customer_links")
    assert set(told["kind"]) == {"joined"}, "on the first day only who is another id of a customer is news"
    assert set(told["rule_id"]) == {"contact_unique", "identity_unique", "splink"}
    assert set(told["source_customer_id"]) <= set(links["source_customer_id"])
    assert set(told["customer_id"]) <= set(links["customer_id"])


def test_whoever_only_looks_like_a_customer_is_one_of_their_own(demo: "Demo"):
    links = frame_of(demo.root, "dwd.customer_links")
    line = links["_row_id"].map(line_of)
    twins = {defect.line for defect in demo.truth.defects if defect.action == "apart"}
    assert len(twins) == demo.truth.rows["customers"].apart > 0
    assert set(links.loc[line.isin(twins), "cluster_size"]) == {1}


def test_the_ledger_counts_every_record_that_became_part_of_another_customer(demo: "Demo"):
    ledger = frame_of(demo.root, "dq.ledger")
    [entry] = ledger[ledger["layer"] == "golden"].to_dict("records")
    truth = demo.truth.rows["customers"]
    assert (entry["rows_in"], entry["rows_merged"]) == (truth.accepted, truth.linked)
    assert entry["rows_accepted"] == len(rows_of(demo.root, "dwd.customers"))


def test_true_and_false_claims_of_the_plan_are_told_apart(demo: "Demo"):
    told = frame_of(demo.root, "ads.claims").drop_duplicates("claim_id").set_index("claim_id")["claim_verdict"]
    assert told.to_dict() == {
        "cac_fell": "holds",
        "first_touch": "holds",
        "conversion": "contradicted",
        "conversion_slow": "opinion",
        "marketing_spend": "contradicted",
        "carried_over": "contradicted",
        "satisfied": "not_told",
    }


def test_the_evidence_of_every_action_is_there(demo: "Demo"):
    found = frame_of(demo.root, "ads.actions").sort_values("position")
    assert found["position"].to_list() == list(range(1, len(found) + 1))
    assert {"funnel_drop", "claim_contradicted", "dear_channel"} <= set(found["rule_id"]), "usual rules, and the plan's"
    for action in found.to_dict("records"):
        evidence = frame_of(demo.root, action["evidence_table"])
        for name, value in (key.split("=", 1) for key in action["evidence_keys"].split(", ")):
            evidence = evidence[evidence[name].astype(str) == value]
        assert len(evidence), action["action_id"]


def total(demo: "Demo", kpi: str) -> float:
    """An official KPI over all, for the campaign to date."""
    values = frame_of(demo.root, "ads.kpi_values")
    found = values[
        (values["kpi"] == kpi)
        & values["is_official"]
        & (values["period"] == "campaign")
        & (values["dimension"] == "total")
    ]
    return found["value"].item()
