"""Who moved from class to class: today against the last evaluated day, a week, a month, a quarter ago (F137, U10)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd
from sqlglot import exp

from assets.day import ProjectDay
from pipeline.engine import snippet
from pipeline.plan_tables import months_before
from pipeline.tables import TableSpec

CLASSES = "dws.customer_classes"
BEFORE = "dws.customer_classes_before"
NEW, GONE = "(new)", "(gone)"
LABELS = {NEW: ("新出现", "Not known before"), GONE: ("不再出现", "No longer known")}

SEGMENT_TRANSITIONS = TableSpec(
    name="ads.segment_transitions",
    description="One row per scheme, day compared with, class of then and of now: how many customers went that way.",
    grain=("scheme", "compared_with", "from_class_id", "to_class_id"),
    columns={
        "scheme": ("text", "Scheme of classes"),
        "compared_with": ("text", "previous, week, month or quarter: the newest day evaluated at least that long ago"),
        "from_day": ("date", "The day compared with"),
        "from_class_id": ("text", "Class on that day; (new) where the customer was not known"),
        "from_label_zh": ("text", "Name of that class in Chinese"),
        "from_label_en": ("text", "Name of that class in English"),
        "to_class_id": (
            "text",
            "Class today; (gone) where the customer is no longer known, or was merged with another",
        ),
        "to_label_zh": ("text", "Name of today's class in Chinese"),
        "to_label_en": ("text", "Name of today's class in English"),
        "is_move": ("boolean", "Whether the two classes differ"),
        "customers": ("bigint", "Customers who went that way"),
        "share_of_from": ("double precision", "Part of the customers of the class of then, 0-1"),
    },
)


class Comparison(NamedTuple):
    """A day to compare with, and what it is called."""

    name: str
    day: date


def comparisons(days: list[date], as_of: date) -> Iterator[Comparison]:
    """For each distance the newest of the days that is at least so far back; none where there is none.

    >>> list(comparisons([date(2026, 11, 1), date(2026, 11, 19)], date(2026, 11, 20)))[-1]
    Comparison(name='week', day=datetime.date(2026, 11, 1))
    """
    latest = {
        "previous": as_of - timedelta(days=1),
        "week": as_of - timedelta(weeks=1),
        "month": months_before(as_of, 1),
        "quarter": months_before(as_of, 3),
    }
    for name, limit in latest.items():
        found = [day for day in days if day <= limit]
        if found:
            yield Comparison(name, max(found))


def segment_transitions(day: ProjectDay) -> pd.DataFrame:
    """The table `ads.segment_transitions` of a day."""
    found = [_moves(day, comparison) for comparison in comparisons(day.lake.days(CLASSES), day.as_of)]
    columns = list(SEGMENT_TRANSITIONS.columns)
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _moves(day: ProjectDay, comparison: Comparison) -> pd.DataFrame:
    tables = {CLASSES: day.relation(CLASSES), BEFORE: day.lake.snapshot(CLASSES, comparison.day)}
    with day.engine.session(zone=day.project.plan.timezone, tables=tables, values={}) as session:
        moves = session.frame(_counted())
    told = moves.assign(compared_with=comparison.name, from_day=comparison.day)
    for side, absent in (("from", NEW), ("to", GONE)):
        missing = told[f"{side}_class_id"].isna()
        told.loc[missing, [f"{side}_class_id", f"{side}_label_zh", f"{side}_label_en"]] = (absent, *LABELS[absent])
    of_then = told.groupby(["scheme", "from_class_id"])["customers"].transform("sum")
    return told.assign(is_move=told["from_class_id"] != told["to_class_id"], share_of_from=told["customers"] / of_then)


def _counted() -> exp.Query:
    """Customers by scheme, class of then and class of now; on either side nothing where they are not known."""
    return snippet(
        "select coalesce(n.scheme, b.scheme) as scheme,"
        " b.class_id as from_class_id, b.label_zh as from_label_zh, b.label_en as from_label_en,"
        " n.class_id as to_class_id, n.label_zh as to_label_zh, n.label_en as to_label_en,"
        " count(*) as customers"
        " from $now as n full outer join $before as b on b.customer_id = n.customer_id and b.scheme = n.scheme"
        " where coalesce(n.scheme, b.scheme) in (select scheme from $now)"
        " and coalesce(n.scheme, b.scheme) in (select scheme from $before)"
        " group by coalesce(n.scheme, b.scheme),"
        " b.class_id, b.label_zh, b.label_en, n.class_id, n.label_zh, n.label_en",
        now=exp.to_table(CLASSES),
        before=exp.to_table(BEFORE),
    )


def segment_transitions_lineage() -> dict[str, list[tuple[str, str]]]:
    """What each column is made of: all but the names of days of the classes."""
    named = ("class_id", "label_zh", "label_en")
    sided = {f"{side}_{name}": [(CLASSES, name)] for side in ("from", "to") for name in named}
    every = [(CLASSES, "customer_id"), (CLASSES, "class_id")]
    return {
        "scheme": [(CLASSES, "scheme")],
        **sided,
        **{name: every for name in ("is_move", "customers", "share_of_from")},
    }
