"""The tables of the personas: what they hold, and how they come of what was found."""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from assets.dws.personas.features import MEASURES, number_texts
from assets.dws.personas.finding import NONE, Before, Found
from assets.dws.personas.profiles import Profile, profiles, reasons, sentence
from pipeline.plan import Label, Plan
from pipeline.tables import TableSpec

KMEANS, NO_ORDER, REFUSED = "kmeans", "no_order", "refused"
NOBODY = Label(zh="未分群客户", en="In no group")
UNKNOWN = Label(zh="不详", en="unknown")
DIGITS = 6
"""Libraries differ in the last digits of a double."""

CUSTOMER_PERSONA = TableSpec(
    name="dws.customer_persona",
    description="The group of similar customers each customer belongs to, found by k-means; ids stay from day to day.",
    grain=("customer_id",),
    columns={
        "customer_id": ("text", "Customer"),
        "class_id": ("text", "Persona; persona_none of who is in no group"),
        "rule_id": ("text", "kmeans; no_order: never ordered; refused: no groups were found, the sentence says why"),
        "label_zh": ("text", "Name of the persona in Chinese"),
        "label_en": ("text", "Name of the persona in English"),
        "distance": (
            "double precision",
            "Distance from the centre of the persona: standard deviations, root mean square over the features; NULL of "
            "who is in none",
        ),
        "filled_features": (
            "text",
            "Features the customer lacks and was counted as average in, with commas; NULL where it lacks none",
        ),
        "previous_class_id": ("text", "Persona in the run before; NULL if there was none, or the customer was new"),
        "has_moved": (
            "boolean",
            "Whether it has another persona than in the run before; NULL if not in one both times",
        ),
        "sentence_zh": ("text", "Why, in Chinese, with the customer's own numbers"),
        "sentence_en": ("text", "Why, in English, with the customer's own numbers"),
    },
)

_TYPES = {
    "days": "double precision",
    "count": "double precision",
    "amount": "numeric(18,2)",
    "rate": "double precision",
}

PERSONAS = TableSpec(
    name="dws.personas",
    description="One row per persona: how many customers, where its centre lies, what marks it against all, and "
    "whether it was there before. Customers in no group are a row of their own, so that the shares add up to 1.",
    grain=("class_id",),
    columns={
        "class_id": ("text", "Persona; persona_none is who is in no group"),
        "position": ("bigint", "Place by customers, 1 the largest; persona_none is last"),
        "label_zh": ("text", "Name in Chinese, by the features that mark it most"),
        "label_en": ("text", "Name in English, by the features that mark it most"),
        "sentence_zh": ("text", "Profile in Chinese: what marks it against the mean of all"),
        "sentence_en": ("text", "Profile in English: what marks it against the mean of all"),
        "customers": ("bigint", "Customers"),
        "customer_share": ("double precision", "Part of all customers, 0-1; NULL where there are none"),
        "high_value_share": ("double precision", "Part of its customers that are of high value by the plan, 0-1"),
        "company_share": ("double precision", "Part of its customers that are companies, of those whose kind is known"),
        "main_industry": ("text", "Most frequent industry; NULL where none is known"),
        "main_industry_share": ("double precision", "Part of its customers in it, of those whose industry is known"),
        "main_region": ("text", "Most frequent region; NULL where none is known"),
        "main_region_share": ("double precision", "Part of its customers in it, of those whose region is known"),
        "mean_nps_score": (
            "double precision",
            "Mean of the last recommendation scores, 0-10; NULL where nobody answered",
        ),
        **{
            name: (
                _TYPES[measure.unit],
                f"{measure.holds}: centre of the group"
                + (", the mean on a logarithmic scale" if measure.is_skewed else "")
                + "; NULL where customers are not told apart by it",
            )
            for name, measure in MEASURES.items()
        },
        "currency": ("text", "Currency of the amounts"),
        "is_new": ("boolean", "Whether it was not there in the run before; NULL of persona_none"),
        "previous_as_of": ("date", "Day of the run before; NULL if there was none with groups"),
        "previous_distance": (
            "double precision",
            "How far its centre has moved since: standard deviations, root mean square over the features; NULL if new",
        ),
    },
)


TODAY = re.compile(r"(?<![\d,.])0 days ago")
ONE = re.compile(r"(?<![\d,.])(1 (?:order|contact|visit|complaint|login|day))s\b")


def customer_persona(customers: pd.DataFrame, found: Found, before: Before, plan: Plan) -> pd.DataFrame:
    """`dws.customer_persona` from all customers with their features, sorted by customer_id."""
    ordered = customers["has_ordered"].to_numpy(bool)
    apart = np.ones(len(customers), bool) if found.refused else ~ordered
    parts = [_nobody(customers[apart], found)]
    if not found.refused:
        parts.append(_members(customers[~apart], found, plan))
    table = pd.concat(parts).sort_index(ignore_index=True)
    previous = table["customer_id"].map(before.members)
    both = previous.notna() & (previous != NONE) & (table["class_id"] != NONE)
    moved = (table["class_id"] != previous).astype("boolean").where(both)
    return table.assign(previous_class_id=previous, has_moved=moved)


def _nobody(customers: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Customers in no group, with the reason."""
    ordered = customers["has_ordered"].to_numpy(bool)
    refused = found.refused or NOBODY
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "class_id": NONE,
            "rule_id": np.where(ordered, REFUSED, NO_ORDER),
            "label_zh": NOBODY.zh,
            "label_en": NOBODY.en,
            "distance": np.nan,
            "filled_features": pd.Series(None, index=customers.index, dtype="str"),
            "sentence_zh": np.where(ordered, f"未分群：{refused.zh}。", "尚未下单，不参与分群。"),
            "sentence_en": np.where(ordered, f"In no group: {refused.en}.", "No order yet, so in no group."),
        }
    )


def _members(customers: pd.DataFrame, found: Found, plan: Plan) -> pd.DataFrame:
    """Customers in the groups that were found, in the order of their points."""
    names = found.points.names
    distances = found.groups.distances(found.points.scores).round(DIGITS)
    table = customers[["customer_id", *names]].assign(distance=distances, filled_features=_filled(customers, names))
    parts = []
    for place, profile in enumerate(profiles(found, plan.segments.personas.marked_from)):
        own = table[found.groups.members == place]
        zh, en = _sentences(own, profile, names, plan)
        label = {"label_zh": profile.label.zh, "label_en": profile.label.en, "rule_id": KMEANS}
        parts.append(
            own.drop(columns=names).assign(class_id=found.class_ids[place], **label, sentence_zh=zh, sentence_en=en)
        )
    return pd.concat(parts)


def _sentences(customers: pd.DataFrame, profile: Profile, names: list[str], plan: Plan) -> tuple[list[str], list[str]]:
    """Why each is in the group, in Chinese and in English."""
    told, form = reasons(profile, names, plan)
    numbers = {name: customers[name].to_numpy(float) for name in told}
    chinese = map(form.zh.format, *(_texts(name, own, UNKNOWN.zh) for name, own in numbers.items()))
    english = map(form.en.format, *(_texts(name, own, UNKNOWN.en) for name, own in numbers.items()))
    return [text.replace("在 0 天前", "在今天") for text in chinese], list(map(_well_told, english))


def _well_told(text: str) -> str:
    """
    >>> _well_told("Last order 0 days ago, 1 contacts in the last 12 months, 21 orders in 12 months.")
    'Last order today, 1 contact in the last 12 months, 21 orders in 12 months.'
    """
    return ONE.sub(r"\1", TODAY.sub("today", text))


def _texts(name: str, values: np.ndarray, unknown: str) -> list[str]:
    texts = number_texts(name, values)
    for place in np.flatnonzero(np.isnan(values)):
        texts[place] = unknown
    return texts


def _filled(customers: pd.DataFrame, names: list[str]) -> pd.Series:
    """The features each customer lacks, with commas; NULL where it lacks none."""
    filled = pd.Series(None, index=customers.index, dtype="str")
    for name in names:
        lacking = customers.index[customers[name].isna()]
        filled.loc[lacking] = (filled.loc[lacking] + ",").fillna("") + name
    return filled


def personas(customers: pd.DataFrame, found: Found, before: Before, plan: Plan) -> pd.DataFrame:
    """`dws.personas` from all customers with their features, sorted by customer_id."""
    ordered = customers["has_ordered"].to_numpy(bool)
    if found.refused:
        return _table([_who_is_in_none(customers, customers, found, plan)])
    grouped = customers[ordered]
    centres = found.points.natural(found.groups.centres)
    rows = []
    for place, profile in enumerate(profiles(found, plan.segments.personas.marked_from)):
        class_id, own = found.class_ids[place], centres.loc[place].to_dict()
        members = grouped[found.groups.members == place]
        rows.append(
            {
                "class_id": class_id,
                **_told(profile.label, sentence(found, profile, own, len(members), plan)),
                **_who(members, len(customers)),
                **{name: _number(name, value) for name, value in own.items()},
                "currency": plan.currency,
                "is_new": class_id not in found.distances,
                "previous_as_of": before.as_of,
                "previous_distance": _rounded(found.distances.get(class_id)),
            }
        )
    rows.sort(key=lambda row: (-row["customers"], row["class_id"]))
    rows.append(_who_is_in_none(customers[~ordered], customers, found, plan))
    return _table(rows)


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows in their order; as objects, since a column may be empty."""
    placed = [row | {"position": position} for position, row in enumerate(rows, start=1)]
    return pd.DataFrame(placed, columns=list(PERSONAS.columns), dtype=object)


def _who_is_in_none(apart: pd.DataFrame, customers: pd.DataFrame, found: Found, plan: Plan) -> dict[str, Any]:
    number = len(apart)
    reason = found.refused or Label(zh="尚未下过单", en="no order yet")
    said = Label(
        zh=f"共 {number:,} 位客户未分群：{reason.zh}。" if number else "所有客户都已分群。",
        en=f"{number:,} in no group: {reason.en}." if number else "Every customer is in a group.",
    )
    return {
        "class_id": NONE,
        **_told(NOBODY, said),
        **_who(apart, len(customers)),
        "currency": plan.currency,
    }


def _told(label: Label, said: Label) -> dict[str, str]:
    return {"label_zh": label.zh, "label_en": label.en, "sentence_zh": said.zh, "sentence_en": said.en}


def _who(members: pd.DataFrame, every: int) -> dict[str, Any]:
    """Who belongs to a group, beside what it was found by (S0 §2.3, §5.2)."""
    kinds = members["kind"].dropna()
    return {
        "customers": len(members),
        "customer_share": len(members) / every if every else None,
        "high_value_share": _rounded(members["is_high_value"].mean()),
        "company_share": _rounded((kinds == "company").mean()),
        **_most_frequent(members["industry"], "main_industry"),
        **_most_frequent(members["region"], "main_region"),
        "mean_nps_score": _rounded(members["last_nps_score"].mean()),
    }


def _most_frequent(values: pd.Series, name: str) -> dict[str, Any]:
    """The most frequent value, of equally frequent ones the first by name, and its share of those known."""
    counts = values.value_counts()
    if counts.empty:
        return {name: None, f"{name}_share": None}
    value = min(counts[counts == counts.max()].index)
    return {name: value, f"{name}_share": _rounded(counts.max() / counts.sum())}


def _number(name: str, value: float) -> float | Decimal:
    is_money = MEASURES[name].unit == "amount"
    return Decimal(f"{value:.2f}") if is_money else round(value, DIGITS)


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), DIGITS)
