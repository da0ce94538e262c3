"""What `meta.models` says of the models of value: parameters, how sure they are, and how well they foretell."""

from datetime import date

import numpy as np
import pandas as pd

from assets.dws.value import bg_nbd, gamma_gamma
from assets.dws.value.forecast import Errors, Holdout, holdout
from assets.dws.value.likelihood import Estimate, NoFit
from assets.model_fits import Fit, fit_row
from pipeline.plan import Label, Value
from pipeline.plan_tables import months_before

Told = dict[str, tuple[str, Label]]
"""Parameter -> its unit and what it is."""

BG_NBD: Told = {
    "r": ("", Label(zh="购买率在客户间的形状参数", en="shape of the rates of purchase over customers")),
    "alpha": ("weeks", Label(zh="购买率在客户间的尺度参数", en="scale of the rates of purchase over customers")),
    "a": ("", Label(zh="流失概率在客户间的第一参数", en="first parameter of the probability to leave over customers")),
    "b": ("", Label(zh="流失概率在客户间的第二参数", en="second parameter of the probability to leave over customers")),
}
GAMMA_GAMMA: Told = {
    "p": ("", Label(zh="单个客户各次金额的形状参数", en="shape of the amounts of one customer")),
    "q": ("", Label(zh="金额水平在客户间的形状参数", en="shape of the level of amounts over customers")),
    "gamma": ("currency", Label(zh="金额水平在客户间的尺度参数", en="scale of the level of amounts over customers")),
}
LOG_LIKELIHOOD = Label(zh="对数似然", en="log-likelihood")
CORRELATION = Label(
    zh="购买次数与平均金额的相关系数；模型假定为 0",
    en="correlation of purchases and their mean amount, which the model takes for 0",
)
MEAN_AMOUNT = Label(zh="全部客户每次购买的期望金额", en="expected amount of a purchase over all customers")


def purchase_fits(found: Estimate | NoFit, customers: int, plan: Value) -> list[Fit]:
    """Of BG/NBD."""
    return _parameters("bg_nbd", BG_NBD, found, customers, plan)


def amount_fits(found: Estimate | NoFit, x: np.ndarray, cents: np.ndarray, plan: Value) -> list[Fit]:
    """Of Gamma-Gamma, with what it supposes and what follows for all customers."""
    fits = _parameters("gamma_gamma", GAMMA_GAMMA, found, len(x), plan)
    refused = found.reason if isinstance(found, NoFit) else None
    mean = spread = linked = note = None
    bounds: tuple[float | None, float | None] = (None, None)
    if isinstance(found, Estimate):
        nobody = np.zeros(1)
        mean = float(gamma_gamma.expected_amount(found.values, nobody, nobody)[0])
        spread = mean * float(found.spread(gamma_gamma.amount_gradient(found.values, nobody, nobody))[0])
        linked, *ends = gamma_gamma.correlation(x, cents / x, plan.confidence)
        bounds = ends[0], ends[1]
        if abs(linked) > plan.correlation_limit:
            note = Label(
                zh=f"超过 {plan.correlation_limit:g}：预计消费额的把握低于所示",
                en=f"beyond {plan.correlation_limit:g}: expected spend is less sure than it says",
            )
    return [
        *fits,
        fit_row(
            "gamma_gamma", "mean_amount", mean, "currency", MEAN_AMOUNT, len(x), standard_error=spread, refused=refused
        ),
        fit_row(
            "gamma_gamma", "correlation", linked, "", CORRELATION, len(x), bounds=bounds, refused=refused, note=note
        ),
    ]


def _parameters(model: str, told: Told, found: Estimate | NoFit, customers: int, plan: Value) -> list[Fit]:
    """Each parameter with its standard error and interval, and the likelihood they reach."""
    told = {**told, "log_likelihood": ("", LOG_LIKELIHOOD)}
    if isinstance(found, NoFit):
        return [
            fit_row(model, name, None, unit, words, customers, refused=found.reason)
            for name, (unit, words) in told.items()
        ]
    values = [*found.values, found.log_likelihood]
    errors = [*found.standard_errors, None]
    bounds = [*zip(*found.bounds(plan.confidence), strict=True), (None, None)]
    return [
        fit_row(model, name, value, unit, words, customers, bounds=ends, standard_error=error)
        for (name, (unit, words)), value, error, ends in zip(told.items(), values, errors, bounds, strict=True)
    ]


def holdout_fits(buyers: pd.DataFrame, plan: Value, as_of: date) -> list[Fit]:
    """How well the last months are foretold without being known, beside the plain rate of the days before."""
    before = buyers.loc[buyers["calibration_known_days"].notna()]
    before = pd.DataFrame(
        {
            "x": before["calibration_repeats"],
            "last_days": before["calibration_last_days"],
            "known_days": before["calibration_known_days"],
            "actual": before["holdout_purchases"],
        }
    )
    weeks = (as_of - months_before(as_of, plan.holdout_months)).days / bg_nbd.DAYS
    found, refused = None, None
    try:
        found = holdout(before, weeks, plan)
    except NoFit as refusal:
        refused = refusal.reason
    return [
        fit_row("bg_nbd", name, value, "purchases per customer", words, len(before), refused=refused)
        for name, (value, words) in _errors(found, plan.holdout_months).items()
    ]


def _errors(found: Holdout | None, months: int) -> dict[str, tuple[float | None, Label]]:
    zh, en = f"保留最近 {months} 个月做检验：", f"last {months} months held out: "
    came = Label(zh=f"{zh}实际购买均值", en=f"{en}mean of what came")
    return {
        "holdout_mean": (found.mean_actual if found else None, came),
        **_errors_of("holdout", found.model if found else None, f"{zh}模型", en, "the model"),
        **_errors_of("holdout_naive", found.naive if found else None, f"{zh}平均频率外推", en, "the plain rate"),
    }


def _errors_of(prefix: str, errors: Errors | None, zh: str, en: str, who: str) -> dict[str, tuple[float | None, Label]]:
    mae, rmse, bias = (errors.mae, errors.rmse, errors.bias) if errors else (None, None, None)
    return {
        f"{prefix}_mae": (mae, Label(zh=f"{zh}的平均绝对误差", en=f"{en}mean absolute error of {who}")),
        f"{prefix}_rmse": (rmse, Label(zh=f"{zh}的均方根误差", en=f"{en}root mean square error of {who}")),
        f"{prefix}_bias": (
            bias,
            Label(zh=f"{zh}的预测均值减实际均值", en=f"{en}mean foretold by {who} less mean of what came"),
        ),
    }
