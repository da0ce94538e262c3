"""What is in quarantine, handed to those who can mend it, and taken back: mended rows enter with their history."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from rich.console import Console, RenderableType

from assets.chinese import chinese
from assets.day import ProjectDay
from assets.dq import KEPT, quarantined
from pipeline.commands.handout import read_handout, write_handout
from pipeline.commands.screen import (
    Lang,
    count,
    in_one,
    label,
    listed,
    note,
    noted,
    place,
    plain_table,
    tuoke_command,
)
from pipeline.commands.words import owner_name, table_name
from pipeline.corrections import ABOUT, DISMISSED, REPAIRED
from pipeline.errors import ConfigurationError
from pipeline.plan import Label
from pipeline.project import Project
from quality.contract import Contract, contracts
from quality.quarantine import REJECTED_AGAIN, STATES, SUPERSEDED, WAITING

IDENTITY = ("table_name", "delivered_on", "row_id")
TOLD = ("state", "rule_ids", "message_zh", "message_en", "line_as_sent")
"""What an export says beside the row's own columns; a replay passes over it."""
NAMED = 5
"""Rows named by their id where more of them share a fault."""
SHOWN = 40
"""Rows a list shows; an export has them all."""
NUMBERS = ("integer", "double", "decimal")

Row = dict[str, str | None]
Key = tuple[date, str]


@dataclass(frozen=True)
class Wanted:
    """Which rows of the quarantine are asked for; None is all."""

    table: str | None = None
    rule: str | None = None
    delivered_on: date | None = None

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Those of the rows."""
        found = rows
        if self.rule is not None:
            breaks = [self.rule in rule_ids.split(",") for rule_ids in found["rule_ids"]]
            found = found[breaks]
        if self.delivered_on is not None:
            found = found[found["delivered_on"] == pd.Timestamp(self.delivered_on)]
        return found


@dataclass(frozen=True)
class Replayed:
    """What a replay kept: rows corrected or dismissed, and rows of the file that were as they had been."""

    table: str
    keys: tuple[Key, ...]
    unchanged: int
    is_known: bool = False
    """Whether the same file was replayed before; nothing was kept then."""


def quarantine_day(project: Project, as_of: date | None) -> ProjectDay:
    """The day that is asked for, or the latest there is.

    Raises:
        ConfigurationError: nothing was landed on that day, or ever.
    """
    lake = ProjectDay(project, as_of or date.max).lake
    days = sorted({day for table in contracts() for day in lake.days(f"{KEPT[0]}.{table}")})
    if not days:
        raise ConfigurationError(f"{project.root} has no quarantine yet; evaluate a day first: {_run_command(project)}")
    if as_of is not None and as_of not in days:
        raise ConfigurationError(
            f"{as_of} was not evaluated; the latest day that was is {days[-1]}. Choose it, or {_run_command(project)}"
        )
    return ProjectDay(project, as_of or days[-1])


def _run_command(project: Project) -> str:
    return f"{tuoke_command()} run {place(project.root)} --date YYYY-MM-DD"


# --- to look at ---


def list_rows(day: ProjectDay, wanted: Wanted, lang: Lang, console: Console) -> None:
    """Print how many rows wait for whom and why, and where each of them comes from; never what it says."""
    rows = wanted.of(quarantined(day, _tables(wanted.table)))
    # those of an earlier delivery only where it is asked for
    there = rows if wanted.delivered_on else rows[rows["state"] != SUPERSEDED]
    for part in (counts_table(rows, day, lang), rows_table(there, lang)):
        console.print(part)
        console.print()
    waiting = rows.loc[rows["state"].isin(WAITING), "table_name"]
    if len(waiting):
        table = waiting.iloc[0]
        told = f"{count(len(waiting))} rows wait for their owners. To hand them out:"
        console.print(in_one(f"{count(len(waiting))} 行等待责任人处理。导出交给责任人：", told, lang))
        console.print(_command(day, "export", f"{table}.xlsx --table {table}"), soft_wrap=True)


def _command(day: ProjectDay, what: str, options: str) -> str:
    return f"  {tuoke_command()} quarantine {what} {place(day.project.root)} {options} --date {day.as_of}"


def _tables(table: str | None) -> Iterable[str]:
    return contracts() if table is None else [_contract(table).table]


def _contract(table: str) -> Contract:
    if table not in contracts():
        raise ConfigurationError(f"--table {table}: no such table; there are {', '.join(contracts())}")
    return contracts()[table]


def counts_table(rows: pd.DataFrame, day: ProjectDay, lang: Lang) -> RenderableType:
    """Rows by table and rule, with whoever answers for them; a state no row is in has no column."""
    found = tuple(state for state in STATES if (rows["state"] == state).any())
    heads = in_one("数据表,规则,问题,责任人", "table,rule,what is wrong,owner", lang).split(",")
    states = tuple(_state(state, lang) for state in found)
    title = in_one(f"隔离数据，{day.as_of}", f"Quarantine on {day.as_of}", lang)
    table = plain_table(*heads, *states, title=title, right=states, whole=(heads[1],))
    groups = rows.groupby(["table_name", "rule_id"], sort=True)
    for (name, rule), group in groups:
        first = group.iloc[0]
        rows_in = group["state"].value_counts()
        said = label(first["message_zh"], first["message_en"], lang)
        owner = owner_name(first["owner"], day.project.plan, lang)
        counts = (count(rows_in.get(state, 0)) for state in found)
        table.add_row(table_name(str(name), lang), str(rule), said, owner, *counts)
    return table


def _state(state: str, lang: Lang) -> str:
    return in_one(chinese().words["state"][state], state.replace("_", " "), lang)


def rows_table(rows: pd.DataFrame, lang: Lang) -> RenderableType:
    """Where each row comes from and what has become of it."""
    rest = len(rows) - SHOWN
    heads = in_one("数据行,送达日期,来源,行号,处理状态,规则", "row,delivered,from,line,state,rules", lang).split(",")
    table = plain_table(*heads, right=(heads[3],))
    ordered = rows.sort_values(["table_name", "delivered_on", "source", "line", "row_id"])
    for row in ordered.head(SHOWN).itertuples():
        state = _state(row.state, lang)
        table.add_row(row.row_id, f"{row.delivered_on:%Y-%m-%d}", row.source, str(row.line), state, row.rule_ids)
    if rest > 0:
        table.add_row("…", "", in_one(f"另有 {count(rest)} 行", f"and {count(rest)} more", lang), "", "", "")
    return table


# --- to mend ---


def export_rows(day: ProjectDay, path: Path, wanted: Wanted, lang: Lang, console: Console) -> None:
    """Write the waiting rows of a table, as sent, for their owner to mend.

    Raises:
        ConfigurationError: there are none, or the file can't be written.
    """
    contract = _contract(wanted.table or "")
    columns = _columns(day, contract)
    rows = wanted.of(quarantined(day, [contract.table]))
    rows = rows[rows["state"].isin(WAITING)]
    if rows.empty:
        raise ConfigurationError(f"no row of {contract.table} waits in the quarantine of {day.as_of} for these options")
    said = _said(day, contract, rows)
    handed = [_identity(row) | _told(row) | said[_key(row)] for row in rows.to_dict("records")]
    numbers = {column.name for column in contract.columns if column.type in NUMBERS}
    write_handout(path, [*IDENTITY, *TOLD, *columns], handed, numbers)
    personal = [column.name for column in contract.columns if column.personal and column.name in columns]
    for told in _handed_out(len(rows), contract, path, personal, owner_name(contract.owner, day.project.plan, lang)):
        console.print(in_one(told.zh, told.en, lang))
    console.print(_command(day, "replay", place(path.resolve())), soft_wrap=True)


def _handed_out(rows: int, contract: Contract, path: Path, personal: Sequence[str], owner: str) -> Iterator[Label]:
    """What is to be said of a handout."""
    yield Label(
        zh=f"{contract.label.zh}（{contract.table}）的 {count(rows)} 行已导出到 {path}，责任人：{owner}。",
        en=f"{count(rows)} rows of {contract.table} are in {path}, for {owner}.",
    )
    if personal:
        names = "、".join(contract.by_name[name].label.zh for name in personal)
        yield Label(
            zh=f"文件含个人信息（{names}），只有本账户可以读取，请勿放宽权限。",
            en=f"It holds personal data ({', '.join(personal)}). Only this account may read it: keep it so.",
        )
    yield Label(
        zh="只改正有误的单元格，其余不动，然后运行：", en="Change the cells that are wrong and nothing else, then:"
    )


def _columns(day: ProjectDay, contract: Contract) -> list[str]:
    """The columns the table's sources fill."""
    filled = set(day.read(f"mapped.{contract.table}")["column_name"])
    return [name for name in contract.by_name if name in filled]


def _identity(row: Mapping[str, Any]) -> Row:
    delivered_on, row_id = _key(row)
    return {"table_name": row["table_name"], "delivered_on": delivered_on.isoformat(), "row_id": row_id}


def _told(row: Mapping[str, Any]) -> Row:
    told = {name: row[name] for name in ("state", "rule_ids", "message_zh", "message_en")}
    return told | {"line_as_sent": row["row_as_sent"] if row["is_line"] else None}


def _key(row: Mapping[str, Any]) -> Key:
    return pd.Timestamp(row["delivered_on"]).date(), row["row_id"]


def _said(day: ProjectDay, contract: Contract, rows: pd.DataFrame) -> dict[Key, Row]:
    """What each row says now: as it was corrected last, else as it was sent; a line that is no row says nothing."""
    given = day.corrections.rows(contract.table, day.as_of, list(contract.by_name)).to_pylist()
    corrected = {
        (one["_is_line"], one["_sent_hash"], one["_occurrence"]): {name: one[name] for name in contract.by_name}
        for one in given
        if one["_verdict"] == REPAIRED
    }
    said = {}
    for row in rows.to_dict("records"):
        sent = {} if row["is_line"] else json.loads(row["row_as_sent"])
        said[_key(row)] = corrected.get((row["is_line"], row["sent_hash"], row["occurrence"]), sent)
    return said


# --- to take back ---


def keep_verdicts(day: ProjectDay, path: Path, verdict: str) -> Replayed:
    """Keep what a handout says of its rows: that they are repaired as it has them now, or dismissed.

    What it says of a row that was delivered again since is kept of the latest delivery, which waits in its place.

    Raises:
        ConfigurationError: the file is no handout of one table, a row of it is not in quarantine, or was let in on an
            earlier day. Nothing is kept then.
        SourceError: it can't be read.
    """
    rows = read_handout(path)
    contract = _table_of(path, rows)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if any(digest.startswith(file.replayed) for file in day.corrections.files(contract.table, day.as_of)):
        return Replayed(contract.table, tuple(_row_key(path, row) for row in rows), 0, is_known=True)
    columns = _columns(day, contract)
    _check_columns(path, contract, rows[0], columns)
    found = quarantined(day, [contract.table])
    there = _by_key(found)
    asked = _keyed(path, rows)
    _check_rows(day, path, contract, asked, there)
    said = _said(day, contract, found)
    changed = {
        key: row
        for key, row in asked.items()
        if (there[key]["state"] != DISMISSED if verdict == DISMISSED else _is_changed(row, said[key], columns))
    }
    _check_once(path, [_key(there[key]) for key in changed])
    if changed:
        kept = pa.Table.from_pylist(
            [_correction(there[key], row, verdict, columns) for key, row in changed.items()],
            schema=pa.schema([*ABOUT, *((name, pa.string()) for name in contract.by_name)]),
        )
        day.corrections.write(contract.table, day.as_of, kept, digest)
    return Replayed(contract.table, tuple(_key(there[key]) for key in changed), len(asked) - len(changed))


def _by_key(found: pd.DataFrame) -> dict[Key, Row]:
    """The rows by their keys; in the place of one that was delivered again since, its latest delivery."""
    rows = found.sort_values("delivered_on").to_dict("records")
    latest = {(row["is_line"], row["sent_hash"], row["occurrence"]): row for row in rows}
    return {
        _key(row): latest[row["is_line"], row["sent_hash"], row["occurrence"]] if row["state"] == SUPERSEDED else row
        for row in rows
    }


def _table_of(path: Path, rows: Sequence[Row]) -> Contract:
    if not rows:
        raise ConfigurationError(f"{path.name} has no rows; export them again")
    missing = [name for name in IDENTITY if name not in rows[0]]
    if missing:
        raise ConfigurationError(
            f"{path.name} has no column {', '.join(missing)}, by which a row is known; "
            "export the rows again and change only their values"
        )
    tables = sorted({row["table_name"] or "" for row in rows})
    if len(tables) > 1 or tables[0] not in contracts():
        raise ConfigurationError(
            f"{path.name} says table_name {', '.join(map(repr, tables))}; it must be one of {', '.join(contracts())}, "
            "the same in every row: export the rows again and change only their values"
        )
    return contracts()[tables[0]]


def _check_columns(path: Path, contract: Contract, row: Row, columns: Sequence[str]) -> None:
    unknown = [name for name in row if name not in (*IDENTITY, *TOLD, *columns)]
    if unknown:
        near = get_close_matches(unknown[0], columns, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(columns)}"
        raise ConfigurationError(f"{path.name} has a column {unknown[0]} that {contract.table} does not have; {remedy}")
    missing = [name for name in columns if name not in row]
    if missing:
        raise ConfigurationError(
            f"{path.name} has no column {', '.join(missing)} of {contract.table}; "
            "export the rows again and change only their values"
        )


def _keyed(path: Path, rows: Sequence[Row]) -> dict[Key, Row]:
    keyed: dict[Key, Row] = {}
    for row in rows:
        keyed[_row_key(path, row)] = row
    _check_once(path, [_row_key(path, row) for row in rows])
    return keyed


def _check_once(path: Path, keys: Sequence[Key]) -> None:
    for key, times in Counter(keys).items():
        if times > 1:
            raise ConfigurationError(f"{path.name} has row {key[1]} twice; keep the one that is right")


def _row_key(path: Path, row: Row) -> Key:
    # a spreadsheet may have written the day its own way
    found = re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})( 00:00:00)?", row["delivered_on"] or "")
    if not found or not row["row_id"]:
        raise ConfigurationError(
            f"{path.name} has a row with row_id {row['row_id']!r}, delivered_on {row['delivered_on']!r}; "
            "export the rows again and change only their values"
        )
    return date(int(found[1]), int(found[2]), int(found[3])), row["row_id"]


def _check_rows(
    day: ProjectDay, path: Path, contract: Contract, asked: Iterable[Key], there: Mapping[Key, Mapping[str, Any]]
) -> None:
    for key in asked:
        delivered_on, row_id = key
        if key not in there:
            raise ConfigurationError(
                f"{path.name}: row {row_id}, delivered on {delivered_on}, is not in the quarantine of "
                f"{contract.table} on {day.as_of}; see those that are with {tuoke_command()} quarantine list "
                f"{place(day.project.root)} --table {contract.table} --date {day.as_of}"
            )
        row = there[key]
        is_over = row["state"] == REPAIRED and pd.Timestamp(row["corrected_on"]).date() < day.as_of
        if is_over and day.arrives(contract.table) == "increment":
            raise ConfigurationError(
                f"{path.name}: row {row_id} of {contract.table} was let in on {row['corrected_on']:%Y-%m-%d}; "
                f"what is wrong with it now is for {contract.owner} to send again"
            )


def _is_changed(row: Row, said: Row, columns: Sequence[str]) -> bool:
    return any((row[name] or "") != (said.get(name) or "") for name in columns)


def _correction(there: Mapping[str, Any], row: Row, verdict: str, columns: Sequence[str]) -> dict[str, Any]:
    """A line of the file that is kept."""
    about = {
        "_row_id": there["row_id"],
        "_source": there["source"],
        "_line": there["line"],
        "_delivered_on": pd.Timestamp(there["delivered_on"]).date(),
        "_is_line": there["is_line"],
        "_sent_hash": there["sent_hash"],
        "_occurrence": there["occurrence"],
        "_rule_id": there["first_rule_id"],
        "_rule_ids": there["first_rule_ids"],
        "_row_as_sent": there["row_as_sent"],
        "_verdict": verdict,
    }
    return about | ({name: row[name] for name in columns} if verdict == REPAIRED else {})


def show_replayed(day: ProjectDay, replayed: Replayed, lang: Lang, console: Console) -> None:
    """Print what became of the rows after the day was evaluated again."""
    rows = quarantined(day, [replayed.table])
    keys = set(replayed.keys)
    mine = rows[[_key(row) in keys for row in rows[["delivered_on", "row_id"]].to_dict("records")]]
    states = mine["state"].value_counts()
    told = listed((_counted(states[state], _state(state, lang), lang) for state in STATES if state in states), lang)
    none = in_one("没有改动任何一行", "no row was changed", lang)
    console.print(noted(table_name(replayed.table, lang), told or none, lang))
    if replayed.unchanged:
        same = count(replayed.unchanged)
        passed_over = f"{same} rows of the file are as they were, and were passed over."
        console.print(note(in_one(f"文件中 {same} 行没有改动，已跳过。", passed_over, lang)))
    again = mine[mine["state"] == REJECTED_AGAIN]
    for rule_id, group in again.groupby("rule_id", sort=True):
        said = label(group.iloc[0]["message_zh"], group.iloc[0]["message_en"], lang)
        breaks = in_one(f"{count(len(group))} 行违反 {rule_id}", f"{count(len(group))} break {rule_id}", lang)
        console.print(note(noted(breaks, said, lang)))
        named = ", ".join(sorted(group["row_id"])[:NAMED]) + (" …" if len(group) > NAMED else "")
        console.print(note(f"  row_id: {named}"))


def _counted(rows: int, state: str, lang: Lang) -> str:
    return in_one(f"{state} {count(rows)} 行", f"{count(rows)} {state}", lang)
