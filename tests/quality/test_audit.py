"""The monthly audit and the back-check: what was wrong, whether it gets better, where bad contacts come from."""

import pandas as pd
import pytest

from quality.audit import AUDIT, BACKCHECK, audit_monthly, contact_backcheck

RULES = pd.DataFrame(
    [
        {"table_name": "orders", "rule_id": rule, "dimension": "accuracy", "severity": "error"}
        | {"owner": "finance", "message_zh": "…", "message_en": "…"}
        for rule in ("amount_type", "currency_required", "paid_on_type")
    ]
)


def counted(*rows: tuple[str, int, int | None]) -> pd.DataFrame:
    """Deliveries of orders: rule, rows judged, rows that break it."""
    return pd.DataFrame(
        [("orders", *row) for row in rows], columns=["table_name", "rule_id", "rows_total", "unexpected_rows"]
    )


def kept(*rows: tuple[str, str]) -> pd.DataFrame:
    """Rows of the quarantine: the rule they broke first, and their state."""
    return pd.DataFrame([("orders", *row) for row in rows], columns=["table_name", "first_rule_id", "state"])


def audited(judged: pd.DataFrame, before: pd.DataFrame | None = None, quarantine: pd.DataFrame | None = None) -> dict:
    nothing = counted() if before is None else before
    rows = audit_monthly(judged, nothing, kept() if quarantine is None else quarantine, RULES, "2026-11")
    assert set(AUDIT.columns) <= set(rows.columns)
    return {row["rule_id"]: row for row in rows.to_dict("records")}


def test_the_deliveries_of_a_month_are_put_together():
    found = audited(counted(("amount_type", 10, 1), ("amount_type", 30, 1)))["amount_type"]
    assert (found["deliveries"], found["rows_judged"], found["rows_broken"], found["broken_rate"]) == (2, 40, 2, 0.05)


def test_what_is_wrong_in_a_table_adds_up_to_all_of_it():
    found = audited(counted(("amount_type", 100, 3), ("currency_required", 100, 1), ("paid_on_type", 100, 0)))
    assert [row["share_of_table"] for row in found.values()] == [0.75, 0.25, 0]


def test_less_than_the_month_before_is_below_zero():
    found = audited(counted(("amount_type", 100, 3)), before=counted(("amount_type", 100, 5)))["amount_type"]
    assert found["change"] == pytest.approx(-0.02)


def test_a_rule_that_was_not_judged_the_month_before_has_no_trend():
    found = audited(counted(("amount_type", 100, 3)), before=counted(("amount_type", 100, None)))["amount_type"]
    assert pd.isna(found["previous_broken_rate"]) and pd.isna(found["change"])


def test_a_rule_that_was_never_judged_is_not_told():
    assert "amount_type" not in audited(counted(("amount_type", 100, None), ("paid_on_type", 100, 0)))


def test_rows_are_repaired_under_the_rule_that_kept_them_back_first():
    quarantine = kept(("amount_type", "repaired"), ("amount_type", "rejected_again"), ("amount_type", "open"))
    found = audited(counted(("amount_type", 100, 2), ("paid_on_type", 100, 0)), quarantine=quarantine)
    assert (found["amount_type"]["rows_kept_back"], found["amount_type"]["rows_repaired"]) == (3, 1)
    assert found["amount_type"]["repaired_rate"] == pytest.approx(1 / 3)
    assert pd.isna(found["paid_on_type"]["repaired_rate"])


# --- the back-check ---


def leads(number: int, channel: str, owner: str, phone: str | None = "13800138000") -> pd.DataFrame:
    return pd.DataFrame({"channel": [channel] * number, "owner_id": owner, "phone": phone, "email": None})


def calls(number: int, channel: str, owner: str, outcome: str | None) -> pd.DataFrame:
    return pd.DataFrame({"channel": [channel] * number, "staff_id": owner, "outcome": outcome})


def checked(let_in: list[pd.DataFrame], out: list[tuple[str, str, str]], called: list[pd.DataFrame]) -> dict:
    kept_back = pd.DataFrame(out, columns=["channel", "owner_id", "rule_ids"])
    rows = contact_backcheck(pd.concat(let_in), kept_back, pd.concat(called), ["未接通", "No answer"])
    assert set(BACKCHECK.columns) == set(rows.columns)
    return {(row["channel"], row["owner_id"]): row for row in rows.to_dict("records")}


def test_bad_contact_data_where_nobody_is_reached_is_suspect():
    found = checked(
        [leads(8, "expo", "E1"), leads(10, "search", "E2")],
        [("expo", "E1", "phone_pattern"), ("expo", "E1", "score_range,email_pattern")],
        [calls(3, "expo", "E1", "未接通"), calls(1, "expo", "E1", "有意向"), calls(4, "search", "E2", "有意向")],
    )
    expo, search = found["expo", "E1"], found["search", "E2"]
    assert (expo["leads"], expo["bad_contacts"], expo["bad_contact_rate"]) == (10, 2, 0.2)
    assert (expo["calls"], expo["reached_calls"], expo["reach_rate"]) == (4, 1, 0.25)
    assert (expo["is_suspect"], search["is_suspect"]) == (True, False)


def test_a_lead_kept_back_for_something_else_has_no_bad_contact():
    found = checked([leads(1, "expo", "E1")], [("expo", "E1", "score_range")], [calls(1, "expo", "E1", "no answer")])
    assert (found["expo", "E1"]["leads"], found["expo", "E1"]["bad_contacts"]) == (2, 0)
    assert found["expo", "E1"]["reached_calls"] == 0


def test_a_lead_let_in_without_phone_and_e_mail_can_not_be_reached_either():
    found = checked([leads(2, "expo", "E1"), leads(2, "expo", "E1", phone=None)], [], [calls(1, "expo", "E1", None)])
    assert (found["expo", "E1"]["bad_contacts"], found["expo", "E1"]["calls"]) == (2, 0)
    assert pd.isna(found["expo", "E1"]["reach_rate"])


def test_what_no_source_names_is_told_apart():
    found = checked([leads(1, "expo", None)], [], [calls(1, None, "E1", "有意向")])
    assert set(found) == {("expo", "(unknown)"), ("(unknown)", "E1")}
