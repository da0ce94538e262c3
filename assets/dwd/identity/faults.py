"""What the plan says about identity that can't be done, or does nothing, told before a day is evaluated."""

from collections.abc import Iterator

import pyarrow.parquet as pq

from assets.dwd.identity.said_pairs import contradictions, read_pairs
from pipeline.errors import ConfigurationError
from pipeline.lake import Lake
from pipeline.project import Project
from quality.contract import contracts

CUSTOMERS = "customers"


def identity_faults(project: Project) -> Iterator[str]:
    """Files of pairs that can't be read or contradict each other, and columns that are none, a line each."""
    rules, pairs = project.plan.identity, {}
    for name in ("must_link", "cannot_link"):
        file = getattr(rules, name)
        try:
            pairs[name] = read_pairs(project.root / file) if file else []
        except ConfigurationError as error:
            yield f"identity.{name}: {error}"
    if len(pairs) == 2:
        for one, other in contradictions(pairs["must_link"], pairs["cannot_link"]):
            yield f"identity: {one} and {other} are both in {rules.must_link} and in {rules.cannot_link}; keep one"
    contract = contracts()[CUSTOMERS]
    may_be_chosen = sorted(set(contract.by_name) - {*contract.key, contract.event})
    for column in rules.survivorship:
        if column not in may_be_chosen:
            yield f"identity.survivorship: no column {column!r} to choose; there are {', '.join(may_be_chosen)}"


def unknown_ids(project: Project) -> list[str]:
    """Ids in the files of pairs that the last evaluated day does not know; none where no day was evaluated."""
    rules, lake = project.plan.identity, Lake(project.lake)
    days = lake.days("dwd.customer_links")
    files = [project.root / file for file in (rules.must_link, rules.cannot_link) if file]
    if not days or not files:
        return []
    links = pq.read_table(lake.file("dwd.customer_links", days[-1]), columns=["source_customer_id"])
    known = set(links["source_customer_id"].to_pylist())
    return sorted({record for file in files for pair in read_pairs(file) for record in pair} - known)
