"""Alerts on the screen: what is open, who has it, and by when it is to be answered."""

from datetime import date
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from pipeline.commands.screen import BAD, FAINT, NOTHING, POOR, Lang, label, note, plain_table
from pipeline.project import Project
from pipeline.warehouse import Warehouse

STYLES = {"red": BAD, "yellow": POOR, "blue": ""}
LEVELS = {"red": "红色", "yellow": "黄色", "blue": "蓝色"}
DONE = {"acknowledged": "is acknowledged by {done_by}", "paused": "is paused until {until}", "reset": "is reset"}


def list_alerts(project: Project, everything: bool, lang: Lang, console: Console) -> None:
    """Show the alerts, the gravest first."""
    with Warehouse.of(project) as warehouse:
        found = warehouse.alerts(everything=everything)
    if not found:
        console.print("No alert is open.")
        return
    table = plain_table("ID", "level", "state", "what", "owner", "answer by", title="Alerts", right=("ID",))
    for row in found:
        table.add_row(
            str(row["alert_id"]), _level(row, lang), _state(row), _what(row, lang), row["owner"], _by(row, project)
        )
    console.print(table)
    late = sum(row["is_overdue"] for row in found)
    if late:
        console.print(note(f"{late} not answered in time"))


def change_alert(
    project: Project,
    alert_id: int,
    event: Literal["acknowledged", "paused", "reset"],
    console: Console,
    *,
    done_by: str | None = None,
    words: str | None = None,
    until: date | None = None,
) -> None:
    """Acknowledge, pause or reset an alert, and say which it was."""
    with Warehouse.of(project) as warehouse:
        about = warehouse.change_alert(alert_id, event, done_by=done_by, note=words, until=until)
    console.print(f"Alert {alert_id}, {about['en']} {about['zh']}, {DONE[event].format(done_by=done_by, until=until)}.")


def _level(row: dict[str, Any], lang: Lang) -> Text:
    return Text(label(LEVELS[row["alert_level"]], row["alert_level"], lang), style=STYLES[row["alert_level"]])


def _state(row: dict[str, Any]) -> str:
    """The state, with who has it and for how long nobody is to be bothered."""
    said = [row["state"]]
    if row["acknowledged_by"]:
        said.append(f"by {row['acknowledged_by']}")
    if row["paused_until"] and row["state"] != "resolved":
        said.append(f"paused until {row['paused_until']}")
    if row["episode"] > 1:
        said.append(f"time {row['episode']}")
    return ", ".join(said)


def _what(row: dict[str, Any], lang: Lang) -> str:
    told = row["sentence_zh"] if lang == "zh" else row["sentence_en"]
    return f"{label(row['label_zh'], row['label_en'], lang)}: {told}"


def _by(row: dict[str, Any], project: Project) -> Text:
    """When it is to be answered by, in the plan's time zone; nothing once somebody has."""
    if row["state"] != "open":
        return Text(NOTHING, style=FAINT)
    moment = row["respond_by"].astimezone(project.plan.zone)
    return Text(f"{moment:%m-%d %H:%M}", style=BAD if row["is_overdue"] else "")
