"""What a plan says about identity that can't be done is told with its remedy, before a day is evaluated."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from runs import write_small_company

from assets.dwd.identity.faults import identity_faults
from assets.dwd.identity.said_pairs import read_pairs
from pipeline.errors import ConfigurationError
from pipeline.plan import Identity
from pipeline.project import Project

HEADER = "customer_id,other_customer_id,note\n"


def faults(tmp_path: Path, files: dict[str, str], **identity) -> list[str]:
    root = write_small_company(tmp_path / "company", {}, identity=identity)
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8-sig")
    return list(identity_faults(Project.read(root)))


def test_pairs_are_read_whichever_id_comes_first(tmp_path: Path):
    file = tmp_path / "same.csv"
    file.write_text(f"{HEADER}C2,C1,asked\n C1 ,C2,asked again\n", encoding="utf-8-sig")
    assert read_pairs(file) == [("C1", "C2")]


def test_good_files_have_no_faults(tmp_path: Path):
    files = {"same.csv": f"{HEADER}C1,C2,\n", "different.csv": f"{HEADER}C1,C3,\n"}
    assert faults(tmp_path, files, must_link="same.csv", cannot_link="different.csv") == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    [fault] = faults(tmp_path, {}, must_link="same.csv")
    assert "same.csv is missing" in fault


def test_a_pair_said_to_be_one_and_two_is_told(tmp_path: Path):
    files = {"same.csv": f"{HEADER}C1,C2,\n", "different.csv": f"{HEADER}C2,C1,\n"}
    [fault] = faults(tmp_path, files, must_link="same.csv", cannot_link="different.csv")
    assert "C1 and C2 are both in same.csv and in different.csv" in fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("id,other\n", "no column customer_id, other_customer_id; columns found: id, other", id="columns"),
        pytest.param(f"{HEADER}C1,,\n", "line 2: a pair names two customers, found C1", id="half-a-pair"),
        pytest.param(f"{HEADER}C1,C1,\n", "line 2: a pair names two customers, found C1", id="the-same-twice"),
    ],
)
def test_a_file_that_says_nothing_is_refused(tmp_path: Path, text: str, said: str):
    file = tmp_path / "same.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        read_pairs(file)


def test_a_column_that_is_none_can_not_be_chosen(tmp_path: Path):
    [fault] = faults(tmp_path, {}, survivorship={"nmae": "newest"})
    assert "no column 'nmae' to choose; there are address" in fault


@pytest.mark.parametrize("file", ["../pairs.csv", "/etc/pairs.csv", ".hidden.csv", "pairs.txt"])
def test_pairs_are_read_from_the_project_folder_alone(file: str):
    with pytest.raises(ValidationError, match="must_link"):
        Identity(must_link=file)


def test_a_block_is_made_of_known_columns_only():
    with pytest.raises(ValidationError, match="blocks"):
        Identity.model_validate({"blocks": [["name'; drop table x"]]})
