"""Alerts on the screen: what is open, who has it, and by when it is to be answered."""

from datetime import date
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from pipeline.commands.screen import BAD, FAINT, NOTHING, POOR, Lang, in_one, label, note, noted, plain_table
from pipeline.commands.words import owner_name
from pipeline.project import Project
from pipeline.warehouse import Warehouse

STYLES = {"red": BAD, "yellow": POOR, "blue": ""}
LEVELS = {"red": "红色", "yellow": "黄色", "blue": "蓝色"}
STATES = {"open": "未处理", "acknowledged": "已确认", "resolved": "已解除"}
DONE = {
    "acknowledged": ("已由 {done_by} 确认", "is acknowledged by {done_by}"),
    "paused": ("已暂停提醒，{until} 恢复", "is paused until {until}"),
    "reset": ("已重置", "is reset"),
}


def list_alerts(project: Project, everything: bool, lang: Lang, console: Console) -> None:
    """Show the alerts, the gravest first."""
    with Warehouse.of(project) as warehouse:
        found = warehouse.alerts(everything=everything)
    if not found:
        none = in_one("从未有过预警。", "There has never been an alert.", lang)
        console.print(none if everything else in_one("没有未解除的预警。", "No alert is open.", lang))
        return
    heads = in_one("编号,级别,状态,预警事项,责任人,响应截止", "ID,level,state,what,owner,answer by", lang).split(",")
    table = plain_table(*heads, title=in_one("预警", "Alerts", lang), right=(heads[0],))
    for row in found:
        owner = owner_name(row["owner"], project.plan, lang)
        table.add_row(
            str(row["alert_id"]), _level(row, lang), _state(row, lang), _what(row, lang), owner, _by(row, project)
        )
    console.print(table)
    late = sum(row["is_overdue"] for row in found)
    if late:
        console.print(note(in_one(f"{late} 条未按时响应", f"{late} not answered in time", lang)))


def change_alert(
    project: Project,
    alert_id: int,
    event: Literal["acknowledged", "paused", "reset"],
    lang: Lang,
    console: Console,
    *,
    done_by: str | None = None,
    words: str | None = None,
    until: date | None = None,
) -> None:
    """Acknowledge, pause or reset an alert, and say which it was."""
    with Warehouse.of(project) as warehouse:
        about = warehouse.change_alert(alert_id, event, done_by=done_by, note=words, until=until)
    done = in_one(*DONE[event], lang).format(done_by=done_by, until=until)
    what = label(about["zh"], about["en"], lang)
    console.print(in_one(f"预警 {alert_id}（{what}）{done}。", f"Alert {alert_id}, {what}, {done}.", lang))


def _level(row: dict[str, Any], lang: Lang) -> Text:
    return Text(label(LEVELS[row["alert_level"]], row["alert_level"], lang), style=STYLES[row["alert_level"]])


def _state(row: dict[str, Any], lang: Lang) -> str:
    """The state, with who has it and for how long nobody is to be bothered."""
    said = [in_one(STATES[row["state"]], row["state"], lang)]
    if row["acknowledged_by"]:
        said.append(in_one(f"确认人 {row['acknowledged_by']}", f"by {row['acknowledged_by']}", lang))
    if row["paused_until"] and row["state"] != "resolved":
        said.append(in_one(f"暂停至 {row['paused_until']}", f"paused until {row['paused_until']}", lang))
    if row["episode"] > 1:
        said.append(in_one(f"第 {row['episode']} 次", f"raised {row['episode']} times", lang))
    return in_one("，", ", ", lang).join(said)


def _what(row: dict[str, Any], lang: Lang) -> str:
    """What is wrong; a sentence that begins with what it is about is not told that twice."""
    told, about = in_one(row["sentence_zh"], row["sentence_en"], lang), label(row["label_zh"], row["label_en"], lang)
    return told if told.startswith(about) else noted(about, told, lang)


def _by(row: dict[str, Any], project: Project) -> Text:
    """When it is to be answered by, in the plan's time zone; nothing once somebody has."""
    if row["state"] != "open":
        return Text(NOTHING, style=FAINT)
    moment = row["respond_by"].astimezone(project.plan.zone)
    return Text(f"{moment:%m-%d %H:%M}", style=BAD if row["is_overdue"] else "")
