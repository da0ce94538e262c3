"""One id per customer that stays the same from day to day, and what became of ids that could not."""

import pandas as pd

NEW, JOINED, MERGED, SPLIT, GONE = "new", "joined", "merged", "split", "gone"


def golden_ids(records: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    """The golden id of each record, in the order of `records`.

    `records` has one row per record: customer_id, created_at, and the cluster it is in. `before` tells of the day
    before which customer_id a source_customer_id belonged to. An id belongs to the cluster that holds its own record;
    where that is no longer sent, to the cluster with most of the records it had. Of several ids a cluster keeps the one
    most of its records had, then the one of the oldest record. A cluster without an id takes that of its oldest record.
    """
    oldest_first = records.sort_values(["created_at", "customer_id"], na_position="last")
    own = oldest_first.drop_duplicates("cluster").set_index("cluster")["customer_id"]
    if len(before):
        own.update(_kept(oldest_first, before))
    return records["cluster"].map(own).rename("golden_id")


def _kept(records: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    """Cluster -> the id it keeps, of those that have one to keep; `records` come oldest first."""
    held = records.assign(
        place=range(len(records)),
        golden_id=records["customer_id"].map(before.set_index("source_customer_id")["customer_id"]),
    )
    claims = (
        held.dropna(subset=["golden_id"])
        .groupby(["cluster", "golden_id"], as_index=False)
        .agg(records=("place", "size"), oldest=("place", "min"))
    )
    home = held.set_index("customer_id")["cluster"]
    at_home = claims["golden_id"].map(home)
    returned = held[held["customer_id"].isin(before["customer_id"])][["cluster", "customer_id", "place"]]
    claims = pd.concat(
        [
            claims[at_home.isna() | (at_home == claims["cluster"])],
            returned.set_axis(["cluster", "golden_id", "oldest"], axis=1).assign(records=0),
        ]
    )
    order = {"records": False, "oldest": True, "golden_id": True, "cluster": True}
    ranked = claims.sort_values(list(order), ascending=list(order.values()))
    # an id whose record is gone goes to one cluster, then each cluster keeps one id
    return ranked.drop_duplicates("golden_id").drop_duplicates("cluster").set_index("cluster")["golden_id"]


def changes(links: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """What is different from the day before, a row per source id: kind, customer_id and previous_customer_id.

    Both frames tell to which customer_id a source_customer_id belongs. Without a day before only merges are told:
    then all is new.
    """
    both = links.merge(
        before.rename(columns={"customer_id": "previous_customer_id"}),
        on="source_customer_id",
        how="outer",
        validate="one_to_one",
    )
    is_first_day = not len(before)
    now, previous = both["customer_id"], both["previous_customer_id"]
    kinds = pd.Series(pd.NA, index=both.index, dtype="string")
    kinds[previous.isna()] = JOINED
    kinds[previous.isna() & (now == both["source_customer_id"])] = pd.NA if is_first_day else NEW
    moved = previous.notna() & now.notna() & (now != previous)
    kinds[moved] = SPLIT
    kinds[moved & now.isin(previous.dropna())] = MERGED
    kinds[now.isna()] = GONE
    return both.assign(kind=kinds).dropna(subset=["kind"])
