"""What scorecards read of `ads.kpi_values`: official figures of one dimension side by side, and their wording."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from assets.ads.kpi_query import PERIOD
from pipeline.plan import Label
from quality.scorecard import STATES

CARD_PERIODS = ("campaign", "baseline", "quarter", "month")
"""Periods long enough to judge by."""
CARD_KEYS = (*PERIOD, "member")
_PARTS = ("value", "numerator", "denominator", "n", "lower", "upper", "target", "score")
_WORDS = ("state", "reason", "left_out_zh", "left_out_en")


@dataclass(frozen=True)
class Figures:
    """One frame for each part of a figure: a row per period and member, a column per KPI; what is not there is NaN."""

    value: pd.DataFrame
    numerator: pd.DataFrame
    denominator: pd.DataFrame
    n: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    target: pd.DataFrame
    score: pd.DataFrame
    state: pd.DataFrame
    reason: pd.DataFrame
    left_out_zh: pd.DataFrame
    left_out_en: pd.DataFrame

    @property
    def index(self) -> pd.MultiIndex:
        """Period kind, period, its first day, the day after it, member."""
        return self.value.index

    def pooled(self, kpi: str, wanted: pd.Series) -> pd.Series:
        """The quotient of the wanted members together, on every row of their period; a part unknown keeps its row out.

        Numerators and denominators are added up: a mean of quotients would give small members the weight of large ones.
        """
        both = wanted & self.numerator[kpi].notna() & self.denominator[kpi].notna()
        sums = [part[kpi].where(both).groupby(level=list(PERIOD)).transform("sum") for part in self._quotient]
        return sums[0] / sums[1].where(sums[1] != 0)

    @property
    def _quotient(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self.numerator, self.denominator

    @property
    def is_unknown(self) -> pd.DataFrame:
        """Where a figure is withheld for no other reason than that nothing is recorded of a part of it."""
        return (self.state == STATES[-1]) & self.n.notna()

    def worst_state(self) -> pd.Series:
        """The worst state among the KPIs of a row; one that nothing is recorded of makes the others no worse."""
        ranks = self.state.mask(self.is_unknown).map(STATES.index, na_action="ignore").max(axis=1)
        return ranks.map(lambda rank: STATES[int(rank)], na_action="ignore").astype(object)

    def reasons(self) -> pd.Series:
        """What keeps the KPIs of a row from being final; NULL where nothing does."""
        told = [
            kpi + ": " + self.reason[kpi].where(self.state[kpi].isin(STATES[1:]) & ~self.is_unknown[kpi])
            for kpi in self.state
        ]
        return pd.concat(told, axis=1).apply(lambda row: "; ".join(row.dropna()) or None, axis=1)


def official_figures(
    values: pd.DataFrame,
    dimension: str,
    kpis: Sequence[str],
    *,
    kinds: Iterable[str] = CARD_PERIODS,
    members: Iterable[str] = (),
) -> Figures:
    """The official figures of every member of a dimension; `members` have a row in every period whatever is known.

    Args:
        values: `ads.kpi_values`.
    """
    official = values.loc[values["is_official"] & values["period_kind"].isin(kinds)]
    periods = official[list(PERIOD)].drop_duplicates()
    mine = official.loc[(official["dimension"] == dimension) & official["kpi"].isin(kpis)]
    asked = periods.merge(pd.DataFrame({"member": sorted(members)}, dtype=object), how="cross")
    keys = pd.concat([mine[list(CARD_KEYS)], asked]).drop_duplicates().sort_values(list(CARD_KEYS))
    index = pd.MultiIndex.from_frame(keys)
    rows = mine.set_index([*CARD_KEYS, "kpi"])
    wide = {part: _wide(rows[part], index, kpis).astype(float) for part in _PARTS}
    words = {part: _wide(rows[part], index, kpis).astype(object) for part in _WORDS}
    return Figures(**wide, **words)


def _wide(column: pd.Series, index: pd.MultiIndex, kpis: Sequence[str]) -> pd.DataFrame:
    return column.unstack("kpi").reindex(index=index, columns=list(kpis))


def money(amounts: pd.Series) -> pd.Series:
    """Amounts to the cent, as the lake keeps them."""
    cents = Decimal("0.01")
    return amounts.map(lambda amount: Decimal(repr(float(amount))).quantize(cents), na_action="ignore").astype(object)


MINUS = "−"
"""The sign of a number in a sentence; a hyphen is none."""


def signs(number: str) -> str:
    """A printed number with the sign sentences have, and none where only zeros are left of it.

    >>> signs("-3,732"), signs("-0.0%")
    ('−3,732', '0.0%')
    """
    return number.replace("-", MINUS if re.search("[1-9]", number) else "")


def percent(rate: float) -> str:
    """A rate as it is printed.

    >>> percent(0.1234), percent(-0.1)
    ('12.3%', '−10.0%')
    """
    return signs(f"{100 * rate:.1f}%")


def amount(value: float, currency: str) -> Label:
    """An amount of money as it is printed in both languages.

    >>> amount(1475.9, "CNY").zh
    '1,476 元'
    """
    return with_currency(signs(f"{value:,.0f}"), currency)


def with_currency(words: str, currency: str) -> Label:
    """A printed number as money."""
    return Label(zh=f"{words} {'元' if currency == 'CNY' else currency}", en=f"{currency} {words}")
