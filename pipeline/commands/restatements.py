"""Restatements on the screen: what was published once, what it is now, why, and who has taken note."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from rich.console import Console

from assets.ads.wording import period_words
from pipeline.commands.screen import NOTHING, Lang, figure, in_one, label, listed, note, plain_table
from pipeline.project import Project
from pipeline.warehouse import Warehouse


def list_restatements(project: Project, everything: bool, lang: Lang, console: Console) -> None:
    """Show what was restated, the latest publication first."""
    with Warehouse.of(project) as warehouse:
        found = warehouse.restatements(everything=everything)
    if not found:
        waits = in_one("没有待签认的数据重述。", "No restatement waits to be signed.", lang)
        console.print(in_one("没有数据重述。", "Nothing was restated.", lang) if everything else waits)
        return
    heads = in_one(
        "编号,指标,周期,原数值,新数值,发布,原因,签认人", "ID,what,period,was,is,published,why,signed by", lang
    ).split(",")
    right = (heads[0], heads[3], heads[4])
    table = plain_table(*heads, title=in_one("数据重述", "Restatements", lang), right=right)
    for row in found:
        table.add_row(*_told(row, lang))
    console.print(table)
    waiting = sum(row["signed_by"] is None and not row["is_expected"] for row in found)
    if waiting:
        told = in_one(
            f"{waiting} 条待签认；每行为一个指标在一个周期的全部成员",
            f"{waiting} to be signed; a row is a KPI in a period, with all its members",
            lang,
        )
        console.print(note(told))


def sign_restatements(
    project: Project,
    ids: Sequence[int],
    day: date | None,
    lang: Lang,
    console: Console,
    *,
    signed_by: str,
    words: str | None,
) -> None:
    """Sign restatements, and say which they were."""
    with Warehouse.of(project) as warehouse:
        signed = warehouse.sign_restatements(ids, day, signed_by=signed_by, note=words)
    if not signed:
        nothing = f"Nothing that {day} restated waits to be signed."
        console.print(in_one(f"{day} 发布的数据没有待签认的重述。", nothing, lang))
        return
    numbers = listed(map(str, signed), lang)
    told = f"{len(signed)} signed by {signed_by}: {numbers}."
    console.print(in_one(f"{signed_by} 已签认 {len(signed)} 条：{numbers}。", told, lang))


def _told(row: dict[str, Any], lang: Lang) -> tuple[str, ...]:
    return (
        str(row["restatement_id"]),
        label(row["label_zh"], row["label_en"], lang) + _members(row, lang),
        in_one(period_words(row["period"]).zh, row["period"], lang),
        figure(row["old_value"], row["unit"], lang),
        figure(row["new_value"], row["unit"], lang),
        _published(row, lang),
        in_one(row["reason_zh"], row["reason_en"], lang),
        row["signed_by"] or NOTHING,
    )


def _members(row: dict[str, Any], lang: Lang) -> str:
    """How many members changed beside the total, or instead of it."""
    if not row["members"]:
        return ""
    zh, en = ("另有 ", "and ") if row["has_total"] else ("", "")
    number = row["members"]
    return in_one(f"（{zh}{number} 个成员）", f" ({en}{number} member{'s' if number > 1 else ''})", lang)


def _published(row: dict[str, Any], lang: Lang) -> str:
    """From which day evaluated to which."""
    old, new = row["old_as_of"], row["new_as_of"]
    again = in_one(f"{new:%m-%d} 重跑", f"{new:%m-%d} again", lang)
    return again if old == new else f"{old:%m-%d} → {new:%m-%d}"
