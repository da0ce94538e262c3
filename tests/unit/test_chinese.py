"""What Chinese readers see for coded values: the dictionary's words, and what the plan calls its own."""

from models import a_plan

from assets.ads.actions import ACTIONS
from assets.ads.campaign_scorecard import CAMPAIGN_SCORECARD
from assets.ads.composite_scores import COMPOSITE_SCORES
from assets.ads.kpi_scorecard import kpi_scorecard_spec
from assets.ads.kpi_values import KPI_VALUES
from assets.chinese import Spoken, chinese
from assets.models import models
from pipeline.plan import Channel, Label, Owners, Risk, Risks
from pipeline.plan.quality import Cleaning, Outlier
from quality.scorecard import SCORECARD
from quality.treatment import TREATED

EXPO = Channel(id="expo", label=Label(zh="展会论坛", en="Expos"))
RIVALS = Risk(id="rivals", kind="market", label=Label(zh="对手降价", en="Rivals"), likelihood=1, impact=1)


def spoken(table, column: str, **plan) -> Spoken:
    return chinese().spoken(column, table.columns, a_plan(**plan))


def test_members_are_called_what_the_plan_calls_them():
    told = spoken(KPI_VALUES, "member", channels=[EXPO], risks=Risks(items=[RIVALS]))
    assert told.by == "dimension"
    assert told.words["channel/expo"] == "展会论坛"
    assert told.words["risk/rivals"] == "对手降价"
    assert told.words["source/orders"] == "订单"
    assert told.words["total/(all)"] == "全部"
    assert told.words["region/(unknown)"] == "未知"
    assert "team/expo" not in told.words


def test_a_channel_of_its_own_column_is_called_so_too():
    told = spoken(models()["dws.lead_grades"], "channel", channels=[EXPO])
    assert (told.words["expo"], told.by) == ("展会论坛", None)


def test_owners_are_called_what_the_plan_calls_them_wherever_they_stand():
    owners = Owners(data="data-office", campaign="sales", names={"sales": Label(zh="销售部", en="Sales")})
    for column in ("owner", "strategy_owner"):
        assert spoken(ACTIONS, column, owners=owners).words["sales"] == "销售部"
    assert spoken(ACTIONS, "owner").words["crm-data-owner"] == "CRM 数据负责人"


def test_rules_of_treatment_and_advice_are_told_in_words():
    outlier = Outlier(table="orders", column="amount", threshold=6)
    told = spoken(TREATED, "rule", cleaning=Cleaning(outliers=[outlier])).words
    assert (told["mode"], told["modified z-score above 6"]) == ("众数", "修正 z 分数高于 6")
    assert spoken(CAMPAIGN_SCORECARD, "advice_id").words["below_cost"] == "产出偏低"


def test_states_of_kpis_are_told_as_states_are():
    assert spoken(kpi_scorecard_spec(), "cac_state").words["withheld"] == "暂不公布"


def test_the_parts_of_a_list_and_the_keys_of_json_are_called_what_kpis_are_called():
    told = spoken(COMPOSITE_SCORES, "raw_weights")
    assert (told.holds, told.words["cac"]) == ("keys", "客户获取成本")


def test_what_is_told_in_chinese_too_is_not_shown_in_english():
    shown = [name for name in SCORECARD.columns if chinese().is_shown(name, SCORECARD.columns)]
    assert "reason_zh" in shown
    assert "reason" not in shown
