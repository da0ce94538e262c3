"""Every customer once in every scheme; the wide table says what each scheme says, and what to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, run_model

from pipeline.plan import Label, Play, Segments
from pipeline.plan_tables import plan_tables
from quality.staged import SCHEMES

PERSONAS = [{"class_id": "persona_none", "position": 1, "label_zh": "未分群客户", "label_en": "In no group"}]
WORDS = Label(zh="做法", en="What to do")


def company(customers: int, orders: list[Row]) -> dict[str, list[Row]]:
    """Customers C1, C2 … whom no persona was found for."""
    ids = [f"C{number}" for number in range(1, customers + 1)]
    return {
        "customers": [{} for _ in ids],
        "orders": orders,
        "dws.customer_persona": [{"customer_id": customer, "class_id": "persona_none"} for customer in ids],
        "dws.personas": PERSONAS,
    }


def play(owner: str) -> Play:
    return Play(strategy=WORDS, resource=WORDS, owner=owner)


def bought(customer: str, day: str, amount: float = 100, number: int = 1) -> Row:
    return {
        "order_id": f"{customer}-{number}",
        "customer_id": customer,
        "ordered_at": f"{day} 10:00",
        "amount": amount,
    }


ORDERS = st.lists(
    st.builds(
        bought,
        st.sampled_from(["C1", "C2", "C3"]),
        st.sampled_from(["2024-01-05", "2025-10-01", "2026-05-05", "2026-08-20", "2026-11-19"]),
        st.sampled_from([10.0, 60_000.0, 120_000.0]),
    ),
    max_size=8,
)


@settings(max_examples=12, deadline=None)
@given(orders=ORDERS)
def test_every_customer_has_one_class_in_every_scheme(orders: list[Row]):
    orders = [order | {"order_id": f"O{number}"} for number, order in enumerate(orders)]
    rows = run_model("dws.customer_classes", company(3, orders))
    assert len(rows) == 3 * len(SCHEMES)
    assert {(row["customer_id"], row["scheme"]) for row in rows} == {
        (f"C{number}", scheme) for number in (1, 2, 3) for scheme in SCHEMES
    }
    assert all(row["label_zh"] and row["label_en"] and row["segment"] for row in rows)


def test_the_wide_table_repeats_what_each_scheme_says():
    """I36: each scheme has a column of its own."""
    tables = company(2, [bought("C1", "2026-11-19", 120_000)])
    wide = {row["customer_id"]: row for row in run_model("dws.customer_segments", tables)}
    for row in run_model("dws.customer_classes", tables):
        assert wide[row["customer_id"]][f"{row['scheme']}_class_id"] == row["class_id"]


def test_a_name_two_schemes_share_is_two_classes() -> None:
    """I36: "potential" of RFM, of the tiers and of value and profit are three, and no one is made of another."""
    listed = plan_tables(a_plan(), DAY, additive=frozenset())["plan.segment_classes"].to_pylist()
    segments = [row["segment"] for row in listed]
    assert len(set(segments)) == len(segments)
    assert {"potential", "tier_potential", "matrix_high_potential"} <= set(segments)
    orders = [bought("C1", "2026-08-20", 50_000 / 3, number) for number in (1, 2, 3)]
    [row] = run_model("dws.customer_segments", company(1, orders))
    assert (row["rfm_class_id"], row["tier_class_id"]) == ("potential", "vip")


@pytest.mark.parametrize(
    ("strategy_by", "owner", "scheme"),
    [
        pytest.param(["rfm"], "by-rfm", "rfm", id="one"),
        pytest.param(["tier", "rfm"], "by-rfm", "rfm", id="the-first-has-no-play-for-the-class"),
        pytest.param(["lifecycle", "rfm"], "by-stage", "lifecycle", id="the-first-that-has-one-counts"),
        pytest.param(["tier"], None, None, id="none-has-one"),
    ],
)
def test_what_to_do_goes_by_the_first_scheme_with_a_play(strategy_by: list[str], owner: str | None, scheme: str | None):
    tables = company(1, [bought("C1", "2026-11-19")])
    playbook = {"new": play("by-rfm"), "lifecycle_new": play("by-stage")}
    plan = a_plan(segments=Segments(strategy_by=strategy_by), playbook=playbook)
    [row] = run_model("dws.customer_segments", tables, plan=plan)
    assert (row["strategy_owner"], row["strategy_scheme"]) == (owner, scheme)
    assert row["strategy_en"] == (WORDS.en if owner else None)


def test_tags_stand_side_by_side():
    tables = company(1, [bought("C1", "2026-11-19")])
    [row] = run_model("dws.customer_segments", tables)
    tags = [tag["label_en"] for tag in run_model("dws.customer_tags", tables)]
    assert row["tags_en"].split(", ") == sorted(tags)
    assert tags
