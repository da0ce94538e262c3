"""The catalogue: what ships is complete, and a malformed entry is refused with its place and the reason."""

from pathlib import Path

import pytest

from assets.ads.catalogue import Catalogue, catalogue, definition_needs, read_catalogue
from pipeline.engine import SQL_FOLDER, read_model, standard_macros
from pipeline.errors import ConfigurationError
from pipeline.plan import Definitions, ValidLead

GOOD = """facts:
  sales:
    table: dws.sales
    date: ordered_on
    contracts: [orders]
    dimensions: {channel: channel, team: team_id}
    columns: {customer_id: text, net_amount: money, is_first_order: flag}
    measures:
      revenue: {value: sum(net_amount)}
      buyers: {value: count(customer_id), where: is_first_order, contracts: [customers], needs: [orders.amount]}
  costs:
    table: dws.costs
    date: spent_on
    contracts: [expenses]
    dimensions: {channel: channel}
    columns: {amount: money}
    measures:
      cost: {value: sum(amount), without_rows: unknown}
kpis:
  cac:
    label: {zh: 获客成本, en: CAC}
    meaning: {zh: 每位新客户的成本, en: Cost per new customer}
    formula: {zh: 成本 / 新客户, en: cost / new customers}
    unit: currency
    better: lower
    official: paying
    variants:
      paying: {numerator: cost, denominator: buyers}
      margin: {numerator: revenue - 2 * cost, denominator: cost}
    seeds: [F090, I12]
"""


def read(tmp_path: Path, text: str) -> Catalogue:
    file = tmp_path / "kpis.yaml"
    file.write_text(text, encoding="utf-8")
    return read_catalogue(file)


def complaint(tmp_path: Path, old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} must stand once in the good catalogue"
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, GOOD.replace(old, new))
    return str(error.value)


def test_a_good_catalogue_tells_what_each_variant_is_made_of(tmp_path):
    kpis = read(tmp_path, GOOD)
    paying, margin = kpis.kpis["cac"].variants.values()
    assert kpis.contracts(paying) == ["customers", "expenses", "orders"]
    assert kpis.contracts(margin) == ["expenses", "orders"]
    assert kpis.needs(paying, Definitions()) == ["orders.amount"]
    assert paying.observed == "buyers"
    assert kpis.tables == ["dws.costs", "dws.sales"]


def test_a_dimension_is_had_only_where_every_fact_has_it(tmp_path):
    kpis = read(tmp_path, GOOD)
    assert kpis.dimensions("cac", kpis.kpis["cac"].variants["paying"]) == ["channel"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(
            "value: sum(net_amount)",
            "value: sum(net_amont)",
            "line 9, facts.sales.measures.revenue.value: unknown column 'net_amont'; did you mean net_amount?",
            id="unknown-column",
        ),
        pytest.param(
            "where: is_first_order",
            "where: is_first",
            "line 10, facts.sales.measures.buyers.where: unknown column 'is_first'; did you mean is_first_order?",
            id="unknown-column-in-condition",
        ),
        pytest.param(
            "contracts: [orders]",
            "contracts: [order]",
            "line 5, facts.sales.contracts: unknown contract",
            id="contract",
        ),
        pytest.param("needs: [orders.amount]", "needs: [orders.total]", "no contract has orders.total", id="needs"),
        pytest.param(
            "numerator: cost, denominator: buyers",
            "numerator: cost, denominator: buyer",
            "line 28, kpis.cac.variants.paying.denominator: unknown measure 'buyer'; did you mean buyers?",
            id="unknown-measure",
        ),
        pytest.param(
            "official: paying", "official: payed", "line 26, kpis.cac.official: no such variant", id="no-such-variant"
        ),
        pytest.param(
            "    official: paying\n",
            "",
            "line 20, kpis.cac: say which variant is official: paying, margin",
            id="no-official",
        ),
        pytest.param(
            "better: lower",
            "better: less",
            "line 25, kpis.cac.better: Input should be 'higher' or 'lower'",
            id="better",
        ),
        pytest.param("unit: currency", "unit: yuan", "line 24, kpis.cac.unit", id="unit"),
        pytest.param("    unit: currency\n", "", "kpis.cac.unit: required, but missing", id="missing-key"),
        pytest.param(
            "better: lower", "better: lower\n    bettr: lower", "line 26, kpis.cac.bettr: unknown key", id="unknown-key"
        ),
        pytest.param(
            "paying: {numerator",
            "paying: {label: {zh: 成本, en: Cost}, numerator",
            "kpis.cac.variants.paying: a variant has label, meaning and formula of its own, or none of them; add mean",
            id="half-told-variant",
        ),
        pytest.param("zh: 获客成本, ", "", "kpis.cac.label.zh: required, but missing", id="one-language-only"),
        pytest.param("seeds: [F090, I12]", "seeds: [CAC]", "line 30, kpis.cac.seeds", id="seed"),
        pytest.param(
            "{channel: channel}", "{chanel: channel}", "line 15, facts.costs.dimensions.chanel", id="dimension"
        ),
        pytest.param(
            "cost: {value",
            "revenue: {value",
            "facts.costs.measures.revenue: name taken by fact sales",
            id="measure-twice",
        ),
        pytest.param(
            "cost: {value",
            "amount: {value",
            "facts.costs.measures.amount: name taken by a column",
            id="measure-as-column",
        ),
        pytest.param(
            "cost: {value",
            "period_bits: {value",
            "facts.costs.measures.period_bits: name taken by a column",
            id="measure-as-column-of-the-query",
        ),
        pytest.param(
            "better: lower", "better: lower\n    additive: true", "a quotient does not add up", id="additive-quotient"
        ),
        pytest.param(
            "better: lower", "better: lower\n    interval: mean", "interval mean needs spread", id="no-spread"
        ),
        pytest.param(
            "better: lower",
            "better: lower\n    dimensions: [team]",
            "not every fact of variant paying has it",
            id="no-such-dimension",
        ),
        pytest.param("numerator: cost, denominator: buyers", "numerator: '1'", "names no measure", id="no-measure"),
    ],
)
def test_a_malformed_entry_is_refused_with_its_place_and_the_reason(tmp_path, old, new, told):
    message = complaint(tmp_path, old, new)
    assert message.startswith("kpis.yaml line ")
    assert told in message


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("avg(net_amount)", "a measure is one sum(...) or count(...)", id="mean"),
        pytest.param("net_amount", "a measure is one sum(...) or count(...)", id="no-aggregate"),
        pytest.param("count(distinct customer_id, net_amount)", "several things at once; name one", id="pairs"),
        pytest.param("sum(net_amount) as x", "a measure is one sum(...) or count(...)", id="alias"),
        pytest.param("sum(net_amount) over ()", "a measure is one sum(...) or count(...)", id="window"),
        pytest.param("sum(net_amount) filter (where is_first_order)", "conditions go under where", id="filter"),
        pytest.param("select 1", "a measure is one sum(...) or count(...)", id="statement"),
        pytest.param("sum((select max(amount) from dwd.orders))", "is not allowed here", id="sub-query"),
        pytest.param("sum(net_amount); drop table dws.sales", "one expression is wanted, found 2", id="two-statements"),
        pytest.param("sum(net_amount), count(*)", "not an SQL expression", id="two-expressions"),
        pytest.param("sum(read_text('/etc/passwd'))", "is not allowed here", id="function-that-reads-files"),
        pytest.param("sum(count(*))", "is not allowed here", id="nested"),
        pytest.param("sum(dws.sales.net_amount)", "only the fact's own columns can be named", id="qualified"),
        pytest.param("sum($as_of)", "is not allowed here", id="parameter"),
        pytest.param("sum(net_amount / 2)", "is not allowed here", id="division"),
        pytest.param("sum(", "not an SQL expression", id="unfinished"),
        pytest.param(" ", "one expression is wanted, found 0", id="blank"),
    ],
)
def test_a_measure_that_is_not_one_plain_aggregate_is_refused(tmp_path, value, told):
    message = complaint(tmp_path, "value: sum(net_amount)", f'value: "{value}"')
    assert "line 9, facts.sales.measures.revenue.value" in message
    assert told in message


@pytest.mark.parametrize(
    ("where", "told"),
    [
        pytest.param("customer_id in (select customer_id from dwd.customers)", "is not allowed here", id="sub-query"),
        pytest.param("count(*) > 1", "is not allowed here", id="aggregate"),
        pytest.param("is_first_order; select 1", "one expression is wanted, found 2", id="two-statements"),
    ],
)
def test_a_condition_that_looks_beyond_its_row_is_refused(tmp_path, where, told):
    message = complaint(tmp_path, "where: is_first_order", f'where: "{where}"')
    assert "line 10, facts.sales.measures.buyers.where" in message
    assert told in message


@pytest.mark.parametrize(
    ("numerator", "told"),
    [
        pytest.param("cost / buyers", "is not allowed here", id="division"),
        pytest.param("sum(amount)", "is not allowed here", id="aggregate"),
        pytest.param("cost + 'x'", "text is no quantity", id="text"),
        pytest.param("case when cost > 1 then cost end", "is not allowed here", id="case"),
    ],
)
def test_a_kpi_only_adds_up_measures(tmp_path, numerator, told):
    message = complaint(tmp_path, "numerator: cost, denominator: buyers", f'numerator: "{numerator}"')
    assert "line 28, kpis.cac.variants.paying.numerator" in message
    assert told in message


def test_every_fault_of_a_catalogue_is_told_at_once(tmp_path):
    text = GOOD.replace("sum(net_amount)", "sum(net)").replace("official: paying", "official: payed")
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, text)
    assert len(str(error.value).splitlines()) == 2


def test_valid_leads_need_only_what_the_plan_looks_at():
    strict = Definitions(valid_lead=ValidLead(minimum_score=60.0))
    lenient = Definitions(valid_lead=ValidLead(contactable=False, demand_tag=False))
    assert definition_needs(strict)["valid_lead"] == [
        "leads.phone or leads.email or customers.phone or customers.email",
        "leads.demand_tag or customers.demand_tag",
        "leads.score",
    ]
    assert definition_needs(lenient)["valid_lead"] == []


def test_high_value_needs_the_grade_only_where_the_plan_goes_by_it():
    assert definition_needs(Definitions())["high_value"] == []
    assert definition_needs(Definitions(high_value="grade"))["high_value"] == ["customers.grade"]
    assert definition_needs(Definitions(high_value="company"))["high_value"] == ["customers.kind"]


def test_the_first_dozen_is_in_the_catalogue():
    customers = {"new_customers", "high_value_share", "arpu", "aov", "csat_mean", "csat_topbox_rate", "nps"}
    leads = {"lead_conversion_rate", "valid_lead_conversion_rate", "first_touch_hours", "sales_cycle_days"}
    costs = {"cac", "cpl", "roi_revenue", "io_ratio"}
    assert customers | leads | costs <= set(catalogue().kpis)
    by_scope = {"paying.full", "paying.marketing", "paying.direct", "paying.planned"}
    assert set(catalogue().kpis["cac"].variants) == {*by_scope, "effective", "registered"}


def test_cost_per_customer_is_known_by_channel_team_and_activity_only():
    kpis = catalogue()
    assert kpis.dimensions("cac", kpis.kpis["cac"].variants["paying.full"]) == ["channel", "team", "activity"]


def test_what_adds_up_has_no_denominator():
    assert catalogue().additive <= catalogue().quantities


@pytest.mark.parametrize("name", catalogue().facts)
def test_every_column_of_a_fact_is_one_of_its_model(name):
    fact = catalogue().facts[name]
    model = read_model(SQL_FOLDER / f"{fact.table.replace('.', '/')}.sql", standard_macros())
    named = {fact.date, *fact.dimensions.values(), *fact.columns, *([fact.rows.column] if fact.rows else [])}
    assert named - {None} <= set(model.columns)
