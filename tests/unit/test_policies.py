"""Policies that documents name: kept as they were written, computed with nowhere (I64)."""

import pytest
from models import a_plan
from pydantic import ValidationError

from pipeline.plan import Label, Policy, PolicyPart


def policy(*shares: float) -> Policy:
    words = Label(zh="部分", en="Part")
    return Policy(id="ours", label=words, parts=[PolicyPart(label=words, share=share) for share in shares])


def test_i64_both_policies_of_the_documents_are_kept_though_they_cannot_hold_together():
    kept = {one.id: [part.share for part in one.parts] for one in a_plan().policies}
    assert kept == {"portfolio": [0.70, 0.20], "three_three": [0.30, 0.40, 0.30]}


def test_a_plan_may_have_policies_of_its_own_and_its_hash_tells():
    own = a_plan(policies=[policy(0.6, 0.4)])
    assert [one.id for one in own.policies] == ["ours"]
    assert own.plan_hash != a_plan().plan_hash


def test_a_policy_may_leave_a_part_open_and_not_divide_more_than_there_is():
    assert [part.share for part in policy(0.7, 0.2).parts] == [0.7, 0.2]
    with pytest.raises(ValidationError, match="the parts of ours add up to 105%"):
        policy(0.75, 0.30)
