"""What holds of every SQL model: it runs on both engines and keeps to their common subset."""

import re
from pathlib import Path

import pytest
from models import DAY, model, run_model
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from pipeline.engine import SQL_FOLDER, DuckDBEngine, inline, snippet, standard_macros

FILES = sorted(path for layer in ("dws", "ads") for path in (SQL_FOLDER / layer).glob("*.sql"))

every_model = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}.{path.stem}")


def name_of(path: Path) -> str:
    return f"{path.parent.name}.{path.stem}"


@every_model
def test_it_transpiles_to_spark_without_anything_unsupported(path: Path) -> None:
    assert model(name_of(path)).bound(as_of=DAY).sql("spark", unsupported_level=ErrorLevel.RAISE)


@every_model
def test_it_runs_on_a_day_without_any_data(path: Path) -> None:
    rows = run_model(name_of(path), {})
    assert rows == [] or path.stem in ("segment_summary", "budget_variance", "cohorts")


@every_model
def test_it_names_its_output_columns(path: Path) -> None:
    assert not any(column.is_star for column in model(name_of(path)).query.selects)


@every_model
def test_it_keeps_to_what_engines_mean_alike(path: Path) -> None:
    query = model(name_of(path)).query
    assert not list(query.find_all(exp.Qualify, exp.IntDiv))
    assert not [group for group in query.find_all(exp.Group) if group.args.get("all")]
    # a percentile leaves NULL out, so it has no place for it
    orderings = r"(?<!within group \()order by (.+?)(?=\)|\s(?:range|rows) )"
    for ordering in re.findall(orderings, path.read_text(encoding="utf-8"), re.DOTALL):
        assert all(part.strip().endswith("nulls last") for part in ordering.split(",")), ordering


@every_model
def test_it_says_which_document_asks_for_it(path: Path) -> None:
    assert re.search(r"S\d|[FIX]\d+", model(name_of(path)).seeds)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        pytest.param("money_text(cast(0 as decimal(18, 2)))", "0.00", id="nothing"),
        pytest.param("money_text(cast(-0.05 as decimal(18, 2)))", "−0.05", id="cents-given-back"),
        pytest.param("money_text(cast(999.99 as decimal(18, 2)))", "999.99", id="below-a-thousand"),
        pytest.param("money_text(cast(1000 as decimal(18, 2)))", "1,000.00", id="a-thousand"),
        pytest.param("money_text(cast(-999999.99 as decimal(18, 2)))", "−999,999.99", id="just-below-a-million"),
        pytest.param("money_text(cast(-1234567.8 as decimal(18, 2)))", "−1,234,567.80", id="millions-given-back"),
        pytest.param("money_text(9999999999999999.99)", "9,999,999,999,999,999.99", id="the-most"),
        pytest.param("money_text(cast(null as decimal(18, 2)))", None, id="unknown-money"),
        pytest.param("count_text(0)", "0", id="none"),
        pytest.param("count_text(999)", "999", id="hundreds"),
        pytest.param("count_text(1535)", "1,535", id="thousands"),
        pytest.param("percent_text(cast(0.4567 as double))", "45.7%", id="share"),
        pytest.param("percent_text(cast(1 as double))", "100.0%", id="all"),
        pytest.param("percent_text(cast(-0.5 as double))", "−50.0%", id="below-zero"),
        pytest.param("fifth_of(cast(0.2 as double))", 2, id="a-fifth-belongs-to-the-next"),
        pytest.param("fifth_of(cast(1 as double))", 5, id="the-highest-stays-in-the-last"),
        pytest.param("fifth_of(cast(null as double))", None, id="no-rank-no-score"),
    ],
)
def test_what_the_macros_write(call: str, text: str | int | None) -> None:
    query = inline(exp.select(snippet(call)), standard_macros())
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="UTC", tables={}, values={}) as session:
        assert session.rows(query) == [(text,)]
