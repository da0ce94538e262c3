"""A new project folder: both files with a comment on everything, and nothing decided for the user."""

import os
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from string import Template

from rich.cells import cell_len, set_cell_size

from assets.ads.catalogue import catalogue
from pipeline.commands.instance import TEMPLATES
from pipeline.errors import ConfigurationError
from pipeline.plan import NO_TARGET
from pipeline.project import ABSENT, PLAN_FILE, SOURCES_FILE
from quality.contract import Column, Contract, contracts

ENV_FILE = ".env"
LANDING = "landing"
FILES = (SOURCES_FILE, PLAN_FILE, ENV_FILE)


def write_folder(root: Path, today: date) -> None:
    """Write sources.yaml, plan.yaml, .env and an empty landing folder.

    Raises:
        ConfigurationError: one of the files is there already; nothing is written.
    """
    there = [name for name in FILES if (root / name).exists()]
    if there:
        raise ConfigurationError(f"{root} has {', '.join(there)} already; choose another folder, or remove them")
    (root / LANDING).mkdir(parents=True, exist_ok=True)
    (root / SOURCES_FILE).write_text(sources_text(), encoding="utf-8")
    (root / PLAN_FILE).write_text(plan_text(today), encoding="utf-8")
    # the key is private from its first byte on
    with open(os.open(root / ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(_template("env").substitute(hash_key=secrets.token_hex(32)))


def sources_text() -> str:
    """sources.yaml with every table absent, and under each a block that shows how it would be mapped."""
    tables = "\n\n".join("\n".join(_table_lines(contract)) for contract in contracts().values())
    return _template(SOURCES_FILE).substitute(tables=tables)


def plan_text(today: date) -> str:
    """plan.yaml for the quarter of the day, compared with the quarter before, without any target."""
    starts_on = _quarter(today)
    next_starts_on = _quarter(starts_on + timedelta(days=100))
    return _template(PLAN_FILE).substitute(
        today=today,
        campaign_starts_on=starts_on,
        campaign_ends_on=next_starts_on - timedelta(days=1),
        baseline_starts_on=_quarter(starts_on - timedelta(days=1)),
        baseline_ends_on=starts_on - timedelta(days=1),
        targets="\n".join(_target_lines()),
    )


def _quarter(day: date) -> date:
    """The first day of the day's quarter."""
    return day.replace(month=day.month - (day.month - 1) % 3, day=1)


def _template(name: str) -> Template:
    return Template((TEMPLATES / name).read_text(encoding="utf-8"))


def _table_lines(contract: Contract) -> Iterator[str]:
    every = "every row, every day" if contract.arrives == "snapshot" else "every day what is new"
    yield f"  # {contract.label.zh} {contract.label.en}. {contract.description}"
    yield f"  # {contract.arrives}: {every}"
    yield f"  {contract.table}: {ABSENT}"
    yield f"  #   source: {contract.system}"
    yield f"  #   file: {contract.system}/{contract.table}_{{as_of}}.csv"
    yield "  #   columns:"
    mapped = [f"{column.name}: {column.label.zh}" for column in contract.columns]
    width = max(map(cell_len, mapped))
    for column, mapping in zip(contract.columns, mapped, strict=True):
        yield f"  #     {set_cell_size(mapping, width)}   # {_column_note(column)}"


def _column_note(column: Column) -> str:
    marks = ["required"] * column.required + ["personal data"] * column.personal
    return f"{', '.join(marks)}: {column.description}" if marks else column.description


def _target_lines() -> Iterator[str]:
    for name, kpi in catalogue().kpis.items():
        better = "more is better" if kpi.better == "higher" else "less is better"
        yield f"  {f'{name}: {NO_TARGET}':<42}  # {kpi.label.zh} {kpi.label.en}; {kpi.unit}, {better}"
