"""What the figures of a member leave out: amounts that name no member, though they were spent for them all (I12, U15).

Wages are not booked by channel: the cost of a channel is without them, and what a customer of it costs can't be held
against a target for the whole cost.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from assets.ads.catalogue import Catalogue, Fact
from assets.ads.figures import amount, percent
from assets.ads.kpi_query import TOTAL, UNKNOWN, measure_column
from assets.chinese import chinese
from pipeline.plan import Label

KEYS = ["kpi", "variant", "period_kind", "period", "dimension"]
LEFT_OUT = ("left_out_amount", "left_out_zh", "left_out_en")

_Row = Mapping[str, Any]
_Period = tuple[str, str]


class _Part(NamedTuple):
    """What of a fact's amounts names no member."""

    fact: Fact
    amount: float
    rate: float


def left_out(parts: pd.DataFrame, catalogue: Catalogue, currency: str) -> pd.DataFrame:
    """What every variant leaves out by period and dimension: the amount, its part of the whole (0-1), and in words.

    Args:
        parts: The rows of `measured`.
        catalogue: What they belong to; its shared facts are looked at.
        currency: The plan's.
    """
    whole = {_where(row): row for row in parts.loc[parts["dimension"] == TOTAL].to_dict("records")}
    unnamed = parts.loc[parts["member"] == UNKNOWN].to_dict("records")
    rows = [
        {**dict(zip(KEYS, (kpi, name, *key), strict=True)), **_told(found, key[-1], currency)}
        for kpi, told in catalogue.kpis.items()
        for name, variant in told.variants.items()
        if (measures := catalogue.shared(variant))
        for key, found in _unnamed(whole, unnamed, catalogue, measures)
        if key[-1] in catalogue.dimensions(kpi, variant)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "left_out_rate", *LEFT_OUT]).astype(
        {"left_out_rate": float, "left_out_amount": float}
    )


def _unnamed(
    whole: Mapping[_Period, _Row], unnamed: Iterable[_Row], catalogue: Catalogue, measures: Iterable[str]
) -> Iterator[tuple[tuple[str, str, str], list[_Part]]]:
    """Of each period and dimension the shared amounts without a member; of a fact the one that weighs most."""
    for row in unnamed:
        heaviest: dict[str, _Part] = {}
        for name in measures:
            column, fact = measure_column(name), catalogue.fact_of[name]
            part = _part(catalogue.facts[fact], row[column], whole[_where(row)][column])
            if part.rate > 0 and part.rate >= heaviest.get(fact, part).rate:
                heaviest[fact] = part
        if heaviest:
            yield (*_where(row), row["dimension"]), list(heaviest.values())


def _where(row: _Row) -> _Period:
    return row["period_kind"], row["period"]


def _part(fact: Fact, unnamed: float, whole: float) -> _Part:
    if pd.isna(unnamed) or unnamed == 0:
        return _Part(fact, 0.0, 0.0)
    # credit notes may make the whole less than its parts, or nothing
    rate = min(abs(unnamed / whole), 1.0) if not pd.isna(whole) and whole else 1.0
    return _Part(fact, float(unnamed), float(rate))


def _told(found: list[_Part], dimension: str, currency: str) -> dict[str, Any]:
    heaviest = max(found, key=lambda part: part.rate)
    words = [_words(part, dimension, currency) for part in found]
    return {
        "left_out_rate": heaviest.rate,
        "left_out_amount": heaviest.amount,
        "left_out_zh": "；".join(word.zh for word in words),
        "left_out_en": "; ".join(word.en for word in words),
    }


def _words(part: _Part, dimension: str, currency: str) -> Label:
    what, money = part.fact.shared, amount(part.amount, currency)
    assert what is not None
    member = Label(zh=chinese().words["dimension"][dimension], en=dimension.replace("_", " "))
    return Label(
        zh=f"不含未注明{member.zh}的{what.zh} {money.zh}（占全部{what.zh}的 {percent(part.rate)}）",
        en=f"without the {money.en} of {what.en} that names no {member.en} ({percent(part.rate)} of all {what.en})",
    )
