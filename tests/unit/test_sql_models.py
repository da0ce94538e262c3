"""What holds of every SQL model: it runs on both engines, keeps to their common subset, and shows nothing personal."""

import re
from pathlib import Path

import pytest
from models import DAY, LINK_COLUMNS, LINKS, model, run_model
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from pipeline.engine import SQL_FOLDER
from quality.contract import contracts

FILES = sorted(path for layer in ("dws", "ads") for path in (SQL_FOLDER / layer).glob("*.sql"))
PERSONAL = {
    (f"dwd.{table}", column.name)
    for table, contract in contracts().items()
    for column in contract.columns
    if column.personal
}

every_model = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}.{path.stem}")


def name_of(path: Path) -> str:
    return f"{path.parent.name}.{path.stem}"


@every_model
def test_it_transpiles_to_spark_without_anything_unsupported(path: Path) -> None:
    assert model(name_of(path)).bound(as_of=DAY).sql("spark", unsupported_level=ErrorLevel.RAISE)


@every_model
def test_it_runs_on_a_day_without_any_data(path: Path) -> None:
    rows = run_model(name_of(path), {})
    assert rows == [] or path.stem == "segment_summary"


@every_model
def test_it_names_its_output_columns(path: Path) -> None:
    assert not any(column.is_star for column in model(name_of(path)).query.selects)


@every_model
def test_it_keeps_to_what_engines_mean_alike(path: Path) -> None:
    query = model(name_of(path)).query
    assert not list(query.find_all(exp.Qualify, exp.IntDiv))
    assert not [group for group in query.find_all(exp.Group) if group.args.get("all")]
    for ordering in re.findall(r"order by (.+?)(?=\)| range )", path.read_text(encoding="utf-8"), re.DOTALL):
        assert all(part.strip().endswith("nulls last") for part in ordering.split(",")), ordering


@every_model
def test_it_says_which_document_asks_for_it(path: Path) -> None:
    assert re.search(r"S\d|[FIX]\d+", model(name_of(path)).seeds)


def test_nothing_personal_but_a_shortened_name_leaves_the_customers_table() -> None:
    schema = {f"dwd.{table}": [*contract.by_name, contract.event_day] for table, contract in contracts().items()}
    schema[f"dwd.{LINKS}"] = list(LINK_COLUMNS)
    for path in FILES:
        schema[name_of(path)] = list(model(name_of(path)).columns)
    told = {
        (name_of(path), column, source)
        for path in FILES
        for column, sources in model(name_of(path)).lineage(schema).items()
        for source in sources
        if source in PERSONAL
    }
    assert {(table, column) for table, column, _ in told} == {
        ("dws.customer_segments", "display_name"),
        ("dws.lead_journey", "is_valid"),
    }
