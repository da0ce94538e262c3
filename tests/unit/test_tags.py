"""Tags: each word that describes a customer, and the evidence it asks for, on rows small enough to check by eye."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, run_model
from pydantic import ValidationError

from pipeline.plan import Area, BrandLoyal, Cycle, Label, NoveltySeeking, Plan, PriceSensitive, Segments, Tags
from pipeline.plan_tables import plan_tables

WORDS = Label(zh="词", en="word")


def plan_with(**changes: Any) -> Plan:
    return a_plan(segments=Segments(tags=Tags(**changes)))


def tags_of(plan: Plan | None = None, customer: str = "C1", **tables: list[Row]) -> dict[str, Row]:
    """The tags of a customer by their ids."""
    tables.setdefault("customers", [{}])
    rows = run_model("dws.customer_tags", tables, plan=plan)
    return {row["tag_id"]: row for row in rows if row["customer_id"] == customer}


def ago(days: int) -> str:
    return (DAY - timedelta(days=days)).isoformat()


def orders(*days: int, **cells: Any) -> list[Row]:
    """A sale of 100 to C1 so many days ago each."""
    return [{"ordered_at": f"{ago(day)} 10:00", **cells} for day in days]


def others(*amounts: float, **cells: Any) -> list[Row]:
    """Sales to somebody else, to compare with."""
    return [{"customer_id": "C9", "ordered_at": f"{ago(200)} 10:00", "amount": amount, **cells} for amount in amounts]


def contacts(kind: str, number: int, days: int = 10, **cells: Any) -> list[Row]:
    return [{"customer_id": "C1", "kind": kind, "occurred_at": f"{ago(days)} 09:00", **cells} for _ in range(number)]


# --- base ---


def test_what_the_record_says_of_a_customer_are_its_base_tags():
    record = {"kind": "company", "industry": "C 制造业", "company_size": "大型", "region": "浙江省-杭州市"}
    found = tags_of(customers=[record])
    base = {tag_id: tag["label_zh"] for tag_id, tag in found.items() if tag["family"] == "base"}
    assert base == {
        "kind:company": "企业客户",
        "industry:C 制造业": "C 制造业",
        "size:大型": "大型",
        "region:浙江省-杭州市": "浙江省-杭州市",
        "area:east": "华东",
    }
    assert found["area:east"]["label_en"] == "East China"
    assert found["area:east"]["evidence_zh"] == "区域为浙江省-杭州市。"


def test_what_the_record_leaves_open_is_no_tag():
    blank = {"kind": None, "industry": None, "company_size": None, "region": None}
    assert set(tags_of(customers=[blank])) == {"demand:设备"}


@pytest.mark.parametrize("region", ["North", "海外", "浙"])
def test_a_region_of_no_area_has_none(region: str):
    found = tags_of(customers=[{"region": region}])
    assert [tag_id for tag_id in found if tag_id.startswith(("area:", "region:"))] == [f"region:{region}"]


def test_the_plan_draws_the_areas():
    plan = plan_with(areas=[Area(id="coast", label=Label(zh="沿海", en="The coast"), provinces=["浙江", "福建"])])
    assert tags_of(plan, customers=[{"region": "福建省-厦门市"}])["area:coast"]["label_zh"] == "沿海"


# --- behaviour ---


@pytest.mark.parametrize(
    ("number", "is_frequent"), [pytest.param(4, False, id="four"), pytest.param(5, True, id="exactly-five")]
)
def test_who_orders_often_is_a_frequent_buyer(number: int, is_frequent: bool):
    found = tags_of(orders=orders(*range(10, 10 + number)))
    assert ("frequent_buyer" in found) is is_frequent
    if is_frequent:
        assert found["frequent_buyer"]["evidence_zh"] == "近 12 个月下单 5 次。"
        assert found["frequent_buyer"]["evidence_en"] == "5 orders in the last 12 months."


@pytest.mark.parametrize(
    ("oldest", "is_frequent"),
    [pytest.param("2025-11-21", True, id="first-day"), pytest.param("2025-11-20", False, id="the-day-before")],
)
def test_only_the_window_counts(oldest: str, is_frequent: bool):
    rows = [*orders(1, 2, 3, 4), {"ordered_at": f"{oldest} 10:00"}]
    assert ("frequent_buyer" in tags_of(orders=rows)) is is_frequent


def test_a_refund_is_no_order():
    rows = [*orders(1, 2, 3, 4), {"kind": "refund", "refund_of": "O1", "ordered_at": f"{ago(1)} 12:00"}]
    assert "frequent_buyer" not in tags_of(orders=rows)


CHEAP = orders(100, 90, 80, 70, amount=70, category="设备")
"""Four orders of which each is worth 70 where others are worth more."""
SIGN_OF_PRICE = {"customer_id": "C1", "lost_at": f"{ago(30)} 09:00", "lost_reason": "价格偏高"}


@pytest.mark.parametrize(
    ("other", "is_cheap"),
    [
        pytest.param(130, True, id="exactly-70-percent-of-the-mean"),
        pytest.param(129, False, id="a-little-more"),
        pytest.param(500, True, id="far-less"),
    ],
)
def test_orders_worth_little_against_their_category_and_a_lost_price_are_two_signs(other: float, is_cheap: bool):
    rows = [*CHEAP, *others(other, other, other, other, category="设备")]
    found = tags_of(orders=rows, leads=[SIGN_OF_PRICE])
    assert ("price_sensitive" in found) is is_cheap
    if other == 130:
        assert found["price_sensitive"]["evidence_zh"] == (
            "近 12 个月：4 单合计为同类订单平均金额的 70.0%；1 条线索因价格原因流失。"
        )
        assert found["price_sensitive"]["evidence_en"] == (
            "Signs in the last 12 months: 4 orders worth 70.0% of ordinary ones of their categories; "
            "1 lead lost for the price."
        )
        assert found["price_sensitive"]["strength"] == 0.5


def test_one_sign_is_not_enough_unless_the_plan_says_so():
    one = plan_with(price_sensitive=PriceSensitive(signs_least=1))
    assert "price_sensitive" not in tags_of(leads=[SIGN_OF_PRICE])
    assert tags_of(one, leads=[SIGN_OF_PRICE])["price_sensitive"]["strength"] == 1.0


@pytest.mark.parametrize(
    ("lead", "is_sign"),
    [
        pytest.param({"lost_reason": "暂无预算"}, True, id="budget"),
        pytest.param({"lost_reason": "Too EXPENSIVE"}, True, id="whatever-the-case"),
        pytest.param({"lost_reason": "选择竞品"}, False, id="another-reason"),
        pytest.param({"lost_reason": None}, False, id="no-reason"),
        pytest.param({"lost_at": "2025-11-20 23:00"}, False, id="before-the-window"),
        pytest.param({"lost_at": "2025-11-21 00:30"}, True, id="its-first-day"),
        pytest.param({"won_at": "2026-11-01 09:00"}, False, id="won-after-all"),
        pytest.param({"customer_id": "C2"}, False, id="somebody-elses"),
    ],
)
def test_a_lead_lost_for_the_price_is_a_sign(lead: Row, is_sign: bool):
    one = plan_with(price_sensitive=PriceSensitive(signs_least=1))
    assert ("price_sensitive" in tags_of(one, leads=[SIGN_OF_PRICE | lead])) is is_sign


def sold(*amounts: float) -> list[Row]:
    """Orders of C1, oldest first."""
    days = range(100, 100 - len(amounts), -1)
    return [row | {"amount": amount} for row, amount in zip(orders(*days, category="设备"), amounts, strict=True)]


@pytest.mark.parametrize(
    ("amounts", "is_falling"),
    [
        pytest.param((100, 100, 70, 70), True, id="exactly-70-percent"),
        pytest.param((100, 100, 71, 70), False, id="a-little-more"),
        pytest.param((100, 100, 900, 70, 70), True, id="the-middle-one-is-in-no-half"),
        pytest.param((70, 70, 100, 100), False, id="rising"),
        pytest.param((100, 70, 70), False, id="too-few"),
    ],
)
def test_orders_worth_less_and_less_are_a_sign(amounts: tuple[float, ...], is_falling: bool):
    plan = plan_with(price_sensitive=PriceSensitive(signs_least=1, cheap_ratio=0.0))
    assert ("price_sensitive" in tags_of(plan, orders=sold(*amounts))) is is_falling


@pytest.mark.parametrize(
    ("contact_days", "is_sign"),
    [
        pytest.param((114, 50), True, id="two-of-four-one-on-the-last-day"),
        pytest.param((115, 50), False, id="a-day-too-early"),
        pytest.param((50, 39), False, id="a-contact-after-the-order"),
        pytest.param((100, 80), True, id="on-the-day-itself"),
        pytest.param((110, 101), False, id="one-order-twice"),
    ],
)
def test_orders_soon_after_campaign_contacts_are_a_sign(contact_days: tuple[int, ...], is_sign: bool):
    plan = plan_with(price_sensitive=PriceSensitive(signs_least=1, cheap_ratio=0.0, trend_ratio=0.0))
    rows = [contact for day in contact_days for contact in contacts("call", 1, day, campaign_id="A1")]
    found = tags_of(plan, orders=orders(100, 80, 60, 40), interactions=rows, campaigns=[{"campaign_id": "A1"}])
    assert ("price_sensitive" in found) is is_sign


def test_a_contact_without_a_campaign_is_no_sign():
    plan = plan_with(price_sensitive=PriceSensitive(signs_least=1, cheap_ratio=0.0, trend_ratio=0.0))
    rows = contacts("call", 1, 45)
    assert "price_sensitive" not in tags_of(plan, orders=orders(44, 43, 42, 41), interactions=rows)


def test_signs_that_can_not_be_told_count_neither_way():
    plan = plan_with(price_sensitive=PriceSensitive(signs_least=1))
    rows = contacts("call", 1, 45, campaign_id="A1")
    found = tags_of(plan, orders=orders(44, 43, 42, 41), interactions=rows, campaigns=[{"campaign_id": "A1"}])
    assert found["price_sensitive"]["strength"] == 1.0
    assert found["price_sensitive"]["evidence_zh"] == "近 12 个月：4 单中 4 单在活动触达后 14 天内。"


LOYAL = orders(400, 300, 200, 35, product="泵")


@pytest.mark.parametrize(
    ("rows", "is_loyal"),
    [
        pytest.param(LOYAL, True, id="a-year-to-the-day"),
        pytest.param(orders(399, 300, 200, 35, product="泵"), False, id="a-day-less"),
        pytest.param(orders(400, 300, 35, product="泵"), False, id="three-orders"),
        pytest.param(orders(900, 800, 600, 400, product="泵"), False, id="not-lately"),
        pytest.param(orders(400, 300, product="泵") + orders(200, 35, product="阀"), True, id="exactly-half"),
        pytest.param(
            orders(400, product="泵")
            + orders(300, product="阀")
            + orders(200, product="表")
            + orders(35, product="灯"),
            False,
            id="of-everything",
        ),
        pytest.param(orders(400, 300, 200) + orders(35, product="泵"), False, id="product-mostly-unknown"),
    ],
)
def test_who_keeps_buying_the_same_for_long_is_loyal(rows: list[Row], is_loyal: bool):
    assert ("brand_loyal" in tags_of(orders=rows)) is is_loyal


def test_loyalty_is_told_with_numbers():
    found = tags_of(orders=LOYAL)["brand_loyal"]
    assert found["evidence_zh"] == "365 天内下单 4 次，最近一次在 35 天前；已知产品的 4 单中 100.0% 为“泵”。"
    assert found["evidence_en"] == (
        "4 orders over 365 days, the last 35 days ago; 100.0% of 4 with a known product were 泵."
    )
    assert found["strength"] == 1.0


def products(*names: str) -> list[Row]:
    """An order of C1 each, ten days apart."""
    return [row | {"product": name} for name, row in zip(names, orders(*range(300, 0, -10)), strict=False)]


TRIAL = contacts("trial", 1)


@pytest.mark.parametrize(
    ("rows", "trials", "is_seeking"),
    [
        pytest.param(products("a", "b", "c", "d", "a"), TRIAL, True, id="three-of-four-were-new"),
        pytest.param(products("a", "b", "c", "a", "a"), TRIAL, False, id="two-of-four"),
        pytest.param(products("a", "b", "c"), TRIAL, False, id="too-few-orders"),
        pytest.param(products("a", "b", "c", "d"), [], False, id="one-sign"),
        pytest.param(products("a", "b", "c", "d"), contacts("trial", 1, 400), False, id="a-trial-long-ago"),
    ],
)
def test_who_buys_and_tries_what_is_new_seeks_novelty(rows: list[Row], trials: list[Row], is_seeking: bool):
    found = tags_of(orders=rows, interactions=trials)
    assert ("novelty_seeking" in found) is is_seeking


def test_novelty_is_told_with_numbers():
    found = tags_of(orders=products("a", "b", "c", "d", "a"), interactions=TRIAL)["novelty_seeking"]
    assert found["evidence_zh"] == "5 单买过 4 种产品，首单之后 75.0% 是从未买过的产品；近 12 个月参加试用 1 次。"
    assert found["evidence_en"] == (
        "Signs: 4 products in 5 orders, 75.0% of those after the first of one not bought before; "
        "1 trial in the last 12 months."
    )
    assert found["strength"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("launched", "bought", "is_early"),
    [
        pytest.param(200, 111, True, id="89-days-after-the-first-sale"),
        pytest.param(200, 110, False, id="90-days-after"),
        pytest.param(409, 400, True, id="91-days-after-sales-began"),
        pytest.param(410, 400, False, id="90-days-after-sales-began"),
    ],
)
def test_a_product_is_new_for_a_while_after_its_first_sale(launched: int, bought: int, is_early: bool):
    plan = plan_with(novelty_seeking=NoveltySeeking(signs_least=1))
    market = [
        {"customer_id": "C9", "product": "old", "ordered_at": f"{ago(500)} 10:00"},
        {"customer_id": "C9", "product": "new", "ordered_at": f"{ago(launched)} 10:00"},
    ]
    found = tags_of(plan, orders=[*market, *orders(bought, product="new")])
    assert ("novelty_seeking" in found) is is_early


@pytest.mark.parametrize(
    ("interactions", "is_active"),
    [
        pytest.param(contacts("login", 6), True, id="six-logins"),
        pytest.param(contacts("login", 5), False, id="five"),
        pytest.param(contacts("login", 3) + contacts("expo", 3), True, id="of-several-kinds"),
        pytest.param(contacts("call", 9), False, id="calls-are-ours"),
        pytest.param(contacts("login", 6, 366), False, id="long-ago"),
    ],
)
def test_who_comes_to_us_often_is_active(interactions: list[Row], is_active: bool):
    assert ("active_contact" in tags_of(interactions=interactions)) is is_active


@pytest.mark.parametrize(
    ("names", "preferred"),
    [
        pytest.param(["泵", "泵", "阀", "表"], ["泵"], id="exactly-half"),
        pytest.param(["泵", "泵", "阀", "表", "灯"], [], id="less-than-half"),
        pytest.param(["泵"], [], id="a-single-order"),
        pytest.param(["泵", "泵", "阀", "阀"], ["泵"], id="of-two-the-first-by-name"),
        pytest.param(["泵", "泵", None, None, None], ["泵"], id="of-those-that-are-known"),
        pytest.param([None, None], [], id="unknown"),
    ],
)
def test_what_makes_up_most_orders_is_preferred(names: list[str | None], preferred: list[str]):
    rows = [row | {"product": name} for name, row in zip(names, orders(*range(1, 9)), strict=False)]
    found = tags_of(orders=rows)
    assert [tag for tag in found if tag.startswith("prefers_product")] == [f"prefers_product:{n}" for n in preferred]


def test_a_preferred_category_is_a_tag_of_its_own():
    found = tags_of(orders=orders(1, 2, category="设备"))["prefers_category:设备"]
    assert (found["label_zh"], found["label_en"], found["strength"]) == (
        "偏好品类：设备",
        "Prefers the category 设备",
        1,
    )
    assert found["evidence_zh"] == "近 12 个月购买“设备”2 单，占已知品类订单的 100.0%。"


def test_what_a_contact_has_to_say_in_the_purchase_is_a_base_tag():
    found = tags_of(customers=[{"decision_role": "决策者"}])["role:决策者"]
    assert (found["family"], found["label_zh"]) == ("base", "决策角色：决策者")


# --- need ---


def test_what_a_customer_looks_for_is_a_need():
    found = tags_of(customers=[{"demand_tag": "节能改造"}])["demand:节能改造"]
    assert (found["family"], found["label_zh"], found["label_en"]) == ("need", "需求：节能改造", "Looks for 节能改造")


def every(pause: int, last: int, number: int = 4) -> list[Row]:
    """Orders so many days apart, the last so many days ago."""
    return orders(*(last + pause * back for back in range(number)))


@pytest.mark.parametrize(
    ("rows", "cycle"),
    [
        pytest.param(every(30, 10), "monthly", id="monthly"),
        pytest.param(every(59, 10), "monthly", id="59-days"),
        pytest.param(every(60, 10), "quarterly", id="60-days"),
        pytest.param(every(90, 10), "quarterly", id="quarterly"),
        pytest.param(every(365, 10), "yearly", id="yearly"),
        pytest.param(every(600, 10), None, id="rarer-than-yearly"),
        pytest.param(every(30, 59), "monthly", id="still-going-on"),
        pytest.param(every(30, 60), None, id="broken-off"),
        pytest.param(every(30, 10, 3), None, id="three-days"),
        pytest.param(every(30, 10, 3) + every(30, 10, 3), None, id="two-orders-a-day-are-one"),
        pytest.param(orders(10, 11, 12, 200), None, id="uneven"),
    ],
)
def test_an_even_rhythm_that_goes_on_is_a_cycle(rows: list[Row], cycle: str | None):
    found = [tag for tag in tags_of(orders=rows) if tag.startswith("cycle:")]
    assert found == ([f"cycle:{cycle}"] if cycle else [])


def test_a_cycle_is_told_with_numbers():
    found = tags_of(orders=every(30, 1))["cycle:monthly"]
    assert found["evidence_zh"] == "4 个下单日，平均间隔 30 天，最近一次在 1 天前。"
    assert found["evidence_en"] == "Ordered on 4 days, 30 days apart on average, the last 1 day ago."
    assert found["strength"] == 1.0


@pytest.mark.parametrize(
    ("interactions", "needs"),
    [
        pytest.param(contacts("service_request", 2), True, id="two-requests"),
        pytest.param(contacts("service_request", 1), False, id="one"),
        pytest.param(contacts("service_request", 1) + contacts("complaint", 1), True, id="and-a-complaint"),
        pytest.param(contacts("complaint", 2, 366), False, id="long-ago"),
    ],
)
def test_requests_and_complaints_speak_of_a_need_for_service(interactions: list[Row], needs: bool):
    found = tags_of(interactions=interactions)
    assert ("service_need" in found) is needs


# --- all of them ---

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(["C1", "C2", "C9"]),
            "ordered_at": st.dates(date(2024, 1, 1), DAY).map(lambda day: f"{day} 10:00"),
            "amount": st.integers(0, 1000),
            "product": st.sampled_from([None, "泵", "阀"]),
            "category": st.sampled_from([None, "设备"]),
        }
    ),
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_every_tag_has_words_and_strengths_lie_between_0_and_1(bought: list[Row]):
    found = run_model("dws.customer_tags", {"customers": [{}, {"kind": "person"}], "orders": bought})
    assert {row["customer_id"] for row in found} == {"C1", "C2"}
    keys = [(row["customer_id"], row["tag_id"]) for row in found]
    assert len(keys) == len(set(keys))
    for row in found:
        assert row["family"] in ("base", "behaviour", "need")
        assert all(row[name] for name in ("label_zh", "label_en", "evidence_zh", "evidence_en")), row["tag_id"]
        assert row["strength"] is None or 0 <= row["strength"] <= 1


# --- the plan ---


def test_each_cycle_begins_where_the_shorter_one_ends():
    rows = plan_tables(a_plan(), DAY, additive=frozenset())["plan.tag_cycles"].to_pylist()
    assert [(row["cycle_id"], row["days_from"], row["days_below"]) for row in rows] == [
        ("monthly", 0, 60),
        ("quarterly", 60, 228),
        ("yearly", 228, 548),
    ]


def test_the_window_is_of_calendar_months_and_told_in_words():
    [row] = plan_tables(plan_with(window_months=1), DAY, additive=frozenset())["plan.tag_settings"].to_pylist()
    assert (row["window_start"], row["window_zh"], row["window_en"]) == (
        date(2026, 10, 20),
        "近 1 个月",
        "in the last month",
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            lambda: Tags(cycles=[Cycle(id="a", label=WORDS, days_below=9), Cycle(id="b", label=WORDS, days_below=9)]),
            "days_below must grow",
            id="cycles-that-do-not-grow",
        ),
        pytest.param(
            lambda: Tags(
                areas=[Area(id="a", label=WORDS, provinces=["浙江"]), Area(id="a", label=WORDS, provinces=["广东"])]
            ),
            "ids a are used twice",
            id="an-id-twice",
        ),
        pytest.param(
            lambda: Tags(
                areas=[Area(id="a", label=WORDS, provinces=["浙江"]), Area(id="b", label=WORDS, provinces=["浙江省"])]
            ),
            "name each province once",
            id="a-province-in-two-areas",
        ),
        pytest.param(lambda: BrandLoyal(orders_least=1), "greater than or equal to 2", id="loyal-after-one-order"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(wrong: Any, said: str):
    with pytest.raises(ValidationError, match=said):
        wrong()
