"""The sentences of the case reports: figures side by side, bound to the numbers, and nothing of why (I55, I59)."""

import re

from assets.ads.figures import percent, signs
from assets.ads.kpi_values import one_to
from assets.ads.wording import both, followed, shown
from pipeline.plan import Label

SECTIONS = {
    "result": Label(zh="结果指标", en="Results"),
    "process": Label(zh="过程指标", en="Process"),
    "input_output": Label(zh="投入产出", en="Input and output"),
    "strategy": Label(zh="策略有效性", en="Strategy"),
    "teamwork": Label(zh="团队协作", en="Teamwork"),
    "resources": Label(zh="资源利用", en="Use of resources"),
    "success": Label(zh="成功案例", en="Success"),
    "problem": Label(zh="问题案例", en="Problem"),
}
EVIDENCE = Label(
    zh="仅为前后对比（证据等级 D），不能说明变化的原因。",
    en="A bare comparison before and after (evidence grade D): it does not say what caused the change.",
)
SIDE_BY_SIDE = Label(
    zh="仅为与总体的对比（证据等级 D），不能说明差异的原因。",
    en="A bare comparison with the whole (evidence grade D): it does not say what makes the difference.",
)
SPENT = {
    ("up", "better"): Label(
        zh="支出增加而单位成本下降，不作为问题。",
        en="More was spent and each customer cost less: no problem.",
    ),
    ("up", "worse"): Label(
        zh="支出与单位成本同时上升，需要控制。",
        en="Both spending and the cost of a customer rose: to be kept in check.",
    ),
    ("down", "better"): Label(zh="支出与单位成本同时下降。", en="Both spending and the cost of a customer fell."),
    ("down", "worse"): Label(
        zh="支出减少而单位成本上升，不算节约。", en="Less was spent and each customer cost more: nothing saved."
    ),
}
"""What a change of spending comes to, by that of the cost of a customer (I56)."""


def printed(value: float, kpi: str, unit: str, currency: str) -> Label:
    """A figure as managers write it: what is put in against what comes out as 1:X (S1 表2).

    >>> printed(215 / 28, "io_ratio", "ratio", "CNY").zh
    '1:7.7'
    """
    return both(one_to(value)) if kpi == "io_ratio" else shown(value, unit, currency)


def signed(rate: float) -> str:
    """A relative change.

    >>> signed(1.4), signed(-0.444)
    ('+140.0%', '−44.4%')
    """
    return signs(f"{100 * rate:+.1f}%")


def direction(change: float) -> str:
    """up, down or same."""
    return "same" if change == 0 else "up" if change > 0 else "down"


def moved(
    name: Label, before: Label, after: Label, change: float, change_rate: float | None, *, per_day: bool = False
) -> Label:
    """How a figure went from before to after; what reads the same has stayed. Without a full stop.

    A change `per_day` may go the other way than the figures of the two periods, so these neither rise nor fall.
    """
    if before == after and not per_day:
        return Label(zh=f"{name.zh}保持 {after.zh}", en=f"{name.en} stayed at {after.en}")
    way = "same" if per_day else direction(change)
    zh, en = {"up": ("升至", "rose"), "down": ("降至", "fell"), "same": ("变为", "went")}[way]
    rate_zh, rate_en = _rate(change_rate, per_day=per_day)
    return Label(
        zh=f"{name.zh}由 {followed(before.zh)}{zh} {after.zh}{rate_zh}",
        en=f"{name.en} {en} from {before.en} to {after.en}{rate_en}",
    )


def _rate(change_rate: float | None, *, per_day: bool) -> tuple[str, str]:
    """A relative change in brackets, Chinese and English; nothing where there is none."""
    if change_rate is None:
        return "", ""
    if not re.search("[1-9]", signed(change_rate)):
        still, hardly = (
            ("（日均持平）", " (no change in the daily average)"),
            ("（变化不足 0.1%）", " (by less than 0.1%)"),
        )
        return still if per_day else hardly
    zh, en = ("日均 ", "daily average ") if per_day else ("", "")
    return f"（{zh}{signed(change_rate)}）", f" ({en}{signed(change_rate)})"


def difference(value: float, kpi: str, unit: str, currency: str) -> Label:
    """What lies between two figures; of two rates percentage points.

    >>> difference(0.0216, "lead_conversion_rate", "rate", "CNY").en
    '2.2 percentage points'
    """
    if unit == "rate":
        points = signs(f"{100 * value:.1f}")
        return Label(zh=f"{points} 个百分点", en=f"{points} percentage points")
    return printed(value, kpi, unit, currency)


def led(name: str) -> str:
    """A Chinese name before its figure: a blank between them, unless a bracket is.

    >>> led("客单价") + "18 元", led("投资回报率（按收入）") + "600.0%"
    ('客单价 18 元', '投资回报率（按收入）600.0%')
    """
    return name if name.endswith("）") else f"{name} "


def reached(name: Label, value: Label, target: Label, share: float | None, better: str) -> Label:
    """How a figure stands to its target; where less is better the target is what it should not be above."""
    if better == "lower":
        said = "" if share is None else f"（为目标的 {percent(share)}）"
        told = "" if share is None else f" ({percent(share)} of it)"
        return Label(
            zh=f"{led(name.zh)}{value.zh}，目标不超过 {target.zh}{said}",
            en=f"{name.en} {value.en}, target at most {target.en}{told}",
        )
    said = "" if share is None else f"，达成 {percent(share)}"
    told = "" if share is None else f", {percent(share)} of it reached"
    return Label(
        zh=f"{led(name.zh)}{value.zh}，目标 {target.zh}{said}", en=f"{name.en} {value.en}, target {target.en}{told}"
    )


def sentence(*parts: Label) -> Label:
    """Parts as sentences; a part that has its full stop keeps it.

    >>> sentence(both("a"), Label(zh="b。", en="b.")).zh
    'a。b。'
    """
    zh = "".join(part.zh if part.zh.endswith("。") else f"{part.zh}。" for part in parts)
    en = " ".join(part.en if part.en.endswith(".") else f"{part.en}." for part in parts)
    return Label(zh=zh, en=en[:1].upper() + en[1:])
