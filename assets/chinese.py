"""What tables and columns are called in Chinese, for comments and for the views `<table>_zh`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import yaml

from pipeline.engine import SQL_FOLDER
from pipeline.errors import TuokeError
from pipeline.plan import Plan
from quality.contract import contracts
from quality.reasons import RATE_NAMES

FILE = SQL_FOLDER / "chinese.yaml"
CHINESE, ENGLISH, STATE = "_zh", "_en", "_state"


class NoChineseName(TuokeError):
    """A published table or column that the dictionary leaves out."""


UNKNOWN_MEMBERS = "any"
"""Where the dictionary has members of every dimension."""


@dataclass(frozen=True)
class Spoken:
    """What the values of a column are called: by the value, or by another column's and its own."""

    words: Mapping[str, str] = field(default_factory=dict)
    by: str | None = None
    holds: Literal["value", "list", "keys"] = "value"


@dataclass(frozen=True)
class Chinese:
    """The dictionary: names of first words, tables, columns, and columns of one table; words for values by column."""

    prefixes: Mapping[str, str]
    tables: Mapping[str, str]
    columns: Mapping[str, str]
    of: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, str]]
    members: Mapping[str, Mapping[str, str]]
    lists: Sequence[str]
    keys: Sequence[str]

    def table(self, name: str) -> str:
        """What a table is called.

        Raises:
            NoChineseName: it has no name.
        """
        if name not in self.tables:
            raise NoChineseName(f"{name} has no Chinese name; give it one under tables in sql/{FILE.name}")
        return self.tables[name]

    def column(self, table: str, name: str) -> str:
        """What a column of a table is called; the English half of a pair is told to be it.

        Raises:
            NoChineseName: it has no name.
        """
        names = self.columns | _kpis() | self.of.get(table, {})
        if found := self._found(names, name):
            return found
        if name.endswith(ENGLISH) and (found := self._found(names, name.removesuffix(ENGLISH) + CHINESE)):
            return f"{found}（英文）"
        raise NoChineseName(f"{table}.{name} has no Chinese name; give it one under columns in sql/{FILE.name}")

    def _found(self, names: Mapping[str, str], name: str) -> str | None:
        """The name of a column, or of its first word and the rest of it."""
        first, _, rest = name.partition("_")
        composed = self.prefixes[first] + names[rest] if first in self.prefixes and rest in names else None
        return names.get(name, composed)

    def is_shown(self, name: str, columns: Collection[str]) -> bool:
        """Whether a column has a place in the Chinese view: all but what another of the `columns` says in Chinese."""
        return not name.endswith(ENGLISH) and f"{name}{CHINESE}" not in columns

    def spoken(self, name: str, columns: Collection[str], plan: Plan) -> Spoken:
        """What the values of a column are called, those the plan names as the plan does."""
        if name in (*self.lists, *self.keys):
            words = _kpis() | self.words["dimension"]
            return Spoken(words, holds="list" if name in self.lists else "keys")
        if name == "member" and "dimension" in columns:
            return Spoken(self._member_words(plan), by="dimension")
        if name == "column_name" and "table_name" in columns:
            return Spoken(_columns_of_sources(), by="table_name")
        return Spoken(self.words.get(_coded(name, self.words, self.prefixes), {}) | _named(name, self.members, plan))

    def _member_words(self, plan: Plan) -> dict[str, str]:
        told = {
            **{name: {} for name in self.words["dimension"] if name not in RATE_NAMES and "reference" not in name},
            **self.members,
            "channel": _channels(plan),
            "risk": {risk.id: risk.label.zh for risk in plan.risks.items},
            "source": _sources(),
            "step": {step.id: step.label.zh for step in plan.segments.win_back.steps},
        }
        always = told.pop(UNKNOWN_MEMBERS)
        return {f"{name}/{value}": word for name, words in told.items() for value, word in (always | words).items()}


@cache
def chinese() -> Chinese:
    """The dictionary in `sql/chinese.yaml`."""
    return Chinese(**yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _coded(name: str, words: Collection[str], prefixes: Collection[str]) -> str:
    """The column whose words it has: a KPI's state is a state, the growth of a matrix is a growth."""
    if name.endswith(STATE) and name.removesuffix(STATE) in _kpis():
        return "state"
    first, _, rest = name.partition("_")
    return rest if first in prefixes and rest in words and name not in words else name


def _named(name: str, members: Mapping[str, Mapping[str, str]], plan: Plan) -> dict[str, str]:
    """What the plan and the sources call the values of a column."""
    owners = {owner: label.zh for owner, label in plan.owners.names.items()}
    outliers = plan.cleaning.outliers
    found = {
        "channel": members[UNKNOWN_MEMBERS] | _channels(plan),
        "owner": owners,
        "strategy_owner": owners,
        "table_name": _sources(),
        "rule": {
            f"modified z-score above {rule.threshold:g}": f"修正 z 分数高于 {rule.threshold:g}" for rule in outliers
        },
        "subject": _kpis() | RATE_NAMES,
        "topic": {f"kpi.{kpi}": label for kpi, label in _kpis().items()}
        | {f"quality.{rate}": label for rate, label in RATE_NAMES.items()},
    }
    return found.get(name, {})


def _channels(plan: Plan) -> dict[str, str]:
    return {channel.id: channel.label.zh for channel in plan.channels}


def _sources() -> dict[str, str]:
    return {table: contract.label.zh for table, contract in contracts().items()}


def _columns_of_sources() -> dict[str, str]:
    return {
        f"{table}/{column.name}": column.label.zh
        for table, contract in contracts().items()
        for column in contract.columns
    }


@cache
def _kpis() -> dict[str, str]:
    """The columns of the scorecard, called what their KPIs are called."""
    # at the top it would be a circle: tables of the layer speak Chinese too
    from assets.ads.catalogue import catalogue

    labels = {name: kpi.label.zh for name, kpi in catalogue().kpis.items()}
    return labels | {f"{kpi}{STATE}": f"{label}状态" for kpi, label in labels.items()}
