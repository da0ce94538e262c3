"""How figures are printed in sentences, in both languages."""

from assets.ads.figures import amount, percent
from assets.chinese import chinese
from pipeline.plan import Label
from quality.contract import contracts

PERIOD_WORDS = {"campaign": Label(zh="活动期", en="campaign"), "baseline": Label(zh="基期", en="baseline")}


def both(words: str) -> Label:
    """What reads the same in both languages."""
    return Label(zh=words, en=words)


def shown(value: float, unit: str, currency: str) -> Label:
    """A figure of a KPI in its unit.

    >>> shown(0.05, "rate", "CNY").en, shown(6222.2, "currency", "CNY").zh, shown(2.5, "days", "CNY").en
    ('5.0%', '6,222 元', '2.5 days')
    """
    if unit == "rate":
        return both(percent(value))
    if unit == "currency":
        return amount(value, currency)
    if unit == "count":
        return both(f"{value:,.0f}" if value == round(value) else f"{value:,.1f}")
    words = f"{value:,.2f}".rstrip("0").rstrip(".")
    return {
        "hours": Label(zh=f"{words} 小时", en=f"{words} hours"),
        "days": Label(zh=f"{words} 天", en=f"{words} days"),
    }.get(unit, both(words))


def shown_apart(one: float, other: float, unit: str, currency: str) -> tuple[Label, Label]:
    """Two figures of a KPI that differ, so that they are never printed alike.

    >>> [words.en for words in shown_apart(100.2, 100.0, "currency", "CNY")]
    ['100.2', '100']
    """
    told = shown(one, unit, currency), shown(other, unit, currency)
    return told if told[0] != told[1] else (both(f"{one:.10g}"), both(f"{other:.10g}"))


def period_words(period: str) -> Label:
    """A period as it is called in a sentence."""
    return PERIOD_WORDS.get(period, both(period))


def source_words(table: str) -> Label:
    """A source as its contract calls it; by its name where it has none."""
    contract = contracts().get(table)
    return Label(zh=contract.label.zh, en=contract.label.en) if contract else both(table)


def quality_words(dimension: str) -> Label:
    """A dimension of data quality.

    >>> quality_words("accuracy").zh, quality_words("accuracy").en
    ('准确性', 'Accuracy')
    """
    return Label(zh=chinese().words["dimension"].get(dimension, dimension), en=dimension.replace("_", " ").capitalize())
