"""The contract of a source table: its columns and every rule they must keep, read from ODCS YAML.

Nothing else states a source rule. Predicates, expectations, types, dictionary and comments are derived from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from open_data_contract_standard.model import DataQuality, OpenDataContractStandard, SchemaObject, SchemaProperty

from pipeline.errors import ConfigurationError
from pipeline.plan import Label, Threshold

FOLDER = Path(__file__).parent / "contracts"

KEY_RULE = "key_unique"

RATES = ("completeness", "accuracy", "duplicates", "timeliness")

ColumnType = Literal["text", "integer", "double", "decimal", "date", "timestamp", "boolean"]
Dimension = Literal["completeness", "accuracy", "consistency", "uniqueness", "timeliness"]

_TYPES: dict[tuple[str, str], ColumnType] = {
    ("string", "varchar"): "text",
    ("integer", "bigint"): "integer",
    ("number", "double"): "double",
    ("number", "decimal(18,2)"): "decimal",
    ("date", "date"): "date",
    ("timestamp", "timestamptz"): "timestamp",
    ("boolean", "boolean"): "boolean",
}


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of a row, or of a row beside the others of its table.

    `columns` are those it looks at: where one of them can't be had, the rule is not assessed.
    """

    id: str
    table: str
    dimension: Dimension
    kind: str
    columns: tuple[str, ...]
    severity: Literal["error", "warning", "info"] = "error"
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_rated(self) -> bool:
        """Whether it counts in the rates: what is only worth a warning or a note does not."""
        return self.severity == "error"

    @property
    def quarantines(self) -> bool:
        """Whether a row that breaks it is kept back: duplicates are merged instead, late rows are let in."""
        return self.is_rated and self.dimension not in ("uniqueness", "timeliness")


@dataclass(frozen=True)
class Column:
    """One column of a source table."""

    name: str
    type: ColumnType
    label: Label
    description: str
    required: bool
    key: bool
    personal: bool
    format: str | None


@dataclass(frozen=True)
class About:
    """How a row says which customer it is about: a column with the id, where other columns have these values."""

    column: str
    when: Mapping[str, str]


@dataclass(frozen=True)
class Contract:
    """What a source promises."""

    table: str
    system: str
    label: Label
    description: str
    owner: str
    arrives: Literal["snapshot", "increment"]
    event: str | None
    """The column that says when it happened; None where a row holds for a time, and nothing happens."""
    latency_days: int | None
    available_by: str
    money: str | None
    records: str | None
    """What the rows are called that the gate lets through, where they are not yet the things the table is about."""
    about: About | None
    """The customer a row is about: whose personal data it holds, if it holds any."""
    thresholds: Mapping[str, Threshold]
    """Rate -> what the source promises; a plan may ask for other ones."""
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    """What must hold of its rows, each looked at with no other table."""
    relations: tuple[Rule, ...] = ()
    """What must hold between its rows over all days, and those of other tables: worth a warning, never kept back."""

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def gated(self) -> str:
        """The table of dwd that the gate writes."""
        return f"dwd.{self.records or self.table}"

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def optional_key(self) -> frozenset[str]:
        """The columns of the key that may be blank: two blanks are the same."""
        return frozenset(column.name for column in self.columns if column.key and not column.required)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns a row must fill."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def recorded(self) -> str | None:
        """The column that says when a row was entered in its source, if there is one."""
        return next((name for name in ("recorded_at", "recorded_on") if name in self.by_name), None)

    @property
    def is_converted(self) -> bool:
        """Whether its money may be of any currency that there is a rate for."""
        return any(rule.kind == "rate_known" for rule in self.rules)

    @property
    def event_day(self) -> str | None:
        """The column of dwd that holds the day of the event: the event itself, or the day of its moment."""
        if self.event is None:
            return None
        return f"{self.event.removesuffix('_at')}_on" if self.event.endswith("_at") else self.event


@cache
def contracts() -> dict[str, Contract]:
    """Every contract by its table, in the order of the tables' names."""
    files = sorted(FOLDER.glob("*.odcs.yaml"))
    found = (contract_from(file.read_text(encoding="utf-8")) for file in files)
    return {contract.table: contract for contract in found}


def contract_from(text: str) -> Contract:
    """A contract from the text of an ODCS v3 file.

    Raises:
        ConfigurationError: a type, a rule or a field Tuoke needs is missing or unknown.
    """
    document = OpenDataContractStandard.from_string(text)
    [schema] = document.schema_ or []
    own = {entry.property: entry.value for entry in schema.customProperties or []}
    sla = {entry.property: entry.value for entry in document.slaProperties or []}
    columns = tuple(_column(schema.name, entry) for entry in schema.properties or [])
    recorded = next((column.name for column in columns if column.name in ("recorded_at", "recorded_on")), None)
    rules = [rule for entry in schema.properties or [] for rule in _column_rules(schema.name, entry)]
    rules += _unique_rules(schema, columns)
    if recorded:
        rules.append(_timeliness(schema.name, own["event"], recorded, int(sla["latency"])))
    return Contract(
        table=schema.name,
        system=document.domain,
        label=_label(schema),
        description=document.description.purpose,
        owner=document.team.name,
        arrives=own["arrives"],
        event=own.get("event"),
        latency_days=int(sla["latency"]) if "latency" in sla else None,
        available_by=sla["timeOfAvailability"],
        money=own.get("money"),
        records=own.get("records"),
        about=About(own["customer"], own.get("customer_when", {})) if "customer" in own else None,
        thresholds=_thresholds(schema),
        columns=columns,
        rules=tuple(rules),
        relations=tuple(_relations(schema)),
    )


def _column(table: str, entry: SchemaProperty) -> Column:
    kind = _TYPES.get((entry.logicalType, entry.physicalType))
    if kind is None:
        raise ConfigurationError(
            f"contract {table}: {entry.name} is {entry.logicalType} as {entry.physicalType}; "
            f"known are {', '.join(' as '.join(pair) for pair in _TYPES)}"
        )
    return Column(
        name=entry.name,
        type=kind,
        label=_label(entry),
        description=entry.description,
        required=bool(entry.required),
        key=bool(entry.primaryKey),
        personal=entry.classification == "personal",
        format=(entry.logicalTypeOptions or {}).get("format"),
    )


def _label(entry: SchemaObject | SchemaProperty) -> Label:
    [chinese] = [synonym.synonym for synonym in entry.synonyms or [] if synonym.locale == "zh"]
    return Label(zh=chinese, en=entry.businessName)


def _column_rules(table: str, entry: SchemaProperty) -> Iterator[Rule]:
    """The rules of one column, in the order they are told to the owner of a row that breaks several."""
    name, options = entry.name, entry.logicalTypeOptions or {}

    def rule(kind: str, dimension: Dimension, suffix: str = "", *also: str, **arguments: Any) -> Rule:
        return Rule(f"{name}_{suffix or kind}", table, dimension, kind, (name, *also), arguments=arguments)

    if entry.required:
        yield rule("required", "completeness")
    if entry.logicalType != "string":
        yield rule("type", "accuracy")
    if entry.enum:
        yield rule("allowed", "accuracy", values=tuple(value.value for value in entry.enum))
    if "minimum" in options or "maximum" in options:
        yield rule("range", "accuracy", minimum=options.get("minimum"), maximum=options.get("maximum"))
    if "exclusiveMinimum" in options:
        yield rule("above", "accuracy", limit=options["exclusiveMinimum"])
    if "pattern" in options:
        yield rule("pattern", "accuracy", pattern=options["pattern"])
    if "maxLength" in options:
        yield rule("length", "accuracy", maximum=options["maxLength"])
    for quality in entry.quality or []:
        yield _own_rule(table, name, quality)


def _own_rule(table: str, name: str, quality: DataQuality) -> Rule:
    """A rule of the vendor's own kind: `implementation` names it and its arguments."""
    arguments = dict(quality.implementation)
    kind = arguments.pop("kind")
    suffixes = {
        "not_in_future": "not_in_future",
        "check_character": "check_character",
        "plan_currency": "plan_currency",
        "rate_known": "rate_known",
        "listed": "listed",
        "standard": "standard",
        "expected": "expected",
        "not_before": f"not_before_{arguments.get('other')}",
        "not_below": f"not_below_{arguments.get('other')}",
        "not_above": f"not_above_{arguments.get('other')}",
        "minimum_when": f"minimum_when_{arguments.get('equals')}",
        "required_when": f"required_when_{arguments.get('equals')}",
    }
    if kind not in suffixes:
        raise ConfigurationError(
            f"contract {table}: {name} has a rule of kind {kind!r}; known are {', '.join(suffixes)}"
        )
    also = tuple(arguments[part] for part in ("other", "column") if part in arguments)
    return Rule(f"{name}_{suffixes[kind]}", table, quality.dimension, kind, (name, *also), quality.severity, arguments)


def _unique_rules(schema: SchemaObject, columns: tuple[Column, ...]) -> list[Rule]:
    """The key first, then the wider keys the contract names: each may merge what the one before left apart."""
    key = tuple(column.name for column in columns if column.key)
    blank = tuple(column.name for column in columns if column.key and not column.required)
    rules = [Rule(KEY_RULE, schema.name, "uniqueness", "key", key, arguments={"optional": blank})]
    for quality in schema.quality or []:
        if quality.implementation["kind"] != "unique":
            continue
        wider = tuple(quality.implementation["columns"])
        optional = tuple(quality.implementation.get("optional", ()))
        rules.append(
            Rule(
                quality.name, schema.name, quality.dimension, "unique", wider, quality.severity, {"optional": optional}
            )
        )
    return rules


def _relations(schema: SchemaObject) -> Iterator[Rule]:
    """What each column refers to, and the rules of the table that look at all its days."""
    for entry in schema.properties or []:
        for relationship in entry.relationships or []:
            table, column = relationship.to.split(".")
            arguments = {"table": table, "column": column}
            yield Rule(f"{entry.name}_known", schema.name, "consistency", "known", (entry.name,), "warning", arguments)
    for quality in schema.quality or []:
        if quality.implementation["kind"] == "refunds_within":
            columns = tuple(quality.implementation["columns"])
            yield Rule(quality.name, schema.name, quality.dimension, "refunds_within", columns, quality.severity)


def _thresholds(schema: SchemaObject) -> dict[str, Threshold]:
    """The promised rates by name."""
    found = {quality.name: dict(quality.implementation) for quality in schema.quality or []}
    rates = {name: said for name, said in found.items() if said.pop("kind") == "rate"}
    missing = sorted(set(RATES) - set(rates))
    if missing:
        raise ConfigurationError(
            f"contract {schema.name} promises no rate of {', '.join(missing)}; add one under quality"
        )
    return {name: Threshold(**said) for name, said in rates.items()}


def _timeliness(table: str, event: str, recorded: str, latency_days: int) -> Rule:
    return Rule(
        "recorded_in_time", table, "timeliness", "recorded_in_time", (event, recorded), arguments={"days": latency_days}
    )
