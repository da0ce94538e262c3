"""The sentences about claims: what was said, what the data say, in both languages and never without the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.ads.catalogue import Kpi
from assets.ads.figures import MINUS, percent, signs, with_currency
from assets.ads.kpi_values import one_to
from assets.ads.wording import both, from_to, period_words, shown
from pipeline.plan import AssertedFigure, Label

if TYPE_CHECKING:
    from assets.ads.claims import Measured

AGREES = Label(zh="与数据相符", en="the data agree")
DISAGREES = Label(zh="与数据不符", en="the data contradict it")
DIRECTIONS = {
    "up": Label(zh="上升", en="rise"),
    "down": Label(zh="下降", en="fall"),
    "same": Label(zh="持平", en="stay the same"),
}


@dataclass(frozen=True)
class Told:
    """A sentence in both languages; `said` is the claim itself, where the plan and no document makes it."""

    zh: str
    en: str
    said: str = ""


def about(label: Label, figure: AssertedFigure, measured: "Measured") -> Label:
    """What a sentence is about: KPI, member and period."""
    period, whose = period_words(figure.period), measured.whose
    zh, en = (f"{whose.zh}，{period.zh}", f"{whose.en}, {period.en}") if whose else (period.zh, period.en)
    last = measured.running_until
    until = (f"，截至 {last}", f" up to {last}") if last else ("", "")
    return Label(zh=f"{label.zh}（{zh}{until[0]}）", en=f"{label.en} ({en}{until[1]})")


def not_told(head: Label | None, reason: Label) -> Told:
    """A claim that can't be checked, and why."""
    zh, en = (f"{head.zh}：", f"{head.en}: can't") if head else ("", "Can't")
    return Told(f"{zh}无法核对：{reason.zh}。", f"{en} be checked: {reason.en}.")


def opinion(source: str, cause: str, kpi: Label, others: int) -> Told:
    """A cause somebody gives, and how many others are given for the same thing."""
    places = "1 more place" if others == 1 else f"{others} more places"
    zh, en = (f"；另有 {others} 处给出原因", f"; causes are given in {places}") if others else ("", "")
    return Told(
        f"“{source}”认为{kpi.zh}的原因是“{cause}”：这是该文件的看法，数据不作结论{zh}。",
        f"“{source}” gives “{cause}” as the cause of {kpi.en}: that is its opinion, which data can't confirm{en}.",
    )


def compared(
    head: Label,
    figure: AssertedFigure,
    computed: float,
    unit: str,
    currency: str,
    measured: "Measured",
    *,
    tolerance: float,
    holds: bool,
) -> Told:
    """A number said beside the number computed, and how far apart they may be."""
    assert figure.number is not None
    said, found = (_number(number, figure, unit, currency) for number in (figure.number, computed))
    if said == found and not holds:
        # the difference is below what is printed: then all that is known is
        said, found = both(signs(f"{figure.number:.10g}")), both(signs(f"{computed:.10g}"))
    verdict, course = AGREES if holds else DISAGREES, _taken_from(figure, measured, currency)
    borne = _tolerance(tolerance, figure, unit, currency)
    zh, en = ("目标达成率", "attainment of the target ") if figure.kind == "attainment" else ("", "")
    return Told(
        f"{head.zh}：文中称{zh} {said.zh}，数据为 {found.zh}{course.zh}，{verdict.zh}{borne.zh}。",
        f"{head.en}: {en}said to be {said.en}, computed {found.en}{course.en}; {verdict.en}{borne.en}.",
    )


def _tolerance(tolerance: float, figure: AssertedFigure, unit: str, currency: str) -> Told:
    """How far apart the two may be, in the unit of the number; nothing where they must be the same."""
    if not tolerance:
        return Told("", "")
    if figure.kind != "ratio" and unit == "rate":
        points = f"{100 * tolerance:.10g}"
        words = Label(zh=f"{points} 个百分点", en=f"{points} percentage points")
    elif figure.kind != "ratio" and unit == "currency":
        words = with_currency(f"{tolerance:,.10g}", currency)
    else:
        words = both(f"{tolerance:,.10g}")
    return Told(f"（容许相差 {words.zh}）", f" (tolerance ±{words.en})")


def _taken_from(figure: AssertedFigure, measured: "Measured", currency: str) -> Told:
    """The two values a change or an attainment is taken from; nothing for a value."""
    if measured.base is None or measured.value is None:
        return Told("", "")
    base, value = (shown(number, measured.unit, currency) for number in (measured.base, measured.value))
    if figure.kind == "attainment" or figure.against == "target":
        return Told(f"（目标 {base.zh}，实际 {value.zh}）", f" ({value.en}, the target is {base.en})")
    course = from_to(base.zh, value.zh, measured.value - measured.base)
    return Told(f"（{course}）", f" (from {base.en} to {value.en})")


def _number(number: float, figure: AssertedFigure, unit: str, currency: str) -> Label:
    """A claimed or computed number as its kind is printed; changes carry their sign."""
    if figure.kind == "ratio":
        return both(one_to(number))
    if figure.kind not in ("change", "difference"):
        return shown(number, unit, currency)
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    if figure.kind == "difference" and unit == "rate":
        return Label(
            zh=f"{sign}{abs(100 * number):.1f} 个百分点", en=f"{sign}{abs(100 * number):.1f} percentage points"
        )
    words = shown(abs(number), unit, currency)
    return Label(zh=sign + words.zh, en=sign + words.en)


def changed(head: Label, figure: AssertedFigure, measured: "Measured", currency: str, *, holds: bool) -> Told:
    """A direction said beside the way the figure went."""
    said, verdict = DIRECTIONS[str(figure.direction)], AGREES if holds else DISAGREES
    course = _course(measured, currency)
    return Told(
        f"{head.zh}：文中称{said.zh}，数据{course.zh}，{verdict.zh}。",
        f"{head.en}: said to {said.en}, it went {course.en}; {verdict.en}.",
    )


def _course(measured: "Measured", currency: str) -> Label:
    """From what to what, and by how much."""
    assert measured.value is not None and measured.base is not None
    base, value = (shown(number, measured.unit, currency) for number in (measured.base, measured.value))
    change = f"{'+' if measured.change > 0 else ''}{percent(measured.change)}"
    return Label(
        zh=f"{from_to(base.zh, value.zh, measured.change)}（{change}）", en=f"from {base.en} to {value.en} ({change})"
    )


def judged(
    head: Label,
    figure: AssertedFigure,
    measured: "Measured",
    unit_cost: "Measured",
    currency: str,
    *,
    is_said_right: bool,
) -> Told:
    """More of a cost beside what a unit came to."""
    spent, unit = _course(measured, currency), _course(unit_cost, currency)
    is_better = unit_cost.change < 0 if unit_cost.better == "lower" else unit_cost.change > 0
    zh, en = "没有变好：与数据相符", "did not get better: the data agree"
    if measured.change <= 0:
        zh, en = "而投入并未增加：与数据不符", "the spending did not grow: the data contradict it"
    elif is_better:
        zh = "反而变好：投入增加本身不是问题，与数据不符"
        en = "got better, so spending more is no problem: the data contradict it"
    if not is_said_right and figure.number is not None:
        zh += f"；文中所称变化 {percent(figure.number)} 也与数据不符"
        en += f"; the change of {percent(figure.number)} that is said is not what was computed either"
    return Told(
        f"{head.zh}{spent.zh}，文中列为问题；{unit_cost.label.zh}{unit.zh}，{zh}。",
        f"{head.en} went {spent.en} and is called a problem; {unit_cost.label.en} went {unit.en} and {en}.",
    )


def open_items(task: str, planned: float, done: float, said: float, *, holds: bool) -> Told:
    """What is carried forward beside planned less done."""
    verdict = AGREES if holds else DISAGREES
    found = planned - done
    return Told(
        f"任务 {task}：计划 {planned:g}，完成 {done:g}，剩余 {found:g}；文中称剩余 {said:g}，{verdict.zh}。",
        f"Task {task}: {planned:g} planned, {done:g} done, {found:g} open; {said:g} are said to be; {verdict.en}.",
    )


def target_words(
    kpi: Kpi,
    declared: float,
    implied: float,
    parts: Sequence[tuple[Label, float, str]],
    currency: str,
    *,
    holds: bool,
) -> Told:
    """A declared target beside what its parts' targets come to."""
    is_ratio = kpi.unit == "ratio"
    said, found = (_ratio(number) if is_ratio else shown(number, kpi.unit, currency) for number in (declared, implied))
    of_parts = [(label, shown(number, unit, currency)) for label, number, unit in parts]
    zh = "、".join(f"{label.zh} {number.zh}" for label, number in of_parts)
    en = ", ".join(f"{label.en} {number.en}" for label, number in of_parts)
    verdict = (
        Label(zh="两者一致", en="they agree")
        if holds
        else Label(zh="两者不一致，仍按所定目标评估", en="they disagree; the declared one is kept")
    )
    return Told(
        f"{kpi.label.zh}目标为 {said.zh}，按{zh}的目标推算为 {found.zh}，{verdict.zh}。",
        f"The target of {kpi.label.en} is {said.en}; the targets of {en} come to {found.en}: {verdict.en}.",
        said=f"{kpi.label.zh} {said.zh}",
    )


def _ratio(number: float) -> Label:
    return both(f"1:{number:.2f}".rstrip("0").rstrip("."))
