"""A model file: what it must say of itself, and what is derived from it."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.engine import ModelError, read_macros, read_model

DAY = date(2026, 11, 20)

RECENCY = """-- Days since the last order.
-- Of every customer.
-- grain: customer_id
-- seed: S3 二(二)1
with last_orders as (
    select
        o.customer_id,
        max(o.ordered_on) as ordered_on -- a comment inside is nobody's description
    from dwd.orders as o
    where o.ordered_on <= $as_of
    group by o.customer_id
)
select
    c.customer_id, -- Customer
    date_diff('day', l.ordered_on, $as_of) as recency_days, -- Days since the last order; NULL if none
    p.currency -- Plan's currency
from dwd.customers as c
left join last_orders as l on l.customer_id = c.customer_id
cross join plan.settings as p
"""


def model(tmp_path: Path, text: str = RECENCY, macros: str = ""):
    folder = tmp_path / "dws"
    folder.mkdir(exist_ok=True)
    (folder / "recency.sql").write_text(text, encoding="utf-8")
    (tmp_path / "macros").mkdir(exist_ok=True)
    (tmp_path / "macros" / "own.sql").write_text(macros, encoding="utf-8")
    return read_model(folder / "recency.sql", read_macros(tmp_path / "macros"))


def test_the_header_says_what_the_table_is(tmp_path: Path) -> None:
    found = model(tmp_path)
    assert found.name == "dws.recency"
    assert found.description == "Days since the last order. Of every customer."
    assert (found.grain, found.seeds) == (("customer_id",), "S3 二(二)1")


def test_each_output_column_carries_the_comment_behind_it(tmp_path: Path) -> None:
    assert model(tmp_path).columns == {
        "customer_id": "Customer",
        "recency_days": "Days since the last order; NULL if none",
        "currency": "Plan's currency",
    }


def test_the_header_names_columns_that_readers_may_not_see(tmp_path: Path) -> None:
    found = model(tmp_path, RECENCY.replace("-- seed:", "-- restricted: recency_days, currency\n-- seed:"))
    assert found.restricted == {"recency_days", "currency"}


def test_a_restricted_column_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="restricted recency must name output columns"):
        model(tmp_path, RECENCY.replace("-- seed:", "-- restricted: recency\n-- seed:"))


def test_the_tables_it_reads_are_found_and_its_own_steps_are_not(tmp_path: Path) -> None:
    found = model(tmp_path)
    assert found.inputs == ("dwd.customers", "dwd.orders")
    assert found.plan_inputs == ("plan.settings",)


def test_lineage_reaches_through_the_steps(tmp_path: Path) -> None:
    schema = {
        "dwd.customers": ["customer_id"],
        "dwd.orders": ["customer_id", "ordered_on"],
        "plan.settings": ["currency"],
    }
    lineage = model(tmp_path).lineage(schema)
    assert lineage["recency_days"] == [("dwd.orders", "ordered_on")]
    assert lineage["customer_id"] == [("dwd.customers", "customer_id")]


def test_a_parameter_becomes_a_literal_of_its_type(tmp_path: Path) -> None:
    sql = model(tmp_path).bound(as_of=DAY).sql("duckdb")
    assert "CAST('2026-11-20' AS DATE)" in sql
    assert "$as_of" not in sql


def test_a_parameter_that_looks_like_sql_stays_a_value(tmp_path: Path) -> None:
    text = "-- One.\n-- grain: x\nselect o.x -- X\nfrom dwd.orders as o where o.x = $name"
    sql = model(tmp_path, text).bound(name="'; drop table x; --").sql("duckdb")
    assert "'''; drop table x; --'" in sql


def test_a_parameter_that_is_not_given_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"dws.recency needs \$as_of; given: nothing"):
        model(tmp_path).bound()


def test_macros_are_written_out_inside_each_other(tmp_path: Path) -> None:
    macros = "create macro half(x) as x / 2; create macro part_of(x) as half(half(x));"
    text = "-- One.\n-- grain: q\nselect part_of(o.a + 1) as q -- A part\nfrom dwd.orders as o"
    sql = model(tmp_path, text, macros).query.sql("duckdb")
    assert "part_of" not in sql
    assert sql.count("/ 2") == 2


def test_a_macro_may_not_take_the_name_of_a_function(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="quarter is a function of SQL already"):
        model(tmp_path, macros="create macro quarter(x) as x / 4;")


def test_a_macro_with_the_wrong_number_of_arguments_is_refused(tmp_path: Path) -> None:
    text = "-- One.\n-- grain: q\nselect half(o.a, 2) as q -- Half\nfrom dwd.orders as o"
    with pytest.raises(ModelError, match=r"half\(\) takes x; found 2 arguments"):
        model(tmp_path, text, "create macro half(x) as x / 2;")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(
            ("-- Days since the last order.\n-- Of every customer.\n", ""), "no description", id="no-description"
        ),
        pytest.param(("-- grain: customer_id\n", ""), "grain", id="no-grain"),
        pytest.param(("grain: customer_id", "grain: order_id"), "must name output columns", id="grain-not-a-column"),
        pytest.param((" -- Plan's currency", ""), "columns currency have no comment", id="bare-column"),
        pytest.param(("from dwd.customers", "from from"), "can't be parsed", id="not-sql"),
    ],
)
def test_a_model_that_does_not_explain_itself_is_refused(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(ModelError, match=complaint):
        model(tmp_path, RECENCY.replace(*change))
