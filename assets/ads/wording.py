"""How figures are printed in sentences, in both languages."""

from functools import cache

from assets.ads.catalogue import catalogue
from assets.ads.figures import amount, percent, signs
from assets.chinese import chinese
from pipeline.plan import Label
from quality.contract import contracts
from quality.reasons import in_chinese

SAME_IN_CHINESE = "The same in Chinese"
"""What a column is that tells a reason again."""
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
        return both(signs(f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"))
    words = signs(f"{value:,.2f}".rstrip("0").rstrip("."))
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
    return told if told[0] != told[1] else (both(signs(f"{one:.10g}")), both(signs(f"{other:.10g}")))


def followed(word: str) -> str:
    """A word before another in a Chinese sentence: after one that ends in another script there is a blank.

    >>> followed("18,727 元") + "升至", followed("5.0%") + "升至"
    ('18,727 元升至', '5.0% 升至')
    """
    return word if "\u4e00" <= word[-1] <= "\u9fff" else f"{word} "


def from_to(before: str, after: str, change: float) -> str:
    """How a figure went, in Chinese.

    >>> from_to("9,000 元", "12,000 元", 0.33), from_to("5.0%", "4.0%", -0.2)
    ('由 9,000 元升至 12,000 元', '由 5.0% 降至 4.0%')
    """
    verb = "升至" if change > 0 else "降至" if change < 0 else "变为"
    return f"由 {followed(before)}{verb} {after}"


def period_words(period: str) -> Label:
    """A period as it is called in a sentence."""
    return PERIOD_WORDS.get(period, both(period))


def reason_zh(reason: object) -> str | None:
    """Why a figure is not final, in Chinese; None where nothing is said."""
    return in_chinese(reason, _names()) if isinstance(reason, str) else None


@cache
def _names() -> dict[str, str]:
    """What KPIs, dimensions and shared amounts are called in Chinese."""
    dimensions = {name.replace("_", " "): words for name, words in chinese().words["dimension"].items()}
    amounts = {fact.shared.en: fact.shared.zh for fact in catalogue().facts.values() if fact.shared}
    return dimensions | amounts | {"CNY": "元"} | catalogue().chinese_names


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
