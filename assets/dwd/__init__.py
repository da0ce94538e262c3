"""DWD: typed, valid, one row per real thing. Each table is what its gate let through."""

from collections.abc import Iterator, Mapping

import dagster as dg
from dagster import AssetExecutionContext
from sqlglot import exp

from assets.day import ProjectDay, TuokeProject, told
from assets.factory import asset_key, daily_partitions, grain_check, grain_spec, table_metadata, team
from pipeline.engine import Session, snippet
from pipeline.errors import GateClosed
from pipeline.project import Project
from quality.contract import RATES, Contract
from quality.gate import LATE, QUARANTINED, Counted, Gate
from quality.ledger import LEDGER, demand_balance, gate_entries, landing_entry, tally
from quality.rules import message
from quality.scorecard import RESULTS, SCORECARD, not_delivered, rates, results

DIMENSION_OF = {"consistency": "accuracy", "uniqueness": "duplicates"}
LINKS = "dwd.customer_links"
CUSTOMERS = "customers"

LINK_COMMENTS = {
    "source_customer_id": "Id a customer was sent under",
    "customer_id": "The customer it is",
    "rule_id": "own, or the duplicate rule that merged it",
    "_row_id": "A row the id was sent in",
}


def dwd_asset(contract: Contract, project: Project) -> dg.AssetsDefinition:
    """The gate of one source table: what it lets through, with the verdict of every rule as a check.

    The customers' gate also writes `dwd.customer_links`, in the same step: it is the same decision, told by id.
    """
    name = f"dwd.{contract.table}"
    has_links = contract.table == CUSTOMERS

    @dg.multi_asset(
        name=f"dwd__{contract.table}",
        specs=[_spec(contract, project), *([_links_spec(contract, project)] if has_links else [])],
        partitions_def=daily_partitions(project.plan),
        check_specs=[grain_spec(name), *_check_specs(contract), *([grain_spec(LINKS)] if has_links else [])],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> Iterator[dg.MaterializeResult]:
        day = tuoke.day(context.partition_key)
        with told():
            checks = pass_gate(contract, day)
            yield _result(day, name, contract.key, dwd_comments(contract), _lineage(contract), checks)
            if has_links:
                yield _result(day, LINKS, ("source_customer_id",), LINK_COMMENTS, LINK_LINEAGE, [])

    return table


def _spec(contract: Contract, project: Project) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(f"dwd.{contract.table}"),
        group_name="dwd",
        description=f"{contract.description} Typed, cleaned, without duplicates; other rows are in quarantine.",
        owners=[team(contract.owner)],
        kinds={"duckdb", "greatexpectations"},
        deps=[asset_key(f"ods.{contract.table}")],
        metadata={"grain": ", ".join(contract.key)},
    )


def _links_spec(contract: Contract, project: Project) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(LINKS),
        group_name="dwd",
        description="Every id a customer was sent under, and the customer it is.",
        owners=[team(contract.owner)],
        kinds={"duckdb"},
        deps=[asset_key(f"ods.{contract.table}")],
        metadata={"grain": "source_customer_id"},
    )


def _check_specs(contract: Contract) -> list[dg.AssetCheckSpec]:
    key = asset_key(f"dwd.{contract.table}")
    rules = [dg.AssetCheckSpec(rule.id, asset=key, description=message(rule, contract)[1]) for rule in contract.rules]
    rated = [dg.AssetCheckSpec(name, asset=key, description=f"The {name} of what was sent.") for name in RATES]
    return rated + rules


def _result(
    day: ProjectDay,
    name: str,
    grain: tuple[str, ...],
    comments: Mapping[str, str],
    lineage: dg.TableColumnLineage,
    checks: list[dg.AssetCheckResult],
) -> dg.MaterializeResult:
    file = day.file(name)
    with day.session([]) as session:
        unique = grain_check(session, name, file, grain)
    rows = unique.metadata["rows"].value
    metadata = {**table_metadata(file, comments), "dagster/row_count": rows, "dagster/column_lineage": lineage}
    return dg.MaterializeResult(asset_key=asset_key(name), metadata=metadata, check_results=[unique, *checks])


def dwd_comments(contract: Contract) -> dict[str, str]:
    """Column -> what it holds."""
    own = {column.name: column.description for column in contract.columns}
    return own | {
        contract.event_day: own.get(contract.event_day, f"Day of {contract.event}, in the plan's time zone"),
        "_is_late": "Whether it was entered later than its contract allows",
        "_row_id": "Stable id of the row: its source and line",
    }


def _lineage(contract: Contract) -> dg.TableColumnLineage:
    ods = asset_key(f"ods.{contract.table}")
    own = {column.name: [dg.TableColumnDep(ods, column.name)] for column in contract.columns}
    return dg.TableColumnLineage(own | {contract.event_day: [dg.TableColumnDep(ods, contract.event)]})


LINK_LINEAGE = dg.TableColumnLineage(
    {
        name: [dg.TableColumnDep(asset_key("ods.customers"), "customer_id")]
        for name in ("source_customer_id", "customer_id")
    }
)


# --- the work ------------------------------------------------------------------------------------------------------


def pass_gate(contract: Contract, day: ProjectDay) -> list[dg.AssetCheckResult]:
    """Split the day's rows, judge them a second time, rate them, and balance the ledger. Writes the lake.

    Raises:
        GateClosed: more of the table is quarantined than the plan bears.
        CountsDiffer: the two judgements differ.
        LedgerError: rows or money are missing.
    """
    table = contract.table
    mapped = frozenset(day.read(f"mapped.{table}")["column_name"])
    # a table that is absent has no rows to judge, but the same columns
    gate = Gate(contract, day.rules_day, mapped or frozenset(contract.by_name))
    landed = day.read(f"landed.{table}").to_dict("records")[0]
    with day.session([f"ods.{table}", f"landing.{table}"], ["secret.keys"]) as session:
        counted = gate.split(session)
        _check_quarantine(gate, day, counted, landed)
        _write_rows(gate, day, session)
        if mapped:
            found, after = gate.measure(session, counted), gate.measure_accepted(day.file(f"dwd.{table}"), session)
        else:
            found, after = {}, {}
    _write_ledger(contract, day, landed, gate)
    quality = day.project.plan.quality
    if mapped:
        scores = rates(gate, counted, landed["rows_unreadable"], after, quality)
    else:
        scores = not_delivered(contract, quality, "no source is declared")
    rules = results(gate, counted, found, after)
    day.write(SCORECARD, scores, f"dq_scores.{table}")
    day.write(RESULTS, rules, f"dq_results.{table}")
    return _check_results(contract, scores, rules)


def _check_quarantine(gate: Gate, day: ProjectDay, counted: Counted, landed: Mapping[str, int]) -> None:
    total = counted.rows + landed["rows_unreadable"]
    kept_back = counted.outcomes[QUARANTINED] + landed["rows_unreadable"]
    limit = day.project.plan.quality.quarantine_limit
    if total and kept_back / total > limit:
        worst = max(counted.broken, key=lambda rule: counted.broken[rule])
        raise GateClosed(
            f"{gate.contract.table}: {kept_back:,} of {total:,} rows are quarantined, the plan bears {limit:.0%}; "
            f"most break {worst} ({counted.broken[worst]:,}). Mend the export or its mapping in sources.yaml"
        )


def _write_rows(gate: Gate, day: ProjectDay, session: Session) -> None:
    table = gate.contract.table
    with day.lake.write(f"dwd.{table}", day.as_of) as file:
        session.write(gate.accepted(), file, order_by=[*gate.contract.key, "_row_id"])
    with day.lake.write(f"quarantine.{table}", day.as_of) as file:
        session.write(gate.kept_back(), file, order_by=["_row_id"])
    if table == CUSTOMERS:
        with day.lake.write(LINKS, day.as_of) as file:
            session.write(gate.links(), file, order_by=["source_customer_id"])


def _write_ledger(contract: Contract, day: ProjectDay, landed: Mapping[str, int], gate: Gate) -> None:
    """Count every side from what was written, not from what was meant."""
    table = contract.table
    written = {f"held.{name}": day.lake.snapshot(f"{name}.{table}", day.as_of) for name in ("dwd", "quarantine")}
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
        ),
        *gate_entries(contract, sent, outcomes),
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


def _check_results(contract: Contract, scores: list[dict], rules: list[dict]) -> list[dg.AssetCheckResult]:
    """Counts, never rows. A rule passes while its share of bad rows is within what its dimension allows."""
    key = asset_key(f"dwd.{contract.table}")
    sent = {score["dimension"]: score for score in scores if score["layer"] == "ods"}
    checks = [_dimension_check(key, sent[name]) for name in RATES]
    return checks + [_rule_check(key, rule, sent) for rule in rules if rule["layer"] == "ods"]


def _dimension_check(key: dg.AssetKey, score: Mapping) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=score["dimension"],
        asset_key=key,
        passed=score["status"] in ("met", "not_assessed"),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            name: score[name]
            for name in ("rows_total", "rows_good", "rate", "threshold", "status")
            if score[name] is not None
        },
    )


def _rule_check(key: dg.AssetKey, rule: Mapping, sent: Mapping[str, Mapping]) -> dg.AssetCheckResult:
    limit = sent[DIMENSION_OF.get(rule["dimension"], rule["dimension"])]
    allowed = limit["threshold"] if limit["better"] == "lower" else 1 - limit["threshold"]
    return dg.AssetCheckResult(
        check_name=rule["rule_id"],
        asset_key=key,
        passed=rule["severity"] == "info" or (rule["unexpected_rate"] or 0) <= allowed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "evaluated": rule["is_evaluated"],
            "rows_total": rule["rows_total"],
            "unexpected_rows": rule["unexpected_rows"] or 0,
        },
    )
