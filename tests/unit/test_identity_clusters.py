"""Which records are one customer: parts of the graph of links, within bounds and without contradictions."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.dwd.identity.clusters import LINK_COLUMNS, Clusters, clusters

Link = tuple[str, str, str, float]


def found(links: list[Link], *, largest: int = 20, apart: list[tuple[str, str]] = []) -> Clusters:  # noqa: B006
    return clusters(pd.DataFrame(links, columns=list(LINK_COLUMNS)), largest=largest, apart=apart)


def parts(found: Clusters) -> set[frozenset[str]]:
    return set(map(frozenset, found.members.groupby("cluster")["customer_id"].agg(set)))


def exact(one: str, other: str) -> Link:
    return (one, other, "identity_unique", 1.0)


def alike(one: str, other: str, probability: float = 0.995) -> Link:
    return (one, other, "splink", probability)


def test_records_linked_through_a_third_are_one_customer():
    assert parts(found([exact("A", "B"), alike("C", "B"), exact("D", "E")])) == {
        frozenset("ABC"),
        frozenset("DE"),
    }


def test_without_links_there_is_nothing_to_tell():
    assert parts(found([])) == set()


def test_a_record_tells_the_best_link_that_holds_it():
    members = found([alike("A", "B", 0.992), alike("B", "C", 0.999), exact("A", "D")]).members
    told = {row.customer_id: (row.rule_id, row.probability) for row in members.itertuples()}
    assert told == {
        "A": ("identity_unique", 1.0),
        "B": ("splink", 0.999),
        "C": ("splink", 0.999),
        "D": ("identity_unique", 1.0),
    }


def test_a_part_that_grows_too_large_keeps_only_its_exact_links():
    chain = [alike(one, other) for one, other in zip("ABCD", "BCDE", strict=True)]
    result = found([*chain, exact("A", "B"), alike("X", "Y")], largest=4)
    assert parts(result) == {frozenset("AB"), frozenset("XY")}
    assert result.cut == frozenset("ABCDE")


def test_a_part_of_exactly_the_largest_size_stays():
    chain = [alike(one, other) for one, other in zip("ABC", "BCD", strict=True)]
    result = found(chain, largest=4)
    assert (parts(result), result.cut) == ({frozenset("ABCD")}, frozenset())


def test_who_is_said_to_be_different_is_parted_at_the_weakest_link():
    links = [alike("A", "B", 0.999), alike("B", "C", 0.991), alike("C", "D", 0.998)]
    result = found(links, apart=[("A", "D")])
    assert parts(result) == {frozenset("AB"), frozenset("CD")}
    assert result.kept_apart == frozenset("ABCD")


def test_what_a_person_says_outweighs_an_exact_key():
    assert parts(found([exact("A", "B")], apart=[("B", "A")])) == set()


def test_a_pair_that_nothing_links_changes_nothing():
    result = found([exact("A", "B"), exact("C", "D")], apart=[("A", "C"), ("A", "Z")])
    assert (parts(result), result.kept_apart) == ({frozenset("AB"), frozenset("CD")}, frozenset())


ids = st.sampled_from("ABCDEFGHIJ")
pairs = st.tuples(ids, ids).filter(lambda pair: pair[0] != pair[1])
some_links = st.lists(st.tuples(pairs, st.sampled_from(["splink", "identity_unique", "must_link"]), st.floats(0.9, 1)))


@settings(deadline=None)
@given(links=some_links, apart=st.lists(pairs, max_size=5), largest=st.integers(2, 10))
def test_every_record_is_in_one_part_and_no_stranger_with_it(links, apart, largest):
    told = [(*pair, rule, probability) for pair, rule, probability in links]
    result = found(told, largest=largest, apart=apart)
    groups = parts(result)
    assert sum(map(len, groups)) == len(result.members) == len(frozenset().union(*groups))
    assert all(len(group) > 1 for group in groups)
    assert not [pair for pair in apart for group in groups if group.issuperset(pair)]
    joined = {frozenset(pair) for pair, _, _ in links}
    assert all(any(pair <= group for pair in joined) for group in groups)


@settings(deadline=None)
@given(links=some_links, apart=st.lists(pairs, max_size=5))
def test_the_order_of_the_links_is_no_matter(links, apart):
    told = [(*pair, rule, probability) for pair, rule, probability in links]
    pd.testing.assert_frame_equal(found(told, apart=apart).members, found(told[::-1], apart=apart[::-1]).members)
