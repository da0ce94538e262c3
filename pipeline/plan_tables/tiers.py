"""Tiers: the days of re-rating, and the classes."""

from collections.abc import Iterator
from datetime import date

import pyarrow as pa

from pipeline.plan import Label, Plan, Tiers
from pipeline.plan_tables.rows import DATE, DOUBLE, Row, class_row, months_before

VIP, POTENTIAL, BASE, UNRATED = "vip", "potential", "base", "unrated"
LABELS = {
    VIP: Label(zh="VIP 客户", en="VIP"),
    POTENTIAL: Label(zh="潜力客户", en="Potential"),
    BASE: Label(zh="基础客户", en="Base"),
    UNRATED: Label(zh="待定级客户", en="Not rated yet"),
}

SCHEMAS = {"plan.tiers": pa.schema({"upgrade": DOUBLE, "downgrade": DOUBLE, "next_rating_on": DATE})}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """What the tables of the tiers tell of the plan."""
    tiers = plan.segments.tiers
    following = {"next_rating_on": months_before(rating_day(as_of, tiers.months), -tiers.months)}
    return {"plan.tiers": [{"upgrade": tiers.upgrade, "downgrade": tiers.fall, **following}]}


def classes(plan: Plan) -> list[Row]:
    """The tiers from the highest, and who has none yet."""
    return [
        class_row("tier", tier, position, f"tier_{tier}", LABELS[tier], definition)
        for position, (tier, definition) in enumerate(_definitions(plan.segments.tiers).items(), start=1)
    ]


def check(plan: Plan) -> None:
    """The model refuses what can't be applied."""


def rating_day(day: date, months: int) -> date:
    """The last day of re-rating on or before a day: the year is cut into parts of so many months.

    >>> rating_day(date(2026, 11, 20), 3)
    datetime.date(2026, 10, 1)
    """
    return day.replace(month=day.month - (day.month - 1) % months, day=1)


def rating_days(since: date, until: date, months: int) -> Iterator[date]:
    """The days of re-rating on or after `since` and on or before `until`."""
    day = rating_day(since, months)
    while day <= until:
        if day >= since:
            yield day
        day = months_before(day, -months)


def _definitions(tiers: Tiers) -> dict[str, Label]:
    vip, potential, margin = f"{tiers.cut_offs.vip:g}", f"{tiers.cut_offs.potential:g}", f"{tiers.margin:g}"
    rise, fall = f"{tiers.upgrade * 100:g}%", f"{-tiers.fall * 100:g}%"
    # nobody should take for a rule of the company what nobody has decided
    zh, en = ("（方案未声明，系假设）", " (assumed, the plan does not say)") if tiers.downgrade is None else ("", "")
    moves_zh = f"升级须净消费同比增长至少 {rise}，降级须得分低于门槛 {margin} 分以上且净消费同比下降至少 {fall}{zh}。"
    moves_en = (
        f"Moves up only where net spend rose by at least {rise} in a year; moves down only where the score is more "
        f"than {margin} points below the cut-off and net spend fell by at least {fall}{en}."
    )
    return {
        VIP: Label(zh=f"定级得分不低于 {vip} 分。{moves_zh}", en=f"Rated at a score of {vip} or more. {moves_en}"),
        POTENTIAL: Label(
            zh=f"定级得分不低于 {potential} 分、低于 {vip} 分。{moves_zh}",
            en=f"Rated at a score from {potential} to below {vip}. {moves_en}",
        ),
        BASE: Label(zh=f"定级得分低于 {potential} 分。", en=f"Rated at a score below {potential}."),
        UNRATED: Label(
            zh="没有下过单，或上一个定级日还没有订单记录。",
            en="Has never ordered, or had no order on record at the last re-rating.",
        ),
    }
