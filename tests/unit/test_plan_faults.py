"""What a plan says about KPIs is held against the catalogue before anything runs."""

from datetime import date
from typing import Any

import pytest

from assets.ads.catalogue import catalogue
from assets.ads.plan_faults import plan_faults
from pipeline.plan import (
    AlertRule,
    Alerts,
    AssertedFigure,
    Campaign,
    Channel,
    Claim,
    Claims,
    Definitions,
    Indicator,
    Label,
    Model,
    Owners,
    Plan,
    Risk,
    Risks,
    Target,
    Window,
)


def plan(**fields: Any) -> Plan:
    return Plan(
        campaign=Campaign(id="c", name=Label(zh="秋", en="C"), starts_on=date(2026, 9, 1), ends_on=date(2026, 11, 30)),
        baseline=Window(starts_on=date(2026, 6, 1), ends_on=date(2026, 8, 31)),
        timezone="Asia/Shanghai",
        currency="CNY",
        owners=Owners(data="data", campaign="marketing"),
        **({"targets": {}} | fields),
    )


def model(**weights: float) -> Model:
    return Model(label=Label(zh="模型", en="Model"), weights=weights)


def watching(**fields: Any) -> Alerts:
    return Alerts(rules=[AlertRule(id="watch", **fields)])


def claiming(**fields: Any) -> Claims:
    return Claims(items=[Claim(id="said", source="report", text="1", figures=[AssertedFigure(number=1.0, **fields)])])


def shown_by(kpi: str) -> Risks:
    label = Label(zh="风险", en="Risk")
    return Risks(
        items=[
            Risk(id="r", kind="market", label=label, likelihood=1, impact=1, indicator=Indicator(kpi=kpi, limit=1.0))
        ]
    )


def test_a_plan_that_fits_has_no_faults():
    targets = {
        "new_customers": Target(value=50.0, milestones={"2026-09": 50.0}),
        "cac": Target(value=2000.0, floor=3000.0),
        "nps": "no target",
    }
    fits = plan(
        targets=targets,
        models={"M1": model(new_customers=0.5, cac=0.5)},
        definitions=Definitions(official={"cac": "paying.marketing"}),
        risks=shown_by("cac"),
        alerts=watching(kpi="cac", yellow=1.0, red=2.0),
        claims=claiming(kpi="cac", variant="paying.marketing", dimension="channel", member="search"),
    )
    assert plan_faults(catalogue(), fits) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"risks": shown_by("cca")}, "risks.r.indicator.kpi: no KPI 'cca'; did you mean cac?", id="risk"),
        pytest.param(
            {"alerts": watching(kpi="cca", red=1.0)}, "alerts.watch.kpi: no KPI 'cca'; did you mean cac?", id="alert"
        ),
        pytest.param(
            {"alerts": watching(kpi="cac", yellow=2.0, red=1.0)},
            "alerts.watch: of cac less is better, so turn the limits round",
            id="limits-of-an-alert-the-wrong-way-round",
        ),
        pytest.param(
            {"alerts": watching(kpi="nps", yellow=1.0, red=2.0)},
            "alerts.watch: of nps more is better, so turn the limits round",
            id="limits-that-rise-where-more-is-better",
        ),
        pytest.param({"claims": claiming(kpi="cca")}, "claims.said.kpi: no KPI 'cca'; did you mean cac?", id="claim"),
        pytest.param(
            {"claims": claiming(kpi="cac", judged_by="cpll")}, "claims.said.judged_by: no KPI 'cpll'", id="judged-by"
        ),
        pytest.param(
            {"claims": claiming(kpi="cac", variant="paying")},
            "claims.said.variant: no variant 'paying'",
            id="variant-said",
        ),
        pytest.param(
            {"claims": claiming(kpi="headcount", dimension="channel", member="x")},
            "claims.said.dimension: headcount has none of channel",
            id="dimension-said",
        ),
        pytest.param(
            {"targets": {"cca": Target(value=1.0)}}, "targets.cca: no KPI 'cca'; did you mean cac?", id="target"
        ),
        pytest.param(
            {"models": {"M1": model(cacc=1.0)}}, "models.M1.weights.cacc: no KPI 'cacc'; did you mean cac?", id="weight"
        ),
        pytest.param(
            {
                "models": {
                    "M2": Model(
                        label=Label(zh="二", en="2"), weights={"cac": 0.95}, policy="residual", residual_to="csat"
                    )
                }
            },
            "models.M2.residual_to: no KPI 'csat'",
            id="residual",
        ),
        pytest.param(
            {"definitions": Definitions(official={"cac": "paying"})},
            "definitions.official.cac: no variant 'paying'",
            id="variant",
        ),
        pytest.param({"targets": {"cac": Target(value=2000.0)}}, "targets.cac.floor: missing", id="no-floor"),
        pytest.param(
            {"targets": {"cac": Target(value=2000.0, floor=1000.0)}},
            "must be above the target 2000",
            id="floor-of-less",
        ),
        pytest.param(
            {"targets": {"aov": Target(value=2000.0, floor=2000.0)}},
            "must be below the target 2000",
            id="floor-of-more",
        ),
        pytest.param(
            {"targets": {"nps": Target(value=30.0, milestones={"2026-09": 30.0})}},
            "nps does not add up over months",
            id="milestones",
        ),
        pytest.param(
            {"targets": {"headcount": Target(value=30.0, by={"channel": {"social": 3.0}})}},
            "targets.headcount.by.channel: headcount is not told by channel; known: team, sales_region",
            id="dimension-of-members",
        ),
        pytest.param(
            {
                "targets": {"leads": Target(value=20.0, by={"channel": {"socail": 3.0}})},
                "channels": [Channel(id="social", label=Label(zh="社交媒体", en="Social media"))],
            },
            "targets.leads.by.channel: no channel 'socail' under channels; did you mean social?",
            id="channel-of-no-plan",
        ),
        pytest.param(
            {"targets": {"cac": Target(value=2000.0, floor=3000.0, by={"channel": {"social": 3500.0}})}},
            "targets.cac.by.channel.social.floor: 3000 must be above the target 3500",
            id="floor-of-a-member",
        ),
    ],
)
def test_a_plan_that_can_not_be_evaluated_is_told_where(fields, told):
    [fault] = plan_faults(catalogue(), plan(**fields))
    assert told in fault
