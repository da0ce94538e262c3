"""What must hold of all of it: whatever is added to the project is held to this without anybody thinking of it."""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from runs import write_small_company

from assets.ads.catalogue import catalogue
from assets.chinese import chinese
from assets.factory import GRAIN_CHECK, asset_key
from assets.models import models, published
from assets.published import Published
from pipeline.definitions import definitions_of
from pipeline.project import Project
from pipeline.warehouse.relations import ADDED, ADDED_CHINESE
from quality.contract import Contract, Rule, contracts
from quality.rules import message

ROOT = Path(__file__).parents[2]
LAYERS = ("ods", "dwd", "dws", "ads", "dq", "meta")
PRODUCT = ("assets", "pipeline", "quality")
SCRIPTS = Path(sysconfig.get_path("scripts"))
TABLES = list(contracts().values())
RULES = [rule for contract in TABLES for rule in contract.rules]
Specs = dict[dg.AssetKey, dg.AssetSpec]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has every source table."""
    return Project.read(
        write_small_company(tmp_path_factory.mktemp("all") / "company", {table: [] for table in contracts()})
    )


@pytest.fixture(scope="module")
def definitions(project: Project) -> dg.Definitions:
    return definitions_of(project)


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> Specs:
    """Every asset, those outside Tuoke included."""
    return {spec.key: spec for spec in definitions.resolve_all_asset_specs()}


# --- what readers see ---


@pytest.mark.parametrize("table", published(), ids=lambda table: table.name)
def test_every_published_table_and_column_has_a_chinese_name_of_its_own(table: Published):
    assert chinese().table(table.name)
    names = [chinese().column(table.name, name) for name in table.columns if chinese().is_shown(name, table.columns)]
    assert sorted({name for name in names if names.count(name) > 1}) == []


CASE_CODE = re.compile(r"§|\bS[0-4] ?(?:表|[一二三四五六七八九十])|表\s?\d|\b[FIGXU]\d{1,3}\b")
"""What the documents the project began with call their parts, and what their requirements are numbered by."""


@pytest.mark.parametrize("table", published(), ids=lambda table: table.name)
def test_no_comment_readers_see_names_what_only_the_documents_know(table: Published):
    """The reader of a table does not have the documents; `seed:` in a model's header is for those who do."""
    told = [table.description, *(description for _, description in table.columns.values())]
    assert [text for text in told if CASE_CODE.search(text)] == []


@pytest.mark.parametrize("contract", TABLES, ids=lambda contract: contract.table)
def test_no_description_of_a_source_names_what_only_the_documents_know(contract: Contract):
    told = [contract.description, *(column.description for column in contract.columns)]
    told += [text for rule in contract.rules for text in message(rule, contract)]
    assert [text for text in told if CASE_CODE.search(text)] == []


@pytest.mark.parametrize("file", ["insights", "playbook"])
def test_no_sentence_of_the_usual_rules_names_what_only_the_documents_know(file: str):
    """Comments in the file are for those who have them."""
    written = yaml.safe_load((ROOT / f"pipeline/plan/{file}.yaml").read_text(encoding="utf-8"))
    assert CASE_CODE.findall(json.dumps(written, ensure_ascii=False)) == []


@pytest.mark.parametrize("file", sorted((ROOT / "sql/postgres").glob("*.sql")), ids=lambda file: file.stem)
def test_no_comment_made_in_postgres_names_what_only_the_documents_know(file: Path):
    statements = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("--")]
    assert CASE_CODE.findall("\n".join(statements)) == []


def test_what_kpis_are_said_to_be_names_nothing_that_only_the_documents_know():
    told = [
        text
        for kpi in catalogue().kpis.values()
        for words in (kpi, *kpi.variants.values())
        for label in (words.label, words.meaning, words.formula)
        if label is not None
        for text in (label.zh, label.en)
    ]
    assert [text for text in told if CASE_CODE.search(text)] == []


def test_the_chinese_dictionary_names_nothing_that_is_not_there():
    tables = {table.name: set(table.columns) for table in [*models().values(), *published()]}
    columns = set().union(*tables.values()) | set(ADDED)
    assert set(chinese().tables) - set(tables) == set()
    assert set(chinese().columns) - columns == set()
    assert set(chinese().words) - columns == set()
    assert [(table, name) for table, names in chinese().of.items() for name in names if name not in tables[table]] == []


def test_the_chinese_dictionary_names_nothing_twice():
    written = yaml.compose((ROOT / "sql/chinese.yaml").read_text(encoding="utf-8"))
    for section, names in written.value:
        found = [name.value for name in _names_in(names)]
        assert sorted({name for name in found if found.count(name) > 1}) == [], section.value


def _names_in(section: yaml.Node) -> list[yaml.Node]:
    """The keys of a mapping, the items of a list."""
    return [name for name, _ in section.value] if isinstance(section, yaml.MappingNode) else section.value


def test_the_columns_publishing_adds_are_called_one_thing():
    assert {name: chinese().columns[name] for name in ADDED} == ADDED_CHINESE


# --- assets ---


def test_every_asset_has_an_owner_a_description_and_a_kind(specs: Specs):
    for key, spec in specs.items():
        assert spec.owners, f"{key} has no owner"
        assert spec.description, f"{key} has no description"
        assert spec.kinds, f"{key} has no kind"


def test_every_table_is_in_the_group_of_its_layer(specs: Specs):
    assert {key.path[0] for key in specs} == {*LAYERS, "published", "source", "plan"}
    for key, spec in tables(specs).items():
        assert spec.group_name == key.path[0], key


def test_every_column_of_every_table_is_described(specs: Specs):
    for key, spec in tables(specs).items():
        columns = spec.metadata["dagster/column_schema"].columns
        assert columns, key
        assert [column.name for column in columns if not column.description] == [], key


def test_every_table_behind_the_landing_says_its_grain_and_is_checked_for_it(definitions: dg.Definitions, specs: Specs):
    checked = {
        check.asset_key
        for asset in definitions.assets
        if isinstance(asset, dg.AssetsDefinition)
        for check in asset.check_specs
        if check.name == GRAIN_CHECK
    }
    behind = {key: spec for key, spec in tables(specs).items() if key.path[0] not in ("ods", "published")}
    assert checked == behind.keys()
    assert all(spec.metadata["grain"] for spec in behind.values())


def tables(specs: Specs) -> Specs:
    """The assets that Tuoke builds."""
    return {key: spec for key, spec in specs.items() if key.path[0] in (*LAYERS, "published")}


@pytest.mark.parametrize("name", models())
def test_every_model_is_an_asset_that_says_its_grain(specs: Specs, name: str):
    assert models()[name].grain
    assert specs[asset_key(name)].metadata["grain"] == ", ".join(models()[name].grain)


@pytest.mark.parametrize("name", models())
def test_every_column_of_a_model_is_explained(name: str):
    assert all(models()[name].columns.values())


@pytest.mark.parametrize("table", published(), ids=lambda table: table.name)
def test_the_grain_of_a_published_table_is_among_its_columns(specs: Specs, table: Published):
    columns = {column.name for column in specs[table.key].metadata["dagster/column_schema"].columns}
    assert table.grain
    assert set(table.grain) <= columns


def test_whatever_is_published_comes_from_the_table_of_its_name(specs: Specs):
    for table in published():
        assert asset_key(table.name) in {dep.asset_key for dep in specs[table.key].deps}, table.name


# --- contracts ---


def test_every_source_table_has_a_contract_and_every_contract_its_tables(specs: Specs):
    by_layer = {layer: {key.path[1] for key in specs if key.path[0] == layer} for layer in ("ods", "dwd")}
    assert by_layer["ods"] == set(contracts())
    assert by_layer["dwd"] == {*contracts(), "customer_records", "customer_links"}


@pytest.mark.parametrize("contract", TABLES, ids=lambda contract: contract.table)
def test_every_contract_says_who_delivers_what_when(contract: Contract):
    assert contract.owner and contract.description and contract.available_by
    assert contract.label.en and is_chinese(contract.label.zh)
    assert contract.key
    assert contract.event is None or contract.event in contract.by_name


@pytest.mark.parametrize("contract", TABLES, ids=lambda contract: contract.table)
def test_every_column_of_a_contract_has_a_description_and_both_labels(contract: Contract):
    for column in contract.columns:
        assert column.description, column.name
        assert column.label.en and column.label.en.isascii(), column.name
        assert is_chinese(column.label.zh), column.name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.table}.{rule.id}")
def test_every_rule_can_be_told_in_both_languages(rule: Rule):
    chinese, english = message(rule, contracts()[rule.table])
    assert is_chinese(chinese)
    assert english and english.isascii()
    assert not set("{}") & set(chinese + english)


def test_no_rule_of_a_table_has_the_name_of_another():
    named = [(rule.table, rule.id) for rule in RULES]
    assert sorted(set(named)) == sorted(named)


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


# --- code ---


def test_imports_go_one_way():
    done = run(SCRIPTS / "lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [("check", "."), ("format", "--check", ".")], ids=["check", "format"])
def test_ruff_has_nothing_to_say(arguments: tuple[str, ...]):
    done = run(SCRIPTS / "ruff", *arguments, "--no-cache")
    assert done.returncode == 0, done.stdout


def test_definitions_load_without_what_only_a_run_needs(project: Project):
    script = (
        "import sys; from pathlib import Path; "
        "from pipeline.definitions import definitions_of; from pipeline.project import Project; "
        "definitions_of(Project.read(Path(sys.argv[1]))).resolve_all_job_defs(); "
        "sys.stdout.write(' '.join({'great_expectations', 'pyspark'} & set(sys.modules)))"
    )
    done = run(sys.executable, "-W", "ignore", "-c", script, str(project.root))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


NEEDED = """
import builtins, graphlib, importlib, sys
own, needs, really = ("assets", "pipeline", "quality"), {}, builtins.__import__

def noting(name, globals=None, locals=None, names=(), level=0):
    found, user = really(name, globals, locals, names, level), (globals or {}).get("__name__", "")
    if user.split(".")[0] in own and name.split(".")[0] in own:
        inside = [f"{name}.{part}" for part in names or () if f"{name}.{part}" in sys.modules]
        needed = [*inside, name] if not names or len(inside) < len(names) else inside
        packages = {module[:end] for module in needed for end, sign in enumerate(module) if sign == "."}
        others = {package for package in packages if not f"{user}.".startswith(f"{package}.")}
        needs.setdefault(user, set()).update(needed, others)
    return found

builtins.__import__ = noting
for module in sys.argv[1:]:
    importlib.import_module(module)
sys.exit(len(needs) < len(own) or graphlib.TopologicalSorter(needs).prepare())
"""
"""Notes which module needs which while it is loaded, and ends with an error where they need each other in a circle.

Whoever needs a module of another package needs that package, too; of its own package a module is a part.
"""


def test_every_module_can_be_the_first_to_be_imported():
    """A circle of imports shows only to those who enter it at the wrong place: there is none."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules()]
    done = run(sys.executable, "-W", "ignore", "-c", NEEDED, *[name.removesuffix(".__init__") for name in names])
    assert done.returncode == 0, done.stderr


def test_nothing_is_printed():
    """A run speaks through Dagster's log, a command through its console."""
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def modules() -> Iterator[Path]:
    """Every module of the product."""
    for folder in PRODUCT:
        yield from sorted((ROOT / folder).rglob("*.py"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
