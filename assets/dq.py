"""DQ: what the gates found, table by table put together, and the ledger over all of them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq
from sqlglot import exp

from assets.ads.kpi_values import KPI_VALUES
from assets.day import ProjectDay
from assets.factory import Lineage, python_asset
from pipeline.engine import Relation
from pipeline.plan import Plan
from pipeline.tables import TableSpec
from quality.audit import AUDIT, BACKCHECK, CONTACT, audit_monthly, contact_backcheck, month_of
from quality.contract import Contract, contracts
from quality.ledger import LEDGER, demand_balance
from quality.passages import PASSAGES, passage_entries, tables_of_passages
from quality.quarantine import LINES, QUARANTINE, STILL_OUT, SUPERSEDED, WORDS, quarantine_of, words, words_of
from quality.reasons import in_chinese
from quality.relations import related_tables, relation_results
from quality.scorecard import RESULTS, SCORECARD, SOURCE_STATES, states
from quality.tables import freshness_score, reference_scores, usual_rows, volume_score
from quality.treatment import TREATED

TOUCHES = "dws.touches"
KEPT = ("quarantine", "landing")
"""Where a table's rows lie that were kept back, and its lines that could not be read."""
PARTS = {"dq_scores": SCORECARD, "dq_results": RESULTS, "dq_treated": TREATED}


def dq_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """One asset per table of the quality layer, made of what each gate wrote."""
    inputs = [f"dwd.{table}" for table in contracts()]
    return [
        *(_together(part, spec, inputs, plan) for part, spec in PARTS.items()),
        python_asset(
            SOURCE_STATES,
            source_states,
            inputs=[SCORECARD.name],
            plan=plan,
            lineage={
                name: [(SCORECARD.name, "status"), (SCORECARD.name, "reason")]
                for name in ("state", "reason", "reason_zh")
            },
        ),
        python_asset(
            LEDGER,
            ledger,
            inputs=[*inputs, *(passage.onward for passage in PASSAGES), KPI_VALUES.name],
            plan=plan,
            lineage=dq_lineage(LEDGER),
        ),
        python_asset(
            QUARANTINE,
            lambda day: quarantined(day, contracts())[list(QUARANTINE.columns)],
            inputs=inputs,
            plan=plan,
            lineage=quarantine_lineage(),
            kinds=("duckdb",),
        ),
        python_asset(
            AUDIT,
            audit,
            inputs=[RESULTS.name, QUARANTINE.name],
            plan=plan,
            lineage={"rows_broken": [(RESULTS.name, "unexpected_rows")], "rows_repaired": [(QUARANTINE.name, "state")]},
        ),
        python_asset(
            BACKCHECK,
            backcheck,
            inputs=["dwd.leads", TOUCHES, QUARANTINE.name],
            plan=plan,
            uses_plan=True,
            lineage={
                "bad_contacts": [
                    (QUARANTINE.name, "rule_ids"),
                    *(("dwd.leads", name) for name in CONTACT),
                ],
                "reached_calls": [(TOUCHES, "outcome")],
            },
        ),
    ]


def source_states(day: ProjectDay) -> pd.DataFrame:
    """`dq.source_states` of a day."""
    absent = [table for table in contracts() if not day.project.sources.feeds(table)]
    found = states(day.read(SCORECARD.name), absent)
    rows = [
        {
            "table_name": table,
            "state": told.state,
            "reason": told.reason,
            "reason_zh": in_chinese(told.reason),
        }
        for table, told in found.items()
    ]
    return pd.DataFrame(rows, columns=list(SOURCE_STATES.columns))


def audit(day: ProjectDay) -> pd.DataFrame:
    """`dq.audit_monthly` of a day: its month up to it, and the whole month before."""
    start = day.as_of.replace(day=1)
    last = start - timedelta(days=1)
    kept_back = day.read(QUARANTINE.name)
    kept_back = kept_back[(kept_back["delivered_on"] >= pd.Timestamp(start)) & (kept_back["state"] != SUPERSEDED)]
    return audit_monthly(
        _judged(day, start, day.as_of),
        _judged(day, last.replace(day=1), last),
        kept_back,
        _rules(),
        month_of(day.as_of),
    )


def _judged(day: ProjectDay, first: date, last: date) -> pd.DataFrame:
    """Each rule's counts as sent, by delivery; of a snapshot the latest delivery alone."""
    found = [pd.DataFrame(columns=["table_name", "rule_id", "rows_total", "unexpected_rows"])]
    for table in contracts():
        days = [d for d in day.lake.days(f"dq_results.{table}") if first <= d <= last]
        for delivered in days if day.arrives(table) == "increment" else days[-1:]:
            rules = pd.read_parquet(day.lake.file(f"dq_results.{table}", delivered))
            came = pd.read_parquet(day.lake.file(f"landed.{table}", delivered)).iloc[0]
            lines = pd.read_parquet(day.lake.file(f"landing.{table}", delivered))["rule_id"].value_counts()
            found.append(rules[rules["layer"] == "ods"][found[0].columns])
            found.append(
                pd.DataFrame(
                    {
                        "table_name": table,
                        "rule_id": list(LINES),
                        "rows_total": came["rows_read"],
                        "unexpected_rows": [lines.get(rule_id, 0) for rule_id in LINES],
                    }
                )
            )
    return pd.concat(found, ignore_index=True)


def _rules() -> pd.DataFrame:
    """What is said of every rule, and of every way in which a line is no row."""
    said = [
        {
            "table_name": contract.table,
            "rule_id": rule_id,
            "dimension": rules[rule_id].dimension if rule_id in rules else "accuracy",
            "severity": rules[rule_id].severity if rule_id in rules else "error",
            "owner": contract.owner,
            "message_zh": label.zh,
            "message_en": label.en,
        }
        for contract in contracts().values()
        for rules in [{rule.id: rule for rule in contract.rules}]
        for rule_id, label in words_of(contract).items()
    ]
    return pd.DataFrame(said)


def backcheck(day: ProjectDay) -> pd.DataFrame:
    """`dq.contact_backcheck` of a day."""
    with day.session(["dwd.leads", TOUCHES]) as session:
        leads = session.frame(exp.select("channel", "owner_id", *CONTACT).from_("dwd.leads"))
        calls = session.frame(exp.select("channel", "staff_id", "outcome").from_(TOUCHES).where("kind = 'call'"))
    rows = day.read(QUARANTINE.name)
    rows = rows[(rows["table_name"] == "leads") & rows["state"].isin(STILL_OUT) & ~rows["rule_id"].isin(LINES)]
    said = [json.loads(row) for row in rows["row_as_sent"]]
    kept_back = pd.DataFrame(
        {
            "channel": [row["channel"] for row in said],
            "owner_id": [row["owner_id"] for row in said],
            "rule_ids": list(rows["rule_ids"]),
        }
    )
    return contact_backcheck(leads, kept_back, calls, day.project.plan.definitions.not_reached)


def quarantined(day: ProjectDay, tables: Iterable[str]) -> pd.DataFrame:
    """The rows of `dq.quarantine` of these tables, with what identifies what each said.

    A table whose gate closed is told as well; one that was not landed on the day is left out.
    """
    found = []
    for contract in (contracts()[table] for table in tables):
        is_increment = day.arrives(contract.table) == "increment"
        parts = {f"{part}.{contract.table}": _days(day, f"{part}.{contract.table}", is_increment) for part in KEPT}
        if not all(parts.values()):
            continue
        given = day.corrections.rows(contract.table, day.as_of, ())
        with day.engine.session(
            zone=day.project.plan.timezone,
            tables={name: Relation(files) for name, files in parts.items()},
            values={f"corrections.{contract.table}": given, WORDS: words()},
        ) as session:
            found.append(session.frame(quarantine_of(contract, is_increment=is_increment)))
    rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[*QUARANTINE.columns])
    return rows.sort_values(list(QUARANTINE.grain), ignore_index=True)


def _days(day: ProjectDay, name: str, is_increment: bool) -> tuple[Path, ...]:
    """The files of the days that matter; none where the day itself has none."""
    days = day.lake.days(name)
    if day.as_of not in days:
        return ()
    return tuple(day.lake.file(name, d) for d in days if d == day.as_of or (is_increment and d < day.as_of))


def quarantine_lineage() -> Lineage:
    """The rows as they were sent, and the money read in them."""
    sent = [(f"ods.{table}", column) for table, contract in contracts().items() for column in contract.by_name]
    held = [(f"ods.{contract.table}", contract.money) for contract in contracts().values() if contract.money]
    currencies = [(table, "currency") for table, _ in held]
    judged = dict.fromkeys(("state", "rule_id", "rule_ids", "first_rule_id", "row_as_sent"), sent)
    return judged | {"amount": held, "currency": currencies}


def dq_lineage(spec: TableSpec) -> Lineage:
    """The columns whose values are judged, or whose money is counted."""
    if spec is LEDGER:
        held = [(f"dwd.{contract.table}", contract.money) for contract in contracts().values() if contract.money]
        amounts = dict.fromkeys((name for name in spec.columns if name.startswith("amount_")), held)
        return amounts | {"currency": [(table, "currency") for table, _ in held]}
    judged = {
        (f"dwd.{table}", column)
        for table, contract in contracts().items()
        for rule in contract.rules
        for column in rule.columns
    }
    if spec is TREATED:
        columns = [(f"dwd.{table}", column) for table, contract in contracts().items() for column in contract.by_name]
        return dict.fromkeys(("rows_affected", "rows_changed", "affected_rate"), columns)
    counted = {"rows_good", "rate", "status", "unexpected_rows", "unexpected_rate"} & set(spec.columns)
    return dict.fromkeys(sorted(counted), sorted(judged))


def ledger(day: ProjectDay) -> pd.DataFrame:
    """The rows of `dq.ledger`: those of every gate and of every layer after it, to the totals readers see.

    Raises:
        LedgerError: rows or money are missing somewhere.
    """
    tables = [name for contract in contracts().values() for name in (contract.table, contract.records) if name]
    entries = [entry for table in tables for entry in day.read(f"dq_ledger.{table}").to_dict("records")]
    with day.session(tables_of_passages()) as session:
        entries += passage_entries(session, day.read(KPI_VALUES.name), day.project.plan.currency)
    demand_balance(entries)
    return pd.DataFrame(entries)


def table_scores(day: ProjectDay) -> list[dict[str, Any]]:
    """The scorecard's rows of what holds of tables as a whole; of tables no source delivers nothing."""
    delivered = [contract for name, contract in contracts().items() if day.project.sources.feeds(name)]
    own = [score for contract in delivered for score in _own_scores(day, contract)]
    return own + reference_scores(day.read(RESULTS.name), delivered, day.project.plan.quality.references)


def _own_scores(day: ProjectDay, contract: Contract) -> Iterator[dict[str, Any]]:
    """Its size, if it is sent whole every day, and its newest row, if the plan asks for that."""
    quality, name = day.project.plan.quality, f"ods.{contract.table}"
    if day.arrives(contract.table) == "snapshot":
        week = [d for d in day.lake.days(name) if day.as_of - timedelta(days=7) <= d < day.as_of]
        usual = usual_rows([_size(day, name, d) for d in week])
        score = volume_score(contract, _size(day, name, day.as_of), usual, quality.volume_change_limit)
        if score is not None:
            yield score
    asked = quality.freshness.get(contract.table)
    if asked is not None and contract.event_day is not None:
        table = f"dwd.{contract.table}"
        with day.session([table]) as session:
            [(newest,)] = session.rows(exp.select(exp.Max(this=exp.column(contract.event_day))).from_(table))
        yield freshness_score(contract, newest, day.as_of, asked)


def _size(day: ProjectDay, name: str, as_of: date) -> int:
    return pq.read_metadata(day.lake.file(name, as_of)).num_rows


def _together(part: str, spec: TableSpec, inputs: Sequence[str], plan: Plan) -> dg.AssetsDefinition:
    def build(day: ProjectDay) -> pd.DataFrame:
        found = [day.read(f"{part}.{table}") for table in contracts()]
        if spec is TREATED:
            found += [day.read(f"{part}.{contract.records}") for contract in contracts().values() if contract.records]
        if spec is RESULTS:
            found.append(_relations(day))
        if spec is SCORECARD:
            found.append(pd.DataFrame(table_scores(day), columns=list(spec.columns)))
            found = [rows.astype({"rows_total": "Int64", "rows_good": "Int64"}) for rows in found]
        return pd.concat(found, ignore_index=True)

    also = {RESULTS.name: related_tables(), SCORECARD.name: [RESULTS.name]}.get(spec.name, [])
    return python_asset(spec, build, inputs=sorted({*also, *inputs}), plan=plan, lineage=dq_lineage(spec))


def _relations(day: ProjectDay) -> pd.DataFrame:
    """What the tables of the day say of each other."""
    delivered = [table for table in contracts() if day.project.sources.feeds(table)]
    mapped = {table: frozenset(day.read(f"mapped.{table}")["column_name"]) for table in delivered}
    with day.session(related_tables()) as session:
        return pd.DataFrame(relation_results(session, delivered, mapped), columns=[*RESULTS.columns])
