"""Personal data behind the gate: what each mask leaves of a value, and that nothing personal goes on without one."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest
from runs import write_small_company
from sqlglot import exp

from assets.models import models, published
from pipeline.definitions import definitions_of
from pipeline.engine import SQL_FOLDER, DuckDBEngine, Model, inline, read_model, snippet, standard_macros
from pipeline.engine.model import Macro
from pipeline.project import Project
from quality.contract import contracts

MASKS = SQL_FOLDER / "macros" / "mask.sql"
PERSONAL = {
    (held, column.name)
    for table, contract in contracts().items()
    for held in (f"ods.{table}", contract.gated, f"dwd.{table}")
    for column in contract.columns
    if column.personal
}
COUNTED = {"bigint", "double precision", "numeric(18,2)", "boolean"}
"""What tells how many, and not who."""
VERDICTS = {
    ("dq.quality_scorecard", "status"),
    *[("dq.quarantine", name) for name in ("state", "rule_id", "rule_ids", "first_rule_id")],
    *[("dq.identity_changes", name) for name in ("kind", "rule_id")],
}
"""Words of our own about rows, whatever stands in them."""

Schema = Mapping[str, list[str]]


# --- what each leaves of a value ---


@pytest.mark.parametrize(
    ("call", "left"),
    [
        pytest.param("masked_name('王小明', 'person')", "王*", id="name"),
        pytest.param("masked_name('欧阳娜娜', 'person')", "欧*", id="longer-name"),
        pytest.param("masked_name('𠮷野家', 'person')", "𠮷*", id="rare-character"),
        pytest.param("masked_name('王', 'person')", "王*", id="name-of-one-character"),
        pytest.param("masked_name('东方机械', 'company')", "东方机械", id="company"),
        pytest.param("masked_name('东方机械', null)", "东*", id="kind-not-known"),
        pytest.param("masked_name(null, 'person')", None, id="no-name"),
        pytest.param("phone_tail('13812345678')", "5678", id="mobile"),
        pytest.param("phone_tail('+442079460000')", "0000", id="international"),
        pytest.param("phone_tail('12345678')", "5678", id="eight-digits"),
        pytest.param("phone_tail('1234567')", None, id="most-of-it-would-be-shown"),
        pytest.param("phone_tail(null)", None, id="no-phone"),
        pytest.param("email_domain('Wang.Xiaoming@Example.COM')", "example.com", id="e-mail"),
        pytest.param("email_domain('no address')", None, id="no-address"),
        pytest.param("email_domain(null)", None, id="no-e-mail"),
        pytest.param("decade(1987)", 1980, id="in-a-decade"),
        pytest.param("decade(1990)", 1990, id="first-of-a-decade"),
        pytest.param("decade(null)", None, id="no-year"),
        pytest.param("gender_group('female')", "female", id="gender"),
        pytest.param("gender_group('女 王小明')", None, id="no-gender"),
        pytest.param("is_given('王小明')", True, id="given"),
        pytest.param("is_given(null)", False, id="not-given"),
        pytest.param(
            "keyed_hash('key', '13812345678')",
            "3300ff5dab7e629c8a8dcdb57b985a6f38f39c2071b489456c5115d05dc90b4e",
            id="hash",
        ),
        pytest.param("keyed_hash('key', null)", None, id="no-hash-of-nothing"),
    ],
)
def test_what_a_mask_leaves(call: str, left: object) -> None:
    query = inline(exp.select(snippet(call)), standard_macros())
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="UTC", tables={}, values={}) as session:
        assert session.rows(query) == [(left,)]


def test_every_mask_has_its_cases() -> None:
    [cases] = [mark.args[1] for mark in test_what_a_mask_leaves.pytestmark]
    assert {case.values[0].partition("(")[0] for case in cases} == set(masks())


# --- that nothing goes on without one ---


def masks() -> dict[str, Macro]:
    """The macros a personal value may pass through, each as one that leaves nothing: lineage ends at it."""
    text = MASKS.read_text(encoding="utf-8")
    return {
        name: Macro(name, macro.parameters, exp.null())
        for name, macro in standard_macros().items()
        if f"create macro {name}(" in text
    }


def unmasked(path: Path, schema: Schema) -> set[tuple[str, tuple[str, str]]]:
    """The output columns of a model that are made of a personal one which passed no mask, restricted ones aside."""
    found = read_model(path, {**standard_macros(), **masks()})
    return {
        (column, source)
        for column, sources in found.lineage({name: schema[name] for name in found.inputs}).items()
        for source in sources
        if source in PERSONAL and column not in found.restricted
    }


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> list[dg.AssetSpec]:
    """The assets of a project that has every source table."""
    folder = tmp_path_factory.mktemp("all") / "company"
    project = Project.read(write_small_company(folder, {table: [] for table in contracts()}))
    return definitions_of(project).resolve_all_asset_specs()


@pytest.fixture(scope="module")
def schema(specs: list[dg.AssetSpec]) -> Schema:
    """The columns of every table."""
    return {
        ".".join(spec.key.path): [column.name for column in spec.metadata["dagster/column_schema"].columns]
        for spec in specs
        if "dagster/column_schema" in spec.metadata
    }


def test_every_personal_column_of_a_contract_is_looked_for(schema: Schema) -> None:
    assert ("dwd.customers", "phone") in PERSONAL
    assert all(column in schema[table] for table, column in PERSONAL)


@pytest.mark.parametrize("name", models())
def test_no_model_shows_what_is_personal(name: str, schema: Schema) -> None:
    assert unmasked(SQL_FOLDER / f"{name.replace('.', '/')}.sql", schema) == set()


LEAKS = [
    pytest.param("c.phone", id="as-it-is"),
    pytest.param("upper(substr(c.email, 1, 9))", id="changed"),
    pytest.param("c.region || c.name", id="joined-to-another"),
    pytest.param("case when c.gender = 'female' then 1 end", id="as-a-condition"),
    pytest.param("max(c.name) over (partition by c.region)", id="of-many"),
    pytest.param("masked_name(c.name, 'person') || c.name", id="beside-its-mask"),
    pytest.param(
        "(select max(l.phone) from dwd.leads as l where l.customer_id = c.customer_id)", id="of-another-table"
    ),
]
MODEL = """-- A table.
-- grain: customer_id
with known as (select c.*, {} as shown from dwd.customers as c)
select
    k.customer_id, -- Customer
    k.shown as note -- Note
from known as k
"""


@pytest.mark.parametrize("expression", LEAKS)
def test_a_leak_is_found(tmp_path: Path, schema: Schema, expression: str) -> None:
    path = tmp_path / "dws" / "leak.sql"
    path.parent.mkdir()
    path.write_text(MODEL.format(expression), encoding="utf-8")
    assert {column for column, _ in unmasked(path, schema)} == {"note"}


@pytest.mark.parametrize("expression", ["phone_tail(c.phone)", "is_given(c.email) or is_given(c.phone)", "c.region"])
def test_what_is_masked_is_no_leak(tmp_path: Path, schema: Schema, expression: str) -> None:
    path = tmp_path / "dws" / "masked.sql"
    path.parent.mkdir()
    path.write_text(MODEL.format(expression), encoding="utf-8")
    assert unmasked(path, schema) == set()


def test_what_python_computes_only_counts_what_is_personal(specs: list[dg.AssetSpec]) -> None:
    """Every column of a table that Python computes says what it is made of before it is."""
    computed = [
        spec for spec in specs if "dagster/column_lineage" in spec.metadata and spec.key.path[0] in ("dws", "ads", "dq")
    ]
    assert computed
    restricted = {(table.name, column) for table in published() for column in table.restricted}
    shown = {
        (".".join(spec.key.path), column.name)
        for spec in computed
        for column in spec.metadata["dagster/column_schema"].columns
        if column.type not in COUNTED
        for source in spec.metadata["dagster/column_lineage"].deps_by_column.get(column.name, [])
        if (".".join(source.asset_key.path), source.column_name) in PERSONAL
    }
    assert shown - restricted == VERDICTS


def test_every_published_table_says_what_it_is_made_of(specs: list[dg.AssetSpec]) -> None:
    told = {".".join(spec.key.path) for spec in specs if "dagster/column_lineage" in spec.metadata}
    assert [table.name for table in published() if table.name not in told | set(models())] == []
    assert all(isinstance(model, Model) for model in models().values())
