"""Groups by age and spend: who is in which, and why in none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model

from pipeline.errors import ConfigurationError
from pipeline.plan import GroupRule, Groups, Label, Plan, Range, Segments
from pipeline.plan_tables import plan_tables

WORDS = Label(zh="词", en="Word")


def grouped(customers: list[Row], spent: list[float] | None = None, plan: Plan | None = None) -> list[Row]:
    """Customers C1, C2, … who spent these amounts this month."""
    orders = [
        {"customer_id": f"C{number}", "amount": amount}
        for number, amount in enumerate(spent or [], start=1)
        if amount > 0
    ]
    return run_model("dws.customer_group", {"customers": customers, "orders": orders}, plan=plan)


def person(birth_year: int | None) -> Row:
    return {"kind": "person", "birth_year": birth_year}


def a_rule(rule_id: str, **conditions: object) -> GroupRule:
    return GroupRule(id=rule_id, label=WORDS, strategy=WORDS, effect=WORDS, **conditions)


def by_rules(*rules: GroupRule) -> Plan:
    return a_plan(segments=Segments(groups=Groups(rules=list(rules))))


@pytest.mark.parametrize(
    ("birth_year", "class_id"),
    [
        pytest.param(2009, "no_group", id="17"),
        pytest.param(2008, "a", id="18"),
        pytest.param(1991, "a", id="35"),
        pytest.param(1990, "b", id="36"),
        pytest.param(1967, "b", id="59"),
        pytest.param(1966, "c", id="60"),
    ],
)
def test_the_group_by_the_years_since_the_year_of_birth(birth_year: int, class_id: str):
    [row] = grouped([person(birth_year)], [100])
    assert (row["class_id"], row["rule_id"]) == (class_id, "no_rule" if class_id == "no_group" else class_id)


def test_high_spend_is_as_much_as_half_of_the_persons_who_bought():
    rows = grouped([person(2000)] * 5, [10, 20, 20, 30, 0])
    assert [row["spend_percentile"] for row in rows] == [0.25, 0.75, 0.75, 1.0, 0.0]
    assert [row["class_id"] for row in rows] == ["no_group", "a", "a", "a", "no_group"]


def test_persons_are_not_measured_by_what_companies_spend():
    rows = grouped([person(2000), {"kind": "company"}, {"kind": "company"}], [10, 9_000, 8_000])
    assert [row["class_id"] for row in rows] == ["a", "no_group", "no_group"]


@pytest.mark.parametrize(
    ("customer", "spent", "rule_id", "zh", "en"),
    [
        pytest.param(
            {"kind": "company"},
            100,
            "company",
            "企业客户，没有适用的分组规则。",
            "A company, and no rule is for it.",
            id="company",
        ),
        pytest.param(
            person(None),
            100,
            "birth_year_unknown",
            "出生年份未知，无法判断属于哪一组。",
            "The year of birth is not known, so no group can be told.",
            id="birth-year-unknown",
        ),
        pytest.param(
            person(1996),
            0,
            "no_rule",
            "30–39 岁，近 12 个月净消费 0.00 元，不符合任何分组规则。",
            "Aged 30–39, net spend 0.00 CNY in the last 12 months: meets no rule of a group.",
            id="no-rule",
        ),
        pytest.param(
            person(1996),
            1_200,
            "a",
            "30–39 岁，近 12 个月净消费 1,200.00 元，不低于 100.0% 的个人买家，属于“A 组：年轻高消费”。",
            "Aged 30–39, net spend 1,200.00 CNY in the last 12 months, as much as or more than 100.0% of the persons "
            'who bought: in the group "A, young, high spend".',
            id="group",
        ),
    ],
)
def test_why_is_told_with_the_customers_own_numbers(customer: Row, spent: float, rule_id: str, zh: str, en: str):
    [row] = grouped([customer], [spent])
    assert (row["rule_id"], row["sentence_zh"], row["sentence_en"]) == (rule_id, zh, en)


def test_a_group_carries_its_strategy_and_what_that_should_bring():
    rows = grouped([person(1970), {"kind": "company"}])
    assert (rows[0]["strategy_en"], rows[0]["effect_en"]) == (
        "Offers and bundles for families",
        "They buy more readily, and more per order",
    )
    assert (rows[1]["strategy_zh"], rows[1]["effect_zh"]) == (None, None)


def test_the_year_of_birth_stays_where_it_is():
    [row] = grouped([person(1987)])
    assert row["age_band"] == "30–39"
    assert not [value for value in row.values() if "1987" in str(value)]


def test_the_first_rule_that_holds_counts():
    one, other = a_rule("one", age=Range(least=30)), a_rule("other", amount=Range(least=50))
    for rules, class_id in (([one, other], "one"), ([other, one], "other")):
        [row] = grouped([person(1990)], [70], by_rules(*rules))
        assert row["class_id"] == class_id


def test_a_rule_may_be_for_companies_or_for_anybody():
    plan = by_rules(a_rule("large", kind="company", amount=Range(least=100)), a_rule("small", kind=None))
    rows = grouped([{"kind": "company"}, {"kind": "company"}, person(None)], [100, 99.99, 500], plan)
    assert [row["class_id"] for row in rows] == ["large", "small", "small"]


def test_a_customer_of_unknown_kind_with_a_year_of_birth_is_a_person():
    [row] = grouped([{"kind": None, "birth_year": 1970}])
    assert row["class_id"] == "b"


def test_a_group_is_defined_in_words():
    listed = plan_tables(a_plan(), a_plan().campaign.ends_on, additive=frozenset())["plan.segment_classes"].to_pylist()
    found = {row["segment"]: (row["definition_zh"], row["definition_en"]) for row in listed if row["scheme"] == "group"}
    assert list(found) == ["group_a", "group_b", "group_c", "group_no_group"]
    assert found["group_a"] == (
        "个人客户，年龄满 18 岁、不满 36 岁，消费不低于同类买家的比例至少 50%。",
        "Persons; age from 18 and below 36; spends as much as at least 50% of the buyers of the kind.",
    )


def test_a_rule_may_not_take_the_name_of_those_in_no_group():
    with pytest.raises(ConfigurationError, match="the id no_group is Tuoke's own"):
        grouped([{}], plan=by_rules(a_rule("no_group")))


def test_two_groups_may_not_share_an_id():
    with pytest.raises(ValueError, match="used twice"):
        by_rules(a_rule("one"), a_rule("one"))


@settings(max_examples=20, deadline=None)
@given(
    people=st.lists(
        st.tuples(
            st.sampled_from(["person", "company", None]),
            st.one_of(st.none(), st.integers(1940, 2020)),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_customer_is_in_one_group_or_told_why_in_none(people: list[tuple[str | None, int | None, int]]):
    customers = [{"kind": kind, "birth_year": year} for kind, year, _ in people]
    rows = grouped(customers, [spent for *_, spent in people])
    assert len(rows) == len(people)
    for row in rows:
        assert row["class_id"] in {"a", "b", "c", "no_group"}
        assert (row["rule_id"] == row["class_id"]) != (row["class_id"] == "no_group")
        assert row["label_zh"] and row["sentence_zh"].endswith("。") and row["sentence_en"].endswith(".")
