"""What stands in plan.yaml and sources.yaml is data: nothing there is ever carried out, whatever it looks like."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import great_expectations.expectations as gxe
import pytest
import sqlalchemy
import yaml
from databases import query
from great_expectations.expectations.row_conditions import PassThroughCondition
from runs import PLAN, customer, evaluate, order, write_small_company
from sent import DAY

from pipeline.errors import ConfigurationError, SourceError
from pipeline.plan import Plan
from pipeline.project import PLAN_FILE, SOURCES_FILE, Feed, Project, Sources
from pipeline.sources import FeedReader
from quality import staged
from quality.contract import contracts
from quality.rules import expectation

MARKER = "carried-out"
LIKE_CODE = {
    "pandas": f"@pd.io.common.os.system('touch {MARKER}')",
    "python": f"__import__('os').system('touch {MARKER}')",
    "shell": f"$(touch {MARKER}) `touch {MARKER}` ; touch {MARKER}",
    "sql": "x'; drop table ads.funnel; --",
    "program": f"x'); copy (select 1) to program 'touch {MARKER}'; --",
    "file": "' || pg_read_file('/etc/passwd') || '",
    "template": "{{ ''.__class__.__mro__ }} {0.__class__} %(x)s $as_of :as_of",
}
CODE = list(LIKE_CODE.values())
LONG = "a" * 64
"""PostgreSQL keeps 63 bytes of a name and cuts off the rest in silence."""


def test_what_looks_like_code_is_taken_for_text(
    tmp_path: Path, server: sqlalchemy.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    label = {"zh": LIKE_CODE["python"], "en": LIKE_CODE["template"]}
    play = {
        "strategy": {"zh": LIKE_CODE["sql"], "en": LIKE_CODE["pandas"]},
        "resource": label,
        "owner": LIKE_CODE["shell"],
    }
    root = write_small_company(
        tmp_path / "company",
        {
            "customers": [customer(number, industry=text, grade=text) for number, text in enumerate(CODE)],
            "orders": [order(number, product=text) for number, text in enumerate(CODE)],
        },
        campaign=PLAN["campaign"] | {"name": label},
        channels=[{"id": "search", "label": label}],
        products=CODE,
        playbook={name: play for name in ("new", "high_value", "potential", "at_risk")},
        definitions={"high_value": "grade", "high_value_grades": CODE},
        owners={"data": LIKE_CODE["program"], "campaign": "acquisition"},
    )
    sources = yaml.safe_load((root / SOURCES_FILE).read_text(encoding="utf-8"))
    sources["tables"]["customers"] |= {
        "columns": {"email": LIKE_CODE["shell"]} | {"address": "address"},
        "values": {"company_size": {text: text for text in CODE}},
        "constants": {"region": LIKE_CODE["file"]},
        "where": {"source_channel": ["search", *CODE]},
        "absent": {"credit_code": LIKE_CODE["template"]},
    }
    file = root / "landing" / "customers_2026-11-20.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("email", LIKE_CODE["shell"], 1), encoding="utf-8")
    (root / SOURCES_FILE).write_text(yaml.safe_dump(sources, allow_unicode=True), encoding="utf-8")
    outcome = evaluate(root, server)
    assert outcome.success, outcome.message
    shown = "select industry, region, strategy_zh, resource_zh, strategy_owner from dws.customer_segments_current"
    assert set(query(server, shown)) == {
        (text, LIKE_CODE["file"], LIKE_CODE["sql"], LIKE_CODE["python"], LIKE_CODE["shell"]) for text in CODE
    }
    assert query(server, "select to_regclass('ads.funnel') is not null") == [(True,)]
    assert list(tmp_path.rglob(f"*{MARKER}*")) == []


NAMES = [
    pytest.param('x"; drop table ads.funnel; --', id="quote"),
    pytest.param("x; drop table ads.funnel", id="second-statement"),
    pytest.param("x y", id="blank"),
    pytest.param(LONG, id="longer-than-postgres-keeps"),
    pytest.param("渠" * 22, id="chinese-of-66-bytes"),
    pytest.param("1x", id="digit-first"),
    pytest.param("", id="nothing"),
    pytest.param("x\n", id="line-break-behind-it"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(lambda name: {"channels": [{"id": name, "label": {"zh": "x", "en": "x"}}]}, id="channel"),
        pytest.param(lambda name: {"campaign": PLAN["campaign"] | {"id": name}}, id="campaign"),
        pytest.param(lambda name: {"targets": {name: "no target"}}, id="target"),
        pytest.param(lambda name: {"playbook": {name: {}}}, id="play"),
        pytest.param(lambda name: {"definitions": {"official": {name: "x"}}}, id="definition"),
    ],
)
def test_a_name_in_the_plan_that_is_no_plain_name_is_refused(tmp_path: Path, where: Any, name: str) -> None:
    write_small_company(tmp_path, {}, **where(name))
    with pytest.raises(ConfigurationError, match=rf"{PLAN_FILE} line \d+"):
        Project.read(tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(lambda name: {name: {"source": "crm", "file": "a.csv"}}, id="table"),
        pytest.param(lambda name: {"customers": {"source": name, "file": "a.csv"}}, id="system"),
        pytest.param(
            lambda name: {"customers": {"source": "crm", "file": "a.csv", "columns": {name: "x"}}}, id="column"
        ),
        pytest.param(
            lambda name: {"customers": {"source": "crm", "file": "a.csv", "constants": {name: "x"}}}, id="constant"
        ),
        pytest.param(
            lambda name: {"customers": {"source": "crm", "database": name, "query": "select 1"}}, id="variable"
        ),
    ],
)
def test_a_name_in_the_sources_that_is_no_plain_name_is_refused(tmp_path: Path, where: Any, name: str) -> None:
    write_small_company(tmp_path, {})
    (tmp_path / SOURCES_FILE).write_text(yaml.safe_dump({"tables": where(name)}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{SOURCES_FILE} line \d+"):
        Project.read(tmp_path)


@pytest.mark.parametrize("file", [PLAN_FILE, SOURCES_FILE])
@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!!python/module:os"])
def test_a_tag_that_would_make_an_object_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, tag: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_small_company(tmp_path, {})
    (tmp_path / file).write_text(f"tables: {tag} [touch {MARKER}]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"{file} line 1"):
        Project.read(tmp_path)
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize("owner", ["@pd.io.common", "a b@example.com", "a@b", "team:", " "])
def test_an_owner_that_dagster_would_not_take_is_named(owner: str) -> None:
    with pytest.raises(ValueError, match="an e-mail address, or the name of a team"):
        Plan.model_validate(PLAN | {"owners": {"data": owner, "campaign": "acquisition"}})


@pytest.mark.parametrize("owner", ["data-office", "team:data-office", "data@example.com", "数据部"])
def test_an_owner_is_a_team_or_an_address(owner: str) -> None:
    assert Plan.model_validate(PLAN | {"owners": {"data": owner, "campaign": "x"}}).owners.data == owner


# --- conditions: their strings would be evaluated ------------------------------------------------------------------


def test_no_rule_has_a_condition_that_is_evaluated_as_code() -> None:
    """The library evaluates a condition that is text with pandas; an object it only compares."""
    suites = [
        expectation(rule, contract, DAY, typed=True)
        for contract in contracts().values()
        for rule in contract.rules
        if not (rule.kind == "listed" and rule.arguments["list"] not in DAY.lists)
    ]
    suites += [rule for table in staged._OWN for rule in staged.expectations(table, ("x",), 1).values()]
    conditions = [rule.row_condition for rule in suites if getattr(rule, "row_condition", None) is not None]
    assert conditions
    assert [condition for condition in conditions if isinstance(condition, PassThroughCondition)] == []


def test_a_condition_that_is_text_would_be_passed_through() -> None:
    """Were it not so, the test before would guard nothing."""
    rule = gxe.ExpectColumnValuesToNotBeNull(column="x", row_condition="x == 1")
    assert isinstance(rule.row_condition, PassThroughCondition)


# --- what may be asked of a source's database ----------------------------------------------------------------------


@pytest.fixture
def crm(server: sqlalchemy.URL) -> Iterator[sqlalchemy.URL]:
    """A database with one order, as the role that a careful owner gives to Tuoke sees it."""
    role = f"loader_of_{server.database}"
    owner = sqlalchemy.create_engine(server)
    with owner.begin() as connection:
        connection.exec_driver_sql(
            f"create role {role} login; create table orders (order_id text); insert into orders values ('O1'); "
            f"grant select, insert, update, delete, truncate on orders to {role}; "
            f"grant create on schema public to {role}; create sequence counter; grant all on counter to {role}"
        )
    yield server.set(username=role)
    with owner.begin() as connection:
        assert connection.exec_driver_sql("select array_agg(order_id) from orders").scalar() == ["O1"]
        assert connection.exec_driver_sql("select is_called from counter").scalar() is False
        tables = connection.exec_driver_sql("select count(*) from pg_class where relnamespace = 'public'::regnamespace")
        assert tables.scalar() == 2
        connection.exec_driver_sql(f"drop owned by {role}; drop role {role}")
    owner.dispose()


def asked(url: sqlalchemy.URL, text: str) -> list[Mapping[str, Any]]:
    """The rows a feed with this query brings."""
    reader = FeedReader(
        Feed(source="crm", database="CRM_URL", query=text),
        table="orders",
        columns=("order_id",),
        required=("order_id",),
        landing=Path("landing"),
        as_of=date(2026, 11, 20),
        environment={"CRM_URL": url.render_as_string(hide_password=False)},
    )
    with reader:
        return [row for batch in reader.batches() for row in batch.to_pylist()]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("select order_id from orders; drop table orders", id="second-statement"),
        pytest.param("select order_id from orders; commit; drop table orders", id="behind-a-commit"),
        pytest.param(
            "select order_id from orders; rollback; begin; delete from orders; commit", id="its-own-transaction"
        ),
        pytest.param("set session characteristics as transaction read write; delete from orders", id="made-writable"),
        pytest.param("delete from orders", id="delete"),
        pytest.param("delete from orders returning order_id", id="delete-that-answers"),
        pytest.param(
            "with gone as (delete from orders returning order_id) select order_id from gone", id="hidden-delete"
        ),
        pytest.param("insert into orders values ('O2') returning order_id", id="insert"),
        pytest.param("select order_id into copied from orders", id="select-into"),
        pytest.param("truncate orders", id="truncate"),
        pytest.param("drop table orders", id="drop"),
        pytest.param("create table mine (n integer)", id="create"),
        pytest.param("select nextval('counter')::text as order_id", id="sequence"),
        pytest.param("explain analyze delete from orders", id="explained-delete"),
        pytest.param("do $$ begin delete from orders; end $$", id="block"),
        pytest.param("copy orders to program 'cat > /tmp/orders'", id="program"),
        pytest.param("copy orders from '/etc/passwd'", id="copy"),
        pytest.param("select pg_read_file('/etc/passwd') as order_id", id="file"),
        pytest.param("select pg_ls_dir('/') as order_id", id="folder"),
        pytest.param("select lo_import('/etc/passwd')::text as order_id", id="import"),
        pytest.param("set role postgres", id="role"),
        pytest.param("select order_id from orders for update", id="lock"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_source_is_only_asked(crm: sqlalchemy.URL, text: str) -> None:
    assert asked(crm, "select order_id from orders")[0]["order_id"] == "O1"
    with pytest.raises((ConfigurationError, SourceError), match="CRM_URL"):
        asked(crm, text)


def test_a_semicolon_in_a_text_or_at_the_end_is_no_second_statement(crm: sqlalchemy.URL) -> None:
    [row] = asked(crm, "select 'a;b' || order_id as order_id /* ; */ from orders; -- ;\n")
    assert row["order_id"] == "a;bO1"


def test_the_models_of_both_files_know_no_key_beside_their_own() -> None:
    for shape in (Plan, Sources):
        assert shape.model_config["extra"] == "forbid"
