"""A customer keeps its id from day to day, and every change of it is told."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.dwd.identity.golden import changes, golden_ids

Ids = dict[str, str]


def golden(together: list[str], before: Ids | None = None, created: Ids | None = None) -> Ids:
    """Id of each record; `together` spells the records of each cluster, older ids are earlier in the alphabet."""
    rows = [
        {
            "customer_id": record,
            "created_at": (created or {}).get(record, f"2026-01-{ord(record):03}"),
            "cluster": group,
        }
        for group in together
        for record in group
    ]
    records = pd.DataFrame(rows).sample(frac=1, random_state=1, ignore_index=True)
    return dict(zip(records["customer_id"], golden_ids(records, links(before or {})), strict=True))


def links(ids: Ids) -> pd.DataFrame:
    return pd.DataFrame(
        {"source_customer_id": list(ids), "customer_id": list(ids.values())},
        columns=["source_customer_id", "customer_id"],
    )


def test_on_the_first_day_the_oldest_record_gives_the_id():
    assert golden(["AB", "C"]) == {"A": "A", "B": "A", "C": "C"}
    assert golden(["AB"], created={"A": "2026-05-01", "B": "2025-05-01"}) == {"A": "B", "B": "B"}


def test_of_two_records_created_together_the_lesser_id_is_taken():
    assert golden(["BA"], created={"A": "2026-05-01", "B": "2026-05-01"}) == {"A": "A", "B": "A"}


def test_an_older_record_that_turns_up_later_does_not_take_the_id():
    assert golden(["AB"], before={"B": "B"}) == {"A": "B", "B": "B"}


def test_of_two_customers_that_prove_one_the_larger_keeps_its_id():
    assert set(golden(["ABC"], before={"A": "A", "B": "B", "C": "B"}).values()) == {"B"}


def test_of_two_customers_of_equal_size_the_older_keeps_its_id():
    assert set(golden(["AB"], before={"A": "A", "B": "B"}).values()) == {"A"}


def test_after_a_split_the_id_stays_with_its_own_record():
    assert golden(["A", "BC"], before={"A": "A", "B": "A", "C": "A"}) == {"A": "A", "B": "B", "C": "B"}


def test_a_merge_that_is_undone_gives_both_their_old_ids():
    merged = golden(["AB"], before={"A": "A", "B": "B"})
    assert golden(["A", "B"], before=merged) == {"A": "A", "B": "B"}


def test_an_id_lives_on_with_most_of_its_records_when_its_own_is_no_longer_sent():
    assert golden(["B", "CD"], before={"A": "A", "B": "A", "C": "A", "D": "A"}) == {"B": "B", "C": "A", "D": "A"}


def test_an_id_whose_record_comes_back_returns_to_it():
    assert golden(["A", "B"], before={"A": "A", "B": "A"}) == {"A": "A", "B": "B"}
    assert golden(["A", "B"], before={"B": "A"}) == {"A": "A", "B": "B"}


def test_the_same_day_twice_gives_the_same_ids():
    first = golden(["ABC", "DE", "F"])
    assert golden(["ABC", "DE", "F"], before=first) == first


clusterings = st.lists(st.integers(0, 5), min_size=8, max_size=8)


@settings(deadline=None)
@given(days=st.lists(st.tuples(clusterings, st.sets(st.sampled_from("ABCDEFGH"))), min_size=1, max_size=5))
def test_an_id_is_one_customers_and_stays_while_its_record_is_there(days):
    before: Ids = {}
    for numbers, absent in days:
        sent = [(record, number) for record, number in zip("ABCDEFGH", numbers, strict=True) if record not in absent]
        groups = ["".join(record for record, own in sent if own == number) for number in sorted({n for _, n in sent})]
        if not groups:
            continue
        now = golden(groups, before)
        ids = [{now[record] for record in group} for group in groups]
        assert all(len(own) == 1 for own in ids)
        assert len(set().union(*ids)) == len(groups)
        for group, [own] in zip(groups, ids, strict=True):
            assert own in group or own not in now, "an id is with its own record wherever that is sent"
            claims = {before[record] for record in group if record in before}
            assert own in group or own in claims
        before = now


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        pytest.param({}, {"A": "A"}, {}, id="all-is-new-on-the-first-day"),
        pytest.param({}, {"A": "A", "B": "A"}, {"B": "joined"}, id="first-day-with-copies"),
        pytest.param({"A": "A"}, {"A": "A", "B": "B"}, {"B": "new"}, id="new"),
        pytest.param({"A": "A"}, {"A": "A", "B": "A"}, {"B": "joined"}, id="joined"),
        pytest.param({"A": "A", "B": "B"}, {"A": "A", "B": "A"}, {"B": "merged"}, id="merged"),
        pytest.param({"A": "A", "B": "A"}, {"A": "A", "B": "B"}, {"B": "split"}, id="split"),
        pytest.param({"A": "A", "B": "B"}, {"A": "A"}, {"B": "gone"}, id="gone"),
        pytest.param({"A": "A", "B": "B"}, {"A": "A", "B": "B"}, {}, id="nothing"),
    ],
)
def test_each_change_is_told(before: Ids, now: Ids, told: Ids):
    found = changes(links(now), links(before))
    assert dict(zip(found["source_customer_id"], found["kind"], strict=True)) == told
