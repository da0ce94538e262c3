"""The KPI catalogue, sql/kpis.yaml: every indicator once, as sums over facts; refused unless every part is known."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from sqlglot import exp

from assets.ads.expressions import names, parse_aggregate, parse_arithmetic, parse_condition
from pipeline.engine import SQL_FOLDER
from pipeline.plan import Definitions, Dimension, Identifier, Label, Strict
from pipeline.project import read_yaml
from quality.contract import contracts

CATALOGUE_FILE = SQL_FOLDER / "kpis.yaml"

Unit = Literal["count", "currency", "rate", "ratio", "score", "hours", "days"]
Better = Literal["higher", "lower"]
Interval = Literal["none", "wilson", "mean", "nps", "ratio", "total", "events", "per_event"]
Moments = tuple[Literal["spread", "cross", "square"], ...]
MOMENTS: dict[Interval, Moments] = {
    "mean": ("spread",),
    "nps": ("spread",),
    "total": ("spread",),
    "ratio": ("spread", "cross", "square"),
}
"""What an interval needs beside numerator, denominator and observations."""
Window = Literal["within", "previous", "before"]
Declared = Literal["audience", "audience.industries", "new_markets"]
AddsUp = Literal["yes", "quotient", "distinct"]
ColumnKind = Literal["text", "flag", "date", "money", "number"]
VariantName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]

PERIOD_COLUMNS = ("period", "period_start", "period_end")
"""What an expression may name besides the fact's columns: the period the row is counted in, and its bounds."""
TAKEN_NAMES = (*PERIOD_COLUMNS, "period_no", "period_block", "period_bits", "dimension", "member", "counted")
"""What the query that is made of a fact calls its own columns."""
PARTS = ("numerator", "denominator", "spread", "cross", "square")
"""What a variant is made of, as far as it has it."""
OR = " or "
ROW_ID = "_row_id"


def _parsable(parse: Any) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


Aggregate = Annotated[str, _parsable(parse_aggregate)]
Condition = Annotated[str, _parsable(parse_condition)]
Arithmetic = Annotated[str, _parsable(parse_arithmetic)]


class Measure(Strict):
    """Something that adds up over the rows of a fact.

    `needs` are source columns without which it says nothing: `leads.won_at`, `leads.phone or leads.email`, or a
    definition of the plan (`valid_lead`, `high_value`) for whatever that one looks at. `plan` names definitions that
    a plan may leave open, and that must be declared here. Without any row a measure is
    zero, or unknown: nobody has a customer for nothing because his cost was not booked.
    """

    value: Aggregate
    where: Condition | None = None
    contracts: list[Identifier] = Field(default_factory=list)
    needs: list[str] = Field(default_factory=list)
    plan: list[Declared] = Field(default_factory=list)
    without_rows: Literal["zero", "unknown"] = "zero"

    @cached_property
    def aggregate(self) -> exp.AggFunc:
        """`value`, parsed."""
        return parse_aggregate(self.value)

    @cached_property
    def condition(self) -> exp.Expr | None:
        """`where`, parsed."""
        return parse_condition(self.where) if self.where else None

    @property
    def is_distinct(self) -> bool:
        """Whether it counts different values, so that parts that share some do not add up."""
        return isinstance(self.aggregate.this, exp.Distinct)

    @property
    def counted(self) -> exp.Expr:
        """What a distinct count counts the values of."""
        return self.aggregate.this.expressions[0]

    @property
    def columns(self) -> list[str]:
        """Columns it names."""
        return names(self.aggregate) + (names(self.condition) if self.condition else [])


class Rows(Strict):
    """Where a fact's rows come from: its `column` holds the key of the contract's rows, or their `_row_id`."""

    contract: Identifier
    column: Identifier

    @property
    def key(self) -> str:
        """The column of the contract's table in dwd that is meant."""
        key = contracts()[self.contract].key
        return key[0] if len(key) == 1 else ROW_ID


class Fact(Strict):
    """A table whose rows are measured, the date that puts a row into a period, the columns that put it under a member.

    A row counts in the period its date is `within`, in the one after it (`previous`: what the period grew from), or in
    every one that starts later (`before`); without a date in every period. What is `booked_by` the month, as wages and
    bills are, says of no day or week what it cost, and these are not judged by it. `contracts` are the sources it is
    made of, `rows` leads back to the lines it was made of. A `number` is read with six decimals, so that sums do not
    depend on the order of the rows.
    """

    table: Annotated[str, Field(pattern=r"^dws\.[a-z][a-z0-9_]*$")]
    date: Identifier | None
    window: Window = "within"
    booked_by: Literal["day", "month"] = "day"
    rows: Rows | None = None
    shared: Label | None = None
    """What the amounts are called, where those that name no member of a dimension are for all of them, as wages are for
    all channels: a member's figures are without its part of them, and say so."""
    contracts: list[Identifier] = Field(min_length=1)
    dimensions: dict[Dimension, Identifier]
    columns: dict[Identifier, ColumnKind] = Field(default_factory=dict)
    measures: dict[Identifier, Measure] = Field(min_length=1)


class Variant(Strict):
    """One way to compute a KPI, out of measures. Without a denominator it is a quantity.

    What is called otherwise than the KPI means something else, and says what. `spread` is the sum of the squares of
    what the numerator sums; intervals of means and totals need it. A ratio of two sums over the same rows needs the sum
    of the products (`cross`) and of the denominator's squares (`square`) too.
    """

    label: Label | None = None
    meaning: Label | None = None
    formula: Label | None = None
    numerator: Arithmetic
    denominator: Arithmetic | None = None
    spread: Arithmetic | None = None
    cross: Arithmetic | None = None
    square: Arithmetic | None = None

    @model_validator(mode="after")
    def _says_what_it_is(self) -> "Variant":
        words = {"label": self.label, "meaning": self.meaning, "formula": self.formula}
        missing = [name for name, said in words.items() if said is None]
        if missing and len(missing) < len(words):
            raise ValueError(f"a variant has label, meaning and formula of its own, or none of them; add {missing[0]}")
        return self

    @cached_property
    def parts(self) -> dict[str, exp.Expr]:
        """numerator, denominator, spread, cross, square: those that are there, parsed."""
        texts = {part: getattr(self, part) for part in PARTS}
        return {part: parse_arithmetic(text) for part, text in texts.items() if text is not None}

    @cached_property
    def measures(self) -> list[str]:
        """Measures it is made of."""
        return list(dict.fromkeys(name for part in self.parts.values() for name in names(part)))

    @property
    def observed(self) -> str:
        """The measure whose rows are its observations: the denominator's first, else the numerator's."""
        return names(self.parts.get("denominator", self.parts["numerator"]))[0]


class Kpi(Strict):
    """An indicator with every variant of it; the official one is what targets and scores are about."""

    label: Label
    meaning: Label
    formula: Label
    unit: Unit
    better: Better
    additive: bool = False
    """Its values over members, and over periods side by side, add up to the value over all of them."""
    interval: Interval = "none"
    dimensions: list[Dimension] | None = None
    """Those it makes sense for; all that its facts have, where none are named."""
    official: VariantName | None = None
    variants: dict[VariantName, Variant] = Field(min_length=1)
    seeds: list[Annotated[str, Field(pattern=r"^[FIUX]\d{2,3}$")]] = Field(default_factory=list)

    @property
    def official_variant(self) -> str:
        """The catalogue's own choice; a plan may make another."""
        return self.official or next(iter(self.variants))

    @property
    def is_quantity(self) -> bool:
        """Whether it counts or sums something up, so that a target for the whole is none for a part."""
        return self.variants[self.official_variant].denominator is None


class Fault(NamedTuple):
    """Something in the catalogue that names what is not there."""

    place: tuple[str, ...]
    value: Any
    message: str


class Catalogue(Strict):
    """sql/kpis.yaml."""

    facts: dict[Identifier, Fact]
    kpis: dict[Identifier, Kpi]

    @model_validator(mode="after")
    def _everything_named_exists(self) -> "Catalogue":
        faults = [*_fact_faults(self.facts), *_kpi_faults(self)]
        if faults:
            raise ValidationError.from_exception_data(
                "Catalogue",
                [
                    InitErrorDetails(
                        type=PydanticCustomError("catalogue", "{message}", {"message": fault.message}),
                        loc=fault.place,
                        input=fault.value,
                    )
                    for fault in faults
                ],
            )
        return self

    @cached_property
    def fact_of(self) -> dict[str, str]:
        """Measure -> the fact it is taken over."""
        return {measure: name for name, fact in self.facts.items() for measure in fact.measures}

    @cached_property
    def chinese_names(self) -> dict[str, str]:
        """What each KPI is called in Chinese."""
        return {name: kpi.label.zh for name, kpi in self.kpis.items()}

    @cached_property
    def additive(self) -> frozenset[str]:
        """KPIs whose values add up to the whole's."""
        return frozenset(name for name, kpi in self.kpis.items() if kpi.additive)

    @cached_property
    def quantities(self) -> frozenset[str]:
        """KPIs that have no denominator: a target for the campaign says nothing about a day or a team of it."""
        return frozenset(name for name, kpi in self.kpis.items() if kpi.is_quantity)

    @property
    def tables(self) -> list[str]:
        """Tables the facts are taken from, sorted."""
        return sorted({fact.table for fact in self.facts.values()})

    def measure(self, name: str) -> Measure:
        """The measure of that name."""
        return self.facts[self.fact_of[name]].measures[name]

    def official(self, kpi: str, definitions: Definitions) -> str:
        """The variant that counts: the plan's choice, else the catalogue's."""
        return definitions.official.get(kpi, self.kpis[kpi].official_variant)

    def dimensions(self, kpi: str, variant: Variant) -> list[Dimension]:
        """Dimensions every fact of the variant has, less those that make no sense for the KPI."""
        facts = [self.facts[self.fact_of[name]] for name in variant.measures]
        shared = [name for name in facts[0].dimensions if all(name in fact.dimensions for fact in facts)]
        wanted = self.kpis[kpi].dimensions
        return shared if wanted is None else [name for name in shared if name in wanted]

    def adds_up(self, kpi: str, variant: Variant) -> AddsUp:
        """Whether the values of a dimension's members add up to the value over all, or else what keeps them from it."""
        if variant.denominator is not None:
            return "quotient"
        shared = any(self.measure(name).is_distinct for name in variant.measures)
        return "distinct" if shared and not self.kpis[kpi].additive else "yes"

    def shared(self, variant: Variant) -> list[str]:
        """Measures of the variant that leave out of a member's figures what is for all of them."""
        return [name for name in variant.measures if self.facts[self.fact_of[name]].shared is not None]

    def is_booked_by_month(self, variant: Variant) -> bool:
        """Whether anything it is made of is."""
        return any(self.facts[self.fact_of[name]].booked_by == "month" for name in variant.measures)

    def undeclared(self, variant: Variant, definitions: Definitions) -> list[str]:
        """Definitions the variant can't do without, and the plan leaves open; sorted."""
        asked = {name for measure in variant.measures for name in self.measure(measure).plan}
        return sorted(name for name in asked if not _is_declared(definitions, name))

    def contracts(self, variant: Variant) -> list[str]:
        """Source tables whose quality the variant inherits, sorted."""
        found: set[str] = set()
        for name in variant.measures:
            found.update(self.facts[self.fact_of[name]].contracts, self.measure(name).contracts)
        return sorted(found)

    def needs(self, variant: Variant, definitions: Definitions) -> list[str]:
        """Source columns the variant can't do without, `a or b` where either will do; sorted."""
        looked_at = definition_needs(definitions)
        found = {need for name in variant.measures for need in self.measure(name).needs}
        return sorted({column for need in found for column in looked_at.get(need, [need])})


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with the product."""
    return read_catalogue(CATALOGUE_FILE)


def read_catalogue(path: Path) -> Catalogue:
    """Read a catalogue.

    Raises:
        ConfigurationError: an entry is malformed; file, line, key, value and remedy of each fault.
    """
    return read_yaml(path, Catalogue)


def definition_needs(definitions: Definitions) -> dict[str, list[str]]:
    """Source columns that a definition of the plan looks at."""
    valid = definitions.valid_lead
    contacts = ("leads.phone", "leads.email", "customers.phone", "customers.email")
    valid_lead = [
        *([OR.join(contacts)] if valid.contactable else []),
        *(["leads.demand_tag or customers.demand_tag"] if valid.demand_tag else []),
        *(["leads.score"] if valid.minimum_score is not None else []),
    ]
    high_value = {"grade": ["customers.grade"], "company": ["customers.kind"]}.get(definitions.high_value, [])
    return {"valid_lead": valid_lead, "high_value": high_value}


def _is_declared(definitions: Definitions, name: Declared) -> bool:
    if name == "audience.industries":
        return bool(definitions.audience.industries)
    market = definitions.audience if name == "audience" else definitions.new_markets
    return market.is_declared


def _fact_faults(facts: dict[str, Fact]) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for name, fact in facts.items():
        at = ("facts", name)
        yield from _unknown((*at, "contracts"), fact.contracts, contracts(), "contract")
        if fact.rows is not None:
            yield from _unknown((*at, "rows", "contract"), [fact.rows.contract], contracts(), "contract")
        if fact.date is None and fact.window != "within":
            yield Fault((*at, "window"), fact.window, "without a date a row counts in every period; remove the window")
        for column in fact.columns:
            if column in fact.dimensions or column in TAKEN_NAMES:
                yield Fault((*at, "columns", column), fact.columns[column], "name taken by a dimension or the period")
        for measure in fact.measures:
            if measure in owner or measure in (*fact.columns, *fact.dimensions, *TAKEN_NAMES):
                taken = f"fact {owner[measure]}" if measure in owner else "a column"
                yield Fault((*at, "measures", measure), measure, f"name taken by {taken}; choose another")
            owner[measure] = name
            yield from _measure_faults((*at, "measures", measure), fact, fact.measures[measure])


def _measure_faults(at: tuple[str, ...], fact: Fact, measure: Measure) -> Iterator[Fault]:
    known = [*fact.columns, *PERIOD_COLUMNS]
    yield from _unknown((*at, "value"), names(measure.aggregate), known, "column", measure.value)
    yield from _unknown(
        (*at, "where"), names(measure.condition) if measure.condition else [], known, "column", measure.where
    )
    yield from _unknown((*at, "contracts"), measure.contracts, contracts(), "contract")
    for need in measure.needs:
        for column in need.split(OR):
            table, _, name = column.partition(".")
            is_column = table in contracts() and name in contracts()[table].by_name
            if not is_column and column not in definition_needs(Definitions()):
                yield Fault((*at, "needs"), need, f"no contract has {column}; write table.column")


def _kpi_faults(catalogue: Catalogue) -> Iterator[Fault]:
    for name, kpi in catalogue.kpis.items():
        at = ("kpis", name)
        if kpi.official is None and len(kpi.variants) > 1:
            yield Fault(at, list(kpi.variants), f"say which variant is official: {', '.join(kpi.variants)}")
        if kpi.official is not None and kpi.official not in kpi.variants:
            yield Fault((*at, "official"), kpi.official, f"no such variant; {nearest(kpi.official, kpi.variants)}")
        for variant in kpi.variants:
            yield from _variant_faults(catalogue, name, variant)


def _variant_faults(catalogue: Catalogue, name: str, variant_name: str) -> Iterator[Fault]:
    at = ("kpis", name, "variants", variant_name)
    kpi = catalogue.kpis[name]
    variant = kpi.variants[variant_name]
    unknown = [
        fault
        for part, expression in variant.parts.items()
        for fault in _unknown((*at, part), names(expression), catalogue.fact_of, "measure", expression.sql())
    ]
    yield from unknown
    if not unknown and not variant.measures:
        yield Fault((*at, "numerator"), variant.numerator, "names no measure")
    elif not unknown:
        yield from _shape_faults(at, kpi, variant)
        shared = catalogue.dimensions(name, variant)
        for dimension in kpi.dimensions or []:
            if dimension not in shared:
                yield Fault(("kpis", name, "dimensions"), dimension, f"not every fact of variant {variant_name} has it")


def _shape_faults(at: tuple[str, ...], kpi: Kpi, variant: Variant) -> Iterator[Fault]:
    if kpi.additive and variant.denominator is not None:
        yield Fault((*at, "denominator"), variant.denominator, "a quotient does not add up; remove additive")
    if kpi.interval != "none" and variant.denominator is None:
        yield Fault(at, kpi.interval, "an interval is that of a quotient; add a denominator, or set interval: none")
    wanted = MOMENTS.get(kpi.interval, ())
    if [part for part in PARTS[2:] if part in variant.parts] != list(wanted):
        told = f"needs {', '.join(wanted)}" if wanted else "has no use for spread, cross or square"
        yield Fault((*at, "spread"), kpi.interval, f"interval {kpi.interval} {told}")


def _unknown(
    place: tuple[str, ...], wanted: Iterable[str], known: Iterable[str], what: str, value: str | None = None
) -> Iterator[Fault]:
    known = list(known)
    for name in wanted:
        if name not in known:
            yield Fault(place, value or name, f"unknown {what} {name!r}; {nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """What may have been meant, or else all there is."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
