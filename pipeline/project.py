"""The user's project folder: sources.yaml and plan.yaml, read and validated, every complaint with its line."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from dotenv import dotenv_values
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from pipeline.errors import ConfigurationError
from pipeline.plan import Identifier, Plan, Strict
from pipeline.settings import Settings

ABSENT = "absent"
SOURCES_FILE = "sources.yaml"
PLAN_FILE = "plan.yaml"

ColumnMap = dict[Identifier, str]
Factors = Annotated[list[str], Field(min_length=2)]
Shape = TypeVar("Shape", bound=Strict)


class Lines(Strict):
    """The source's rows are lines: those of one input that share the table's key make one row.

    `sum` names the columns that are added up. Of every other column the row has what its lines agree on, and
    nothing where they differ; a day or a moment is that of the first line.
    """

    sum: list[Identifier] = []


class Cursor(Strict):
    """How far a database was read: a column of the query whose values only grow, and where the first day begins."""

    column: str
    initial: str | int | datetime | date


class Feed(Strict):
    """One place a canonical table comes from, and how its columns are called there.

    `columns` names the source's column of each canonical one; a canonical column that is not named is taken from a
    source column of the same name, if there is one. `where` keeps the source's rows whose column has one of the
    values, `exclude` leaves out those that have. `values` translates values; in these three a `*` stands for any text.
    `constants` fills whole columns, `absent` says why a column can't be had.
    `multiply` makes a number of several source columns, `units`, `dates` and `timezone` say how values are meant.
    """

    source: Identifier
    """The system it comes from; lineage starts there."""
    file: str | None = None
    """File name or pattern below the landing folder; `{as_of}` stands for the day, as YYYY-MM-DD."""
    format: Literal["csv", "excel", "parquet", "jsonl"] | None = None
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1)] = 1
    database: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    """Name of the environment variable that holds the SQLAlchemy URL."""
    query: str | None = None
    """Query of a database feed; `:as_of` stands for the day, `:cursor` for how far the days before it got."""
    cursor: Cursor | None = None
    arrives: Literal["snapshot", "increment"] | None = None
    """As the contract says, unless this feed differs."""
    columns: ColumnMap = {}
    constants: ColumnMap = {}
    values: dict[Identifier, dict[str, str]] = {}
    where: dict[str, list[str]] = {}
    exclude: dict[str, list[str]] = {}
    lines: Lines | None = None
    absent: dict[Identifier, str] = {}
    multiply: dict[Identifier, Factors] = {}
    """Column -> the source's columns whose product it is."""
    units: ColumnMap = {}
    """Column -> the unit its plain numbers are in, as 万元."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Currency of the whole feed; the same as a constant."""
    timezone: str | None = None
    """Where its clocks stand: moments without an offset are local time there."""
    dates: ColumnMap = {}
    """Column -> the one form its dates are written in, as `strptime` knows it."""
    allow_empty: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> "Feed":
        if (self.file is None) == (self.query is None):
            raise ValueError("a feed has either file or query")
        if (self.database is None) != (self.query is None):
            raise ValueError("database and query belong together: database names the variable that holds the URL")
        if self.file is not None and (Path(self.file).is_absolute() or ".." in Path(self.file).parts):
            raise ValueError(f"file {self.file!r} leaves the landing folder; set landing: to the folder it is in")
        ways = [*self.columns, *self.multiply, *self.stated, *self.absent]
        twice = sorted({column for column in ways if ways.count(column) > 1})
        if self.currency and "currency" in self.constants:
            twice.append("currency")
        if twice:
            raise ValueError(f"{', '.join(twice)}: mapped and also constant or absent; keep one")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> "Feed":
        if self.cursor is not None and not all(name in (self.query or "") for name in (":cursor", ":as_of")):
            raise ValueError(
                "a feed with a cursor needs a query with :cursor and :as_of, "
                "so that a day asks for what came after the days before it and not for what came later"
            )
        return self

    @property
    def stated(self) -> dict[str, str]:
        """What fills whole columns."""
        return self.constants | ({"currency": self.currency} if self.currency else {})


class Sources(Strict):
    """sources.yaml: for each canonical table its feeds, or the word `absent`."""

    landing: str = "landing"
    tables: dict[Identifier, Feed | list[Feed] | Literal["absent"]]

    def feeds(self, table: str) -> list[Feed]:
        """The feeds of a table; none when it is absent or not mentioned."""
        entry = self.tables.get(table, ABSENT)
        if isinstance(entry, str):
            return []
        return [entry] if isinstance(entry, Feed) else list(entry)

    @property
    def systems(self) -> dict[str, list[str]]:
        """Source system -> the tables it feeds, both sorted."""
        found: dict[str, set[str]] = {}
        for table in self.tables:
            for feed in self.feeds(table):
                found.setdefault(feed.source, set()).add(table)
        return {system: sorted(tables) for system, tables in sorted(found.items())}


@dataclass(frozen=True)
class Project:
    """A validated project folder."""

    root: Path
    sources: Sources
    plan: Plan

    @classmethod
    def read(cls, root: Path) -> "Project":
        """Read both files.

        Raises:
            ConfigurationError: the folder or a file is missing, or a value is wrong; every fault is named.
        """
        root = root.resolve()
        if not root.is_dir():
            raise ConfigurationError(f"no project folder at {root}; `tuoke init {root.name}` writes one")
        return cls(
            root=root,
            sources=read_yaml(root / SOURCES_FILE, Sources),
            plan=read_yaml(root / PLAN_FILE, Plan),
        )

    @cached_property
    def settings(self) -> Settings:
        """The environment as it stands for this project."""
        return Settings.of(self.root)

    @property
    def environment(self) -> dict[str, str]:
        """The variables a feed may name: the process's, over those of the project's `.env`."""
        kept = {name: value for name, value in dotenv_values(self.root / ".env").items() if value is not None}
        return kept | dict(os.environ)

    @property
    def landing(self) -> Path:
        """Where the sources put their files."""
        return (self.root / self.sources.landing).resolve()

    @property
    def lake(self) -> Path:
        """The lake's folder."""
        return self.root / "lake"

    @property
    def corrections(self) -> Path:
        """Where mended rows of the quarantine are kept."""
        return self.root / "corrections"

    @property
    def postgres(self) -> Path:
        """The embedded server's folder."""
        return self.root / "postgres"

    @property
    def hash_key(self) -> str:
        """Key of the hashes that stand for personal data.

        Raises:
            ConfigurationError: the environment holds none.
        """
        if self.settings.hash_key is None:
            raise ConfigurationError(
                f"TUOKE_HASH_KEY is not set in {self.root / '.env'} or the environment; any long random text will do"
            )
        return self.settings.hash_key.get_secret_value()


FORMS = {"model_type": "a mapping", "list_type": "a list", "literal_error": "the words {expected}"}
"""What a value that may have several forms is told to be none of."""


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads in C where the library was built with it.

    YAML lets a later key win in silence; a mapping with the same key twice is a mistake here.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, shape: type[Shape]) -> Shape:
    """A YAML file as the model it must fit.

    Raises:
        ConfigurationError: the file is missing or does not fit; a line per fault, with the line it is on.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing; `tuoke init {path.parent.name}` writes a commented one")
    try:
        text = path.read_text(encoding="utf-8")
        node, data = _read(text)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path.name} line {line}: {error.problem}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path} is empty; `tuoke init` in a new folder shows what belongs in it")
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_complaints(path.name, node, error))) from error


def _read(text: str) -> tuple[yaml.Node | None, Any]:
    """A document's nodes, which know their lines, and what they say."""
    loader = _UniqueKeyLoader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _complaints(file: str, node: yaml.Node, error: ValidationError) -> Iterator[str]:
    """One line per fault: file, line, key, what is wrong and the value that is."""
    faults = [(*_locate(node, fault["loc"]), fault) for fault in error.errors(include_url=False)]
    wrong = [keys for _, keys, fault in faults if fault["type"] not in FORMS]
    told: set[str] = set()
    for line, keys, fault in faults:
        is_form = fault["type"] in FORMS
        if is_form and _is_within(keys, [*wrong, *(place for _, place, _ in faults if place != keys)]):
            # of the forms a value may have one was meant: what is wrong in it is told, not that it is no other
            continue
        forms = [other for _, place, other in faults if place == keys]
        message = _forms(forms) if is_form and len(forms) > 1 else _message(fault)
        complaint = f"{file} line {line}, {'.'.join(keys) or 'top level'}: {message}"
        if complaint not in told:
            told.add(complaint)
            yield complaint


def _is_within(keys: list[str], places: list[list[str]]) -> bool:
    """Whether one of the places is at the key or below it."""
    return any(place[: len(keys)] == keys for place in places)


def _message(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown key; remove it or mend its spelling"
    if fault["type"] == "missing":
        return "required, but missing; add it"
    message = fault["msg"].removeprefix("Value error, ")
    return message if isinstance(fault["input"], dict | list) else f"{message}, found {fault['input']!r}"


def _forms(faults: list[ErrorDetails]) -> str:
    """A value that has none of the forms it may have."""
    forms = [FORMS[fault["type"]].format(**fault.get("ctx", {})) for fault in faults]
    return f"must be {' or '.join(forms)}, found {faults[0]['input']!r}"


def _locate(node: yaml.Node, loc: tuple[int | str, ...]) -> tuple[int, list[str]]:
    """The line of the deepest part of `loc` that stands in the file; names of union members are passed over."""
    keys: list[str] = []
    line = node.start_mark.line + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            match = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if match is None:
                if not re.search(r"[\[\]A-Z]", str(part)):
                    keys.append(str(part))
                continue
            line, node = match[0].start_mark.line + 1, match[1]
            keys.append(str(part))
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
            keys.append(str(part))
    return line, keys
