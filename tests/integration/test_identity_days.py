"""A customer's id over several days: what merges, what parts again, and that a day can be evaluated anew."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from runs import (
    Rows,
    all_needed_for,
    bytes_of,
    customer,
    deliver,
    evaluate,
    gate_of,
    order,
    rows_of,
    write_small_company,
)

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)

TWINS = {"name": "东方机械", "phone": "13900000001", "address": "人民路 1 号"}
OLDER = customer(1, **TWINS, created_at="2026-01-05 09:00:00")
YOUNGER = customer(2, **TWINS, created_at="2026-03-05 09:00:00")
APART = YOUNGER | {"name": "西方贸易", "phone": "13900000002", "address": "解放路 9 号"}
OTHER = customer(3)


@pytest.fixture
def company(tmp_path: Path, server: sqlalchemy.URL) -> "Company":
    return Company(tmp_path / "company", server)


class Company:
    """A company whose customers are delivered day by day, and identified."""

    def __init__(self, root: Path, server: sqlalchemy.URL) -> None:
        self.root, self.server = root, server

    def evaluates(self, as_of: date, customers: Rows, **plan: Any) -> dict[str, str]:
        if not self.root.exists():
            write_small_company(self.root, {"customers": customers}, as_of, **plan)
        deliver(self.root, "customers", customers, as_of)
        outcome = evaluate(self.root, self.server, as_of, selection=gate_of("customers"))
        assert outcome.success, outcome.message
        return {
            row["source_customer_id"]: row["customer_id"] for row in rows_of(self.root, "dwd.customer_links", as_of)
        }

    def says(self, file: str, *pairs: tuple[str, str]) -> None:
        self.root.mkdir(exist_ok=True)
        lines = ["customer_id,other_customer_id,note", *(f"{one},{other},asked them" for one, other in pairs)]
        (self.root / file).write_text("\n".join(lines), encoding="utf-8")

    def changes(self, as_of: date) -> set[tuple[str, str]]:
        return {(row["source_customer_id"], row["kind"]) for row in rows_of(self.root, "dq.identity_changes", as_of)}


def test_two_ids_that_prove_one_customer_merge_and_part_again(company: Company):
    apart = {"C1": "C1", "C2": "C2", "C3": "C3"}
    assert company.evaluates(MONDAY, [OLDER, APART, OTHER]) == apart
    assert company.evaluates(TUESDAY, [OLDER, YOUNGER, OTHER]) == apart | {"C2": "C1"}
    assert company.changes(TUESDAY) == {("C2", "merged")}
    assert company.evaluates(WEDNESDAY, [OLDER, APART, OTHER]) == apart
    assert company.changes(WEDNESDAY) == {("C2", "split")}


def test_a_customer_keeps_its_id_when_an_older_record_of_it_turns_up(company: Company):
    assert company.evaluates(MONDAY, [YOUNGER]) == {"C2": "C2"}
    assert company.evaluates(TUESDAY, [YOUNGER, OLDER]) == {"C1": "C2", "C2": "C2"}
    assert company.changes(TUESDAY) == {("C1", "joined")}


def test_an_id_that_is_no_longer_sent_still_leads_to_its_customer(company: Company):
    company.evaluates(MONDAY, [OLDER, YOUNGER])
    assert company.evaluates(TUESDAY, [YOUNGER]) == {"C1": "C1", "C2": "C1"}
    [golden] = rows_of(company.root, "dwd.customers", TUESDAY)
    assert golden["customer_id"] == "C1"


def test_a_day_evaluated_again_gives_the_same_bytes(company: Company):
    company.evaluates(MONDAY, [OLDER, APART])
    company.evaluates(TUESDAY, [OLDER, YOUNGER])
    first = bytes_of(company.root, TUESDAY)
    company.evaluates(TUESDAY, [OLDER, YOUNGER])
    again = bytes_of(company.root, TUESDAY)
    assert [name for name in first if first[name] != again[name]] == []


def test_the_order_of_the_records_is_no_matter(company: Company):
    assert company.evaluates(MONDAY, [OTHER, YOUNGER, OLDER]) == {"C1": "C1", "C2": "C1", "C3": "C3"}


def test_an_older_day_filled_in_later_changes_only_itself(company: Company):
    company.evaluates(MONDAY, [YOUNGER])
    company.evaluates(WEDNESDAY, [OLDER, YOUNGER])
    before = bytes_of(company.root, MONDAY) | bytes_of(company.root, WEDNESDAY)
    assert company.evaluates(TUESDAY, [OLDER, YOUNGER]) == {"C1": "C2", "C2": "C2"}
    assert bytes_of(company.root, MONDAY) | bytes_of(company.root, WEDNESDAY) == before


def test_what_people_say_of_two_customers_is_heeded(company: Company):
    company.says("same.csv", ("C1", "C3"))
    company.says("different.csv", ("C2", "C1"), ("C2", "C404"))
    (company.root / "sources.yaml").unlink(missing_ok=True)
    identity = {"must_link": "same.csv", "cannot_link": "different.csv"}
    write_small_company(company.root, {"customers": []}, MONDAY, identity=identity)
    assert company.evaluates(MONDAY, [OLDER, YOUNGER, OTHER]) == {"C1": "C1", "C2": "C2", "C3": "C1"}
    assert ("C2", "kept_apart") in company.changes(MONDAY)


def test_what_was_bought_under_either_id_is_one_customers(company: Company):
    orders = [order(1), order(2)]
    write_small_company(company.root, {"customers": [OLDER, YOUNGER], "orders": orders}, date(2026, 11, 20))
    wanted = all_needed_for("dws.sales", "dws.customer_activity")
    outcome = evaluate(company.root, company.server, selection=wanted)
    assert outcome.success, outcome.message
    assert {row["customer_id"] for row in rows_of(company.root, "dws.sales")} == {"C1"}
    [activity] = rows_of(company.root, "dws.customer_activity")
    assert (activity["customer_id"], activity["orders"]) == ("C1", 2)
