"""What is missing or stands out: what a plan's rule makes of it, what is told of it, and what is never touched."""

import re
from decimal import Decimal
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pytest
from models import a_plan
from pydantic import ValidationError
from sent import DAY, gate_of, holding, row
from sqlglot import exp

from pipeline.engine import DuckDBEngine
from pipeline.plan import Cleaning, Fill, Outlier, usual_missing_words
from quality.contract import contracts
from quality.treatment import FILLED, OUTLIERS, Treatment, cleaning_faults

CUSTOMERS = contracts()["customers"]
first = itemgetter(0)
COLUMNS = ["customer_id", "region", "industry", "company_size", "kind", "address"]


def customers(*values: tuple[str | None, ...], more: int = 0) -> pa.Table:
    """Region and industry of customers, and `more` of whom all is known."""
    rows = [(*pair, "中型", "company", None) for pair in values] + [
        ("广东省-深圳市", "C 制造业", "中型", "company", None)
    ] * more
    cells = [(f"C{number:03d}", *rest) for number, rest in enumerate(rows)]
    return pa.table({name: pa.array([cell[i] for cell in cells], pa.string()) for i, name in enumerate(COLUMNS)})


def treated(rows: pa.Table, cleaning: Cleaning, table: str = "customers", **how: Any) -> tuple[list[dict], list[dict]]:
    """The rows after the treatment, and what is told."""
    treatment = Treatment(contracts()[table], cleaning, **how)
    values = {"given.rows": rows}
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="UTC", tables={}, values=values) as session:
        query = treatment.apply(session, exp.select("*").from_("given.rows"), rows.column_names)
        names = [*rows.column_names, FILLED, OUTLIERS]
        return [
            dict(zip(names, cells, strict=True)) for cells in sorted(session.rows(query), key=first)
        ], treatment.told


def fill(column: str = "industry", rule: str = "mode", **how: Any) -> Cleaning:
    return Cleaning(fill=[Fill(table="customers", column=column, rule=rule, **how)])


@pytest.mark.parametrize(
    ("complete", "action"),
    [pytest.param(19, "filled", id="exactly-5-percent"), pytest.param(18, "to_verify", id="a-little-more")],
)
def test_up_to_five_percent_are_filled_and_marked_cell_by_cell(complete: int, action: str) -> None:
    """I48: exactly 5 % still passes, and what is filled is flagged."""
    rows, [told] = treated(customers(("广东省-深圳市", None), more=complete), fill())
    assert told["action"] == action
    assert (told["rows_total"], told["rows_affected"]) == (complete + 1, 1)
    assert (rows[0]["industry"], rows[0][FILLED]) == (("C 制造业", "industry") if action == "filled" else (None, None))
    assert [cells[FILLED] for cells in rows[1:]] == [None] * complete


def test_what_is_more_than_may_be_filled_is_to_be_verified_in_both_languages() -> None:
    _, [told] = treated(customers(("广东省-深圳市", None), more=4), fill())
    assert told["message_zh"] == "行业缺失 1 条（20.0%），超过可补全的比例，待核实"
    assert told["message_en"] == "Industry: 1 missing (20.0%), more than may be filled: to be verified"


def test_the_most_frequent_value_of_the_same_region_is_taken_and_of_all_where_a_region_has_none() -> None:
    known = [("浙江省-杭州市", "I 信息传输")] * 20 + [("江苏省-南京市", "C 制造业")] * 30
    rows, _ = treated(customers(*known, ("浙江省-杭州市", None), ("海南省-海口市", None)), fill(by="region"))
    assert [cells["industry"] for cells in rows[-2:]] == ["I 信息传输", "C 制造业"]


def test_of_equally_frequent_values_the_least_is_taken_whatever_the_order() -> None:
    pairs = [("x", "B")] * 10 + [("x", "A")] * 10
    for given in (pairs, pairs[::-1]):
        rows, _ = treated(customers(*given, ("x", None)), fill())
        assert rows[-1]["industry"] == "A"


def test_a_table_of_the_plan_leads_from_region_to_industry_and_leaves_other_regions_alone() -> None:
    cleaning = fill(rule="lookup", by="region", values={"浙江省-杭州市": "I 信息传输"})
    rows, [told] = treated(customers(("浙江省-杭州市", None), ("海南省-海口市", None), more=40), cleaning)
    assert [(cells["industry"], cells[FILLED]) for cells in rows[:2]] == [("I 信息传输", "industry"), (None, None)]
    assert (told["action"], told["rows_affected"], told["rows_changed"]) == ("filled", 2, 1)


def test_a_region_is_taken_from_the_address_where_that_tells_it() -> None:
    table = customers((None, "C 制造业"), (None, "C 制造业"), more=40)
    addresses = pa.array(["徐汇区虹漕路461号58号楼5楼", "人民路 1 号", *[None] * 40])
    table = table.set_column(table.column_names.index("address"), "address", addresses)
    rows, [told] = treated(table, fill("region", "place", by="address"))
    assert [cells["region"] for cells in rows[:2]] == ["上海市-上海市", None]
    assert told["rows_changed"] == 1


def test_several_columns_of_a_row_are_named_in_order() -> None:
    cleaning = Cleaning(
        fill=[
            Fill(table="customers", column="region", rule="value", value="未知"),
            Fill(table="customers", column="industry", rule="mode"),
        ]
    )
    rows, told = treated(customers((None, None), more=19), cleaning)
    assert rows[0][FILLED] == "industry,region"
    assert [entry["column_name"] for entry in told] == ["industry", "region"]


@pytest.mark.parametrize(("rule", "score"), [("median", 60), ("mean", 62)])
def test_a_score_takes_the_median_or_the_mean_as_its_type_has_it(rule: str, score: float) -> None:
    scores = [40.0, 50.0, 60.0, 70.0, 90.0] * 4
    rows = pa.table({"lead_id": [f"L{n:02d}" for n in range(21)], "score": pa.array([*scores, None])})
    cleaning = Cleaning(fill=[Fill(table="leads", column="score", rule=rule)])
    [last] = [cells for cells in treated(rows, cleaning, "leads")[0] if cells["lead_id"] == "L20"]
    assert (last["score"], last[FILLED]) == (score, "score")


def test_without_rows_nothing_is_filled() -> None:
    rows, [told] = treated(customers(), fill())
    assert rows == []
    assert (told["rows_total"], told["affected_rate"], told["action"]) == (0, None, "none")


def test_a_table_the_plan_says_nothing_of_is_left_alone() -> None:
    rows, told = treated(customers((None, None)), Cleaning())
    assert told == []
    assert (rows[0]["region"], rows[0][FILLED], rows[0][OUTLIERS]) == (None, None, None)


# --- reasons -------------------------------------------------------------------------------------------------------


def test_a_word_for_why_there_is_no_value_is_no_value_and_the_reason_is_counted() -> None:
    day = type(DAY)(**{**vars(DAY), "missing_words": usual_missing_words()})
    gate = gate_of("customers", day=day)
    sent = [
        row("customers", customer_id="1", phone="13800138001", industry="客户未提供", birth_year="系统接口异常"),
        row("customers", customer_id="2", phone="13800138002", industry=" 客户未提供 "),
        row("customers", customer_id="3", phone="13800138003", demand_tag="未提供"),
        row("customers", customer_id="4", phone="13800138004", name="无", region="NA"),
    ]
    with holding("customers", sent) as session:
        counted = gate.split(session)
        gate.measure(session, counted)
        reasons = gate.reasons(session)
        kept = session.frame(gate.accepted()).sort_values("customer_id")
        treatment = Treatment(CUSTOMERS, Cleaning(), reasons)
        session.frame(treatment.apply(session, gate.accepted(), gate.accepted_columns))
    assert counted.outcomes["quarantined"] == 1
    assert counted.broken["demand_tag_required"] == 1
    assert kept["industry"].isna().tolist() == [True, True, False]
    assert kept["birth_year"].isna().tolist() == [True, False, False]
    assert (kept["name"].iloc[2], kept["region"].iloc[2]) == ("无", "NA")
    assert reasons == {
        "birth_year": {"system_error": 1},
        "demand_tag": {"not_provided": 1},
        "industry": {"not_provided": 2},
    }
    told = {entry["column_name"]: entry for entry in treatment.told}
    assert (told["industry"]["reasons"], told["industry"]["action"]) == ("not_provided 2", "none")
    assert (told["industry"]["rows_affected"], told["industry"]["rule"]) == (2, "none")


def test_filled_values_do_not_count_as_complete() -> None:
    """I48."""
    gate = gate_of("customers")
    sent = [
        row("customers", customer_id=f"{n}", phone=f"138001380{n:02d}", industry="" if n == 0 else "制造业")
        for n in range(20)
    ]
    with holding("customers", sent) as session:
        before = gate.split(session)
        treatment = Treatment(CUSTOMERS, fill())
        session.frame(treatment.apply(session, gate.accepted(), gate.accepted_columns))
        assert gate._count(session) == before
    assert treatment.told[0]["action"] == "filled"
    assert before.cells - before.filled_cells == 1


# --- outliers ------------------------------------------------------------------------------------------------------


def answers(*amounts: float) -> pa.Table:
    usual = [float(value) for value in range(90, 111)] * 2
    values = [*usual, *amounts]
    return pa.table({"lead_id": [f"L{n:03d}" for n in range(len(values))], "score": pa.array(values)})


def outlier(action: str = "flag") -> Cleaning:
    return Cleaning(outliers=[Outlier(table="leads", column="score", action=action)])


@pytest.mark.parametrize(
    ("action", "value"), [("flag", 500.0), ("null", None), ("cap", pytest.approx(100 + 3.5 * 5.5 / 0.6745, abs=3))]
)
def test_a_value_far_from_all_others_is_marked_and_changed_only_as_declared(action: str, value: float | None) -> None:
    rows, [told] = treated(answers(500.0), outlier(action), "leads")
    far = [cells for cells in rows if cells[OUTLIERS]]
    assert [(cells["lead_id"], cells[OUTLIERS]) for cells in far] == [("L042", "score")]
    assert far[0]["score"] == value
    assert told["treatment"] == "outlier"
    assert (told["rows_affected"], told["rows_changed"]) == (1, 0 if action == "flag" else 1)
    assert told["action"] == ("flagged" if action == "flag" else action)


def test_few_values_or_values_that_are_mostly_the_same_tell_nothing() -> None:
    few = pa.table({"lead_id": ["a", "b", "c"], "score": pa.array([1.0, 1.5, 900.0])})
    same = pa.table({"lead_id": [str(n) for n in range(40)], "score": pa.array([1.0] * 39 + [900.0])})
    for rows in (few, same):
        found, [told] = treated(rows, outlier(), "leads")
        assert [cells[OUTLIERS] for cells in found] == [None] * len(found)
        assert (told["rows_affected"], told["action"]) == (0, "none")


def test_money_that_stands_out_is_flagged_and_stays_what_it_was() -> None:
    amounts = [Decimal(value) for value in range(90, 131)] + [Decimal("99999.99")]
    rows = pa.table({"order_id": [f"O{n:02d}" for n in range(42)], "amount": pa.array(amounts, pa.decimal128(18, 2))})
    cleaning = Cleaning(outliers=[Outlier(table="orders", column="amount")])
    found, _ = treated(rows, cleaning, "orders")
    assert [(cells["amount"], cells[OUTLIERS]) for cells in found][-1] == (Decimal("99999.99"), "amount")


# --- what a plan may ask for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"table": "clients", "column": "x", "rule": "mode"}, "no such table"),
        ({"table": "customers", "column": "x", "rule": "mode"}, "has no such column"),
        ({"table": "customers", "column": "customer_id", "rule": "mode"}, "keys are never filled"),
        ({"table": "customers", "column": "owner_id", "rule": "mode"}, "keys are never filled"),
        ({"table": "orders", "column": "refund_of", "rule": "mode"}, "keys are never filled"),
        ({"table": "orders", "column": "amount", "rule": "median"}, "money is never filled"),
        ({"table": "orders", "column": "cost_amount", "rule": "value", "value": 0}, "money is never filled"),
        ({"table": "customers", "column": "birth_year", "rule": "median"}, "what tells of a person is never filled"),
        ({"table": "customers", "column": "demand_tag", "rule": "mode"}, "rows without it are kept back"),
        ({"table": "customers", "column": "updated_at", "rule": "mode"}, "days and moments are never filled"),
        ({"table": "answers", "column": "score", "rule": "median"}, "compared with another column"),
        ({"table": "customers", "column": "grade", "rule": "median"}, "a text has no median"),
        ({"table": "customers", "column": "grade", "rule": "place", "by": "address"}, "rule place finds regions"),
        ({"table": "customers", "column": "grade", "rule": "mode", "by": "town"}, "by names town"),
        ({"table": "customers", "column": "kind", "rule": "value", "value": "firm"}, "'firm' is no value of it"),
        ({"table": "customers", "column": "grade", "rule": "value", "value": 3}, "3 is no value of it"),
        ({"table": "leads", "column": "score", "rule": "value", "value": 101}, "101 is no value of it"),
    ],
)
def test_what_must_not_be_filled_is_refused_with_the_reason(how: dict[str, Any], complaint: str) -> None:
    """I48: never money or keys."""
    [fault] = cleaning_faults(a_plan(cleaning=Cleaning(fill=[Fill(**how)])))
    assert fault.startswith(f"cleaning.fill[1], {how['table']}.{how['column']}: ")
    assert complaint in fault


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"table": "customers", "column": "region"}, "name a column of numbers"),
        ({"table": "orders", "column": "amount", "action": "cap"}, "money is only flagged"),
        ({"table": "customers", "column": "birth_year", "action": "null"}, "only flagged"),
    ],
)
def test_what_must_not_be_changed_is_refused_with_the_reason(how: dict[str, Any], complaint: str) -> None:
    [fault] = cleaning_faults(a_plan(cleaning=Cleaning(outliers=[Outlier(**how)])))
    assert re.search(complaint, fault)


@pytest.mark.parametrize(
    "how",
    [
        {"rule": "value"},
        {"rule": "mode", "value": "x"},
        {"rule": "lookup", "by": "region"},
        {"rule": "lookup", "values": {"a": "b"}},
        {"rule": "place"},
        {"rule": "value", "value": "x", "by": "region"},
    ],
)
def test_a_rule_says_all_it_needs_and_no_more(how: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fill(table="customers", column="industry", **how)


def test_a_column_has_one_rule() -> None:
    one = Fill(table="customers", column="industry", rule="mode")
    with pytest.raises(ValidationError, match="two rules for customers.industry"):
        Cleaning(fill=[one, one])


def test_a_plan_that_asks_for_what_may_be_done_has_no_faults() -> None:
    cleaning = Cleaning(
        fill=[
            Fill(table="customers", column="industry", rule="mode", by="region"),
            Fill(table="customers", column="region", rule="place", by="address"),
            Fill(table="leads", column="score", rule="median"),
        ],
        outliers=[Outlier(table="orders", column="amount"), Outlier(table="leads", column="score", action="cap")],
    )
    assert list(cleaning_faults(a_plan(cleaning=cleaning))) == []
