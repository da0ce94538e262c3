"""One customer, one golden id: records are linked, linked records are one customer, and its best values its record.

Exact keys first, then what is said to belong together, then the likeness of all that is known of two records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
from dagster import AssetExecutionContext
from sqlglot import exp

from assets.day import ProjectDay, TuokeProject, told
from assets.dwd import Out, dwd_columns
from assets.dwd.identity.clusters import LINK_COLUMNS, MUST_LINK, Clusters, clusters
from assets.dwd.identity.exact import exact_links, wider_keys
from assets.dwd.identity.features import SIMPLIFIED, chinese_texts, keep_features, simplified
from assets.dwd.identity.golden import changes, golden_ids
from assets.dwd.identity.linkage import Model, likely_links
from assets.dwd.identity.said_pairs import read_pairs
from assets.dwd.identity.survivors import GOLDEN, golden_records
from assets.factory import column_schema, daily_partitions, grain_spec
from pipeline.engine import Session, snippet
from pipeline.plan import Identity
from pipeline.project import Project
from pipeline.tables import TableSpec
from quality.contract import Contract, contracts
from quality.ledger import LEDGER, demand_balance, golden_entry
from quality.treatment import FILLED, OUTLIERS, TREATED, Treatment

CUSTOMERS = "customers"
OWN, FORMER = "own", "former"
CUT, KEPT_APART = "cut", "kept_apart"

LINKS = TableSpec(
    name="dwd.customer_links",
    description="Every id a customer was sent under, and the customer it is.",
    grain=("source_customer_id",),
    columns={
        "source_customer_id": ("text", "Id a customer was sent under"),
        "customer_id": ("text", "The customer it is"),
        "rule_id": (
            "text",
            "own; the exact rule, must_link or splink that ties it to the others; former: an id that is no longer sent",
        ),
        "probability": ("double precision", "Probability of the link, 1 where a rule or a person made it"),
        "cluster_size": ("bigint", "Ids the customer was sent under on the day"),
        "_row_id": ("text", "A row the id was sent in; NULL of a former id"),
    },
)

CHANGES = TableSpec(
    name="dq.identity_changes",
    description="Ids that belong to another customer than on the day before, or to none, and what kept records apart.",
    grain=("source_customer_id", "kind"),
    columns={
        "source_customer_id": ("text", "Id a customer was sent under"),
        "kind": (
            "text",
            "new; joined: new, but a known customer; merged and split: another customer than before; gone: no longer "
            "sent; cut: one of too many records that looked alike; kept_apart: held apart from others by cannot_link",
        ),
        "customer_id": ("text", "The customer it is"),
        "previous_customer_id": ("text", "The customer it was on the day before"),
        "rule_id": ("text", "What ties it to the customer it is"),
        "probability": ("double precision", "Probability of that link"),
    },
)


@dataclass(frozen=True)
class Said:
    """The pairs of ids that people have decided on, as far as both are known, and how many are not."""

    must: list[tuple[str, str]]
    cannot: list[tuple[str, str]]
    unknown: int


def identity_assets(project: Project) -> dg.AssetsDefinition:
    """The customers, the links of all ids to them, and what changed since the day before: one decision, one step."""
    contract = contracts()[CUSTOMERS]
    outs = (_golden(contract), _of(LINKS, contract), _of(CHANGES, contract))

    @dg.multi_asset(
        name="dwd__customers",
        specs=[out.spec(project.plan.owners.data, [contract.gated]) for out in outs],
        partitions_def=daily_partitions(project.plan),
        check_specs=[grain_spec(out.name) for out in outs],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> Iterator[dg.MaterializeResult]:
        day = tuoke.day(context.partition_key)
        with told():
            found = identify(day)
            for out in outs:
                yield out.result(day, [], found if out.name == LINKS.name else {})

    return table


def _golden(contract: Contract) -> Out:
    return Out(
        name=f"dwd.{contract.table}",
        description=f"{contract.description} One row per customer, with the best value of each column.",
        grain=contract.key,
        kinds=frozenset({"duckdb", "splink"}),
        schema=column_schema(dwd_columns(contract), [column.name for column in contract.columns if column.personal]),
        lineage={name: [(contract.gated, name)] for name in dwd_columns(contract)},
    )


def _of(spec: TableSpec, contract: Contract) -> Out:
    """What people are called decides which records are one, but what is told of it are ids and words of our own."""
    names = ("source_customer_id", "customer_id", "previous_customer_id")
    ids = {name: [(contract.gated, "customer_id")] for name in names}
    own = ids | {"_row_id": [(contract.gated, "_row_id")]}
    looked_at = [(contract.gated, column) for column in contract.by_name]
    return Out(
        name=spec.name,
        description=spec.description,
        grain=spec.grain,
        kinds=frozenset({"duckdb", "splink"}),
        schema=column_schema(spec.columns),
        lineage={name: own.get(name, looked_at) for name in spec.columns},
    )


# --- the work ------------------------------------------------------------------------------------------------------


def identify(day: ProjectDay) -> dict[str, Any]:
    """Link the day's records, find the customers, and balance the ledger. Writes the lake; returns what to tell.

    Raises:
        ConfigurationError: a file of pairs can't be read.
        LedgerError: records are missing.
    """
    contract, rules = contracts()[CUSTOMERS], day.project.plan.identity
    with day.session([contract.gated], ["secret.keys"]) as session:
        records = session.frame(exp.select("customer_id", "created_at", "_row_id").from_(contract.gated))
        exact = session.frame(exact_links(contract, wider_keys(contract)))
        written = session.frame(chinese_texts(contract.gated))["written"]
    said = _said(day, rules, records)
    likely, model = _likely(day, contract, written) if rules.is_enabled else (exact[:0], None)
    links = pd.concat([_must_links(said), exact, likely], ignore_index=True)
    parts = clusters(links, largest=rules.largest_cluster, apart=said.cannot)
    before = _before(day)
    held = customer_links(records, parts, before)
    day.write(LINKS, held)
    day.write(CHANGES, _changes(held, before, parts))
    _write_customers(day, contract, held)
    _write_ledger(day, contract)
    return _told(held, parts, said, model)


def _likely(day: ProjectDay, contract: Contract, written: pd.Series) -> tuple[pd.DataFrame, Model]:
    """Links between records that are alike; what is personal stays in this session of the engine."""
    rules = day.project.plan.identity
    tables, values = {contract.gated: day.relation(contract.gated)}, {SIMPLIFIED: simplified(written)}
    with day.engine.session(zone=day.project.plan.timezone, tables=tables, values=values) as session:
        keep_features(session, contract.gated, rules)
        return likely_links(session, rules)


def customer_links(records: pd.DataFrame, parts: Clusters, before: pd.DataFrame) -> pd.DataFrame:
    """The rows of `dwd.customer_links`; an id that stands for a customer but is no longer sent leads to itself."""
    grouped = records.merge(parts.members, on="customer_id", how="left", validate="one_to_one")
    grouped["cluster"] = grouped["cluster"].where(grouped["cluster"].notna(), grouped["customer_id"])
    golden = golden_ids(grouped, before)
    links = pd.DataFrame(
        {
            "source_customer_id": grouped["customer_id"],
            "customer_id": golden,
            "rule_id": grouped["rule_id"].mask(golden == grouped["customer_id"], OWN),
            "probability": grouped["probability"].mask(golden == grouped["customer_id"], 1.0),
            "cluster_size": grouped.groupby("cluster")["customer_id"].transform("size"),
            "_row_id": grouped["_row_id"],
        }
    )
    return pd.concat([links, _former(links)], ignore_index=True)


def _former(links: pd.DataFrame) -> pd.DataFrame:
    absent = links[~links["customer_id"].isin(links["source_customer_id"])].drop_duplicates("customer_id")
    return absent.assign(source_customer_id=absent["customer_id"], rule_id=FORMER, probability=1.0, _row_id=None)


def _before(day: ProjectDay) -> pd.DataFrame:
    """The links of the last day before this one, or none."""
    earlier = [known for known in day.lake.days(LINKS.name) if known < day.as_of]
    columns = ["source_customer_id", "customer_id"]
    if not earlier:
        return pd.DataFrame(columns=columns, dtype="str")
    return pd.read_parquet(day.lake.file(LINKS.name, earlier[-1]), columns=columns)


def _said(day: ProjectDay, rules: Identity, records: pd.DataFrame) -> Said:
    files = (rules.must_link, rules.cannot_link)
    must, cannot = (read_pairs(day.project.root / file) if file else [] for file in files)
    # what told that they are one person is erased
    must = sorted({*must, *day.erasures.pairs})
    known = set(records["customer_id"]) if must or cannot else set()
    both = [[pair for pair in pairs if known.issuperset(pair)] for pairs in (must, cannot)]
    return Said(*both, unknown=len(must) + len(cannot) - len(both[0]) - len(both[1]))


def _must_links(said: Said) -> pd.DataFrame:
    return pd.DataFrame([(*pair, MUST_LINK, 1.0) for pair in said.must], columns=list(LINK_COLUMNS))


def _changes(links: pd.DataFrame, before: pd.DataFrame, parts: Clusters) -> pd.DataFrame:
    found = [changes(links, before)]
    for kind, records in ((CUT, parts.cut), (KEPT_APART, parts.kept_apart)):
        found.append(links[links["source_customer_id"].isin(records)].assign(kind=kind, previous_customer_id=None))
    return pd.concat(found, ignore_index=True)


def _write_customers(day: ProjectDay, contract: Contract, links: pd.DataFrame) -> None:
    records = links[links["rule_id"] != FORMER]
    golden = pa.table(
        {
            "customer_id": pa.array(records["source_customer_id"], pa.string()),
            "golden_id": pa.array(records["customer_id"], pa.string()),
            "cluster_size": pa.array(records["cluster_size"], pa.int64()),
        }
    )
    query = golden_records(contract, day.project.plan.identity.survivor)
    tables = {contract.gated: day.relation(contract.gated)}
    with (
        day.engine.session(zone=day.project.plan.timezone, tables=tables, values={GOLDEN: golden}) as session,
        day.lake.write(f"dwd.{contract.table}", day.as_of) as file,
    ):
        treatment = Treatment(contract, day.project.plan.cleaning)
        columns = [name for name in dwd_columns(contract) if name not in (FILLED, OUTLIERS)]
        session.write(treatment.apply(session, query, columns), file, order_by=contract.key)
    day.write(TREATED, treatment.told, f"dq_treated.{contract.table}")


def _write_ledger(day: ProjectDay, contract: Contract) -> None:
    """Count what came from the records, what stands and what was merged from the tables as they were written."""
    things = f"dwd.{contract.table}"
    with day.session([contract.gated, things]) as session:
        records = _count(session, exp.select("_row_id").from_(contract.gated))
        standing = _count(session, exp.select("_row_id").from_(things))
        merged = snippet(
            "select _row_id from $records where _row_id not in (select _row_id from $things)",
            records=exp.to_table(contract.gated),
            things=exp.to_table(things),
        )
        entry = golden_entry(contract, records=records, things=standing, merged=_count(session, merged))
    day.write(LEDGER, [entry], f"dq_ledger.{contract.records}")
    demand_balance([entry])


def _count(session: Session, query: exp.Query) -> int:
    [(rows,)] = session.rows(exp.select(snippet("count(*)")).from_(query.subquery("rows")))
    return rows


def _told(links: pd.DataFrame, parts: Clusters, said: Said, model: Model | None) -> Mapping[str, Any]:
    """Counts, never ids."""
    by_rule = links["rule_id"].value_counts()
    return {
        "customers": int(links["customer_id"].nunique()),
        **{f"ids_{rule}": int(rows) for rule, rows in sorted(by_rule.items())},
        "largest_cluster": int(links["cluster_size"].max()) if len(links) else 0,
        "records_cut": len(parts.cut),
        "records_kept_apart": len(parts.kept_apart),
        "pairs_with_unknown_ids": said.unknown,
        "weights": "not compared" if model is None else model.told,
    }
