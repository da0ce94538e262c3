"""The project folder: a mistake is named with its file, line, key and value."""

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.plan import Model, Plan, Target
from pipeline.project import Project

PLAN = """campaign: {id: autumn, name: {zh: 秋季拓客, en: Autumn}, starts_on: 2026-09-01, ends_on: 2026-11-30}
baseline: {starts_on: 2026-06-01, ends_on: 2026-08-31}
timezone: Asia/Shanghai
currency: CNY
owners: {data: data-team, campaign: marketing}
targets:
  new_customers: {value: 50, milestones: {2026-09: 15, 2026-10: 18, 2026-11: 17}}
  nps: no target
"""
SOURCES = """tables:
  customers:
    source: crm
    file: customers_{as_of}.csv
    columns: {customer_id: 客户编号}
  expenses: absent
"""


def project(tmp_path: Path, plan: str = PLAN, sources: str = SOURCES) -> Project:
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(sources, encoding="utf-8")
    return Project.read(tmp_path)


def complaint(tmp_path: Path, **files: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        project(tmp_path, **files)
    return str(error.value)


def test_a_good_folder_is_read(tmp_path: Path) -> None:
    found = project(tmp_path)
    assert found.plan.target("new_customers") == Target(
        value=50, milestones={"2026-09": 15, "2026-10": 18, "2026-11": 17}
    )
    assert found.plan.target("nps") is None
    assert found.sources.systems == {"crm": ["customers"]}
    assert found.sources.feeds("expenses") == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(("currency: CNY", "currency: yuan"), ["plan.yaml line 4, currency", "'yuan'"], id="pattern"),
        pytest.param(("timezone: Asia/Shanghai\n", ""), ["timezone: required, but missing"], id="missing"),
        pytest.param(
            ("currency: CNY", "currency: CNY\ncurency: CNY"), ["line 5, curency: unknown key"], id="unknown-key"
        ),
        pytest.param(("Asia/Shanghai", "China/Peking"), ["line 3, timezone", "China/Peking"], id="no-such-zone"),
        pytest.param(
            ("value: 50", "value: yes"), ["line 7, targets.new_customers.value", "True"], id="yaml-truth-is-no-number"
        ),
        pytest.param(("2026-11: 17", "2026-11: 16"), ["milestones add up to 49, the target is 50"], id="milestones"),
        pytest.param(("nps: no target", "nps:"), ["line 8, targets.nps"], id="blank-target"),
        pytest.param(
            ("ends_on: 2026-08-31", "ends_on: 2026-09-15"), ["the baseline must be over"], id="overlapping-windows"
        ),
        pytest.param(
            ("currency: CNY", "currency: CNY\ncurrency: EUR"), ["line 5", "stands twice"], id="same-key-twice"
        ),
        pytest.param(
            ("ends_on: 2026-11-30}", "ends_on: 2026-08-30}"),
            ["line 1, campaign", "before starts_on"],
            id="ends-before-start",
        ),
    ],
)
def test_a_mistake_in_the_plan_is_named_with_its_line(tmp_path: Path, change: tuple[str, str], told: list[str]) -> None:
    """I61: a field left blank is refused, no value is invented."""
    message = complaint(tmp_path, plan=PLAN.replace(*change))
    for part in told:
        assert part in message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(
            ("file: customers_{as_of}.csv", "file: ../elsewhere.csv"), "leaves the landing folder", id="traversal"
        ),
        pytest.param(("file: customers_{as_of}.csv", "file: /etc/passwd"), "leaves the landing folder", id="absolute"),
        pytest.param(("    file: customers_{as_of}.csv\n", ""), "either file or query", id="no-place"),
        pytest.param(("expenses: absent", "expenses: nowhere"), "tables.expenses", id="not-absent"),
        pytest.param(("source: crm", 'source: "x\\"; drop table"'), "tables.customers.source", id="no-identifier"),
        pytest.param(
            ("columns: {", "constants: {customer_id: x}\n    columns: {"), "mapped and also constant", id="twice"
        ),
    ],
)
def test_a_mistake_in_the_sources_is_named(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert told in complaint(tmp_path, sources=SOURCES.replace(*change))


@pytest.mark.parametrize(
    ("target", "told"),
    [
        pytest.param("{value: abc}", "targets.nps.value: Input should be a valid number", id="a-wrong-value"),
        pytest.param("{floor: 1}", "targets.nps.value: required, but missing", id="no-value"),
        pytest.param("abc", "targets.nps: must be a mapping or the words 'no target', found 'abc'", id="a-wrong-word"),
    ],
)
def test_one_mistake_in_a_value_of_several_forms_is_told_once(tmp_path: Path, target: str, told: str) -> None:
    message = complaint(tmp_path, plan=PLAN.replace("nps: no target", f"nps: {target}"))
    assert told in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("feed", "told"),
    [
        pytest.param("[{source: hr}]", "tables.expenses.0: a feed has either file or query", id="in-a-list"),
        pytest.param("{source: hr}", "tables.expenses: a feed has either file or query", id="alone"),
        pytest.param(
            "nowhere", "tables.expenses: must be a mapping or a list or the words 'absent', found", id="no-form-at-all"
        ),
    ],
)
def test_one_mistake_in_a_feed_is_told_once(tmp_path: Path, feed: str, told: str) -> None:
    message = complaint(tmp_path, sources=SOURCES.replace("expenses: absent", f"expenses: {feed}"))
    assert told in message
    assert len(message.splitlines()) == 1


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    message = complaint(tmp_path, plan=PLAN.replace("CNY", "yuan").replace("Asia/Shanghai", "Nowhere"))
    assert len(message.splitlines()) == 2


def test_a_missing_file_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="tuoke init"):
        Project.read(tmp_path / "nowhere")


def test_the_plan_hash_changes_with_the_plan_and_not_with_its_layout(tmp_path: Path) -> None:
    first = project(tmp_path).plan.plan_hash
    assert (
        project(tmp_path, plan=PLAN.replace("{zh: 秋季拓客, en: Autumn}", "{en: Autumn, zh: 秋季拓客}")).plan.plan_hash
        == first
    )
    assert project(tmp_path, plan=PLAN.replace("value: 50,", "value: 50, floor: 1,")).plan.plan_hash != first


@pytest.mark.parametrize("total", [0.95, 1.05])
def test_weights_that_miss_100_percent_are_refused_when_strict(total: float) -> None:
    with pytest.raises(ValueError, match="weights add up to"):
        Model(label={"zh": "模型", "en": "Model"}, weights={"nps": total - 0.5, "aov": 0.5}, policy="strict")


def test_normalised_weights_add_up_to_one() -> None:
    model = Model(label={"zh": "模型", "en": "Model"}, weights={"nps": 0.55, "aov": 0.5})
    assert sum(model.effective_weights.values()) == pytest.approx(1)


def test_the_residual_goes_where_the_plan_says() -> None:
    model = Model(
        label={"zh": "模型", "en": "Model"}, weights={"nps": 0.95}, policy="residual", residual_to="csat_mean"
    )
    assert model.effective_weights == pytest.approx({"nps": 0.95, "csat_mean": 0.05})


def test_the_default_classes_are_those_of_the_documents() -> None:
    rules = Plan.model_fields["segments"].default.rfm.rules
    assert [rule.id for rule in rules] == ["high_value", "potential", "new", "at_risk"]
