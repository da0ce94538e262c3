"""Who moved from class to class between two evaluated days."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, a_plan

from assets.ads.segment_transitions import CLASSES, GONE, NEW, comparisons, segment_transitions
from assets.day import ProjectDay
from pipeline.project import Project, Sources

YESTERDAY = DAY - timedelta(days=1)
TEXT = ("customer_id", "scheme", "class_id", "label_zh", "label_en")


@pytest.fixture
def day(tmp_path: Path) -> ProjectDay:
    return ProjectDay(Project(tmp_path, Sources.model_construct(), a_plan()), DAY)


def classes(day: ProjectDay, as_of: date, placed: dict[str, str], scheme: str = "abc") -> None:
    """The classes of a day's customers in one scheme."""
    rows = [(customer, scheme, given, f"{given} 类", f"Class {given}") for customer, given in placed.items()]
    table = pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], names=TEXT)
    with day.lake.write(CLASSES, as_of) as file:
        pq.write_table(table, file)


def moves(day: ProjectDay, compared_with: str = "previous") -> dict[tuple[str, str], int]:
    found = segment_transitions(day)
    chosen = found[found["compared_with"] == compared_with]
    return {(row.from_class_id, row.to_class_id): row.customers for row in chosen.itertuples()}


def test_every_customer_goes_from_one_class_to_one(day: ProjectDay):
    classes(day, YESTERDAY, {"C1": "A", "C2": "A", "C3": "B"})
    classes(day, DAY, {"C1": "A", "C2": "B", "C3": "B"})
    found = segment_transitions(day).set_index(["compared_with", "from_class_id", "to_class_id"]).sort_index()
    assert moves(day) == {("A", "A"): 1, ("A", "B"): 1, ("B", "B"): 1}
    assert found["share_of_from"].to_list() == [0.5, 0.5, 1.0]
    assert found["is_move"].to_list() == [False, True, False]
    assert found.loc[("previous", "A", "B"), ["from_label_en", "to_label_zh"]].to_list() == ["Class A", "B 类"]


def test_who_came_and_who_went_is_told(day: ProjectDay):
    classes(day, YESTERDAY, {"C1": "A"})
    classes(day, DAY, {"C2": "B"})
    assert moves(day) == {("A", GONE): 1, (NEW, "B"): 1}


def test_a_scheme_that_one_of_the_days_did_not_know_is_not_compared(day: ProjectDay):
    classes(day, YESTERDAY, {"C1": "A"})
    classes(day, DAY, {"C1": "vip"}, scheme="tier")
    assert moves(day) == {}


def test_the_first_day_has_nothing_to_compare_with(day: ProjectDay):
    classes(day, DAY, {"C1": "A"})
    assert segment_transitions(day).empty


def test_a_later_day_is_nothing_to_compare_with(day: ProjectDay):
    classes(day, DAY, {"C1": "A"})
    classes(day, DAY + timedelta(days=1), {"C1": "B"})
    assert segment_transitions(day).empty


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(["2026-11-19"], {"previous": "2026-11-19"}, id="yesterday-alone"),
        pytest.param(
            ["2026-11-13", "2026-11-14"], {"previous": "2026-11-14", "week": "2026-11-13"}, id="exactly-a-week"
        ),
        pytest.param(
            ["2026-10-20", "2026-10-21"],
            {"previous": "2026-10-21", "week": "2026-10-21", "month": "2026-10-20"},
            id="exactly-a-month",
        ),
        pytest.param(
            ["2026-08-20"],
            dict.fromkeys(["previous", "week", "month", "quarter"], "2026-08-20"),
            id="one-day-for-every-distance",
        ),
    ],
)
def test_each_distance_takes_the_newest_day_that_is_so_far_back(days: list[str], expected: dict[str, str]):
    found = comparisons([date.fromisoformat(day) for day in days], DAY)
    assert {name: day.isoformat() for name, day in found} == expected


PLACED = st.dictionaries(st.sampled_from(["C1", "C2", "C3", "C4", "C5"]), st.sampled_from(["A", "B", "C"]), min_size=1)


@settings(max_examples=15, deadline=None)
@given(then=PLACED, now=PLACED)
def test_all_customers_of_both_days_are_in_it_once(
    tmp_path_factory: pytest.TempPathFactory, then: dict[str, str], now: dict[str, str]
):
    project = Project(tmp_path_factory.mktemp("moves"), Sources.model_construct(), a_plan())
    day = ProjectDay(project, DAY)
    classes(day, YESTERDAY, then)
    classes(day, DAY, now)
    found = segment_transitions(day)
    assert found["customers"].sum() == len(then.keys() | now.keys())
    assert _counts(found, "from_class_id", NEW) == pd.Series(then).value_counts().to_dict()
    assert _counts(found, "to_class_id", GONE) == pd.Series(now).value_counts().to_dict()


def _counts(found: pd.DataFrame, side: str, absent: str) -> dict[str, int]:
    return found[found[side] != absent].groupby(side)["customers"].sum().to_dict()
