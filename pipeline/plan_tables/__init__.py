"""The plan as small tables of the schema `plan`, which is how its values reach SQL.

Calendar arithmetic is done here once, so that every engine compares plain dates: "less than three months ago" is
`last_ordered_on > last_order_after`, and the last day of a shorter month stands in for a day it does not have.

A scheme of classes is a module with `SCHEMAS`, its tables' columns; `rows`, its tables on a day; `classes`, its classes
for `plan.segment_classes`; and `check`, which refuses what can't be applied.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import pyarrow as pa

from pipeline.errors import ConfigurationError
from pipeline.plan import Plan, Play
from pipeline.plan_tables import (
    budget,
    churn,
    cohorts,
    groups,
    lead_grades,
    lifecycle,
    market,
    matrix,
    periods,
    rfm,
    spend_classes,
    tags,
    tiers,
    value,
    win_back,
)
from pipeline.plan_tables.periods import WHOLE
from pipeline.plan_tables.rfm import CELLS
from pipeline.plan_tables.rows import DATE, DOUBLE, FLAG, INTEGER, TEXT, Row, currency_zh, labels, months_before

__all__ = ["CELLS", "SCHEMAS", "WHOLE", "months_before", "plan_tables"]

SCHEMES = (
    rfm,
    spend_classes,
    value,
    matrix,
    groups,
    tiers,
    lifecycle,
    churn,
    win_back,
    tags,
    budget,
    cohorts,
    lead_grades,
)
"""In the order their classes are told."""

OWN_SCHEMAS: dict[str, pa.Schema] = {
    "plan.settings": pa.schema(
        {
            "campaign_starts_on": DATE,
            "campaign_end": DATE,
            "baseline_starts_on": DATE,
            "baseline_end": DATE,
            "currency": TEXT,
            "currency_zh": TEXT,
            "rfm_window_months": INTEGER,
            "rfm_window_start": DATE,
            "abc_a_until": DOUBLE,
            "abc_b_until": DOUBLE,
            "high_value": TEXT,
            "high_value_spend": DOUBLE,
            "valid_contactable": FLAG,
            "valid_demand_tag": FLAG,
            "valid_minimum_score": DOUBLE,
            "valid_repeat_days": INTEGER,
        }
    ),
    "plan.segment_classes": pa.schema(
        {
            "scheme": TEXT,
            "class_id": TEXT,
            "position": INTEGER,
            "segment": TEXT,
            "label_zh": TEXT,
            "label_en": TEXT,
            "definition_zh": TEXT,
            "definition_en": TEXT,
        }
    ),
    "plan.high_value_grades": pa.schema({"grade": TEXT}),
    "plan.channels": pa.schema({"channel": TEXT, "label_zh": TEXT, "label_en": TEXT, "weight": DOUBLE}),
    "plan.strategy_schemes": pa.schema({"scheme": TEXT, "position": INTEGER}),
    "plan.playbook": pa.schema(
        {
            "segment": TEXT,
            "strategy_zh": TEXT,
            "strategy_en": TEXT,
            "resource_zh": TEXT,
            "resource_en": TEXT,
            "owner": TEXT,
        }
    ),
}

SCHEMAS: dict[str, pa.Schema] = {
    name: schema
    for schemas in (OWN_SCHEMAS, periods.SCHEMAS, market.SCHEMAS, *(scheme.SCHEMAS for scheme in SCHEMES))
    for name, schema in schemas.items()
}


def plan_tables(plan: Plan, as_of: date, *, additive: frozenset[str]) -> dict[str, pa.Table]:
    """Every table of the plan as it stands on a day; `additive` names the indicators that add up over time.

    Raises:
        ConfigurationError: the rules of the segments or the playbook can't be applied as they are written.
    """
    for scheme in SCHEMES:
        scheme.check(plan)
    classes = [row for scheme in SCHEMES for row in scheme.classes(plan)]
    segments = [row["segment"] for row in classes]
    _check_segments(segments)
    rows: dict[str, list[Row]] = {
        "plan.settings": [_settings(plan, as_of)],
        "plan.segment_classes": classes,
        "plan.high_value_grades": [{"grade": grade} for grade in plan.definitions.high_value_grades],
        "plan.channels": [
            {"channel": channel.id, **labels(channel.label), "weight": channel.weight} for channel in plan.channels
        ],
        "plan.strategy_schemes": [
            {"scheme": scheme, "position": position}
            for position, scheme in enumerate(plan.segments.strategy_by, start=1)
        ],
        "plan.playbook": list(_playbook(plan.plays(segments))),
        "plan.periods": list(periods.periods(plan, as_of)),
        "plan.targets": list(periods.targets(plan, as_of, additive)),
        "plan.days": list(periods.days(plan, as_of)),
        **market.rows(plan),
    }
    for scheme in SCHEMES:
        rows |= scheme.rows(plan, as_of)
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def _check_segments(segments: list[str]) -> None:
    twice = sorted({segment for segment in segments if segments.count(segment) > 1})
    if twice:
        raise ConfigurationError(
            f"plan.yaml segments: {', '.join(twice)} name a class of two schemes, and the playbook could mean either; "
            "rename the one that is yours"
        )


def _settings(plan: Plan, as_of: date) -> Row:
    valid, rfm, abc = plan.definitions.valid_lead, plan.segments.rfm, plan.segments.abc
    return {
        "campaign_starts_on": plan.campaign.starts_on,
        "campaign_end": plan.campaign.end,
        "baseline_starts_on": plan.baseline.starts_on,
        "baseline_end": plan.baseline.end,
        "currency": plan.currency,
        "currency_zh": currency_zh(plan),
        "rfm_window_months": rfm.window_months,
        "rfm_window_start": months_before(as_of, rfm.window_months),
        "abc_a_until": abc.a_until,
        "abc_b_until": abc.b_until,
        "high_value": plan.definitions.high_value,
        "high_value_spend": plan.definitions.high_value_spend,
        "valid_contactable": valid.contactable,
        "valid_demand_tag": valid.demand_tag,
        "valid_minimum_score": valid.minimum_score,
        "valid_repeat_days": valid.repeat_days,
    }


def _playbook(plays: Mapping[str, Play]) -> Iterator[Row]:
    for segment, play in plays.items():
        yield {
            "segment": segment,
            "strategy_zh": play.strategy.zh,
            "strategy_en": play.strategy.en,
            "resource_zh": play.resource.zh,
            "resource_en": play.resource.en,
            "owner": play.owner,
        }
