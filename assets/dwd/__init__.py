"""DWD: typed, valid, one row per real thing. Each table is what its gate let through."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext
from sqlglot import exp

from assets.day import ProjectDay, TuokeProject, told
from assets.factory import (
    NOT_DELIVERED,
    PLAN_KEY,
    Columns,
    Lineage,
    asset_key,
    column_lineage,
    column_schema,
    daily_partitions,
    grain_check,
    grain_spec,
    team,
)
from pipeline.engine import Session, snippet
from pipeline.errors import GateClosed
from pipeline.project import Project
from quality.contract import RATES, Contract
from quality.corrections import Change, correct, held_corrections
from quality.gate import LATE, QUARANTINED, Counted, Gate
from quality.ledger import LEDGER, demand_balance, gate_entries, landing_entry, tally
from quality.rules import message
from quality.scorecard import RESULTS, SCORECARD, not_delivered, rates, results
from quality.treatment import FILLED, OUTLIERS, TREATED, Treatment

DIMENSION_OF = {"consistency": "accuracy", "uniqueness": "duplicates"}
EMPTY: Mapping[str, Any] = MappingProxyType({})

RATED = {
    "completeness": "Rows with every required value, of those sent.",
    "accuracy": "Rows whose values can be read, are allowed and agree with each other, of those sent.",
    "duplicates": "Rows that repeat another, of those sent.",
    "timeliness": "Rows entered in time, of those sent that say when.",
}
EXCHANGE = "dwd.rates"
NOT_ASSESSED = "Not assessed: no source has the column it looks at, or the plan has not the list."

_TYPES = {
    "text": "text",
    "integer": "bigint",
    "double": "double precision",
    "decimal": "numeric(18,2)",
    "date": "date",
    "timestamp": "timestamptz",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Out:
    """A table that a step of this layer writes, beside others."""

    name: str
    description: str
    grain: tuple[str, ...]
    kinds: frozenset[str]
    schema: Mapping[str, Any]
    lineage: Lineage
    optional: frozenset[str] = frozenset()
    """Columns of the grain that may be blank."""

    def spec(self, owner: str, inputs: Iterable[str]) -> dg.AssetSpec:
        """The asset it is, made of these tables and the plan."""
        return dg.AssetSpec(
            asset_key(self.name),
            group_name=self.name.split(".")[0],
            description=self.description,
            owners=[team(owner)],
            kinds=set(self.kinds),
            deps=[*map(asset_key, inputs), PLAN_KEY],
            metadata={"grain": ", ".join(self.grain), **self.schema, **column_lineage(self.lineage)},
        )

    def result(
        self, day: ProjectDay, checks: list[dg.AssetCheckResult], told: Mapping[str, Any] = EMPTY
    ) -> dg.MaterializeResult:
        """What was written and what else is `told` of it, beside the checks that it keeps its grain and those given."""
        with day.session([self.name]) as session:
            unique = grain_check(session, day, self.name, self.grain, day.file(self.name), self.optional)
        rows = {"dagster/row_count": unique.metadata["rows"]}
        return dg.MaterializeResult(
            asset_key=asset_key(self.name),
            metadata={**self.schema, **column_lineage(self.lineage), **rows, **told},
            check_results=[unique, *checks],
        )


def dwd_asset(contract: Contract, project: Project) -> dg.AssetsDefinition:
    """The gate of one source table: what it lets through, with the verdict of every rule as a check.

    A table no source delivers is empty: its rules have nothing to judge and are no checks.
    """
    is_delivered = bool(project.sources.feeds(contract.table))
    accepted = _accepted(contract, is_delivered)

    @dg.multi_asset(
        name=contract.gated.replace(".", "__"),
        specs=[
            accepted.spec(contract.owner, [f"ods.{contract.table}", *([EXCHANGE] if contract.is_converted else [])])
        ],
        partitions_def=daily_partitions(project.plan),
        check_specs=[grain_spec(accepted.name), *(_check_specs(contract) if is_delivered else [])],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> Iterator[dg.MaterializeResult]:
        day = tuoke.day(context.partition_key)
        with told():
            checks = pass_gate(contract, day)
            yield accepted.result(day, checks if is_delivered else [])

    return table


def _accepted(contract: Contract, is_delivered: bool) -> Out:
    ods = f"ods.{contract.table}"
    said = "Typed, cleaned, without duplicates; other rows are in quarantine." if is_delivered else NOT_DELIVERED
    made_of = {column.name: [(ods, column.name)] for column in contract.columns}
    made_of["_row_id"] = [(ods, "_row_id")]
    if contract.event:
        made_of[contract.event_day] = [(ods, contract.event)]
    if contract.recorded:
        made_of["_is_late"] = [(ods, contract.event), (ods, contract.recorded)]
    personal = [column.name for column in contract.columns if column.personal]
    return Out(
        name=contract.gated,
        description=f"{contract.description} {said}",
        grain=contract.key,
        kinds=frozenset({"duckdb", "greatexpectations"}),
        schema=column_schema(dwd_columns(contract), personal),
        lineage=made_of,
        optional=contract.optional_key,
    )


def dwd_columns(contract: Contract) -> Columns:
    """The columns of the contract, typed, the day of the event, and what the gate knows of the row."""
    own = {column.name: (_TYPES[column.type], column.description) for column in contract.columns}
    day = ("date", f"Day of {contract.event}, in the plan's time zone")
    event_day = {contract.event_day: own.get(contract.event_day, day)} if contract.event_day else {}
    return (
        own
        | event_day
        | {
            "_is_late": ("boolean", "Whether it was entered later than its contract allows"),
            "_warnings": ("text", "Rules it breaks that only warn, with commas; NULL where it breaks none"),
            "_row_id": ("text", "Stable id of the row: its source and line"),
            FILLED: ("text", "Columns whose values were missing and were filled by the plan's rule; NULL if none"),
            OUTLIERS: ("text", "Columns whose values stand out by the plan's rule; NULL if none"),
        }
    )


def _check_specs(contract: Contract) -> list[dg.AssetCheckSpec]:
    told = RATED | {rule.id: f"Said of a row that breaks it: {message(rule, contract)[1]}." for rule in contract.rules}
    key = asset_key(contract.gated)
    return [dg.AssetCheckSpec(name, asset=key, description=description) for name, description in told.items()]


# --- the work ------------------------------------------------------------------------------------------------------


def pass_gate(contract: Contract, day: ProjectDay) -> list[dg.AssetCheckResult]:
    """Split the day's rows, judge them a second time, rate them, and balance the ledger. Writes the lake.

    Rows that their owners corrected are judged as they were corrected.

    Raises:
        GateClosed: more of the table is quarantined than the plan allows.
        CountsDiffer: the two judgements differ.
        LedgerError: rows or money are missing.
    """
    table = contract.table
    mapped, lacking = _mapped(table, day)
    landed = day.read(f"landed.{table}").to_dict("records")[0]
    given = day.corrections.rows(table, day.as_of, list(contract.by_name))
    gate = Gate(
        contract,
        replace(day.rules_day, rated=_rated(contract, day)),
        # a table that is absent has no rows to judge, but the same columns
        mapped or frozenset(contract.by_name),
        lacking,
        is_corrected=bool(given),
    )
    with day.session([f"ods.{table}", f"landing.{table}"], ["secret.keys"], held_corrections(given)) as session:
        change = correct(session, gate, is_increment=day.arrives(table) == "increment")
        landed["rows_unreadable"] -= change.lines
        landed["rows_repaired"] = change.lines
        counted = gate.split(session)
        with day.lake.write(f"quarantine.{table}", day.as_of) as file:
            session.write(gate.kept_back(), file, order_by=["_row_id"])
        _check_quarantine(gate, day, counted, landed)
        treatment = _write_accepted(gate, day, session)
        if mapped:
            found, after = gate.measure(session, counted), gate.measure_accepted(day.file(contract.gated), session)
        else:
            found, after = {}, {}
    _write_ledger(contract, day, landed, gate, change)
    quality = day.project.plan.quality
    if mapped:
        scores = rates(gate, counted, landed["rows_unreadable"], after, quality)
    else:
        scores = not_delivered(contract, quality, "no source is declared")
    rules = results(gate, counted, found, after)
    day.write(SCORECARD, scores, f"dq_scores.{table}")
    day.write(RESULTS, rules, f"dq_results.{table}")
    day.write(TREATED, treatment.told, f"dq_treated.{contract.records or table}")
    return _check_results(contract, day, scores, rules)


def _mapped(table: str, day: ProjectDay) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    """The columns that any source fills, and for each the sources that don't."""
    sources_of = day.read(f"mapped.{table}").groupby("column_name")["source"].agg(frozenset).to_dict()
    every: frozenset[str] = frozenset().union(*sources_of.values())
    lacking = {column: tuple(sorted(every - sources)) for column, sources in sources_of.items()}
    return frozenset(sources_of), lacking


def _rated(contract: Contract, day: ProjectDay) -> dict[str, date]:
    """The first day there is a rate of exchange for each currency, where the table's money may need one."""
    if not contract.is_converted:
        return {}
    with day.session([EXCHANGE]) as session:
        first = snippet("select currency, min(day) from $rates group by currency", rates=exp.to_table(EXCHANGE))
        return dict(sorted(session.rows(first)))


def _check_quarantine(gate: Gate, day: ProjectDay, counted: Counted, landed: Mapping[str, int]) -> None:
    total = counted.rows + landed["rows_unreadable"]
    kept_back = counted.outcomes[QUARANTINED] + landed["rows_unreadable"]
    limit = day.project.plan.quality.quarantine_limit
    if total and kept_back / total > limit:
        worst = max((rule.id for rule in gate.rules if rule.quarantines), key=lambda rule: counted.broken[rule])
        raise GateClosed(
            f"{gate.contract.table}: {kept_back:,} of {total:,} rows are quarantined, the plan allows "
            f"{limit * 100:g}%; most break {worst} ({counted.broken[worst]:,}). Mend the export or its mapping in "
            f"sources.yaml; the rows are in lake/quarantine/{gate.contract.table}"
        )


def _write_accepted(gate: Gate, day: ProjectDay, session: Session) -> Treatment:
    """Records of things are only told of: what they lack another record of the same thing may have."""
    cleaning = day.project.plan.cleaning
    if gate.contract.records:
        cleaning = cleaning.model_copy(update={"fill": [], "outliers": []})
    treatment = Treatment(gate.contract, cleaning, gate.reasons(session), gate.contract.records)
    treated = treatment.apply(session, gate.accepted(), gate.accepted_columns)
    with day.lake.write(gate.contract.gated, day.as_of) as file:
        session.write(treated, file, order_by=[*gate.contract.key, "_row_id"])
    return treatment


def _write_ledger(contract: Contract, day: ProjectDay, landed: Mapping[str, int], gate: Gate, change: Change) -> None:
    """Count every side from what was written, not from what was meant."""
    table = contract.table
    written = {
        "held.dwd": day.lake.snapshot(contract.gated, day.as_of),
        "held.quarantine": day.lake.snapshot(f"quarantine.{table}", day.as_of),
    }
    with day.engine.session(
        zone=day.project.plan.timezone,
        tables={f"ods.{table}": day.lake.snapshot(f"ods.{table}", day.as_of), **written},
        values={},
    ) as session:
        sent = tally(session, gate.sent_money())
        outcomes = {name: tally(session, query) for name, query in _sides(contract).items()}
    entries = [
        landing_entry(
            contract,
            read=landed["rows_read"],
            landed=sum(rows for rows, _ in sent.values()),
            unreadable=landed["rows_unreadable"],
            out_of_scope=landed["rows_out_of_scope"],
            added_up=landed["rows_added_up"],
            repaired=landed["rows_repaired"],
        ),
        *gate_entries(contract, sent, outcomes, change.money),
    ]
    day.write(LEDGER, entries, f"dq_ledger.{table}")
    demand_balance(entries)


def _sides(contract: Contract) -> dict[str, exp.Query]:
    """The queries of rows and money for each way out of the gate."""
    accepted = exp.select(
        snippet("cast($x as decimal(18, 2))", x=exp.column(contract.money) if contract.money else exp.null()).as_(
            "amount"
        ),
        snippet("cast($x as varchar)", x=exp.column("currency") if contract.money else exp.null()).as_("currency"),
    ).from_("held.dwd")
    kept_back = exp.select("amount", "currency").from_("held.quarantine")
    return {
        "accepted": accepted.where(snippet("not _is_late")),
        LATE: accepted.where(snippet("_is_late")),
        QUARANTINED: kept_back.where(snippet("outcome = 'quarantined'")),
        "merged": kept_back.where(snippet("outcome = 'merged'")),
    }


def _check_results(
    contract: Contract, day: ProjectDay, scores: list[dict], rules: list[dict]
) -> list[dg.AssetCheckResult]:
    """Counts, never rows. A rule passes while its share of bad rows is within what its dimension allows."""
    sent = {score["dimension"]: score for score in scores if score["layer"] == "ods"}
    judged = _Judged(asset_key(contract.gated), day.as_of)
    checks = [judged.rate(sent[name]) for name in RATES]
    return checks + [judged.rule(rule, sent) for rule in rules if rule["layer"] == "ods"]


@dataclass(frozen=True)
class _Judged:
    """The verdicts on a table of a day."""

    key: dg.AssetKey
    as_of: date

    def rate(self, score: Mapping) -> dg.AssetCheckResult:
        """Whether a dimension meets its threshold."""
        passed = score["status"] in ("met", "not_assessed")
        counts = ("rows_total", "rows_good", "rate", "threshold", "status")
        return self._check(score["dimension"], passed, score, counts, score["reason"])

    def rule(self, rule: Mapping, sent: Mapping[str, Mapping]) -> dg.AssetCheckResult:
        """Whether a rule alone leaves its dimension within its threshold; one that is only a note always does."""
        limit = sent[DIMENSION_OF.get(rule["dimension"], rule["dimension"])]
        passed = rule["severity"] == "info" or _is_within(limit, rule)
        if not rule["is_evaluated"]:
            return self._check(rule["rule_id"], passed, rule, (), NOT_ASSESSED)
        found = {**rule, "allowed_rate": _allowed(limit)}
        counts = ("dimension", "rows_total", "unexpected_rows", "unexpected_rate", "allowed_rate")
        return self._check(rule["rule_id"], passed, found, counts, None)

    def _check(
        self, name: str, passed: bool, found: Mapping, counts: Iterable[str], reason: str | None
    ) -> dg.AssetCheckResult:
        told = {count: _rounded(found[count]) for count in counts if found[count] is not None}
        return dg.AssetCheckResult(
            check_name=name,
            asset_key=self.key,
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=reason,
            metadata={"as_of": self.as_of.isoformat(), **told},
        )


def _is_within(limit: Mapping, rule: Mapping) -> bool:
    """Exactly at the limit is within it, whichever way is better."""
    unexpected, total = rule["unexpected_rows"] or 0, rule["rows_total"]
    if not total:
        return True
    if limit["better"] == "lower":
        return unexpected / total <= limit["threshold"]
    return (total - unexpected) / total >= limit["threshold"]


def _allowed(limit: Mapping) -> float:
    """The share of bad rows a dimension bears."""
    return limit["threshold"] if limit["better"] == "lower" else 1 - limit["threshold"]


def _rounded(count: Any) -> Any:
    """Rates to a millionth."""
    return round(count, 6) if isinstance(count, float) else count
