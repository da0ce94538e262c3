"""What each customer is worth: by four plain factors, and by a model of when and for how much he buys (I16)."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from assets.day import ProjectDay
from assets.dws.value import bg_nbd
from assets.dws.value.fits import amount_fits, holdout_fits, purchase_fits
from assets.dws.value.forecast import HORIZONS, Months, fit_amounts, fit_purchases, forecast
from assets.dws.value.likelihood import Estimate, NoFit
from assets.dws.value.simple import lifetime, lifetime_fits, margins, simple_values
from assets.factory import Lineage, python_asset
from assets.model_fits import Fit, write_fits
from pipeline.engine import snippet
from pipeline.plan import Label, Plan, Value
from pipeline.tables import TableSpec

MONEY, NUMBER, COUNT, TEXT = "numeric(18,2)", "double precision", "bigint", "text"
Sources = list[tuple[str, str]]
ACTIVITY, HISTORY = "dws.customer_activity", "dws.purchase_history"


def _horizon(months: int) -> dict[str, tuple[str, str]]:
    when = f"in the next {months} months"
    return {
        f"expected_purchases_{months}m": (NUMBER, f"Days of purchase to expect {when}, by BG/NBD"),
        f"expected_purchases_{months}m_lower": (NUMBER, "Lower end of how sure the model is of that mean"),
        f"expected_purchases_{months}m_upper": (NUMBER, "Upper end of how sure the model is of that mean"),
        f"fewest_purchases_{months}m": (COUNT, f"Days of purchase {when} will hardly be fewer than this"),
        f"most_purchases_{months}m": (COUNT, f"Days of purchase {when} will hardly be more than this"),
        f"expected_spend_{months}m_amount": (
            MONEY,
            f"Net spend to expect {when}, by BG/NBD and Gamma-Gamma, discounted by the plan's rate",
        ),
        f"expected_spend_{months}m_lower_amount": (MONEY, "Lower end of how sure the models are of that mean"),
        f"expected_spend_{months}m_upper_amount": (MONEY, "Upper end of how sure the models are of that mean"),
    }


CUSTOMER_VALUE = TableSpec(
    name="dws.customer_value",
    description="One row per customer: what he is worth by four plain factors and by a model of his purchases.",
    grain=("customer_id",),
    columns={
        "customer_id": (TEXT, "Customer"),
        "currency": (TEXT, "Currency of the amounts"),
        "margin_rate": (NUMBER, "Share of net spend left after the cost of what was sold; NULL where nothing tells it"),
        "margin_source": (
            TEXT,
            "Where the margin is from: customer (own orders of 12 months, every cost known), plan, or company "
            "(all such customers together)",
        ),
        "order_amount": (MONEY, "Net spend per order over all history; NULL without an order"),
        "yearly_frequency": (NUMBER, "Orders a year since the first, over at least one year"),
        "lifetime_years": (NUMBER, "Years a customer stays, the same for all; NULL where it can't be told"),
        "lifetime_source": (TEXT, "plan: declared; churn: one over the yearly rate of leaving"),
        "ltv_simple_amount": (MONEY, "Margin rate x order amount x orders a year x years"),
        "ltv_simple_reason_zh": (TEXT, "Why there is no such value, in Chinese"),
        "ltv_simple_reason_en": (TEXT, "Why there is no such value, in English"),
        "repeat_purchases": (COUNT, "Days of purchase after the first: x of the model; NULL without an order"),
        "weeks_to_last_purchase": (NUMBER, "Weeks from the first purchase to the last: t_x of the model"),
        "weeks_known": (NUMBER, "Weeks since the first purchase: T of the model"),
        "repeat_purchase_amount": (MONEY, "Mean net spend of those days; NULL where there are none"),
        "alive_probability": (
            NUMBER,
            "Probability that the customer still buys, 0-1, by BG/NBD; NULL for who bought once: the model can't tell",
        ),
        "alive_probability_lower": (NUMBER, "Lower end of how sure the model is of that"),
        "alive_probability_upper": (NUMBER, "Upper end of how sure the model is of that"),
        "expected_purchase_amount": (MONEY, "Net spend to expect per day of purchase, by Gamma-Gamma"),
        **{name: column for months in HORIZONS for name, column in _horizon(months).items()},
        "model_reason_zh": (TEXT, "Why something of the model is missing, in Chinese; NULL where nothing is"),
        "model_reason_en": (TEXT, "Why something of the model is missing, in English"),
        "clv_amount": (
            MONEY,
            "The customer's value by the plan's measure: margin of the spend to expect in 12 months, or the simple one",
        ),
        "clv_lower_amount": (MONEY, "Lower end of how sure the models are of it; NULL for the simple one"),
        "clv_upper_amount": (MONEY, "Upper end of how sure the models are of it; NULL for the simple one"),
        "clv_measure": (TEXT, "model or simple, the same for all customers of a day"),
        "clv_reason_zh": (TEXT, "Why there is no value, in Chinese"),
        "clv_reason_en": (TEXT, "Why there is no value, in English"),
    },
)

NO_ORDER = Label(zh="尚未下单", en="no order yet")
NO_MARGIN = Label(
    zh="毛利率未知：订单没有成本，方案也没有给定", en="margin unknown: orders have no cost and the plan declares none"
)
BOUGHT_ONCE = Label(
    zh="只在一天购买过，模型无法判断是否仍会购买", en="bought on one day only: the model can't tell who has left"
)
NO_AMOUNT = Label(zh="重复购买已全部退款，金额无法预计", en="all repeat purchases were refunded: no amount to expect")


def customer_value(customers: pd.DataFrame, plan: Value, as_of: date) -> tuple[pd.DataFrame, list[Fit]]:
    """The table, and what its models say of themselves, from one row a customer as `customers_of` reads them."""
    customers = customers.sort_values("customer_id", ignore_index=True)
    bought = customers["known_days"].notna()
    stays = lifetime(customers["was_active"].to_numpy(bool), customers["is_active"].to_numpy(bool), plan)
    table = customers[["customer_id", "currency"]].join(margins(customers, plan))
    table = table.join(simple_values(customers.assign(margin_rate=table["margin_rate"]), stays.years))
    table = table.rename(columns={"order_value": "order_amount", "ltv_simple": "ltv_simple_amount"})
    table["lifetime_source"] = stays.source
    reasons = [(~bought, NO_ORDER), (table["margin_rate"].isna(), NO_MARGIN), (stays.years is None, stays.reason)]
    table = table.join(_reasons("ltv_simple", table["ltv_simple_amount"].isna(), reasons))
    table, fits = _modelled(table, customers, plan, as_of)
    table = table.join(_clv(table, plan, ~bought))
    return _typed(table), [*fits, *lifetime_fits(stays, plan)]


def _modelled(table: pd.DataFrame, customers: pd.DataFrame, plan: Value, as_of: date) -> tuple[pd.DataFrame, list[Fit]]:
    """The table with what the models tell, and what is said of them."""
    buyers = customers.loc[customers["known_days"].notna()].rename(columns={"repeats": "x", "repeat_cents": "cents"})
    whole = {name: buyers[name].to_numpy(np.int64) for name in ("x", "last_days", "known_days", "cents")}
    has_paid_again = (whole["x"] > 0) & (whole["cents"] > 0)
    paid = whole["x"][has_paid_again], whole["cents"][has_paid_again]
    purchases = _fitted(fit_purchases, whole["x"], whole["last_days"], whole["known_days"], plan=plan)
    amounts = _fitted(fit_amounts, *paid, plan=plan)
    told = _observed(buyers)
    if isinstance(purchases, Estimate):
        spend = amounts if isinstance(amounts, Estimate) else None
        months = Months.after(as_of, plan.discount_rate)
        told = told.join(forecast(buyers, purchases, spend, months, plan.confidence))
    table = table.join(told.reindex(columns=_model_columns()))
    fits = [
        *purchase_fits(purchases, len(buyers), plan),
        *holdout_fits(buyers, plan, as_of),
        *amount_fits(amounts, *paid, plan),
    ]
    return table.join(_model_reasons(table, purchases, amounts)), fits


def _observed(buyers: pd.DataFrame) -> pd.DataFrame:
    """What the models are made of."""
    return pd.DataFrame(
        {
            "repeat_purchases": buyers["x"],
            "weeks_to_last_purchase": buyers["last_days"] / bg_nbd.DAYS,
            "weeks_known": buyers["known_days"] / bg_nbd.DAYS,
            "repeat_purchase_amount": buyers["cents"] / 100 / buyers["x"].where(buyers["x"] > 0),
        }
    )


def _model_reasons(table: pd.DataFrame, *found: Estimate | NoFit) -> pd.DataFrame:
    refusals = [refusal.reason for refusal in found if isinstance(refusal, NoFit)]
    is_missing = table[["alive_probability", "expected_spend_12m_amount"]].isna().any(axis=1)
    reasons = [
        (table["weeks_known"].isna(), NO_ORDER),
        *((True, refusal) for refusal in refusals),
        (table["repeat_purchases"] == 0, BOUGHT_ONCE),
        (table["expected_purchase_amount"].isna(), NO_AMOUNT),
    ]
    return _reasons("model", is_missing, reasons)


def _model_columns() -> list[str]:
    names = list(CUSTOMER_VALUE.columns)
    return names[names.index("repeat_purchases") : names.index("model_reason_zh")]


def _fitted(fit: Callable[..., Estimate], *observed: np.ndarray, plan: Value) -> Estimate | NoFit:
    """What was found, or why nothing was."""
    try:
        return fit(*observed, plan)
    except NoFit as refusal:
        return refusal


def _clv(table: pd.DataFrame, plan: Value, has_none: pd.Series) -> pd.DataFrame:
    """The value that counts, by one measure for all: values by two can't be compared."""
    is_modelled = table["expected_spend_12m_amount"].notna().any()
    measure = plan.measure if plan.measure != "auto" else "model" if is_modelled else "simple"
    if measure == "simple":
        found = table[["ltv_simple_amount"]].rename(columns={"ltv_simple_amount": "clv_amount"})
        reasons = table[["ltv_simple_reason_zh", "ltv_simple_reason_en"]]
        reasons = reasons.rename(columns=lambda name: name.replace("ltv_simple", "clv"))
        return found.assign(clv_lower_amount=np.nan, clv_upper_amount=np.nan, clv_measure=measure).join(reasons)
    spend = table[[f"expected_spend_12m{bound}_amount" for bound in ("", "_lower", "_upper")]].to_numpy()
    values = spend * table[["margin_rate"]].to_numpy()
    found = pd.DataFrame(
        {
            "clv_amount": values[:, 0],
            # with a margin below 0 the ends change places
            "clv_lower_amount": np.minimum(values[:, 1], values[:, 2]),
            "clv_upper_amount": np.maximum(values[:, 1], values[:, 2]),
        },
        index=table.index,
    ).assign(clv_measure=measure)
    is_missing = found["clv_amount"].isna()
    no_margin = table["margin_rate"].isna()
    reasons = _reasons("clv", is_missing, [(has_none, NO_ORDER), (no_margin, NO_MARGIN)])
    for language in ("zh", "en"):
        open_ = is_missing & reasons[f"clv_reason_{language}"].isna()
        reasons.loc[open_, f"clv_reason_{language}"] = table.loc[open_, f"model_reason_{language}"]
    return found.join(reasons)


def _reasons(name: str, is_missing: pd.Series, reasons: list[tuple[pd.Series | bool, Label | None]]) -> pd.DataFrame:
    """The first reason that holds, where something is missing."""
    held = [is_missing.to_numpy() & np.asarray(holds) for holds, reason in reasons if reason]
    words = [reason for _, reason in reasons if reason]
    return pd.DataFrame(
        {
            f"{name}_reason_{language}": np.select(held, [getattr(label, language) for label in words], None)
            if held
            else None
            for language in ("zh", "en")
        },
        index=is_missing.index,
    )


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Money to the cent and counts whole, on Arrow's memory: a million Python decimals would take minutes."""
    kinds = {name: kind for name, (kind, _) in CUSTOMER_VALUE.columns.items()}
    arrow = {MONEY: pa.decimal128(18, 2), COUNT: pa.int64()}
    columns = {
        name: pd.Series(
            pd.arrays.ArrowExtensionArray(pc.cast(pa.array(table[name].to_numpy(float), from_pandas=True), arrow[kind]))
        )
        if kind in arrow
        else table[name]
        for name, kind in kinds.items()
    }
    return pd.DataFrame(columns)


# --- the asset ---


def customers_of(day: ProjectDay) -> pd.DataFrame:
    """What is known of every customer's purchases, amounts in the plan's currency and in hundredths of it."""
    query = (
        exp.select(
            *(f"a.{name}" for name in ("customer_id", "currency", "orders")),
            *(f"h.{name}" for name in ("last_days", "known_days", "repeats", "was_active", "is_active")),
            *(f"h.{name}" for name in ("calibration_repeats", "calibration_last_days", "calibration_known_days")),
            "h.holdout_purchases",
            *(
                snippet(f"cast(a.{name} as double)").as_(name)
                for name in ("net_amount", "net_amount_12m", "margin_amount_12m")
            ),
            snippet("cast(h.repeat_amount * 100 as bigint)").as_("repeat_cents"),
        )
        .from_(f"{ACTIVITY} as a")
        .join(f"{HISTORY} as h", on="h.customer_id = a.customer_id", join_type="inner")
    )
    with day.session([ACTIVITY, HISTORY]) as session:
        return session.frame(query)


def compute_customer_value(day: ProjectDay) -> pd.DataFrame:
    """`dws.customer_value` of a day; what the models say of themselves is written beside it."""
    table, fits = customer_value(customers_of(day), day.project.plan.segments.value, day.as_of)
    write_fits(day, CUSTOMER_VALUE.name, fits)
    return table


def customer_value_asset(plan: Plan) -> dg.AssetsDefinition:
    """The asset."""
    return python_asset(
        CUSTOMER_VALUE,
        compute_customer_value,
        inputs=[ACTIVITY, HISTORY],
        plan=plan,
        lineage=customer_value_lineage(),
        uses_plan=True,
        kinds=("python", "pandas", "duckdb"),
    )


def customer_value_lineage() -> Lineage:
    """What each column is made of."""
    times = [(HISTORY, name) for name in ("repeats", "last_days", "known_days")]
    money = [*times, (HISTORY, "repeat_amount")]
    margin = [(ACTIVITY, "margin_amount_12m"), (ACTIVITY, "net_amount_12m")]
    stays = [(HISTORY, "was_active"), (HISTORY, "is_active")]
    order = [(ACTIVITY, "net_amount"), (ACTIVITY, "orders")]
    rate = [(ACTIVITY, "orders"), (HISTORY, "known_days")]
    simple = [*margin, *order, (HISTORY, "known_days"), *stays]
    own = {
        "customer_id": [(ACTIVITY, "customer_id")],
        "currency": [(ACTIVITY, "currency")],
        "margin_rate": margin,
        "margin_source": margin,
        "order_amount": order,
        "yearly_frequency": rate,
        "lifetime_years": stays,
        "lifetime_source": stays,
        "repeat_purchases": times[:1],
        "weeks_to_last_purchase": times[1:2],
        "weeks_known": times[2:],
        "repeat_purchase_amount": [times[0], money[-1]],
    }
    rest = [name for name in CUSTOMER_VALUE.columns if name not in own]
    return own | {name: _of_models(name, simple, times, money) for name in rest}


def _of_models(name: str, simple: Sources, times: Sources, money: Sources) -> Sources:
    if name.startswith("ltv"):
        return simple
    if name.startswith("clv"):
        return list(dict.fromkeys([*simple, *money]))
    return times if "purchases" in name or "alive" in name else money
