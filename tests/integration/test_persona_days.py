"""A persona's id over several days in the lake: it stays, and an older day that comes later changes no other."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from personas import customers
from runs import bytes_of, frame_of, write_small_company

from assets.day import ProjectDay
from assets.dws.personas import FEATURES, compute_personas
from pipeline.project import Project

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (16, 17, 18, 19))
FOUR = ["regulars", "newcomers", "lapsed", "rare_and_large"]
THREE = FOUR[:3]


class Company:
    """A company of which only the features of its customers are known."""

    def __init__(self, root: Path) -> None:
        self.root = write_small_company(root, {"customers": []})
        self.project = Project.read(root)

    def evaluates(self, as_of: date, table: pd.DataFrame) -> set[str]:
        """The personas of the day."""
        day = ProjectDay(self.project, as_of)
        with day.lake.write(FEATURES, as_of) as file:
            table.to_parquet(file)
        compute_personas(day)
        return set(frame_of(self.root, "dws.personas", as_of)["class_id"]) - {"persona_none"}

    def fit(self, as_of: date) -> dict[str, float]:
        table = frame_of(self.root, "model_fits.persona", as_of)
        return dict(zip(table["parameter"], table["value"], strict=True))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path / "company")


def of(*numbers: int) -> set[str]:
    return {f"persona_{number}" for number in numbers}


def test_ids_stay_from_day_to_day_and_a_number_is_given_once(company: Company):
    assert company.evaluates(MONDAY, customers(60, FOUR)) == of(1, 2, 3, 4)
    kept = company.evaluates(TUESDAY, customers(60, THREE, seed=8))
    assert kept < of(1, 2, 3, 4) and len(kept) == 3
    assert company.evaluates(WEDNESDAY, customers(60, FOUR, seed=9)) == kept | of(5)
    assert (company.fit(WEDNESDAY)["groups_new"], company.fit(WEDNESDAY)["groups_kept"]) == (1, 3)


def test_a_day_without_groups_is_looked_past(company: Company):
    company.evaluates(MONDAY, customers(60, FOUR))
    assert company.evaluates(TUESDAY, customers(5, FOUR)) == set()
    assert company.evaluates(WEDNESDAY, customers(60, FOUR)) == of(1, 2, 3, 4)
    assert company.fit(WEDNESDAY)["moved_share"] == 0
    assert set(frame_of(company.root, "dws.personas", WEDNESDAY)["previous_as_of"].dropna()) == {pd.Timestamp(MONDAY)}


def test_an_older_day_evaluated_later_leaves_the_later_days_as_they_are(company: Company):
    company.evaluates(TUESDAY, customers(60, FOUR))
    company.evaluates(THURSDAY, customers(60, FOUR, seed=8))
    days = {as_of: bytes_of(company.root, as_of) for as_of in (TUESDAY, THURSDAY)}
    company.evaluates(MONDAY, customers(60, THREE, seed=5))
    company.evaluates(WEDNESDAY, customers(60, THREE, seed=6))
    assert {as_of: bytes_of(company.root, as_of) for as_of in days} == days


def test_a_day_evaluated_again_gives_the_same_bytes(company: Company):
    company.evaluates(MONDAY, customers(60, FOUR))
    company.evaluates(TUESDAY, customers(60, FOUR, seed=8))
    first = bytes_of(company.root, TUESDAY)
    company.evaluates(WEDNESDAY, customers(60, THREE))
    company.evaluates(TUESDAY, customers(60, FOUR, seed=8).sample(frac=1, random_state=2))
    tables = ["dws/customer_persona", "dws/personas", "model_fits/persona"]
    again = bytes_of(company.root, TUESDAY)
    assert {name for name in first if first[name] == again[name]} >= {
        f"{table}/as_of={TUESDAY}/part-0.parquet" for table in tables
    }
