"""Customers of four kinds, with the features personas are found by, before anything is known of their kinds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

KINDS: dict[str, dict[str, float]] = {
    "regulars": {"recency_days": 15, "frequency": 20, "monetary_amount": 200_000, "order_amount": 10_000},
    "newcomers": {"recency_days": 20, "frequency": 1.2, "monetary_amount": 3_000, "order_amount": 2_500},
    "lapsed": {"recency_days": 400, "frequency": 0.4, "monetary_amount": 1_000, "order_amount": 2_500},
    "rare_and_large": {"recency_days": 150, "frequency": 1.5, "monetary_amount": 150_000, "order_amount": 100_000},
}
TENURE = {"regulars": 700, "newcomers": 40, "lapsed": 700, "rare_and_large": 500}
FEATURES = ("recency_days", "frequency", "monetary_amount", "order_amount", "tenure_days", "touches_12m")


def customers(each: int = 60, kinds: Sequence[str] = tuple(KINDS), seed: int = 7, **columns: object) -> pd.DataFrame:
    """`each` customers of every kind, around its numbers by a fifth or so, as `dws.customer_features` tells of them."""
    chance = np.random.default_rng(seed)
    frames = []
    for kind in kinds:
        typical = KINDS[kind] | {"tenure_days": TENURE[kind], "touches_12m": KINDS[kind]["frequency"] * 2}
        own = {name: typical[name] * chance.lognormal(0, 0.2, each) for name in FEATURES}
        frames.append(pd.DataFrame(own | {"kind_of_customer": kind}))
    table = pd.concat(frames, ignore_index=True)
    who = {"has_ordered": True, "kind": "company", "industry": "C 制造业", "region": "浙江省-杭州市", "currency": "CNY"}
    who |= {"last_nps_score": 9.0, "is_high_value": table["kind_of_customer"] == "regulars"}
    rare = dict.fromkeys(("visits_12m", "complaints_12m", "logins_12m", "margin_rate"), np.nan)
    ids = [f"C{number:05d}" for number in range(1, len(table) + 1)]
    return table.assign(customer_id=ids, **who | rare | columns)


def nobody(customer_id: str) -> pd.DataFrame:
    """A customer who never ordered."""
    return customers(1, ["lapsed"], has_ordered=False).assign(
        customer_id=customer_id, **dict.fromkeys(FEATURES, np.nan), is_high_value=False
    )
