"""Tags: what each of them asks for, and what it is called."""

from collections.abc import Iterator
from datetime import date

import pyarrow as pa

from pipeline.plan import Plan, Tags
from pipeline.plan_tables.rows import DATE, DOUBLE, INTEGER, TEXT, Row, labels, months_before

ACTIVE_KIND, PRICE_WORD = "active_kind", "price_word"

SCHEMAS = {
    "plan.tag_settings": pa.schema(
        {
            "window_start": DATE,
            "window_zh": TEXT,
            "window_en": TEXT,
            "frequent_orders": INTEGER,
            "active_contacts": INTEGER,
            "preferred_share": DOUBLE,
            "preferred_orders": INTEGER,
            "service_requests": INTEGER,
            "cycle_orders": INTEGER,
            "cycle_variation": DOUBLE,
            "price_orders": INTEGER,
            "cheap_ratio": DOUBLE,
            "trend_ratio": DOUBLE,
            "campaign_share": DOUBLE,
            "campaign_days": INTEGER,
            "price_signs": INTEGER,
            "loyal_orders": INTEGER,
            "loyal_days": INTEGER,
            "loyal_share": DOUBLE,
            "novelty_orders": INTEGER,
            "first_time_share": DOUBLE,
            "launch_days": INTEGER,
            "trials": INTEGER,
            "novelty_signs": INTEGER,
        }
    ),
    "plan.tag_words": pa.schema({"purpose": TEXT, "word": TEXT}),
    "plan.tag_areas": pa.schema({"area_id": TEXT, "label_zh": TEXT, "label_en": TEXT, "province": TEXT}),
    "plan.tag_cycles": pa.schema(
        {"cycle_id": TEXT, "label_zh": TEXT, "label_en": TEXT, "days_from": INTEGER, "days_below": INTEGER}
    ),
}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The tables of the tags on a day."""
    tags = plan.segments.tags
    words = [(ACTIVE_KIND, kind) for kind in tags.active_kinds]
    words += [(PRICE_WORD, word.lower()) for word in tags.price_sensitive.price_words]
    return {
        "plan.tag_settings": [_settings(tags, as_of)],
        "plan.tag_words": [{"purpose": purpose, "word": word} for purpose, word in dict.fromkeys(words)],
        "plan.tag_areas": [
            {"area_id": area.id, **labels(area.label), "province": province}
            for area in tags.areas
            for province in area.provinces
        ],
        "plan.tag_cycles": list(_cycles(tags)),
    }


def classes(plan: Plan) -> list[Row]:
    """None: a customer may have any number of tags, so they divide nobody into classes."""
    return []


def check(plan: Plan) -> None:
    """What is wrong is refused where the plan is read."""


def _settings(tags: Tags, as_of: date) -> Row:
    price, loyal, novelty = tags.price_sensitive, tags.brand_loyal, tags.novelty_seeking
    months = tags.window_months
    return {
        "window_start": months_before(as_of, months),
        "window_zh": f"近 {months} 个月",
        "window_en": "in the last month" if months == 1 else f"in the last {months} months",
        "frequent_orders": tags.frequent_orders,
        "active_contacts": tags.active_contacts,
        "preferred_share": tags.preferred_share,
        "preferred_orders": tags.preferred_orders,
        "service_requests": tags.service_requests,
        "cycle_orders": tags.cycle_orders,
        "cycle_variation": tags.cycle_variation,
        "price_orders": price.orders_least,
        "cheap_ratio": price.cheap_ratio,
        "trend_ratio": price.trend_ratio,
        "campaign_share": price.campaign_share,
        "campaign_days": price.campaign_days,
        "price_signs": price.signs_least,
        "loyal_orders": loyal.orders_least,
        "loyal_days": loyal.days_least,
        "loyal_share": loyal.same_product_share,
        "novelty_orders": novelty.orders_least,
        "first_time_share": novelty.first_time_share,
        "launch_days": novelty.launch_days,
        "trials": novelty.trials_least,
        "novelty_signs": novelty.signs_least,
    }


def _cycles(tags: Tags) -> Iterator[Row]:
    """Each cycle from where the shorter one ends."""
    days_from = 0
    for cycle in tags.cycles:
        yield {"cycle_id": cycle.id, **labels(cycle.label), "days_from": days_from, "days_below": cycle.days_below}
        days_from = cycle.days_below
