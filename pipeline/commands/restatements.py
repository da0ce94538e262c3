"""Restatements on the screen: what was published once, what it is now, why, and who has taken note."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from rich.console import Console

from pipeline.commands.screen import NOTHING, Lang, figure, label, note, plain_table
from pipeline.project import Project
from pipeline.warehouse import Warehouse


def list_restatements(project: Project, everything: bool, lang: Lang, console: Console) -> None:
    """Show what was restated, the latest publication first."""
    with Warehouse.of(project) as warehouse:
        found = warehouse.restatements(everything=everything)
    if not found:
        console.print("No restatement waits to be signed." if not everything else "Nothing was restated.")
        return
    right = ("ID", "was", "is")
    table = plain_table(
        "ID", "what", "period", "was", "is", "published", "why", "signed by", title="Restatements", right=right
    )
    for row in found:
        table.add_row(*_told(row, lang))
    console.print(table)
    waiting = sum(row["signed_by"] is None and not row["is_expected"] for row in found)
    if waiting:
        console.print(note(f"{waiting} to be signed; a row is a KPI and period with all its members"))


def sign_restatements(
    project: Project,
    ids: Sequence[int],
    day: date | None,
    console: Console,
    *,
    signed_by: str,
    words: str | None,
) -> None:
    """Sign restatements, and say how many it were."""
    with Warehouse.of(project) as warehouse:
        signed = warehouse.sign_restatements(ids, day, signed_by=signed_by, note=words)
    if not signed:
        console.print(f"Nothing that {day} restated waits to be signed.")
        return
    console.print(f"{len(signed)} signed by {signed_by}: {', '.join(map(str, signed))}.")


def _told(row: dict[str, Any], lang: Lang) -> tuple[str, ...]:
    said = row["reason_zh"] if lang == "zh" else row["reason_en"]
    return (
        str(row["restatement_id"]),
        label(row["label_zh"], row["label_en"], lang) + _members(row),
        row["period"],
        figure(row["old_value"], row["unit"]),
        figure(row["new_value"], row["unit"]),
        _published(row),
        said,
        row["signed_by"] or NOTHING,
    )


def _members(row: dict[str, Any]) -> str:
    """How many members changed beside the total, or instead of it."""
    if not row["members"]:
        return ""
    return f" (and {row['members']} members)" if row["has_total"] else f" ({row['members']} members)"


def _published(row: dict[str, Any]) -> str:
    """From which day evaluated to which."""
    old, new = row["old_as_of"], row["new_as_of"]
    return f"{new:%m-%d} again" if old == new else f"{old:%m-%d} → {new:%m-%d}"
