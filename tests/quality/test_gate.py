"""Gate 1: each rule is shown to fail on a broken row, by both judgements, and to pass a good one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlglot
from sent import DAY, gate_of, holding, row

from quality.contract import Rule, contracts
from quality.gate import CountsDiffer, Gate

Cells = dict[str, str]

BREAK: dict[str, Callable[[Rule], Cells]] = {
    "required": lambda rule: {rule.columns[0]: " "},
    "type": lambda rule: {rule.columns[0]: "not a value"},
    "allowed": lambda rule: {rule.columns[0]: "elsewhere"},
    "expected": lambda rule: {rule.columns[0]: ""},
    "listed": lambda rule: {rule.columns[0]: "elsewhere"},
    "range": lambda rule: {rule.columns[0]: "-7" if rule.arguments["minimum"] is not None else "99999"},
    "pattern": lambda rule: {rule.columns[0]: "?"},
    "standard": lambda rule: {rule.columns[0]: "elsewhere"},
    "check_character": lambda rule: {rule.columns[0]: "91110000600037341A"},
    "length": lambda rule: {rule.columns[0]: "长" * 201},
    "above": lambda rule: {rule.columns[0]: "0"},
    "not_in_future": lambda rule: {rule.columns[0]: "2026-11-21"},
    "plan_currency": lambda rule: {rule.columns[0]: "JPY"},
    "rate_known": lambda rule: {rule.columns[0]: "USD", rule.columns[1]: "2026-09-30"},
    "not_before": lambda rule: {rule.columns[0]: "2026-10-01"},
    "not_below": lambda rule: {rule.columns[0]: "0"},
    "not_above": lambda rule: {rule.columns[0]: "6"},
    "minimum_when": lambda rule: {rule.columns[0]: "-1", rule.columns[1]: rule.arguments["equals"]},
    "required_when": lambda rule: {rule.columns[0]: "", rule.columns[1]: rule.arguments["equals"]},
    "recorded_in_time": lambda rule: {rule.columns[1]: "2026-11-20"},
    "key": lambda rule: {name: shared(rule.table, name) for name in rule.columns},
    "unique": lambda rule: {name: shared(rule.table, name) for name in rule.columns},
}


def shared(table: str, name: str) -> str:
    """What the good row holds in a column that copies may have in common with it."""
    if name == "phone":
        return "13800138000"
    return "good" if len(contracts()[table].key) == 1 else row(table)[name]


def distinct(table: str, number: int, **cells: str) -> Cells:
    """A good row that shares no key with another number's."""
    key = contracts()[table].by_name[contracts()[table].key[0]]
    own = f"{date(2026, 10, 31) - timedelta(days=number)}" if key.type == "date" else f"row {number}"
    contact = {"phone": f"1390000{number:04d}"} if table == "customers" else {}
    return row(table, **{key.name: own} | contact | cells)


@pytest.mark.parametrize("table", contracts())
def test_every_rule_catches_a_broken_row_in_both_judgements(table: str) -> None:
    gate = gate_of(table)
    good = row(table, **{name: shared(table, name) for name in _keys(table)})
    broken = [distinct(table, number, **BREAK[rule.kind](rule)) for number, rule in enumerate(gate.rules)]
    with holding(table, [good, *broken]) as session:
        counted = gate.split(session)
        found = gate.measure(session, counted)
        flagged = _flagged(session, gate)
    for number, rule in enumerate(gate.rules, start=3):
        assert rule.id in flagged[number], f"{rule.id} let its broken row through"
    assert all(found[rule.id] >= 1 for rule in gate.rules)
    assert sum(counted.outcomes.values()) == len(broken) + 1


@pytest.mark.parametrize("table", contracts())
def test_a_good_row_passes_every_rule(table: str) -> None:
    with holding(table, [distinct(table, 1), distinct(table, 2)]) as session:
        gate = gate_of(table)
        counted = gate.split(session)
        assert gate.measure(session, counted) == dict.fromkeys((rule.id for rule in gate.rules), 0)
        assert counted.outcomes["accepted"] == 2


def _keys(table: str) -> set[str]:
    return {name for rule in contracts()[table].rules if rule.kind in ("key", "unique") for name in rule.columns}


def _flagged(session, gate: Gate) -> dict[int, set[str]]:
    """Line -> the rules it breaks, duplicates and lateness included."""
    flags = ", ".join(f'"_bad_{rule.id}"' for rule in gate.rules)
    rows = session.rows(sqlglot.parse_one(f"select _line, {flags} from gate.settled", read="duckdb"))
    return {line: {rule.id for rule, bad in zip(gate.rules, bads, strict=True) if bad} for line, *bads in rows}


def outcomes(table: str, rows: list[Cells], **how) -> dict[int, str]:
    """Line -> what becomes of it."""
    with holding(table, rows) as session:
        gate_of(table, **how).split(session)
        return dict(
            session.rows(sqlglot.parse_one("select _line, _outcome from gate.settled order by _line", read="duckdb"))
        )


def test_a_row_is_not_asked_for_what_its_source_does_not_have() -> None:
    gate = replace(gate_of("orders"), lacking={"customer_id": ("till:a.csv",), "refund_of": ("till:a.csv",)})
    rows = [
        distinct("orders", number, customer_id="", refund_of="", kind="refund", _source=source)
        for number, source in enumerate(("till:a.csv", "shop:b.csv"))
    ]
    with holding("orders", rows) as session:
        found = gate.measure(session, gate.split(session))
        flagged = _flagged(session, gate)
    assert flagged == {2: set(), 3: {"customer_id_required", "refund_of_required_when_refund"}}
    assert found["customer_id_required"] == found["refund_of_required_when_refund"] == 1


def test_a_day_without_a_time_is_not_before_any_moment_of_itself() -> None:
    days = ["2026-11-09", "2026-11-09 00:00:00", "2026-11-09 09:59", "2026-11-08", "2026-11-10"]
    moments = {"created_at": "2026-11-09 10:00", "assigned_at": "", "first_touch_at": "", "lost_at": ""}
    rows = [distinct("leads", number, **moments, won_at=day) for number, day in enumerate(days)]
    gate = gate_of("leads")
    with holding("leads", rows) as session:
        found = gate.measure(session, gate.split(session))
        flagged = _flagged(session, gate)
    rule = "won_at_not_before_created_at"
    assert [rule in flagged[line] for line in range(2, 7)] == [False, False, True, True, False]
    assert found[rule] == 2


def test_of_two_versions_of_a_key_the_later_one_stays() -> None:
    rows = [
        row("customers", customer_id="C1", updated_at="2026-11-02"),
        row("customers", customer_id="C1", updated_at="2026-11-09"),
    ]
    assert outcomes("customers", rows) == {2: "merged", 3: "accepted"}


def test_the_winner_of_a_tie_does_not_depend_on_the_order_of_the_rows() -> None:
    one, other = row("orders", order_id="O1", amount="1.00"), row("orders", order_id="O1", amount="2.00")
    with holding("orders", [one, other]) as session:
        gate_of("orders").split(session)
        first = session.rows(sqlglot.parse_one("select amount from gate.settled where _outcome = 'accepted'"))
    with holding("orders", [other, one]) as session:
        gate_of("orders").split(session)
        second = session.rows(sqlglot.parse_one("select amount from gate.settled where _outcome = 'accepted'"))
    assert first == second


def test_two_blank_keys_are_missing_and_not_each_others_duplicates() -> None:
    rows = [row("orders", order_id=""), row("orders", order_id="  ")]
    with holding("orders", rows) as session:
        counted = gate_of("orders").split(session)
    assert counted.outcomes["quarantined"] == 2
    assert counted.broken["key_unique"] == 0


def test_a_key_of_several_columns_is_shared_by_those_that_share_all_of_it() -> None:
    rows = [
        row("exposures", day="2026-11-02", channel="search", campaign_id="A1", clicks="1"),
        row("exposures", day="2026/11/2", channel="search ", campaign_id="Ａ1", clicks="0"),
        row("exposures", day="2026-11-02", channel="search", campaign_id="A2"),
        row("exposures", day="2026-11-03", channel="search", campaign_id="A1"),
    ]
    assert sorted(outcomes("exposures", rows).values()) == ["accepted", "accepted", "accepted", "merged"]
    assert "merged" not in list(outcomes("exposures", rows).values())[2:]


def test_a_blank_part_of_a_key_that_may_be_blank_is_a_value_like_another() -> None:
    rows = [
        row("exposures", campaign_id=""),
        row("exposures", campaign_id=" "),
        row("exposures", campaign_id="A1"),
    ]
    assert sorted(outcomes("exposures", rows).values()) == ["accepted", "accepted", "merged"]


def test_keys_that_lack_a_part_they_must_have_are_nobodys_copies_in_both_judgements() -> None:
    rows = [row("exposures", day=""), row("exposures", day="Feb 30"), row("exposures", day="", channel="")]
    with holding("exposures", rows) as session:
        gate = gate_of("exposures")
        counted = gate.split(session)
        assert gate.measure(session, counted)["key_unique"] == counted.broken["key_unique"] == 0
    assert counted.outcomes["quarantined"] == 3


@pytest.mark.parametrize(("rate", "outcome"), [("0", "quarantined"), ("0.0001", "accepted"), ("-1", "quarantined")])
def test_an_exchange_rate_is_more_than_nothing(rate: str, outcome: str) -> None:
    assert outcomes("rates", [row("rates", rate=rate)]) == {2: outcome}


def test_a_table_of_which_nothing_happens_has_no_day_of_its_own() -> None:
    with holding("benchmarks", [row("benchmarks")]) as session:
        gate = gate_of("benchmarks")
        gate.split(session)
        [kept] = session.frame(gate.accepted()).to_dict("records")
    assert set(kept) == {"metric", "period", "value", "source", "_is_late", "_warnings", "_row_id"}


@pytest.mark.parametrize("variant", ["Ｃ００１", "C\u200b001", " C001 "], ids=["full-width", "zero-width", "padded"])
def test_variants_of_an_id_are_one_row(variant: str) -> None:
    rows = [
        row("customers", customer_id="C001", name="一", updated_at="2026-11-09"),
        row("customers", customer_id=variant, name="二", updated_at="2026-11-02"),
    ]
    assert outcomes("customers", rows) == {2: "accepted", 3: "merged"}


@pytest.mark.parametrize(
    ("wider_key", "cells"),
    [("contact_unique", {"customer_id": "c001", "name": "二"}), ("identity_unique", {"customer_id": "C002"})],
)
def test_rows_that_share_only_a_wider_key_are_counted_but_stay_two_records(wider_key: str, cells: Cells) -> None:
    """I45: id and telephone, and name, telephone and address; ids in one form, and each key with its own count."""
    rows = [row("customers", customer_id="C001", name="一"), row("customers", **{"name": "一"} | cells)]
    with holding("customers", rows) as session:
        counted = gate_of("customers").split(session)
    assert counted.outcomes["accepted"] == 2
    assert (counted.broken[wider_key], counted.repeated) == (2, 1)


def test_a_quarantined_copy_does_not_take_its_good_twin_along() -> None:
    rows = [row("orders", order_id="O1", amount="x", recorded_at="2026-11-02"), row("orders", order_id="O1")]
    assert outcomes("orders", rows) == {2: "quarantined", 3: "accepted"}


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        pytest.param({"kind": "sale", "amount": "-5"}, "quarantined", id="sale"),
        pytest.param({"kind": "refund", "amount": "-5", "refund_of": "O1"}, "accepted", id="refund-of-an-order"),
        pytest.param({"kind": "refund", "amount": "-5"}, "quarantined", id="refund-of-nothing"),
    ],
)
def test_an_amount_below_zero_is_let_in_as_a_refund_of_an_order(cells: Cells, outcome: str) -> None:
    """I51."""
    assert outcomes("orders", [row("orders", **cells)]) == {2: outcome}


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf", "1e999", "99999999999999999999", "1.234,50"])
def test_what_is_not_a_number_never_becomes_an_amount(value: str) -> None:
    assert outcomes("orders", [row("orders", amount=value)]) == {2: "quarantined"}


@pytest.mark.parametrize(
    ("value", "outcome"), [("2026-11-20 23:59:59", "accepted"), ("2026-11-21 00:00:00", "quarantined")]
)
def test_the_day_ends_at_midnight_of_the_plans_zone(value: str, outcome: str) -> None:
    assert outcomes("orders", [row("orders", ordered_at=value, recorded_at="")]) == {2: outcome}


def test_a_product_the_plan_does_not_list_is_let_in_and_counted() -> None:
    with holding("orders", [row("orders", product="Bassic")]) as session:
        counted = gate_of("orders").split(session)
    assert (counted.outcomes["accepted"], counted.broken["product_listed"], counted.inaccurate) == (1, 1, 0)


def test_a_row_that_is_let_in_with_a_warning_can_be_found_by_it() -> None:
    with holding("orders", [row("orders", order_id="1", product="Bassic"), row("orders", order_id="2")]) as session:
        gate = gate_of("orders")
        gate.split(session)
        found = session.frame(gate.accepted()).set_index("order_id")["_warnings"]
    assert (found["1"], found.isna()["2"]) == ("product_listed", True)


def test_without_a_list_in_the_plan_any_product_will_do() -> None:
    gate = gate_of("orders", day=replace(DAY, lists={}))
    assert "product_listed" in {rule.id for rule in gate.not_assessed}


def test_a_row_entered_too_late_is_let_in_and_counted_apart() -> None:
    rows = [
        row("orders", order_id="1", ordered_at="2026-11-01", recorded_at="2026-11-03"),
        row("orders", order_id="2", ordered_at="2026-11-01", recorded_at="2026-11-03 00:00:01"),
    ]
    assert outcomes("orders", rows) == {2: "accepted", 3: "late"}


def test_text_that_looks_like_nothing_stays_text() -> None:
    with holding("customers", [distinct("customers", 1, name="null", region="NA", owner_id="007")]) as session:
        gate = gate_of("customers")
        gate.split(session)
        [kept] = session.frame(gate.accepted()).to_dict("records")
    assert (kept["name"], kept["region"], kept["owner_id"]) == ("null", "NA", "007")


def test_eighteen_digits_stay_eighteen_digits() -> None:
    with holding("orders", [row("orders", order_id="110101199003070011", customer_id="")]) as session:
        gate = gate_of("orders")
        gate.split(session)
        [kept] = session.frame(gate.kept_back()).to_dict("records")
    assert '"110101199003070011"' in kept["row_as_sent"]


def test_a_column_the_source_does_not_have_is_not_assessed() -> None:
    mapped = set(contracts()["customers"].by_name) - {"phone"}
    gate = gate_of("customers", mapped)
    assert {rule.id for rule in gate.not_assessed} == {
        "phone_required",
        "phone_pattern",
        "contact_unique",
        "identity_unique",
    }
    assert outcomes("customers", [row("customers") | {"phone": None}], mapped=mapped) == {2: "accepted"}


def test_judgements_that_differ_stop_the_gate() -> None:
    with holding("orders", [row("orders", amount="-5", kind="sale")]) as session:
        gate = gate_of("orders")
        counted = gate.split(session)
        wrong = replace(counted, broken={**counted.broken, "amount_minimum_when_sale": 0})
        with pytest.raises(CountsDiffer, match=r"amount_minimum_when_sale \(engine 0, Great Expectations 1\)"):
            gate.measure(session, wrong)


def test_a_rule_that_still_fails_in_dwd_is_found_in_the_written_file(tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    with holding("orders", [row("orders", currency="JPY")]) as session:
        gate = gate_of("orders")
        gate.split(session)
        everything = gate.accepted()
        everything.set("where", None)
        session.write(everything, file, order_by=["order_id"])
        with pytest.raises(CountsDiffer, match="currency_plan_currency"):
            gate.measure_accepted(file, session)


def test_the_hash_of_a_person_changes_with_the_key() -> None:
    """I45: keyed SHA-256, not MD5."""
    import pyarrow as pa
    from sent import sent

    from pipeline.engine import DuckDBEngine

    seen = set()
    for key in ("one", "two"):
        values = {"ods.customers": sent("customers", [row("customers")]), "secret.keys": pa.table({"hash_key": [key]})}
        with DuckDBEngine(memory_limit="1GB").session(zone="UTC", tables={}, values=values) as session:
            gate_of("customers").split(session)
            [(hashed,)] = session.rows(sqlglot.parse_one("select _key_contact_unique from gate.typed"))
            seen.add(hashed)
    assert len(seen) == 2
    assert all(len(hashed) == 64 for hashed in seen)


def test_the_end_of_the_day_follows_the_day() -> None:
    earlier = replace(DAY, as_of=date(2026, 10, 31))
    assert outcomes("orders", [row("orders", ordered_at="2026-11-01", recorded_at="")], day=earlier) == {
        2: "quarantined"
    }


@pytest.mark.parametrize(
    ("cells", "broken"),
    [
        pytest.param({"currency": "USD", "ordered_at": "2026-10-01 00:00:00"}, set(), id="from-the-first-rate-on"),
        pytest.param({"currency": "USD", "ordered_at": "2026-09-30 23:59:59"}, {"currency_rate_known"}, id="before-it"),
        pytest.param({"currency": "JPY"}, {"currency_plan_currency"}, id="no-rate-at-all"),
        pytest.param({"currency": "CNY", "ordered_at": "2026-01-01"}, set(), id="the-plans-own-needs-none"),
    ],
)
def test_money_of_another_currency_is_let_in_where_there_is_a_rate_for_its_day(cells: Cells, broken: set[str]) -> None:
    with holding("orders", [row("orders", recorded_at="", **cells)]) as session:
        gate = gate_of("orders")
        counted = gate.split(session)
        found = gate.measure(session, counted)
    assert {rule for rule, rows in found.items() if rows} == broken
    assert counted.outcomes["quarantined"] == len(broken)


def test_money_that_is_not_converted_further_on_must_be_of_the_plans_currency() -> None:
    assert outcomes("budgets", [row("budgets", currency="USD")]) == {2: "quarantined"}
