"""What a customer is worth by four plain factors: margin, order value, orders a year, years (I16)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.dws.value.likelihood import two_sided
from assets.model_fits import Fit, fit_row
from pipeline.plan import Label, Value

DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Lifetime:
    """How many years a customer stays, and where that is known from; None with a reason where it isn't."""

    years: float | None
    source: str | None
    reason: Label | None = None
    left_rate: float | None = None
    left_bounds: tuple[float | None, float | None] = (None, None)
    customers: int = 0


def lifetime(was_active: np.ndarray, is_active: np.ndarray, plan: Value) -> Lifetime:
    """The plan's years, else one over the share of the customers active a year ago who have left since."""
    customers = int(was_active.sum())
    rate, bounds = _left(int((was_active & ~is_active).sum()), customers, plan)
    if plan.lifetime_years is not None:
        return Lifetime(plan.lifetime_years, "plan", None, rate, bounds, customers)
    if rate is None:
        reason = Label(
            zh=f"一年前活跃的客户只有 {customers} 位，不足 {plan.fewest_customers} 位，无法推算客户寿命",
            en=f"customers active a year ago are {customers}, fewer than {plan.fewest_customers}: "
            "too few to derive a lifetime",
        )
        return Lifetime(None, None, reason, customers=customers)
    return Lifetime(_years(rate, plan), "churn", None, rate, bounds, customers)


def _left(leavers: int, customers: int, plan: Value) -> tuple[float | None, tuple[float | None, float | None]]:
    """Share who left, with Wilson's interval; none of too few customers."""
    if customers < plan.fewest_customers:
        return None, (None, None)
    z, share = two_sided(plan.confidence), leavers / customers
    weight = 1 + z**2 / customers
    centre = (share + z**2 / (2 * customers)) / weight
    half = z * np.sqrt(share * (1 - share) / customers + z**2 / (4 * customers**2)) / weight
    return share, (max(float(centre - half), 0.0), min(float(centre + half), 1.0))


def _years(rate: float, plan: Value) -> float:
    return min(1 / rate, plan.longest_lifetime_years) if rate else plan.longest_lifetime_years


TOO_FEW = Label(zh="一年前活跃的客户太少", en="too few customers active a year ago")
DECLARED = Label(zh="由方案给定", en="declared in the plan")


def lifetime_fits(found: Lifetime, plan: Value) -> list[Fit]:
    """What `meta.models` says of the lifetime."""
    lower, upper = found.left_bounds
    refused = found.reason
    is_derived = found.source == "churn"
    few = None if found.left_rate is not None or refused else TOO_FEW
    words = Label(
        zh="一年前活跃、此后流失（lifecycle.churned_months）的客户占比",
        en="share of customers active a year ago who have churned since (lifecycle.churned_months)",
    )
    return [
        fit_row(
            "lifetime", "yearly_churn_rate", found.left_rate, "share", words, found.customers,
            bounds=found.left_bounds, refused=refused or few,
        ),
        fit_row(
            "lifetime", "lifetime_years", found.years, "years",
            Label(zh="客户寿命：方案给定，或年流失率的倒数", en="lifetime: the plan's, or one over the yearly churn"),
            found.customers,
            bounds=(_years(upper, plan), _years(lower, plan)) if is_derived else (None, None),
            refused=refused,
            note=_cut(found, plan) if is_derived else DECLARED,
        ),
    ]  # fmt: skip


def _cut(found: Lifetime, plan: Value) -> Label | None:
    if found.left_rate and 1 / found.left_rate <= plan.longest_lifetime_years:
        return None
    years = f"{plan.longest_lifetime_years:g}"
    return Label(zh=f"按方案上限取 {years} 年", en=f"cut at the plan's {years} years")


def margins(customers: pd.DataFrame, plan: Value) -> pd.DataFrame:
    """Each customer's `margin_rate` and its `margin_source`: customer, plan or company.

    A customer's own is that of the last 12 months, if the cost of every order is known; the company's is that of all
    such customers together, if they make enough of the spend.
    """
    spend, margin = customers["net_amount_12m"].to_numpy(), customers["margin_amount_12m"].to_numpy()
    is_known = (spend > 0) & ~np.isnan(margin)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(is_known, margin / spend, np.nan)
    rate, source = plan.margin_rate, "plan"
    if rate is None:
        covered, total = spend[is_known].sum(), spend[spend > 0].sum()
        if total > 0 and covered / total >= plan.margin_coverage:
            rate, source = margin[is_known].sum() / covered, "company"
    return pd.DataFrame(
        {
            "margin_rate": np.where(is_known, own, np.nan if rate is None else rate),
            "margin_source": np.where(is_known, "customer", None if rate is None else source),
        },
        index=customers.index,
    )


def simple_values(customers: pd.DataFrame, years: float | None) -> pd.DataFrame:
    """The other factors and their product: order value and orders a year over all history, of at least a year.

    `customers` has orders, net_amount, known_days and margin_rate.
    """
    orders = customers["orders"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        order_value = np.where(orders > 0, customers["net_amount"].to_numpy() / orders, np.nan)
    known_years = np.maximum(customers["known_days"].fillna(0).to_numpy() / DAYS_A_YEAR, 1.0)
    frequency = orders / known_years
    stays = np.nan if years is None else years
    return pd.DataFrame(
        {
            "order_value": order_value,
            "yearly_frequency": frequency,
            "lifetime_years": stays,
            "ltv_simple": customers["margin_rate"].to_numpy() * order_value * frequency * stays,
        },
        index=customers.index,
    )
