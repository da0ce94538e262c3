"""What tables and columns are called in Chinese, for comments and for the views `<table>_zh`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from pipeline.engine import SQL_FOLDER
from pipeline.errors import TuokeError

FILE = SQL_FOLDER / "chinese.yaml"
CHINESE, ENGLISH, STATE = "_zh", "_en", "_state"


class NoChineseName(TuokeError):
    """A published table or column that the dictionary leaves out."""


@dataclass(frozen=True)
class Chinese:
    """The dictionary: names of first words, tables, columns, and columns of one table; words for values by column."""

    prefixes: Mapping[str, str]
    tables: Mapping[str, str]
    columns: Mapping[str, str]
    of: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, str]]

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

    def is_shown(self, name: str) -> bool:
        """Whether a column has a place in the Chinese view: all but what is said in English a second time."""
        return not name.endswith(ENGLISH)


@cache
def chinese() -> Chinese:
    """The dictionary in `sql/chinese.yaml`."""
    return Chinese(**yaml.safe_load(FILE.read_text(encoding="utf-8")))


@cache
def _kpis() -> dict[str, str]:
    """The columns of the scorecard, called what their KPIs are called."""
    # at the top it would be a circle: tables of the layer speak Chinese too
    from assets.ads.catalogue import catalogue

    labels = {name: kpi.label.zh for name, kpi in catalogue().kpis.items()}
    return labels | {f"{kpi}{STATE}": f"{label}状态" for kpi, label in labels.items()}
