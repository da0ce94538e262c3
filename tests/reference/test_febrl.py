"""Persons whose records were damaged on purpose, and who is who, by the settings every plan has."""

from itertools import combinations
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from assets.dwd.identity.clusters import clusters
from assets.dwd.identity.features import SIMPLIFIED, chinese_texts, keep_features, simplified
from assets.dwd.identity.linkage import likely_links
from pipeline.engine import DuckDBEngine
from pipeline.plan import Identity
from quality.contract import contracts

pytestmark = pytest.mark.shared

RECORDS = contracts()["customers"].gated
MADE_OF = {
    "name": ("given_name", "surname"),
    "address": ("street_number", "address_1", "address_2", "postcode"),
    "region": ("state", "suburb"),
    "credit_code": ("soc_sec_id",),
}
Pairs = set[frozenset[str]]


@pytest.fixture(scope="module", params=["dataset1.csv", "dataset2.csv"])
def people(shared: Path, request: pytest.FixtureRequest) -> pd.DataFrame:
    """One row per record, blanks empty; the true person is the number in rec_id."""
    people = pd.read_csv(shared / "febrl" / request.param, dtype=str, skipinitialspace=True).fillna("")
    return people.rename(columns=str.strip).apply(lambda column: column.str.strip())


def test_hardly_anybody_is_missed_and_hardly_anybody_taken_for_another(people: pd.DataFrame):
    true = pairs(people.assign(person=people["rec_id"].str.split("-").str[1]), "rec_id", "person")
    found = pairs(clusters(links(people), largest=Identity().largest_cluster).members, "customer_id", "cluster")
    assert len(found & true) / len(found) >= 0.995
    assert len(found & true) / len(true) >= 0.97


def test_the_same_records_give_the_same_links_to_the_last_digit(people: pd.DataFrame):
    one, other = (links(people.sample(frac=1, random_state=seed), threads=seed) for seed in (1, 2))
    by = ["customer_id", "other_customer_id"]
    pd.testing.assert_frame_equal(
        one.sort_values(by, ignore_index=True), other.sort_values(by, ignore_index=True), check_exact=True
    )


def links(people: pd.DataFrame, threads: int = 2) -> pd.DataFrame:
    """Pairs of records that are one person by the settings a plan has unless it says otherwise."""
    engine = DuckDBEngine(memory_limit="1GB", threads=threads)
    records = {RECORDS: as_customers(people)}
    with engine.session(zone="UTC", tables={}, values=records) as session:
        written = session.frame(chinese_texts(RECORDS))["written"]
    with engine.session(zone="UTC", tables={}, values=records | {SIMPLIFIED: simplified(written)}) as session:
        keep_features(session, RECORDS, Identity())
        found, _ = likely_links(session, Identity())
    return found


def as_customers(people: pd.DataFrame) -> pa.Table:
    """The records in the columns of the contract; only the year is kept of a date of birth."""
    columns: dict[str, list] = {
        name: [" ".join(filter(None, parts)) or None for parts in people[list(sources)].to_numpy()]
        for name, sources in MADE_OF.items()
    }
    columns |= {"customer_id": list(people["rec_id"]), "kind": ["person"] * len(people)}
    texts = {
        name: pa.array(columns.get(name, [None] * len(people)), pa.string())
        for name in contracts()["customers"].by_name
    }
    years = pd.to_numeric(people["date_of_birth"].str[:4], errors="coerce")
    return pa.table(texts | {"birth_year": pa.array(years, pa.int64(), from_pandas=True)})


def pairs(records: pd.DataFrame, record: str, person: str) -> Pairs:
    return {frozenset(pair) for _, group in records.groupby(person)[record] for pair in combinations(group, 2)}
