"""Gate 1: what a source sent is typed, judged, and split into accepted, quarantined and merged rows.

Three tables of the session hold the steps: `gate.typed` (every row, each text beside the value made of it),
`gate.copies` (the few rows that share a key, and of whom each is a copy), `gate.settled` (every row with a flag for
each rule and what becomes of it). The library's verdict on the same rows comes from `measure`; the two counts must
agree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import sqlglot
from sqlglot import exp

from pipeline.engine import Session, inline, snippet, standard_macros
from pipeline.errors import TuokeError
from quality.contract import KEY_RULE, Column, Contract, Rule
from quality.corrections import CORRECTED, as_sent
from quality.credit_code import wrong_check
from quality.erasure import is_about, looks_for_personal
from quality.industries import industry_of
from quality.regions import region_of
from quality.rules import (
    DUE,
    FROM_PREFIX,
    KEY_PREFIX,
    NOT_OF,
    RATED_SINCE,
    RAW_PREFIX,
    SOURCE,
    UNREAD_PREFIX,
    WRONG_CHECK_PREFIX,
    Day,
    broken,
    earliest,
    expectation,
    is_of_moments,
    looked_at,
)

TYPED, COPIES, SETTLED = "gate.typed", "gate.copies", "gate.settled"
LINEAGE = ("_row_id", "_source", "_line")
BAD_PREFIX = "_bad_"

ACCEPTED, LATE, QUARANTINED, MERGED = "accepted", "late", "quarantined", "merged"

SAID = "clean_text($x)"
_VALUES = {
    "text": "$x",
    "integer": "clean_integer($x)",
    "double": "clean_double($x)",
    "decimal": "clean_decimal($x)",
    "date": "clean_date($x)",
    "timestamp": "clean_timestamp($x)",
    "boolean": "clean_boolean($x)",
}
_FORMATS = {"phone": "clean_phone($x)", "email": "clean_email($x)", "rate": "clean_rate($x)"}
"""Cleaners of what has a form of its own, whatever its type."""


class Standard(NamedTuple):
    """How a text is brought to the form of a standard, and the list of the day that names its forms."""

    list: str
    form: Callable[[str], str | None]


STANDARDS = {"region": Standard("regions", region_of), "industry": Standard("industries", industry_of)}


class CountsDiffer(TuokeError):
    """The engine and Great Expectations judged the same rows differently: one of them is wrong."""


@dataclass(frozen=True)
class Counted:
    """What became of the rows, and how many broke each rule, by the engine's count."""

    rows: int
    outcomes: Mapping[str, int]
    broken: Mapping[str, int]
    repeated: int
    """Rows that repeat another, under the key of the table or under a wider one."""
    incomplete: int
    inaccurate: int
    timed: int
    """Rows that say when they were entered."""
    cells: int
    filled_cells: int


@dataclass(frozen=True)
class Gate:
    """The gate of one table on one day; `mapped` are the columns its source really has.

    `lacking` names, for a column that some of several sources have, the others: their rows can't be asked to fill it.
    """

    contract: Contract
    day: Day
    mapped: frozenset[str]
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_corrected: bool = False
    """Whether `gate.corrected` holds rows that stand in for some of those sent."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that can be assessed."""
        return tuple(self._asked(rule) for rule in self.contract.rules if self._has(rule))

    def _asked(self, rule: Rule) -> Rule:
        """The rule, of those rows whose source has the column."""
        sources = self.lacking.get(rule.columns[0])
        if not sources or rule.kind not in ("required", "required_when"):
            return rule
        return replace(rule, arguments={**rule.arguments, NOT_OF: sources})

    @property
    def not_assessed(self) -> tuple[Rule, ...]:
        """The rules that can't be: the source does not have their column."""
        return tuple(rule for rule in self.contract.rules if not self._has(rule))

    def _has(self, rule: Rule) -> bool:
        needed = set(rule.columns) - set(rule.arguments.get("optional", ()))
        has_list = rule.kind not in ("listed", "standard") or bool(self.day.lists.get(rule.arguments["list"]))
        return has_list and needed <= self.mapped

    # --- the split ---

    def split(self, session: Session) -> Counted:
        """Type, judge and settle the rows of `ods.<table>`, which the session must see, and count them.

        Where some are corrected, the session must hold what they are to be; see `quality.corrections`.
        """
        for column in self._standardised:
            session.hold(f"standard.{column.name}", self._standard_forms(session, column))
        session.keep(TYPED, _finish(self._typed()))
        session.keep(COPIES, self._copies())
        session.keep(SETTLED, self._settled())
        return self._count(session)

    def _typed(self) -> exp.Select:
        values = sqlglot.select(*LINEAGE, *[part for column in self.contract.columns for part in self._parts(column)])
        typed = values.from_(self._said().subquery("said"))
        for column in self._standardised:
            known = exp.column("said", f"standard_{column.name}")
            on = exp.column(column.name, "said", quoted=True).eq(known)
            typed = typed.join(f"standard.{column.name} as standard_{column.name}", on=on, join_type="left")
        return exp.select("*", *self._helpers()).from_(typed.subquery("typed"))

    def _parts(self, column: Column) -> list[exp.Expr]:
        """The value of a column, and beside one that is not text the text it was made of."""
        if column not in self._standardised:
            return _typed_column(column)
        said = exp.column(column.name, "said", quoted=True)
        known = exp.column("form", f"standard_{column.name}")
        return [snippet("coalesce($known, $said)", known=known, said=said).as_(column.name, quoted=True)]

    @property
    def _standardised(self) -> list[Column]:
        """The columns whose values are brought to the form of a national standard, where the plan wants that."""
        return [
            column
            for column in self.contract.columns
            if column.format in STANDARDS and self.day.lists.get(STANDARDS[column.format].list)
        ]

    def _standard_forms(self, session: Session, column: Column) -> pa.Table:
        """Each text the column was sent that the standard knows, and its form there: found once, however often sent."""
        sent = exp.select(_col(column.name).as_("x")).distinct().from_(self._sent())
        said = exp.select(snippet(SAID, x=exp.column("x")).as_("said")).distinct().from_(sent.subquery("sent"))
        forms = {text: STANDARDS[column.format].form(text) for (text,) in session.rows(_finish(said)) if text}
        known = sorted((text, form) for text, form in forms.items() if form)
        return pa.table(
            {
                "said": pa.array([text for text, _ in known], pa.string()),
                "form": pa.array([form for _, form in known], pa.string()),
            }
        )

    def _said(self) -> exp.Select:
        """Every text as sent, cleaned once: what a value is made of, and what is told where none can be made."""
        said = self._heard(self._sent(), list(self.contract.by_name), LINEAGE)
        return self._without_erased(said) if self.contract.about and self.day.erased else said

    def _without_erased(self, said: exp.Select) -> exp.Select:
        """Of customers who are erased nothing personal, should a correction bring it back."""
        is_erased = is_about(self.contract, self.day.erased)
        cells = [
            snippet("case when not $erased then $x end", erased=is_erased, x=_col(column.name)).as_(
                column.name, quoted=True
            )
            if column.personal
            else _col(column.name)
            for column in self.contract.columns
        ]
        return exp.select(*LINEAGE, *cells).from_(said.subquery("cleaned"))

    def _heard(self, rows: exp.Expr, names: Sequence[str], others: Sequence[str] = ()) -> exp.Select:
        """Columns of the rows as clean text, NULL where it only says why there is no value."""
        cleaned = [snippet(SAID, x=_col(name)).as_(name, quoted=True) for name in names]
        cleaned_rows = exp.select(*others, *cleaned).from_(rows).subquery("cleaned")
        return exp.select(*others, *[self._unless_excused(name) for name in names]).from_(cleaned_rows)

    def _unless_excused(self, name: str) -> exp.Expr:
        words = [word for words in self.day.missing_words.values() for word in words]
        if not words:
            return _col(name)
        value = snippet("case when $excuse then null else $x end", excuse=_col(name).isin(*words), x=_col(name))
        return value.as_(name, quoted=True)

    def reasons(self, session: Session) -> dict[str, dict[str, int]]:
        """Column -> why its values are missing -> how often, as far as the source says so in the words of the plan."""
        by_word = {word: reason for reason, words in self.day.missing_words.items() for word in words}
        names = sorted(self.mapped & set(self.contract.by_name)) if by_word else []
        if not names:
            return {}
        found: dict[str, dict[str, int]] = {}
        counts = [self._excuses(name, by_word) for name in names]
        for name, word, rows in sorted(session.rows(exp.union(*counts, distinct=False) if counts[1:] else counts[0])):
            reasons = found.setdefault(name, {})
            reasons[by_word[word]] = reasons.get(by_word[word], 0) + rows
        return found

    def _excuses(self, name: str, words: Iterable[str]) -> exp.Select:
        """How often the column says each of the words."""
        said = snippet("trim($x)", x=_col(name))
        column = exp.Literal.string(name).as_("name")
        spoken = exp.select(column, said.as_("word"), snippet("count(*)").as_("n")).from_(self._sent())
        return spoken.where(said.isin(*words)).group_by(said)

    def _sent(self) -> exp.Table | exp.Subquery:
        """The rows as they were sent, or as they were corrected since."""
        if not self.is_corrected:
            return exp.to_table(f"ods.{self.contract.table}")
        columns = [_col(name) for name in (*LINEAGE, *self.contract.by_name)]
        untouched = (
            exp.select(*columns).from_(f"ods.{self.contract.table}").where(snippet("not $touched", touched=_touched()))
        )
        return exp.union(untouched, exp.select(*columns).from_(CORRECTED), distinct=False).subquery("sent")

    def _helpers(self) -> list[exp.Expr]:
        helpers = [
            snippet("$raw", raw=_unread(column)).as_(f"{UNREAD_PREFIX}{column.name}", quoted=True)
            for column in self.contract.columns
            if column.type != "text"
        ]
        helpers += [
            shared_key(rule, self.mapped).as_(f"{KEY_PREFIX}{rule.id}", quoted=True)
            for rule in self.rules
            if rule.kind == "unique"
        ]
        return [*helpers, *self._due(), *self._rated_since()]

    def _due(self) -> list[exp.Expr]:
        if self.contract.recorded is None:
            return []
        latest = snippet(
            "$event + interval ($days) day", event=_col(self.contract.event), days=self.contract.latency_days
        )
        kind = "date" if self.contract.by_name[self.contract.event].type == "date" else "timestamptz"
        return [exp.cast(latest, kind).as_(DUE, quoted=True)]

    def _rated_since(self) -> list[exp.Expr]:
        """The first day of each currency's rates; of the plan's own, which needs none, nothing."""
        if not self.contract.is_converted:
            return []
        kind = "date" if self.contract.by_name[self.contract.event].type == "date" else "timestamptz"
        days = [
            exp.If(this=_col("currency").eq(currency), true=snippet("cast($day as date)", day=first.isoformat()))
            for currency, first in sorted(self.day.rated.items())
            if currency != self.day.currency
        ]
        since = exp.Case(ifs=days) if days else exp.cast(exp.null(), "date")
        return [exp.cast(since, kind).as_(RATED_SINCE, quoted=True)]

    def _copies(self) -> exp.Select:
        """Of the rows no rule keeps back, which repeats the latest version of what; one duplicate key after the other.

        Only rows that share the key of the table merge here. Those that share a wider key are counted: who is the same
        as whom is settled where all that is known of them is looked at together. Who shares a key is found on the keys
        alone, so that only those few rows are ranked as a whole.
        """
        keys = exp.select("_row_id", *self._flags(self._duplicate_rules)).from_(TYPED)
        sharing = exp.select("*").from_(keys.subquery("keys")).where(self._any(self._duplicate_rules))
        rows = (
            exp.select("*", *self._flags(self._row_rules))
            .from_(TYPED)
            .join(sharing.subquery("sharing"), using="_row_id")
        )
        step = exp.select(
            "*",
            self._is_kept_back().as_("_is_kept_back"),
            snippet("cast(null as varchar)").as_("_merged_into"),
            snippet("cast(null as varchar)").as_("_merged_by"),
        ).from_(rows.subquery("rows"))
        for rule in self._duplicate_rules:
            step = self._merge(step, rule)
        flags = [_bad(rule) for rule in self._duplicate_rules]
        return exp.select("_row_id", *flags, "_merged_into", "_merged_by").from_(step.subquery("merged"))

    def _settled(self) -> exp.Select:
        """Every row with all flags, and what becomes of it."""
        flags = self._flags(self._row_rules)
        flags += [
            snippet("coalesce($x, false)", x=_bad(rule)).as_(_bad(rule).name, quoted=True)
            for rule in self._duplicate_rules
        ]
        columns = [exp.column(name, table="typed", quoted=True) for name in (*LINEAGE, *self.contract.by_name)]
        rows = exp.select(*columns, *flags, "_merged_into", "_merged_by").from_(f"{TYPED} as typed")
        rows = rows.join(f"{COPIES} as copies", on="copies._row_id = typed._row_id", join_type="left")
        outcome = snippet(
            "case when $kept_back then 'quarantined' when _merged_by = $key then 'merged'"
            " when $late then 'late' else 'accepted' end",
            kept_back=self._is_kept_back(),
            key=KEY_RULE,
            late=self._any([rule for rule in self.rules if rule.dimension == "timeliness"]),
        )
        return exp.select("*", outcome.as_("_outcome")).from_(rows.subquery("judged"))

    def _flags(self, rules: Iterable[Rule]) -> list[exp.Expr]:
        """For each rule whether a row breaks it."""
        return [_finish(broken(rule, self.contract, self.day)).as_(_bad(rule).name, quoted=True) for rule in rules]

    @property
    def _row_rules(self) -> list[Rule]:
        """The rules that look at nothing but the row."""
        return [rule for rule in self.rules if rule.dimension != "uniqueness"]

    @property
    def _duplicate_rules(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.dimension == "uniqueness"]

    def _is_kept_back(self) -> exp.Expr:
        return self._any([rule for rule in self.rules if rule.quarantines])

    def _any(self, rules: list[Rule]) -> exp.Expr:
        return exp.or_(*[_bad(rule) for rule in rules]) if rules else exp.false()

    def _merge(self, step: exp.Select, rule: Rule) -> exp.Select:
        """Among rows still standing that share the key, all but the first point to the first."""
        standing = snippet("not _is_kept_back and _merged_into is null and $bad", bad=_bad(rule))
        first = snippet(
            "case when $standing then first_value(_row_id) over (partition by $standing order by $newest) end",
            standing=standing,
            newest=exp.column("_row_id"),
        )
        window = next(first.find_all(exp.Window))
        window.set("partition_by", [*map(_col, looked_at(rule, self.contract)), *window.args["partition_by"]])
        window.set("order", exp.Order(expressions=self._newest_first()))
        ranked = exp.select("*", first.as_("_first")).from_(step.subquery("unmerged"))
        into = snippet("case when _first <> _row_id then _first else _merged_into end")
        by = snippet("case when _first <> _row_id then $rule else _merged_by end", rule=rule.id)
        kept = exp.Star(except_=[exp.to_identifier(name) for name in ("_first", "_merged_into", "_merged_by")])
        return exp.select(kept, into.as_("_merged_into"), by.as_("_merged_by")).from_(ranked.subquery("ranked"))

    def _newest_first(self) -> list[exp.Ordered]:
        """Latest change first, then the least hash of what the row says: the order of rows is no matter."""
        changed = [name for name in ("updated_at", self.contract.recorded, self.contract.event) if name in self.mapped]
        said = exp.func("md5", _joined("|", [_said(column) for column in self.contract.columns]))
        return [
            *[exp.Ordered(this=_col(name), desc=True, nulls_first=False) for name in changed],
            exp.Ordered(this=said),
            exp.Ordered(this=_col("_row_id")),
        ]

    # --- a first look ---

    def readable(self, session: Session) -> dict[str, tuple[int, int]]:
        """Column that is not text -> how many rows of `ods.<table>` have a value, and of how many one can be made."""
        columns = [column for column in self.contract.columns if column.type != "text" and column.name in self.mapped]
        if not columns:
            return {}
        values = sqlglot.select(*[part for column in columns for part in _typed_column(column)])
        counts = [
            snippet("count($x)", x=_col(name))
            for column in columns
            for name in (f"{RAW_PREFIX}{column.name}", column.name)
        ]
        typed = values.from_(self._said().subquery("said"))
        [row] = session.rows(_finish(exp.select(*counts).from_(typed.subquery("typed"))))
        return {column.name: (row[2 * place], row[2 * place + 1]) for place, column in enumerate(columns)}

    # --- what is counted ---

    def _count(self, session: Session) -> Counted:
        """One pass over the settled rows."""
        groups = {
            "incomplete": [rule for rule in self.rules if rule.is_rated and rule.dimension == "completeness"],
            "inaccurate": [
                rule for rule in self.rules if rule.is_rated and rule.dimension in ("accuracy", "consistency")
            ],
        }
        cells = [_col(name) for name in sorted(self.mapped & set(self.contract.by_name))]
        counts = {
            "rows": snippet("count(*)"),
            "timed": snippet("count($x)", x=self._timed()),
            "repeated": _how_many(snippet("_merged_into is not null")),
            "filled": snippet("$sum", sum=_total([snippet("count($x)", x=cell) for cell in cells])),
            **{name: _how_many(self._any(rules)) for name, rules in groups.items()},
            **{
                f"outcome:{name}": _how_many(snippet("_outcome = $name", name=name))
                for name in (ACCEPTED, LATE, QUARANTINED, MERGED)
            },
            **{f"rule:{rule.id}": _how_many(_bad(rule)) for rule in self.rules},
        }
        [row] = session.rows(exp.select(*counts.values()).from_(SETTLED))
        found = dict(zip(counts, row, strict=True))
        return Counted(
            rows=found["rows"],
            outcomes=_with_prefix(found, "outcome:"),
            broken=_with_prefix(found, "rule:"),
            repeated=found["repeated"],
            incomplete=found["incomplete"],
            inaccurate=found["inaccurate"],
            timed=found["timed"],
            cells=found["rows"] * len(cells),
            filled_cells=found["filled"],
        )

    def _timed(self) -> exp.Expr:
        recorded = self.contract.recorded
        return _col(recorded) if recorded in self.mapped else exp.null()

    # --- what is written ---

    @property
    def accepted_columns(self) -> list[str]:
        """The columns of accepted()."""
        return [column.alias_or_name for column in self.accepted().selects]

    def accepted(self) -> exp.Select:
        """The rows the gate lets through: typed columns, the day of the event, whether it came late, its warnings."""
        columns: list[exp.Expr] = [_col(column.name) for column in self.contract.columns]
        if self.contract.event is not None and self.contract.event_day != self.contract.event:
            columns.append(exp.cast(_col(self.contract.event), "date").as_(self.contract.event_day))
        late = snippet("_outcome = 'late'").as_("_is_late")
        rows = exp.select(*columns, late, self._warnings().as_("_warnings"), "_row_id").from_(SETTLED)
        return rows.where(snippet("_outcome in ('accepted', 'late')"))

    def _warnings(self) -> exp.Expr:
        """The rules a row breaks that only warn, with commas; NULL where it breaks none."""
        rules = sorted(rule.id for rule in self.rules if rule.severity == "warning")
        if not rules:
            return exp.cast(exp.null(), "varchar")
        broken_ones = [snippet("case when $bad then $id end", bad=_col(f"{BAD_PREFIX}{id}"), id=id) for id in rules]
        return snippet("nullif($joined, '')", joined=_joined(",", broken_ones))

    def kept_back(self) -> exp.Select:
        """The rows of `quarantine.<table>`: each as it was sent, with every rule it breaks and what becomes of it.

        Corrected rows are told too, whatever becomes of them.
        """
        failed = [
            snippet("case when $bad then $id end", bad=_bad(rule), id=rule.id)
            for rule in self.rules
            if rule.quarantines or rule.dimension == "uniqueness"
        ]
        query = exp.select(
            exp.column("_row_id", table="settled"),
            exp.column("_source", table="settled"),
            exp.column("_line", table="settled"),
            exp.Literal.string(self.contract.table).as_("table_name"),
            exp.column("_outcome", table="settled").as_("outcome"),
            self._deciding_rule().as_("rule_id"),
            _joined(",", failed).as_("rule_ids"),
            exp.column("_merged_into", table="settled").as_("merged_into"),
            self._money("settled").as_("amount"),
            self._currency("settled").as_("currency"),
        ).from_(f"{SETTLED} as settled")
        query = query.join(
            f"ods.{self.contract.table} as sent",
            on="sent._row_id = settled._row_id",
            join_type="left" if self.is_corrected else "inner",
        )
        kept_back = snippet("settled._outcome in ('quarantined', 'merged')")
        if not self.is_corrected:
            nothing = [exp.cast(exp.null(), kind).as_(name) for name, (_, kind) in _HISTORY.items()]
            today = snippet("$today", today=self.day.as_of).as_("delivered_on")
            return query.select(as_sent(self.contract, "sent").as_("row_as_sent"), today, *nothing).where(kept_back)
        return (
            query.join(f"{CORRECTED} as was", on="was._row_id = settled._row_id", join_type="left")
            .select(
                snippet("coalesce(was._row_as_sent, $sent)", sent=as_sent(self.contract, "sent")).as_("row_as_sent"),
                snippet("coalesce(was._delivered_on, $today)", today=self.day.as_of).as_("delivered_on"),
                *[exp.column(before, table="was").as_(name) for name, (before, _) in _HISTORY.items()],
            )
            .where(exp.or_(kept_back, snippet("was._row_id is not null")))
        )

    def _deciding_rule(self) -> exp.Expr:
        """Of a merged row the rule that merged it, of another the first it breaks."""
        breaks = [exp.If(this=_bad(rule), true=exp.Literal.string(rule.id)) for rule in self.rules if rule.quarantines]
        return snippet("coalesce(settled._merged_by, $first)", first=exp.Case(ifs=breaks))

    def _money(self, table: str) -> exp.Expr:
        money = exp.column(self.contract.money, table=table, quoted=True) if self.contract.money else exp.null()
        return exp.cast(money, "decimal(18,2)")

    def _currency(self, table: str) -> exp.Expr:
        currency = exp.column("currency", table=table, quoted=True) if self.contract.money else exp.null()
        return exp.cast(currency, "varchar")

    def sent_money(self) -> exp.Select:
        """Rows and money of `ods.<table>` by currency, from the text as sent."""
        return self._money_of(exp.select("*").from_(f"ods.{self.contract.table}"))

    def corrected_money(self) -> tuple[exp.Select, exp.Select]:
        """Rows and money that corrections put in, and those they took the place of."""
        taken = exp.select("*").from_(f"ods.{self.contract.table}").where(_touched())
        return self._money_of(exp.select("*").from_(CORRECTED)), self._money_of(taken)

    def _money_of(self, rows: exp.Select) -> exp.Select:
        if not self.contract.money:
            none = exp.cast(exp.null(), "decimal(18,2)").as_("amount"), exp.cast(exp.null(), "varchar").as_("currency")
            return exp.select(*none).from_(rows.subquery("rows"))
        heard = self._heard(rows.subquery("rows"), [self.contract.money, "currency"])
        money = snippet(_VALUES["decimal"], x=_col(self.contract.money))
        return _finish(exp.select(money.as_("amount"), "currency").from_(heard.subquery("heard")))

    # --- the second opinion ---

    def measure(self, session: Session, counted: Counted) -> dict[str, int]:
        """Rows that break each rule, by Great Expectations on the typed rows.

        Raises:
            CountsDiffer: for some rule the engine counted otherwise.
        """
        found = self._second_opinion(session, exp.to_table(TYPED), self.rules, typed=True)
        self._agree(found, counted.broken, "ods")
        return found

    def measure_accepted(self, file: Path, session: Session) -> dict[str, int]:
        """Rows let through, as they were written to `file`, that still break a rule; there must be none."""
        judged = [r for r in self.rules if r.kind == "key" or (r.quarantines and r.kind not in ("type", "rate_known"))]
        # dwd does not name the source of a row
        rules = [rule for rule in judged if NOT_OF not in rule.arguments]
        written = exp.Table(this=exp.func("read_parquet", exp.Literal.string(str(file))))
        found = self._second_opinion(session, written, rules, typed=False)
        self._agree(found, dict.fromkeys(found, 0), "dwd")
        return found

    def _second_opinion(
        self, session: Session, relation: exp.Table, rules: Sequence[Rule], *, typed: bool
    ) -> dict[str, int]:
        """Rows of the relation that break each rule; of rows that are erased nothing personal is asked."""
        if self.contract.about is None or not self.day.erased:
            return self._opinion(session, relation, rules, typed=typed)
        personal = [rule for rule in rules if looks_for_personal(rule, self.contract)]
        others = [rule for rule in rules if rule not in personal]
        kept = exp.select("*").from_(relation).where(exp.not_(is_about(self.contract, self.day.erased)))
        found = self._opinion(session, kept.subquery("kept"), personal, typed=typed)
        return found | self._opinion(session, relation, others, typed=typed)

    def _opinion(
        self, session: Session, relation: exp.Table | exp.Subquery, rules: Sequence[Rule], *, typed: bool
    ) -> dict[str, int]:
        """Rows of the relation that break each rule, by Great Expectations on the columns the rules look at."""
        from quality.suites import validate_frame

        if not rules:
            return {}
        looked = [(rule, looked_at(rule, self.contract, typed=typed)) for rule in rules]
        names = sorted({name for _, columns in looked for name in columns})
        compared = {name for rule, columns in looked for name in columns if _compares(rule, name)}
        if any(NOT_OF in rule.arguments for rule in rules):
            names, compared = [*names, SOURCE], compared | {SOURCE}
        frame = session.frame(exp.select(*[self._for_frame(name, name in compared) for name in names]).from_(relation))
        for rule, [name, *others] in looked:
            if rule.kind == "check_character":
                frame[f"{WRONG_CHECK_PREFIX}{name}"] = wrong_check(frame[name])
            elif is_of_moments(rule, self.contract):
                frame[f"{FROM_PREFIX}{rule.id}"] = earliest(frame[name], frame[others[0]], self.day.zone)
        suite = {rule.id: expectation(rule, self.contract, self.day, typed=typed) for rule in rules}
        outcomes = validate_frame(frame, suite, f"{'ods' if typed else 'dwd'}.{self.contract.table}")
        return {rule_id: outcome.unexpected for rule_id, outcome in outcomes.items()}

    def _agree(self, library: Mapping[str, int], engine: Mapping[str, int], layer: str) -> None:
        differing = [
            f"{rule_id} (engine {engine[rule_id]}, Great Expectations {count})"
            for rule_id, count in library.items()
            if count != engine[rule_id]
        ]
        if differing:
            raise CountsDiffer(
                f"{layer}.{self.contract.table}: the two judgements differ on {'; '.join(differing)}; "
                "nothing is published until the rule means the same in both"
            )

    def _for_frame(self, name: str, is_compared: bool) -> exp.Expr:
        """Pandas takes many times longer for decimals than for doubles, for text than for its length, and the library
        compares days row by row, but moments all at once.

        A column is not compared where all that is asked is whether something is there.
        """
        column = self.contract.by_name.get(name)
        if is_compared and (name in (DUE, RATED_SINCE) or (column is not None and column.type == "date")):
            return exp.cast(_col(name), "timestamptz").as_(name, quoted=True)
        if column is not None and column.type == "decimal":
            return exp.cast(_col(name), "double").as_(name, quoted=True)
        if not is_compared and (column is None or column.type == "text"):
            return exp.Length(this=_col(name)).as_(name, quoted=True)
        return _col(name)


_HISTORY = {
    "sent_row_id": ("_sent_row_id", "varchar"),
    "is_line": ("_is_line", "boolean"),
    "first_rule_id": ("_rule_id", "varchar"),
    "first_rule_ids": ("_rule_ids", "varchar"),
    "corrected_on": ("_corrected_on", "date"),
    "correction": ("_correction", "varchar"),
}
"""What a corrected row was before; nothing of other rows."""


def _touched() -> exp.Expr:
    """Whether a row as sent has another in its place."""
    corrected = exp.select("_row_id").from_(CORRECTED).where("_is_in_place")
    return _col("_row_id").isin(query=corrected)


def _col(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _bad(rule: Rule) -> exp.Column:
    return _col(f"{BAD_PREFIX}{rule.id}")


def _compares(rule: Rule, name: str) -> bool:
    """Whether the rule asks what the column holds, and not only whether it holds something."""
    is_condition = rule.kind == "required_when" and name == rule.columns[1]
    return is_condition or rule.kind not in ("required", "expected", "type", "required_when")


def _typed_column(column: Column) -> list[exp.Expr]:
    cleaner = _FORMATS.get(column.format) or _VALUES[column.type]
    said = exp.column(column.name, table="said", quoted=True)
    typed = snippet(cleaner, x=said).as_(column.name, quoted=True)
    return [typed] if column.type == "text" else [typed, said.as_(f"{RAW_PREFIX}{column.name}", quoted=True)]


def _unread(column: Column) -> exp.Expr:
    return snippet("case when $x is null then $raw end", x=_col(column.name), raw=_col(f"{RAW_PREFIX}{column.name}"))


def _said(column: Column) -> exp.Expr:
    return _col(column.name if column.type == "text" else f"{RAW_PREFIX}{column.name}")


def shared_key(rule: Rule, mapped: frozenset[str]) -> exp.Expr:
    """The keyed hash of the columns that make two rows one; NULL where one that must be there is not."""
    optional = set(rule.arguments["optional"])
    needed = [exp.func("lower", _col(name)) for name in rule.columns if name not in optional]
    others = [snippet("coalesce(lower($x), '')", x=_col(name)) for name in rule.columns if name in optional & mapped]
    joined: exp.Expr = needed[0]
    for part in [*needed[1:], *others]:
        joined = snippet("$left || '|' || $right", left=joined, right=part)
    key = exp.select("hash_key").from_("secret.keys").subquery()
    return snippet("keyed_hash($key, $x)", key=key, x=joined)


def _joined(separator: str, parts: list[exp.Expr]) -> exp.Expr:
    """The parts that are there, in one text."""
    return exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(separator), *parts])


def _how_many(condition: exp.Expr) -> exp.Expr:
    return snippet("coalesce(sum(case when $x then 1 else 0 end), 0)", x=condition)


def _total(parts: list[exp.Expr]) -> exp.Expr:
    total: exp.Expr = exp.Literal.number(0)
    for part in parts:
        total = exp.Add(this=total, expression=part)
    return total


def _with_prefix(found: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(value) for name, value in found.items() if name.startswith(prefix)}


def _finish(query: exp.Expr) -> exp.Expr:
    return inline(query, standard_macros())
